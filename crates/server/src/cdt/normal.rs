//! The one form in which values are stored (protocol 9.1): shortest integers and headers, maps sorted by key, order
//! flags without the bits that only shape indexes, and nothing that may not be kept.
//!
//! Everything that enters a collection passes through here first, whole-value writes as well as arguments of
//! operations, so the rest of the engine works on bytes it can trust.

use std::cmp::Ordering;

use aerospike_wire::limits::MAX_VALUE_DEPTH;
use bytes::{BufMut, BytesMut};

use super::pack;
use super::value::{Element, Head, Kind, compare, head, kind, take_element, take_flags, take_head};

/// The value cannot be stored, or is not MessagePack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The bit of list and map flags that says "sorted".
pub(crate) const ORDERED: u8 = 0x01;
/// The bit of list and map flags that asks for an index beside the elements.
pub(crate) const PERSIST_INDEX: u8 = 0x10;
/// The bits of map flags that say how it is sorted.
pub(crate) const MAP_ORDER: u8 = 0x03;

/// The stored form of the element at the front of `buf`, which advances past it.
pub(crate) fn take_normal(buf: &mut &[u8]) -> Result<BytesMut, Malformed> {
    let element = take_element(buf).ok_or(Malformed)?;
    let mut out = BytesMut::with_capacity(element.len());
    normalise_next(&mut &*element, &mut out, 0)?;
    Ok(out)
}

/// The stored form of an element that fills `bytes`.
pub(crate) fn normalise(mut bytes: &[u8]) -> Result<BytesMut, Malformed> {
    let out = take_normal(&mut bytes)?;
    if bytes.is_empty() { Ok(out) } else { Err(Malformed) }
}

fn normalise_next(buf: &mut &[u8], out: &mut BytesMut, depth: usize) -> Result<(), Malformed> {
    let start = *buf;
    let head = take_head(buf).ok_or(Malformed)?;
    match head {
        Head::Integer(n) => pack::integer(out, n),
        Head::Unsigned(n) => {
            out.put_u8(0xcf);
            out.put_u64(n);
        }
        Head::String(bytes) => pack::string(out, bytes),
        Head::Ext(0xff, _) => return Err(Malformed),
        Head::List(_) | Head::Map(_) if depth >= MAX_VALUE_DEPTH => return Err(Malformed),
        Head::List(n) => return normalise_list(buf, n, out, depth),
        Head::Map(n) => return normalise_map(buf, n, out, depth),
        _ => out.put_slice(&start[..start.len() - buf.len()]),
    }
    Ok(())
}

fn normalise_list(buf: &mut &[u8], n: usize, out: &mut BytesMut, depth: usize) -> Result<(), Malformed> {
    let (n, flags) = take_flags(buf, n, false);
    pack::list_header(out, n, flags & ORDERED);
    let mut previous = None;
    for _ in 0..n {
        let start = out.len();
        normalise_next(buf, out, depth + 1)?;
        if flags & ORDERED != 0 {
            let unsorted = previous.is_some_and(|p| compare(&out[p..start], &out[start..]) == Ordering::Greater);
            if unsorted {
                return Err(Malformed);
            }
            previous = Some(start);
        }
    }
    Ok(())
}

fn normalise_map(buf: &mut &[u8], n: usize, out: &mut BytesMut, depth: usize) -> Result<(), Malformed> {
    let (n, flags) = take_flags(buf, n, true);
    pack::map_header(out, n, flags & MAP_ORDER);
    let first = out.len();
    let mut pairs: Vec<(usize, usize, usize)> = Vec::with_capacity(n.min(buf.len() / 2 + 1));
    let mut sorted = true;
    for _ in 0..n {
        let key = out.len();
        normalise_next(buf, out, depth + 1)?;
        if !is_key(&out[key..]) {
            return Err(Malformed);
        }
        let value = out.len();
        if let Some(&(before, end, _)) = pairs.last() {
            match compare(&out[before..end], &out[key..value]) {
                Ordering::Less => {}
                Ordering::Equal => return Err(Malformed),
                Ordering::Greater => sorted = false,
            }
        }
        normalise_next(buf, out, depth + 1)?;
        pairs.push((key, value, out.len()));
    }
    if sorted {
        return Ok(());
    }
    if flags & ORDERED != 0 {
        return Err(Malformed);
    }
    pairs.sort_by(|a, b| compare(&out[a.0..a.1], &out[b.0..b.1]));
    if pairs.windows(2).any(|w| compare(&out[w[0].0..w[0].1], &out[w[1].0..w[1].1]) == Ordering::Equal) {
        return Err(Malformed);
    }
    let mut body = Vec::with_capacity(out.len() - first);
    pairs.iter().for_each(|&(from, _, to)| body.extend_from_slice(&out[from..to]));
    out.truncate(first);
    out.put_slice(&body);
    Ok(())
}

/// Whether an element may be a map key.
pub(crate) fn is_key(element: Element<'_>) -> bool {
    let Some(head) = head(element) else { return false };
    match kind(&head) {
        Kind::Integer | Kind::String => true,
        Kind::Blob => matches!(head, Head::String([4, ..])),
        _ => false,
    }
}

/// An element to compare with, as it came: the server brings no order into the maps of arguments, so an unsorted one
/// matches nothing. Only the depth is checked.
pub(crate) fn take_match<'a>(buf: &mut &'a [u8]) -> Result<Element<'a>, Malformed> {
    let element = take_element(buf).ok_or(Malformed)?;
    check_depth(&mut &*element, 0)?;
    Ok(element)
}

fn check_depth(buf: &mut &[u8], depth: usize) -> Result<(), Malformed> {
    let entries = match take_head(buf).ok_or(Malformed)? {
        Head::List(n) => n,
        Head::Map(n) => 2 * n,
        _ => return Ok(()),
    };
    if depth >= MAX_VALUE_DEPTH {
        return Err(Malformed);
    }
    (0..entries).try_for_each(|_| check_depth(buf, depth + 1))
}
