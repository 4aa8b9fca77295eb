//! Calling a function of a module on a record.
//!
//! No module can be registered yet, so every call answers as for a module that is not there.

use aerospike_wire::{Info2, Info3, OpCode, ParticleType, ResultCode};

use super::reply::Reply;
use super::request::Request;
use super::{Change, Context, Outcome};
use crate::store::Partition;

pub(super) fn run(
    request: &Request<'_>,
    partition: &mut Partition,
    context: &mut Context<'_>,
    reply: &mut Reply<'_>,
) -> Outcome {
    let is_whole = request.udf.is_some_and(|c| c.module.is_some() && c.function.is_some() && c.arguments.is_some());
    let policies = request.info2.intersects(Info2::GENERATION | Info2::GENERATION_GT | Info2::CREATE_ONLY)
        || request.info3.intersects(Info3::UPDATE_ONLY | Info3::CREATE_OR_REPLACE | Info3::REPLACE_ONLY);
    if !is_whole || policies || !request.is_write() {
        return Err(ResultCode::PARAMETER.into());
    }
    if let Some(record) = partition.get(&request.digest, context.now) {
        reply.set_meta(record.meta.generation, record.meta.void_time);
    }
    reply.set_result(ResultCode::UDF_EXECUTION);
    reply.op(OpCode::Read as u8, ParticleType::STRING, b"FAILURE", b"UDF: Execution Error 1");
    Ok(Change::None)
}
