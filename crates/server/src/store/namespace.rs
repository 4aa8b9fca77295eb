//! What the nodes of a cluster share about a namespace: its name, its settings, its sets and truncations.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aerospike_wire::info::PartitionBitmap;
use parking_lot::RwLock;

use super::due::DueMonitors;
use super::sets::{SetId, Sets};
use crate::clock::Moment;
use crate::options::NamespaceOptions;
use crate::sindex::Indexes;

/// A namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    /// Its name.
    pub(crate) name: String,
    default_ttl: AtomicU32,
    /// Its sets.
    pub(crate) sets: RwLock<Sets>,
    /// The moment of the last truncation of the whole namespace.
    pub(crate) truncated: RwLock<Moment>,
    /// Its secondary indexes.
    pub(crate) indexes: RwLock<Indexes>,
    /// Whether it is strongly consistent.
    pub(crate) strong_consistency: bool,
    /// Partitions whose copies were all lost.
    pub(crate) dead: RwLock<PartitionBitmap>,
    /// When its transactions have to be over.
    pub(crate) due: DueMonitors,
}

impl Namespace {
    /// An empty namespace.
    pub(crate) fn new(options: &NamespaceOptions) -> Self {
        Self {
            name: options.name.clone(),
            default_ttl: AtomicU32::new(options.default_ttl),
            sets: RwLock::default(),
            truncated: RwLock::default(),
            indexes: RwLock::default(),
            strong_consistency: options.strong_consistency,
            dead: RwLock::new(PartitionBitmap::empty()),
            due: DueMonitors::default(),
        }
    }

    /// Seconds a record lives whose writer does not say; 0 for ever.
    pub(crate) fn default_ttl(&self) -> u32 {
        self.default_ttl.load(Ordering::Relaxed)
    }

    /// Sets them, for what is written from now on.
    pub(crate) fn set_default_ttl(&self, seconds: u32) {
        self.default_ttl.store(seconds, Ordering::Relaxed);
    }

    /// The number of a set name, if it has one.
    pub(crate) fn find_set(&self, name: &[u8]) -> Option<SetId> {
        if name.is_empty() { Some(SetId::NONE) } else { self.sets.read().find(name) }
    }

    /// The number of a set name, a new one if need be; `None` when the namespace has as many sets as it can.
    pub(crate) fn add_set(&self, name: &[u8]) -> Option<SetId> {
        self.find_set(name).or_else(|| self.sets.write().find_or_add(name))
    }

    /// The name of a set, empty for none.
    pub(crate) fn set_name(&self, id: SetId) -> Arc<[u8]> {
        self.sets.read().get(id).map_or_else(|| Arc::from([]), |set| Arc::clone(&set.name))
    }

    /// The bytes of a set's name.
    pub(crate) fn set_name_size(&self, id: SetId) -> usize {
        if id == SetId::NONE { 0 } else { self.sets.read().get(id).map_or(0, |set| set.name.len()) }
    }
}
