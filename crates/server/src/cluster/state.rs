//! What the nodes of a cluster share: one another, the namespaces and the partition map.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aerospike_wire::PartitionId;
use aerospike_wire::limits::{MAX_NAMESPACE_SIZE, PARTITIONS};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};
use tokio::time::Instant;

use super::availability::Availability;
use super::node::{Addresses, Node};
use super::partition_map::{NodeIndex, PartitionMap};
use crate::clock::Moment;
use crate::modules::Modules;
use crate::options::ClusterOptions;
use crate::security::Security;
use crate::sindex::Indexes;
use crate::store::{Namespace, SetId};
use crate::tls::Acceptor;

/// How long it is remembered that a record was removed durably.
const TOMBSTONE_AGE: Duration = Duration::from_secs(24 * 3600);

/// What the nodes of a cluster share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) options: ClusterOptions,
    pub(crate) nodes: Vec<Node>,
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) started: Instant,
    /// What makes encrypted connections, if any are taken.
    pub(crate) acceptor: Option<Acceptor>,
    /// Indexes that were asked for in namespaces that are not there. They are never built, but their names are taken.
    pub(crate) unbuilt_indexes: Mutex<HashMap<String, Indexes>>,
    /// Access control, if there is any.
    pub(crate) security: Option<Arc<Security>>,
    /// The modules of functions that can be called.
    pub(crate) modules: Modules,
    /// Functions that change records of a partition take turns: two on one record would undo one another's work.
    turns: Box<[AsyncMutex<()>]>,
    map: RwLock<PartitionMap>,
    /// Changes with the map.
    availability: RwLock<Availability>,
    /// Grows with every new map.
    generation: AtomicU64,
    set_delays: RwLock<HashMap<Vec<u8>, Duration>>,
    has_set_delays: AtomicBool,
}

impl State {
    /// A cluster of nodes at the given addresses, all of them members.
    pub(crate) fn new(options: ClusterOptions, addresses: &[Addresses]) -> Result<Self, String> {
        let namespaces: Vec<_> = options.namespaces.iter().map(Namespace::new).collect();
        let nodes = addresses.iter().enumerate().map(|(i, at)| Node::new(i, *at, namespaces.len())).collect();
        let security = options.security.as_ref().map(|options| Security::new(options, addresses.len())).transpose()?;
        let acceptor = options.tls.as_ref().map(Acceptor::new).transpose()?;
        let state = Self {
            options,
            nodes,
            namespaces,
            started: Instant::now(),
            acceptor,
            unbuilt_indexes: Mutex::default(),
            security: security.map(Arc::new),
            modules: Modules::default(),
            turns: (0..PARTITIONS).map(|_| AsyncMutex::default()).collect(),
            map: RwLock::default(),
            availability: RwLock::new(Availability::All),
            generation: AtomicU64::new(0),
            set_delays: RwLock::default(),
            has_set_delays: AtomicBool::new(false),
        };
        state.rebalance();
        Ok(state)
    }

