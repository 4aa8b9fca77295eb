//! Strongly consistent namespaces: who belongs to them, and partitions whose copies were all lost.

use aerospike_wire::ResultCode;
use aerospike_wire::info::PartitionBitmap;
use aerospike_wire::limits::MAX_NAMESPACE_SIZE;

use super::Answer;
use super::ask::{Ask, Refusal};
use crate::store::Namespace;

fn find<'a>(ask: &Ask<'a>, name: &str) -> Result<&'a Namespace, Refusal> {
    let index = ask.state.find_namespace(name.as_bytes());
    let namespace = index.and_then(|index| ask.state.namespaces.get(index));
    namespace.ok_or_else(|| Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "unknown namespace"))
}

/// Uses partitions again whose copies were all lost, without their records.
pub(super) fn revive(ask: &Ask<'_>) -> Answer {
    let namespace = find(ask, ask.required("namespace", MAX_NAMESPACE_SIZE)?)?;
    if !namespace.strong_consistency {
        return Err(Refusal::parameter("namespace is not strong-consistency"));
    }
    *namespace.dead.write() = PartitionBitmap::empty();
    Ok("ok".to_owned())
}

/// The nodes that belong to a namespace, or to each: every node there ever was.
pub(super) fn roster(ask: &Ask<'_>) -> Answer {
    let nodes = |is_wanted: &dyn Fn(usize) -> bool| {
        let wanted = ask.state.nodes.iter().enumerate().filter(|(index, _)| is_wanted(*index));
        wanted.map(|(_, node)| node.id.as_str()).collect::<Vec<_>>().join(",")
    };
    let all = nodes(&|_| true);
    let observed = nodes(&|index| ask.state.members().any(|(member, _)| member == index));
    let line = |namespace: &Namespace| match namespace.strong_consistency {
        true => format!("roster={all}:pending_roster={all}:observed_nodes={observed}"),
        false => "roster=null:pending_roster=null:observed_nodes=null".to_owned(),
    };
    match ask.optional("namespace", MAX_NAMESPACE_SIZE)? {
        Some(name) => find(ask, name).map(line),
        None => {
            let lines: Vec<_> = ask.state.namespaces.iter().map(|ns| format!("ns={}:{}", ns.name, line(ns))).collect();
            Ok(lines.join(";"))
        }
    }
}
