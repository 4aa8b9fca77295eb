//! Lists and maps, taken apart into their elements and put together again.

use std::cmp::Ordering;

use bytes::{BufMut, BytesMut};

use super::normal::{MAP_ORDER, ORDERED};
use super::pack::{self, PERSIST_INDEX};
use super::value::{Element, Head, compare, take_element, take_flags, take_head};

/// What selections need to know of a list or map.
pub(crate) trait Collection {
    /// How many elements or pairs there are.
    fn len(&self) -> usize;
    /// The value at an index.
    fn value(&self, index: usize) -> Element<'_>;
    /// The key at an index; lists have none.
    fn key(&self, index: usize) -> Option<Element<'_>>;
    /// Whether index order is value order, as in an ordered list.
    fn is_sorted_by_value(&self) -> bool;
    /// Whether an element counts as above equal ones before it, when ranks are told one by one: so in maps, while
    /// equal elements of a list share the lowest rank.
    fn ties_rank_by_index(&self) -> bool;
    /// The collection without the indexes in `gone`, which is sorted.
    fn without(&self, gone: &[usize]) -> BytesMut;

    /// Indexes in the order of their values, equal values in index order: the index of every rank.
    fn by_rank(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        if !self.is_sorted_by_value() {
            order.sort_by(|&a, &b| compare(self.value(a), self.value(b)));
        }
        order
    }
}

/// A list. Its flags say whether it keeps itself sorted, and, in a list that was made together with the bin around
/// it, that an index was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List<'a> {
    pub(crate) flags: u8,
    pub(crate) items: Vec<Element<'a>>,
}

/// One entry of a map.
pub(crate) type Pair<'a> = (Element<'a>, Element<'a>);

/// A map, in key order whatever its flags say: that is how maps are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Map<'a> {
    pub(crate) flags: u8,
    pub(crate) pairs: Vec<Pair<'a>>,
}

impl<'a> List<'a> {
    /// A list without elements.
    pub(crate) const fn empty(flags: u8) -> Self {
        Self { flags, items: Vec::new() }
    }

    /// Takes a stored list apart; `None` if the bytes are no list.
    pub(crate) fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let Head::List(n) = take_head(&mut bytes)? else { return None };
        let (n, flags) = take_flags(&mut bytes, n, false);
        let mut items = Vec::with_capacity(n.min(bytes.len()));
        for _ in 0..n {
            items.push(take_element(&mut bytes)?);
        }
        Some(Self { flags: flags & (ORDERED | PERSIST_INDEX), items })
    }

    /// The stored form.
    pub(crate) fn pack(&self) -> BytesMut {
        pack::list(self.items.iter().copied(), self.flags)
    }

    /// Whether the list keeps itself sorted.
    pub(crate) const fn is_ordered(&self) -> bool {
        self.flags & ORDERED != 0
    }

    /// The indexes an ordered list holds a value at, or would hold it at.
    pub(crate) fn equal_range(&self, value: Element<'_>) -> std::ops::Range<usize> {
        self.below(value)..self.items.partition_point(|e| compare(e, value) != Ordering::Greater)
    }

    /// How many elements of an ordered list are below a value.
    pub(crate) fn below(&self, value: Element<'_>) -> usize {
        self.items.partition_point(|e| compare(e, value) == Ordering::Less)
    }

    /// Whether the list holds a value.
    pub(crate) fn contains(&self, value: Element<'_>) -> bool {
        if self.is_ordered() {
            !self.equal_range(value).is_empty()
        } else {
            self.items.iter().any(|e| compare(e, value) == Ordering::Equal)
        }
    }

    /// Adds a value: at its place in an ordered list, at the end of another.
    pub(crate) fn add(&mut self, value: Element<'a>) {
        let at = if self.is_ordered() { self.place_for(value) } else { self.items.len() };
        self.items.insert(at, value);
    }

    /// Adds values, those for an ordered list in order of their own.
    pub(crate) fn extend(&mut self, mut values: Vec<Element<'a>>) {
        if !self.is_ordered() {
            return self.items.extend(values);
        }
        values.sort_by(|a, b| compare(a, b));
        let places: Vec<_> = values.iter().map(|value| self.place_for(value)).collect();
        let mut new = places.into_iter().zip(values).peekable();
        let mut items = Vec::with_capacity(self.items.len() + new.len());
        for (at, item) in self.items.iter().enumerate() {
            while let Some((_, value)) = new.next_if(|(place, _)| *place <= at) {
                items.push(value);
            }
            items.push(*item);
        }
        items.extend(new.map(|(_, value)| value));
        self.items = items;
    }

    /// Where a value goes in an ordered list. Of equal ones it goes before the one that halving finds first, which can be
    /// seen where equal values are written differently, as maps with and without an order.
    fn place_for(&self, value: Element<'_>) -> usize {
        let (mut lower, mut upper) = (0, self.items.len());
        let mut middle = upper / 2;
        while let Some(item) = self.items.get(middle) {
            match compare(value, item) {
                Ordering::Equal => break,
                Ordering::Greater if middle + 1 >= upper => return middle + 1,
                Ordering::Greater => {
                    lower = middle + 1;
                    middle = usize::midpoint(middle, upper);
                }
                Ordering::Less if middle == lower => break,
                Ordering::Less => {
                    upper = middle;
                    middle = usize::midpoint(lower, middle);
                }
            }
        }
        middle
    }
}

