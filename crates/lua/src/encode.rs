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

/// The flag of lists and maps that say that they are ordered.
pub(crate) const ORDERED: u8 = 1;

/// A value in wire form.
pub type Particle = (ParticleType, Vec<u8>);

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It is answered: nobody is told that a list is ordered.
    Told,
    /// It is stored.
    Stored,
}

/// What a value is as the answer of a function: anything that has no wire form is null.
pub(crate) fn particle(lua: &Lua, value: &Value) -> mlua::Result<Particle> {
    particle_in(lua, value, Form::Told)
}

/// What a value is as a bin.
pub(crate) fn stored(lua: &Lua, value: &Value) -> mlua::Result<Particle> {
    particle_in(lua, value, Form::Stored)
}

fn particle_in(lua: &Lua, value: &Value, form: Form) -> mlua::Result<Particle> {
    Ok(match value {
        Value::Boolean(b) => (ParticleType::BOOL, vec![u8::from(*b)]),
        Value::Integer(n) => (ParticleType::INTEGER, n.to_be_bytes().to_vec()),
        Value::Number(n) => (ParticleType::FLOAT, n.to_be_bytes().to_vec()),
        Value::String(text) => (ParticleType::STRING, until_nul(&text.as_bytes()).to_vec()),
        Value::UserData(object) => return object_particle(lua, object, form),
        _ => (ParticleType::NULL, Vec::new()),
    })
}

fn object_particle(lua: &Lua, object: &AnyUserData, form: Form) -> mlua::Result<Particle> {
    Ok(match class::of(object) {
        Some(Class::List) => (ParticleType::LIST, packed(lua, object, form)?.to_vec()),
        Some(Class::Map) => (ParticleType::MAP, packed(lua, object, form)?.to_vec()),
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
    packed(lua, object, Form::Told).map(|packed| packed.len())
}

fn packed(lua: &Lua, object: &AnyUserData, form: Form) -> mlua::Result<BytesMut> {
    let mut packer = Packer { lua, out: BytesMut::new(), steps: Steps::of(lua), form };
    packer.object(object, 0)?;
    Ok(packer.out)
}

struct Packer<'l> {
    lua: &'l Lua,
    out: BytesMut,
    steps: Steps,
    form: Form,
}

impl Packer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> mlua::Result<()> {
        self.steps.count(self.out.len(), depth)?;
        match value {
            Value::Boolean(b) => self.out.put_u8(if *b { 0xc3 } else { 0xc2 }),
            Value::Integer(n) => pack_integer(&mut self.out, *n),
            Value::Number(n) => {
                self.out.put_u8(0xcb);
                self.out.put_f64(*n);
            }
            Value::String(text) => pack_typed(&mut self.out, ParticleType::STRING, until_nul(&text.as_bytes())),
            Value::UserData(object) => self.object(object, depth)?,
            _ => self.out.put_u8(0xc0),
        }
        Ok(())
    }

    fn object(&mut self, object: &AnyUserData, depth: usize) -> mlua::Result<()> {
        match class::of(object) {
            Some(Class::List) => return self.list(object, depth),
            Some(Class::Map) => return self.map(object, depth),
            Some(Class::Bytes) => {
                let bytes = object.borrow::<Bytes>()?;
                pack_typed(&mut self.out, bytes.kind(), bytes.content());
            }
            Some(Class::GeoJson) => {
                pack_typed(&mut self.out, ParticleType::GEOJSON, &object.user_value::<LuaString>()?.as_bytes());
            }
            _ => self.out.put_u8(0xc0),
        }
        Ok(())
    }

    fn list(&mut self, object: &AnyUserData, depth: usize) -> mlua::Result<()> {
        let (list, items) = list::open(object)?;
        let len = list::len(object)?;
        let is_ordered = list.is_ordered() && self.form == Form::Stored;
        pack_list_header(&mut self.out, len + usize::from(is_ordered));
        if is_ordered {
            self.out.put_slice(&[0xc7, 0, ORDERED]);
        }
        (1..=len).try_for_each(|i| self.value(&items.raw_get(i)?, depth + 1))
    }

    fn map(&mut self, object: &AnyUserData, depth: usize) -> mlua::Result<()> {
        let keys = map::keys(object)?;
        // without the flag of the order by keys the others are not written
        let flags = Some(map::flags(object)?).filter(|flags| flags & ORDERED != 0);
        pack_map_header(&mut self.out, keys.len() + usize::from(flags.is_some()));
        if let Some(flags) = flags {
            self.out.put_slice(&[0xc7, 0, flags, 0xc0]);
        }
        for key in &keys {
            match key {
                Key::Integer(n) => pack_integer(&mut self.out, *n),
                Key::Text(text) => pack_typed(&mut self.out, ParticleType::STRING, text),
                Key::Blob(content) => pack_typed(&mut self.out, ParticleType::BLOB, content),
            }
            self.value(&map::get(self.lua, object, key)?.unwrap_or_default(), depth + 1)?;
        }
        Ok(())
    }
}
