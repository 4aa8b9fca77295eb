//! The records of one partition.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use aerospike_wire::Digest;
use aerospike_wire::transaction::RecordVersion;

use super::digest_hash::DigestHasherBuilder;
use super::provisional::{Beside, Monitor, Provisional, Tombstone};
use super::record::Record;
use super::sets::SetId;
use super::trees::{Tree, Trees};
use crate::clock::Moment;
use crate::sindex::IndexId;

/// The records of one partition on one node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Partition {
    records: HashMap<Digest, Record, DigestHasherBuilder>,
    trees: Trees,
    beside: Beside,
}

impl Partition {
    /// A record that is there and has not expired.
    pub(crate) fn get(&self, digest: &Digest, now: Moment) -> Option<&Record> {
        self.records.get(digest).filter(|record| !record.is_expired(now))
    }

    /// A record that is there, even one that has expired and was not swept up yet.
    pub(crate) fn get_stored(&self, digest: &Digest) -> Option<&Record> {
        self.records.get(digest)
    }

    /// Stores a record. Its version differs from every version before, even when it was removed in this millisecond and
    /// begins at generation 1 again, or when the clock went back.
    pub(crate) fn insert(&mut self, digest: Digest, mut record: Record) {
        self.trees.note(&digest);
        if let Some(tombstone) = self.beside.tombstones.remove(&digest) {
            record.meta.last_update = record.meta.last_update.max(Moment(tombstone.removed.0 + 1));
        }
        match self.records.entry(digest) {
            Entry::Occupied(mut place) => {
                record.meta.last_update = record.meta.last_update.max(place.get().meta.last_update);
                place.insert(record);
            }
            Entry::Vacant(place) => drop(place.insert(record)),
        }
    }

    /// Gives a record a new expiry; nothing else of it changes.
    pub(crate) fn touch(&mut self, digest: &Digest, void_time: u32, now: Moment) {
        if let Some(record) = self.records.get_mut(digest) {
            (record.meta.void_time, record.meta.last_update) = (void_time, now);
            self.trees.note(digest);
        }
    }

    /// Removes a record.
    pub(crate) fn remove(&mut self, digest: &Digest) {
        self.trees.note(digest);
        self.records.remove(digest);
        self.beside.monitors.remove(digest);
    }

    /// Removes a record durably: that it was there is remembered for a while.
    pub(crate) fn bury(&mut self, digest: &Digest, now: Moment) {
        self.trees.note(digest);
        let Some(record) = self.records.remove(digest) else { return };
        if self.beside.monitors.remove(digest).is_none() {
            let (removed, generation) = (now.max(record.meta.last_update), record.next_generation());
            let set = record.meta.set;
            self.beside.tombstones.insert(*digest, Tombstone { removed, generation, set });
        }
    }

    /// Makes this copy of a record what `source` holds.
    pub(crate) fn copy_record(&mut self, digest: &Digest, source: &Self) {
        self.trees.note(digest);
        match source.records.get(digest) {
            Some(record) => drop(self.records.insert(*digest, record.clone())),
            None => drop(self.records.remove(digest)),
        }
        self.beside.copy(digest, &source.beside);
    }

    /// What a transaction sees of a record; the version of a record that never was when there is no trace of it.
    pub(crate) fn version(&self, digest: &Digest, now: Moment) -> RecordVersion {
        let tombstone = || self.beside.tombstones.get(digest).map(|tombstone| tombstone.version());
        let found = self.get(digest, now).map(Record::version);
        found.or_else(tombstone).unwrap_or(RecordVersion::ABSENT)
    }

    /// What a transaction wrote of a record and has not committed.
    pub(crate) fn provisional(&self, digest: &Digest) -> Option<&Provisional> {
        self.beside.provisionals.get(digest)
    }

