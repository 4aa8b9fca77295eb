//! Elements of collections as the server keeps them: MessagePack bytes, read in place.
//!
//! A collection is not turned into a tree. An element is the slice of bytes that holds it ([`Element`]), so what is
//! stored is returned to the byte, and moving an element is copying a slice. This file knows how long an element is,
//! what kind it has, and how two of them compare (protocol 9.2); it trusts nothing about the bytes except in
//! `compare`, which must only see elements that `normal` has checked.

use std::cmp::Ordering;

/// One MessagePack value.
pub(crate) type Element<'a> = &'a [u8];

/// `nil`, the result of operations that answer nothing.
pub(crate) const NIL: Element<'static> = &[0xc0];

/// The kinds of elements, in the order in which values of different kinds compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Nil,
    False,
    True,
    Integer,
    String,
    List,
    Map,
    Blob,
    Float,
    GeoJson,
    Ext,
    Wildcard,
    Infinity,
}

/// The first bytes of an element, understood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Head<'a> {
    Nil,
    Bool(bool),
    Integer(i64),
    /// Above `i64::MAX`; clients read it as negative, but it compares as the larger number.
    Unsigned(u64),
    /// A 32-bit float: compares as a double, is stored as it came.
    Float32(f32),
    Float(f64),
    /// The particle type in the first byte is part of the bytes.
    String(&'a [u8]),
    Ext(u8, &'a [u8]),
    List(usize),
    Map(usize),
}

/// Splits `n` bytes off the front.
pub(crate) fn take<'a>(buf: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (head, tail) = buf.split_at_checked(n)?;
    *buf = tail;
    Some(head)
}

fn take_uint(buf: &mut &[u8], size: usize) -> Option<u64> {
    take(buf, size).map(|bytes| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

fn take_int(buf: &mut &[u8], size: usize) -> Option<i64> {
    let shift = 64 - 8 * size as u32;
    take_uint(buf, size).map(|n| (n << shift) as i64 >> shift)
}

/// Reads the head at the front of `buf` and advances past it; the elements of a container follow. `None` when the
/// bytes end early, or for the one marker that MessagePack does not define.
pub(crate) fn take_head<'a>(buf: &mut &'a [u8]) -> Option<Head<'a>> {
    let (&marker, rest) = buf.split_first()?;
    *buf = rest;
    let sized = |buf: &mut &'a [u8], size| take_uint(buf, size).map(|n| n as usize);
    Some(match marker {
        0x00..=0x7f => Head::Integer(marker.into()),
        0x80..=0x8f => Head::Map((marker & 0x0f).into()),
        0x90..=0x9f => Head::List((marker & 0x0f).into()),
        0xa0..=0xbf => Head::String(take(buf, (marker & 0x1f).into())?),
        0xc0 => Head::Nil,
        0xc1 => return None,
        0xc2 | 0xc3 => Head::Bool(marker == 0xc3),
        0xc4 | 0xd9 => sized(buf, 1).and_then(|n| take(buf, n)).map(Head::String)?,
        0xc5 | 0xda => sized(buf, 2).and_then(|n| take(buf, n)).map(Head::String)?,
        0xc6 | 0xdb => sized(buf, 4).and_then(|n| take(buf, n)).map(Head::String)?,
        0xc7..=0xc9 => {
            let size = sized(buf, 1 << (marker - 0xc7))?;
            take_ext(buf, size)?
        }
        0xca => Head::Float32(f32::from_bits(take_uint(buf, 4)? as u32)),
        0xcb => Head::Float(f64::from_bits(take_uint(buf, 8)?)),
        0xcc..=0xcf => match take_uint(buf, 1 << (marker - 0xcc))? {
            n @ 0..=0x7fff_ffff_ffff_ffff => Head::Integer(n as i64),
            n => Head::Unsigned(n),
        },
        0xd0..=0xd3 => Head::Integer(take_int(buf, 1 << (marker - 0xd0))?),
        0xd4..=0xd8 => take_ext(buf, 1 << (marker - 0xd4))?,
        0xdc => Head::List(sized(buf, 2)?),
        0xdd => Head::List(sized(buf, 4)?),
        0xde => Head::Map(sized(buf, 2)?),
        // a real server counts keys and values in 32 bits
        0xdf => Head::Map(sized(buf, 4)? & 0x7fff_ffff),
        0xe0.. => Head::Integer((marker as i8).into()),
    })
}

fn take_ext<'a>(buf: &mut &'a [u8], size: usize) -> Option<Head<'a>> {
    let kind = take(buf, 1)?[0];
    take(buf, size).map(|data| Head::Ext(kind, data))
}

/// The head of an element.
pub(crate) fn head(mut element: Element<'_>) -> Option<Head<'_>> {
    take_head(&mut element)
}

/// Reads the whole element at the front of `buf` and advances past it. Does not recurse: a counter of elements still
/// to come stands for any nesting.
pub(crate) fn take_element<'a>(buf: &mut &'a [u8]) -> Option<Element<'a>> {
    let start = *buf;
    let mut left: usize = 1;
    while left > 0 {
        left -= 1;
        match take_head(buf)? {
            Head::List(n) => left = left.checked_add(n)?,
            Head::Map(n) => left = left.checked_add(n.checked_mul(2)?)?,
            _ => {}
        }
        if left > buf.len() {
            return None; // every element takes a byte at least
        }
    }
    Some(&start[..start.len() - buf.len()])
}

