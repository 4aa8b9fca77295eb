//! The list operations that are not selections.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::call::{Args, Origin, Outcome};
use super::collection::{Collection, List};
use super::normal::ORDERED;
use super::pack::PERSIST_INDEX;
use super::select::{count_argument, place, run};
use super::value::{ByValue, Element, NIL, compare};
use super::{number, pack};

/// The write flags of lists.
pub(crate) mod flags {
    pub(crate) const ADD_UNIQUE: i64 = 1;
    pub(crate) const INSERT_BOUNDED: i64 = 2;
    pub(crate) const NO_FAIL: i64 = 4;
    pub(crate) const PARTIAL: i64 = 8;
}

/// The most elements an index far past the end may add: a longer list could not be stored.
const MAX_PADDING: usize = 8 * 1024 * 1024;

type Done = Result<Outcome, ResultCode>;

/// A list operation: the list, where it came from, and the arguments.
pub(crate) type ListOperation = for<'a> fn(List<'a>, Origin, &'a Args) -> Done;

fn size(list: &List<'_>) -> BytesMut {
    pack::integer_element(list.len() as i64)
}

/// The list as changed, its size as result.
fn stored(list: &List<'_>) -> Done {
    Ok(Outcome { stored: Some(list.pack()), result: Some(size(list)) })
}

/// The list as it was, its size as result.
fn unchanged(list: &List<'_>) -> Done {
    Ok(Outcome { stored: None, result: Some(size(list)) })
}

/// A violated write flag: an error, or nothing when the flags say so.
fn violation(list: &List<'_>, flags: i64, code: ResultCode) -> Done {
    if flags & flags::NO_FAIL != 0 { unchanged(list) } else { Err(code) }
}

/// The flags of a created list, from the argument that describes it.
pub(crate) const fn order(argument: i64, origin: Origin) -> u8 {
    origin.order(argument, ORDERED)
}

fn create(list: &mut List<'_>, origin: Origin, args: &Args, at: usize) {
    if origin != Origin::Stored {
        list.flags = order(args.flags(at), origin);
    }
}

pub(crate) fn set_type<'a>(mut list: List<'a>, origin: Origin, args: &'a Args) -> Done {
    let flags = args.required_integer(0) as u8;
    if flags & !(ORDERED | PERSIST_INDEX) != 0 {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    list.flags = origin.kept(flags);
    if list.is_ordered() {
        list.items.sort_by(|a, b| compare(a, b));
    }
    Ok(Outcome { stored: Some(list.pack()), result: None })
}

pub(crate) fn append<'a>(mut list: List<'a>, origin: Origin, args: &'a Args) -> Done {
    create(&mut list, origin, args, 1);
    let flags = args.flags(2);
    let value = args.element(0);
    if flags & flags::ADD_UNIQUE != 0 && list.contains(value) {
        return violation(&list, flags, ResultCode::ELEMENT_EXISTS);
    }
    list.add(value);
    stored(&list)
}

pub(crate) fn append_items<'a>(mut list: List<'a>, origin: Origin, args: &'a Args) -> Done {
    create(&mut list, origin, args, 1);
    let flags = args.flags(2);
    let items = List::parse(args.element(0)).ok_or(ResultCode::PARAMETER)?.items;
    let Some(items) = acceptable(&list, items, flags)? else { return unchanged(&list) };
    list.extend(items);
    stored(&list)
}

/// The elements of a list argument that the write flags let in; `None` if they let in nothing at all.
fn acceptable<'a>(
    list: &List<'a>,
    items: Vec<Element<'a>>,
    flags: i64,
) -> Result<Option<Vec<Element<'a>>>, ResultCode> {
    if flags & flags::ADD_UNIQUE == 0 {
        return Ok(Some(items));
    }
    let held: BTreeSet<ByValue<'_>> = list.items.iter().map(|e| ByValue(e)).collect();
    let mut seen = BTreeSet::new();
    let (mut allowed, mut is_repeated, mut first) = (Vec::with_capacity(items.len()), false, None);
    for item in items {
        let repeated = !seen.insert(ByValue(item));
        is_repeated |= repeated;
        let offence = match (held.contains(&ByValue(item)), repeated) {
            (true, _) => ResultCode::ELEMENT_EXISTS,
            (false, true) => ResultCode::OP_NOT_APPLICABLE,
            (false, false) => {
                allowed.push(item);
                continue;
            }
        };
        first.get_or_insert(offence);
    }
    let Some(first) = first else { return Ok(Some(allowed)) };
    match (flags & flags::NO_FAIL != 0, flags & flags::PARTIAL != 0) {
        (true, true) => Ok(Some(allowed)),
        (true, false) => Ok(None),
        // an ordered list sorts what is given and sees repetitions first
        (false, _) if list.is_ordered() && is_repeated => Err(ResultCode::OP_NOT_APPLICABLE),
        (false, _) => Err(first),
    }
}

