//! One node, as commands see it: its name, its connections, its health.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aerospike_wire::info::Endpoint;
use arc_swap::ArcSwap;

use crate::connection::health::Health;
use crate::connection::pool::Pool;
use crate::error::Failure;
use crate::hedge::LatencyEstimate;
use crate::metrics::NodeMetrics;

/// A server's version, as numbers that compare.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Build {
    pub(crate) numbers: [u16; 4],
    text: String,
}

impl Build {
    /// Older servers cannot be worked with.
    pub(crate) const OLDEST: [u16; 4] = [4, 9, 0, 3];
    /// Takes `user-agent-set`.
    pub(crate) const USER_AGENT: [u16; 4] = [8, 1, 0, 0];

    /// Reads "8.1.1.2", ignoring what is not a number.
    pub(crate) fn parse(text: &str) -> Self {
        let mut numbers = [0; 4];
        for (number, part) in numbers.iter_mut().zip(text.split('.')) {
            let digits = part.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
            *number = digits.parse().unwrap_or(0);
        }
        Self { numbers, text: text.to_owned() }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// A node of the cluster. A node that left and came back is a new one, even under its old name.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: Arc<str>,
    pub(crate) endpoint: Endpoint,
    pub(crate) build: Build,
    pub(crate) pool: Arc<Pool>,
    pub(crate) health: Arc<Health>,
    /// How fast it answers reads that hedge, and requests of batches that do.
    pub(crate) latency: LatencyEstimate,
    pub(crate) batch_latency: LatencyEstimate,
    is_active: AtomicBool,
    /// Requests of batches that are under way there.
    batch_requests: AtomicUsize,
    /// Namespace to the rack the node is in; written by tending.
    racks: ArcSwap<HashMap<String, u32>>,
}

impl Node {
    pub(crate) fn new(name: Arc<str>, endpoint: Endpoint, build: Build, pool: Arc<Pool>) -> Self {
        let health = pool.health.clone();
        Self {
            name,
            endpoint,
            build,
            pool,
            health,
            latency: LatencyEstimate::default(),
            batch_latency: LatencyEstimate::default(),
            is_active: AtomicBool::new(true),
            batch_requests: AtomicUsize::new(0),
            racks: ArcSwap::default(),
        }
    }

    /// What is counted there.
    pub(crate) fn metrics(&self) -> &NodeMetrics {
        &self.health.metrics
    }

    /// Whether commands may be sent to it.
    pub(crate) fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Acquire)
    }

    /// Whether it is a member that answers, as far as anybody knows.
    pub(crate) fn is_answering(&self) -> bool {
        self.is_active() && self.health.is_answering()
    }

    /// The node is no longer part of the cluster: what waits for it or is in flight ends with `failure`.
    pub(crate) fn leave(&self, failure: Failure) {
        self.is_active.store(false, Ordering::Release);
        self.pool.close(failure);
    }

    pub(crate) fn rack_of(&self, namespace: &str) -> Option<u32> {
        self.racks.load().get(namespace).copied()
    }

    pub(crate) fn set_racks(&self, racks: HashMap<String, u32>) {
        self.racks.store(Arc::new(racks));
    }

    /// Requests of batches that are under way there, of all batches.
    pub(crate) fn batch_requests(&self) -> usize {
        self.batch_requests.load(Ordering::Relaxed)
    }
}

/// A request of a batch that is under way at a node, for as long as this is kept.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Node>);

impl UnderWay {
    pub(crate) fn at(node: Arc<Node>) -> Self {
        node.batch_requests.fetch_add(1, Ordering::Relaxed);
        Self(node)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.batch_requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A node, as the client sees it now.
#[derive(Debug, Clone)]
pub struct NodeSummary {
    /// The node's id.
    pub name: Arc<str>,
    /// The address in use.
    pub host: String,
    /// The port in use.
    pub port: u16,
    /// Whether commands are sent to it.
    pub active: bool,
    /// Whether it answers: tending and commands had answers of late.
    pub answering: bool,
    /// Connections that are open, the one for tending not included.
    pub connections_open: u32,
    /// Connections with commands on them.
    pub connections_in_use: u32,
    /// The server's version.
    pub build: String,
}

impl NodeSummary {
    pub(crate) fn of(node: &Node) -> Self {
        let counts = node.pool.counts();
        Self {
            name: node.name.clone(),
            host: node.endpoint.host.clone(),
            port: node.endpoint.port,
            active: node.is_active(),
            answering: node.is_answering(),
            connections_open: counts.open,
            connections_in_use: counts.in_use,
            build: node.build.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_compare_by_their_numbers() {
        assert!(Build::parse("8.1.1.2").numbers > Build::USER_AGENT);
        assert!(Build::parse("8.10.0.0").numbers > Build::parse("8.9.0.0").numbers);
        assert!(Build::parse("8.1.0.0-rc2").numbers >= Build::USER_AGENT);
        assert!(Build::parse("4.8.0.1").numbers < Build::OLDEST);
        assert!(Build::parse("").numbers < Build::OLDEST);
    }
}
