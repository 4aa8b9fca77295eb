//! Writing MessagePack in the form the server stores and answers.

use aerospike_wire::ParticleType;
use aerospike_wire::value::{pack_integer, pack_list_header, pack_map_header};
use bytes::{BufMut, BytesMut};

use super::value::{Element, Head, NIL, head, take_element, take_head};

/// The bit of list and map flags that asks for an index beside the elements.
pub(crate) const PERSIST_INDEX: u8 = 0x10;

/// The flag of maps whose pairs are in the order they were selected in; only in results.
pub(crate) const PRESERVE_ORDER: u8 = 0x08;

/// Appends an integer.
pub(crate) fn integer(out: &mut BytesMut, n: i64) {
    pack_integer(out, n);
}

/// Appends a string whose first byte is its particle type.
pub(crate) fn string(out: &mut BytesMut, bytes: &[u8]) {
    match bytes.len() {
        n @ 0..=31 => out.put_u8(0xa0 | n as u8),
        n @ 32..=0xff => out.put_slice(&[0xd9, n as u8]),
        n @ 0x100..=0xffff => {
            out.put_u8(0xda);
            out.put_u16(n as u16);
        }
        n => {
            out.put_u8(0xdb);
            out.put_u32(n as u32);
        }
    }
    out.put_slice(bytes);
}

/// Appends an extension.
pub(crate) fn ext(out: &mut BytesMut, kind: u8, data: &[u8]) {
    match data.len() {
        n @ (1 | 2 | 4 | 8 | 16) => out.put_u8(0xd4 + n.ilog2() as u8),
        n @ 0..=0xff => out.put_slice(&[0xc7, n as u8]),
        n @ 0x100..=0xffff => {
            out.put_u8(0xc8);
            out.put_u16(n as u16);
        }
        n => {
            out.put_u8(0xc9);
            out.put_u32(n as u32);
        }
    }
    out.put_u8(kind);
    out.put_slice(data);
}

/// Appends the header of a list of `n` elements, and its flags if it has any.
pub(crate) fn list_header(out: &mut BytesMut, n: usize, flags: u8) {
    pack_list_header(out, n + usize::from(flags != 0));
    if flags != 0 {
        out.put_slice(&[0xc7, 0, flags]);
    }
}

/// Appends the header of a map of `n` pairs, and its flags if it has any.
pub(crate) fn map_header(out: &mut BytesMut, n: usize, flags: u8) {
    pack_map_header(out, n + usize::from(flags != 0));
    if flags != 0 {
        out.put_slice(&[0xc7, 0, flags, 0xc0]);
    }
}

/// A list or map without the index that its own flags ask for: no client sees it.
pub(crate) fn without_index(collection: &[u8]) -> Vec<u8> {
    let mut rest = collection;
    let (n, is_map) = match take_head(&mut rest) {
        Some(Head::List(n)) => (n, false),
        Some(Head::Map(n)) => (n, true),
        _ => return collection.to_vec(),
    };
    match take_head(&mut rest) {
        Some(Head::Ext(flags, index)) if n > 0 && (flags & PERSIST_INDEX != 0 || !index.is_empty()) => {
            let flags = flags & !PERSIST_INDEX;
            let mut out = BytesMut::with_capacity(collection.len());
            if is_map {
                let _ = take_element(&mut rest); // what is paired with the flags
                map_header(&mut out, n - 1, flags);
            } else {
                list_header(&mut out, n - 1, flags);
            }
            out.put_slice(rest);
            out.into()
        }
        _ => collection.to_vec(),
    }
}

/// A boolean as an element.
pub(crate) const fn bool(b: bool) -> Element<'static> {
    if b { &[0xc3] } else { &[0xc2] }
}

/// An integer as an element.
pub(crate) fn integer_element(n: i64) -> BytesMut {
    let mut out = BytesMut::with_capacity(9);
    integer(&mut out, n);
    out
}

/// A list of integers as an element.
pub(crate) fn integer_list(numbers: impl ExactSizeIterator<Item = i64>) -> BytesMut {
    let mut out = BytesMut::new();
    list_header(&mut out, numbers.len(), 0);
    numbers.for_each(|n| integer(&mut out, n));
    out
}

/// A list of elements as an element.
pub(crate) fn list<'a>(elements: impl ExactSizeIterator<Item = Element<'a>>, flags: u8) -> BytesMut {
    let mut out = BytesMut::new();
    list_header(&mut out, elements.len(), flags);
    elements.for_each(|e| out.put_slice(e));
    out
}

/// The particle an element becomes when it is a result of its own. `None` for what has no particle: extensions.
pub(crate) fn particle(element: Element<'_>) -> Option<(ParticleType, Vec<u8>)> {
    Some(match head(element)? {
        Head::Nil => (ParticleType::NULL, Vec::new()),
        Head::Bool(b) => (ParticleType::BOOL, vec![b.into()]),
        Head::Integer(n) => (ParticleType::INTEGER, n.to_be_bytes().to_vec()),
        Head::Unsigned(n) => (ParticleType::INTEGER, n.to_be_bytes().to_vec()),
        Head::Float32(n) => (ParticleType::FLOAT, f64::from(n).to_be_bytes().to_vec()),
        Head::Float(n) => (ParticleType::FLOAT, n.to_be_bytes().to_vec()),
        Head::String([3, text @ ..]) => (ParticleType::STRING, text.to_vec()),
        Head::String([0x17, text @ ..]) => (ParticleType::GEOJSON, [&[0, 0, 0], text].concat()),
        Head::String([kind @ (7..=12 | 18), bytes @ ..]) => (ParticleType(*kind), bytes.to_vec()),
        Head::String(bytes) => (ParticleType::BLOB, bytes.get(1..).unwrap_or_default().to_vec()),
        Head::List(_) => (ParticleType::LIST, element.to_vec()),
        Head::Map(_) => (ParticleType::MAP, element.to_vec()),
        Head::Ext(..) => return None,
    })
}

/// The element a particle becomes inside a collection, its type byte included.
pub(crate) fn element(kind: ParticleType, bytes: &[u8]) -> Option<BytesMut> {
    let mut out = BytesMut::with_capacity(bytes.len() + 6);
    match kind {
        ParticleType::NULL => out.put_slice(NIL),
        ParticleType::BOOL => out.put_slice(self::bool(bytes != [0])),
        ParticleType::INTEGER => integer(&mut out, i64::from_be_bytes(bytes.try_into().ok()?)),
        ParticleType::FLOAT => {
            out.put_u8(0xcb);
            out.put_slice(bytes);
        }
        ParticleType::LIST | ParticleType::MAP => out.put_slice(bytes),
        ParticleType::GEOJSON => {
            let cells = usize::from(u16::from_be_bytes([*bytes.get(1)?, *bytes.get(2)?]));
            string(&mut out, &[&[kind.0], bytes.get(3 + 8 * cells..)?].concat());
        }
        _ => string(&mut out, &[&[kind.0], bytes].concat()),
    }
    Some(out)
}
