//! Contexts: the path from a bin to the collection inside it that an operation works on (protocol 9.6).
//!
//! A context is read step by step while it is followed, so what is wrong with a step shows when it is reached: behind
//! a step that leads nowhere nothing is looked at. From the step on that creates, all of it is looked at first.

use std::cmp::Ordering;

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::call::Outcome;
use super::collection::{Collection, List, Map};
use super::heap;
use super::normal::{MAP_ORDER, ORDERED, normalise};
use super::pack;
use super::select::place;
use super::value::{Element, Head, NIL, as_integer, compare, take_element, take_head};

/// What of the type of a step says how it finds its element.
pub(super) const BY: i64 = 0x0f;
/// The step is into a list, or into a map; with neither, into what is there.
pub(super) const INTO_LIST: i64 = 0x10;
pub(super) const INTO_MAP: i64 = 0x20;
/// 0x40 for an unordered collection; all bits for a list or map sorted by value too.
const CREATE: i64 = 0xc0;
/// On lists: at any index, filled up with nil.
const CREATE_UNBOUNDED: i64 = 0x80;
const CREATE_ORDERED_MAP: i64 = 0x80;
const PERSIST_INDEX: i64 = 0x100;
/// The most elements a created list is filled up with: a longer one could not be stored.
const MAX_PADDING: usize = 8 * 1024 * 1024;

/// Steps of a context. A real server takes any number; here each costs a look at the whole value.
const MAX_STEPS: usize = 1000;

const NOT_APPLICABLE: ResultCode = ResultCode::OP_NOT_APPLICABLE;

/// How a step finds its element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Index,
    Rank,
    Key,
    Value,
}

/// What a context leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// An element, whatever it is.
    There(Element<'a>),
    /// A collection that the operation makes, in a bin that is there or in one that is made with it.
    Created { with_bin: bool },
}

/// The type of a step: how it finds, in what, and what it may create.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    by: By,
    pub(super) bits: i64,
}

impl Kind {
    pub(super) fn new(bits: i64) -> Result<Self, ResultCode> {
        let by = match bits & BY {
            0 => By::Index,
            1 => By::Rank,
            2 => By::Key,
            3 => By::Value,
            _ => return Err(NOT_APPLICABLE),
        };
        let says_where = bits & (INTO_LIST | INTO_MAP) != 0;
        if says_where || bits & (CREATE | PERSIST_INDEX) == 0 { Ok(Self { by, bits }) } else { Err(NOT_APPLICABLE) }
    }

    const fn creates(self) -> bool {
        self.bits & CREATE != 0
    }

    const fn persists(self) -> bool {
        self.bits & PERSIST_INDEX != 0
    }

    /// Whether a missing list is filled up to the index.
    const fn pads(self) -> bool {
        self.bits & CREATE == CREATE_UNBOUNDED
    }

    const fn order(self) -> u8 {
        match (self.bits & INTO_MAP != 0, self.bits & CREATE) {
            (true, CREATE) => MAP_ORDER,
            (true, CREATE_ORDERED_MAP) => ORDERED,
            (false, CREATE) => ORDERED,
            _ => 0,
        }
    }
}

/// Follows the context at the front of a payload and runs an operation on what it leads to, with the rest of the
/// payload; what it leaves is put back into the collections around it.
pub(crate) fn at(
    bin: Option<Element<'_>>,
    payload: &mut &[u8],
    modifies: bool,
    run: &mut dyn FnMut(Target<'_>, &mut &[u8]) -> Result<Outcome, ResultCode>,
) -> Result<Outcome, ResultCode> {
    let steps = take_length(payload).ok_or(ResultCode::PARAMETER)?;
    if steps > MAX_STEPS {
        return Err(NOT_APPLICABLE);
    }
    match bin {
        Some(root) => follow(root, steps, payload, modifies, run),
        None => {
            let kind = Kind::new(take_integer(payload).ok_or(ResultCode::PARAMETER)?)?;
            if !kind.creates() {
                return Err(NOT_APPLICABLE);
            }
            create(Some(kind), steps, payload, true, run)
        }
    }
}

/// The number of steps: two elements make one.
pub(super) fn take_length(payload: &mut &[u8]) -> Option<usize> {
    match take_head(payload)? {
        Head::List(n) if n > 0 && n % 2 == 0 => Some(n / 2),
        _ => None,
    }
}

pub(super) fn take_integer(payload: &mut &[u8]) -> Option<i64> {
    take_element(payload).and_then(as_integer)
}

/// A collection that is stepped into.
enum Node<'a> {
    List(List<'a>),
    Map(Map<'a>),
}

/// Where a step leads.
pub(super) enum Found {
    At(usize),
    /// Nowhere yet; a created child goes to this index.
    New(usize),
}

/// A step that was taken, and what is put back into when the operation is done.
struct Taken<'a> {
    node: Node<'a>,
    found: Found,
    key: BytesMut,
}

impl Taken<'_> {
    /// Whether a list is to be filled up further than a record has room for.
    fn is_too_long(&self) -> bool {
        match (&self.node, &self.found) {
            (Node::List(list), Found::New(index)) => index.saturating_sub(list.len()) > MAX_PADDING,
            _ => false,
        }
    }
}

