//! What a node says of itself, and what it notes of its client.

use aerospike_wire::limits::PARTITIONS;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::ask::{Ask, Refusal};
use super::{Answer, Session};
use crate::cluster::Node;

/// The build that is spoken for: clients choose features by it.
pub(super) const BUILD: &str = "8.1.1.2";
/// Both editions name the same ones.
const FEATURES: &str = "batch-any;batch-index;blob-bits;cdt-index;cdt-list;cdt-map;cluster-stable;float;geo;\
    sindex-exists;peers;pipelining;pquery;pscans;query-show;relaxed-sc;replicas;replicas-all;replicas-master;\
    replicas-max;truncate-namespace;udf";
/// Characters of a user agent in base64.
const MAX_USER_AGENT_TEXT: usize = 2047;
/// Bytes of a user agent, decoded.
const MAX_USER_AGENT: usize = 63;

fn text(value: &str) -> Answer {
    Ok(value.to_owned())
}

pub(super) fn build(ask: &Ask<'_>) -> Answer {
    Ok(ask.node.faults.ailing.get().build.clone().unwrap_or_else(|| BUILD.to_owned()))
}

pub(super) fn cluster_name(ask: &Ask<'_>) -> Answer {
    text(&ask.state.options.cluster_name)
}

pub(super) fn compatibility_id(_: &Ask<'_>) -> Answer {
    text("15")
}

pub(super) fn connection(_: &Ask<'_>) -> Answer {
    text("admin=false")
}

pub(super) fn digests(_: &Ask<'_>) -> Answer {
    text("RIPEMD160")
}

pub(super) fn edition(ask: &Ask<'_>) -> Answer {
    text(ask.state.options.edition.title())
}

pub(super) fn features(_: &Ask<'_>) -> Answer {
    text(FEATURES)
}

/// What a node was found to be set up badly in: a test's server has none of it.
pub(super) fn practices(_: &Ask<'_>) -> Answer {
    text("failed_best_practices=none")
}

/// For what there is none of.
pub(super) fn empty(_: &Ask<'_>) -> Answer {
    text("")
}

pub(super) fn node(ask: &Ask<'_>) -> Answer {
    text(&ask.node.id)
}

pub(super) fn partitions(_: &Ask<'_>) -> Answer {
    Ok(PARTITIONS.to_string())
}

pub(super) fn build_arch(_: &Ask<'_>) -> Answer {
    text(std::env::consts::ARCH)
}

pub(super) fn build_os(_: &Ask<'_>) -> Answer {
    text("local")
}

pub(super) fn build_sha(_: &Ask<'_>) -> Answer {
    text("embedded")
}

pub(super) fn release(ask: &Ask<'_>) -> Answer {
    let edition = ask.state.options.edition.title();
    Ok(format!("edition={edition};version={BUILD};os=local;arch={};sha=embedded", std::env::consts::ARCH))
}

pub(super) fn status(_: &Ask<'_>) -> Answer {
    text("ok")
}

pub(super) fn version(ask: &Ask<'_>) -> Answer {
    Ok(format!("{} build {BUILD}", ask.state.options.edition.title()))
}

/// Each text clients named themselves by, and how many connections did.
pub(super) fn user_agents(ask: &Ask<'_>) -> Answer {
    let agents = ask.node.user_agents.lock();
    Ok(agents.iter().map(|(agent, count)| format!("user-agent={agent}:count={count};")).collect())
}

/// Reads what a client names itself by: base64, which is kept as it came. It can do so once.
pub(super) fn check_user_agent(ask: &Ask<'_>, is_set: bool) -> Result<String, Refusal> {
    if is_set {
        return Err(Refusal::parameter("already set"));
    }
    let value = ask.required("value", MAX_USER_AGENT_TEXT)?;
    let decoded = BASE64.decode(value).map_err(|_| Refusal::parameter("'value' invalid base64"))?;
    if decoded.len() > MAX_USER_AGENT {
        return Err(Refusal::parameter("'value' value too long"));
    }
    Ok(value.to_owned())
}

/// Counts a client by its name until its connection ends.
pub(super) fn remember_user_agent(session: &mut Session, node: &Node, agent: String) {
    *node.user_agents.lock().entry(agent.clone()).or_default() += 1;
    session.user_agent = Some(agent);
}

/// Ends what [`remember_user_agent`] began.
pub(super) fn forget_user_agent(session: &mut Session) {
    let (Some(agent), Some(node)) = (session.user_agent.take(), session.state.nodes.get(session.here)) else { return };
    let mut agents = node.user_agents.lock();
    if let Some(count) = agents.get_mut(&agent) {
        *count -= 1;
        if *count == 0 {
            agents.remove(&agent);
        }
    }
}
