//! Bin values, as particles and as MessagePack.
//!
//! MessagePack carries lists and maps, and everything inside them. Aerospike's dialect puts the particle type in the
//! first byte of every string, and spells integers in their shortest unsigned or signed form.

use bytes::{BufMut, BytesMut};
use rmp::Marker;

use crate::error::{DecodeError, Result, take, take_array, take_u8, take_u16, take_u32};
use crate::limits::MAX_VALUE_DEPTH;
use crate::particle::ParticleType;

/// A bin value, or an element of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing; written to a bin, it deletes it.
    Nil,
    /// A boolean.
    Bool(bool),
    /// A signed integer. Unsigned ones above `i64::MAX` wrap, as clients of the field read them.
    Integer(i64),
    /// A double.
    Float(f64),
    /// Text; a server does not check that it is UTF-8, so neither does this type.
    String(Vec<u8>),
    /// Bytes, with the particle type they were stored under.
    Blob(ParticleType, Vec<u8>),
    /// GeoJSON text, without cells.
    GeoJson(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A map, in the order it came, with its flags (0 unordered, 1 key-ordered, 3 key-value-ordered, 8 preserved).
    Map(u8, Vec<(Value, Value)>),
    /// An extension element: `(0xff, 0)` is the wildcard, `(0xff, 1)` infinity.
    Ext(u8, Vec<u8>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.as_bytes().to_vec())
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Integer(n)
    }
}

impl Value {
    /// Appends the value's particle bytes and returns its particle type.
    pub fn write_particle(&self, out: &mut BytesMut) -> ParticleType {
        match self {
            Self::Nil | Self::Ext(..) => ParticleType::NULL,
            Self::Bool(b) => {
                out.put_u8(u8::from(*b));
                ParticleType::BOOL
            }
            Self::Integer(n) => {
                out.put_i64(*n);
                ParticleType::INTEGER
            }
            Self::Float(n) => {
                out.put_f64(*n);
                ParticleType::FLOAT
            }
            Self::String(text) => {
                out.put_slice(text);
                ParticleType::STRING
            }
            Self::Blob(kind, bytes) => {
                out.put_slice(bytes);
                *kind
            }
            Self::GeoJson(text) => {
                out.put_slice(&[0, 0, 0]);
                out.put_slice(text);
                ParticleType::GEOJSON
            }
            Self::List(_) => {
                self.pack(out);
                ParticleType::LIST
            }
            Self::Map(..) => {
                self.pack(out);
                ParticleType::MAP
            }
        }
    }

    /// Reads a particle.
    pub fn from_particle(kind: ParticleType, bytes: &[u8]) -> Result<Self> {
        let whole = |what| bytes.try_into().map_err(|_| DecodeError::Invalid(what));
        Ok(match kind {
            ParticleType::NULL => Self::Nil,
            ParticleType::INTEGER => Self::Integer(i64::from_be_bytes(whole("integer")?)),
            ParticleType::FLOAT => Self::Float(f64::from_be_bytes(whole("float")?)),
            ParticleType::STRING => Self::String(bytes.to_vec()),
            ParticleType::BOOL => match bytes {
                [b] => Self::Bool(*b != 0),
                _ => return Err(DecodeError::Invalid("bool")),
            },
            ParticleType::GEOJSON => {
                let mut rest = bytes;
                let [_flags, high, low] = take_array(&mut rest, "geojson")?;
                take(&mut rest, usize::from(u16::from_be_bytes([high, low])) * 8, "geojson cells")?;
                Self::GeoJson(rest.to_vec())
            }
            ParticleType::LIST | ParticleType::MAP => Self::unpack(bytes)?,
            other => Self::Blob(other, bytes.to_vec()),
        })
    }

    /// Appends the value's MessagePack.
    pub fn pack(&self, out: &mut BytesMut) {
        match self {
            Self::Nil => out.put_u8(Marker::Null.to_u8()),
            Self::Bool(b) => out.put_u8(if *b { Marker::True } else { Marker::False }.to_u8()),
            Self::Integer(n) => pack_integer(out, *n),
            Self::Float(n) => {
                out.put_u8(Marker::F64.to_u8());
                out.put_f64(*n);
            }
            Self::String(text) => pack_typed(out, ParticleType::STRING, text),
            Self::Blob(kind, bytes) => pack_typed(out, *kind, bytes),
            Self::GeoJson(text) => pack_typed(out, ParticleType::GEOJSON, text),
            Self::List(items) => {
                pack_list_header(out, items.len());
                items.iter().for_each(|v| v.pack(out));
            }
            Self::Map(flags, pairs) => {
                pack_map_header(out, pairs.len() + usize::from(*flags != 0));
                if *flags != 0 {
                    out.put_slice(&[0xc7, 0, *flags, Marker::Null.to_u8()]);
                }
                for (key, value) in pairs {
                    key.pack(out);
                    value.pack(out);
                }
            }
            Self::Ext(kind, data) => pack_ext(out, *kind, data),
        }
    }

