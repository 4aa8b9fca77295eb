//! What the client counts: how many commands of which kind, how long they took, what became of them.
//!
//! Counters are atomic and only grow, histograms have one size, and nothing here waits for a lock on the way of a command.
//! Whoever wants rates compares two snapshots (`crate::snapshot`).
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | the kinds of commands, and the counts of a client |
//! | `histogram.rs` | how long things took |
//! | `series.rs` | what is counted of one kind of command |
//! | `node.rs` | the counts of one node |
//! | `feed.rs` | what happens at nodes, one at a time, for a watcher |

mod feed;
mod histogram;
mod node;
mod series;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aerospike_wire::FieldType;
use parking_lot::Mutex;

use crate::command::Spec;
use crate::error::Error;
pub(crate) use feed::Feed;
pub use feed::{Events, Happened, NodeEvent};
pub use histogram::{Histogram, Latency};
pub(crate) use node::{Happening, NodeMetrics};
pub use series::Counted;
pub(crate) use series::Series;

/// Nodes that left and of which the counts are kept.
const MAX_GONE: usize = 64;

/// The kinds of commands that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
#[repr(usize)]
pub enum Kind {
    Read,
    Write,
    Udf,
    BatchRead,
    BatchWrite,
    Query,
    Job,
    Info,
    Admin,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Write,
        Self::Udf,
        Self::BatchRead,
        Self::BatchWrite,
        Self::Query,
        Self::Job,
        Self::Info,
        Self::Admin,
    ];

    /// What it is called in figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Udf => "udf",
            Self::BatchRead => "batchRead",
            Self::BatchWrite => "batchWrite",
            Self::Query => "query",
            Self::Job => "job",
            Self::Info => "info",
            Self::Admin => "admin",
        }
    }

    /// The kind of a command on one record.
    pub(crate) fn of(spec: &Spec) -> Self {
        match spec.is_write() {
            false => Self::Read,
            true if !spec.fields.is_empty() && has_field(&spec.fields, FieldType::UDF_MODULE) => Self::Udf,
            true => Self::Write,
        }
    }

    /// The kind of a batch, which writes if any of its rows does.
    pub(crate) fn of_batch(specs: &[Spec]) -> Self {
        if specs.iter().any(Spec::is_write) { Self::BatchWrite } else { Self::BatchRead }
    }
}

/// Whether fields in wire form hold one of a type. Ends at the first that does not hold together.
fn has_field(mut fields: &[u8], wanted: FieldType) -> bool {
    while let Some((size, rest)) = fields.split_first_chunk::<4>() {
        let Some((field, rest)) = rest.split_at_checked(u32::from_be_bytes(*size) as usize) else { return false };
        if field.first() == Some(&wanted.0) {
            return true;
        }
        fields = rest;
    }
    false
}

/// What an answer adds to the counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) took: Duration,
    pub(crate) bytes_out: u64,
    pub(crate) bytes_in: u64,
}

/// What was counted, by kind: by any thread, and by that of inline I/O.
pub(crate) fn read_all(series: &[Series], inline: &[Series]) -> Vec<(Kind, Counted)> {
    let pairs = Kind::ALL.into_iter().zip(series.iter().zip(inline));
    let read = pairs.map(|(kind, (series, inline))| (kind, series.read_with(inline)));
    read.filter(|(_, counted)| *counted != Counted::default()).collect()
}

/// What became of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Fate {
    Begun,
    Committed,
    Aborted,
    InDoubt,
    Failed,
}

/// The counts of one client.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) is_on: bool,
    /// Calls from their beginning to their outcome, whichever nodes they went to.
    pub(crate) calls: [Series; Kind::ALL.len()],
    /// What the thread of inline I/O counts.
    pub(crate) inline: [Series; Kind::ALL.len()],
    pub(crate) transactions: [AtomicU64; Fate::Failed as usize + 1],
    pub(crate) nodes: Mutex<Vec<Arc<NodeMetrics>>>,
    pub(crate) feed: Arc<Feed>,
}

impl Metrics {
    pub(crate) fn new(is_on: bool) -> Self {
        let transactions = std::array::from_fn(|_| AtomicU64::new(0));
        Self {
            is_on,
            calls: Default::default(),
            inline: Default::default(),
            transactions,
            nodes: Mutex::default(),
            feed: Arc::default(),
        }
    }

    /// The counts of the node of a name; those of another one of this name that was there before, if there was one.
    pub(crate) fn node(&self, name: &Arc<str>) -> Arc<NodeMetrics> {
        let mut nodes = self.nodes.lock();
        if let Some(known) = nodes.iter().find(|node| node.name == *name) {
            return known.clone();
        }
        // whoever is in use has another owner
        let is_gone = |node: &Arc<NodeMetrics>| Arc::strong_count(node) == 1;
        if nodes.iter().filter(|node| is_gone(node)).count() >= MAX_GONE
            && let Some(oldest) = nodes.iter().position(is_gone)
        {
            nodes.remove(oldest);
        }
        let node = Arc::new(NodeMetrics::new(name.clone(), self.is_on, self.feed.clone()));
        nodes.push(node.clone());
        node
    }

    /// Counts a call that is over.
    pub(crate) fn called<T>(&self, kind: Kind, took: Duration, outcome: &Result<T, Error>) {
        let Some(series) = self.of(kind) else { return };
        series.took(took);
        if let Err(error) = outcome {
            series.result(error.code(), 1);
            series.doubted(error.in_doubt().into());
        }
    }

    /// The same for the thread of inline I/O, of which a client has one.
    pub(crate) fn called_inline<T>(&self, kind: Kind, took: Duration, outcome: &Result<T, Error>) {
        match (outcome, self.inline.get(kind as usize)) {
            (Ok(_), Some(series)) if self.is_on => series.took_alone(took),
            _ => self.called(kind, took, outcome),
        }
    }

    /// Where the calls of a kind are counted; nowhere while metrics are off.
    pub(crate) fn of(&self, kind: Kind) -> Option<&Series> {
        if self.is_on { self.calls.get(kind as usize) } else { None }
    }

    pub(crate) fn transaction(&self, fate: Fate) {
        if self.is_on
            && let Some(counter) = self.transactions.get(fate as usize)
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}
