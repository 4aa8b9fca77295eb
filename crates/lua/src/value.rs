//! Values inside lists, maps and records.
//!
//! Contents are kept in plain Lua tables, which cannot hold nil: [`HOLE`] stands for it there. So they are counted
//! against Lua's memory limit, collected by its collector, cycles included, and shared by reference as programs expect.

use mlua::{Lua, LuaString, Value};

use crate::class::{self, Class};

/// Nil, where a table has to remember it.
pub(crate) const HOLE: Value = Value::NULL;

/// What a value is kept as; `None` for what cannot be kept: tables, functions, coroutines, iterators.
pub(crate) fn keep(lua: &Lua, value: &Value) -> mlua::Result<Option<Value>> {
    Ok(match value {
        Value::Nil => Some(HOLE),
        Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => Some(value.clone()),
        Value::String(text) => Some(Value::String(up_to_nul(lua, text)?)),
        Value::UserData(object) => class::of(object).filter(|class| *class != Class::Iterator).map(|_| value.clone()),
        _ => None,
    })
}

/// As [`keep`], without records: they are not elements.
pub(crate) fn keep_element(lua: &Lua, value: &Value) -> mlua::Result<Option<Value>> {
    let is_record = matches!(value, Value::UserData(object) if class::of(object) == Some(Class::Record));
    if is_record { Ok(None) } else { keep(lua, value) }
}

/// What a program sees of a kept value.
pub(crate) fn show(kept: Value) -> Value {
    if matches!(kept, Value::LightUserData(_)) { Value::Nil } else { kept }
}

/// Text up to its first zero byte: a server keeps text as C does.
pub(crate) fn up_to_nul(lua: &Lua, text: &LuaString) -> mlua::Result<LuaString> {
    let bytes = text.as_bytes();
    match until_nul(&bytes) {
        whole if whole.len() == bytes.len() => Ok(text.clone()),
        part => lua.create_string(part),
    }
}

/// Bytes up to the first zero.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    memchr::memchr(0, bytes).and_then(|end| bytes.get(..end)).unwrap_or(bytes)
}
