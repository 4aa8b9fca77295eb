//! Namespaces, sets, counters and settings. What tools and clients look at is counted; the rest of the real server's
//! long lists concerns disks, memory and threads that are not there.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use aerospike_wire::{PartitionId, ResultCode};

use super::Answer;
use super::ask::{Ask, Refusal};
use super::topology::cluster_key;
use crate::clock::Moment;
use crate::cluster::Node;
use crate::store::{Namespace, Phase, SetId, Store};
use crate::transaction;

/// Records and bytes of a set on a node.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    objects: usize,
    bytes: usize,
}

fn usage_by_set(store: &Store) -> HashMap<SetId, Usage> {
    let mut usage: HashMap<SetId, Usage> = HashMap::new();
    for id in PartitionId::all() {
        for (_, record) in store.lock(id).records() {
            let set = usage.entry(record.meta.set).or_default();
            set.objects += 1;
            set.bytes += record.storage_size(0);
        }
    }
    usage
}

pub(super) fn namespaces(ask: &Ask<'_>) -> Answer {
    let names: Vec<_> = ask.state.namespaces.iter().map(|namespace| namespace.name.as_str()).collect();
    Ok(names.join(";"))
}

/// The node's share of a namespace, by name.
pub(super) fn find<'a>(ask: &Ask<'a>, name: &str) -> Option<(&'a Namespace, &'a Store)> {
    let index = ask.state.find_namespace(name.as_bytes())?;
    ask.state.namespaces.get(index).zip(ask.node.stores.get(index))
}

pub(super) fn namespace(ask: &Ask<'_>) -> Answer {
    let Some((namespace, store)) = ask.argument(0).and_then(|name| find(ask, name)) else {
        return Ok("type=unknown".to_owned());
    };
    let map = ask.state.map();
    let (mut masters, mut others, mut bytes, mut tombstones) = (0, 0, 0, 0);
    let (unavailable, dead) = unusable(ask, namespace);
    for id in PartitionId::all() {
        let records = store.lock(id);
        let master = map.holders(id).first().and_then(|index| ask.state.nodes.get(*index));
        *(if master.is_some_and(|n| n.id == ask.node.id) { &mut masters } else { &mut others }) += records.len();
        tombstones += records.tombstone_count();
        bytes += records.records().map(|(_, record)| record.storage_size(0)).sum::<usize>();
    }
    let all = masters + others;
    let now = Moment::now();
    let truncated = *namespace.truncated.read();
    let truncated = if truncated == Moment::default() { 0 } else { truncated.0 };
    Ok(format!(
        "ns_cluster_size={};effective_replication_factor={};objects={all};tombstones={tombstones};master_objects={masters};\
         master_tombstones=0;prole_objects={others};prole_tombstones=0;non_replica_objects=0;\
         non_replica_tombstones=0;unreplicated_records=0;dead_partitions={dead};unavailable_partitions={unavailable};\
         clock_skew_stop_writes=false;stop_writes=false;hwm_breached=false;current_time={};truncate_lut={truncated};\
         truncating=false;data_used_bytes={bytes};data_used_pct=0;data_avail_pct=99;pending_quiesce=false;\
         effective_is_quiesced=false;nodes_quiesced=0;migrate_tx_partitions_active=0;migrate_rx_partitions_active=0;\
         migrate_tx_partitions_remaining=0;migrate_rx_partitions_remaining=0;migrate_signals_remaining=0;{}{}",
        ask.state.members().count(),
        map.copies(),
        now.seconds(),
        transactions(store),
        namespace_config(ask, namespace),
    ))
}

/// What is counted of transactions.
fn transactions(store: &Store) -> String {
    let (mut provisionals, mut monitors, mut active) = (0, 0, 0);
    for id in PartitionId::all() {
        let records = store.lock(id);
        provisionals += records.provisionals().len();
        monitors += records.monitors().count();
        active += records.monitors().filter(|monitor| monitor.phase == Phase::Back).count();
    }
    let mut out = format!("mrt_provisionals={provisionals};mrt_monitors={monitors};mrt_monitors_active={active};");
    for (name, count) in store.counters.iter() {
        let _ = write!(out, "{name}={count};"); // writing to a string cannot fail
    }
    out
}

/// Partitions that this node would be the master of and that cannot be used, and those whose copies are lost.
fn unusable(ask: &Ask<'_>, namespace: &Namespace) -> (usize, usize) {
    if !namespace.strong_consistency {
        return (0, 0);
    }
    let dead = PartitionId::all().filter(|id| namespace.dead.read().contains(*id)).count();
    let unavailable = PartitionId::all().filter(|id| !ask.state.is_available(namespace, *id)).count();
    (unavailable - dead.min(unavailable), dead)
}

fn namespace_config(ask: &Ask<'_>, namespace: &Namespace) -> String {
    format!(
        "allow-ttl-without-nsup=false;apply-ttl-reductions=true;conflict-resolution-policy=generation;\
         default-read-touch-ttl-pct=0;default-ttl={};max-record-size=1048576;nsup-period={};\
         replication-factor={};strong-consistency={};strong-consistency-allow-expunge=false;disable-mrt-writes=false;mrt-duration={};\
         transaction-pending-limit=20;\
         geo2dsphere-within.strict=true;geo2dsphere-within.min-level=1;geo2dsphere-within.max-level=20;\
         geo2dsphere-within.max-cells=12;geo2dsphere-within.level-mod=1;\
         geo2dsphere-within.earth-radius-meters=6371000;index-type=mem;sindex-type=mem;storage-engine=memory",
        namespace.default_ttl,
        ask.state.options.nsup_period,
        ask.state.options.replication_factor,
        namespace.strong_consistency,
        transaction::DEFAULT_DURATION,
    )
}

