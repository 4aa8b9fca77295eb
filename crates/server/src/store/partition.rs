//! The records of one partition.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use aerospike_wire::Digest;

use super::record::Record;
use super::trees::{IndexId, Tree, Trees};
use crate::clock::Moment;

/// The records of one partition on one node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Partition {
    records: HashMap<Digest, Record, DigestHasherBuilder>,
    trees: Trees,
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

    /// Stores a record.
    pub(crate) fn insert(&mut self, digest: Digest, record: Record) {
        self.trees.note(&digest);
        self.records.insert(digest, record);
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
    }

    /// Makes this copy of a record what `source` holds.
    pub(crate) fn copy_record(&mut self, digest: &Digest, source: &Self) {
        match source.records.get(digest) {
            Some(record) => self.insert(*digest, record.clone()),
            None => self.remove(digest),
        }
    }

    /// Keeps the records that `keep` wants and returns how many went.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Record) -> bool) -> usize {
        let before = self.records.len();
        let trees = &mut self.trees;
        self.records.retain(|digest, record| {
            let stays = keep(record);
            if !stays {
                trees.note(digest);
            }
            stays
        });
        before - self.records.len()
    }

    /// Every record.
    pub(crate) fn records(&self) -> impl Iterator<Item = (&Digest, &Record)> {
        self.records.iter()
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
                    tree.set(*digest, values(digest, record));
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

    /// How many records there are, those included that expired and were not swept up yet.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }
}

/// Makes tables by digest.
pub(crate) type DigestHasherBuilder = BuildHasherDefault<DigestHasher>;

/// A digest is a hash already: eight of its bytes do. Those that choose the partition are equal for all records of it,
/// so later ones are taken.
#[derive(Debug, Default)]
pub(crate) struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(tail) = bytes.last_chunk() {
            self.0 = u64::from_le_bytes(*tail);
        }
    }

    fn write_usize(&mut self, _: usize) {} // the length of the digest

    fn finish(&self) -> u64 {
        self.0
    }
}
