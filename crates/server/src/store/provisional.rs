//! What a partition keeps beside its records: what transactions wrote and did not commit, the monitors of transactions,
//! and what is remembered of records that were removed durably.
//!
//! The records of a partition are always the originals, so nothing that looks at them (queries, indexes, counters,
//! expiry) has to know of transactions.

use std::collections::HashMap;

use aerospike_wire::Digest;
use aerospike_wire::transaction::RecordVersion;

use super::digest_hash::DigestHasherBuilder;
use super::record::Record;
use super::sets::SetId;
use crate::clock::Moment;

/// What a transaction made of a record and has not committed. It locks the record.
#[derive(Debug, Clone)]
pub(crate) struct Provisional {
    /// The transaction.
    pub(crate) transaction: u64,
    /// When the transaction ends at the latest.
    pub(crate) deadline: Moment,
    /// The record, or nothing when the transaction removed it.
    pub(crate) record: Option<Record>,
}

/// How far a transaction is, as its monitor knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It may write and commit.
    Open,
    /// It is committed.
    Forward,
    /// The server ends it.
    Back,
}

/// What a partition knows of a monitor besides its bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Monitor {
    /// When the transaction ends at the latest.
    pub(crate) deadline: Moment,
    /// How far it is.
    pub(crate) phase: Phase,
    /// Whether the server has ended the transaction in place of its client: nothing is locked any more.
    pub(crate) is_ended: bool,
}

/// What remains of a record that was removed durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tombstone {
    /// When it was removed.
    pub(crate) removed: Moment,
    /// The generation that the removal gave it.
    pub(crate) generation: u16,
    /// The set it was in.
    pub(crate) set: SetId,
}

impl Tombstone {
    /// What a transaction sees of a record that is not there any more.
    pub(crate) fn version(self) -> RecordVersion {
        RecordVersion::new(self.removed.0, self.generation)
    }
}

/// A table by digest.
type ByDigest<T> = HashMap<Digest, T, DigestHasherBuilder>;

/// What a partition keeps beside its records. Nearly all partitions have nothing of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    pub(super) provisionals: ByDigest<Provisional>,
    pub(super) monitors: ByDigest<Monitor>,
    pub(super) tombstones: ByDigest<Tombstone>,
}

impl Beside {
    /// Makes what is kept of a record what `source` has.
    pub(super) fn copy(&mut self, digest: &Digest, source: &Self) {
        copy(&mut self.provisionals, digest, &source.provisionals);
        copy(&mut self.monitors, digest, &source.monitors);
        copy(&mut self.tombstones, digest, &source.tombstones);
    }
}

fn copy<T: Clone>(to: &mut ByDigest<T>, digest: &Digest, from: &ByDigest<T>) {
    if from.is_empty() && to.is_empty() {
        return;
    }
    match from.get(digest) {
        Some(value) => drop(to.insert(*digest, value.clone())),
        None => drop(to.remove(digest)),
    }
}
