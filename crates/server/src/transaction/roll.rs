//! The end of a transaction, record by record.

use aerospike_wire::{Info4, ResultCode};

use super::admission::blocked;
use crate::command::{Change, Context, Outcome, Request};
use crate::store::{Counted, Partition};

/// Compares a version that a transaction saw with what is there. A record that another transaction has written may be
/// about to change, and nothing that rests on it can be committed: of two transactions that each read what the other
/// writes, one has to give way.
pub(super) fn verify(request: &Request<'_>, partition: &Partition, context: &Context<'_>) -> Outcome {
    let outcome = compare(request, partition, context);
    context.counters.add(if outcome.is_ok() { Counted::VerifySuccess } else { Counted::VerifyError });
    outcome
}

fn compare(request: &Request<'_>, partition: &Partition, context: &Context<'_>) -> Outcome {
    let seen = request.transaction.version.ok_or(ResultCode::PARAMETER)?;
    if partition.provisional(&request.digest).is_some() {
        return Err(blocked(context).into());
    }
    if partition.version(&request.digest, context.now) != seen {
        context.counters.add(Counted::VersionMismatch);
        return Err(ResultCode::MRT_VERSION_MISMATCH.into());
    }
    Ok(Change::None)
}

/// Makes what a transaction wrote of a record final, or undoes it. A record that it does not hold is left alone, since
/// both the client and the monitor roll, and both try again.
pub(super) fn roll(request: &Request<'_>, partition: &mut Partition, context: &Context<'_>) -> Outcome {
    let transaction = request.transaction.id.ok_or(ResultCode::PARAMETER)?;
    let is_forward = request.info4.contains(Info4::MRT_ROLL_FORWARD);
    let is_driven = request.info4.contains(Info4::MRT_MONITOR_DRIVEN);
    context.counters.add(match (is_forward, is_driven) {
        (true, false) => Counted::RollForwardSuccess,
        (false, false) => Counted::RollBackSuccess,
        (true, true) => Counted::MonitorRollForwardSuccess,
        (false, true) => Counted::MonitorRollBackSuccess,
    });
    if partition.provisional(&request.digest).is_none_or(|lock| lock.transaction != transaction) {
        return Ok(Change::None);
    }
    let Some(provisional) = partition.take_provisional(&request.digest) else { return Ok(Change::None) };
    if is_forward {
        match provisional.record {
            Some(record) => partition.insert(request.digest, record),
            None => {
                if is_driven {
                    context.counters.add(Counted::MonitorRollTombstoneCreates);
                }
                partition.bury(&request.digest, context.now);
            }
        }
    }
    Ok(Change::Record)
}
