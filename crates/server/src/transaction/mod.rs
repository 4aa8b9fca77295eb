//! Transactions: several records written or none.
//!
//! | file | subject |
//! |---|---|
//! | `admission` | what a command may see and change: locks, versions, deadlines |
//! | `roll` | verifying what was read, and making what was written final or undoing it |
//! | `udf` | functions, which may write |
//! | `monitor` | commands on the records that watch over transactions |
//!
//! A command comes here before it is run ([`run`]): here it is decided whether it may run, on which version of its record, and
//! what its answer says of that version. The versions themselves are kept by the store, which shows a command those it
//! may see.
//!
//! A record that a transaction has written is locked by it: other transactions are refused, and so are other writes;
//! other reads see the original.

mod admission;
mod monitor;
mod roll;
pub(crate) mod udf;

use aerospike_wire::transaction::MONITOR_SET;
use aerospike_wire::{FieldType, Info1, Info2, Info4, ResultCode};

use crate::command::{self, Change, Context, Outcome, Reply, Request};
use crate::store::{Partition, View};
pub(crate) use admission::{Admitted, DEFAULT_DURATION, admit};
pub(crate) use monitor::listed;

/// What rolls a record.
pub(crate) const ROLLS: Info4 = Info4::MRT_ROLL_FORWARD.union(Info4::MRT_ROLL_BACK);
/// What only commands of transactions have.
const BITS: Info4 = ROLLS.union(Info4::MRT_VERIFY_READ).union(Info4::MRT_ON_LOCKING_ONLY);

/// Runs a command and writes its answer.
pub(crate) fn run(
    request: &Request<'_>,
    partition: &mut Partition,
    context: &mut Context<'_>,
    mut reply: Reply<'_>,
) -> Change {
    match serve(request, partition, context, &mut reply) {
        Ok(change) => {
            reply.finish();
            change
        }
        Err(failure) => {
            failure.answer(reply);
            Change::None
        }
    }
}

fn serve(
    request: &Request<'_>,
    partition: &mut Partition,
    context: &mut Context<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    check(request, context)?;
    if rolls(request) {
        return roll::roll(request, partition, context);
    }
    if verifies(request) {
        return roll::verify(request, partition, context);
    }
    if is_on_monitor(request, context) {
        return monitor::run(request, partition, context, reply);
    }
    let admitted = admit(request, request.is_write(), partition, context)?;
    if !request.is_write() {
        admitted.tell_version(reply);
        return command::run(request, &mut View::of(partition, admitted.scope), context, reply);
    }
    let outcome = command::run(request, &mut View::of(partition, admitted.scope), context, reply);
    if outcome.is_err() {
        // it did not lock the record: to the transaction it was a read
        reply.clear();
        admitted.tell_version(reply);
    }
    outcome
}

/// Whether a record is rolled; a removal and a call stay what they are.
fn rolls(request: &Request<'_>) -> bool {
    let writes = request.is_write() && !request.info2.contains(Info2::DELETE) && !request.calls_function();
    writes && request.info4.intersects(ROLLS)
}

/// Whether a version is verified instead of a record read.
fn verifies(request: &Request<'_>) -> bool {
    let reads = request.info1.contains(Info1::READ) && !request.is_write();
    reads && request.info4.contains(Info4::MRT_VERIFY_READ)
}

/// Refuses what belongs to a transaction where there are none.
pub(crate) fn check(request: &Request<'_>, context: &Context<'_>) -> Result<(), ResultCode> {
    if !context.edition.is_enterprise() {
        // of what belongs to a transaction the Community edition looks at its id alone, and at what ends one
        if rolls(request) || verifies(request) {
            return context.edition.require_enterprise();
        }
        if request.transaction.id.is_some() {
            // what is wrong with a write is found before anybody looks at that
            command::check(request, context.edition)?;
            return context.edition.require_enterprise();
        }
        return Ok(());
    }
    if request.has_odd_transaction {
        return Err(ResultCode::PARAMETER);
    }
    let makes_monitor = request.is_write() && request.set == MONITOR_SET;
    if request.transaction.is_empty() && !request.info4.intersects(BITS) && !makes_monitor {
        return Ok(());
    }
    if context.namespace.strong_consistency { Ok(()) } else { Err(ResultCode::UNSUPPORTED_FEATURE) }
}

fn is_on_monitor(request: &Request<'_>, context: &Context<'_>) -> bool {
    context.namespace.strong_consistency && request.is_write() && request.set == MONITOR_SET
}

impl Admitted {
    /// Says which version the transaction sees, unless it is one it wrote itself.
    pub(crate) fn tell_version(&self, reply: &mut Reply<'_>) {
        if let Some(version) = self.version {
            reply.field(FieldType::RECORD_VERSION, version.as_bytes());
        }
    }
}
