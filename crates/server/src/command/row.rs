//! What a query answers of one record.

use aerospike_wire::limits::MAX_BIN_NAME_SIZE;
use aerospike_wire::{FieldType, Info1, OpCode, ResultCode};
use bytes::BytesMut;

use super::expression::{self, About};
use super::reply::Reply;
use super::request::Request;
use super::{Context, read};
use crate::exp::Expression;
use crate::store::Record;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    /// It is part of the answer.
    Written,
    /// Nothing that was asked for is in it.
    Empty,
    /// The filter does not want it.
    FilteredOut,
    /// The filter does not want it, which was known before it was read.
    FilteredUnread,
}

/// Refuses operations that are not reads, and names of bins that cannot be.
pub(crate) fn check_ops(request: &Request<'_>) -> Result<(), ResultCode> {
    let reads = |code| OpCode::from_code(code).is_some_and(OpCode::is_read);
    let is_name = |name: &[u8]| name.len() <= MAX_BIN_NAME_SIZE && !name.contains(&0);
    let is_good = request.ops().all(|op| reads(op.code) && is_name(op.name));
    if is_good { Ok(()) } else { Err(ResultCode::PARAMETER) }
}

/// Writes the message of a record: who it is, then its bins or what the operations read. `value` is where it was found
/// in an index.
pub(crate) fn write(
    request: &Request<'_>,
    filter: Option<&Expression<'_>>,
    record: &Record,
    value: Option<i64>,
    context: &Context<'_>,
    out: &mut BytesMut,
) -> Row {
    let about = About::stored(request, record, context);
    if let Some(filter) = filter.filter(|filter| !expression::passes(filter, &about, record)) {
        return if expression::fails_unread(filter, &about) { Row::FilteredUnread } else { Row::FilteredOut };
    }
    let mut reply = Reply::begin(out, 0);
    reply.set_meta(record.meta.generation, record.meta.void_time);
    reply.field(FieldType::NAMESPACE, context.namespace.name.as_bytes());
    reply.field(FieldType::DIGEST, &request.digest.0);
    let set = context.namespace.set_name(record.meta.set);
    if !set.is_empty() {
        reply.field(FieldType::SET, &set);
    }
    if let Some(key) = record.key() {
        reply.field(FieldType::KEY, key);
    }
    if let Some(value) = value {
        reply.field(FieldType::BVAL_ARRAY, &value.to_le_bytes());
    }
    if request.info1.contains(Info1::GET_NO_BINS) {
        reply.set_info1(Info1::GET_NO_BINS);
    } else if request.op_count == 0 {
        reply.record(record);
    } else if read::read_ops(request, record, context, &mut reply).is_err() || reply.is_empty() {
        // a record that the operations do not apply to is passed over, as one without the bins
        reply.discard();
        return Row::Empty;
    }
    reply.finish();
    Row::Written
}
