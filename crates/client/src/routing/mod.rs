//! Which node a command goes to.
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | the snapshot that commands read without a lock |
//! | `owners.rs` | the nodes that hold each partition |
//! | `replica.rs` | choosing among the replicas of a partition |

mod owners;
pub(crate) mod replica;

use std::sync::Arc;

use aerospike_wire::PartitionId;

pub(crate) use self::owners::Owners;
use crate::node::Node;

/// Replicas of a partition that commands are sent to (protocol section 5.1).
pub(crate) const TRACKED_REPLICAS: usize = 3;

/// An index into [`Routing::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeIndex(u16);

impl NodeIndex {
    pub(crate) const fn new(at: u16) -> Self {
        Self(at)
    }

    pub(crate) fn at(self) -> usize {
        self.0.into()
    }
}

/// The nodes of a cluster and who holds which partition, as one immutable value. Tending replaces it as a whole.
#[derive(Debug, Default)]
pub(crate) struct Routing {
    pub(crate) nodes: Vec<Arc<Node>>,
    /// Few enough that a scan beats hashing the name.
    pub(crate) namespaces: Vec<Table>,
}

/// The partitions of one namespace.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) namespace: Box<str>,
    /// Copies of every partition, as far as they are tracked.
    pub(crate) replicas: u8,
    /// Whether the namespace is strongly consistent.
    pub(crate) is_strong: bool,
    pub(crate) owners: Owners,
}

impl Table {
    /// The nodes that hold a partition, master first.
    pub(crate) fn owners(&self, partition: PartitionId) -> &[Option<NodeIndex>] {
        let all = self.owners.of(partition);
        all.get(..usize::from(self.replicas)).unwrap_or(all)
    }
}

impl Routing {
    /// The partitions of a namespace, if the cluster has it.
    pub(crate) fn table(&self, namespace: &[u8]) -> Option<&Table> {
        self.namespaces.iter().find(|t| t.namespace.as_bytes() == namespace)
    }

    pub(crate) fn node(&self, index: NodeIndex) -> Option<&Arc<Node>> {
        self.nodes.get(index.at())
    }

    /// Any active node.
    pub(crate) fn any_node(&self) -> Option<&Arc<Node>> {
        let active: Vec<_> = self.nodes.iter().filter(|n| n.is_active()).collect();
        if active.is_empty() { None } else { active.get(fastrand::usize(..active.len())).copied() }
    }
}
