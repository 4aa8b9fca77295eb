//! Queries that run or ran at a node (protocol 4.10).

use aerospike_wire::ResultCode;

use super::Answer;
use super::ask::{Ask, Refusal};
use super::number;

/// The parameter, and its name for scans of long ago.
const ID: [&str; 2] = ["id", "trid"];
const MAX_ID_SIZE: usize = 25;

fn id(text: &str) -> Result<u64, Refusal> {
    number::in_any_base(text).filter(|id| *id != 0).ok_or(Refusal::parameter("bad id"))
}

/// Every job, or one.
pub(super) fn show(ask: &Ask<'_>) -> Answer {
    match ask.optional_as(&ID, MAX_ID_SIZE)? {
        None => Ok(ask.node.jobs.lines().join(";")),
        Some(text) => {
            let missing = || Refusal::new(ResultCode::NOT_FOUND, "job not found");
            ask.node.jobs.line(id(text)?).ok_or_else(missing)
        }
    }
}

/// Ends a job.
pub(super) fn abort(ask: &Ask<'_>) -> Answer {
    let id = id(ask.required_as(&ID, MAX_ID_SIZE)?)?;
    let inactive = || Refusal::new(ResultCode::NOT_FOUND, "id not active");
    ask.node.jobs.abort(id).then(|| "ok".to_owned()).ok_or_else(inactive)
}

/// Ends every job.
pub(super) fn abort_all(ask: &Ask<'_>) -> Answer {
    Ok(format!("number-of-queries-killed:{}", ask.node.jobs.abort_all()))
}
