//! Queries and scans: all records of a set, or those that match, as a stream of pages; and work on them that the
//! servers do by themselves.
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | the public types |
//! | `cursor.rs` | where a query is in each partition, in memory and as bytes |
//! | `request.rs` | requests written |
//! | `pages.rs` | answers cut into pages |
//! | `node_stream.rs` | one node's answer, from its request to its last message |
//! | `tracker.rs` | which node is asked for which partitions, and what became of each |
//! | `run.rs` | all nodes of a query, their failures and retries |
//! | `stream.rs` | the end that is read |
//! | `job.rs` | background jobs |
//!
//! A query holds no more than a few pages: nodes hand them over through a short channel, and while nobody reads it,
//! no socket is read. Where a query is is kept twice. What was *received* says where a retry goes on; what was
//! *delivered* says where a cursor goes on, for a reader who stops.

mod cursor;
mod job;
mod node_stream;
mod pages;
mod request;
mod run;
mod stream;
mod tracker;

pub use cursor::Cursor;
pub use job::{Job, JobReply};
pub use stream::{QueryStream, Step};

pub(crate) use job::start as start_job;

use std::sync::Arc;

use bytes::Bytes;

use crate::policy::CommandPolicy;

/// How long a query is expected to take, which decides how servers run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// It is a job of its own that yields to commands.
    #[default]
    Long,
    /// It runs at once, in one go, for at most a second: for a hundred records or so.
    Short,
    /// As `Long`, and partitions that are on the move answer with what they have.
    LongRelaxed,
}

/// What comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Results {
    /// Records, partition by partition; a query can go on where it was interrupted.
    #[default]
    Records,
    /// What stream functions made of them. It cannot be resumed, and nothing is asked twice.
    Values,
}

/// A query. What it looks for and what it reads arrives encoded, and is not interpreted here.
#[derive(Debug, Clone)]
pub struct Query {
    /// The namespace.
    pub namespace: Bytes,
    /// The set; empty for the whole namespace.
    pub set: Bytes,
    /// How many fields `fields` holds.
    pub field_count: u16,
    /// Index range, filter, functions: fields in wire form.
    pub fields: Bytes,
    /// How many operations `ops` holds.
    pub op_count: u16,
    /// Read operations in wire form; none for all bins.
    pub ops: Bytes,
    /// Every operation has a result, whether or not the bin is there.
    pub respond_all: bool,
    /// Records come without bins.
    pub no_bins: bool,
    /// How servers run it.
    pub expected: Expected,
    /// What comes back.
    pub results: Results,
    /// Records after which it ends; 0 for no limit.
    pub max_records: u64,
    /// Records per second from each node; 0 for no limit.
    pub records_per_second: u32,
    /// Nodes asked at once; 0 for all.
    pub concurrency: u32,
    /// The partitions to visit, and where to go on in each.
    pub from: Cursor,
    /// Ask these nodes only, for the partitions that the replica policy gives them.
    pub nodes: Option<Vec<Arc<str>>>,
    /// What it may cost. The socket timeout is how long a node may be silent. Retries are counted as long as they
    /// bring nothing.
    pub policy: CommandPolicy,
}
