//! Commands on monitors. A monitor is a record like any other, in a set of its own, that lists what its transaction
//! writes. Clients add to the list before they write, mark the monitor when the transaction is committed, and remove it in
//! the end; when they do not come so far in time, the server ends the transaction by what the monitor says.

use aerospike_wire::transaction::{COMMITTED_BIN, DIGESTS_BIN, ID_BIN, MAX_WRITES};
use aerospike_wire::{Digest, FieldType, Info2, OpCode, ResultCode};

use super::admission::{DEFAULT_DURATION, MAX_DURATION};
use crate::cdt::{self, collection::List};
use crate::clock::Moment;
use crate::command::{self, Change, Context, Outcome, Reply, Request};
use crate::store::{Monitor, Partition, Phase, Record, View};

/// What a command does to a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Makes it, with the first records.
    Begin,
    /// Adds records.
    Add,
    /// Says that the transaction is committed.
    Commit,
}

impl Act {
    fn of(request: &Request<'_>) -> Self {
        let writes = |bin: &[u8]| request.ops().any(|op| op.code == OpCode::Write as u8 && op.name == bin);
        if writes(COMMITTED_BIN) {
            Self::Commit
        } else if writes(ID_BIN) {
            Self::Begin
        } else {
            Self::Add
        }
    }
}

/// Runs a command that writes to a monitor or removes it.
pub(super) fn run(
    request: &Request<'_>,
    partition: &mut Partition,
    context: &mut Context<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let known = partition.monitor(&request.digest);
    if request.info2.contains(Info2::DELETE) {
        let outcome = command::run(request, &mut View::committed(partition), context, reply);
        if let (Ok(_), Some(monitor)) = (&outcome, known) {
            context.namespace.due.forget(monitor.deadline, &request.digest);
        }
        return outcome;
    }
    let act = Act::of(request);
    let deadline = admit(act, request, known)?;
    if act != Act::Commit {
        reply.field(FieldType::MRT_DEADLINE, &deadline.seconds().to_le_bytes());
    }
    // a monitor stays until it is removed, whatever the time: its deadline is kept beside it
    let lasting = request.with_ttl(u32::MAX);
    let before = partition.get(&request.digest, context.now).cloned();
    command::run(&lasting, &mut View::committed(partition), context, reply)?;
    if partition.get(&request.digest, context.now).is_some_and(|monitor| count(monitor) > MAX_WRITES) {
        match before {
            Some(before) => partition.insert(request.digest, before),
            None => partition.remove(&request.digest),
        }
        reply.clear();
        return Err(ResultCode::MRT_TOO_MANY_WRITES.into());
    }
    let phase = if act == Act::Commit { Phase::Forward } else { Phase::Open };
    partition.set_monitor(request.digest, Monitor { deadline, phase, is_ended: false });
    if act == Act::Begin {
        context.namespace.due.add(deadline, request.digest);
    }
    Ok(Change::Record)
}

/// Whether a transaction is where a command takes it to be, and when it ends.
fn admit(act: Act, request: &Request<'_>, known: Option<Monitor>) -> Result<Moment, ResultCode> {
    let now = Moment::now();
    match known {
        Some(_) if act == Act::Begin => Err(ResultCode::MRT_MONITOR_EXISTS),
        Some(Monitor { phase: Phase::Forward, .. }) => Err(ResultCode::MRT_COMMITTED),
        Some(Monitor { phase: Phase::Back, is_ended: false, .. }) => Err(ResultCode::MRT_ABORTED),
        Some(Monitor { phase: Phase::Open, deadline, .. }) if now <= deadline => Ok(deadline),
        None if act == Act::Begin => {
            let duration = if request.ttl == 0 { DEFAULT_DURATION } else { request.ttl.min(MAX_DURATION) };
            Ok(now.after_seconds(duration))
        }
        _ => Err(ResultCode::MRT_EXPIRED),
    }
}

/// How many records a monitor lists.
fn count(monitor: &Record) -> usize {
    let list = monitor.bin(DIGESTS_BIN).map(|bin| bin.value).unwrap_or_default();
    List::parse(list).map_or(0, |list| list.items.len())
}

/// The transaction of a monitor, and the records it lists.
pub(crate) fn listed(monitor: &Record) -> Option<(u64, Vec<Digest>)> {
    let id: [u8; 8] = monitor.bin(ID_BIN)?.value.try_into().ok()?;
    let Some(list) = monitor.bin(DIGESTS_BIN) else { return Some((u64::from_be_bytes(id), Vec::new())) };
    let digests = List::parse(list.value)?.items;
    let digests = digests.into_iter().filter_map(|digest| Digest::from_slice(&cdt::from_element(digest)?.1));
    Some((u64::from_be_bytes(id), digests.collect()))
}
