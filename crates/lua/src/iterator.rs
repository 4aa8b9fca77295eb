//! Iterators over lists and maps: what `list.iterator`, `map.pairs` and their like walk with.

use std::sync::Arc;

use mlua::{AnyUserData, Function, Lua, MultiValue, Table, Value};

use crate::args::{Args, Outcome, add};
use crate::class::Class;
use crate::limits::Watch;
use crate::list::{self, List};
use crate::map::{self, Key, Map};
use crate::value::show;

/// Where what is walked is among the user values, and the keys of a map.
const WALKED: usize = 1;
const KEYS: usize = 2;

/// A walk over a list or a map: how many entries it has passed. A list is walked as it is, a map by the keys that it
/// had at the start.
#[derive(Debug)]
pub(crate) struct Cursor {
    passed: usize,
}

fn argument<'a>(args: &Args<'a>) -> Outcome<&'a AnyUserData> {
    args.object::<Cursor>(1, Class::Iterator)
}

/// The next pair of a map that is still there.
fn next_pair(lua: &Lua, cursor: &AnyUserData) -> mlua::Result<Option<(Key, Value)>> {
    let (walked, keys) = (cursor.nth_user_value::<AnyUserData>(WALKED)?, cursor.nth_user_value::<Option<Table>>(KEYS)?);
    let Some(keys) = keys else { return Ok(None) };
    loop {
        let mut state = cursor.borrow_mut::<Cursor>()?;
        let kept: Value = keys.raw_get(state.passed + 1)?;
        if kept.is_nil() {
            return Ok(None);
        }
        state.passed += 1;
        drop(state);
        let Some(key) = Key::of(&kept)? else { return Ok(None) };
        if let Some(value) = map::get(lua, &walked, &key)? {
            return Ok(Some((key, value)));
        }
    }
}

fn next_element(cursor: &AnyUserData) -> mlua::Result<Option<Value>> {
    let walked = cursor.nth_user_value::<AnyUserData>(WALKED)?;
    if !walked.is::<List>() {
        return Ok(None);
    }
    let mut state = cursor.borrow_mut::<Cursor>()?;
    let element = list::get(&walked, state.passed + 1)?;
    state.passed += usize::from(element.is_some());
    Ok(element.map(show))
}

fn has_next(cursor: &AnyUserData) -> mlua::Result<bool> {
    let walked = cursor.nth_user_value::<AnyUserData>(WALKED)?;
    let passed = cursor.borrow::<Cursor>()?.passed;
    match cursor.nth_user_value::<Option<Table>>(KEYS)? {
        Some(keys) => Ok(passed < keys.raw_len()),
        None => Ok(passed < list::len(&walked)?),
    }
}

/// Adds the functions that walk.
pub(crate) fn install(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    add(lua, host, watch, "cursor_has_next", |_, args| Ok(has_next(argument(args)?)?))?;
    add(lua, host, watch, "cursor_element", |_, args| Ok(next_element(argument(args)?)?))?;
    add(lua, host, watch, "cursor_pair", |lua, args| {
        Ok(match next_pair(lua, argument(args)?)? {
            Some((key, value)) => MultiValue::from_vec(vec![key.show(lua)?, show(value)]),
            None => MultiValue::new(),
        })
    })?;
    add(lua, host, watch, "cursor_key", |lua, args| {
        Ok(next_pair(lua, argument(args)?)?.map(|(key, _)| key.show(lua)).transpose()?)
    })?;
    add(lua, host, watch, "cursor_value", |lua, args| {
        Ok(next_pair(lua, argument(args)?)?.map(|(_, value)| show(value)))
    })?;
    // they give what `for` walks with: a step, and where it begins
    for (name, step, begin) in WALKS {
        lua.set_named_registry_value(step, host.raw_get::<Function>(*step)?)?;
        add(lua, host, watch, name, move |lua, args| {
            let step: Function = lua.named_registry_value(step)?;
            Ok((step, begin(lua, args)?))
        })?;
    }
    Ok(())
}

type Begin = for<'a> fn(&Lua, &Args<'a>) -> Outcome<AnyUserData>;

/// Functions that begin a walk, and what each of its steps is.
const WALKS: &[(&str, &str, Begin)] = &[
    ("list_iterator", "cursor_element", on_list),
    ("map_pairs", "cursor_pair", on_map),
    ("map_iterator", "cursor_pair", on_map),
    ("map_keys", "cursor_key", on_map),
    ("map_values", "cursor_value", on_map),
];

fn on_list(lua: &Lua, args: &Args<'_>) -> Outcome<AnyUserData> {
    let walked = args.object::<List>(1, Class::List)?;
    let cursor = lua.create_userdata(Cursor { passed: 0 })?;
    cursor.set_nth_user_value(WALKED, walked)?;
    Ok(cursor)
}

fn on_map(lua: &Lua, args: &Args<'_>) -> Outcome<AnyUserData> {
    let walked = args.object::<Map>(1, Class::Map)?;
    let keys = lua.create_table()?;
    for (i, key) in map::keys(walked)?.iter().enumerate() {
        keys.raw_set(i + 1, key.show(lua)?)?;
    }
    let cursor = lua.create_userdata(Cursor { passed: 0 })?;
    cursor.set_nth_user_value(WALKED, walked)?;
    cursor.set_nth_user_value(KEYS, keys)?;
    Ok(cursor)
}