/// `sets`, `sets/<namespace>` or `sets/<namespace>/<set>`.
pub(super) fn sets(ask: &Ask<'_>) -> Answer {
    let wanted = ask.argument(1);
    if ask.argument(0).or_else(|| ask.parameter("namespace")).is_some_and(|name| find(ask, name).is_none()) {
        return Ok("ns_type=unknown".to_owned());
    }
    let mut out = String::new();
    for (namespace, store) in ask.state.namespaces.iter().zip(&ask.node.stores) {
        if ask.argument(0).is_some_and(|name| name != namespace.name) {
            continue;
        }
        let usage = usage_by_set(store);
        for (id, set) in namespace.sets.read().iter() {
            let name = String::from_utf8_lossy(&set.name);
            if wanted.is_some_and(|wanted| wanted != name) {
                continue;
            }
            if wanted.is_none() {
                let _ = write!(out, "ns={}:set={name}:", namespace.name); // writing to a string cannot fail
            }
            let Usage { objects, bytes } = usage.get(&id).copied().unwrap_or_default();
            let truncated = set.truncated.0;
            let indexes = namespace.indexes.read().iter().filter(|index| index.set.as_deref() == Some(&*name)).count();
            let _ = write!(
                out,
                "objects={objects}:tombstones=0:data_used_bytes={bytes}:truncate_lut={truncated}:\
                 sindexes={indexes}:\
                 index_populating=false:truncating=false:default-read-touch-ttl-pct=0:default-ttl=0:\
                 disable-eviction=false:enable-index=false:stop-writes-count=0:stop-writes-size=0;"
            );
        }
    }
    match ask.argument(0) {
        Some(name) if find(ask, name).is_none() => Ok("ns_type=unknown".to_owned()),
        _ => Ok(out),
    }
}

fn object_count(node: &Node) -> usize {
    node.stores.iter().flat_map(|store| PartitionId::all().map(|id| store.lock(id).len())).sum()
}

pub(super) fn statistics(ask: &Ask<'_>) -> Answer {
    let principal = ask.state.members().last().map_or("0", |(_, node)| node.id.as_str());
    let opened = ask.node.opened.load(Ordering::Relaxed);
    let open = ask.node.connection_count();
    Ok(format!(
        "failed_best_practices=false;cluster_size={};cluster_key={};cluster_generation={};\
         cluster_principal={principal};cluster_min_compatibility_id=15;cluster_max_compatibility_id=15;\
         cluster_integrity=true;cluster_is_member=true;cluster_duplicate_nodes=null;\
         cluster_clock_skew_stop_writes_sec=0;cluster_clock_skew_ms=0;cluster_clock_skew_outliers=null;uptime={};\
         objects={};tombstones=0;client_connections={open};client_connections_opened={opened};\
         client_connections_closed={};paxos_principal={principal};migrate_allowed=true;\
         migrate_partitions_remaining=0",
        ask.state.members().count(),
        cluster_key(ask.state),
        ask.state.generation(),
        ask.state.started.elapsed().as_secs(),
        object_count(ask.node),
        opened.saturating_sub(open as u64),
    ))
}

/// `get-config:`, of the service or of a namespace.
pub(super) fn config(ask: &Ask<'_>) -> Answer {
    let options = &ask.state.options;
    let service = || {
        format!(
            "batch-max-requests={};cluster-name={};node-id={};proto-fd-idle-ms=0;proto-fd-max={};\
             query-threads-limit=128;transaction-max-ms=1000;transaction-retry-ms=1002",
            options.batch_max_requests,
            options.cluster_name,
            ask.node.id,
            crate::cluster::MAX_CONNECTIONS,
        )
    };
    if !ask.has_parameters() {
        return Ok(service());
    }
    match ask.required("context")? {
        "service" => Ok(service()),
        "network" => Ok(network_config(ask)),
        "namespace" => {
            let name = ask.parameter("namespace").or_else(|| ask.parameter("id"));
            let name = name.ok_or(Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "missing 'namespace'"))?;
            let unknown = || Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "namespace not found on node");
            find(ask, name).map(|(namespace, _)| namespace_config(ask, namespace)).ok_or_else(unknown)
        }
        // neither is there in the Community edition
        "security" | "xdr" => Ok(String::new()),
        _ => Err(Refusal::parameter("invalid context")),
    }
}

/// `set-config:`. No parameter of a node can be changed while it runs.
pub(super) fn set_config(ask: &Ask<'_>) -> Answer {
    match ask.required("context")? {
        "service" | "network" | "security" => {}
        "namespace" => {
            let name = ask.parameter("namespace").or_else(|| ask.parameter("id"));
            let name = name.ok_or(Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "missing 'namespace'"))?;
            find(ask, name).ok_or(Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "namespace not found on node"))?;
        }
        _ => return Err(Refusal::parameter("invalid context")),
    }
    Err(Refusal::parameter("invalid set-config parameter"))
}

/// Where a node listens.
fn network_config(ask: &Ask<'_>) -> String {
    let address = ask.node.address;
    format!("service.port={};service.address={}", address.port(), address.ip())
}

/// How long commands took at this node: every histogram, or one.
pub(super) fn latencies(ask: &Ask<'_>) -> Answer {
    let names = ask.state.namespaces.iter().map(|namespace| namespace.name.as_str());
    let texts = ask.node.latencies.texts(names);
    let mut lines = texts.iter().map(|(name, text)| format!("{name}:{text}"));
    match ask.parameter("hist") {
        None => Ok(lines.collect::<Vec<_>>().join(";")),
        Some(wanted) => {
            let line = texts.iter().position(|(name, _)| name == wanted).and_then(|place| lines.nth(place));
            line.ok_or_else(|| Refusal::parameter("bad hist name"))
        }
    }
}
