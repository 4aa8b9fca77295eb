//! Functions in transactions. Whether a function writes is known only when it has run, so it is admitted twice.

use aerospike_lua::{Applied, Failure as UdfFailure, Target};

use super::admission::{admit, blocked};
use super::check;
use crate::command::udf::{self, Seen};
use crate::command::{Change, Context, Failure, Reply, Request};
use crate::store::{Partition, View};

/// Looks at the record that a function is called on, and refuses what may not be called.
pub(crate) fn begin(
    request: &Request<'_>,
    partition: &mut Partition,
    context: &Context<'_>,
) -> Result<(Seen, Target), Failure> {
    check(request, context)?;
    let admitted = admit(request, false, partition, context)?;
    let is_new =
        partition.provisional(&request.digest).is_some() && partition.get(&request.digest, context.now).is_none();
    if admitted.scope.is_none() && is_new {
        return Err(blocked(context).into()); // there is no original that it could be shown
    }
    udf::begin(request, &View::of(partition, admitted.scope), context)
}

/// Makes the changes of a function and answers; `None` when the record has changed since, and nothing was done.
pub(crate) fn commit(
    request: &Request<'_>,
    seen: &Seen,
    outcome: &Result<Applied, UdfFailure>,
    partition: &mut Partition,
    context: &mut Context<'_>,
    reply: Reply<'_>,
) -> Option<Change> {
    let writes = outcome.as_ref().is_ok_and(|applied| applied.change.is_some());
    match admit(request, writes, partition, context) {
        Ok(admitted) => {
            let records = &mut View::of(partition, admitted.scope);
            udf::commit(request, seen, outcome, admitted.version, records, context, reply)
        }
        Err(code) => {
            Failure::from(code).answer(reply);
            Some(Change::None)
        }
    }
}
