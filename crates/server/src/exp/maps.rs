//! The keys or the values of a map, as a list.

use bytes::BytesMut;

use super::eval::Run;
use super::parse::Node;
use super::value::Value;
use crate::cdt::pack;
use crate::cdt::value::{Head, take_element, take_flags, take_head};

/// What to take of each pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Keys,
    Values,
}

/// Evaluates MAP_KEYS or MAP_VALUES. What they are given is not checked beforehand: what is no map is unknown.
pub(super) fn part<'a>(part: Part, arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let Some(Value::Collection(map)) = arguments.first().map(|map| run.evaluate(map)) else { return Value::Unknown };
    list_of(part, &map).map_or(Value::Unknown, |list| Value::Collection(list.to_vec().into()))
}

fn list_of(part: Part, mut map: &[u8]) -> Option<BytesMut> {
    let Head::Map(pairs) = take_head(&mut map)? else { return None };
    let (pairs, _) = take_flags(&mut map, pairs, true);
    let mut list = BytesMut::with_capacity(map.len());
    pack::list_header(&mut list, pairs, 0);
    for _ in 0..pairs {
        let (key, value) = (take_element(&mut map)?, take_element(&mut map)?);
        list.extend_from_slice(if part == Part::Keys { key } else { value });
    }
    Some(list)
}
