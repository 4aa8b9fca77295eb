//! What is counted, and what happens at nodes, as plain objects. Durations are milliseconds; counts are numbers that JavaScript holds exactly up to
//! 2^53.

use aerospike_core::{Counted, Happened, Kind, Latency, NodeEvent, NodeSnapshot, Snapshot};
use napi_derive::napi;

use crate::time::milliseconds_of;

/// How long things took.
#[napi(object, object_from_js = false)]
pub struct NativeLatency {
    /// Milliseconds of everything together.
    pub sum: f64,
    /// For each bucket that is not empty its upper end in milliseconds and how many are in it, one after the other.
    pub buckets: Vec<f64>,
}

impl From<&Latency> for NativeLatency {
    fn from(latency: &Latency) -> Self {
        let pairs = latency.buckets.iter().flat_map(|(end, count)| [*end as f64 / 1000.0, *count as f64]);
        Self { sum: latency.sum.as_secs_f64() * 1000.0, buckets: pairs.collect() }
    }
}

/// Failures of one code.
#[napi(object, object_from_js = false)]
pub struct NativeFailures {
    /// The code.
    pub code: i32,
    /// How many.
    pub count: f64,
}

/// What is counted of one kind of command.
#[napi(object, object_from_js = false)]
pub struct NativeCounted {
    /// The kind.
    pub kind: &'static str,
    /// How long it took.
    pub latency: NativeLatency,
    /// Records of batches and queries.
    pub rows: f64,
    /// Records that do not exist or were filtered out.
    pub missing: f64,
    /// Bytes of requests.
    pub bytes_out: f64,
    /// Bytes of answers.
    pub bytes_in: f64,
    /// What was tried again.
    pub retries: f64,
    /// Writes in doubt.
    pub in_doubt: f64,
    /// Failures by code.
    pub failures: Vec<NativeFailures>,
}

fn counted(all: &[(Kind, Counted)]) -> Vec<NativeCounted> {
    let one = |(kind, counted): &(Kind, Counted)| NativeCounted {
        kind: kind.name(),
        latency: (&counted.latency).into(),
        rows: counted.rows as f64,
        missing: counted.missing as f64,
        bytes_out: counted.bytes_out as f64,
        bytes_in: counted.bytes_in as f64,
        retries: counted.retries as f64,
        in_doubt: counted.in_doubt as f64,
        failures: counted
            .failures
            .iter()
            .map(|(code, count)| NativeFailures { code: code.0.into(), count: *count as f64 })
            .collect(),
    };
    all.iter().map(one).collect()
}

/// One node.
#[napi(object, object_from_js = false)]
pub struct NativeNodeMetrics {
    /// The node's id.
    pub name: String,
    /// Whether it is part of the cluster; the next three are there then.
    pub present: bool,
    /// The address in use.
    pub host: Option<String>,
    /// The port in use.
    pub port: Option<u16>,
    /// The server's version.
    pub build: Option<String>,
    /// Requests by kind.
    pub requests: Vec<NativeCounted>,
    /// Connections that are open.
    pub open: f64,
    /// Connections in use.
    pub in_use: f64,
    /// Connections opened so far.
    pub opened: f64,
    /// Connections closed so far.
    pub closed: f64,
    /// Connections that could not be opened.
    pub failed: f64,
    /// Calls that wait for a connection.
    pub queued: f64,
    /// Requests of batches under way.
    pub batch_requests: f64,
    /// Whether it is left alone until the next window.
    pub breaker_open: bool,
    /// Errors in this window.
    pub breaker_errors: f64,
    /// How often that happened.
    pub breaker_opened: f64,
    /// Whether it answers nothing at all.
    pub silent: bool,
    /// How often that was found.
    pub fell_silent: f64,
    /// Reads that were late there and asked of another replica too.
    pub hedged: f64,
    /// How often it was asked for its state.
    pub tends: f64,
    /// How often that failed.
    pub failed_tends: f64,
}

