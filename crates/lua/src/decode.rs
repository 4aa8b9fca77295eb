//! Values on their way into Lua: particles, and MessagePack inside lists and maps.

use aerospike_wire::ParticleType;
use aerospike_wire::limits::MAX_VALUE_DEPTH;
use mlua::{Lua, Table, Value};

use crate::bytes;
use crate::encode::ORDERED;
use crate::geojson;
use crate::list::{self, List};
use crate::map::{self, Key};
use crate::value::{HOLE, show, until_nul};

/// Text in front of its first zero byte.
fn text(lua: &Lua, bytes: &[u8]) -> mlua::Result<Value> {
    lua.create_string(until_nul(bytes)).map(Value::String)
}

/// The value of a particle; nil for what cannot be read.
pub(crate) fn particle(lua: &Lua, kind: ParticleType, bytes: &[u8]) -> mlua::Result<Value> {
    Ok(match kind {
        ParticleType::NULL => Value::Nil,
        ParticleType::INTEGER => bytes.try_into().map_or(Value::Nil, |n| Value::Integer(i64::from_be_bytes(n))),
        ParticleType::FLOAT => bytes.try_into().map_or(Value::Nil, |n| Value::Number(f64::from_be_bytes(n))),
        ParticleType::BOOL => Value::Boolean(bytes.first().is_some_and(|b| *b != 0)),
        ParticleType::STRING => text(lua, bytes)?,
        ParticleType::GEOJSON => match geojson_text(bytes) {
            Some(text) => Value::UserData(geojson::create(lua, text)?),
            None => Value::Nil,
        },
        ParticleType::LIST | ParticleType::MAP => unpack(lua, bytes)?.map_or(Value::Nil, show),
        other => Value::UserData(bytes::create(lua, other, bytes)?),
    })
}

/// GeoJSON text after its flags and cells.
fn geojson_text(bytes: &[u8]) -> Option<&[u8]> {
    let cells = usize::from(u16::from_be_bytes([*bytes.get(1)?, *bytes.get(2)?]));
    bytes.get(3 + 8 * cells..)
}

/// The arguments of a call in a table, and how many there are. What is no list is no arguments, as for a server.
pub(crate) fn arguments(lua: &Lua, bytes: &[u8]) -> mlua::Result<(Table, usize)> {
    let (items, count) = match unpack(lua, bytes)? {
        Some(Value::UserData(object)) if object.is::<List>() => (list::open(&object)?.1, list::len(&object)?),
        _ => return Ok((lua.create_table()?, 0)),
    };
    for i in 1..=count {
        if items.raw_get::<Value>(i)? == HOLE {
            items.raw_set(i, Value::Nil)?;
        }
    }
    Ok((items, count))
}

/// A packed value in the form it is kept in; `None` for what is not one.
fn unpack(lua: &Lua, bytes: &[u8]) -> mlua::Result<Option<Value>> {
    match (Reader { lua, buf: bytes }).value(0) {
        Ok(value) => Ok(Some(value)),
        Err(Broken::Lua(error)) => Err(error),
        Err(Broken::Malformed) => Ok(None),
    }
}

/// Why a value could not be read.
enum Broken {
    Malformed,
    Lua(mlua::Error),
}

