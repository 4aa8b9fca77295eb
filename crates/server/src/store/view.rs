//! A partition as one command sees it.
//!
//! A command of a transaction reads what its transaction wrote, and writes beside the original; any other command reads
//! and writes originals. Who may see what was decided before a view is made ([`crate::transaction`]).

use aerospike_wire::Digest;

use super::partition::Partition;
use super::provisional::Provisional;
use super::record::Record;
use crate::clock::Moment;

/// The transaction that a command belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Its id.
    pub(crate) transaction: u64,
    /// When it ends at the latest.
    pub(crate) deadline: Moment,
}

/// A partition as one command sees it.
pub(crate) struct View<'p> {
    partition: &'p mut Partition,
    scope: Option<Scope>,
}

impl<'p> View<'p> {
    /// The originals.
    pub(crate) fn committed(partition: &'p mut Partition) -> Self {
        Self { partition, scope: None }
    }

    /// What a transaction sees; the originals for `None`.
    pub(crate) fn of(partition: &'p mut Partition, scope: Option<Scope>) -> Self {
        Self { partition, scope }
    }

    /// The partition itself.
    pub(crate) fn partition(&mut self) -> &mut Partition {
        self.partition
    }

    /// Whether the transaction has written a record before.
    pub(crate) fn holds(&self, digest: &Digest) -> bool {
        self.own(digest).is_some()
    }

    /// Whether the command belongs to a transaction.
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.scope.is_some()
    }

    fn own(&self, digest: &Digest) -> Option<&Provisional> {
        let scope = self.scope?;
        self.partition.provisional(digest).filter(|provisional| provisional.transaction == scope.transaction)
    }

    /// A record that is there and has not expired. What the transaction wrote itself is there in any case.
    pub(crate) fn get(&self, digest: &Digest, now: Moment) -> Option<&Record> {
        match self.own(digest) {
            Some(provisional) => provisional.record.as_ref(),
            None => self.partition.get(digest, now),
        }
    }

    /// The same, even if it has expired, as long as it was not swept up.
    pub(crate) fn get_stored(&self, digest: &Digest) -> Option<&Record> {
        match self.own(digest) {
            Some(provisional) => provisional.record.as_ref(),
            None => self.partition.get_stored(digest),
        }
    }

    /// Removes a record that has expired, unless a transaction's view is asked: that has no say over originals.
    pub(crate) fn sweep_up(&mut self, digest: &Digest, now: Moment) {
        if self.scope.is_none() && self.partition.get_stored(digest).is_some_and(|record| record.is_expired(now)) {
            self.partition.remove(digest);
        }
    }

    /// The generation that a record had which is not there any more, if it was removed durably; 0 otherwise.
    pub(crate) fn buried(&self, digest: &Digest) -> u16 {
        self.partition.tombstone(digest).map_or(0, |tombstone| tombstone.generation)
    }

    /// Stores a record.
    pub(crate) fn insert(&mut self, digest: Digest, record: Record) {
        match self.scope {
            Some(scope) => self.put_aside(scope, digest, Some(record)),
            None => self.partition.insert(digest, record),
        }
    }

    /// Removes a record; one that is removed durably is remembered for a while.
    pub(crate) fn remove(&mut self, digest: &Digest, now: Moment, durably: bool) {
        match self.scope {
            Some(scope) => self.put_aside(scope, *digest, None),
            None if durably => self.partition.bury(digest, now),
            None => self.partition.remove(digest),
        }
    }

    fn put_aside(&mut self, scope: Scope, digest: Digest, record: Option<Record>) {
        let Scope { transaction, deadline } = scope;
        self.partition.set_provisional(digest, Provisional { transaction, deadline, record });
    }
}
