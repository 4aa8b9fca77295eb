//! What a command does to one record.
//!
//! | file | subject |
//! |---|---|
//! | `request` | a command on one record, however it came |
//! | `reply` | its answer |
//! | `check` | what is refused before anything is done |
//! | `read`, `write`, `delete`, `udf` | one kind of command each |
//! | `query_kind` | which kind of query a message asks for |
//! | `row` | what a query answers of one record |
//! | `scalar` | operations on plain bins: append, prepend, increment |
//! | `expression` | filters, and operations that evaluate an expression |
//! | `engine` | the operations on lists, maps, blobs and sketches, and expressions |
//!
//! A command runs under the lock of its partition and knows nothing of sockets, nodes or replicas.

mod check;
mod delete;
mod engine;
mod expression;
mod query_kind;
mod read;
mod reply;
mod request;
pub(crate) mod row;
mod scalar;
pub(crate) mod udf;
mod write;

use aerospike_wire::{Info1, Info2, ResultCode};
use bytes::BytesMut;

use crate::clock::Moment;
use crate::edition::Edition;
use crate::store::{Counters, Namespace, Record, View};
pub(crate) use expression::{is_excluded_unread, view};
pub(crate) use query_kind::QueryKind;
pub(crate) use reply::Reply;
pub(crate) use request::Request;

/// Whether a command left something for the replicas to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The record is as it was.
    None,
    /// The record was written or removed.
    Record,
}

/// Where a command runs.
pub(crate) struct Context<'c> {
    /// The namespace.
    pub(crate) namespace: &'c Namespace,
    /// The time of the request.
    pub(crate) now: Moment,
    /// Room to put a record together in, kept between commands.
    pub(crate) scratch: &'c mut BytesMut,
    /// The edition: what only one of them does is refused by the other.
    pub(crate) edition: Edition,
    /// What the node counts of transactions.
    pub(crate) counters: &'c Counters,
    /// Whether this is the master's copy: only there a read may renew a record's expiry.
    pub(crate) is_master: bool,
}

/// What a command came to: the record's metadata go into the answer of a failure too, when there is a record.
pub(crate) type Outcome = Result<Change, Failure>;

/// Why a command failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    code: ResultCode,
    /// Generation and void time of the record, zero when there is none.
    found: (u16, u32),
}

impl From<ResultCode> for Failure {
    fn from(code: ResultCode) -> Self {
        Self { code, found: (0, 0) }
    }
}

impl Failure {
    /// Answers with it.
    pub(crate) fn answer(self, reply: Reply<'_>) {
        reply.fail(self.code, self.found);
    }

    /// A failure at a record.
    fn at(record: Option<&Record>) -> impl Fn(ResultCode) -> Self + Copy + use<> {
        let found = record.map_or((0, 0), |record| (record.meta.generation, record.meta.void_time));
        move |code| Self { code, found }
    }
}

/// Finds what is wrong with a command whatever its record is.
pub(crate) fn check(request: &Request<'_>, edition: Edition) -> Result<(), ResultCode> {
    check::any(request, edition)?;
    if request.is_write() && !request.info2.contains(Info2::DELETE) && !request.calls_function() {
        check::write(request)?;
    }
    Ok(())
}

/// Runs a command and writes the operations of its answer, which the caller ends.
pub(crate) fn run(
    request: &Request<'_>,
    records: &mut View<'_>,
    context: &mut Context<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    check::any(request, context.edition)?;
    if request.info2.contains(Info2::WRITE | Info2::DELETE) {
        delete::run(request, records, context, reply)
    } else if request.info2.contains(Info2::WRITE) {
        write::run(request, records, context, reply)
    } else if request.info1.contains(Info1::READ) {
        read::run(request, records, context, reply)
    } else {
        Err(ResultCode::PARAMETER.into())
    }
}