    /// Takes what a transaction wrote and has not committed before.
    pub(crate) fn set_provisional(&mut self, digest: Digest, mut provisional: Provisional) {
        // the time of the original holds for what takes its place, too
        let original = self.records.get(&digest).map(|record| record.meta.last_update);
        if let (Some(record), Some(original)) = (&mut provisional.record, original) {
            record.meta.last_update = record.meta.last_update.max(original);
        }
        self.beside.provisionals.insert(digest, provisional);
    }

    /// Unlocks a record, and hands over what its transaction wrote.
    pub(crate) fn take_provisional(&mut self, digest: &Digest) -> Option<Provisional> {
        self.beside.provisionals.remove(digest)
    }

    /// The records that transactions have locked.
    pub(crate) fn provisionals(&self) -> impl ExactSizeIterator<Item = (&Digest, &Provisional)> {
        self.beside.provisionals.iter()
    }

    /// A monitor.
    pub(crate) fn monitor(&self, digest: &Digest) -> Option<Monitor> {
        self.beside.monitors.get(digest).copied()
    }

    /// Notes how far a monitor is.
    pub(crate) fn set_monitor(&mut self, digest: Digest, monitor: Monitor) {
        self.beside.monitors.insert(digest, monitor);
    }

    /// Every monitor.
    pub(crate) fn monitors(&self) -> impl Iterator<Item = &Monitor> {
        self.beside.monitors.values()
    }

    /// What is remembered of a record that was removed durably.
    pub(crate) fn tombstone(&self, digest: &Digest) -> Option<Tombstone> {
        self.beside.tombstones.get(digest).copied()
    }

    /// What is remembered of all records that were removed durably.
    pub(crate) fn tombstones(&self) -> impl ExactSizeIterator<Item = &Tombstone> {
        self.beside.tombstones.values()
    }

    /// Forgets records that were removed durably before a moment, those of a set or all.
    pub(crate) fn forget_tombstones(&mut self, set: Option<SetId>, before: Moment) {
        let is_of = |tombstone: &Tombstone| set.is_none_or(|set| tombstone.set == set);
        self.beside.tombstones.retain(|_, tombstone| tombstone.removed >= before || !is_of(tombstone));
    }

    /// Keeps the records that `keep` wants, and monitors, and returns how many went.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Record) -> bool) -> usize {
        let before = self.records.len();
        let (trees, monitors) = (&mut self.trees, &self.beside.monitors);
        self.records.retain(|digest, record| {
            let stays = monitors.contains_key(digest) || keep(record);
            if !stays {
                trees.note(digest);
            }
            stays
        });
        before - self.records.len()
    }

    /// Every record but monitors.
    pub(crate) fn records(&self) -> impl Iterator<Item = (&Digest, &Record)> {
        let monitors = &self.beside.monitors;
        self.records.iter().filter(|(digest, _)| monitors.is_empty() || !monitors.contains_key(*digest))
    }

    /// The entries of an index, where `values` tells the values of a record.
    pub(crate) fn tree(&mut self, id: IndexId, mut values: impl FnMut(&Digest, &Record) -> Vec<i64>) -> &Tree {
        let tree = match self.trees.take(id) {
            Some((mut tree, changed)) => {
                for digest in changed {
                    let found = self.records.get(&digest);
                    tree.set(digest, found.map(|record| values(&digest, record)).unwrap_or_default());
                }
                tree
            }
            None => {
                let mut tree = Tree::default();
                for (digest, record) in &self.records {
                    tree.set(*digest, values(digest, record)); // monitors are in a set of their own
                }
                tree
            }
        };
        self.trees.put(id, tree)
    }

    /// Forgets the entries of an index.
    pub(crate) fn forget_index(&mut self, id: IndexId) {
        self.trees.forget(id);
    }

    /// How many records there are, those included that expired and were not swept up yet, and no monitors.
    pub(crate) fn len(&self) -> usize {
        self.records.len().saturating_sub(self.beside.monitors.len())
    }
}
