//! Info commands: the text protocol of cluster tending and administration (protocol 4).
//!
//! | file | subject |
//! |---|---|
//! | `ask` | the grammar of a command, and of errors |
//! | `number` | numbers, as each parameter has them |
//! | `identity` | what a node says of itself and of its client |
//! | `topology` | addresses, peers, partition maps |
//! | `share` | a node's share of a namespace, as commands name it |
//! | `statistics` | namespaces, sets, counters |
//! | `config` | settings |
//! | `log` | levels of the log |
//! | `operation` | what operators of nodes ask for |
//! | `figures` | statistics without a connection |
//! | `consistency` | rosters, and partitions that were lost |
//! | `truncate` | truncations |
//! | `indexes`, `index_text` | secondary indexes, and how they are described |
//! | `jobs` | queries that run or ran |
//! | `udfs` | modules of functions |
//!
//! Every command is a line of [`COMMANDS`] or [`ENTERPRISE_COMMANDS`], but for the one that changes its connection's [`Session`].

mod ask;
mod config;
mod consistency;
mod figures;
mod identity;
mod index_text;
mod indexes;
mod jobs;
mod log;
mod number;
mod operation;
mod share;
mod statistics;
mod topology;
mod truncate;
mod udfs;

use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use crate::cluster::{Node, NodeIndex, State};
use crate::security::{Guard, needs};
use ask::{Ask, Refusal};
pub use figures::NodeStatistics;
pub(crate) use figures::statistics_of;

/// What any request is answered that comes before a login, whatever it asks for.
const NOT_AUTHENTICATED: &[u8] = b"ERROR:80:not authenticated\n";