impl From<mlua::Error> for Broken {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

type Read<T> = Result<T, Broken>;

struct Reader<'a> {
    lua: &'a Lua,
    buf: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Read<&'a [u8]> {
        let (head, tail) = self.buf.split_at_checked(n).ok_or(Broken::Malformed)?;
        self.buf = tail;
        Ok(head)
    }

    fn number(&mut self, size: usize) -> Read<u64> {
        Ok(self.take(size)?.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    fn size(&mut self, size: usize) -> Read<usize> {
        self.number(size).and_then(|n| usize::try_from(n).map_err(|_| Broken::Malformed))
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        if depth > MAX_VALUE_DEPTH {
            return Err(Broken::Malformed);
        }
        let marker = self.number(1)? as u8;
        match marker {
            0x80..=0x8f => self.map(usize::from(marker & 0xf), depth),
            0xde => self.size(2).and_then(|n| self.map(n, depth)),
            0xdf => self.size(4).and_then(|n| self.map(n, depth)),
            0x90..=0x9f => self.list(usize::from(marker & 0xf), depth),
            0xdc => self.size(2).and_then(|n| self.list(n, depth)),
            0xdd => self.size(4).and_then(|n| self.list(n, depth)),
            _ => self.leaf(marker),
        }
    }

    #[inline(never)]
    fn leaf(&mut self, marker: u8) -> Read<Value> {
        Ok(match marker {
            0x00..=0x7f => Value::Integer(marker.into()),
            0xe0.. => Value::Integer((marker as i8).into()),
            0xc0 => HOLE,
            0xc2 => Value::Boolean(false),
            0xc3 => Value::Boolean(true),
            0xca => Value::Number(f32::from_bits(self.number(4)? as u32).into()),
            0xcb => Value::Number(f64::from_bits(self.number(8)?)),
            0xcc => Value::Integer(self.number(1)? as i64),
            0xcd => Value::Integer(self.number(2)? as i64),
            0xce => Value::Integer(self.number(4)? as i64),
            0xcf | 0xd3 => Value::Integer(self.number(8)? as i64),
            0xd0 => Value::Integer((self.number(1)? as i8).into()),
            0xd1 => Value::Integer((self.number(2)? as i16).into()),
            0xd2 => Value::Integer((self.number(4)? as i32).into()),
            0xa0..=0xbf => self.string(usize::from(marker & 0x1f))?,
            0xc4 | 0xd9 => self.size(1).and_then(|n| self.string(n))?,
            0xc5 | 0xda => self.size(2).and_then(|n| self.string(n))?,
            0xc6 | 0xdb => self.size(4).and_then(|n| self.string(n))?,
            0xd4..=0xd8 => self.extension(1 << (marker - 0xd4))?,
            0xc7 => self.size(1).and_then(|n| self.extension(n))?,
            0xc8 => self.size(2).and_then(|n| self.extension(n))?,
            0xc9 => self.size(4).and_then(|n| self.extension(n))?,
            _ => return Err(Broken::Malformed),
        })
    }

    /// Extensions mean something in comparisons alone.
    fn extension(&mut self, size: usize) -> Read<Value> {
        self.take(size + 1)?;
        Ok(HOLE)
    }

    /// Text, or bytes of whatever type their first byte says: so an untyped string goes back out as it came.
    fn string(&mut self, size: usize) -> Read<Value> {
        let lua = self.lua;
        Ok(match self.take(size)?.split_first() {
            Some((3, bytes)) => text(lua, bytes)?,
            Some((0x17, text)) => Value::UserData(geojson::create(lua, text)?),
            Some((kind, content)) => Value::UserData(bytes::create(lua, ParticleType(*kind), content)?),
            None => Value::UserData(bytes::create(lua, ParticleType(0), &[])?),
        })
    }

    /// The flags in front of the entries, if there are any, and how many entries follow. A count above the bytes that
    /// are left is a lie.
    fn flags(&mut self, count: usize) -> Read<(usize, u8)> {
        if count > self.buf.len() {
            return Err(Broken::Malformed);
        }
        match self.buf {
            [0xc7, 0, flags, rest @ ..] if count > 0 => {
                self.buf = rest;
                Ok((count - 1, *flags))
            }
            _ => Ok((count, 0)),
        }
    }

    fn list(&mut self, count: usize, depth: usize) -> Read<Value> {
        let (count, flags) = self.flags(count)?;
        self.elements(count, depth, flags & ORDERED != 0)
    }

    fn elements(&mut self, count: usize, depth: usize, is_ordered: bool) -> Read<Value> {
        let items = self.lua.create_table()?;
        for i in 1..=count {
            items.raw_set(i, self.value(depth + 1)?)?;
        }
        Ok(Value::UserData(list::create(self.lua, items, count, is_ordered)?))
    }

    fn map(&mut self, count: usize, depth: usize) -> Read<Value> {
        /// The flag of results whose pairs are in an order of their own; programs get them as a list.
        const PRESERVE_ORDER: u8 = 8;
        let (entries, flags) = self.flags(count)?;
        if entries < count {
            self.value(depth + 1)?; // the value beside the flags
        }
        let count = entries;
        if flags & PRESERVE_ORDER != 0 {
            return self.elements(2 * count, depth, false);
        }
        let object = map::create(self.lua, flags)?;
        for _ in 0..count {
            let key = Key::of(&self.value(depth + 1)?)?.ok_or(Broken::Malformed)?;
            let value = self.value(depth + 1)?;
            map::set(self.lua, &object, &key, value)?;
        }
        Ok(Value::UserData(object))
    }
}
