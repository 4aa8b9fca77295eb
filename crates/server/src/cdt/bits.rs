//! Operations on the bits of a blob (protocol 9.9). Bit 0 is the most significant bit of the first byte.
//!
//! A field of bits is cut out of the blob so that it starts at a byte, changed there, and put back: every operation is
//! written for aligned bytes only.

use aerospike_wire::{ParticleType, ResultCode};

use super::value::{Head, as_integer, head, take_element, take_head};
use super::{Bin, BinChange, Modified, Particle};

/// The write flags of bit operations.
mod flags {
    pub(super) const CREATE_ONLY: i64 = 1;
    pub(super) const UPDATE_ONLY: i64 = 2;
    pub(super) const NO_FAIL: i64 = 4;
    pub(super) const PARTIAL: i64 = 8;
}

mod resize {
    pub(super) const FROM_FRONT: i64 = 1;
    pub(super) const GROW_ONLY: i64 = 2;
    pub(super) const SHRINK_ONLY: i64 = 4;
}

mod arithmetic {
    pub(super) const SIGNED: i64 = 1;
    pub(super) const SATURATE: i64 = 2;
    pub(super) const WRAP: i64 = 4;
}

/// Bytes that offsets and sizes may be apart from 0, the most a message has.
const FARTHEST: i64 = 128 * 1024 * 1024;
/// The largest blob an operation makes.
const MAX_BYTES: i64 = 16 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parameter {
    Offset,
    /// Bytes or bits.
    Size,
    Blob,
    Integer,
    Bool,
    Flags,
}

/// What a field of bits becomes.
#[derive(Clone, Copy)]
enum Change {
    Resize,
    Insert,
    Remove,
    /// The field, aligned, and the arguments behind offset and size.
    Aligned(fn(&mut [u8], u64, &Args<'_>) -> Result<(), ResultCode>),
}

#[derive(Clone, Copy)]
enum Run {
    Modify(Change),
    Read(fn(&Field<'_>, &Args<'_>) -> Particle),
}

/// The bits that are read: `size` of them from `offset` on.
struct Field<'a> {
    blob: &'a [u8],
    offset: u64,
    size: u64,
}

struct Operation {
    code: i64,
    run: Run,
    parameters: &'static [Parameter],
    required: usize,
    /// The write flags the operation knows.
    allowed: i64,
}

impl Operation {
    /// Bits, or the eight of a byte, by which offsets and sizes count.
    const fn unit(&self) -> i64 {
        if matches!(self.run, Modify(Change::Resize | Change::Insert | Change::Remove)) { 1 } else { 8 }
    }
}

use Change::Aligned;
use Parameter::{Blob, Bool, Flags, Integer, Offset, Size};
use Run::{Modify, Read};

const fn row(code: i64, run: Run, parameters: &'static [Parameter], required: usize, allowed: i64) -> Operation {
    Operation { code, run, parameters, required, allowed }
}

/// Flags of operations that make a blob where there is none.
const CREATING: i64 = flags::CREATE_ONLY | flags::UPDATE_ONLY | flags::NO_FAIL;
/// Flags of operations on a field that may stick out.
const CLIPPING: i64 = flags::UPDATE_ONLY | flags::NO_FAIL | flags::PARTIAL;
/// Flags of operations on a field that is one number.
const NUMERIC: i64 = flags::UPDATE_ONLY | flags::NO_FAIL;
/// The flag of GET_INT, which is no write flag.
const SIGN: i64 = arithmetic::SIGNED;

static OPERATIONS: &[Operation] = &[
    row(0, Modify(Change::Resize), &[Size, Flags, Flags], 1, CREATING),
    row(1, Modify(Change::Insert), &[Offset, Blob, Flags], 2, CREATING),
    row(2, Modify(Change::Remove), &[Offset, Size, Flags], 2, CLIPPING),
    row(3, Modify(Aligned(set)), &[Offset, Size, Blob, Flags], 3, CLIPPING),
    row(4, Modify(Aligned(or)), &[Offset, Size, Blob, Flags], 3, CLIPPING),
    row(5, Modify(Aligned(xor)), &[Offset, Size, Blob, Flags], 3, CLIPPING),
    row(6, Modify(Aligned(and)), &[Offset, Size, Blob, Flags], 3, CLIPPING),
    row(7, Modify(Aligned(not)), &[Offset, Size, Flags], 2, CLIPPING),
    row(8, Modify(Aligned(shift_left)), &[Offset, Size, Size, Flags], 3, CLIPPING),
    row(9, Modify(Aligned(shift_right)), &[Offset, Size, Size, Flags], 3, CLIPPING),
    row(10, Modify(Aligned(add)), &[Offset, Size, Integer, Flags, Flags], 3, NUMERIC),
    row(11, Modify(Aligned(subtract)), &[Offset, Size, Integer, Flags, Flags], 3, NUMERIC),
    row(12, Modify(Aligned(set_integer)), &[Offset, Size, Integer, Flags], 3, NUMERIC),
    row(50, Read(get), &[Offset, Size], 2, 0),
    row(51, Read(count), &[Offset, Size], 2, 0),
    row(52, Read(scan_left), &[Offset, Size, Bool], 3, 0),
    row(53, Read(scan_right), &[Offset, Size, Bool], 3, 0),
    row(54, Read(get_integer), &[Offset, Size, Flags], 2, SIGN),
];

/// Decoded arguments: integers by place, and the one blob an operation can have.
#[derive(Debug, Default)]
struct Args<'a> {
    integers: [i64; 5],
    blob: &'a [u8],
    /// The write flags.
    flags: i64,
    /// Flags of one operation only.
    subflags: i64,
}

