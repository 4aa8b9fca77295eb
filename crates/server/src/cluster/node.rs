//! One node: its id, its address, its copies of records, its connections, its faults.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::faults::Faults;
use super::jobs::Jobs;
use super::latency::Latencies;
use crate::store::Store;

/// Connections a node takes; more are closed as they come.
pub(crate) const MAX_CONNECTIONS: usize = 15_000;

/// Where a node listens: for plain connections, and for encrypted ones.
pub(crate) type Addresses = (SocketAddr, Option<SocketAddr>);

/// One node.
#[derive(Debug)]
pub(crate) struct Node {
    /// Its id: upper-case hex.
    pub(crate) id: String,
    /// Where it listens for plain connections.
    pub(crate) address: SocketAddr,
    /// Where it listens for encrypted ones, if it does.
    pub(crate) tls_address: Option<SocketAddr>,
    /// Its copies, by namespace.
    pub(crate) stores: Vec<Store>,
    /// How it misbehaves.
    pub(crate) faults: Faults,
    /// What clients said of themselves, with how many connections said so.
    pub(crate) user_agents: Mutex<BTreeMap<String, usize>>,
    /// How much of what is written into its log, where somebody set it.
    pub(crate) log_levels: Mutex<HashMap<&'static str, &'static str>>,
    /// Client connections accepted since the node started.
    pub(crate) opened: AtomicU64,
    /// The queries that run, and those that ran.
    pub(crate) jobs: Jobs,
    /// How long commands took.
    pub(crate) latencies: Latencies,
    alive: AtomicBool,
    connections: Mutex<JoinSet<()>>,
    /// What runs in the background, whatever becomes of the connection it came by.
    tasks: Mutex<JoinSet<()>>,
}

impl Node {
    /// A node without records.
    pub(crate) fn new(index: usize, (address, tls_address): Addresses, namespaces: usize) -> Self {
        Self {
            id: format!("{:X}", 0xa1 + index),
            address,
            tls_address,
            stores: (0..namespaces).map(|_| Store::new()).collect(),
            faults: Faults::default(),
            user_agents: Mutex::default(),
            log_levels: Mutex::default(),
            opened: AtomicU64::new(0),
            alive: AtomicBool::new(true),
            connections: Mutex::default(),
            jobs: Jobs::default(),
            latencies: Latencies::new(namespaces),
            tasks: Mutex::default(),
        }
    }

    /// Whether the node is a member of the cluster.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Takes the node in or out; the map follows when it is computed again.
    pub(crate) fn set_alive(&self, alive: bool) {
        self.alive.store(alive, Ordering::Release);
    }

    /// Runs a connection until it ends or is dropped; `false` when there are too many.
    pub(crate) fn spawn_connection(&self, connection: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut connections = self.connections.lock();
        while connections.try_join_next().is_some() {}
        if connections.len() >= MAX_CONNECTIONS {
            return false;
        }
        connections.spawn(connection);
        self.opened.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Runs something in the background until it ends or the node does.
    pub(crate) fn spawn_task(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Ends what runs in the background, soon.
    pub(crate) fn abort_tasks(&self) {
        self.tasks.lock().abort_all();
    }

    /// How many connections are open.
    pub(crate) fn connection_count(&self) -> usize {
        let mut connections = self.connections.lock();
        while connections.try_join_next().is_some() {}
        connections.len()
    }

    /// Closes every connection, soon.
    pub(crate) fn abort_connections(&self) {
        self.connections.lock().abort_all();
    }

    /// Closes every connection and waits until that is done.
    pub(crate) async fn drop_connections(&self) {
        let mut connections = std::mem::take(&mut *self.connections.lock());
        connections.shutdown().await;
    }
}