fn follow(
    mut on: Element<'_>,
    steps: usize,
    payload: &mut &[u8],
    modifies: bool,
    run: &mut dyn FnMut(Target<'_>, &mut &[u8]) -> Result<Outcome, ResultCode>,
) -> Result<Outcome, ResultCode> {
    let mut path = Vec::new();
    let outcome = loop {
        if path.len() == steps {
            break run(Target::There(on), payload)?;
        }
        let (taken, child) = step_into(on, payload, modifies)?;
        let created = steps - path.len();
        path.push(taken);
        match child {
            Some(child) => on = child,
            None => break create(None, created, payload, false, run)?,
        }
    };
    let Outcome { stored, result } = outcome;
    if stored.is_some() && path.iter().any(Taken::is_too_long) {
        return Err(ResultCode::RECORD_TOO_BIG);
    }
    let stored = stored.map(|new| path.into_iter().rev().fold(new, |new, taken| put_back(taken, &new)));
    Ok(Outcome { stored, result })
}

/// Takes a step: what it leads to, or nothing if that is to be created.
fn step_into<'a>(
    on: Element<'a>,
    payload: &mut &[u8],
    modifies: bool,
) -> Result<(Taken<'a>, Option<Element<'a>>), ResultCode> {
    let kind = Kind::new(take_integer(payload).ok_or(ResultCode::PARAMETER)?)?;
    let node = List::parse(on).map(Node::List).or_else(|| Map::parse(on).map(Node::Map)).ok_or(NOT_APPLICABLE)?;
    let wrong = if matches!(node, Node::List(_)) { INTO_MAP } else { INTO_LIST };
    if kind.bits & wrong != 0 {
        return Err(NOT_APPLICABLE);
    }
    let value = take_element(payload).ok_or(NOT_APPLICABLE)?;
    let key = match (&node, kind.by) {
        (Node::Map(_), By::Key) => normalise(value).map_err(|_| NOT_APPLICABLE)?,
        _ => BytesMut::new(),
    };
    let found = match &node {
        Node::List(list) => find_in_list(list, kind, value)?,
        Node::Map(map) => find_in_map(map, kind, value, &key)?,
    };
    let child = match (&found, &node) {
        (Found::At(index), Node::List(list)) => Some(list.items[*index]),
        (Found::At(index), Node::Map(map)) => Some(map.pairs[*index].1),
        (Found::New(_), _) if !modifies => return Err(NOT_APPLICABLE),
        (Found::New(_), _) => None,
    };
    Ok((Taken { node, found, key }, child))
}

fn put_back(Taken { node, found, key }: Taken<'_>, new: &[u8]) -> BytesMut {
    match node {
        Node::Map(map) => {
            let mut map: Map<'_> = map;
            match found {
                Found::At(index) => map.pairs[index].1 = new,
                Found::New(index) => map.pairs.insert(index.min(map.pairs.len()), (&key, new)),
            }
            map.pack()
        }
        Node::List(list) => {
            let mut list: List<'_> = list;
            match found {
                Found::At(index) if list.is_ordered() => {
                    list.items.remove(index);
                    list.add(new);
                }
                Found::New(_) if list.is_ordered() => list.add(new),
                Found::At(index) => list.items[index] = new,
                Found::New(index) => {
                    list.items.resize(index, NIL);
                    list.items.push(new);
                }
            }
            list.pack()
        }
    }
}

/// A collection that is made around a created one.
enum Around {
    List { order: u8, padding: usize },
    Map { order: u8, key: BytesMut },
}

impl Around {
    const fn is_too_long(&self) -> bool {
        matches!(self, Self::List { padding, .. } if *padding > MAX_PADDING)
    }

    fn wrap(&self, inner: &[u8]) -> BytesMut {
        match self {
            Self::List { order, padding } => {
                let mut items = vec![NIL; *padding];
                items.push(inner);
                pack::list(items.into_iter(), *order)
            }
            Self::Map { order, key } => Map { flags: *order, pairs: vec![(key, inner)] }.pack(),
        }
    }
}

