//! Lists: `list`, counted from 1.

use std::sync::Arc;

use mlua::{AnyUserData, Lua, Table, Value};

use crate::args::{Args, Outcome, add, add_constructor};
use crate::class::Class;
use crate::encode;
use crate::limits::Watch;
use crate::print;
use crate::value::{HOLE, keep, keep_element, show};

/// Elements a list has room for at first, and grows by.
const ROOM: (usize, usize) = (5, 10);
/// Elements that a list which came from outside grows by.
const DECODED_STEP: usize = 8;
/// Places beyond this are not addressed.
const MAX_LENGTH: i64 = u32::MAX as i64;

/// A list. Its elements are in a table that is its user value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    len: usize,
    capacity: usize,
    /// What the capacity grows by; a list that does not grow drops what it has no room for.
    step: usize,
    /// Whether it came as an ordered one, and is brought into order when it is stored.
    is_ordered: bool,
}

impl List {
    /// Whether it is ordered when it is stored.
    pub(crate) fn is_ordered(self) -> bool {
        self.is_ordered
    }

    /// Makes room for more elements; `false` when the list does not grow.
    fn reserve(&mut self, more: usize) -> bool {
        let needed = self.len + more;
        if needed <= self.capacity {
            return true;
        }
        if self.step == 0 {
            return false;
        }
        let missing = needed - self.capacity;
        self.capacity += (missing + self.step) / self.step * self.step;
        true
    }
}

/// Makes a list of a table with so many elements in the form they are kept in.
pub(crate) fn create(lua: &Lua, items: Table, len: usize, is_ordered: bool) -> mlua::Result<AnyUserData> {
    make(lua, List { len, capacity: len, step: DECODED_STEP, is_ordered }, items)
}

fn make(lua: &Lua, list: List, items: Table) -> mlua::Result<AnyUserData> {
    let object = lua.create_userdata(list)?;
    object.set_user_value(items)?;
    Ok(object)
}

/// A list's length and the table of its elements.
pub(crate) fn open(object: &AnyUserData) -> mlua::Result<(List, Table)> {
    Ok((*object.borrow::<List>()?, object.user_value()?))
}

/// How many elements a list has.
pub(crate) fn len(object: &AnyUserData) -> mlua::Result<usize> {
    Ok(object.borrow::<List>()?.len)
}

/// An element, counted from 1, as it is kept; `None` outside of the list.
pub(crate) fn get(object: &AnyUserData, place: usize) -> mlua::Result<Option<Value>> {
    let (list, items) = open(object)?;
    if (1..=list.len).contains(&place) { items.raw_get(place).map(Some) } else { Ok(None) }
}

fn argument<'a>(args: &Args<'a>, place: usize) -> Outcome<&'a AnyUserData> {
    args.object::<List>(place, Class::List)
}

/// A place from 1; `None` for what is none. Places wrap at 32 bits, as a server's do.
fn place(n: i64) -> Option<usize> {
    usize::try_from(n & MAX_LENGTH).ok().filter(|place| n > 0 && *place > 0)
}

fn insert(object: &AnyUserData, at: usize, value: Value) -> mlua::Result<()> {
    let (mut list, items) = open(object)?;
    if !list.reserve((at.saturating_sub(list.len)).max(1)) {
        return Ok(());
    }
    if at > list.len {
        pad(&items, list.len, at)?;
        items.raw_set(at, value)?;
        list.len = at;
    } else {
        items.raw_insert(at as i64, value)?;
        list.len += 1;
    }
    *object.borrow_mut::<List>()? = list;
    Ok(())
}

/// Fills the places past the end with nil, up to one before `to`.
fn pad(items: &Table, len: usize, to: usize) -> mlua::Result<()> {
    (len + 1..to).try_for_each(|i| items.raw_set(i, HOLE))
}

fn set(object: &AnyUserData, at: usize, value: Value) -> mlua::Result<()> {
    let (mut list, items) = open(object)?;
    if at > list.capacity && !list.reserve(at - list.len) {
        return Ok(());
    }
    pad(&items, list.len, at)?;
    items.raw_set(at, value)?;
    list.len = list.len.max(at);
    *object.borrow_mut::<List>()? = list;
    Ok(())
}

fn part(lua: &Lua, object: &AnyUserData, from: usize, to: usize) -> mlua::Result<AnyUserData> {
    let (list, items) = open(object)?;
    let copies = lua.create_table()?;
    for i in from + 1..=to {
        copies.raw_set(i - from, items.raw_get::<Value>(i)?)?;
    }
    let len = to.saturating_sub(from);
    make(lua, List { len, capacity: len, step: list.step, is_ordered: false }, copies)
}

