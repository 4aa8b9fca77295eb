//! The one form in which values are stored (protocol 9.1): shortest integers and headers, maps sorted by key, order
//! flags without the bits that only shape indexes, and nothing that may not be kept.
//!
//! Everything that enters a collection passes through here first, whole-value writes as well as arguments of
//! operations, so the rest of the engine works on bytes it can trust.

use std::cmp::Ordering;

use bytes::{BufMut, BytesMut};

use super::pack;
use super::value::{Element, Head, Kind, compare, head, kind, take_head};

/// The value cannot be stored, or is not MessagePack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The bit of list and map flags that says "sorted".
pub(crate) const ORDERED: u8 = 0x01;
/// The bits of map flags that say how it is sorted.
pub(crate) const MAP_ORDER: u8 = 0x03;

/// Lists and maps inside one another. A record has no room for more, since each takes a byte.
const MAX_DEPTH: usize = 1 << 20;

/// The stored form of an element that fills `bytes`.
pub(crate) fn normalise(bytes: &[u8]) -> Result<BytesMut, Malformed> {
    let mut out = BytesMut::with_capacity(bytes.len());
    write_normal(bytes, &mut out, Disorder::Refused)?;
    Ok(out)
}

/// The same of an element whose ordered lists may have come out of order.
pub(crate) fn normalise_sorting(bytes: &[u8]) -> Result<BytesMut, Malformed> {
    let mut out = BytesMut::with_capacity(bytes.len());
    write_normal(bytes, &mut out, Disorder::Mended)?;
    Ok(out)
}

/// What becomes of an ordered list that is out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disorder {
    Refused,
    Mended,
}

/// Whether every part of an element takes as little room as it can, or rather: as a real server thinks it can. Of negative
/// numbers it takes those for too wide that fit, but for the sign, into half the bytes.
pub(crate) fn is_compact(mut element: Element<'_>) -> bool {
    let mut least = BytesMut::new();
    while !element.is_empty() {
        let start = element;
        let Some(head) = take_head(&mut element) else { return false };
        least.clear();
        match head {
            Head::Integer(-0x100..-0x80 | -0x1_0000..-0x8000 | -0x1_0000_0000..-0x8000_0000) => return false,
            Head::Integer(n) => pack::integer(&mut least, n),
            Head::String(text) => pack::string(&mut least, text),
            Head::Ext(kind, data) => pack::ext(&mut least, kind, data),
            Head::List(n) => pack::list_header(&mut least, n, 0),
            Head::Map(n) => pack::map_header(&mut least, n, 0),
            Head::Nil | Head::Bool(_) | Head::Unsigned(_) | Head::Float32(_) | Head::Float(_) => continue,
        }
        if least.len() != start.len() - element.len() {
            return false;
        }
    }
    true
}

/// Appends the stored form of an element that fills `bytes`. Values may be nested as deep as their bytes allow, so what is open is kept in
/// a list instead of on the stack.
fn write_normal(mut bytes: Element<'_>, out: &mut BytesMut, disorder: Disorder) -> Result<(), Malformed> {
    let mut open: Vec<Open> = Vec::new();
    loop {
        if let Some(around) = open.last_mut() {
            around.element = out.len();
        }
        if let Some(inner) = write_head(&mut bytes, out, disorder)? {
            if open.len() == MAX_DEPTH {
                return Err(Malformed);
            }
            open.push(inner);
            continue;
        }
        // an element is complete, and so may be those that it is the last of
        loop {
            let Some(around) = open.last_mut() else {
                return if bytes.is_empty() { Ok(()) } else { Err(Malformed) };
            };
            around.take(out)?;
            if around.left > 0 {
                break;
            }
            around.finish(out)?;
            open.pop();
        }
    }
}

/// Writes a scalar, or the head of a list or map, which is returned if there is something in it.
fn write_head(bytes: &mut &[u8], out: &mut BytesMut, disorder: Disorder) -> Result<Option<Open>, Malformed> {
    let start = *bytes;
    match take_head(bytes).ok_or(Malformed)? {
        Head::Integer(n) => pack::integer(out, n),
        Head::Unsigned(n) => {
            out.put_u8(0xcf);
            out.put_u64(n);
        }
        Head::String(text) => pack::string(out, text),
        Head::Ext(FOR_COMPARISON, [_] | [_, _] | [_, _, _]) => return Err(Malformed),
        Head::Ext(kind, data) => pack::ext(out, kind, data),
        Head::List(n) => {
            let (n, flags) = take_header(bytes, n, false)?;
            let flags = flags & ORDERED;
            pack::list_header(out, n, flags);
            return Ok((n > 0).then(|| Open::new(Entries::of_list(flags != 0, disorder), n, out)));
        }
        Head::Map(n) => {
            let (n, flags) = take_header(bytes, n, true)?;
            let flags = flags & MAP_ORDER;
            pack::map_header(out, n, flags);
            let pairs = Entries::Pairs { flags, sorted: true, done: Vec::new() };
            return Ok((n > 0).then(|| Open::new(pairs, 2 * n, out)));
        }
        _ => out.put_slice(&start[..start.len() - bytes.len()]),
    }
    Ok(None)
}