/// Runs an operation on a collection that is made for it inside those that the steps left describe. The type of the
/// first step may be read already; one that created in a collection that is there says nothing about a new one.
fn create(
    first: Option<Kind>,
    left: usize,
    payload: &mut &[u8],
    with_bin: bool,
    run: &mut dyn FnMut(Target<'_>, &mut &[u8]) -> Result<Outcome, ResultCode>,
) -> Result<Outcome, ResultCode> {
    let mut around = Vec::new();
    if let Some(kind) = first {
        around.push(take_around(kind, payload)?);
    }
    for _ in 1..left {
        let kind = take_integer(payload).ok_or(NOT_APPLICABLE).and_then(Kind::new)?;
        if kind.persists() {
            return Err(NOT_APPLICABLE); // only the outermost collection keeps an index
        }
        around.push(take_around(kind, payload)?);
    }
    let Outcome { stored, result } = run(Target::Created { with_bin }, payload)?;
    if stored.is_some() && around.iter().any(Around::is_too_long) {
        return Err(ResultCode::RECORD_TOO_BIG);
    }
    let stored = stored.map(|new| around.iter().rev().fold(new, |inner, around| around.wrap(&inner)));
    Ok(Outcome { stored, result })
}

/// The collection that a step makes: a list for an index, a map for a key.
fn take_around(kind: Kind, payload: &mut &[u8]) -> Result<Around, ResultCode> {
    const LIST_INDEX: i64 = INTO_LIST;
    const MAP_KEY: i64 = INTO_MAP | 2;
    let value = take_element(payload).ok_or(NOT_APPLICABLE)?;
    match kind.bits & (INTO_LIST | INTO_MAP | BY) {
        MAP_KEY => {
            let key = normalise(value).map_err(|_| NOT_APPLICABLE)?;
            Ok(Around::Map { order: kind.order(), key })
        }
        LIST_INDEX => {
            let index = as_integer(value).filter(|index| *index >= -1).ok_or(NOT_APPLICABLE)?;
            if kind.pads() {
                // filling up to the end of nothing is what a real server does not survive
                let padding = usize::try_from(index).map_err(|_| NOT_APPLICABLE)?;
                return Ok(Around::List { order: 0, padding });
            }
            let anywhere = kind.order() == ORDERED || kind.creates() && kind.persists();
            if index > 0 && !anywhere {
                return Err(NOT_APPLICABLE);
            }
            Ok(Around::List { order: kind.order(), padding: 0 })
        }
        _ => Err(NOT_APPLICABLE),
    }
}

pub(super) fn find_in_list(list: &List<'_>, kind: Kind, value: Element<'_>) -> Result<Found, ResultCode> {
    match kind.by {
        By::Rank if !list.is_ordered() => {
            let rank = as_integer(value).and_then(|rank| place(rank, list.len())).ok_or(NOT_APPLICABLE)?;
            let by_value = |a, b| compare(list.items[a], list.items[b]);
            Ok(Found::At(heap::pick(list.len(), &(rank..rank + 1), &by_value)[0]))
        }
        By::Index | By::Rank => {
            let index = as_integer(value).ok_or(NOT_APPLICABLE)?;
            match place(index, list.len()) {
                Some(at) => Ok(Found::At(at)),
                None if kind.creates() => place_for(list, kind, index).map(Found::New),
                None => Err(NOT_APPLICABLE),
            }
        }
        By::Value => {
            let equal = |e: &Element<'_>| compare(e, value) == Ordering::Equal;
            list.items.iter().position(equal).map(Found::At).ok_or(NOT_APPLICABLE)
        }
        By::Key => Err(NOT_APPLICABLE),
    }
}

/// Where a list takes a created element: at its end, or anywhere past it if the type says so.
fn place_for(list: &List<'_>, kind: Kind, index: i64) -> Result<usize, ResultCode> {
    let end = list.len();
    if list.is_ordered() || index == end as i64 || (end == 0 && index == -1) {
        return Ok(end);
    }
    if !kind.pads() || kind.persists() {
        return Err(NOT_APPLICABLE);
    }
    // before the start: what a real server does not survive
    usize::try_from(index).map_err(|_| NOT_APPLICABLE)
}

/// The index of the pair a step means; of an absent key that may be created, where it belongs.
pub(super) fn find_in_map(map: &Map<'_>, kind: Kind, value: Element<'_>, key: &[u8]) -> Result<Found, ResultCode> {
    let number = || as_integer(value).and_then(|number| place(number, map.len())).ok_or(NOT_APPLICABLE);
    match kind.by {
        By::Index => number().map(Found::At),
        By::Rank => number().map(|rank| Found::At(map.by_rank()[rank])),
        By::Key => match map.find(key) {
            Ok(index) => Ok(Found::At(index)),
            Err(index) if kind.creates() => Ok(Found::New(index)),
            Err(_) => Err(NOT_APPLICABLE),
        },
        By::Value => {
            let equal = |(_, v): &(Element<'_>, Element<'_>)| compare(v, value) == Ordering::Equal;
            map.pairs.iter().position(equal).map(Found::At).ok_or(NOT_APPLICABLE)
        }
    }
}