struct Call<'a> {
    operation: &'static Operation,
    args: Args<'a>,
}

fn parse(mut payload: &[u8]) -> Option<Call<'_>> {
    let Head::List(n) = take_head(&mut payload)? else { return None };
    let code = take_element(&mut payload).and_then(as_integer)?;
    let operation = OPERATIONS.iter().find(|op| op.code == code)?;
    let given = n.checked_sub(1).filter(|n| (operation.required..=operation.parameters.len()).contains(n))?;
    let mut args = Args::default();
    let mut flags_seen = 0;
    for (at, kind) in operation.parameters[..given].iter().enumerate() {
        let element = take_element(&mut payload)?;
        match kind {
            // the least integer has no amount that could be too large, and as an offset is none
            Offset => args.integers[at] = as_integer(element).map(|n| if n == i64::MIN { 0 } else { n })?,
            Size | Integer => args.integers[at] = as_integer(element)?,
            Flags => {
                flags_seen += 1;
                *(if flags_seen == 1 { &mut args.flags } else { &mut args.subflags }) = as_integer(element)?;
            }
            Bool => match head(element)? {
                Head::Bool(b) => args.integers[at] = b.into(),
                _ => return None,
            },
            Blob => match head(element)? {
                Head::String([_, bytes @ ..]) => args.blob = bytes,
                _ => return None,
            },
        }
    }
    Some(Call { operation, args })
}

/// What can be said of arguments without the blob: fields have bits, numbers at most 64, and the bytes to combine a
/// field with cover it.
fn is_sound(operation: &Operation, args: &Args<'_>) -> bool {
    let [offset, size, third, ..] = args.integers;
    let farthest = FARTHEST * operation.unit();
    args.flags & !operation.allowed == 0
        && offset.unsigned_abs() <= farthest as u64
        && size <= farthest
        && match operation.code {
            0 => {
                is_choice(args.subflags, resize::GROW_ONLY, resize::SHRINK_ONLY)
                    && (0..=FARTHEST).contains(&args.integers[0])
            }
            1 => !args.blob.is_empty(),
            3..=6 => size > 0 && (size as u64).div_ceil(8) <= args.blob.len() as u64,
            8 | 9 => size > 0 && (0..=farthest).contains(&third),
            10 | 11 => (1..=64).contains(&size) && is_choice(args.subflags, arithmetic::SATURATE, arithmetic::WRAP),
            12 | 54 => (1..=64).contains(&size),
            _ => size > 0,
        }
}

/// Whether subflags are known ones, and not both of two that exclude each other.
const fn is_choice(subflags: i64, one: i64, other: i64) -> bool {
    subflags & !7 == 0 && subflags & (one | other) != one | other
}

/// The bytes of a bin that bit operations work on.
fn blob(bin: (ParticleType, &[u8])) -> Result<&[u8], ResultCode> {
    if bin.0 == ParticleType::BLOB { Ok(bin.1) } else { Err(ResultCode::INCOMPATIBLE_TYPE) }
}

/// Executes the payload of a BITS_READ; `None` when there is no bin.
pub fn bits_read(bin: Bin<'_>, payload: &[u8]) -> Result<Option<Particle>, ResultCode> {
    let Some(bin) = bin else { return Ok(None) };
    let call = parse(payload).ok_or(ResultCode::PARAMETER)?;
    let Read(run) = call.operation.run else { return Err(ResultCode::PARAMETER) };
    if !is_sound(call.operation, &call.args) {
        return Err(ResultCode::PARAMETER);
    }
    let blob = blob(bin)?;
    let (offset, size) = field(&call.args, blob.len(), false)?;
    Ok(Some(run(&Field { blob, offset, size }, &call.args)))
}

