//! The functions of records: bins, what creates, updates and removes them, and what is known beside the bins.

use std::sync::Arc;

use aerospike_wire::ParticleType;
use aerospike_wire::limits::MAX_BIN_NAME_SIZE;
use mlua::{AnyUserData, Lua, Table, Value};

use crate::args::{Args, Fault, Outcome, add};
use crate::bytes;
use crate::class::Class;
use crate::decode;
use crate::encode;
use crate::limits::Watch;
use crate::record::{MAX_BINS, Record, Refusal, Stored};
use crate::value::{HOLE, keep, show};

/// Makes an object of a record.
pub(crate) fn create(lua: &Lua, record: Record) -> mlua::Result<AnyUserData> {
    let object = lua.create_userdata(record)?;
    object.set_user_value(lua.create_table()?)?;
    Ok(object)
}

fn argument<'a>(args: &Args<'a>, place: usize) -> Outcome<&'a AnyUserData> {
    args.object::<Record>(place, Class::Record)
}

fn index(lua: &Lua, args: &Args<'_>) -> Outcome<Value> {
    let object = argument(args, 1)?;
    let Some(name) = args.optional_text(lua, 2)? else { return Ok(Value::Nil) };
    let bytes = name.as_bytes();
    if bytes.len() > MAX_BIN_NAME_SIZE {
        return Ok(Value::Nil);
    }
    let values: Table = object.user_value()?;
    let cached: Value = values.raw_get(&name)?;
    if !cached.is_nil() {
        return Ok(show(cached));
    }
    let mut record = object.borrow_mut::<Record>()?;
    if !record.is_loadable() {
        return Ok(Value::Nil);
    }
    let value = record.bin(&bytes).map(|(kind, value)| decode::particle(lua, kind, value)).transpose()?;
    let Some(value) = value.filter(|value| !value.is_nil()) else { return Ok(Value::Nil) };
    if record.remember(&bytes, false) {
        values.raw_set(&name, &value)?;
    }
    Ok(value)
}

fn newindex(lua: &Lua, args: &Args<'_>) -> Outcome<()> {
    let object = argument(args, 1)?;
    let Some(name) = args.optional_text(lua, 2)? else { return Ok(()) };
    let Some(value) = keep(lua, args.get(3))? else {
        return Err(Fault::Said(format!("can't set bin {} to unsupported type", name.display())));
    };
    let bytes = name.as_bytes();
    let mut record = object.borrow_mut::<Record>()?;
    if bytes.len() <= MAX_BIN_NAME_SIZE && !record.is_read_only && record.remember(&bytes, true) {
        object.user_value::<Table>()?.raw_set(&name, value)?;
    }
    Ok(())
}

/// Writes what was assigned; a server's answer.
fn execute(lua: &Lua, object: &AnyUserData) -> Outcome<i64> {
    let values: Table = object.user_value()?;
    let mut record = object.borrow_mut::<Record>()?;
    let live = record.cached.iter().filter(|cached| {
        lua.create_string(&cached.name).and_then(|name| values.raw_get::<Value>(name)).is_ok_and(|v| v != HOLE)
    });
    if live.count() > MAX_BINS {
        record.has_too_many = true;
    }
    let mut refusal = record.has_too_many.then_some(Refusal::TooManyBins);
    let mut i = 0;
    while let (None, Some(cached)) = (refusal, record.cached.get(i)) {
        let (name, is_dirty) = (cached.name.clone(), cached.is_dirty);
        let key = lua.create_string(&name)?;
        let value: Value = values.raw_get(&key)?;
        if is_dirty && value == HOLE {
            if let Some(place) = record.names().iter().position(|other| *other == name) {
                record.names().swap_remove(place);
                record.change.bins.push((name, None));
            }
            record.cached.swap_remove(i);
            values.raw_set(key, Value::Nil)?;
            continue;
        }
        if is_dirty {
            refusal = write_bin(lua, &mut record, name, &value)?;
        }
        i += 1;
    }
    if let Some(refusal) = refusal {
        record.refuse(refusal);
        object.set_user_value(lua.create_table()?)?;
        return Ok(-1);
    }
    record.cached.iter_mut().for_each(|cached| cached.is_dirty = false);
    record.refusal = None;
    record.is_written = true;
    Ok(0)
}

fn write_bin(lua: &Lua, record: &mut Record, name: Vec<u8>, value: &Value) -> Outcome<Option<Refusal>> {
    let particle = encode::stored(lua, value).map_err(|error| Fault::Said(error.to_string()))?;
    if particle.0 == ParticleType::NULL {
        return Ok(Some(Refusal::NoBinValue));
    }
    if !record.names().contains(&name) {
        if record.names().len() >= MAX_BINS {
            return Ok(Some(Refusal::TooManyBins));
        }
        record.names().push(name.clone());
    }
    record.change.bins.push((name, Some(particle)));
    Ok(None)
}

