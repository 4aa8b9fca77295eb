//! Removing a record.

use aerospike_wire::{Info2, ResultCode};

use super::reply::Reply;
use super::request::Request;
use super::{Change, Context, Outcome, read, write};
use crate::store::Partition;

pub(super) fn run(
    request: &Request<'_>,
    partition: &mut Partition,
    context: &mut Context<'_>,
    _reply: &mut Reply<'_>,
) -> Outcome {
    if request.info2.contains(Info2::DURABLE_DELETE) {
        context.edition.require_enterprise()?;
    }
    // an expired record can be removed as long as it was not swept up
    let record = partition.get_stored(&request.digest).ok_or(ResultCode::NOT_FOUND)?;
    // a failed removal says nothing of the record, unlike a failed write
    read::in_set(request, record, context.namespace)?;
    write::generation_allows(request, Some(record))?;
    read::admit(request, record, context)?;
    partition.remove(&request.digest);
    Ok(Change::Record)
}