/// Executes the payload of a BITS_MODIFY. These never answer anything.
pub fn bits_modify(bin: Bin<'_>, payload: &[u8]) -> Result<Modified, ResultCode> {
    const NOTHING: Modified = Modified { bin: BinChange::Unchanged, result: None };
    let call = parse(payload).ok_or(ResultCode::PARAMETER)?;
    let Modify(change) = call.operation.run else { return Err(ResultCode::PARAMETER) };
    if !is_sound(call.operation, &call.args) {
        return Err(ResultCode::PARAMETER);
    }
    let flags = call.args.flags;
    if flags & (flags::CREATE_ONLY | flags::UPDATE_ONLY) == flags::CREATE_ONLY | flags::UPDATE_ONLY {
        return Err(ResultCode::PARAMETER);
    }
    let forgive = |code: ResultCode| if flags & flags::NO_FAIL != 0 { Ok(NOTHING) } else { Err(code) };
    let creates = matches!(change, Change::Resize | Change::Insert);
    match bin {
        None if flags & flags::UPDATE_ONLY != 0 || !creates => return forgive(ResultCode::BIN_NOT_FOUND),
        Some(_) if flags & flags::CREATE_ONLY != 0 => return forgive(ResultCode::BIN_EXISTS),
        _ => {}
    }
    let old = bin.map(blob).transpose()?.unwrap_or_default();
    if !matches!(change, Change::Resize) {
        // not forgiven, unlike what sticks out at the end
        from_end(call.args.integers[0], old.len() as i64 * call.operation.unit())?;
    }
    let new = match change {
        Change::Resize => resized(old, &call.args),
        Change::Insert => return inserted(old, &call.args).map(stored),
        Change::Remove => removed(old, &call.args),
        Change::Aligned(run) => changed(old, &call.args, run),
    };
    match new {
        Ok(new) if bin.is_none() && new.is_empty() => Ok(NOTHING),
        Ok(new) => Ok(stored(new)),
        Err(code @ ResultCode::RECORD_TOO_BIG) => Err(code),
        Err(code) => forgive(code),
    }
}

const fn stored(new: Vec<u8>) -> Modified {
    Modified { bin: BinChange::Stored(ParticleType::BLOB, new), result: None }
}