impl From<NodeSnapshot> for NativeNodeMetrics {
    fn from(node: NodeSnapshot) -> Self {
        let (host, port, build) = node
            .summary
            .map(|s| (s.host, s.port, s.build))
            .map_or((None, None, None), |(host, port, build)| (Some(host), Some(port), Some(build)));
        Self {
            name: node.name.as_ref().into(),
            present: host.is_some(),
            host,
            port,
            build,
            requests: counted(&node.requests),
            open: node.connections.open as f64,
            in_use: node.connections.in_use as f64,
            opened: node.connections.opened as f64,
            closed: node.connections.closed as f64,
            failed: node.connections.failed as f64,
            queued: node.queued as f64,
            batch_requests: node.batch_requests as f64,
            breaker_open: node.is_breaker_open,
            breaker_errors: node.breaker_errors as f64,
            breaker_opened: node.breaker_opened as f64,
            silent: node.is_silent,
            fell_silent: node.fell_silent as f64,
            hedged: node.hedged as f64,
            tends: node.tends.0 as f64,
            failed_tends: node.tends.1 as f64,
        }
    }
}

/// What became of transactions.
#[napi(object, object_from_js = false)]
pub struct NativeTransactionMetrics {
    /// Begun.
    pub begun: f64,
    /// Committed.
    pub committed: f64,
    /// Undone.
    pub aborted: f64,
    /// Commits with an unknown outcome.
    pub in_doubt: f64,
    /// Commits that failed.
    pub failed: f64,
}

/// All that is counted of a client.
#[napi(object, object_from_js = false)]
pub struct NativeMetrics {
    /// Whether anything is counted.
    pub enabled: bool,
    /// Calls by kind.
    pub calls: Vec<NativeCounted>,
    /// Calls under way in the core.
    pub in_flight: f64,
    /// How late the JavaScript thread takes up what is ready for it.
    pub resume_delay: NativeLatency,
    /// What became of transactions.
    pub transactions: NativeTransactionMetrics,
    /// The nodes.
    pub nodes: Vec<NativeNodeMetrics>,
}

impl NativeMetrics {
    pub(crate) fn new(snapshot: Snapshot, resume_delay: &Latency) -> Self {
        let transactions = snapshot.transactions;
        Self {
            enabled: snapshot.is_on,
            calls: counted(&snapshot.calls),
            in_flight: snapshot.in_flight as f64,
            resume_delay: resume_delay.into(),
            transactions: NativeTransactionMetrics {
                begun: transactions.begun as f64,
                committed: transactions.committed as f64,
                aborted: transactions.aborted as f64,
                in_doubt: transactions.in_doubt as f64,
                failed: transactions.failed as f64,
            },
            nodes: snapshot.nodes.into_iter().map(NativeNodeMetrics::from).collect(),
        }
    }
}

/// Something that happened at a node.
#[napi(object, object_from_js = false)]
pub struct NativeEvent {
    /// The name of the event.
    pub event: &'static str,
    /// The node's id.
    pub node: String,
    /// When, on the clock of `monotonicTime`.
    pub time: f64,
    /// Why, of a failure or a retry; 0 of others.
    pub code: i32,
    /// The same in words.
    pub detail: String,
    /// The kind of command that is tried again.
    pub kind: Option<&'static str>,
    /// Which attempt failed, of a retry.
    pub attempt: u32,
    /// How many rows of a batch are tried again.
    pub rows: u32,
}

impl From<Happened> for NativeEvent {
    fn from(happened: Happened) -> Self {
        let event = match happened.event {
            NodeEvent::NodeAdded => "nodeAdded",
            NodeEvent::NodeRemoved => "nodeRemoved",
            NodeEvent::ConnectionOpened => "connectionOpened",
            NodeEvent::ConnectionClosed => "connectionClosed",
            NodeEvent::ConnectionFailed => "connectionFailed",
            NodeEvent::Retry => "retry",
            NodeEvent::BreakerOpened => "breakerOpened",
            NodeEvent::BreakerClosed => "breakerClosed",
            NodeEvent::NodeSilent => "nodeSilent",
            NodeEvent::NodeAwake => "nodeAwake",
        };
        Self {
            event,
            node: happened.node.as_ref().into(),
            time: milliseconds_of(happened.at),
            code: happened.code.0.into(),
            detail: happened.detail.into_owned(),
            kind: happened.kind.map(Kind::name),
            attempt: happened.attempt,
            rows: happened.rows,
        }
    }
}

/// Events that came together.
#[napi(object, object_from_js = false)]
pub struct NativeEvents {
    /// In order.
    pub events: Vec<NativeEvent>,
    /// How many were lost before them, since they came faster than they were taken.
    pub lost: f64,
}