/// Adds the functions on lists.
pub(crate) fn install(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    add(lua, host, watch, "list_create", |lua, args| {
        let capacity = args.optional_integer(1)?.unwrap_or(-1);
        let step = args.optional_integer(2)?.unwrap_or(ROOM.1 as i64);
        let (Ok(capacity), Ok(step)) = (usize::try_from(capacity), usize::try_from(step)) else { return Ok(None) };
        if args.count() == 0 || args.count() > 2 {
            return Ok(None);
        }
        let list = List { len: 0, capacity, step: step.min(MAX_LENGTH as usize), is_ordered: false };
        Ok(Some(make(lua, list, lua.create_table()?)?))
    })?;
    add_constructor(lua, host, watch, "list_new", |lua, args| {
        let items = lua.create_table()?;
        let mut list = List { len: 0, capacity: ROOM.0, step: ROOM.1, is_ordered: false };
        if let (1, Value::Table(table)) = (args.count(), args.get(1)) {
            table.for_each::<Value, Value>(|key, value| {
                if matches!(key, Value::Integer(_) | Value::Number(_)) {
                    list.reserve(1);
                    list.len += 1;
                    items.raw_set(list.len, keep(lua, &value)?.unwrap_or(HOLE))?;
                }
                Ok(())
            })?;
        }
        Ok(make(lua, list, items)?)
    })?;
    install_writers(lua, host, watch)?;
    install_readers(lua, host, watch)
}

fn install_writers(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    add(lua, host, watch, "list_insert", |lua, args| {
        let object = argument(args, 1)?;
        let at = place(args.integer(2)?);
        if let (Some(at), Some(value)) = (at, keep_element(lua, args.get(3))?) {
            insert(object, at, value)?;
        }
        Ok(())
    })?;
    add(lua, host, watch, "list_append", |lua, args| {
        let object = argument(args, 1)?;
        if let Some(value) = keep_element(lua, args.get(2))? {
            insert(object, len(object)? + 1, value)?;
        }
        Ok(())
    })?;
    add(lua, host, watch, "list_prepend", |lua, args| {
        let object = argument(args, 1)?;
        if let Some(value) = keep_element(lua, args.get(2))? {
            insert(object, 1, value)?;
        }
        Ok(())
    })?;
    add(lua, host, watch, "list_newindex", |lua, args| {
        let object = argument(args, 1)?;
        let at = place(args.integer(2)?);
        if let (Some(at), Some(value)) = (at, keep_element(lua, args.get(3))?) {
            set(object, at, value)?;
        }
        Ok(())
    })?;
    add(lua, host, watch, "list_remove", |_, args| {
        let object = argument(args, 1)?;
        let (mut list, items) = open(object)?;
        if let Some(at) = place(args.integer(2)?).filter(|at| *at <= list.len) {
            items.raw_remove(at as i64)?;
            list.len -= 1;
            *object.borrow_mut::<List>()? = list;
        }
        Ok(())
    })?;
    add(lua, host, watch, "list_concat", |_, args| {
        let object = argument(args, 1)?;
        let (other, others) = open(argument(args, 2)?)?;
        let (mut list, items) = open(object)?;
        if list.reserve(other.len) {
            for i in 1..=other.len {
                items.raw_set(list.len + i, others.raw_get::<Value>(i)?)?;
            }
            list.len += other.len;
            *object.borrow_mut::<List>()? = list;
        }
        Ok(())
    })?;
    add(lua, host, watch, "list_trim", |_, args| {
        let object = argument(args, 1)?;
        let (mut list, items) = open(object)?;
        if let Some(at) = place(args.integer(2)?).filter(|at| *at <= list.len) {
            for i in (at..=list.len).rev() {
                items.raw_set(i, Value::Nil)?;
            }
            list.len = at - 1;
            *object.borrow_mut::<List>()? = list;
        }
        Ok(())
    })
}

fn install_readers(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    add(lua, host, watch, "list_index", |_, args| {
        let object = argument(args, 1)?;
        let at = usize::try_from(args.integer(2)? & MAX_LENGTH).unwrap_or(0);
        Ok(get(object, at)?.map(show))
    })?;
    add(lua, host, watch, "list_size", |_, args| Ok(len(argument(args, 1)?)?))?;
    add(lua, host, watch, "list_take", |lua, args| {
        let object = argument(args, 1)?;
        let count = place(args.integer(2)?);
        Ok(count.map(|n| part(lua, object, 0, n.min(len(object)?))).transpose()?)
    })?;
    add(lua, host, watch, "list_drop", |lua, args| {
        let object = argument(args, 1)?;
        let count = place(args.integer(2)?);
        let drop = |n: usize| len(object).and_then(|len| part(lua, object, n.min(len), len));
        Ok(count.map(drop).transpose()?)
    })?;
    add(lua, host, watch, "list_nbytes", |lua, args| Ok(encode::packed_size(lua, argument(args, 1)?)?))?;
    add(lua, host, watch, "list_tostring", |lua, args| Ok(lua.create_string(print::object(lua, argument(args, 1)?)?)?))
}
