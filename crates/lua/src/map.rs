//! Maps: `map`, always in the order of their keys: integers, then texts, then blobs.

use std::sync::Arc;

use aerospike_wire::ParticleType;
use mlua::{AnyUserData, Lua, LuaString, Table, Value};

use crate::args::{Args, Outcome, add, add_constructor};
use crate::bytes::{self, Bytes};
use crate::class::Class;
use crate::encode;
use crate::limits::Watch;
use crate::print;
use crate::value::{keep, show, until_nul};

/// Where the values of a map are among its user values: those under integers and texts, and those under blobs.
const VALUES: usize = 1;
const BLOBS: usize = 2;

/// A map. Its values are in tables that are its user values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Map {
    len: usize,
    /// The order flags it came with; a map that a program makes has none.
    flags: u8,
}

/// A key of a map, in the order of keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Integer(i64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Key {
    /// The key a value stands for; `None` when it cannot be one.
    pub(crate) fn of(value: &Value) -> mlua::Result<Option<Self>> {
        Ok(match value {
            Value::Integer(n) => Some(Self::Integer(*n)),
            Value::String(text) => Some(Self::Text(until_nul(&text.as_bytes()).to_vec())),
            Value::UserData(object) if object.is::<Bytes>() => {
                let bytes = object.borrow::<Bytes>()?;
                match bytes.kind() {
                    ParticleType::BLOB => Some(Self::Blob(bytes.content().to_vec())),
                    _ => None,
                }
            }
            _ => None,
        })
    }

    /// What a program sees of it.
    pub(crate) fn show(&self, lua: &Lua) -> mlua::Result<Value> {
        Ok(match self {
            Self::Integer(n) => Value::Integer(*n),
            Self::Text(text) => Value::String(lua.create_string(text)?),
            Self::Blob(content) => Value::UserData(bytes::create(lua, ParticleType::BLOB, content)?),
        })
    }

    const fn table(&self) -> usize {
        if matches!(self, Self::Blob(_)) { BLOBS } else { VALUES }
    }

    fn in_table(&self, lua: &Lua) -> mlua::Result<Value> {
        Ok(match self {
            Self::Integer(n) => Value::Integer(*n),
            Self::Text(text) | Self::Blob(text) => Value::String(lua.create_string(text)?),
        })
    }
}

/// Makes an empty map.
pub(crate) fn create(lua: &Lua, flags: u8) -> mlua::Result<AnyUserData> {
    let object = lua.create_userdata(Map { len: 0, flags })?;
    object.set_nth_user_value(VALUES, lua.create_table()?)?;
    Ok(object)
}

/// How many pairs a map has.
pub(crate) fn len(object: &AnyUserData) -> mlua::Result<usize> {
    Ok(object.borrow::<Map>()?.len)
}

/// The order flags it is written with.
pub(crate) fn flags(object: &AnyUserData) -> mlua::Result<u8> {
    Ok(object.borrow::<Map>()?.flags)
}

/// The value under a key, as it is kept.
pub(crate) fn get(lua: &Lua, object: &AnyUserData, key: &Key) -> mlua::Result<Option<Value>> {
    let Some(table) = object.nth_user_value::<Option<Table>>(key.table())? else { return Ok(None) };
    table.raw_get::<Value>(key.in_table(lua)?).map(|value| Some(value).filter(|value| !value.is_nil()))
}

/// Sets the value under a key.
pub(crate) fn set(lua: &Lua, object: &AnyUserData, key: &Key, value: Value) -> mlua::Result<()> {
    let table = match object.nth_user_value::<Option<Table>>(key.table())? {
        Some(table) => table,
        None => {
            let table = lua.create_table()?;
            object.set_nth_user_value(key.table(), &table)?;
            table
        }
    };
    let place = key.in_table(lua)?;
    let is_new = table.raw_get::<Value>(&place)?.is_nil();
    table.raw_set(place, value)?;
    object.borrow_mut::<Map>()?.len += usize::from(is_new);
    Ok(())
}

fn remove(lua: &Lua, object: &AnyUserData, key: &Key) -> mlua::Result<()> {
    if get(lua, object, key)?.is_some()
        && let Some(table) = object.nth_user_value::<Option<Table>>(key.table())?
    {
        table.raw_set(key.in_table(lua)?, Value::Nil)?;
        object.borrow_mut::<Map>()?.len -= 1;
    }
    Ok(())
}

