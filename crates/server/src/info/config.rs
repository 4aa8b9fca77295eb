//! Settings: what a node and a namespace are set to, and the little that can be changed while they run.
//!
//! Tools set parameters to what they are already, and tests set the default time to live; the rest of the real server's
//! long list concerns disks, memory and threads that are not there, and is refused.

use std::fmt::Write as _;

use super::ask::{Ask, Refusal};
use super::share::find_required;
use super::{Answer, number};
use crate::store::Namespace;
use crate::transaction;

const MAX_CONTEXT_SIZE: usize = 1023;
/// The longest time to live.
const MOST_SECONDS: u32 = 10 * 365 * 24 * 60 * 60;
/// How the namespace of a setting is named: today, and long ago.
const NAMESPACE: [&str; 2] = ["namespace", "id"];
/// What a setting that cannot be changed is refused with.
const INVALID: Refusal = Refusal::constant("invalid set-config parameter");

/// Settings in the order they are told, with their values.
type Settings = Vec<(&'static str, String)>;

/// `get-config:`, of the service, the network or a namespace.
pub(super) fn get(ask: &Ask<'_>) -> Answer {
    if ask.text().is_empty() {
        return Ok(text(&[service(ask), network(ask)].concat()));
    }
    match ask.required("context", MAX_CONTEXT_SIZE)? {
        "service" => Ok(text(&service(ask))),
        "network" => Ok(text(&network(ask))),
        "namespace" => {
            find_required(ask, &NAMESPACE, MAX_CONTEXT_SIZE).map(|(namespace, _)| text(&of_namespace(ask, namespace)))
        }
        // neither is there in the Community edition
        "security" | "xdr" => Ok(String::new()),
        _ => Err(Refusal::parameter("invalid context")),
    }
}

/// `set-config:`. A setting that has the value already is as well as set.
pub(super) fn set(ask: &Ask<'_>) -> Answer {
    let is_community = !ask.state.options.edition.is_enterprise();
    let settings = match ask.required("context", MAX_CONTEXT_SIZE)? {
        "service" => service(ask),
        "network" => network(ask),
        "namespace" => {
            let (namespace, _) = find_required(ask, &NAMESPACE, MAX_CONTEXT_SIZE)?;
            if let Some(seconds) = ask.parameter("default-ttl") {
                let seconds = number::seconds(seconds).filter(|seconds| *seconds <= MOST_SECONDS).ok_or(INVALID)?;
                namespace.set_default_ttl(seconds);
                return Ok("ok".to_owned());
            }
            of_namespace(ask, namespace)
        }
        "security" | "xdr" if is_community => return Err(Refusal::ENTERPRISE),
        "security" | "xdr" => Settings::new(),
        _ => return Err(Refusal::parameter("invalid context")),
    };
    let is_set = settings.iter().any(|(name, value)| ask.parameter(name).is_some_and(|wanted| wanted == value));
    if is_set { Ok("ok".to_owned()) } else { Err(INVALID) }
}

fn text(settings: &[(&str, String)]) -> String {
    let mut out = String::new();
    for (at, (name, value)) in settings.iter().enumerate() {
        let separator = if at == 0 { "" } else { ";" };
        let _ = write!(out, "{separator}{name}={value}"); // writing to a string cannot fail
    }
    out
}

fn service(ask: &Ask<'_>) -> Settings {
    let options = &ask.state.options;
    vec![
        ("batch-max-requests", options.batch_max_requests.to_string()),
        ("cluster-name", options.cluster_name.clone()),
        ("node-id", ask.node.id.clone()),
        ("proto-fd-idle-ms", "0".to_owned()),
        ("proto-fd-max", crate::cluster::MAX_CONNECTIONS.to_string()),
        ("query-threads-limit", "128".to_owned()),
        ("transaction-max-ms", "1000".to_owned()),
        ("transaction-retry-ms", "1002".to_owned()),
    ]
}

/// Where a node listens.
fn network(ask: &Ask<'_>) -> Settings {
    let address = ask.node.address;
    vec![("service.port", address.port().to_string()), ("service.address", address.ip().to_string())]
}

/// What a namespace is set to, as `namespace/<name>` tells it as well.
pub(super) fn namespace_text(ask: &Ask<'_>, namespace: &Namespace) -> String {
    text(&of_namespace(ask, namespace))
}

fn of_namespace(ask: &Ask<'_>, namespace: &Namespace) -> Settings {
    let fixed = |name, value: &str| (name, value.to_owned());
    vec![
        fixed("allow-ttl-without-nsup", "false"),
        fixed("apply-ttl-reductions", "true"),
        fixed("conflict-resolution-policy", "generation"),
        fixed("default-read-touch-ttl-pct", "0"),
        ("default-ttl", namespace.default_ttl().to_string()),
        fixed("max-record-size", "1048576"),
        ("nsup-period", ask.state.options.nsup_period.to_string()),
        ("replication-factor", ask.state.options.replication_factor.to_string()),
        ("strong-consistency", namespace.strong_consistency.to_string()),
        fixed("strong-consistency-allow-expunge", "false"),
        fixed("disable-mrt-writes", "false"),
        ("mrt-duration", transaction::DEFAULT_DURATION.to_string()),
        fixed("transaction-pending-limit", "20"),
        fixed("geo2dsphere-within.strict", "true"),
        fixed("geo2dsphere-within.min-level", "1"),
        fixed("geo2dsphere-within.max-level", "20"),
        fixed("geo2dsphere-within.max-cells", "12"),
        fixed("geo2dsphere-within.level-mod", "1"),
        fixed("geo2dsphere-within.earth-radius-meters", "6371000"),
        fixed("index-type", "mem"),
        fixed("sindex-type", "mem"),
        fixed("storage-engine", "memory"),
    ]
}
