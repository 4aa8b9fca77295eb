//! An Aerospike cluster in memory, for tests and first steps.
//!
//! A [`Cluster`] is a number of nodes on loopback ports of this process. It speaks the wire protocol of a Community
//! or an Enterprise server 8.1, with its result codes, its partition map, replication, generations and expiry, and can be
//! told to misbehave. Nothing is written to disk, and nothing listens on any other interface.
//!
//! From a socket to a record and back:
//!
//! | module | subject |
//! |---|---|
//! | [`ClusterOptions`] | how a cluster is set up |
//! | [`Edition`] | which edition it speaks for |
//! | `handle` | starting a cluster, stopping it, telling its nodes to misbehave |
//! | `net` | sockets and frames |
//! | `service` | from a frame to its answer: routing, replication, batches |
//! | `info` | the text protocol of cluster tending |
//! | `security` | users, roles, and what they may do |
//! | `tls` | encrypted connections |
//! | `query` | commands on whatever matches |
//! | `transaction` | which version of a record a command may see and change |
//! | `command` | what a command does to one record |
//! | `cluster` | what the nodes share: one another, the partition map, faults, latencies |
//! | `modules` | the modules of functions that a cluster knows |
//! | `sindex` | secondary indexes: what they are of, and what they find |
//! | [`cdt`] | lists, maps, bits and HyperLogLogs: operations on the bytes of a bin |
//! | [`exp`] | expressions and filters |
//! | `store` | records and where they are kept |
//! | `value` | which values are accepted, and their stored form |
//! | `clock` | time, as the protocol counts it |
//!
//! Each module uses those below it.

#![forbid(unsafe_code)]

pub mod cdt;
mod clock;
mod cluster;
mod command;
mod edition;
pub mod exp;
mod handle;
mod info;
mod modules;
mod net;
mod options;
mod query;
mod security;
mod service;
mod sindex;
mod store;
mod tls;
mod transaction;
mod value;

pub use cluster::{Ailment, Fault, Garble, Refusal};
pub use edition::Edition;
pub use handle::Cluster;
pub use info::NodeStatistics;
pub use options::{ClusterOptions, NamespaceOptions, RoleOptions, SecurityOptions, UserOptions};
pub use tls::{Authority, ClientCertificates, Identity, TlsOptions};
