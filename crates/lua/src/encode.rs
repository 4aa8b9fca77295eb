//! Values on their way out of Lua: to particles, and to MessagePack inside lists and maps.

use aerospike_wire::ParticleType;
use aerospike_wire::value::{pack_integer, pack_list_header, pack_map_header, pack_typed};
use bytes::{BufMut, BytesMut};
use mlua::{AnyUserData, Lua, LuaString, Value};

use crate::bytes::Bytes;
use crate::class::{self, Class};
use crate::limits::Steps;
use crate::list;
use crate::map::{self, Key};
use crate::value::until_nul;

/// A value in wire form.
pub type Particle = (ParticleType, Vec<u8>);

/// What a value is as the answer of a function: anything that has no wire form is null.
pub(crate) fn particle(lua: &Lua, value: &Value) -> mlua::Result<Particle> {
    Ok(match value {
        Value::Boolean(b) => (ParticleType::BOOL, vec![u8::from(*b)]),
        Value::Integer(n) => (ParticleType::INTEGER, n.to_be_bytes().to_vec()),
        Value::Number(n) => (ParticleType::FLOAT, n.to_be_bytes().to_vec()),
        Value::String(text) => (ParticleType::STRING, until_nul(&text.as_bytes()).to_vec()),
        Value::UserData(object) => return object_particle(lua, object),
        _ => (ParticleType::NULL, Vec::new()),
    })
}

fn object_particle(lua: &Lua, object: &AnyUserData) -> mlua::Result<Particle> {
    Ok(match class::of(object) {
        Some(Class::List) => (ParticleType::LIST, packed(lua, object)?.to_vec()),
        Some(Class::Map) => (ParticleType::MAP, packed(lua, object)?.to_vec()),
        Some(Class::Bytes) => (ParticleType::BLOB, object.borrow::<Bytes>()?.content().to_vec()),
        Some(Class::GeoJson) => {
            let text = object.user_value::<LuaString>()?;
            (ParticleType::GEOJSON, [&[0, 0, 0], &*text.as_bytes()].concat())
        }
        _ => (ParticleType::NULL, Vec::new()),
    })
}

/// Bytes that an object takes inside a list or map.
pub(crate) fn packed_size(lua: &Lua, object: &AnyUserData) -> mlua::Result<usize> {
    packed(lua, object).map(|packed| packed.len())
}

fn packed(lua: &Lua, object: &AnyUserData) -> mlua::Result<BytesMut> {
    let mut out = BytesMut::new();
    pack_object(lua, object, &mut out, &mut Steps::of(lua), 0)?;
    Ok(out)
}

fn pack(lua: &Lua, value: &Value, out: &mut BytesMut, steps: &mut Steps, depth: usize) -> mlua::Result<()> {
    steps.count(out.len(), depth)?;
    match value {
        Value::Boolean(b) => out.put_u8(if *b { 0xc3 } else { 0xc2 }),
        Value::Integer(n) => pack_integer(out, *n),
        Value::Number(n) => {
            out.put_u8(0xcb);
            out.put_f64(*n);
        }
        Value::String(text) => pack_typed(out, ParticleType::STRING, until_nul(&text.as_bytes())),
        Value::UserData(object) => pack_object(lua, object, out, steps, depth)?,
        _ => out.put_u8(0xc0),
    }
    Ok(())
}

fn pack_object(
    lua: &Lua,
    object: &AnyUserData,
    out: &mut BytesMut,
    steps: &mut Steps,
    depth: usize,
) -> mlua::Result<()> {
    match class::of(object) {
        Some(Class::List) => {
            let (_, items) = list::open(object)?;
            let len = list::len(object)?;
            pack_list_header(out, len);
            (1..=len).try_for_each(|i| pack(lua, &items.raw_get(i)?, out, steps, depth + 1))
        }
        Some(Class::Map) => pack_map(lua, object, out, steps, depth),
        Some(Class::Bytes) => {
            let bytes = object.borrow::<Bytes>()?;
            pack_typed(out, bytes.kind(), bytes.content());
            Ok(())
        }
        Some(Class::GeoJson) => {
            pack_typed(out, ParticleType::GEOJSON, &object.user_value::<LuaString>()?.as_bytes());
            Ok(())
        }
        _ => {
            out.put_u8(0xc0);
            Ok(())
        }
    }
}

fn pack_map(lua: &Lua, object: &AnyUserData, out: &mut BytesMut, steps: &mut Steps, depth: usize) -> mlua::Result<()> {
    /// The flag of maps that say that they are ordered; without it the others are not written.
    const ORDERED: u8 = 1;
    let keys = map::keys(object)?;
    let flags = Some(map::flags(object)?).filter(|flags| flags & ORDERED != 0);
    pack_map_header(out, keys.len() + usize::from(flags.is_some()));
    if let Some(flags) = flags {
        out.put_slice(&[0xc7, 0, flags, 0xc0]);
    }
    for key in &keys {
        match key {
            Key::Integer(n) => pack_integer(out, *n),
            Key::Text(text) => pack_typed(out, ParticleType::STRING, text),
            Key::Blob(content) => pack_typed(out, ParticleType::BLOB, content),
        }
        pack(lua, &map::get(lua, object, key)?.unwrap_or_default(), out, steps, depth + 1)?;
    }
    Ok(())
}
