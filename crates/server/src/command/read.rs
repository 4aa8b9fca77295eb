//! Reading a record.

use aerospike_wire::limits::MAX_BIN_NAME_SIZE;
use aerospike_wire::{Info1, Info2, OpCode, ResultCode};

use super::expression::{self, About};
use super::reply::Reply;
use super::request::Request;
use super::{Change, Context, Failure, Outcome, engine};
use crate::clock::Moment;
use crate::store::{Namespace, Record, View};

/// A read-touch percent that means never.
const NEVER_TOUCH: u32 = u32::MAX;

pub(super) fn run(
    request: &Request<'_>,
    records: &mut View<'_>,
    context: &mut Context<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let Some(record) = records.get(&request.digest, context.now) else {
        // of a record that has expired and was not swept up, its metadata are told all the same
        return Err(Failure::at(records.get_stored(&request.digest))(ResultCode::NOT_FOUND));
    };
    let fail = Failure::at(Some(record));
    in_set(request, record, context.namespace).map_err(fail)?;
    let renewed = renewed(record, request.ttl, context.now).map_err(fail)?;
    admit(request, record, context).map_err(fail)?;
    reply.set_meta(record.meta.generation, record.meta.void_time);
    // who wants no bins gets none, whatever else is asked for
    if request.info1.contains(Info1::GET_NO_BINS) {
    } else if request.info1.contains(Info1::GET_ALL) {
        reply.record(record);
    } else {
        if request.op_count == 0 {
            return Err(fail(ResultCode::PARAMETER));
        }
        read_ops(request, record, context, reply).map_err(fail)?;
    }
    // a transaction does not change what it only reads
    match renewed.filter(|_| context.is_master && !records.is_in_transaction()) {
        Some(void_time) => {
            records.partition().touch(&request.digest, void_time, context.now);
            Ok(Change::Record)
        }
        None => Ok(Change::None),
    }
}

/// Whether a record passes the filter and has the user key that was sent.
pub(super) fn admit(request: &Request<'_>, record: &Record, context: &Context<'_>) -> Result<(), ResultCode> {
    expression::filter(request, record, context)?;
    if request.key_matches(record) { Ok(()) } else { Err(ResultCode::KEY_MISMATCH) }
}

/// Whether a record is in the set that the request names. One that reads or removes the record, or is part of a query,
/// need not name any.
pub(super) fn in_set(request: &Request<'_>, record: &Record, namespace: &Namespace) -> Result<(), ResultCode> {
    let may_omit = !request.is_write() || request.info2.contains(Info2::DELETE) || request.must_be_there;
    let is_meant = request.set.is_empty() && may_omit || namespace.find_set(request.set) == Some(record.meta.set);
    if is_meant { Ok(()) } else { Err(ResultCode::PARAMETER) }
}

/// Answers the operations of a request that reads.
pub(super) fn read_ops(
    request: &Request<'_>,
    record: &Record,
    context: &Context<'_>,
    reply: &mut Reply<'_>,
) -> Result<(), ResultCode> {
    let about = About::stored(request, record, context);
    let responds_all = request.responds_all();
    for op in request.ops() {
        let code = OpCode::from_code(op.code).filter(|code| code.is_read()).ok_or(ResultCode::PARAMETER)?;
        if op.name.len() > MAX_BIN_NAME_SIZE {
            return Err(ResultCode::BIN_NAME);
        }
        // rows of a batch name every answer a read, unless each operation has to have its own
        let answer_code = if request.in_batch && !responds_all { OpCode::Read as u8 } else { op.code };
        let value = match (code, record.bin(op.name)) {
            (OpCode::Read, bin) => bin.map(|bin| (bin.particle, bin.value.into())),
            (OpCode::ExpRead, _) => {
                expression::read(&op, &about, record)?.map(|(particle, value)| (particle, value.into()))
            }
            (_, bin) => engine::read(code, &op, bin)?,
        };
        match value {
            Some((particle, value)) => reply.op(answer_code, particle, op.name, &value),
            None if responds_all => reply.null(answer_code, op.name),
            None => {}
        }
    }
    Ok(())
}

/// The new void time of a record whose remaining time is down to `percent` of what it was last given, in whole seconds.
/// What is no percentage is refused for records that expire.
fn renewed(record: &Record, percent: u32, now: Moment) -> Result<Option<u32>, ResultCode> {
    let void_time = record.meta.void_time;
    if void_time == 0 || percent == 0 || percent == NEVER_TOUCH {
        return Ok(None);
    }
    if percent > 100 {
        return Err(ResultCode::PARAMETER);
    }
    let given = void_time.saturating_sub(record.meta.last_update.seconds());
    let left = void_time.saturating_sub(now.seconds());
    let is_due = u64::from(left) <= u64::from(given) * u64::from(percent) / 100;
    Ok(is_due.then(|| now.seconds() + given))
}
