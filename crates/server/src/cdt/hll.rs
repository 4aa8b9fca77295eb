//! Operations on HyperLogLogs (protocol 9.10): what they accept, and what they make of a bin.

use aerospike_wire::{ParticleType, ResultCode};

use super::normal::take_normal;
use super::pack;
use super::sketch::{Shape, Sketch};
use super::value::{Element, Head, as_integer, head, take_element, take_head};
use super::{Bin, BinChange, Modified, Particle};

mod flags {
    pub(super) const CREATE_ONLY: i64 = 1;
    pub(super) const UPDATE_ONLY: i64 = 2;
    pub(super) const NO_FAIL: i64 = 4;
    pub(super) const ALLOW_FOLD: i64 = 8;
}

/// "Not said" for index and minhash bits.
const UNSPECIFIED: i64 = -1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parameter {
    Bits,
    Elements,
    Sketches,
    Flags,
}

#[derive(Clone, Copy)]
enum Run {
    Modify(fn(Option<Sketch>, &Args) -> Result<Done, ResultCode>),
    Read(fn(&Sketch, &Args) -> Result<Particle, ResultCode>),
}

/// What a modifying operation leaves: the sketch if it changed, and the result.
type Done = (Option<Sketch>, Option<Particle>);

struct Operation {
    code: i64,
    run: Run,
    parameters: &'static [Parameter],
    required: usize,
    /// The write flags the operation knows.
    allowed: i64,
}

use Parameter::{Bits, Elements, Flags, Sketches};
use Run::{Modify, Read};

const fn row(code: i64, run: Run, parameters: &'static [Parameter], required: usize, allowed: i64) -> Operation {
    Operation { code, run, parameters, required, allowed }
}

static OPERATIONS: &[Operation] = &[
    row(0, Modify(init), &[Bits, Bits, Flags], 0, 7),
    row(1, Modify(add), &[Elements, Bits, Bits, Flags], 1, 5),
    row(2, Modify(set_union), &[Sketches, Flags], 1, 15),
    row(3, Modify(refresh_count), &[], 0, 0),
    row(4, Modify(fold), &[Bits], 1, 0),
    row(50, Read(get_count), &[], 0, 0),
    row(51, Read(get_union), &[Sketches], 1, 0),
    row(52, Read(union_count), &[Sketches], 1, 0),
    row(53, Read(intersect_count), &[Sketches], 1, 0),
    row(54, Read(similarity), &[Sketches], 1, 0),
    row(55, Read(describe), &[], 0, 0),
    row(56, Read(may_contain), &[Elements], 1, 0),
];

/// Decoded arguments.
#[derive(Debug, Default)]
struct Args {
    bits: Vec<i64>,
    elements: Vec<Vec<u8>>,
    sketches: Vec<Sketch>,
    flags: i64,
}

impl Args {
    fn bits(&self, at: usize) -> i64 {
        self.bits.get(at).copied().unwrap_or(UNSPECIFIED)
    }
}

struct Call {
    operation: &'static Operation,
    args: Args,
}

fn parse(mut payload: &[u8]) -> Option<Call> {
    let Head::List(n) = take_head(&mut payload)? else { return None };
    let code = take_element(&mut payload).and_then(as_integer)?;
    let operation = OPERATIONS.iter().find(|op| op.code == code)?;
    let given = n.checked_sub(1).filter(|n| (operation.required..=operation.parameters.len()).contains(n))?;
    let mut args = Args::default();
    for kind in &operation.parameters[..given] {
        match kind {
            Bits => args.bits.push(take_element(&mut payload).and_then(as_integer)?),
            Flags => args.flags = take_element(&mut payload).and_then(as_integer)?,
            Elements => args.elements = list(&mut payload, hashable)?,
            Sketches => args.sketches = list(&mut payload, sketch)?,
        }
    }
    let sound = args.flags & !operation.allowed == 0 && are_bits(&args);
    sound.then_some(Call { operation, args })
}

/// Whether index and minhash bits, as far as they are given, can shape a sketch.
fn are_bits(args: &Args) -> bool {
    let (index, minhash) = (args.bits(0), args.bits(1));
    let (index, minhash) =
        (if index == UNSPECIFIED { 4 } else { index }, if minhash == UNSPECIFIED { 0 } else { minhash });
    Shape::new(index, minhash).is_some()
}

