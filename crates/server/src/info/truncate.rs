//! Truncations: a node is told, the cluster does it.

use aerospike_wire::limits::{MAX_NAMESPACE_SIZE, MAX_SET_SIZE};

use super::ask::{Ask, Refusal};
use super::{Answer, number, share};
use crate::clock::Moment;
use crate::store::SetId;

/// Digits of a time in nanoseconds.
const MAX_TIME_SIZE: usize = 23;

/// Removes the records of one set.
pub(super) fn set(ask: &Ask<'_>) -> Answer {
    let namespace = ask.required("namespace", MAX_NAMESPACE_SIZE)?;
    let set = ask.required("set", MAX_SET_SIZE)?;
    truncate(ask, namespace, Some(set), ask.optional("lut", MAX_TIME_SIZE)?)
}

/// Removes the records of a namespace.
pub(super) fn namespace(ask: &Ask<'_>) -> Answer {
    let namespace = whole_namespace(ask)?;
    truncate(ask, namespace, None, ask.optional("lut", MAX_TIME_SIZE)?)
}

/// What is gone is gone: only the memory of the truncation is lifted.
pub(super) fn undo_set(ask: &Ask<'_>) -> Answer {
    let namespace = ask.required("namespace", MAX_NAMESPACE_SIZE)?;
    let set = ask.required("set", MAX_SET_SIZE)?;
    if let Some((namespace, _)) = share::find(ask, namespace)
        && let Some(id) = namespace.find_set(set.as_bytes()).filter(|id| *id != SetId::NONE)
    {
        namespace.sets.write().set_truncated(id, Moment::default());
    }
    Ok("ok".to_owned())
}

/// The same of a namespace.
pub(super) fn undo_namespace(ask: &Ask<'_>) -> Answer {
    let namespace = whole_namespace(ask)?;
    if let Some((namespace, _)) = share::find(ask, namespace) {
        *namespace.truncated.write() = Moment::default();
    }
    Ok("ok".to_owned())
}

/// A namespace, with no set beside it: who names one means something else.
fn whole_namespace<'a>(ask: &Ask<'a>) -> Result<&'a str, Refusal> {
    let namespace = ask.required("namespace", MAX_NAMESPACE_SIZE)?;
    match ask.parameter("set") {
        Some(_) => Err(Refusal::parameter("unexpected set name")),
        None => Ok(namespace),
    }
}

fn truncate(ask: &Ask<'_>, namespace: &str, set: Option<&str>, lut: Option<&str>) -> Answer {
    let now = Moment::now();
    let before = match lut {
        // a record written in this very millisecond goes too
        None => Moment(now.0 + 1),
        Some(lut) => {
            let nanos = number::leading(lut).0.ok_or(Refusal::parameter("would truncate in the future"))?;
            let at = Moment::from_unix_nanos(nanos).ok_or(Refusal::parameter("would truncate to 0"))?;
            if at > now {
                return Err(Refusal::parameter("would truncate in the future"));
            }
            at
        }
    };
    // an unknown namespace or set is none of the command's business
    let Some(index) = ask.state.find_namespace(namespace.as_bytes()) else { return Ok("ok".to_owned()) };
    let Some(shared) = ask.state.namespaces.get(index) else { return Ok("ok".to_owned()) };
    match set {
        None => {
            *shared.truncated.write() = before;
            ask.state.truncate(index, None, before);
        }
        Some(name) => {
            if let Some(id) = shared.find_set(name.as_bytes()).filter(|id| *id != SetId::NONE) {
                shared.sets.write().set_truncated(id, before);
                ask.state.truncate(index, Some(id), before);
            }
        }
    }
    Ok("ok".to_owned())
}
