//! The client core: an Aerospike cluster as seen by one process, on Tokio.
//!
//! A [`Client`] finds the nodes, keeps track of who holds which partition, and carries out [`Command`]s,
//! [`Batch`]es and queries ([`Query`]) whose payload arrives encoded. It knows nothing of JavaScript, and it interprets no bin.
//!
//! | module | subject |
//! |---|---|
//! | `client` | the handle |
//! | `config`, `settings`, `policy` | what callers choose: for the client, for it while it runs, and for one command |
//! | `command`, `batch`, `query` | requests and their answers |
//! | `error` | the one error |
//! | `transaction` | several records written or none |
//! | `execute` | one command, from its first attempt to its outcome |
//! | `inline` | commands on the caller's own thread, while they are few |
//! | `hedge` | when a slow read is asked of another replica too |
//! | `retry` | what is tried again, and how long is waited before |
//! | `cluster` | nodes and partitions, and keeping the view of them up to date |
//! | `routing` | which node a command goes to |
//! | `metrics`, `snapshot` | what is counted and timed; all of it at one moment |
//! | `node` | one node |
//! | `connection` | the connections to a node, and how commands share them |
//! | `socket` | one connection: bytes out, frames in |
//! | `deadline`, `concurrent` | waiting within limits, and for several things at once |
//! | `security` | logging in, sessions |
//! | `admin` | the calls about users and roles |
//! | `tls` | encrypted connections |
//!
//! The way of a command: [`Client::execute`] asks `routing` for a node and hands an attempt to the node's pool; a
//! pipelined connection of the pool (`connection::pipelined`) writes it together with whatever else waits, and settles it when the answer
//! comes; `execute` judges the answer and tries again where that is right.

#![forbid(unsafe_code)]

pub mod admin;
mod batch;
mod client;
mod cluster;
mod command;
mod concurrent;
mod config;
mod connection;
mod deadline;
mod error;
mod execute;
mod hedge;
mod inline;
mod metrics;
mod node;
mod policy;
mod query;
mod retry;
mod routing;
pub mod security;
mod settings;
mod snapshot;
mod socket;
mod tls;
mod transaction;

pub use aerospike_wire as wire;
pub use aerospike_wire::batch::BatchFlags;
pub use aerospike_wire::info::Endpoint;
pub use batch::{Batch, BatchReply, BatchRow, Keyspace, NodeCost, RowOutcome, Try, TryReport};
pub use client::{Client, InfoTarget};
pub use cluster::changes::{Change, Changes};
pub use cluster::reach::UnreachableNode;
pub use command::{Command, Key, Reply, SentFlag, Spec, Timing};
pub use config::Config;
pub use error::{CLIENT_CODES, Code, Error, SubError};
pub use inline::{ConnectionId, Event, InlineIo, Released, Resumed, ResumedBatch, Tag};
pub use metrics::{Counted, Events, Happened, Histogram, Kind, Latency, NodeEvent};
pub use node::NodeSummary;
pub use policy::{CommandPolicy, Hedge, HedgeAfter, Replica};
pub use query::{Cursor, Expected, Job, JobReply, Query, QueryStream, Results, Step};
pub use security::{AuthMode, Credentials, Password};
pub use settings::Settings;
pub use snapshot::{ConnectionMetrics, NodeSnapshot, Snapshot, TransactionMetrics};
pub use tls::{PrivateKey, TlsConfig, TlsVersion};
pub use transaction::{
    Aborted, CommitFailure, Committed, FailedRead, Group, MAX_TIMEOUT, Stage, State, Tick, Transaction, UnderWay,
};