/// Whether a value is in the list but not at the index that it is to take. An ordered list looks only at the first of
/// equal elements.
fn is_held_elsewhere(list: &List<'_>, value: Element<'_>, at: usize) -> bool {
    if list.is_ordered() {
        let equal = list.equal_range(value);
        !equal.is_empty() && equal.start != at
    } else {
        list.items.iter().enumerate().any(|(i, e)| i != at && compare(e, value) == Ordering::Equal)
    }
}

/// Where an index argument puts something: inside the list, at its end, or past it.
fn position(index: i64, n: usize) -> Result<usize, ResultCode> {
    if index > i32::MAX.into() {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    let at = if index < 0 { index.checked_add(n as i64) } else { Some(index) };
    at.and_then(|at| usize::try_from(at).ok()).ok_or(ResultCode::OP_NOT_APPLICABLE)
}

/// Makes the list at least `at` long, filled up with nil.
fn pad(list: &mut List<'_>, at: usize) -> Result<(), ResultCode> {
    if at > MAX_PADDING {
        return Err(ResultCode::RECORD_TOO_BIG);
    }
    if at > list.len() {
        list.items.resize(at, NIL);
    }
    Ok(())
}

fn insert_all<'a>(mut list: List<'a>, origin: Origin, args: &'a Args, items: Vec<Element<'a>>) -> Done {
    let flags = args.flags(2);
    if list.is_ordered() {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    if items.is_empty() {
        return if origin != Origin::Stored { stored(&list) } else { unchanged(&list) };
    }
    let at = position(args.required_integer(0), list.len())?;
    if flags & flags::INSERT_BOUNDED != 0 && at > list.len() {
        return violation(&list, flags, ResultCode::OP_NOT_APPLICABLE);
    }
    let Some(items) = acceptable(&list, items, flags)?.filter(|items| !items.is_empty()) else {
        return unchanged(&list);
    };
    pad(&mut list, at)?;
    list.items.splice(at..at, items);
    stored(&list)
}

pub(crate) fn insert<'a>(list: List<'a>, _: Origin, args: &'a Args) -> Done {
    insert_all(list, Origin::Stored, args, vec![args.element(1)])
}

pub(crate) fn insert_items<'a>(list: List<'a>, origin: Origin, args: &'a Args) -> Done {
    insert_all(list, origin, args, List::parse(args.element(1)).ok_or(ResultCode::PARAMETER)?.items)
}

pub(crate) fn set<'a>(mut list: List<'a>, _: Origin, args: &'a Args) -> Done {
    let flags = args.flags(2);
    if list.is_ordered() {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    let value = args.element(1);
    let at = position(args.required_integer(0), list.len())?;
    let nothing = |code| if flags & flags::NO_FAIL != 0 { Ok(Outcome::NOTHING) } else { Err(code) };
    if flags & flags::INSERT_BOUNDED != 0 && at > list.len() {
        return nothing(ResultCode::OP_NOT_APPLICABLE);
    }
    if flags & flags::ADD_UNIQUE != 0 && is_held_elsewhere(&list, value, at) {
        return nothing(ResultCode::ELEMENT_EXISTS);
    }
    pad(&mut list, at + 1)?;
    list.items[at] = value;
    Ok(Outcome { stored: Some(list.pack()), result: None })
}

pub(crate) fn increment<'a>(mut list: List<'a>, origin: Origin, args: &'a Args) -> Done {
    create(&mut list, origin, args, 2);
    let flags = args.flags(3);
    let n = list.len();
    let at = position(args.required_integer(0), n)?;
    let old = list.items.get(at).copied();
    let sum = number::add(old, args.optional_element(1), false)?;
    if at > n && list.is_ordered() {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    let refused = if at > n && flags & flags::INSERT_BOUNDED != 0 {
        Some(ResultCode::OP_NOT_APPLICABLE)
    } else if flags & flags::ADD_UNIQUE != 0 && is_held_elsewhere(&list, &sum, at) {
        Some(ResultCode::ELEMENT_EXISTS)
    } else {
        None
    };
    match refused {
        Some(code) if flags & flags::NO_FAIL == 0 => return Err(code),
        Some(_) => return Ok(Outcome { stored: None, result: Some(sum) }),
        None => {}
    }
    let mut list: List<'_> = list; // from here on it also borrows the sum
    if list.is_ordered() {
        if at < n {
            list.items.remove(at);
        }
        list.add(&sum);
    } else {
        pad(&mut list, at + 1)?;
        list.items[at] = &sum;
    }
    let stored = Some(list.pack());
    Ok(Outcome { stored, result: Some(sum) })
}