/// The keys in order.
pub(crate) fn keys(object: &AnyUserData) -> mlua::Result<Vec<Key>> {
    let mut keys = Vec::with_capacity(len(object)?);
    object.nth_user_value::<Table>(VALUES)?.for_each::<Value, Value>(|key, _| {
        keys.extend(Key::of(&key)?);
        Ok(())
    })?;
    if let Some(table) = object.nth_user_value::<Option<Table>>(BLOBS)? {
        table.for_each::<LuaString, Value>(|content, _| {
            keys.push(Key::Blob(content.as_bytes().to_vec()));
            Ok(())
        })?;
    }
    keys.sort_unstable();
    Ok(keys)
}

fn argument<'a>(args: &Args<'a>, place: usize) -> Outcome<&'a AnyUserData> {
    args.object::<Map>(place, Class::Map)
}

/// Adds the functions on maps.
pub(crate) fn install(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    add(lua, host, watch, "map_create", |lua, args| {
        let capacity = args.integer(1)?;
        Ok((args.count() == 1 && capacity > 0).then(|| create(lua, 0)).transpose()?)
    })?;
    add_constructor(lua, host, watch, "map_new", |lua, args| {
        args.optional_integer(2)?; // a capacity, which tables of ours have no use for
        let object = create(lua, 0)?;
        if let (1 | 2, Value::Table(table)) = (args.count(), args.get(1)) {
            table.for_each::<Value, Value>(|key, value| {
                if let (Some(key), Some(value)) = (Key::of(&key)?, keep(lua, &value)?) {
                    set(lua, &object, &key, value)?;
                }
                Ok(())
            })?;
        }
        Ok(object)
    })?;
    add(lua, host, watch, "map_index", |lua, args| {
        let object = argument(args, 1)?;
        let key = Key::of(args.get(2))?;
        Ok(key.map(|key| get(lua, object, &key)).transpose()?.flatten().map(show))
    })?;
    add(lua, host, watch, "map_newindex", |lua, args| {
        let object = argument(args, 1)?;
        let Some(key) = Key::of(args.get(2))? else { return Ok(()) };
        match keep(lua, args.get(3))? {
            Some(Value::UserData(value)) if value.is::<crate::record::Record>() => {}
            Some(value) => set(lua, object, &key, value)?,
            // what cannot be kept removes what was there; nil is kept
            None => remove(lua, object, &key)?,
        }
        Ok(())
    })?;
    add(lua, host, watch, "map_remove", |lua, args| {
        let object = argument(args, 1)?;
        if let Some(key) = Key::of(args.get(2))? {
            remove(lua, object, &key)?;
        }
        Ok(())
    })?;
    add(lua, host, watch, "map_size", |_, args| Ok(len(argument(args, 1)?)?))?;
    add(lua, host, watch, "map_nbytes", |lua, args| Ok(encode::packed_size(lua, argument(args, 1)?)?))?;
    add(lua, host, watch, "map_tostring", |lua, args| Ok(lua.create_string(print::object(lua, argument(args, 1)?)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::HOLE;

    #[test]
    fn keys_come_in_order_whatever_order_they_were_set_in() {
        let lua = Lua::new();
        let object = lua.create_any_userdata(Map { len: 0, flags: 0 }).unwrap();
        object.set_nth_user_value(VALUES, lua.create_table().unwrap()).unwrap();
        let ordered = [
            Key::Integer(-1),
            Key::Integer(7),
            Key::Text(b"a".to_vec()),
            Key::Text(b"z".to_vec()),
            Key::Blob(b"b".to_vec()),
        ];
        for key in ordered.iter().rev() {
            set(&lua, &object, key, HOLE).unwrap();
        }
        assert_eq!(keys(&object).unwrap(), ordered);
        assert_eq!(len(&object).unwrap(), 5);
        remove(&lua, &object, &Key::Integer(7)).unwrap();
        remove(&lua, &object, &Key::Integer(8)).unwrap();
        assert_eq!(len(&object).unwrap(), 4);
    }
}