/// What a command answers.
type Answer = Result<String, Refusal>;
type Handler = fn(&Ask<'_>) -> Answer;

/// Every command, by name. `sets/test` is the command `sets` with an argument.
const COMMANDS: &[(&str, Handler)] = &[
    ("admin-clear-std", identity::empty),
    ("admin-tls-std", identity::empty),
    ("alumni-clear-alt", topology::no_peers),
    ("alumni-clear-std", topology::alumni),
    ("best-practices", identity::practices),
    ("build", identity::build),
    ("build_arch", identity::build_arch),
    ("build_ee_sha", identity::empty),
    ("build_os", identity::build_os),
    ("build_sha", identity::build_sha),
    ("build_time", identity::empty),
    ("cluster-name", identity::cluster_name),
    ("cluster-stable", topology::cluster_stable),
    ("compatibility-id", identity::compatibility_id),
    ("config-get", config::get),
    ("config-set", config::set),
    ("connection", identity::connection),
    ("debug-record", operation::debug_record),
    ("debug-record-meta", operation::debug_record),
    ("digests", identity::digests),
    ("dump-cluster", operation::dump),
    ("dump-fabric", operation::dump),
    ("dump-hb", operation::dump),
    ("dump-hlc", operation::dump),
    ("dump-migrates", operation::dump),
    ("dump-rw", operation::nothing),
    ("dump-skew", operation::nothing),
    ("dump-wb-summary", operation::dump_writes),
    ("edition", identity::edition),
    ("endpoints", topology::endpoints),
    ("eviction-reset", operation::reset_evictions),
    ("features", identity::features),
    ("get-config", config::get),
    ("get-sl", topology::succession),
    ("get-stats", operation::shipping),
    ("health-outliers", identity::empty),
    ("health-stats", identity::empty),
    ("help", help),
    ("histogram", statistics::histogram),
    ("index-pressure", statistics::index_pressure),
    ("jem-stats", operation::allocator),
    ("latencies", statistics::latencies),
    ("log", log::levels),
    ("log-message", log::message),
    ("log-set", log::set),
    ("logs", log::sinks),
    ("mcast", operation::heartbeats),
    ("mesh", operation::heartbeats),
    ("name", identity::node),
    ("namespace", statistics::namespace),
    ("namespaces", statistics::namespaces),
    ("node", identity::node),
    ("objects", statistics::objects),
    ("partition-generation", topology::generation),
    ("partition-info", topology::partition_info),
    ("partitions", identity::partitions),
    ("peers-clear-alt", topology::no_peers),
    ("peers-clear-std", topology::peers),
    ("peers-generation", topology::generation),
    ("physical-devices", operation::devices),
    ("query-abort", jobs::abort),
    ("query-abort-all", jobs::abort_all),
    ("query-show", jobs::show),
    ("rebalance-generation", topology::generation),
    ("recluster", operation::recluster),
    ("release", identity::release),
    ("replicas", topology::replicas),
    ("replicas-all", topology::replicas_all),
    ("replicas-master", topology::replicas_master),
    ("service", topology::service),
    ("service-clear-alt", identity::empty),
    ("service-clear-std", topology::service),
    ("services", topology::services),
    ("services-alternate", identity::empty),
    ("services-alumni", topology::services),
    ("services-alumni-reset", operation::nothing),
    ("set-config", config::set),
    ("set-log", log::set),
    ("sets", statistics::sets),
    ("sindex", indexes::old_stat),
    ("sindex-create", indexes::create),
    ("sindex-delete", indexes::delete),
    ("sindex-exists", indexes::exists),
    ("sindex-list", indexes::list),
    ("sindex-stat", indexes::stat),
    ("smd-info", operation::metadata),
    ("smd-show", operation::metadata_of),
    ("statistics", statistics::statistics),
    ("status", identity::status),
    ("thread-traces", operation::nothing_to_tell),
    ("tip", operation::tip),
    ("tip-clear", operation::forget_tips),
    ("truncate", truncate::set),
    ("truncate-namespace", truncate::namespace),
    ("truncate-namespace-undo", truncate::undo_namespace),
    ("truncate-undo", truncate::undo_set),
    ("udf-clear-cache", operation::nothing),
    ("udf-get", udfs::get),
    ("udf-list", udfs::list),
    ("udf-put", udfs::put),
    ("udf-remove", udfs::remove),
    ("user-agents", identity::user_agents),
    ("version", identity::version),
];

/// Commands of clients, which those who operate a cluster are not told about.
#[rustfmt::skip]
const CLIENT_ONLY: &[&str] = &[
    "admin-clear-std", "admin-tls-std", "alumni-clear-alt", "alumni-clear-std", "config-get", "config-set", "connection", "digests",
    "endpoints", "mcast", "mesh", "name", "objects", "partition-info", "partitions", "rebalance-generation", "release", "replicas", "replicas-all",
    "replicas-master", "service-clear-alt", "service-clear-std", "service-tls-alt", "service-tls-std", "services-alternate", "sindex",
    "smd-info", "smd-show", "udf-clear-cache", "user-agents",
];

/// What a request that asks for nothing is answered with.
const DEFAULT_COMMANDS: &[&str] = &[
    "features",
    "node",
    "compatibility-id",
    "edition",
    "build_ee_sha",
    "build_sha",
    "build_arch",
    "build_time",
    "build_os",
    "build",
    "version",
    "statistics",
    "services-alumni",
    "services",
    "partition-generation",
];

/// What the Enterprise edition answers besides.
const ENTERPRISE_COMMANDS: &[(&str, Handler)] = &[
    ("peers-tls-alt", topology::no_peers),
    ("peers-tls-std", topology::tls_peers),
    ("rack-ids", topology::rack_ids),
    ("racks", topology::racks),
    ("revive", consistency::revive),
    ("roster", consistency::roster),
    ("service-tls-alt", identity::empty),
    ("service-tls-std", topology::tls_service),
];

/// Commands of the Enterprise edition that this server has nothing behind. A Community server knows and refuses them
/// all the same.
#[rustfmt::skip]
const ENTERPRISE_NAMES: &[&str] = &[
    "alumni-tls-alt", "alumni-tls-std", "feature-key", "masking", "masking-show", "quiesce", "quiesce-undo", "roster-set", "xdr-dc-state",
    "xdr-get-filter", "xdr-set-filter",
];

fn is_enterprise(name: &str) -> bool {
    find(ENTERPRISE_COMMANDS, name).is_some() || ENTERPRISE_NAMES.contains(&name)
}

/// The commands there are: those of the default answer first.
fn help(ask: &Ask<'_>) -> Answer {
    let enterprise = if ask.state.options.edition.is_enterprise() { ENTERPRISE_COMMANDS } else { &[] };
    let others = COMMANDS.iter().chain(enterprise).map(|(name, _)| *name);
    let mut others: Vec<_> =
        others.filter(|name| !DEFAULT_COMMANDS.contains(name) && !CLIENT_ONLY.contains(name)).collect();
    others.sort_unstable();
    Ok([DEFAULT_COMMANDS, &others].concat().join(";"))
}

fn find(commands: &[(&str, Handler)], name: &str) -> Option<Handler> {
    commands.iter().find(|(known, _)| *known == name).map(|(_, handler)| *handler)
}

/// What a connection remembers between info commands.
pub(crate) struct Session {
    state: Arc<State>,
    here: NodeIndex,
    /// What the client said of itself.
    user_agent: Option<String>,
}

impl Session {
    /// A connection to node `here`.
    pub(crate) fn new(state: Arc<State>, here: NodeIndex) -> Self {
        Self { state, here, user_agent: None }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        identity::forget_user_agent(self);
    }
}

/// Answers every command of a request: its line as it came, a tab, its value.
pub(crate) fn answer(session: &mut Session, guard: &mut Guard, body: &[u8], out: &mut BytesMut) {
    if guard.admit().is_err() {
        return out.put_slice(NOT_AUTHENTICATED);
    }
    if body.is_empty() {
        DEFAULT_COMMANDS.iter().for_each(|command| answer_line(session, guard, command.as_bytes(), out));
    }
    // what follows the last line feed is no command
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if let Some(line) = line.strip_suffix(b"\n") {
            answer_line(session, guard, line, out);
        }
    }
}

