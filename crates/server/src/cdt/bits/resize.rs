//! Blobs that become longer or shorter by whole bytes.

use aerospike_wire::ResultCode;

use super::args::{Args, FARTHEST, MAX_BYTES, flags, resize};

/// An offset, counted from the end when negative.
pub(super) fn from_end(offset: i64, size: i64) -> Result<i64, ResultCode> {
    let offset = if offset < 0 { offset.checked_add(size) } else { Some(offset) };
    offset.filter(|&at| at >= 0).ok_or(ResultCode::PARAMETER)
}

pub(super) fn resized(old: &[u8], args: &Args<'_>) -> Result<Vec<u8>, ResultCode> {
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

pub(super) fn inserted(old: &[u8], args: &Args<'_>) -> Result<Vec<u8>, ResultCode> {
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

pub(super) fn removed(old: &[u8], args: &Args<'_>) -> Result<Vec<u8>, ResultCode> {
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