fn changed(
    old: &[u8],
    args: &Args<'_>,
    run: fn(&mut [u8], u64, &Args<'_>) -> Result<(), ResultCode>,
) -> Result<Vec<u8>, ResultCode> {
    let (offset, size) = field(args, old.len(), args.flags & flags::PARTIAL != 0)?;
    let mut field = extract(old, offset, size);
    run(&mut field, size, args)?;
    let mut new = old.to_vec();
    deposit(&mut new, offset, size, &field);
    Ok(new)
}

/// Where the field of bits lies. What sticks out at the end is cut off if that is allowed.
fn field(args: &Args<'_>, bytes: usize, partial: bool) -> Result<(u64, u64), ResultCode> {
    let [offset, size, ..] = args.integers;
    let bits = bytes as i64 * 8;
    let offset = from_end(offset, bits)?;
    if offset >= bits {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    match offset.checked_add(size).filter(|&end| end <= bits) {
        Some(_) => Ok((offset as u64, size as u64)),
        None if partial => Ok((offset as u64, (bits - offset) as u64)),
        None => Err(ResultCode::OP_NOT_APPLICABLE),
    }
}

/// An offset, counted from the end when negative.
fn from_end(offset: i64, size: i64) -> Result<i64, ResultCode> {
    let offset = if offset < 0 { offset.checked_add(size) } else { Some(offset) };
    offset.filter(|&at| at >= 0).ok_or(ResultCode::PARAMETER)
}

/// The bits `offset..offset + size`, moved to the front of their own bytes; the bits behind them are 0.
fn extract(from: &[u8], offset: u64, size: u64) -> Vec<u8> {
    let (start, shift) = ((offset / 8) as usize, offset % 8);
    let byte = |i: usize| u16::from(from.get(start + i).copied().unwrap_or(0));
    let mut out: Vec<u8> =
        (0..size.div_ceil(8) as usize).map(|i| ((byte(i) << 8 | byte(i + 1)) << shift >> 8) as u8).collect();
    clear_tail(&mut out, size);
    out
}

/// Sets the bits of the last byte that do not belong to the field to 0.
fn clear_tail(field: &mut [u8], size: u64) {
    if let (Some(last), 1..) = (field.last_mut(), size % 8) {
        *last &= 0xff << (8 - size % 8);
    }
}

/// Puts an aligned field back to `offset..offset + size`.
fn deposit(into: &mut [u8], offset: u64, size: u64, field: &[u8]) {
    let (start, shift) = ((offset / 8) as usize, offset % 8);
    for (i, &byte) in field.iter().enumerate() {
        let left = (size - i as u64 * 8).min(8);
        let mask = (0xff00_u16 >> left & 0xff) << 8 >> shift;
        let bits = u16::from(byte) << 8 >> shift;
        for (at, mask, bits) in [(start + i, mask >> 8, bits >> 8), (start + i + 1, mask & 0xff, bits & 0xff)] {
            if mask != 0 {
                into[at] = into[at] & !(mask as u8) | bits as u8 & mask as u8;
            }
        }
    }
}

fn resized(old: &[u8], args: &Args<'_>) -> Result<Vec<u8>, ResultCode> {
    let subflags = args.subflags;
    let [size, ..] = args.integers;
    let size = size as usize;
    let refused = match old.len().cmp(&size) {
        std::cmp::Ordering::Less => resize::SHRINK_ONLY,
        std::cmp::Ordering::Greater => resize::GROW_ONLY,
        std::cmp::Ordering::Equal => 0,
    };
    if subflags & refused != 0 {
        return Err(ResultCode::PARAMETER);
    }
    check_size(size)?;
    let missing = size.saturating_sub(old.len());
    let surplus = old.len().saturating_sub(size);
    Ok(if subflags & resize::FROM_FRONT != 0 {
        [&vec![0; missing], &old[surplus..]].concat()
    } else {
        [&old[..old.len() - surplus], &vec![0; missing]].concat()
    })
}

/// What no message could hold is refused; what no record could is not made either.
fn check_size(size: usize) -> Result<(), ResultCode> {
    match size as i64 {
        FARTHEST.. => Err(ResultCode::PARAMETER),
        size if size > MAX_BYTES => Err(ResultCode::RECORD_TOO_BIG),
        _ => Ok(()),
    }
}

fn inserted(old: &[u8], args: &Args<'_>) -> Result<Vec<u8>, ResultCode> {
    let [offset, ..] = args.integers;
    let offset = from_end(offset, old.len() as i64)?;
    let at = offset as usize;
    check_size(at.max(old.len()) + args.blob.len())?;
    let mut new = old.to_vec();
    if at > new.len() {
        new.resize(at, 0);
    }
    new.splice(at..at, args.blob.iter().copied());
    Ok(new)
}

fn removed(old: &[u8], args: &Args<'_>) -> Result<Vec<u8>, ResultCode> {
    let [offset, size, ..] = args.integers;
    let length = old.len() as i64;
    let offset = from_end(offset, length)?;
    let end = offset.checked_add(size).filter(|&end| end <= length);
    let end = match end {
        Some(end) => end,
        None if args.flags & flags::PARTIAL != 0 && offset < length => length,
        None => return Err(ResultCode::PARAMETER),
    };
    Ok([&old[..offset as usize], &old[end as usize..]].concat())
}

fn combine(field: &mut [u8], args: &Args<'_>, with: fn(u8, u8) -> u8) -> Result<(), ResultCode> {
    field.iter_mut().zip(args.blob).for_each(|(bits, given)| *bits = with(*bits, *given));
    Ok(())
}

fn set(field: &mut [u8], _: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    combine(field, args, |_, given| given)
}

fn or(field: &mut [u8], _: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    combine(field, args, |bits, given| bits | given)
}

fn xor(field: &mut [u8], _: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    combine(field, args, |bits, given| bits ^ given)
}

fn and(field: &mut [u8], _: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    combine(field, args, |bits, given| bits & given)
}

fn not(field: &mut [u8], _: u64, _: &Args<'_>) -> Result<(), ResultCode> {
    field.iter_mut().for_each(|bits| *bits = !*bits);
    Ok(())
}

fn shift_left(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    let [_, _, by, ..] = args.integers;
    let by = (by as u64).min(size);
    let mut moved = extract(field, by, size - by);
    moved.resize(field.len(), 0);
    field.copy_from_slice(&moved);
    Ok(())
}

fn shift_right(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    let [_, _, by, ..] = args.integers;
    let by = (by as u64).min(size);
    let kept = extract(field, 0, size - by);
    field.fill(0);
    deposit(field, by, size - by, &kept);
    Ok(())
}

/// The field as an unsigned number.
fn number(field: &[u8], size: u64) -> u64 {
    let wide = field.iter().fold(0_u128, |n, b| n << 8 | u128::from(*b));
    (wide >> (field.len() as u64 * 8 - size)) as u64
}

fn put_number(field: &mut [u8], size: u64, n: u64) {
    let bytes = field.len();
    let wide = u128::from(n & mask(size)) << (bytes as u64 * 8 - size);
    field.copy_from_slice(&wide.to_be_bytes()[16 - bytes..]);
}

const fn mask(size: u64) -> u64 {
    if size >= 64 { u64::MAX } else { (1 << size) - 1 }
}

const fn sign_extended(n: u64, size: u64) -> i64 {
    (n << (64 - size)) as i64 >> (64 - size)
}

fn add(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    calculate(field, size, args, false)
}

fn subtract(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    calculate(field, size, args, true)
}

/// Subtracting a signed number is adding its negation, which in as many bits as the field has may be itself.
fn calculate(field: &mut [u8], size: u64, args: &Args<'_>, negative: bool) -> Result<(), ResultCode> {
    let [_, _, operand, ..] = args.integers;
    let old = number(field, size);
    let signed = args.subflags & arithmetic::SIGNED != 0;
    let (low, high, sum) = if signed {
        let operand = if negative { operand.wrapping_neg() } else { operand };
        let limit = 1_i128 << (size - 1);
        let sum = i128::from(sign_extended(old, size)) + i128::from(sign_extended(operand as u64, size));
        (-limit, limit - 1, sum)
    } else {
        let operand = i128::from(operand as u64 & mask(size));
        (0, i128::from(mask(size)), i128::from(old) + if negative { -operand } else { operand })
    };
    let new = match (low..=high).contains(&sum) {
        true => sum,
        // twice the least number leaves no bits: the server takes that for no overflow
        false if signed && sum == 2 * low => 0,
        false if args.subflags & arithmetic::SATURATE != 0 => sum.clamp(low, high),
        false if args.subflags & arithmetic::WRAP != 0 => sum,
        false => return Err(ResultCode::OP_NOT_APPLICABLE),
    };
    put_number(field, size, new as u64);
    Ok(())
}

fn set_integer(field: &mut [u8], size: u64, args: &Args<'_>) -> Result<(), ResultCode> {
    let [_, _, n, ..] = args.integers;
    put_number(field, size, n as u64);
    Ok(())
}

fn integer(n: i64) -> Particle {
    (ParticleType::INTEGER, n.to_be_bytes().to_vec())
}

impl Field<'_> {
    /// The bits, moved to the front of their own bytes.
    fn aligned(&self) -> Vec<u8> {
        extract(self.blob, self.offset, self.size)
    }

    /// Whether a bit of the blob is what a scan looks for.
    fn is_wanted(&self, at: u64, args: &Args<'_>) -> bool {
        let is_set = self.blob[(at / 8) as usize] & 0x80 >> (at % 8) != 0;
        is_set == (args.integers[2] != 0)
    }

    /// The answer of a scan: a bit's distance from the start of the field, or -1.
    fn distance(&self, found: Option<u64>) -> Particle {
        integer(found.map_or(-1, |at| at as i64 - self.offset as i64))
    }
}

fn get(field: &Field<'_>, _: &Args<'_>) -> Particle {
    (ParticleType::BLOB, field.aligned())
}

fn count(field: &Field<'_>, _: &Args<'_>) -> Particle {
    integer(field.aligned().iter().map(|b| i64::from(b.count_ones())).sum())
}

fn scan_left(field: &Field<'_>, args: &Args<'_>) -> Particle {
    field.distance((field.offset..field.offset + field.size).find(|&at| field.is_wanted(at, args)))
}

/// Looking backwards, the server does not stop at the field but where the byte begins that the field begins in.
fn scan_right(field: &Field<'_>, args: &Args<'_>) -> Particle {
    let first = field.offset & !7;
    field.distance((first..field.offset + field.size).rev().find(|&at| field.is_wanted(at, args)))
}

fn get_integer(field: &Field<'_>, args: &Args<'_>) -> Particle {
    let n = number(&field.aligned(), field.size);
    integer(if args.flags & arithmetic::SIGNED != 0 { sign_extended(n, field.size) } else { n as i64 })
}
