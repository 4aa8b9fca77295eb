//! The state of a cluster, which the sockets and the commands share.
//!
//! | file | subject |
//! |---|---|
//! | `state` | what the nodes share, and how records move between them |
//! | `node` | one node |
//! | `partition_map` | who holds which partition |
//! | `availability` | which partitions can be used while nodes are missing |
//! | `latency` | how long commands took at a node |
//! | `jobs` | the queries that run at a node, and those that ran |
//! | `faults` | how a node misbehaves when told to |
//! | `ailment` | what ails a node although it answers |

mod ailment;
mod availability;
mod faults;
mod jobs;
mod latency;
mod node;
mod partition_map;
mod state;

pub use ailment::Ailment;
pub use faults::{Fault, Garble, Refusal};
pub(crate) use jobs::{About, End, Job, JobKind};
pub(crate) use latency::{Measured, RowTimer};
pub(crate) use node::{Addresses, MAX_CONNECTIONS, Node};
pub(crate) use partition_map::{NodeIndex, PartitionMap};
pub(crate) use state::State;