fn answer_line(session: &mut Session, guard: &mut Guard, line: &[u8], out: &mut BytesMut) {
    // a real server reads a line up to its first zero byte
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let value = run(session, guard, &String::from_utf8_lossy(line));
    out.put_slice(line);
    out.put_u8(b'\t');
    match value {
        Ok(value) => out.put_slice(value.as_bytes()),
        Err(refusal) => out.put_slice(refusal.to_string().as_bytes()),
    }
    out.put_u8(b'\n');
}

fn run(session: &mut Session, guard: &mut Guard, line: &str) -> Answer {
    let state = Arc::clone(&session.state);
    let Some(node) = state.nodes.get(session.here) else { return Err(Refusal::UNRECOGNIZED) };
    let ask = Ask::parse(line, &state, node);
    allow(guard, &ask)?;
    if ask.name == "user-agent-set" {
        let agent = identity::check_user_agent(&ask, session.user_agent.is_some())?;
        identity::remember_user_agent(session, node, agent);
        return Ok("ok".to_owned());
    }
    let is_community = !state.options.edition.is_enterprise();
    if is_community && is_enterprise(ask.name) {
        return Err(Refusal::ENTERPRISE);
    }
    let handler = find(COMMANDS, ask.name).or_else(|| find(ENTERPRISE_COMMANDS, ask.name));
    handler.map_or(Err(Refusal::UNRECOGNIZED), |handler| handler(&ask))
}

/// Refuses a command that its user may not give.
fn allow(guard: &mut Guard, ask: &Ask<'_>) -> Result<(), Refusal> {
    let needed = needs::of_info(ask.name);
    let namespace = ask.parameter("namespace").or_else(|| ask.parameter("ns")).unwrap_or_default();
    let set = ask.parameter("set").unwrap_or_default();
    guard.check(needed, namespace.as_bytes(), set.as_bytes()).map_err(|code| {
        let name = needed.first_name();
        Refusal::new(code, format!("role violation - requires permission '{name}'"))
    })
}

/// The members other than `node`.
fn others<'s>(state: &'s State, node: &'s Node) -> impl Iterator<Item = &'s Node> {
    state.members().map(|(_, other)| other).filter(|other| other.id != node.id)
}
