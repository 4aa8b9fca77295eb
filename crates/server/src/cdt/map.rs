//! The map operations that are not selections.

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::call::{Args, Origin, Outcome};
use super::collection::{Collection, Map, Pair};
use super::normal::MAP_ORDER;
use super::pack::PERSIST_INDEX;
use super::value::compare;
use super::{number, pack};

/// The write flags of maps.
pub(crate) mod flags {
    pub(crate) const NO_OVERWRITE: i64 = 1;
    pub(crate) const NO_CREATE: i64 = 2;
    pub(crate) const NO_FAIL: i64 = 4;
    pub(crate) const PARTIAL: i64 = 8;
}

type Done = Result<Outcome, ResultCode>;

/// A map operation: the map, where it came from, and the arguments.
pub(crate) type MapOperation = for<'a> fn(Map<'a>, Origin, &'a Args) -> Done;

fn size(map: &Map<'_>) -> BytesMut {
    pack::integer_element(map.len() as i64)
}

/// The flags of a created map, from the argument that describes it. Only one whose type is set keeps that of an index.
pub(crate) const fn order(argument: i64, origin: Origin) -> u8 {
    origin.order(argument, MAP_ORDER) & !PERSIST_INDEX
}

fn create(map: &mut Map<'_>, origin: Origin, args: &Args, at: usize) {
    if origin != Origin::Stored {
        map.flags = order(args.flags(at), origin);
    }
}

pub(crate) fn set_type<'a>(mut map: Map<'a>, origin: Origin, args: &'a Args) -> Done {
    let flags = args.required_integer(0) as u8;
    if flags & !(MAP_ORDER | PERSIST_INDEX) != 0 {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    map.flags = origin.kept(flags);
    map.pairs.sort_by(|a, b| compare(a.0, b.0)); // literals of expressions come in any order
    Ok(Outcome { stored: Some(map.pack()), result: None })
}

/// Stores pairs as far as the write flags allow. All or nothing, unless they say PARTIAL.
fn put_pairs<'a>(mut map: Map<'a>, pairs: Vec<Pair<'a>>, flags: i64) -> Done {
    let violation = |exists: bool| match exists {
        true => (flags & flags::NO_OVERWRITE != 0).then_some(ResultCode::ELEMENT_EXISTS),
        false => (flags & flags::NO_CREATE != 0).then_some(ResultCode::ELEMENT_NOT_FOUND),
    };
    let mut allowed = Vec::with_capacity(pairs.len());
    for pair in pairs {
        match violation(map.find(pair.0).is_ok()) {
            None => allowed.push(pair),
            Some(code) if flags & flags::NO_FAIL == 0 => return Err(code),
            Some(_) if flags & flags::PARTIAL == 0 => {
                return Ok(Outcome { stored: None, result: Some(size(&map)) });
            }
            Some(_) => {}
        }
    }
    merge(&mut map, &allowed);
    Ok(Outcome { stored: Some(map.pack()), result: Some(size(&map)) })
}

/// Puts sorted pairs into a map in one pass.
fn merge<'a>(map: &mut Map<'a>, new: &[Pair<'a>]) {
    if let [pair] = new {
        match map.find(pair.0) {
            Ok(at) => map.pairs[at] = *pair,
            Err(at) => map.pairs.insert(at, *pair),
        }
        return;
    }
    let mut merged = Vec::with_capacity(map.pairs.len() + new.len());
    let mut from = 0;
    for pair in new {
        let (at, replaced) = match map.find(pair.0) {
            Ok(at) => (at, 1),
            Err(at) => (at, 0),
        };
        merged.extend_from_slice(&map.pairs[from..at]);
        merged.push(*pair);
        from = at + replaced;
    }
    merged.extend_from_slice(&map.pairs[from..]);
    map.pairs = merged;
}

/// A created map that nothing is put into keeps the flag of an index, as one whose type is set does.
fn keep_index_of_empty(map: &mut Map<'_>, pairs: &[Pair<'_>], origin: Origin, args: &Args) {
    if origin != Origin::Stored && pairs.is_empty() {
        map.flags = origin.order(args.flags(1), MAP_ORDER);
    }
}

fn one(args: &Args) -> Vec<Pair<'_>> {
    vec![(args.element(0), args.element(1))]
}

fn many(args: &Args) -> Result<Vec<Pair<'_>>, ResultCode> {
    Map::parse(args.element(0)).map(|map| map.pairs).ok_or(ResultCode::PARAMETER)
}

pub(crate) fn add<'a>(mut map: Map<'a>, origin: Origin, args: &'a Args) -> Done {
    create(&mut map, origin, args, 2);
    put_pairs(map, one(args), flags::NO_OVERWRITE)
}

pub(crate) fn add_items<'a>(mut map: Map<'a>, origin: Origin, args: &'a Args) -> Done {
    create(&mut map, origin, args, 1);
    let pairs = many(args)?;
    keep_index_of_empty(&mut map, &pairs, origin, args);
    put_pairs(map, pairs, flags::NO_OVERWRITE)
}

pub(crate) fn put<'a>(mut map: Map<'a>, origin: Origin, args: &'a Args) -> Done {
    create(&mut map, origin, args, 2);
    put_pairs(map, one(args), args.flags(3) & !flags::PARTIAL) // there is no part of one
}

pub(crate) fn put_items<'a>(mut map: Map<'a>, origin: Origin, args: &'a Args) -> Done {
    create(&mut map, origin, args, 1);
    let mut flags = args.flags(2);
    let forgiving = flags::NO_CREATE | flags::NO_FAIL | flags::PARTIAL;
    if map.pairs.is_empty() && flags & forgiving == forgiving {
        flags &= !flags::NO_CREATE; // the server does not look at the keys of an empty map
    }
    let pairs = many(args)?;
    keep_index_of_empty(&mut map, &pairs, origin, args);
    put_pairs(map, pairs, flags)
}

pub(crate) fn replace<'a>(map: Map<'a>, _: Origin, args: &'a Args) -> Done {
    put_pairs(map, one(args), flags::NO_CREATE)
}

pub(crate) fn replace_items<'a>(map: Map<'a>, _: Origin, args: &'a Args) -> Done {
    put_pairs(map, many(args)?, flags::NO_CREATE)
}

pub(crate) fn increment<'a>(map: Map<'a>, origin: Origin, args: &'a Args) -> Done {
    add_number(map, origin, args, false)
}

pub(crate) fn decrement<'a>(map: Map<'a>, origin: Origin, args: &'a Args) -> Done {
    add_number(map, origin, args, true)
}

fn add_number<'a>(mut map: Map<'a>, origin: Origin, args: &'a Args, negative: bool) -> Done {
    create(&mut map, origin, args, 2);
    let key = args.element(0);
    let found = map.find(key);
    let sum = number::add(found.ok().map(|at| map.pairs[at].1), args.optional_element(1), negative)?;
    let mut map: Map<'_> = map; // from here on it also borrows the sum
    merge(&mut map, &[(key, &sum)]);
    let stored = Some(map.pack());
    Ok(Outcome { stored, result: Some(sum) })
}

pub(crate) fn clear<'a>(map: Map<'a>, _: Origin, _: &'a Args) -> Done {
    Ok(Outcome { stored: Some(Map::empty(map.flags).pack()), result: None })
}

pub(crate) fn length<'a>(map: Map<'a>, _: Origin, _: &'a Args) -> Done {
    Ok(Outcome { stored: None, result: Some(size(&map)) })
}
