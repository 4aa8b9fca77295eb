//! The functions on bytes. Those on integers are one table: a width, an order, and what is done.

use std::sync::Arc;

use aerospike_wire::ParticleType;
use mlua::{AnyUserData, Lua, MultiValue, Table, Value};

use crate::args::{Args, Fault, Outcome, add, add_constructor};
use crate::bytes::{self, Bytes};
use crate::class::Class;
use crate::limits::Watch;
use crate::print;

/// Bytes a variable-length integer takes at most.
const VAR_INT: usize = 5;

/// Integers in bytes: what functions call them, their size, and whether their lowest byte comes first.
const INTEGERS: [(&str, usize, bool); 10] = [
    ("byte", 1, false),
    ("int16", 2, false),
    ("int16_be", 2, false),
    ("int16_le", 2, true),
    ("int32", 4, false),
    ("int32_be", 4, false),
    ("int32_le", 4, true),
    ("int64", 8, false),
    ("int64_be", 8, false),
    ("int64_le", 8, true),
];

fn argument<'a>(args: &Args<'a>, place: usize) -> Outcome<&'a AnyUserData> {
    args.object::<Bytes>(place, Class::Bytes)
}

/// A place as it is counted inside; `None` for what is none.
fn place(n: i64) -> Option<usize> {
    usize::try_from(n).ok().filter(|n| (1..=u32::MAX as usize).contains(n)).map(|n| n - 1)
}

fn length(n: i64) -> Option<usize> {
    usize::try_from(n).ok().filter(|n| *n <= u32::MAX as usize)
}

/// The bytes of an integer; `None` when it does not fit. A byte is unsigned, all else signed.
fn integer_bytes(n: i64, size: usize, is_little: bool) -> Option<Vec<u8>> {
    let bits = size as u32 * 8;
    let fits = match size {
        1 => (0..=0xff).contains(&n),
        8 => true,
        _ => (-(1_i64 << (bits - 1))..1_i64 << (bits - 1)).contains(&n),
    };
    let little = n.to_le_bytes();
    let mut bytes = little.get(..size).filter(|_| fits)?.to_vec();
    if !is_little {
        bytes.reverse();
    }
    Some(bytes)
}

fn integer_of(bytes: &[u8], is_little: bool) -> i64 {
    let fold = |n: u64, byte: &u8| n << 8 | u64::from(*byte);
    let n = if is_little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) };
    match bytes.len() {
        2 => (n as i16).into(),
        4 => (n as i32).into(),
        _ => n as i64,
    }
}

/// Writes, at a place or at the end; want of memory ends the call, since no program can do anything about it.
fn write(object: &AnyUserData, at: Option<usize>, content: &[u8], watch: &Watch) -> Outcome<bool> {
    let mut bytes = object.borrow_mut::<Bytes>()?;
    let at = at.unwrap_or_else(|| bytes.size());
    let done = bytes.write(at, content);
    if !done {
        watch.exhaust();
        return Err(Fault::Said("not enough memory".to_owned()));
    }
    Ok(done)
}

/// Adds the functions on bytes.
pub(crate) fn install(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    for (name, size, is_little) in INTEGERS {
        install_integer(lua, host, watch, name, size, is_little)?;
    }
    install_whole(lua, host, watch)?;
    install_parts(lua, host, watch)?;
    install_var_int(lua, host, watch)
}