impl Collection for List<'_> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn value(&self, index: usize) -> Element<'_> {
        self.items[index]
    }

    fn key(&self, _: usize) -> Option<Element<'_>> {
        None
    }

    fn is_sorted_by_value(&self) -> bool {
        self.is_ordered()
    }

    fn ties_rank_by_index(&self) -> bool {
        false
    }

    fn without(&self, gone: &[usize]) -> BytesMut {
        Self { flags: self.flags, items: rest(&self.items, gone) }.pack()
    }
}

impl<'a> Map<'a> {
    /// A map without pairs.
    pub(crate) const fn empty(flags: u8) -> Self {
        Self { flags, pairs: Vec::new() }
    }

    /// Takes a stored map apart; `None` if the bytes are no map.
    pub(crate) fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let Head::Map(n) = take_head(&mut bytes)? else { return None };
        let (n, flags) = take_flags(&mut bytes, n, true);
        let mut pairs = Vec::with_capacity(n.min(bytes.len()));
        for _ in 0..n {
            pairs.push((take_element(&mut bytes)?, take_element(&mut bytes)?));
        }
        Some(Self { flags: flags & (MAP_ORDER | PERSIST_INDEX | pack::PRESERVE_ORDER), pairs })
    }

    /// The stored form.
    pub(crate) fn pack(&self) -> BytesMut {
        pack_pairs(self.pairs.iter().copied(), self.flags)
    }

    /// The index of a key, or the index it would have.
    pub(crate) fn find(&self, key: Element<'_>) -> Result<usize, usize> {
        self.pairs.binary_search_by(|(k, _)| compare(k, key))
    }

    /// How many keys are below a key.
    pub(crate) fn below(&self, key: Element<'_>) -> usize {
        self.pairs.partition_point(|(k, _)| compare(k, key) == Ordering::Less)
    }
}

impl Collection for Map<'_> {
    fn len(&self) -> usize {
        self.pairs.len()
    }

    fn value(&self, index: usize) -> Element<'_> {
        self.pairs[index].1
    }

    fn key(&self, index: usize) -> Option<Element<'_>> {
        Some(self.pairs[index].0)
    }

    fn is_sorted_by_value(&self) -> bool {
        false
    }

    fn ties_rank_by_index(&self) -> bool {
        true
    }

    fn without(&self, gone: &[usize]) -> BytesMut {
        Self { flags: self.flags, pairs: rest(&self.pairs, gone) }.pack()
    }
}

/// Pairs as a map with the given flags, in the order they come.
pub(crate) fn pack_pairs<'a>(pairs: impl ExactSizeIterator<Item = Pair<'a>>, flags: u8) -> BytesMut {
    let mut out = BytesMut::new();
    pack::map_header(&mut out, pairs.len(), flags);
    pairs.for_each(|(key, value)| {
        out.put_slice(key);
        out.put_slice(value);
    });
    out
}

fn rest<T: Copy>(all: &[T], gone: &[usize]) -> Vec<T> {
    let mut gone = gone.iter().peekable();
    let stays = |(i, item): (usize, &T)| gone.next_if_eq(&&i).is_none().then_some(*item);
    all.iter().enumerate().filter_map(stays).collect()
}