/// The type of extensions that only comparisons know: wildcard and infinity.
const FOR_COMPARISON: u8 = 0xff;

/// Takes what a container says of its order off the front of its elements: the number of entries without it, and its
/// flags. An extension of one byte that has a marker of its own is an element like others. What is paired with the flags
/// of a map means nothing; of a container only the head is taken, as if what is in it were entries of the map.
fn take_header(buf: &mut &[u8], entries: usize, is_map: bool) -> Result<(usize, u8), Malformed> {
    let mut rest = *buf;
    let is_element = matches!(buf, [0xd4, ..] | [0xc7, 1, FOR_COMPARISON, 0 | 1, ..]);
    match take_head(&mut rest) {
        Some(Head::Ext(flags, _)) if entries > 0 && !is_element => {
            if is_map {
                take_head(&mut rest).ok_or(Malformed)?;
            }
            *buf = rest;
            Ok((entries - 1, flags))
        }
        _ => Ok((entries, 0)),
    }
}

/// A list or map that is being written.
struct Open {
    /// Elements to come, of a map keys and values.
    left: usize,
    /// Where the first element is, and the one at hand.
    first: usize,
    element: usize,
    /// The element before it; of a map the key before it.
    previous: Option<(usize, usize)>,
    entries: Entries,
}

enum Entries {
    /// Of a list without an order.
    Elements,
    /// Of one that has to be in order.
    Ordered,
    /// Of one that is brought into order: where its elements begin and end.
    Sorted { sorted: bool, done: Vec<(usize, usize)> },
    Pairs {
        flags: u8,
        sorted: bool,
        /// Where keys, values and what follows them begin.
        done: Vec<(usize, usize, usize)>,
    },
}

impl Entries {
    fn of_list(is_ordered: bool, disorder: Disorder) -> Self {
        match disorder {
            _ if !is_ordered => Self::Elements,
            Disorder::Refused => Self::Ordered,
            Disorder::Mended => Self::Sorted { sorted: true, done: Vec::new() },
        }
    }
}

impl Open {
    fn new(entries: Entries, left: usize, out: &BytesMut) -> Self {
        Self { left, first: out.len(), element: out.len(), previous: None, entries }
    }

    /// Looks at the element that ends here.
    fn take(&mut self, out: &[u8]) -> Result<(), Malformed> {
        self.left -= 1;
        let element = self.element..out.len();
        let order =
            || self.previous.map_or(Ordering::Less, |(from, to)| compare(&out[from..to], &out[element.clone()]));
        match &mut self.entries {
            Entries::Elements => return Ok(()),
            Entries::Ordered if order() == Ordering::Greater => return Err(Malformed),
            Entries::Ordered => {}
            Entries::Sorted { sorted, done } => {
                *sorted &= order() != Ordering::Greater;
                done.push((element.start, element.end));
            }
            Entries::Pairs { done, .. } if self.left % 2 == 0 => {
                // a value
                if let Some(pair) = done.last_mut() {
                    (pair.1, pair.2) = (element.start, element.end);
                }
                return Ok(());
            }
            Entries::Pairs { sorted, done, .. } => {
                if !is_key(&out[element.clone()]) {
                    return Err(Malformed);
                }
                match order() {
                    Ordering::Less => {}
                    Ordering::Equal => return Err(Malformed),
                    Ordering::Greater => *sorted = false,
                }
                done.push((element.start, element.end, element.end));
            }
        }
        self.previous = Some((element.start, element.end));
        Ok(())
    }

    /// Brings the pairs of a map into order, or elements.
    fn finish(&mut self, out: &mut BytesMut) -> Result<(), Malformed> {
        if let Entries::Sorted { sorted: false, done } = &mut self.entries {
            done.sort_by(|a, b| compare(&out[a.0..a.1], &out[b.0..b.1]));
            let body: Vec<u8> = done.iter().flat_map(|&(from, to)| &out[from..to]).copied().collect();
            out.truncate(self.first);
            out.put_slice(&body);
            return Ok(());
        }
        let Entries::Pairs { flags, sorted: false, done } = &mut self.entries else { return Ok(()) };
        if *flags & ORDERED != 0 {
            return Err(Malformed);
        }
        let key = |pair: &(usize, usize, usize)| &out[pair.0..pair.1];
        done.sort_by(|a, b| compare(key(a), key(b)));
        if done.windows(2).any(|pair| compare(key(&pair[0]), key(&pair[1])) == Ordering::Equal) {
            return Err(Malformed);
        }
        let mut body = Vec::with_capacity(out.len() - self.first);
        done.iter().for_each(|&(from, _, to)| body.extend_from_slice(&out[from..to]));
        out.truncate(self.first);
        out.put_slice(&body);
        Ok(())
    }
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
