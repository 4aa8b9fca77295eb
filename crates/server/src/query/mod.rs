//! Queries: commands on whatever records match (protocol 8).
//!
//! | file | subject |
//! |---|---|
//! | `request` | what a query asks for, and what is wrong with it |
//! | `range` | which index answers it |
//! | `walk` | finding the records of a partition, in an order that can be resumed |
//! | `stream` | answering with them, bit by bit |
//! | `rate_limit` | how fast |
//!
//! A query never holds its result: it remembers where it is, writes as much as a connection takes, and goes on when
//! that is sent. Partitions are visited in the order of their numbers.

mod range;
mod rate_limit;
mod request;
mod stream;
mod walk;

pub(crate) use rate_limit::RateLimit;
pub(crate) use request::{Portion, Query};
pub(crate) use stream::{Progress, QueryRun, last};
pub(crate) use walk::{check, find, tree};