/// The integer an element is, unsigned ones above `i64::MAX` wrapped.
pub(crate) fn as_integer(element: Element<'_>) -> Option<i64> {
    match head(element)? {
        Head::Integer(n) => Some(n),
        Head::Unsigned(n) => Some(n as i64),
        _ => None,
    }
}

/// The kind of a head.
pub(crate) fn kind(head: &Head<'_>) -> Kind {
    match head {
        Head::Nil => Kind::Nil,
        Head::Bool(false) => Kind::False,
        Head::Bool(true) => Kind::True,
        Head::Integer(_) | Head::Unsigned(_) => Kind::Integer,
        Head::Float32(_) | Head::Float(_) => Kind::Float,
        Head::String([3, ..]) => Kind::String,
        Head::String([0x17, ..]) => Kind::GeoJson,
        Head::String(_) => Kind::Blob,
        Head::List(_) => Kind::List,
        Head::Map(_) => Kind::Map,
        Head::Ext(0xff, [0]) => Kind::Wildcard,
        Head::Ext(0xff, [1]) => Kind::Infinity,
        Head::Ext(..) => Kind::Ext,
    }
}

/// Compares two checked elements. A wildcard equals anything, and inside a list or map it ends the comparison: all
/// that follows it matches too.
pub(crate) fn compare(a: Element<'_>, b: Element<'_>) -> Ordering {
    compare_if(a, b, |_, _| true).unwrap_or(Ordering::Equal)
}

/// As [`compare`]; `None` if a head that `may` says no to, with what follows it, is met before the comparison is decided.
///
/// Does not recurse: a counter of elements still to be compared stands for any nesting. Of two lists of which one is
/// longer nothing after them counts any more, since they are not equal.
pub(crate) fn compare_if<'a>(
    mut a: Element<'a>,
    mut b: Element<'a>,
    may: impl Fn(&Head<'a>, &'a [u8]) -> bool,
) -> Option<Ordering> {
    let (a, b) = (&mut a, &mut b);
    let mut left: usize = 1;
    let mut at_end = Ordering::Equal;
    while left > 0 {
        left -= 1;
        let (x, y) = (take_head(a)?, take_head(b)?);
        if !may(&x, a) || !may(&y, b) {
            return None;
        }
        let kinds = (kind(&x), kind(&y));
        if kinds.0 == Kind::Wildcard || kinds.1 == Kind::Wildcard {
            return Some(Ordering::Equal);
        }
        if kinds.0 != kinds.1 {
            return Some(kinds.0.cmp(&kinds.1));
        }
        let order = match (x, y) {
            (Head::List(n), Head::List(m)) => {
                let ((n, _), (m, _)) = (take_flags(a, n, false), take_flags(b, m, false));
                if n == m {
                    left += n;
                } else {
                    left = n.min(m);
                    at_end = n.cmp(&m);
                }
                Ordering::Equal
            }
            (Head::Map(n), Head::Map(m)) => {
                let ((n, _), (m, _)) = (take_flags(a, n, true), take_flags(b, m, true));
                left += 2 * n;
                n.cmp(&m)
            }
            (Head::String(p), Head::String(q)) => p.cmp(q),
            (Head::Ext(_, p), Head::Ext(_, q)) => p.cmp(q),
            (x, y) => match (float(&x), float(&y)) {
                (Some(p), Some(q)) => p.partial_cmp(&q).unwrap_or(Ordering::Equal),
                _ => integer(&x).cmp(&integer(&y)),
            },
        };
        if order != Ordering::Equal {
            return Some(order);
        }
    }
    Some(at_end)
}

fn float(head: &Head<'_>) -> Option<f64> {
    match head {
        Head::Float(n) => Some(*n),
        Head::Float32(n) => Some((*n).into()),
        _ => None,
    }
}

fn integer(head: &Head<'_>) -> i128 {
    match head {
        Head::Integer(n) => (*n).into(),
        Head::Unsigned(n) => (*n).into(),
        _ => 0, // kinds with a single value
    }
}

/// Takes the flags of a container off the front of its elements: the number of entries without them, and the flags.
pub(crate) fn take_flags(buf: &mut &[u8], entries: usize, is_map: bool) -> (usize, u8) {
    let mut rest = *buf;
    match take_head(&mut rest) {
        Some(Head::Ext(flags, _)) if entries > 0 && flags != 0xff => {
            if is_map && take_element(&mut rest).is_none() {
                return (entries, 0);
            }
            *buf = rest;
            (entries - 1, flags)
        }
        _ => (entries, 0),
    }
}

/// An element, ordered as the server orders values.
#[derive(Clone, Copy)]
pub(crate) struct ByValue<'a>(pub(crate) Element<'a>);

impl Ord for ByValue<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.0, other.0)
    }
}
impl PartialOrd for ByValue<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for ByValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for ByValue<'_> {}