pub(crate) fn sort<'a>(mut list: List<'a>, _: Origin, args: &'a Args) -> Done {
    const DESCENDING: i64 = 1;
    const DROP_DUPLICATES: i64 = 2;
    let flags = args.flags(0);
    if list.len() < 2 {
        return Ok(Outcome::NOTHING);
    }
    list.items.sort_by(|a, b| compare(a, b));
    // sorted downwards, the server does not find duplicates, unless all are equal
    let is_flat = compare(list.items[0], list.items[list.len() - 1]) == Ordering::Equal;
    if !list.is_ordered() && !is_flat && flags & (DESCENDING | DROP_DUPLICATES) == DESCENDING | DROP_DUPLICATES {
        return Err(ResultCode::PARAMETER);
    }
    if flags & DROP_DUPLICATES != 0 {
        list.items.dedup_by(|a, b| compare(a, b) == Ordering::Equal);
    }
    if flags & DESCENDING != 0 && !list.is_ordered() {
        // equal elements stay as they are to one another
        list.items.sort_by(|a, b| compare(b, a));
    }
    Ok(Outcome { stored: Some(list.pack()), result: None })
}

pub(crate) fn clear<'a>(list: List<'a>, _: Origin, _: &'a Args) -> Done {
    Ok(Outcome { stored: Some(List::empty(list.flags).pack()), result: None })
}

fn remove_run(mut list: List<'_>, gone: Range<usize>) -> Option<BytesMut> {
    (!gone.is_empty()).then(|| {
        list.items.drain(gone);
        list.pack()
    })
}

fn single(list: &List<'_>, args: &Args) -> Result<usize, ResultCode> {
    place(args.required_integer(0), list.len()).ok_or(ResultCode::OP_NOT_APPLICABLE)
}

pub(crate) fn pop<'a>(list: List<'a>, _: Origin, args: &'a Args) -> Done {
    let at = single(&list, args)?;
    let result = Some(list.items[at].into());
    Ok(Outcome { stored: remove_run(list, at..at + 1), result })
}

pub(crate) fn remove<'a>(list: List<'a>, _: Origin, args: &'a Args) -> Done {
    let at = single(&list, args)?;
    Ok(Outcome { stored: remove_run(list, at..at + 1), result: Some(pack::integer_element(1)) })
}

pub(crate) fn pop_range<'a>(list: List<'a>, _: Origin, args: &'a Args) -> Done {
    let range = run(args.required_integer(0), count_argument(args, 1), list.len());
    let result = Some(pack::list(list.items[range.clone()].iter().copied(), 0));
    Ok(Outcome { stored: remove_run(list, range), result })
}

pub(crate) fn remove_range<'a>(list: List<'a>, _: Origin, args: &'a Args) -> Done {
    let range = run(args.required_integer(0), count_argument(args, 1), list.len());
    let result = Some(pack::integer_element(range.len() as i64));
    Ok(Outcome { stored: remove_run(list, range), result })
}

pub(crate) fn trim<'a>(mut list: List<'a>, _: Origin, args: &'a Args) -> Done {
    let kept = run(args.required_integer(0), count_argument(args, 1), list.len());
    let gone = list.len() - kept.len();
    list.items = list.items[kept].to_vec();
    let result = Some(pack::integer_element(gone as i64));
    Ok(Outcome { stored: (gone > 0).then(|| list.pack()), result })
}

pub(crate) fn length<'a>(list: List<'a>, _: Origin, _: &'a Args) -> Done {
    unchanged(&list)
}

pub(crate) fn get<'a>(list: List<'a>, _: Origin, args: &'a Args) -> Done {
    let at = single(&list, args)?;
    Ok(Outcome { stored: None, result: Some(list.items[at].into()) })
}

pub(crate) fn get_range<'a>(list: List<'a>, _: Origin, args: &'a Args) -> Done {
    let range = run(args.required_integer(0), count_argument(args, 1), list.len());
    Ok(Outcome { stored: None, result: Some(pack::list(list.items[range].iter().copied(), 0)) })
}