    /// Reads one value that fills `bytes`.
    ///
    /// ```
    /// use aerospike_wire::Value;
    /// let list = Value::unpack(&[0x92, 0x01, 0xa2, 0x03, b'k']).unwrap();
    /// assert_eq!(list, Value::List(vec![1.into(), "k".into()]));
    /// ```
    pub fn unpack(mut bytes: &[u8]) -> Result<Self> {
        let value = unpack_at(&mut bytes, 0)?;
        if bytes.is_empty() { Ok(value) } else { Err(DecodeError::Trailing("value")) }
    }

    /// Reads the value at the front of `bytes` and advances past it.
    pub fn unpack_next(bytes: &mut &[u8]) -> Result<Self> {
        unpack_at(bytes, 0)
    }
}

/// Appends an integer in its shortest form; non-negative ones always unsigned.
pub fn pack_integer(out: &mut BytesMut, n: i64) {
    match n {
        0..=0x7f => out.put_u8(n as u8),
        0x80..=0xff => out.put_slice(&[0xcc, n as u8]),
        0x100..=0xffff => {
            out.put_u8(0xcd);
            out.put_u16(n as u16);
        }
        0x1_0000..=0xffff_ffff => {
            out.put_u8(0xce);
            out.put_u32(n as u32);
        }
        0x1_0000_0000.. => {
            out.put_u8(0xcf);
            out.put_i64(n);
        }
        -0x20..=-1 => out.put_i8(n as i8),
        -0x80..=-0x21 => {
            out.put_u8(0xd0);
            out.put_i8(n as i8);
        }
        -0x8000..=-0x81 => {
            out.put_u8(0xd1);
            out.put_i16(n as i16);
        }
        -0x8000_0000..=-0x8001 => {
            out.put_u8(0xd2);
            out.put_i32(n as i32);
        }
        _ => {
            out.put_u8(0xd3);
            out.put_i64(n);
        }
    }
}

