//! Many records in one call: the request as callers hand it over, and the outcome of every row.
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | the public types |
//! | `plan.rs` | keys hashed, rows cut into requests, requests written |
//! | `request.rs` | one request to one node |
//! | `order.rs` | which rows wait for others of their record |
//! | `run.rs` | all requests of a batch, from the first to the outcome of every row |
//! | `answers.rs` | what answers and failures of requests do to rows |
//! | `late.rs` | requests that are late: other replicas, and copies |
//! | `rows.rs` | the outcome of every row |
//! | `tries.rs` | what the attempts of rows ran into |
//! | `node_limits.rs` | how much a node is given at once |
//! | `pages.rs` | where the bytes of answers end up |
//! | `costs.rs` | what it cost at each node |
//! | `counts.rs` | what it adds to the counts of the client |
//! | `bound.rs` | the transaction that rows belong to, as far as batches need it |

mod answers;
mod bound;
mod costs;
mod counts;
mod late;
mod node_limits;
mod order;
mod pages;
mod plan;
mod request;
mod rows;
mod run;
mod tries;

pub(crate) use bound::Bound;
pub(crate) use run::{Outgoing, Run, run, run_in};
pub use tries::{Try, TryReport};

use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::Digest;
use aerospike_wire::batch::BatchFlags;
use bytes::Bytes;

use crate::command::{Key, SentFlag, Spec};
use crate::error::{Code, SubError};
use crate::policy::CommandPolicy;

/// A namespace and a set, shared by the rows of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyspace {
    /// The namespace.
    pub namespace: Bytes,
    /// The set; empty for none.
    pub set: Bytes,
}

/// One row of a [`Batch`].
#[derive(Debug, Clone)]
pub struct BatchRow {
    /// Index into [`Batch::keyspaces`].
    pub keyspace: u32,
    /// Index into [`Batch::specs`].
    pub spec: u32,
    /// Whether the server is to store and check the user key.
    pub send_key: bool,
    /// The record.
    pub key: Key,
}

/// A request for many records. Rows may mix namespaces, sets and kinds of command.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// How servers work through it.
    pub flags: BatchFlags,
    /// A packed expression for every row without its own.
    pub filter: Option<Bytes>,
    /// Most rows in one request to a node; 0 for no limit.
    pub max_rows_per_request: u32,
    /// Most bytes of answers taken in before the rest is left unanswered; 0 for no limit.
    pub max_response_bytes: u32,
    /// Rows that a node turns away for now are sent again at least this often within the deadline, whatever
    /// [`CommandPolicy::max_retries`] says of attempts that failed: they were certainly not carried out.
    pub refusal_retries: u16,
    /// What rows do.
    pub specs: Vec<Spec>,
    /// Where rows are.
    pub keyspaces: Vec<Keyspace>,
    /// The rows, in the caller's order.
    pub rows: Vec<BatchRow>,
    /// What the whole batch may cost; retries are counted per request to a node.
    pub policy: CommandPolicy,
    /// Set before the first byte of a request goes out.
    pub sent: Option<Arc<SentFlag>>,
}

impl Batch {
    /// The digest of every row's key.
    pub(crate) fn digests(&self) -> Vec<Digest> {
        let mut digests = Vec::with_capacity(self.rows.len());
        plan::hash(self, &self.rows, &mut digests);
        digests
    }

    /// Whether it only reads, and sets no limit on what is read.
    pub(crate) fn is_brief(&self) -> bool {
        self.max_response_bytes == 0 && !self.specs.iter().any(Spec::is_write)
    }
}

/// What became of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowOutcome {
    /// Index into [`BatchReply::pages`], or [`RowOutcome::NO_PAGE`]; answers that turn the row away are not kept.
    pub page: u16,
    /// Where the row's message starts in its page.
    pub offset: u32,
    /// The message's result code, or the client code that says why there is no message.
    pub code: Code,
    /// Whether a write may have been carried out all the same.
    pub in_doubt: bool,
    /// Index into [`BatchReply::nodes`] of the node asked last, or [`RowOutcome::NO_NODE`].
    pub node: u8,
    /// How often the row was tried.
    pub attempts: u16,
    /// Nothing here counts: the outcome is in another part of the reply.
    pub is_elsewhere: bool,
}

impl RowOutcome {
    /// The row has no message.
    pub const NO_PAGE: u16 = u16::MAX;
    /// The row was never sent to a node.
    pub const NO_NODE: u8 = u8::MAX;

    /// Whether a server answered for this row.
    pub const fn is_answered(&self) -> bool {
        self.page != Self::NO_PAGE
    }
}

/// What a batch cost at one node.
#[derive(Debug, Clone)]
pub struct NodeCost {
    /// The node.
    pub name: Arc<str>,
    /// Rows it was asked for, repetitions included.
    pub asked: u32,
    /// Rows it answered.
    pub answered: u32,
    /// Bytes of requests.
    pub bytes_out: u64,
    /// Bytes of answers.
    pub bytes_in: u64,
    /// Requests that were written to a connection.
    pub round_trips: u32,
    /// Requests that repeated rows.
    pub retries: u32,
    /// The last failure of a request, if one failed.
    pub last_error: Option<SubError>,
}

impl BatchReply {
    /// No row was sent.
    pub(crate) fn refused(rows: usize, code: Code, elapsed: Duration) -> Self {
        let row = RowOutcome {
            page: RowOutcome::NO_PAGE,
            offset: 0,
            code,
            in_doubt: false,
            node: RowOutcome::NO_NODE,
            attempts: 0,
            is_elsewhere: false,
        };
        Self { rows: vec![row; rows], elapsed, ..Self::default() }
    }
}

/// The outcome of a [`Batch`], or of a part of its rows: always one entry per row.
#[derive(Debug, Clone, Default)]
pub struct BatchReply {
    /// The rows, in the order of the request.
    pub rows: Vec<RowOutcome>,
    /// The bytes rows point into: messages one after another, as nodes sent them.
    pub pages: Vec<Bytes>,
    /// What each node did for it.
    pub nodes: Vec<NodeCost>,
    /// From the call to the end.
    pub elapsed: Duration,
    /// What the attempts ran into, of rows that failed after several.
    pub tries: Option<Box<TryReport>>,
}
