//! Secondary index entries of one partition: which records have which values.
//!
//! A tree is filled when a query first needs it. From then on writes only note which records they changed, and the next
//! query works those out: a write costs the same whatever is indexed, and no write can forget an index.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use aerospike_wire::Digest;

use super::digest_hash::DigestHasherBuilder;
use crate::sindex::IndexId;

/// A place in a tree: a value and a record that has it.
pub(crate) type Entry = (i64, Digest);

/// The entries of one index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    entries: BTreeSet<Entry>,
    /// The values of every record that has some, sorted.
    values: HashMap<Digest, Box<[i64]>, DigestHasherBuilder>,
    /// Records that changed since they were worked out.
    changed: Vec<Digest>,
}

impl Tree {
    /// Gives a record these values and no others.
    pub(super) fn set(&mut self, digest: Digest, mut values: Vec<i64>) {
        for value in self.values.remove(&digest).unwrap_or_default() {
            self.entries.remove(&(value, digest));
        }
        values.sort_unstable();
        values.dedup();
        self.entries.extend(values.iter().map(|value| (*value, digest)));
        if !values.is_empty() {
            self.values.insert(digest, values.into());
        }
    }

    /// The entries in some ranges of values, which ascend and do not overlap, after a place. Cells of shapes count as numbers
    /// without a sign. A record that has several values in a range comes once for it, with the least of these, so that its
    /// place does not depend on where a query began; and once more for every other range with a value of it.
    pub(crate) fn select<'t>(
        &'t self,
        ranges: &'t [RangeInclusive<i64>],
        after: Option<Entry>,
        is_unsigned: bool,
    ) -> impl Iterator<Item = Entry> + 't {
        let first = |digest: &Digest, range: &RangeInclusive<i64>| {
            let values = self.values.get(digest)?;
            values.get(values.partition_point(|value| value < range.start()))
        };
        let entries = ranges.iter().flat_map(move |range| {
            let bounds = (*range.start(), Digest([0; Digest::SIZE]))..=(*range.end(), Digest([0xff; Digest::SIZE]));
            self.entries.range(bounds).filter(move |(value, digest)| first(digest, range) == Some(value))
        });
        let is_behind =
            move |entry: &&Entry| after.is_none_or(|after| place(entry, is_unsigned) > place(&after, is_unsigned));
        entries.filter(is_behind).copied()
    }

    /// Every entry.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many records have a value.
    pub(crate) fn record_count(&self) -> usize {
        self.values.len()
    }
}

/// Where an entry stands among others.
fn place((value, digest): &Entry, is_unsigned: bool) -> (u64, Digest) {
    let value = *value as u64;
    (if is_unsigned { value } else { value ^ 1 << 63 }, *digest)
}

/// The trees of a partition that were needed so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trees(Vec<(IndexId, Tree)>);

impl Trees {
    /// Notes that a record is not what it was.
    pub(super) fn note(&mut self, digest: &Digest) {
        /// Changes that are remembered even where the tree is small.
        const FEW: usize = 64;
        // a tree that nobody asks for any more is cheaper to fill again than to follow for ever
        self.0.retain(|(_, tree)| tree.changed.len() < FEW + 2 * tree.values.len());
        self.0.iter_mut().for_each(|(_, tree)| tree.changed.push(*digest));
    }

    /// Takes a tree out, with the records that have to be worked out again; `None` where there is no tree yet.
    pub(super) fn take(&mut self, id: IndexId) -> Option<(Tree, Vec<Digest>)> {
        let place = self.0.iter().position(|(other, _)| *other == id)?;
        let (_, mut tree) = self.0.swap_remove(place);
        let changed = std::mem::take(&mut tree.changed);
        Some((tree, changed))
    }

    /// Puts a tree in.
    pub(super) fn put(&mut self, id: IndexId, tree: Tree) -> &Tree {
        self.0.push((id, tree));
        &self.0[self.0.len() - 1].1
    }

    /// Forgets a tree.
    pub(super) fn forget(&mut self, id: IndexId) {
        self.0.retain(|(other, _)| *other != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u8) -> Digest {
        Digest([n; Digest::SIZE])
    }

    #[test]
    fn a_record_comes_once_with_its_least_value_in_range() {
        let mut tree = Tree::default();
        tree.set(digest(1), vec![9, 3, 5, 3]);
        tree.set(digest(2), vec![4]);
        let found: Vec<_> = tree.select(&[4..=9], None, false).collect();
        assert_eq!(found, [(4, digest(2)), (5, digest(1))]);
        assert_eq!(tree.select(&[4..=9], Some((4, digest(2))), false).collect::<Vec<_>>(), [(5, digest(1))]);
        let twice = [(3, digest(1)), (9, digest(1))];
        assert_eq!(tree.select(&[3..=3, 6..=9], None, false).collect::<Vec<_>>(), twice, "once for each range");
        tree.set(digest(1), vec![]);
        assert_eq!((tree.entries().len(), tree.record_count()), (1, 1));
    }
}
