//! The table of bit operations, and what can be said of a call by it before a blob is looked at.

use aerospike_wire::ResultCode;

use super::super::Particle;
use super::super::value::{Head, as_integer, head, take_element, take_head};
use super::args::{Args, FARTHEST, arithmetic, flags, resize};
use super::change::{add, and, not, or, set, set_integer, shift_left, shift_right, subtract, xor};
use super::read::{Field, count, get, get_integer, scan_left, scan_right};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
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
pub(super) enum Change {
    Resize,
    Insert,
    Remove,
    /// The field, aligned, and the arguments after offset and size.
    Aligned(fn(&mut [u8], u64, &Args<'_>) -> Result<(), ResultCode>),
}

#[derive(Clone, Copy)]
pub(super) enum Run {
    Modify(Change),
    Read(fn(&Field<'_>, &Args<'_>) -> Particle),
}

pub(super) struct Operation {
    pub(super) code: i64,
    pub(super) run: Run,
    pub(super) parameters: &'static [Parameter],
    pub(super) required: usize,
    /// The write flags the operation knows.
    pub(super) allowed: i64,
}

impl Operation {
    /// Bits, or the eight of a byte, by which offsets and sizes count.
    pub(super) const fn unit(&self) -> i64 {
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

pub(super) struct Call<'a> {
    pub(super) operation: &'static Operation,
    pub(super) args: Args<'a>,
}

pub(super) fn parse(mut payload: &[u8]) -> Option<Call<'_>> {
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
pub(super) fn is_sound(operation: &Operation, args: &Args<'_>) -> bool {
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
