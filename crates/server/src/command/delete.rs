//! Removing a record.

use aerospike_wire::ResultCode;

use super::reply::Reply;
use super::request::Request;
use super::{Change, Context, Outcome, check, read, write};
use crate::store::View;

pub(super) fn run(
    request: &Request<'_>,
    records: &mut View<'_>,
    context: &mut Context<'_>,
    _reply: &mut Reply<'_>,
) -> Outcome {
    let durably = check::durability(request, context)?;
    // an expired record can be removed as long as it was not swept up
    let record = records.get_stored(&request.digest).ok_or(ResultCode::NOT_FOUND)?;
    // a failed removal says nothing of the record, unlike a failed write
    read::in_set(request, record, context.namespace)?;
    write::generation_allows(request, record.meta.generation)?;
    read::admit(request, record, context)?;
    records.remove(&request.digest, context.now, durably);
    Ok(Change::Record)
}
