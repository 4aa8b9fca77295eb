//! Nodes that come and go, told to whoever wants to know.
//!
//! A listener compares what it told last with what is published now, so nothing has to be kept for one that is slow,
//! and without listeners nothing happens at all. A node that went and came back in between was a new one even under
//! its old name, and both is told.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use super::Cluster;
use super::reach::UnreachableNode;
use crate::node::{Node, NodeSummary};

/// A change of the cluster.
#[derive(Debug, Clone)]
pub enum Change {
    /// A node was found.
    NodeAdded(NodeSummary),
    /// A node is not asked any more: it left, or did not answer for too long.
    NodeRemoved(NodeSummary),
    /// Others list a node to which none of its addresses leads.
    NodeUnreachable(UnreachableNode),
    /// There are nodes again.
    Connected,
    /// The last node is gone. The client goes on looking for the hosts it was made with.
    Disconnected,
}

/// The changes of a cluster from the moment this was made.
#[derive(Debug)]
pub struct Changes {
    cluster: Arc<Cluster>,
    published: watch::Receiver<()>,
    told: Vec<Arc<Node>>,
    told_unreachable: Vec<UnreachableNode>,
    ready: VecDeque<Change>,
}

impl Changes {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        // subscribed before the first look, so that nothing falls in between
        let published = cluster.published.subscribe();
        let told = cluster.routing.load().nodes.clone();
        let mut changes = Self { cluster, published, told, told_unreachable: Vec::new(), ready: VecDeque::new() };
        // nobody could listen while the client was connecting
        changes.compare();
        changes
    }

    /// Waits for the next change; `None` once the client is closed.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            if self.cluster.is_closing() {
                return None;
            }
            if let Some(change) = self.ready.pop_front() {
                return Some(change);
            }
            self.published.changed().await.ok()?;
            self.compare();
        }
    }

    fn compare(&mut self) {
        let now = self.cluster.routing.load().nodes.clone();
        let before = std::mem::replace(&mut self.told, now);
        let is_in = |nodes: &[Arc<Node>], node: &Arc<Node>| nodes.iter().any(|other| Arc::ptr_eq(other, node));
        let gone = before.iter().filter(|node| !is_in(&self.told, node));
        self.ready.extend(gone.map(|node| Change::NodeRemoved(NodeSummary::of(node))));
        match (before.is_empty(), self.told.is_empty()) {
            (true, false) => self.ready.push_back(Change::Connected),
            (false, true) => self.ready.push_back(Change::Disconnected),
            _ => {}
        }
        let unreachable = self.cluster.unreached.load().nodes.clone();
        let news = unreachable.iter().filter(|node| !self.told_unreachable.iter().any(|known| known.name == node.name));
        self.ready.extend(news.cloned().map(Change::NodeUnreachable));
        self.told_unreachable = unreachable;
        let new = self.told.iter().filter(|node| !is_in(&before, node));
        self.ready.extend(new.map(|node| Change::NodeAdded(NodeSummary::of(node))));
    }
}
