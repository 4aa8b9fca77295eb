//! What a node keeps: for every namespace 4096 partitions, each a table of records under its own lock.
//!
//! | file | subject |
//! |---|---|
//! | `record` | one stored record, in the form it is answered in |
//! | `bins` | the bins of a record while a command changes them |
//! | `digest_hash` | tables by digest |
//! | `partition` | the records of one partition |
//! | `provisional` | what is kept beside the records for transactions |
//! | `view` | a partition as one command sees it |
//! | `due` | when the transactions of a namespace have to be over |
//! | `counters` | what is counted of transactions |
//! | `sets` | the set names of a namespace |
//! | `trees` | the entries of secondary indexes in one partition |
//! | `namespace` | what the nodes share about a namespace |

mod bins;
mod counters;
mod digest_hash;
mod due;
mod namespace;
mod partition;
mod provisional;
mod record;
mod sets;
mod trees;
mod view;

use aerospike_wire::PartitionId;
use aerospike_wire::limits::PARTITIONS;
use parking_lot::{Mutex, MutexGuard};

use crate::sindex::IndexId;
pub(crate) use bins::Bins;
pub(crate) use counters::{Counted, Counters};
pub(crate) use namespace::Namespace;
pub(crate) use partition::Partition;
pub(crate) use provisional::{Monitor, Phase};
pub(crate) use record::{BinRef, Record, RecordMeta, generation_after};
pub(crate) use sets::SetId;
pub(crate) use trees::{Entry, Tree};
pub(crate) use view::{Scope, View};

/// One node's copies of one namespace.
///
/// A lock per partition: commands on different partitions never wait for one another, and a command holds the lock of
/// the master's copy while it changes the replicas' copies, which makes the copies equal whenever the lock is free.
#[derive(Debug)]
pub(crate) struct Store {
    partitions: Box<[Mutex<Partition>]>,
    /// What the node counts of transactions.
    pub(crate) counters: Counters,
}

impl Store {
    /// A store without records.
    pub(crate) fn new() -> Self {
        Self { partitions: (0..PARTITIONS).map(|_| Mutex::default()).collect(), counters: Counters::default() }
    }

    /// Locks a partition.
    pub(crate) fn lock(&self, id: PartitionId) -> MutexGuard<'_, Partition> {
        // an id is below PARTITIONS by its type, so there is a partition for it
        self.partitions[id.index()].lock()
    }

    /// Forgets what is known of an index.
    pub(crate) fn forget_index(&self, id: IndexId) {
        self.partitions.iter().for_each(|partition| partition.lock().forget_index(id));
    }

    /// Forgets every record.
    pub(crate) fn clear(&self) {
        for partition in &self.partitions {
            *partition.lock() = Partition::default();
        }
    }
}