    /// The partition map. While it is held no partition moves, so a command holds it from looking up its record's
    /// holders to having written all of them. It must not be taken twice: a change that waits would part the two.
    pub(crate) fn map(&self) -> RwLockReadGuard<'_, PartitionMap> {
        self.map.read()
    }

    /// Waits for the turn of a function on a partition.
    pub(crate) async fn turn(&self, partition: PartitionId) -> Option<AsyncMutexGuard<'_, ()>> {
        match self.turns.get(partition.index()) {
            Some(turn) => Some(turn.lock().await),
            None => None, // an id is below PARTITIONS by its type
        }
    }

    /// How often the map changed.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The members, by number.
    pub(crate) fn members(&self) -> impl Iterator<Item = (NodeIndex, &Node)> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.is_alive())
    }

    /// The number of a namespace.
    pub(crate) fn find_namespace(&self, name: &[u8]) -> Option<usize> {
        // names are as long as they can be, filled up with zero bytes
        let filled = name.len() <= MAX_NAMESPACE_SIZE;
        let name = name.iter().rposition(|byte| *byte != 0).map_or(&[][..], |last| &name[..=last]);
        self.namespaces.iter().position(|namespace| filled && namespace.name.as_bytes() == name)
    }

    /// Computes the map for the members there are now and moves records accordingly.
    ///
    /// Commands wait meanwhile. A real cluster migrates in the background and serves on; here a copy is a reference
    /// count for each record, so that the wait is shorter than any client's patience, and no state is half-way.
    pub(crate) fn rebalance(&self) {
        let mut map = self.map.write();
        let members: Vec<_> = self.members().map(|(index, node)| (index, node.id.as_str())).collect();
        let next = PartitionMap::of(&members, self.options.replication_factor);
        let roster: Vec<_> = self.nodes.iter().enumerate().map(|(index, node)| (index, node.id.as_str())).collect();
        *self.availability.write() = Availability::of(&roster, &members, self.options.replication_factor);
        for partition in PartitionId::all() {
            self.move_partition(partition, map.holders(partition), next.holders(partition));
        }
        *map = next;
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether a partition of a namespace can be used. A strongly consistent namespace does not use one that nodes who
    /// are away may be using, nor one whose copies are all lost, until it is told to.
    pub(crate) fn is_available(&self, namespace: &Namespace, partition: PartitionId) -> bool {
        !namespace.strong_consistency
            || self.availability.read().contains(partition) && !namespace.dead.read().contains(partition)
    }

    /// Copies a partition to those who hold it now, from one who held it before, and clears what is held no longer.
    fn move_partition(&self, partition: PartitionId, before: &[NodeIndex], after: &[NodeIndex]) {
        let survivors: Vec<&Node> = before.iter().filter_map(|i| self.nodes.get(*i)).filter(|n| n.is_alive()).collect();
        let Some(source) = survivors.first() else {
            if !before.is_empty() {
                self.namespaces.iter().for_each(|namespace| namespace.dead.write().insert(partition));
            }
            return;
        };
        for (namespace, source) in source.stores.iter().enumerate() {
            let joining = after.iter().filter(|i| !before.contains(i)).filter_map(|i| self.nodes.get(*i));
            for store in joining.filter_map(|node| node.stores.get(namespace)) {
                let records = source.lock(partition).clone();
                *store.lock(partition) = records;
            }
        }
        let leaving = before.iter().filter(|i| !after.contains(i)).filter_map(|i| self.nodes.get(*i));
        for store in leaving.flat_map(|node| &node.stores) {
            *store.lock(partition) = Default::default();
        }
    }

    /// Removes the records of a set (of all sets at `None`) that were last written before a moment.
    pub(crate) fn truncate(&self, namespace: usize, set: Option<SetId>, before: Moment) {
        let _map = self.map(); // no record moves out of the way meanwhile
        let stores = self.nodes.iter().filter_map(|node| node.stores.get(namespace));
        for store in stores {
            for partition in PartitionId::all() {
                let mut records = store.lock(partition);
                records.retain(|record| {
                    set.is_some_and(|set| record.meta.set != set) || record.meta.last_update >= before
                });
                records.forget_tombstones(set, before);
            }
        }
    }

    /// Removes expired records.
    pub(crate) fn sweep(&self, now: Moment) {
        for store in self.nodes.iter().flat_map(|node| &node.stores) {
            for partition in PartitionId::all() {
                let mut records = store.lock(partition);
                records.retain(|record| !record.is_expired(now));
                records.forget_tombstones(None, Moment(now.0.saturating_sub(TOMBSTONE_AGE.as_millis() as u64)));
            }
        }
    }

    /// Delays commands on a set; zero ends that.
    pub(crate) fn set_delay(&self, set: &str, delay: Duration) {
        let mut delays = self.set_delays.write();
        if delay.is_zero() {
            delays.remove(set.as_bytes());
        } else {
            delays.insert(set.as_bytes().to_vec(), delay);
        }
        self.has_set_delays.store(!delays.is_empty(), Ordering::Release);
    }

    /// Whether any set is delayed.
    pub(crate) fn has_set_delays(&self) -> bool {
        self.has_set_delays.load(Ordering::Acquire)
    }

    /// How long commands on a set wait.
    pub(crate) fn delay_of(&self, set: &[u8]) -> Option<Duration> {
        self.set_delays.read().get(set).copied()
    }
}
