//! Reading a record.

use aerospike_wire::limits::MAX_BIN_NAME_SIZE;
use aerospike_wire::{Info1, OpCode, ResultCode};

use super::expression::{self, About};
use super::reply::Reply;
use super::request::Request;
use super::{Change, Context, Failure, Outcome, engine};
use crate::clock::Moment;
use crate::store::{Namespace, Partition, Record};

/// A read-touch percent that means never.
const NEVER_TOUCH: u32 = u32::MAX;

pub(super) fn run(
    request: &Request<'_>,
    partition: &mut Partition,
    context: &mut Context<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    if request.ttl > 100 && request.ttl != NEVER_TOUCH {
        return Err(ResultCode::PARAMETER.into());
    }
    let record = partition.get(&request.digest, context.now).ok_or(ResultCode::NOT_FOUND)?;
    let fail = Failure::at(Some(record));
    admit(request, record, context).map_err(fail)?;
    reply.set_meta(record.meta.generation, record.meta.void_time);
    if request.info1.contains(Info1::GET_ALL) {
        reply.record(record);
    } else if !request.info1.contains(Info1::GET_NO_BINS) {
        if request.op_count == 0 {
            return Err(fail(ResultCode::PARAMETER));
        }
        read_ops(request, record, context, reply).map_err(fail)?;
    }
    match renewed(record, request.ttl, context.now).filter(|_| context.is_master) {
        Some(void_time) => {
            partition.touch(&request.digest, void_time, context.now);
            Ok(Change::Record)
        }
        None => Ok(Change::None),
    }
}

/// Whether a found record is the one that was meant and passes the filter.
pub(super) fn admit(request: &Request<'_>, record: &Record, context: &Context<'_>) -> Result<(), ResultCode> {
    in_set(request, record, context.namespace)?;
    if !request.key_matches(record) {
        return Err(ResultCode::KEY_MISMATCH);
    }
    expression::filter(request, record, context)
}

/// Whether a record is in the set the request names, if it names one.
pub(super) fn in_set(request: &Request<'_>, record: &Record, namespace: &Namespace) -> Result<(), ResultCode> {
    if request.set.is_empty() || namespace.find_set(request.set) == Some(record.meta.set) {
        Ok(())
    } else {
        Err(ResultCode::PARAMETER)
    }
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

/// The new void time of a record whose remaining time fell below `percent` of what it was last given.
fn renewed(record: &Record, percent: u32, now: Moment) -> Option<u32> {
    let void_time = record.meta.void_time;
    if void_time == 0 || percent == 0 || percent == NEVER_TOUCH {
        return None;
    }
    let given = u64::from(void_time.checked_sub(record.meta.last_update.seconds())?);
    let left = u64::from(void_time.checked_sub(now.seconds())?);
    (left * 100 < given * u64::from(percent)).then(|| now.seconds() + given as u32)
}
