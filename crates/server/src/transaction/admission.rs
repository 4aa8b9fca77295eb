//! What a command may see and change.

use aerospike_wire::ResultCode;
use aerospike_wire::transaction::RecordVersion;

use crate::clock::Moment;
use crate::command::{Context, Request};
use crate::store::{Counted, Partition, Scope};

/// Seconds a transaction may take that does not say.
pub(crate) const DEFAULT_DURATION: u32 = 10;
/// Seconds any transaction may take.
pub(super) const MAX_DURATION: u32 = 120;

/// A command that may run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Admitted {
    /// The transaction it belongs to; without one it sees originals.
    pub(crate) scope: Option<Scope>,
    /// The version that its transaction sees; `None` for a record that it has written itself.
    pub(crate) version: Option<RecordVersion>,
}

/// Decides whether a command may run on its record. A function may be admitted as a read before it is known whether it
/// writes.
pub(crate) fn admit(
    request: &Request<'_>,
    writes: bool,
    partition: &Partition,
    context: &Context<'_>,
) -> Result<Admitted, ResultCode> {
    let lock = partition.provisional(&request.digest);
    let Some(transaction) = request.transaction.id else {
        return if writes && lock.is_some() { Err(blocked(context)) } else { Ok(Admitted::default()) };
    };
    let deadline = deadline(request, context);
    // the time of the request may be from before it waited for the partition: who rolls back would have been here since
    if writes && Moment::now() > deadline {
        return Err(ResultCode::MRT_EXPIRED);
    }
    let scope = Some(Scope { transaction, deadline });
    match lock {
        Some(lock) if lock.transaction == transaction => Ok(Admitted { scope, version: None }),
        Some(_) => Err(blocked(context)),
        None => {
            let version = partition.version(&request.digest, context.now);
            if request.transaction.version.is_some_and(|seen| seen != version) {
                context.counters.add(Counted::VersionMismatch);
                return Err(ResultCode::MRT_VERSION_MISMATCH);
            }
            Ok(Admitted { scope, version: Some(version) })
        }
    }
}

/// Counts a command that another transaction is in the way of.
pub(super) fn blocked(context: &Context<'_>) -> ResultCode {
    context.counters.add(Counted::Blocked);
    ResultCode::MRT_BLOCKED
}

fn deadline(request: &Request<'_>, context: &Context<'_>) -> Moment {
    match request.transaction.deadline {
        Some(seconds) if seconds > 0 => Moment::of_seconds(seconds),
        _ => context.now.after_seconds(DEFAULT_DURATION),
    }
}
