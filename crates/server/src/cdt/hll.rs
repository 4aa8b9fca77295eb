//! Operations on HyperLogLogs (protocol 9.10): what they accept, and what they make of a bin.

use aerospike_wire::{ParticleType, ResultCode};
use bytes::BytesMut;

use super::normal::normalise;
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

/// An operation, and its arguments as they came: the server looks at the bin before it reads them.
struct Call<'a> {
    operation: &'static Operation,
    given: usize,
    arguments: &'a [u8],
}

fn parse(mut payload: &[u8]) -> Option<Call<'_>> {
    let Head::List(n) = take_head(&mut payload)? else { return None };
    let code = take_element(&mut payload).and_then(as_integer)?;
    let operation = OPERATIONS.iter().find(|op| op.code == code)?;
    Some(Call { operation, given: n.checked_sub(1)?, arguments: payload })
}

fn arguments(call: &Call<'_>) -> Option<Args> {
    let Call { operation, given, arguments: mut payload } = *call;
    (operation.required..=operation.parameters.len()).contains(&given).then_some(())?;
    let mut args = Args::default();
    for kind in &operation.parameters[..given] {
        match kind {
            Bits => args.bits.push(take_element(&mut payload).and_then(as_integer)?),
            Flags => args.flags = take_element(&mut payload).and_then(as_integer)?,
            Elements => args.elements = list(&mut payload, hashable)?,
            // one needs no list around it
            Sketches if matches!(head(payload)?, Head::String(_)) => args.sketches = vec![sketch(&mut payload)?],
            Sketches => args.sketches = list(&mut payload, sketch)?,
        }
    }
    const EXCLUSIVE: i64 = flags::CREATE_ONLY | flags::UPDATE_ONLY;
    let are_flags = args.flags & !operation.allowed == 0 && args.flags & EXCLUSIVE != EXCLUSIVE;
    (are_flags && are_bits(&args)).then_some(args)
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

/// What is hashed of an element: its stored form. Even the flags of an ordered list are one, and wildcards.
fn hashable(payload: &mut &[u8]) -> Option<Vec<u8>> {
    let element = take_element(payload)?;
    match head(element)? {
        Head::List(_) | Head::Map(_) => None,
        Head::Ext(kind, data) => {
            let mut out = BytesMut::with_capacity(element.len());
            pack::ext(&mut out, kind, data);
            Some(out.into())
        }
        _ => normalise(element).ok().map(Into::into),
    }
}

/// A sketch travels as a blob inside the list, of whatever type.
fn sketch(payload: &mut &[u8]) -> Option<Sketch> {
    let element: Element<'_> = take_element(payload)?;
    match head(element)? {
        Head::String([_, bytes @ ..]) => Sketch::parse(bytes),
        _ => None,
    }
}

fn stored(bin: Bin<'_>) -> Result<Option<Sketch>, ResultCode> {
    match bin {
        None => Ok(None),
        Some((ParticleType::HLL, bytes)) => Sketch::parse(bytes).map(Some).ok_or(ResultCode::SERVER_ERROR),
        Some(_) => Err(ResultCode::INCOMPATIBLE_TYPE),
    }
}

/// Executes the payload of an HLL_READ; `None` when there is no bin.
pub fn hll_read(bin: Bin<'_>, payload: &[u8]) -> Result<Option<Particle>, ResultCode> {
    let Some(bin) = bin else { return Ok(None) };
    let call = parse(payload).ok_or(ResultCode::PARAMETER)?;
    let Read(run) = call.operation.run else { return Err(ResultCode::PARAMETER) };
    let Some(sketch) = stored(Some(bin))? else { return Ok(None) };
    let args = arguments(&call).ok_or(ResultCode::PARAMETER)?;
    run(&sketch, &args).map(Some)
}

/// Executes the payload of an HLL_MODIFY.
pub fn hll_modify(bin: Bin<'_>, payload: &[u8]) -> Result<Modified, ResultCode> {
    let call = parse(payload).ok_or(ResultCode::PARAMETER)?;
    let Modify(run) = call.operation.run else { return Err(ResultCode::PARAMETER) };
    let old = stored(bin)?;
    let args = arguments(&call).ok_or(ResultCode::PARAMETER)?;
    let flags = args.flags;
    let checked = match &old {
        Some(_) if flags & flags::CREATE_ONLY != 0 => Err(ResultCode::BIN_EXISTS),
        None if flags & flags::UPDATE_ONLY != 0 => Err(ResultCode::BIN_NOT_FOUND),
        _ => Ok(()),
    };
    if checked.is_err() && flags & flags::NO_FAIL != 0 {
        return Ok(Modified { bin: BinChange::Unchanged, result: None });
    }
    let (sketch, result) = checked.and_then(|()| run(old, &args))?;
    let bin = sketch.map_or(BinChange::Unchanged, |s| BinChange::Stored(ParticleType::HLL, s.pack()));
    Ok(Modified { bin, result })
}

/// The shape that two arguments ask for, filled up from an existing sketch.
fn shape(args: &Args, old: Option<Shape>) -> Result<Shape, ResultCode> {
    let (index, minhash) = (args.bits(0), args.bits(1));
    let pick = |given: i64, old: Option<u32>| if given == UNSPECIFIED { old.map(i64::from) } else { Some(given) };
    let index = pick(index, old.map(|s| s.index_bits)).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
    let minhash = pick(minhash, old.map(|s| s.minhash_bits)).unwrap_or(0);
    Shape::new(index, minhash).ok_or(ResultCode::OP_NOT_APPLICABLE)
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
    let sketch = old.ok_or(ResultCode::BIN_NOT_FOUND)?;
    let shape = Shape::new(args.bits(0), 0)
        .filter(|shape| sketch.shape.minhash_bits == 0 && shape.index_bits <= sketch.shape.index_bits)
        .ok_or(ResultCode::OP_NOT_APPLICABLE)?;
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

/// The sketches to intersect: the bin and up to two others, or more if minhash tells all of them apart.
fn to_intersect(sketch: &Sketch, args: &Args) -> Result<Vec<Sketch>, ResultCode> {
    if let [first, _, _, ..] = &args.sketches[..] {
        let minhash = first.shape.minhash_bits;
        if minhash == 0 || args.sketches.iter().any(|s| s.shape.minhash_bits != minhash) {
            return Err(ResultCode::PARAMETER);
        }
        if sketch.shape.minhash_bits != minhash {
            return Err(ResultCode::OP_NOT_APPLICABLE);
        }
    }
    // the bin comes last to the server, and its estimates depend on the order
    Ok(args.sketches.iter().chain([sketch]).cloned().collect())
}

/// How many elements are in all of the sketches.
fn count_common(all: &[Sketch]) -> Result<u64, ResultCode> {
    let union = union_of(all)?;
    if union.shape.minhash_bits != 0 {
        // what is not a number is 0 as an integer
        return Ok((union.count() as f64 * Sketch::jaccard(all, union.shape)).round() as u64);
    }
    let sum = all.iter().fold(0_u64, |sum, sketch| sum.saturating_add(sketch.count()));
    let [a, b, c] = all else { return Ok(sum.saturating_sub(union.count())) };
    let mut pairs = 0_u64;
    for (one, other) in [(a, b), (b, c), (a, c)] {
        pairs = pairs.wrapping_add(count_common(&[one.clone(), other.clone()])?);
    }
    let common = union.count().wrapping_sub(sum).wrapping_add(pairs) as i64;
    Ok(common.max(0) as u64)
}

fn intersect_count(sketch: &Sketch, args: &Args) -> Result<Particle, ResultCode> {
    count_common(&to_intersect(sketch, args)?).map(integer)
}

fn similarity(sketch: &Sketch, args: &Args) -> Result<Particle, ResultCode> {
    let all = to_intersect(sketch, args)?;
    let union = union_of(&all)?;
    let alike = if union.shape.minhash_bits != 0 {
        Sketch::jaccard(&all, union.shape)
    } else {
        match (count_common(&all)?, union.count()) {
            (0, 0) => -f64::NAN, // what the server's processor makes of 0 / 0
            (common, count) => common as f64 / count as f64,
        }
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