fn install_integer(
    lua: &Lua,
    host: &Table,
    watch: &Arc<Watch>,
    name: &str,
    size: usize,
    is_little: bool,
) -> mlua::Result<()> {
    add(lua, host, watch, &format!("bytes_get_{name}"), move |_, args| {
        if args.count() != 2 {
            return Ok(None);
        }
        let bytes = argument(args, 1)?.borrow::<Bytes>()?;
        let at = place(args.integer(2)?);
        Ok(at.and_then(|at| bytes.content().get(at..at + size)).map(|bytes| integer_of(bytes, is_little)))
    })?;
    let held = Arc::clone(watch);
    add(lua, host, watch, &format!("bytes_set_{name}"), move |_, args| {
        if args.count() != 3 {
            return Ok(false);
        }
        let object = argument(args, 1)?;
        let (at, n) = (place(args.integer(2)?), args.integer(3)?);
        let (Some(at), Some(content)) = (at, integer_bytes(n, size, is_little)) else { return Ok(false) };
        write(object, Some(at), &content, &held)
    })?;
    let held = Arc::clone(watch);
    add(lua, host, watch, &format!("bytes_append_{name}"), move |_, args| {
        if args.count() != 2 {
            return Ok(false);
        }
        let object = argument(args, 1)?;
        let content = integer_bytes(args.integer(2)?, size, is_little);
        content.map_or(Ok(false), |content| write(object, None, &content, &held))
    })
}

fn install_whole(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    let held = Arc::clone(watch);
    add_constructor(lua, host, watch, "bytes_new", move |lua, args| {
        let capacity = match args.count() {
            0 => 0,
            1 => args.integer(1)? as u32 as usize,
            _ => return Ok(None),
        };
        Ok(Some(lua.create_userdata(Bytes::new(capacity, Some(Arc::clone(&held))))?))
    })?;
    add(lua, host, watch, "bytes_size", |_, args| {
        if args.count() != 1 {
            return Ok(0);
        }
        Ok(argument(args, 1)?.borrow::<Bytes>()?.size())
    })?;
    add(lua, host, watch, "bytes_set_size", |_, args| {
        if args.count() != 2 {
            return Ok(false);
        }
        let bytes = argument(args, 1)?.borrow::<Bytes>()?;
        Ok(length(args.integer(2)?).is_some_and(|size| bytes.has_room(size)))
    })?;
    add(lua, host, watch, "bytes_get_type", |_, args| {
        if args.count() == 0 {
            return Ok(None);
        }
        Ok(Some(argument(args, 1)?.borrow::<Bytes>()?.kind().0))
    })?;
    add(lua, host, watch, "bytes_set_type", |_, args| {
        if args.count() != 2 {
            return Ok(false);
        }
        let object = argument(args, 1)?;
        let kind = args.integer(2)?;
        if kind != 0 {
            object.borrow_mut::<Bytes>()?.set_kind(ParticleType(kind as u8));
        }
        Ok(kind != 0)
    })?;
    add(lua, host, watch, "bytes_tostring", |lua, args| {
        if args.count() != 1 {
            return Ok(Value::Integer(0));
        }
        Ok(Value::String(lua.create_string(print::object(lua, argument(args, 1)?)?)?))
    })
}