fn create_record(lua: &Lua, object: &AnyUserData) -> Outcome<i64> {
    let mut record = object.borrow_mut::<Record>()?;
    if record.is_read_only || record.is_open && (!record.is_loadable() || !record.names().is_empty()) {
        return Ok(1);
    }
    let was_open = record.is_open;
    drop(record);
    let result = execute(lua, object)?;
    object.borrow_mut::<Record>()?.is_open = was_open || result == 0;
    Ok(result)
}

fn update_record(lua: &Lua, object: &AnyUserData) -> Outcome<i64> {
    let mut record = object.borrow_mut::<Record>()?;
    if record.is_read_only {
        return Ok(1);
    }
    if !record.is_loadable() {
        return Ok(-2);
    }
    drop(record);
    execute(lua, object)
}

fn remove_record(lua: &Lua, object: &AnyUserData) -> Outcome<i64> {
    let mut record = object.borrow_mut::<Record>()?;
    if record.is_read_only || !record.is_loadable() {
        return Ok(1);
    }
    let names = record.names().clone();
    record.cached.clear();
    record.has_too_many = false;
    let values = lua.create_table()?;
    for name in &names {
        values.raw_set(lua.create_string(name)?, HOLE)?;
        record.remember(name, true);
    }
    object.set_user_value(values)?;
    drop(record);
    execute(lua, object)
}

/// The user key as a value: only these types can be read.
fn key_value(lua: &Lua, key: &[u8]) -> mlua::Result<Value> {
    match key.split_first() {
        Some((kind @ (1 | 3 | 4), key)) => decode::particle(lua, ParticleType(*kind), key),
        _ => Ok(Value::Nil),
    }
}

/// Adds the functions on records.
pub(crate) fn install(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    add(lua, host, watch, "record_index", index)?;
    add(lua, host, watch, "record_newindex", newindex)?;
    add(lua, host, watch, "record_create", |lua, args| create_record(lua, argument(args, 1)?))?;
    add(lua, host, watch, "record_update", |lua, args| update_record(lua, argument(args, 1)?))?;
    add(lua, host, watch, "record_remove", |lua, args| remove_record(lua, argument(args, 1)?))?;
    add(lua, host, watch, "record_exists", |_, args| {
        let record = argument(args, 1)?.borrow::<Record>()?;
        Ok(record.is_read_only || record.is_open)
    })?;
    install_metadata(lua, host, watch)
}

/// A number that is known of a stored record.
type Number = fn(&Stored) -> u64;

const NUMBERS: [(&str, Number); 6] = [
    ("record_ttl", |stored| stored.time_to_live.into()),
    ("record_gen", |stored| stored.generation.into()),
    ("record_last_update_time", |stored| stored.last_update),
    ("record_size", |stored| stored.size),
    ("record_memory_size", |stored| stored.size),
    ("record_device_size", |_| 0),
];

fn install_metadata(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    for (name, number) in NUMBERS {
        add(lua, host, watch, name, move |_, args| {
            let record = argument(args, 1)?.borrow::<Record>()?;
            Ok(record.stored.as_ref().map_or(0, number))
        })?;
    }
    add(lua, host, watch, "record_numbins", |_, args| {
        let mut record = argument(args, 1)?.borrow_mut::<Record>()?;
        Ok(if record.is_loadable() { record.names().len() } else { 0 })
    })?;
    add(lua, host, watch, "record_bin_names", |lua, args| {
        let mut record = argument(args, 1)?.borrow_mut::<Record>()?;
        if !record.is_loadable() {
            return Err(Fault::Said("can't get bin names".to_owned()));
        }
        let table = lua.create_table()?;
        for (i, name) in record.names().iter().enumerate() {
            table.raw_set(i + 1, lua.create_string(name)?)?;
        }
        Ok(table)
    })?;
    add(lua, host, watch, "record_key", |lua, args| {
        let record = argument(args, 1)?.borrow::<Record>()?;
        let key = record.stored.as_ref().and_then(|stored| stored.key.as_ref());
        Ok(key.map(|key| key_value(lua, key)).transpose()?)
    })?;
    add(lua, host, watch, "record_setname", |lua, args| {
        let record = argument(args, 1)?.borrow::<Record>()?;
        let set = record.stored.as_ref().map_or(&record.set, |stored| &stored.set);
        let is_known = record.is_open && !set.is_empty();
        Ok(is_known.then(|| lua.create_string(set)).transpose()?)
    })?;
    add(lua, host, watch, "record_digest", |lua, args| {
        let digest = argument(args, 1)?.borrow::<Record>()?.digest;
        Ok(bytes::create(lua, ParticleType::BLOB, &digest)?)
    })?;
    add(lua, host, watch, "record_set_ttl", |_, args| {
        let mut record = argument(args, 1)?.borrow_mut::<Record>()?;
        if !record.is_read_only {
            record.change.time_to_live = Some(args.integer(2)? as u32);
        }
        Ok(())
    })?;
    add(lua, host, watch, "record_drop_key", |_, args| {
        let mut record = argument(args, 1)?.borrow_mut::<Record>()?;
        if record.is_open && !record.is_read_only {
            record.change.drops_key = true;
        }
        Ok(())
    })
}
