//! Contexts: the path from a bin to the collection inside it that an operation works on (protocol 9.6).

use std::cmp::Ordering;

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::call::Outcome;
use super::collection::{Collection, List, Map};
use super::heap;
use super::normal::{MAP_ORDER, ORDERED, is_key, take_match};
use super::opcodes::is_collection;
use super::select::place;
use super::value::{Element, Head, NIL, as_integer, compare, take_element, take_head};

/// Levels of a context.
pub(crate) const MAX_STEPS: usize = 64;

/// On lists: at any index, filled up with nil.
const CREATE_UNBOUNDED: i64 = 0x80;
const CREATE_ORDERED_MAP: i64 = 0x80;
/// 0x40 for an unordered collection; all bits for a list or map sorted by value too.
const CREATE_BITS: i64 = 0xc0;
const PERSIST_INDEX: i64 = 0x100;

/// How one step finds its element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    ListIndex,
    ListRank,
    ListValue,
    MapIndex,
    MapRank,
    MapKey,
    MapValue,
    /// A type that means nothing: an error only when something is looked for.
    Unknown,
}

/// One step of a context.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    by: By,
    /// [`CREATE_BITS`] of the type: what to create where there is nothing. Those of a rank count in ordered lists only,
    /// where a rank is an index.
    create: i64,
    value: BytesMut,
}

/// Reads the list of steps at the front of a payload. Operations that only read create nothing on their way.
pub(crate) fn parse(payload: &mut &[u8]) -> Result<Vec<Step>, ResultCode> {
    let Some(Head::List(n)) = take_head(payload) else { return Err(ResultCode::PARAMETER) };
    if n == 0 || n % 2 == 1 || n / 2 > MAX_STEPS {
        return Err(ResultCode::PARAMETER);
    }
    let mut steps = Vec::with_capacity(n / 2);
    for _ in 0..n / 2 {
        let kind = take_element(payload).and_then(as_integer).ok_or(ResultCode::PARAMETER)?;
        let value = take_match(payload).map_err(|_| ResultCode::PARAMETER)?.into();
        steps.push(Step::new(kind, value)?);
    }
    Ok(steps)
}

impl Step {
    fn new(kind: i64, value: BytesMut) -> Result<Self, ResultCode> {
        let by = By::from_code(kind & !(CREATE_BITS | PERSIST_INDEX)).unwrap_or(By::Unknown);
        // values, map indexes and map ranks mean nothing in an empty collection: their create bits are ignored
        let create = if matches!(by, By::ListIndex | By::ListRank | By::MapKey) { kind & CREATE_BITS } else { 0 };
        if by.is_numeric() && as_integer(&value).is_none() {
            return Err(ResultCode::PARAMETER);
        }
        Ok(Self { by, create, value })
    }

    /// The step without its create bits.
    pub(crate) fn existing(mut self) -> Self {
        self.create = 0;
        self
    }

    /// How it finds its element, and by what.
    pub(crate) fn parts(&self) -> (By, Element<'_>) {
        (self.by, &self.value)
    }

    /// Whether the step can create the collection it is a step into.
    const fn creates(&self) -> bool {
        matches!(self.by, By::ListIndex | By::MapKey)
    }

    fn number(&self) -> i64 {
        as_integer(&self.value).unwrap_or_default()
    }

    fn matches(&self, value: Element<'_>) -> bool {
        compare(value, &self.value) == Ordering::Equal
    }

    /// An empty collection as the create bits describe it.
    fn empty(&self) -> BytesMut {
        match (self.by.is_map(), self.create) {
            (true, CREATE_BITS) => Map::empty(MAP_ORDER),
            (true, CREATE_ORDERED_MAP) => Map::empty(ORDERED),
            (true, _) => Map::empty(0),
            (false, create) => return List::empty(create == CREATE_BITS).pack(),
        }
        .pack()
    }
}

impl By {
    /// The meaning of a type without create bits.
    pub(crate) const fn from_code(code: i64) -> Option<Self> {
        Some(match code {
            0x10 => Self::ListIndex,
            0x11 => Self::ListRank,
            0x13 => Self::ListValue,
            0x20 => Self::MapIndex,
            0x21 => Self::MapRank,
            0x22 => Self::MapKey,
            0x23 => Self::MapValue,
            _ => return None,
        })
    }

    pub(crate) const fn is_map(self) -> bool {
        matches!(self, Self::MapIndex | Self::MapRank | Self::MapKey | Self::MapValue)
    }

    pub(crate) const fn is_numeric(self) -> bool {
        matches!(self, Self::ListIndex | Self::ListRank | Self::MapIndex | Self::MapRank)
    }
}