/// Appends a string-family element with its particle type as first byte.
pub fn pack_typed(out: &mut BytesMut, kind: ParticleType, bytes: &[u8]) {
    match bytes.len() + 1 {
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
    out.put_u8(kind.0);
    out.put_slice(bytes);
}

/// Appends an extension.
fn pack_ext(out: &mut BytesMut, kind: u8, data: &[u8]) {
    match data.len() {
        1 => out.put_u8(Marker::FixExt1.to_u8()),
        n @ 0..=0xff => out.put_slice(&[Marker::Ext8.to_u8(), n as u8]),
        n @ 0x100..=0xffff => {
            out.put_u8(Marker::Ext16.to_u8());
            out.put_u16(n as u16);
        }
        n => {
            out.put_u8(Marker::Ext32.to_u8());
            out.put_u32(n as u32);
        }
    }
    out.put_u8(kind);
    out.put_slice(data);
}

/// Appends the header of a list of `n` elements.
pub fn pack_list_header(out: &mut BytesMut, n: usize) {
    match n {
        0..=15 => out.put_u8(0x90 | n as u8),
        16..=0xffff => {
            out.put_u8(0xdc);
            out.put_u16(n as u16);
        }
        _ => {
            out.put_u8(0xdd);
            out.put_u32(n as u32);
        }
    }
}

/// Appends the header of a map of `n` pairs, the flags pair included.
pub fn pack_map_header(out: &mut BytesMut, n: usize) {
    match n {
        0..=15 => out.put_u8(0x80 | n as u8),
        16..=0xffff => {
            out.put_u8(0xde);
            out.put_u16(n as u16);
        }
        _ => {
            out.put_u8(0xdf);
            out.put_u32(n as u32);
        }
    }
}

/// Only containers recurse, and only through this function and the two below: frames stay small, so the deepest value
/// fits on any thread's stack.
fn unpack_at(buf: &mut &[u8], depth: usize) -> Result<Value> {
    if depth > MAX_VALUE_DEPTH {
        return Err(DecodeError::TooDeep);
    }
    match unpack_head(buf)? {
        Head::Leaf(value) => Ok(value),
        Head::List(n) => unpack_list(buf, n, depth),
        Head::Map(n) => unpack_map(buf, n, depth),
    }
}

/// A whole leaf, or the size of a container whose elements follow.
enum Head {
    Leaf(Value),
    List(usize),
    Map(usize),
}

#[inline(never)]
fn unpack_head(buf: &mut &[u8]) -> Result<Head> {
    const WHAT: &str = "value";
    Ok(Head::Leaf(match Marker::from_u8(take_u8(buf, WHAT)?) {
        Marker::Null => Value::Nil,
        Marker::False => Value::Bool(false),
        Marker::True => Value::Bool(true),
        Marker::FixPos(n) => Value::Integer(n.into()),
        Marker::FixNeg(n) => Value::Integer(n.into()),
        Marker::U8 => Value::Integer(take_u8(buf, WHAT)?.into()),
        Marker::U16 => Value::Integer(take_u16(buf, WHAT)?.into()),
        Marker::U32 => Value::Integer(take_u32(buf, WHAT)?.into()),
        Marker::U64 | Marker::I64 => Value::Integer(i64::from_be_bytes(take_array(buf, WHAT)?)),
        Marker::I8 => Value::Integer(i8::from_be_bytes(take_array(buf, WHAT)?).into()),
        Marker::I16 => Value::Integer(i16::from_be_bytes(take_array(buf, WHAT)?).into()),
        Marker::I32 => Value::Integer(i32::from_be_bytes(take_array(buf, WHAT)?).into()),
        Marker::F32 => Value::Float(f32::from_be_bytes(take_array(buf, WHAT)?).into()),
        Marker::F64 => Value::Float(f64::from_be_bytes(take_array(buf, WHAT)?)),
        Marker::FixStr(n) => unpack_typed(buf, n.into())?,
        Marker::Str8 | Marker::Bin8 => take_u8(buf, WHAT).and_then(|n| unpack_typed(buf, n.into()))?,
        Marker::Str16 | Marker::Bin16 => take_u16(buf, WHAT).and_then(|n| unpack_typed(buf, n.into()))?,
        Marker::Str32 | Marker::Bin32 => take_u32(buf, WHAT).and_then(|n| unpack_typed(buf, n as usize))?,
        Marker::FixArray(n) => return Ok(Head::List(n.into())),
        Marker::Array16 => return Ok(Head::List(take_u16(buf, WHAT)?.into())),
        Marker::Array32 => return Ok(Head::List(take_u32(buf, WHAT)? as usize)),
        Marker::FixMap(n) => return Ok(Head::Map(n.into())),
        Marker::Map16 => return Ok(Head::Map(take_u16(buf, WHAT)?.into())),
        Marker::Map32 => return Ok(Head::Map(take_u32(buf, WHAT)? as usize)),
        Marker::FixExt1 => unpack_ext(buf, 1)?,
        Marker::FixExt2 => unpack_ext(buf, 2)?,
        Marker::FixExt4 => unpack_ext(buf, 4)?,
        Marker::FixExt8 => unpack_ext(buf, 8)?,
        Marker::FixExt16 => unpack_ext(buf, 16)?,
        Marker::Ext8 => take_u8(buf, WHAT).and_then(|n| unpack_ext(buf, n.into()))?,
        Marker::Ext16 => take_u16(buf, WHAT).and_then(|n| unpack_ext(buf, n.into()))?,
        Marker::Ext32 => take_u32(buf, WHAT).and_then(|n| unpack_ext(buf, n as usize))?,
        Marker::Reserved => return Err(DecodeError::Invalid("MessagePack marker")),
    }))
}

fn unpack_typed(buf: &mut &[u8], n: usize) -> Result<Value> {
    let bytes = take(buf, n, "string")?;
    Ok(match bytes.split_first() {
        Some((3, text)) => Value::String(text.to_vec()),
        Some((0x17, text)) => Value::GeoJson(text.to_vec()),
        Some((kind, blob)) if ParticleType(*kind).is_blob() || *kind == ParticleType::HLL.0 => {
            Value::Blob(ParticleType(*kind), blob.to_vec())
        }
        // a string without a type byte: stored and passed on as it came
        _ => Value::String(bytes.to_vec()),
    })
}

fn unpack_ext(buf: &mut &[u8], n: usize) -> Result<Value> {
    let kind = take_u8(buf, "extension")?;
    Ok(Value::Ext(kind, take(buf, n, "extension")?.to_vec()))
}

/// Every element takes a byte at least, so a count above the bytes that are left is a lie.
fn check_count(buf: &[u8], n: usize, what: &'static str) -> Result<()> {
    if n > buf.len() { Err(DecodeError::Truncated(what)) } else { Ok(()) }
}

fn unpack_list(buf: &mut &[u8], mut n: usize, depth: usize) -> Result<Value> {
    check_count(buf, n, "list")?;
    if n > 0 && buf.starts_with(&[0xc7, 0x00]) {
        take(buf, 3, "list flags")?; // the order of a list does not change what it holds
        n -= 1;
    }
    let mut items = Vec::with_capacity(n.min(1024)); // a deep value claims a long list at every level
    for _ in 0..n {
        items.push(unpack_at(buf, depth + 1)?);
    }
    Ok(Value::List(items))
}

fn unpack_map(buf: &mut &[u8], mut n: usize, depth: usize) -> Result<Value> {
    check_count(buf, n, "map")?;
    let mut flags = 0;
    if n > 0 && buf.starts_with(&[0xc7, 0x00]) {
        flags = take(buf, 3, "map flags")?[2];
        unpack_at(buf, depth + 1)?;
        n -= 1;
    }
    let mut pairs = Vec::with_capacity(n.min(1024));
    for _ in 0..n {
        let key = unpack_at(buf, depth + 1)?;
        pairs.push((key, unpack_at(buf, depth + 1)?));
    }
    Ok(Value::Map(flags, pairs))
}
