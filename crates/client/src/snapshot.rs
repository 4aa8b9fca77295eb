//! All counts at one moment, with what there is at that moment: connections, queues, breakers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cluster::Cluster;
use crate::metrics::{Counted, Fate, Happening, Kind, Metrics, NodeMetrics, read_all};
use crate::node::NodeSummary;

/// All that is counted of a client.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Whether anything is counted; what there is at the moment is told in any case.
    pub is_on: bool,
    /// Calls by kind, from their beginning to their outcome.
    pub calls: Vec<(Kind, Counted)>,
    /// Calls that are under way.
    pub in_flight: u64,
    /// Transactions.
    pub transactions: TransactionMetrics,
    /// Each node, those that left at the end.
    pub nodes: Vec<NodeSnapshot>,
}

/// What became of transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub struct TransactionMetrics {
    pub begun: u64,
    pub committed: u64,
    pub aborted: u64,
    /// The outcome of the commit is not known.
    pub in_doubt: u64,
    /// Commits that failed: something else was written meanwhile, or the time was over.
    pub failed: u64,
}

/// One node.
#[derive(Debug, Clone)]
pub struct NodeSnapshot {
    /// The node's id.
    pub name: Arc<str>,
    /// Where it is and what it is; none of one that left.
    pub summary: Option<NodeSummary>,
    /// Requests to it by kind, from the moment they were made to their answer.
    pub requests: Vec<(Kind, Counted)>,
    /// Its connections.
    pub connections: ConnectionMetrics,
    /// Commands and batches that wait for a connection.
    pub queued: u64,
    /// Requests of batches that are under way there.
    pub batch_requests: u64,
    /// It failed so often that it is left alone until the next window.
    pub is_breaker_open: bool,
    /// Errors in the window of the breaker.
    pub breaker_errors: u64,
    /// How often that happened.
    pub breaker_opened: u64,
    /// It answers nothing at all.
    pub is_silent: bool,
    /// How often that was found.
    pub fell_silent: u64,
    /// Reads, and rows of batches, that were late there and asked of another replica too.
    pub hedged: u64,
    /// How often it was asked for its state, and how often that failed.
    pub tends: (u64, u64),
}

/// Connections to a node, the one for tending not included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionMetrics {
    /// Open now.
    pub open: u64,
    /// Of those the ones with commands on them.
    pub in_use: u64,
    /// Opened so far.
    pub opened: u64,
    /// Closed so far.
    pub closed: u64,
    /// Those that could not be opened.
    pub failed: u64,
}

impl Snapshot {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let Metrics { is_on, calls, inline, transactions, nodes, .. } = &cluster.metrics;
        let routing = cluster.routing.load();
        let present = |metrics: &NodeMetrics| routing.nodes.iter().find(|node| node.name == metrics.name);
        let read = |metrics: &Arc<NodeMetrics>| {
            let node = present(metrics);
            let counts = node.map(|node| node.pool.counts()).unwrap_or_default();
            let (open, opened) = (u64::from(counts.open), metrics.times(Happening::Opened));
            NodeSnapshot {
                name: metrics.name.clone(),
                summary: node.map(|node| NodeSummary::of(node)),
                requests: metrics.read(),
                connections: ConnectionMetrics {
                    open,
                    in_use: counts.in_use.into(),
                    opened,
                    closed: opened.saturating_sub(open),
                    failed: metrics.times(Happening::DialFailed),
                },
                queued: node.map_or(0, |node| node.pool.queued() as u64),
                batch_requests: node.map_or(0, |node| node.batch_requests() as u64),
                is_breaker_open: node.is_some_and(|node| node.health.is_tripped()),
                breaker_errors: node.map_or(0, |node| node.health.errors().into()),
                breaker_opened: metrics.times(Happening::BreakerOpened),
                is_silent: node.is_some_and(|node| node.health.is_silent()),
                fell_silent: metrics.times(Happening::FellSilent),
                hedged: metrics.times(Happening::Hedged),
                tends: (metrics.times(Happening::Tended), metrics.times(Happening::TendFailed)),
            }
        };
        let mut nodes: Vec<NodeSnapshot> = nodes.lock().iter().map(read).collect();
        nodes.sort_by(|a, b| a.summary.is_none().cmp(&b.summary.is_none()).then_with(|| a.name.cmp(&b.name)));
        let of = |fate: Fate| transactions.get(fate as usize).map_or(0, |n| n.load(Ordering::Relaxed));
        Self {
            is_on: *is_on,
            calls: read_all(calls, inline),
            in_flight: cluster.in_flight() as u64,
            transactions: TransactionMetrics {
                begun: of(Fate::Begun),
                committed: of(Fate::Committed),
                aborted: of(Fate::Aborted),
                in_doubt: of(Fate::InDoubt),
                failed: of(Fate::Failed),
            },
            nodes,
        }
    }
}
