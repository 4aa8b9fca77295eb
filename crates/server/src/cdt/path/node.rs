//! A list or map on a path, and what is left of it.

use bytes::BytesMut;

use super::super::collection::{Collection, List, Map, Pair, pack_pairs};
use super::super::pack;
use super::super::value::{Element, compare};
use super::expressions::PathElement;

/// A list or map on the path.
pub(super) enum Node<'a> {
    List(List<'a>),
    Map(Map<'a>),
}

impl<'a> Node<'a> {
    pub(super) fn parse(element: Element<'a>) -> Option<Self> {
        List::parse(element).map(Node::List).or_else(|| Map::parse(element).map(Node::Map))
    }

    pub(super) fn as_collection(&self) -> &dyn Collection {
        match self {
            Self::List(list) => list,
            Self::Map(map) => map,
        }
    }

    pub(super) const fn flags(&self) -> u8 {
        match self {
            Self::List(list) => list.flags,
            Self::Map(map) => map.flags,
        }
    }

    pub(super) const fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }

    /// What is left of it when it is empty: its flags.
    pub(super) fn emptied(&self) -> BytesMut {
        match self {
            Self::List(list) => List::empty(list.flags).pack(),
            Self::Map(map) => Map::empty(map.flags).pack(),
        }
    }

    pub(super) fn element(&self, at: usize) -> PathElement<'_> {
        let all = self.as_collection();
        let key = all.key(at);
        PathElement { key, value: all.value(at), index: key.is_none().then_some(at) }
    }

    /// Another collection of the kind, without flags: the children with their keys.
    pub(super) fn pruned(&self, children: &[(usize, BytesMut)]) -> BytesMut {
        match self {
            Self::List(_) => pack::list(children.iter().map(|(_, child)| &child[..]), 0),
            Self::Map(map) => {
                let pairs: Vec<Pair<'_>> = children.iter().map(|(at, child)| (map.pairs[*at].0, &child[..])).collect();
                pack_pairs(pairs.into_iter(), 0)
            }
        }
    }

    /// The collection with some children replaced, or removed where there is none.
    pub(super) fn replaced(&self, changes: &[(usize, Option<BytesMut>)]) -> BytesMut {
        let mut changes = changes.iter().peekable();
        let mut next = |at: usize, old| match changes.next_if(|(changed, _)| *changed == at) {
            Some((_, new)) => new.as_deref(),
            None => Some(old),
        };
        match self {
            Self::List(list) => {
                let mut items: Vec<_> = list.items.iter().enumerate().filter_map(|(at, old)| next(at, *old)).collect();
                if list.is_ordered() {
                    items.sort_by(|a, b| compare(a, b));
                }
                List { flags: list.flags, items }.pack()
            }
            Self::Map(map) => {
                let pairs = map.pairs.iter().enumerate().filter_map(|(at, (key, old))| Some((*key, next(at, *old)?)));
                let pairs = pairs.collect();
                Map { flags: map.flags, pairs }.pack()
            }
        }
    }
}
