//! What ails a node although it answers: what operators find in the statistics of clusters in trouble.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// What ails a node. Nothing does at first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ailment {
    /// The version it says it has.
    pub build: Option<String>,
    /// The `host:port` it announces, to clients and to its peers, in place of its own.
    pub announced: Option<String>,
    /// Milliseconds that its clock is ahead, in what it says of the time. Expiry goes by the right time.
    pub clock_ahead: i64,
    /// Partitions that it says are still to be moved, in each namespace.
    pub migrating: u32,
    /// Its namespaces take no writes.
    pub stops_writes: bool,
}

/// The ailment of one node. Looking whether there is one costs a load.
#[derive(Debug, Default)]
pub(crate) struct Ailing {
    is_ill: AtomicBool,
    ailment: Mutex<Arc<Ailment>>,
}

impl Ailing {
    pub(crate) fn set(&self, ailment: Ailment) {
        self.is_ill.store(ailment != Ailment::default(), Ordering::Release);
        *self.ailment.lock() = Arc::new(ailment);
    }

    pub(crate) fn get(&self) -> Arc<Ailment> {
        self.ailment.lock().clone()
    }

    /// Whether writes are to be refused.
    pub(crate) fn stops_writes(&self) -> bool {
        self.is_ill.load(Ordering::Acquire) && self.ailment.lock().stops_writes
    }
}
