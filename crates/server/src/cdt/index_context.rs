//! Contexts of indexes, which only find: what they are, and what they lead to in a value (protocol 9.6).

use super::collection::{List, Map};
use super::context::{BY, Found, INTO_LIST, INTO_MAP, Kind, find_in_list, find_in_map, take_integer, take_length};
use super::normal::{is_compact, normalise};
use super::value::{Element, take_element};

/// Why bytes are no context of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// They do not begin with a context, or with one that creates or selects.
    NoContext,
    /// Something in it takes more room than it must.
    NotCompact,
}

/// The context that bytes begin with, if it only finds, as those of indexes do.
pub(crate) fn read(bytes: &[u8]) -> Result<Element<'_>, Flaw> {
    let mut rest = bytes;
    let count = take_length(&mut rest).ok_or(Flaw::NoContext)?;
    for _ in 0..count {
        let bits = take_integer(&mut rest).ok_or(Flaw::NoContext)? & 0xff;
        let finds = bits <= INTO_MAP | 3 && bits & BY <= 3 && bits != INTO_LIST | 2;
        if !finds || take_element(&mut rest).is_none() {
            return Err(Flaw::NoContext);
        }
    }
    let context = &bytes[..bytes.len() - rest.len()];
    if is_compact(context) { Ok(context) } else { Err(Flaw::NotCompact) }
}

/// The element a context leads to, whatever it is; `None` where it leads nowhere.
pub(crate) fn find<'a>(mut on: Element<'a>, mut context: &[u8]) -> Option<Element<'a>> {
    for _ in 0..take_length(&mut context)? {
        let kind = Kind::new(take_integer(&mut context)? & (BY | INTO_LIST | INTO_MAP)).ok()?;
        let value = take_element(&mut context)?;
        let found = if let Some(list) = List::parse(on).filter(|_| kind.bits & INTO_MAP == 0) {
            match find_in_list(&list, kind, value).ok()? {
                Found::At(index) => list.items[index],
                Found::New(_) => return None,
            }
        } else {
            let map = Map::parse(on).filter(|_| kind.bits & INTO_LIST == 0)?;
            let key = normalise(value).unwrap_or_default();
            match find_in_map(&map, kind, value, &key).ok()? {
                Found::At(index) => map.pairs[index].1,
                Found::New(_) => return None,
            }
        };
        on = found;
    }
    Some(on)
}