/// Runs an operation on the collection a context leads to, and puts what it leaves back into the collections around
/// it. `creating` is set below a level that did not exist: there, everything on the way is created.
pub(crate) fn at(
    on: Option<Element<'_>>,
    steps: &[Step],
    creating: bool,
    run: &mut dyn FnMut(Option<Element<'_>>) -> Result<Outcome, ResultCode>,
) -> Result<Outcome, ResultCode> {
    let Some((step, deeper)) = steps.split_first() else { return run(on) };
    if step.by == By::Unknown {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    let creating = (creating || step.create != 0) && step.creates();
    let empty;
    let (on, creating) = match on {
        Some(on) => (on, step.create != 0),
        None if creating => {
            empty = step.empty();
            (&empty[..], true)
        }
        None => return Err(ResultCode::OP_NOT_APPLICABLE),
    };
    if step.by.is_map() {
        let map = Map::parse(on).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
        let found = find_in_map(&map, step);
        let child = inner(found.ok().map(|i| map.pairs[i].1), deeper, creating)?;
        let Outcome { stored, result } = at(child, deeper, creating, run)?;
        let stored = stored.map(|new| {
            let mut map: Map<'_> = map;
            match found {
                Ok(i) => map.pairs[i].1 = &new,
                Err(i) => map.pairs.insert(i.min(map.pairs.len()), (&step.value, &new)),
            }
            map.pack()
        });
        Ok(Outcome { stored, result })
    } else {
        let list = List::parse(on).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
        let creating = creating && (list.ordered || step.by != By::ListRank);
        let found = find_in_list(&list, step);
        let child = inner(found.map(|i| list.items[i]), deeper, creating)?;
        let reachable = found.map_or_else(|| place_for(&list, step), Ok);
        if step.number() >= 0 {
            reachable?; // what lies before the start is an error only when something is to be put there
        }
        let Outcome { stored, result } = at(child, deeper, creating, run)?;
        let at_index = if stored.is_some() { reachable? } else { 0 };
        let stored = stored.map(|new| {
            let mut list: List<'_> = list;
            if at_index >= list.items.len() {
                list.items.resize(if list.ordered { list.items.len() } else { at_index } + 1, NIL);
            }
            let at_index = at_index.min(list.items.len() - 1);
            list.items[at_index] = &new;
            if list.ordered {
                list.items.sort_by(|a, b| compare(a, b));
            }
            list.pack()
        });
        Ok(Outcome { stored, result })
    }
}

/// The element a context leads to, whatever it is; `None` where the path ends early.
pub(crate) fn find<'a>(on: Element<'a>, steps: &[Step]) -> Option<Element<'a>> {
    steps.iter().try_fold(on, |on, step| {
        if step.by.is_map() {
            let map = Map::parse(on)?;
            find_in_map(&map, step).ok().map(|i| map.pairs[i].1)
        } else if step.by == By::Unknown {
            None
        } else {
            let list = List::parse(on)?;
            find_in_list(&list, step).map(|i| list.items[i])
        }
    })
}

/// The child to go on with: it must be a collection, or be absent where it may be created.
fn inner<'a>(child: Option<Element<'a>>, deeper: &[Step], creating: bool) -> Result<Option<Element<'a>>, ResultCode> {
    match child {
        Some(child) if is_collection(child) => Ok(Some(child)),
        Some(_) if deeper.is_empty() => Err(ResultCode::INCOMPATIBLE_TYPE),
        Some(_) => Err(ResultCode::OP_NOT_APPLICABLE),
        None if creating => Ok(None),
        None => Err(ResultCode::OP_NOT_APPLICABLE),
    }
}

/// The index of the pair a step means; of an absent key, where it belongs.
fn find_in_map(map: &Map<'_>, step: &Step) -> Result<usize, usize> {
    let absent = usize::MAX;
    match step.by {
        By::MapKey if is_key(&step.value) => map.find(&step.value),
        By::MapIndex => place(step.number(), map.len()).ok_or(absent),
        By::MapRank => place(step.number(), map.len()).map(|rank| map.by_rank()[rank]).ok_or(absent),
        By::MapValue => map.pairs.iter().position(|(_, v)| step.matches(v)).ok_or(absent),
        _ => Err(absent),
    }
}

fn find_in_list(list: &List<'_>, step: &Step) -> Option<usize> {
    match step.by {
        By::ListIndex => place(step.number(), list.len()),
        By::ListRank if list.ordered => place(step.number(), list.len()),
        By::ListRank => place(step.number(), list.len())
            .map(|rank| heap::pick(list.len(), &(rank..rank + 1), &|a, b| compare(list.items[a], list.items[b]))[0]),
        _ => list.items.iter().position(|e| step.matches(e)),
    }
}

/// Where a list takes a created element: at its end, or anywhere behind it if the create bits say so.
fn place_for(list: &List<'_>, step: &Step) -> Result<usize, ResultCode> {
    const MAX_PADDING: usize = 8 * 1024 * 1024;
    let number = if list.items.is_empty() { step.number().max(0) } else { step.number() };
    let at = usize::try_from(number).map_err(|_| ResultCode::OP_NOT_APPLICABLE)?;
    match step.create {
        _ if list.ordered => Ok(list.len()),
        CREATE_UNBOUNDED if at <= MAX_PADDING => Ok(at),
        CREATE_UNBOUNDED => Err(ResultCode::RECORD_TOO_BIG),
        _ if at <= list.len() => Ok(at),
        _ => Err(ResultCode::OP_NOT_APPLICABLE),
    }
}