fn install_parts(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    /// The part of a value that the second and third argument name, as far as it is there.
    fn part(args: &Args<'_>) -> Outcome<Option<Vec<u8>>> {
        if args.count() != 3 {
            return Ok(None);
        }
        let bytes = argument(args, 1)?.borrow::<Bytes>()?;
        let (at, size) = (place(args.integer(2)?), length(args.integer(3)?));
        let (Some(at), Some(size)) = (at, size) else { return Ok(None) };
        let behind = bytes.content().get(at..).unwrap_or_default();
        Ok(Some(behind.get(..size).unwrap_or(behind).to_vec()))
    }
    add(lua, host, watch, "bytes_get_string", |lua, args| {
        Ok(part(args)?.map(|part| lua.create_string(part)).transpose()?)
    })?;
    add(lua, host, watch, "bytes_get_bytes", |lua, args| {
        Ok(part(args)?.map(|part| bytes::create(lua, ParticleType::BLOB, &part)).transpose()?)
    })?;
    let held = Arc::clone(watch);
    add(lua, host, watch, "bytes_set_string", move |lua, args| {
        if args.count() != 3 {
            return Ok(false);
        }
        let object = argument(args, 1)?;
        let (at, text) = (place(args.integer(2)?), args.optional_text(lua, 3)?);
        let (Some(at), Some(text)) = (at, text) else { return Ok(false) };
        write(object, Some(at), &text.as_bytes(), &held)
    })?;
    let held = Arc::clone(watch);
    add(lua, host, watch, "bytes_append_string", move |lua, args| {
        if args.count() != 2 {
            return Ok(false);
        }
        let object = argument(args, 1)?;
        let text = args.optional_text(lua, 2)?.filter(|text| !text.as_bytes().is_empty());
        text.map_or(Ok(false), |text| write(object, None, &text.as_bytes(), &held))
    })?;
    let held = Arc::clone(watch);
    add(lua, host, watch, "bytes_set_bytes", move |_, args| {
        if args.count() != 4 {
            return Ok(false);
        }
        let object = argument(args, 1)?;
        let (at, source) = (place(args.integer(2)?), argument(args, 3)?);
        let size = length(args.integer(4)?);
        let mut content = source.borrow::<Bytes>()?.content().to_vec();
        let (Some(at), Some(size)) = (at, size) else { return Ok(false) };
        // more than the source holds is taken as zeros, but makes no room
        if size > content.len() && !object.borrow::<Bytes>()?.has_room(at.saturating_add(size)) {
            return Ok(false);
        }
        content.truncate(size);
        if !write(object, Some(at), &content, &held)? {
            return Ok(false);
        }
        let missing = size - content.len();
        if missing > 0 { write(object, Some(at + size - 1), &[0], &held) } else { Ok(true) }
    })?;
    let held = Arc::clone(watch);
    add(lua, host, watch, "bytes_append_bytes", move |_, args| {
        if args.count() != 3 {
            return Ok(false);
        }
        let (object, source) = (argument(args, 1)?, argument(args, 2)?);
        let size = length(args.integer(3)?);
        let mut content = source.borrow::<Bytes>()?.content().to_vec();
        let Some(size) = size else { return Ok(false) };
        content.truncate(size);
        write(object, None, &content, &held)
    })
}

/// Integers in groups of seven bits, the lowest first. They take room but do not count as part of the value.
fn install_var_int(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    fn put(object: &AnyUserData, at: Option<usize>, n: i64) -> Outcome<usize> {
        let Ok(signed) = i32::try_from(n) else { return Ok(0) };
        let mut bytes = object.borrow_mut::<Bytes>()?;
        let at = at.unwrap_or_else(|| bytes.size());
        let mut content = Vec::with_capacity(VAR_INT);
        let mut rest = signed as u32;
        while rest >= 0x80 {
            content.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        content.push(rest as u8);
        let room = bytes.write_beside(at + VAR_INT, &[]);
        Ok(if room && bytes.write_beside(at, &content) { content.len() } else { 0 })
    }
    add(lua, host, watch, "bytes_set_var_int", |_, args| {
        if args.count() != 3 {
            return Ok(0);
        }
        let object = argument(args, 1)?;
        let (at, n) = (place(args.integer(2)?), args.integer(3)?);
        at.map_or(Ok(0), |at| put(object, Some(at), n))
    })?;
    add(lua, host, watch, "bytes_append_var_int", |_, args| {
        if args.count() != 2 {
            return Ok(0);
        }
        let object = argument(args, 1)?;
        put(object, None, args.integer(2)?)
    })?;
    add(lua, host, watch, "bytes_get_var_int", |_, args| {
        if args.count() != 2 {
            return Ok(MultiValue::new());
        }
        let bytes = argument(args, 1)?.borrow::<Bytes>()?;
        let Some(at) = place(args.integer(2)?) else { return Ok(MultiValue::new()) };
        let (mut n, mut size) = (0_u32, 0);
        for byte in bytes.written(at) {
            n |= u32::from(byte & 0x7f).checked_shl(7 * size).unwrap_or(0);
            size += 1;
            if byte & 0x80 == 0 || size as usize > VAR_INT {
                break;
            }
        }
        Ok(MultiValue::from_vec(vec![Value::Integer(n.into()), Value::Integer(size.into())]))
    })
}
