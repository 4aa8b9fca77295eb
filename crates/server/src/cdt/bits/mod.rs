//! Operations on the bits of a blob (protocol 9.9). Bit 0 is the most significant bit of the first byte.
//!
//! A field of bits is cut out of the blob so that it starts at a byte, changed there, and put back: every operation is
//! written for aligned bytes only.
//!
//! | module | subject |
//! |---|---|
//! | `args` | arguments, flags and limits |
//! | `align` | cutting out and putting back; fields as numbers |
//! | `change`, `read`, `resize` | what the operations do |
//! | `table` | the table of operations, and calls read by it |

mod align;
mod args;
mod change;
mod read;
mod resize;
mod table;

use aerospike_wire::{ParticleType, ResultCode};

use super::{Bin, BinChange, Modified, Particle};
use align::{deposit, extract};
use args::{Args, flags};
use read::Field;
use resize::{from_end, inserted, removed, resized};
use table::{Change, Run, is_sound, parse};

/// The bytes of a bin that bit operations work on.
fn blob(bin: (ParticleType, &[u8])) -> Result<&[u8], ResultCode> {
    if bin.0 == ParticleType::BLOB { Ok(bin.1) } else { Err(ResultCode::INCOMPATIBLE_TYPE) }
}

/// Executes the payload of a BITS_READ; `None` when there is no bin.
pub fn bits_read(bin: Bin<'_>, payload: &[u8]) -> Result<Option<Particle>, ResultCode> {
    let Some(bin) = bin else { return Ok(None) };
    let call = parse(payload).ok_or(ResultCode::PARAMETER)?;
    let Run::Read(run) = call.operation.run else { return Err(ResultCode::PARAMETER) };
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
    let Run::Modify(change) = call.operation.run else { return Err(ResultCode::PARAMETER) };
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