/// The elements of a list argument, which must not be empty.
fn list<T>(payload: &mut &[u8], read: fn(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let Head::List(n) = take_head(payload)? else { return None };
    if n == 0 || n > payload.len() {
        return None;
    }
    (0..n).map(|_| read(payload)).collect()
}

/// What is hashed of an element: its stored form.
fn hashable(payload: &mut &[u8]) -> Option<Vec<u8>> {
    let element = take_normal(payload).ok()?;
    match head(&element)? {
        Head::List(_) | Head::Map(_) => None,
        // anything else: even the flags of an ordered list, and wildcards
        _ => Some(element.into()),
    }
}

/// A sketch travels as a blob inside the list.
fn sketch(payload: &mut &[u8]) -> Option<Sketch> {
    let element: Element<'_> = take_element(payload)?;
    match head(element)? {
        Head::String([0x12 | 0x04, bytes @ ..]) => Sketch::parse(bytes),
        _ => None,
    }
}

fn stored(bin: Bin<'_>) -> Result<Option<Sketch>, ResultCode> {
    match bin {
        None => Ok(None),
        Some((ParticleType::HLL, bytes)) => Sketch::parse(bytes).map(Some).ok_or(ResultCode::PARAMETER),
        Some(_) => Err(ResultCode::INCOMPATIBLE_TYPE),
    }
}

/// Executes the payload of an HLL_READ; `None` when there is no bin.
pub fn hll_read(bin: Bin<'_>, payload: &[u8]) -> Result<Option<Particle>, ResultCode> {
    let call = parse(payload).ok_or(ResultCode::PARAMETER)?;
    let Read(run) = call.operation.run else { return Err(ResultCode::PARAMETER) };
    match stored(bin)? {
        None => Ok(None),
        Some(sketch) => run(&sketch, &call.args).map(Some),
    }
}

/// Executes the payload of an HLL_MODIFY.
pub fn hll_modify(bin: Bin<'_>, payload: &[u8]) -> Result<Modified, ResultCode> {
    let call = parse(payload).ok_or(ResultCode::PARAMETER)?;
    let Modify(run) = call.operation.run else { return Err(ResultCode::PARAMETER) };
    let old = stored(bin)?;
    let flags = call.args.flags;
    let checked = match &old {
        Some(_) if flags & flags::CREATE_ONLY != 0 => Err(ResultCode::BIN_EXISTS),
        None if flags & flags::UPDATE_ONLY != 0 => Err(ResultCode::BIN_NOT_FOUND),
        _ => Ok(()),
    };
    if checked.is_err() && flags & flags::NO_FAIL != 0 {
        return Ok(Modified { bin: BinChange::Unchanged, result: None });
    }
    let (sketch, result) = checked.and_then(|()| run(old, &call.args))?;
    let bin = sketch.map_or(BinChange::Unchanged, |s| BinChange::Stored(ParticleType::HLL, s.pack()));
    Ok(Modified { bin, result })
}

/// The shape that two arguments ask for, filled up from an existing sketch.
fn shape(args: &Args, old: Option<Shape>) -> Result<Shape, ResultCode> {
    let (index, minhash) = (args.bits(0), args.bits(1));
    let pick = |given: i64, old: Option<u32>| if given == UNSPECIFIED { old.map(i64::from) } else { Some(given) };
    let index = pick(index, old.map(|s| s.index_bits)).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
    let minhash = pick(minhash, old.map(|s| s.minhash_bits)).unwrap_or(0);
    Shape::new(index, minhash).ok_or(ResultCode::PARAMETER)
}

fn init(old: Option<Sketch>, args: &Args) -> Result<Done, ResultCode> {
    shape(args, old.map(|s| s.shape)).map(|shape| (Some(Sketch::new(shape)), None))
}

fn add(old: Option<Sketch>, args: &Args) -> Result<Done, ResultCode> {
    let created = old.is_none();
    let mut sketch = match old {
        Some(sketch) => sketch,
        None => Sketch::new(shape(args, None)?),
    };
    let changed = args.elements.iter().filter(|e| sketch.add(e)).count();
    if changed > 0 {
        sketch.cached = 0;
    }
    Ok(((changed > 0 || created).then_some(sketch), Some(integer(changed as u64))))
}

fn set_union(old: Option<Sketch>, args: &Args) -> Result<Done, ResultCode> {
    let before = old.as_ref().map(|s| s.shape);
    let all: Vec<Sketch> = old.into_iter().chain(args.sketches.iter().cloned()).collect();
    let shape = Sketch::common_shape(&all).ok_or(ResultCode::PARAMETER)?;
    if before.is_some_and(|before| before != shape) && args.flags & flags::ALLOW_FOLD == 0 {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    Ok((Some(Sketch::union(&all, shape)), None))
}

fn refresh_count(old: Option<Sketch>, _: &Args) -> Result<Done, ResultCode> {
    let mut sketch = old.ok_or(ResultCode::BIN_NOT_FOUND)?;
    sketch.cached = sketch.count();
    let result = integer(sketch.cached);
    Ok((Some(sketch), Some(result)))
}

fn fold(old: Option<Sketch>, args: &Args) -> Result<Done, ResultCode> {
    let shape = Shape::new(args.bits(0), 0).ok_or(ResultCode::PARAMETER)?;
    let sketch = old.ok_or(ResultCode::BIN_NOT_FOUND)?;
    if sketch.shape.minhash_bits != 0 || shape.index_bits > sketch.shape.index_bits {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    let changes = shape != sketch.shape; // else the stored count stays
    Ok((changes.then(|| sketch.folded(shape)), None))
}

fn integer(n: u64) -> Particle {
    (ParticleType::INTEGER, n.to_be_bytes().to_vec())
}

fn with(sketch: &Sketch, args: &Args) -> Vec<Sketch> {
    std::iter::once(sketch.clone()).chain(args.sketches.iter().cloned()).collect()
}

fn union_of(sketches: &[Sketch]) -> Result<Sketch, ResultCode> {
    let shape = Sketch::common_shape(sketches).ok_or(ResultCode::PARAMETER)?;
    Ok(Sketch::union(sketches, shape))
}

fn get_count(sketch: &Sketch, _: &Args) -> Result<Particle, ResultCode> {
    Ok(integer(sketch.count()))
}

fn get_union(sketch: &Sketch, args: &Args) -> Result<Particle, ResultCode> {
    union_of(&with(sketch, args)).map(|union| (ParticleType::HLL, union.pack()))
}

fn union_count(sketch: &Sketch, args: &Args) -> Result<Particle, ResultCode> {
    union_of(&with(sketch, args)).map(|union| integer(union.count()))
}

/// The sketches to intersect: up to three, or any number if minhash tells them apart.
fn to_intersect(sketch: &Sketch, args: &Args) -> Result<(Vec<Sketch>, bool), ResultCode> {
    const MOST_WITHOUT_MINHASH: usize = 3;
    let all = with(sketch, args);
    let minhash = all.iter().all(|s| s.shape == sketch.shape) && sketch.shape.minhash_bits != 0;
    if minhash || all.len() <= MOST_WITHOUT_MINHASH { Ok((all, minhash)) } else { Err(ResultCode::PARAMETER) }
}

/// Inclusion and exclusion: the counts of every union of some of the sketches, added and taken off in turn. Beside it,
/// the count of the union of all.
fn intersection(all: &[Sketch]) -> Result<(f64, f64), ResultCode> {
    let (mut both, mut union) = (0.0, 0.0);
    for subset in 1_usize..1 << all.len() {
        let some: Vec<Sketch> =
            all.iter().enumerate().filter(|(i, _)| subset >> i & 1 != 0).map(|(_, s)| s.clone()).collect();
        union = union_of(&some)?.count() as f64; // the last subset is all of them
        both += if some.len() % 2 == 1 { union } else { -union };
    }
    Ok((both.max(0.0), union))
}

fn intersect_count(sketch: &Sketch, args: &Args) -> Result<Particle, ResultCode> {
    let (all, minhash) = to_intersect(sketch, args)?;
    if minhash {
        let union = union_of(&all)?.count() as f64;
        return Ok(integer((Sketch::jaccard(&all) * union).round() as u64));
    }
    intersection(&all).map(|(both, _)| integer(both as u64))
}

fn similarity(sketch: &Sketch, args: &Args) -> Result<Particle, ResultCode> {
    let (all, minhash) = to_intersect(sketch, args)?;
    let alike = if minhash {
        Sketch::jaccard(&all)
    } else {
        let (both, union) = intersection(&all)?;
        if union == 0.0 { 0.0 } else { both / union }
    };
    Ok((ParticleType::FLOAT, alike.to_be_bytes().to_vec()))
}

fn describe(sketch: &Sketch, _: &Args) -> Result<Particle, ResultCode> {
    let bits = [sketch.shape.index_bits.into(), sketch.shape.minhash_bits.into()];
    Ok((ParticleType::LIST, pack::integer_list(bits.into_iter()).into()))
}

fn may_contain(sketch: &Sketch, args: &Args) -> Result<Particle, ResultCode> {
    Ok(integer(args.elements.iter().all(|e| sketch.may_contain(e)).into()))
}
