//! Namespaces, sets and counters. What tools and clients look at is counted; the rest of the real server's
//! long lists concerns disks, memory and threads that are not there.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use aerospike_wire::PartitionId;
use aerospike_wire::limits::MAX_SET_SIZE;

use super::ask::{Ask, Refusal};
use super::share::{find, find_required};
use super::topology::cluster_key;
use super::{Answer, config};
use crate::clock::Moment;
use crate::cluster::Node;
use crate::store::{Namespace, Phase, SetId, Store};

/// Letters of the kind of a histogram.
const MAX_NAME_SIZE: usize = 127;

/// Records, those removed durably, and bytes of a set on a node.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    objects: usize,
    tombstones: usize,
    bytes: usize,
}

fn usage_by_set(store: &Store) -> HashMap<SetId, Usage> {
    let mut usage: HashMap<SetId, Usage> = HashMap::new();
    for id in PartitionId::all() {
        let records = store.lock(id);
        for (_, record) in records.records() {
            let set = usage.entry(record.meta.set).or_default();
            set.objects += 1;
            set.bytes += record.storage_size(0);
        }
        for tombstone in records.tombstones() {
            usage.entry(tombstone.set).or_default().tombstones += 1;
        }
    }
    usage
}

pub(super) fn namespaces(ask: &Ask<'_>) -> Answer {
    let names: Vec<_> = ask.state.namespaces.iter().map(|namespace| namespace.name.as_str()).collect();
    Ok(names.join(";"))
}

pub(super) fn namespace(ask: &Ask<'_>) -> Answer {
    let Some((namespace, store)) = find(ask, ask.text()) else {
        return Ok("type=unknown".to_owned());
    };
    let map = ask.state.map();
    // records and those removed durably, of partitions whose master this node is and of the others
    let (mut masters, mut others, mut bytes) = ([0, 0], [0, 0], 0);
    let (unavailable, dead) = unusable(ask, namespace);
    for id in PartitionId::all() {
        let records = store.lock(id);
        let master = map.holders(id).first().and_then(|index| ask.state.nodes.get(*index));
        let held = if master.is_some_and(|n| n.id == ask.node.id) { &mut masters } else { &mut others };
        held[0] += records.len();
        held[1] += records.tombstones().count();
        bytes += records.records().map(|(_, record)| record.storage_size(0)).sum::<usize>();
    }
    let ([masters, buried_masters], [others, buried_others]) = (masters, others);
    let (all, buried) = (masters + others, buried_masters + buried_others);
    let ailment = ask.node.faults.ailing.get();
    let now = Moment(Moment::now().0.saturating_add_signed(ailment.clock_ahead));
    let (stops_writes, migrating) = (ailment.stops_writes, ailment.migrating);
    let truncated = *namespace.truncated.read();
    let truncated = if truncated == Moment::default() { 0 } else { truncated.0 };
    Ok(format!(
        "ns_cluster_size={};effective_replication_factor={};objects={all};tombstones={buried};master_objects={masters};\
         master_tombstones={buried_masters};prole_objects={others};prole_tombstones={buried_others};non_replica_objects=0;\
         non_replica_tombstones=0;unreplicated_records=0;dead_partitions={dead};unavailable_partitions={unavailable};\
         clock_skew_stop_writes=false;stop_writes={stops_writes};hwm_breached=false;current_time={};truncate_lut={truncated};\
         truncating=false;data_used_bytes={bytes};data_used_pct=0;data_avail_pct=99;pending_quiesce=false;\
         effective_is_quiesced=false;nodes_quiesced=0;migrate_tx_partitions_active=0;migrate_rx_partitions_active=0;\
         migrate_tx_partitions_remaining={migrating};migrate_rx_partitions_remaining=0;migrate_signals_remaining=0;{}{}",
        ask.state.members().count(),
        map.copies(),
        now.seconds(),
        transactions(store),
        config::namespace_text(ask, namespace),
    ))
}

/// What is counted of transactions.
fn transactions(store: &Store) -> String {
    let (mut provisionals, mut monitors, mut active) = (0, 0, 0);
    for id in PartitionId::all() {
        let records = store.lock(id);
        provisionals += records.provisionals().len();
        monitors += records.monitors().count();
        active += records.monitors().filter(|monitor| monitor.phase == Phase::Back && !monitor.is_ended).count();
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

/// `sets`, `sets/<namespace>` or `sets/<namespace>/<set>`.
pub(super) fn sets(ask: &Ask<'_>) -> Answer {
    let (of, wanted) = match ask.text().split_once('/') {
        Some((of, wanted)) => (Some(of), Some(wanted)),
        None => (Some(ask.text()).filter(|of| !of.is_empty()), None),
    };
    if of.is_some_and(|name| find(ask, name).is_none()) {
        return Ok("ns_type=unknown".to_owned());
    }
    let mut out = String::new();
    for (namespace, store) in ask.state.namespaces.iter().zip(&ask.node.stores) {
        if of.is_some_and(|name| name != namespace.name) {
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
            let Usage { objects, tombstones, bytes } = usage.get(&id).copied().unwrap_or_default();
            let truncated = set.truncated.0;
            let indexes = namespace.indexes.read().iter().filter(|index| index.set.as_deref() == Some(&*name)).count();
            let _ = write!(
                out,
                "objects={objects}:tombstones={tombstones}:data_used_bytes={bytes}:truncate_lut={truncated}:\
                 sindexes={indexes}:\
                 index_populating=false:truncating=false:default-read-touch-ttl-pct=0:default-ttl=0:\
                 disable-eviction=false:enable-index=false:stop-writes-count=0:stop-writes-size=0;"
            );
        }
    }
    Ok(out)
}

/// How many records a node has.
pub(super) fn objects(ask: &Ask<'_>) -> Answer {
    Ok(object_count(ask.node).to_string())
}

/// A distribution of sizes or times to live. None is kept here, as on a real server before it has first looked.
pub(super) fn histogram(ask: &Ask<'_>) -> Answer {
    const KINDS: [&str; 3] = ["ttl", "object-size", "object-size-linear"];
    let (namespace, _) = find_required(ask, &["namespace"], MAX_NAME_SIZE)?;
    let kind = ask.required("type", MAX_NAME_SIZE)?;
    let set = ask.optional("set", MAX_SET_SIZE)?;
    if set.is_some_and(|set| namespace.find_set(set.as_bytes()).is_none()) {
        return Err(Refusal::parameter("unknown set name"));
    }
    if !KINDS.contains(&kind) {
        return Err(Refusal::parameter("unknown hist name"));
    }
    Ok(set.map_or("", |_| "hist-unavailable").to_owned())
}

/// Pages of the index that are not in memory: there are none that could be elsewhere.
pub(super) fn index_pressure(ask: &Ask<'_>) -> Answer {
    let lines: Vec<_> = ask.state.namespaces.iter().map(|namespace| format!("{}:0:0", namespace.name)).collect();
    Ok(lines.join(";"))
}

fn object_count(node: &Node) -> usize {
    node.stores.iter().flat_map(|store| PartitionId::all().map(|id| store.lock(id).len())).sum()
}

fn tombstone_count(node: &Node) -> usize {
    node.stores.iter().flat_map(|store| PartitionId::all().map(|id| store.lock(id).tombstones().count())).sum()
}

pub(super) fn statistics(ask: &Ask<'_>) -> Answer {
    let principal = ask.state.members().last().map_or("0", |(_, node)| node.id.as_str());
    let opened = ask.node.opened.load(Ordering::Relaxed);
    let open = ask.node.connection_count();
    let migrating = ask.node.faults.ailing.get().migrating as usize * ask.state.namespaces.len();
    Ok(format!(
        "failed_best_practices=false;cluster_size={};cluster_key={};cluster_generation={};\
         cluster_principal={principal};cluster_min_compatibility_id=15;cluster_max_compatibility_id=15;\
         cluster_integrity=true;cluster_is_member=true;cluster_duplicate_nodes=null;\
         cluster_clock_skew_stop_writes_sec=0;cluster_clock_skew_ms=0;cluster_clock_skew_outliers=null;uptime={};\
         objects={};tombstones={};client_connections={open};client_connections_opened={opened};\
         client_connections_closed={};paxos_principal={principal};migrate_allowed=true;\
         migrate_partitions_remaining={migrating}",
        ask.state.members().count(),
        cluster_key(ask.state),
        ask.state.generation(),
        ask.state.started.elapsed().as_secs(),
        object_count(ask.node),
        tombstone_count(ask.node),
        opened.saturating_sub(open as u64),
    ))
}

/// How long commands took at this node: every histogram, or one.
pub(super) fn latencies(ask: &Ask<'_>) -> Answer {
    let names = ask.state.namespaces.iter().map(|namespace| namespace.name.as_str());
    let texts = ask.node.latencies.texts(names);
    let mut lines = texts.iter().map(|(name, text)| format!("{name}:{text}"));
    let Some(wanted) = ask.optional("hist", MAX_HISTOGRAM_SIZE)? else {
        return Ok(lines.collect::<Vec<_>>().join(";"));
    };
    if let Some(line) = texts.iter().position(|(name, _)| name == wanted).and_then(|place| lines.nth(place)) {
        return Ok(line);
    }
    // those that a server keeps only if it is told to are empty
    let (of, kind) = match wanted.strip_prefix('{').and_then(|rest| rest.split_once("}-")) {
        Some((namespace, kind)) if find(ask, namespace).is_some() => (format!("{{{namespace}}}-"), kind),
        Some(_) => return Err(Refusal::parameter("bad hist name")),
        None => (String::new(), wanted),
    };
    let of_namespace = !of.is_empty();
    let kept = OPTIONAL_HISTOGRAMS.iter().find(|(name, of, _)| *name == kind && *of == of_namespace);
    let (_, _, parts) = kept.ok_or(Refusal::parameter("bad hist name"))?;
    let lines: Vec<_> = parts.iter().map(|part| format!("{of}{part}:")).collect();
    Ok(lines.join(";"))
}

const MAX_HISTOGRAM_SIZE: usize = 99;

/// Histograms that are not kept: name, whether there is one of each namespace, and what it is made of.
const OPTIONAL_HISTOGRAMS: &[(&str, bool, &[&str])] = &[
    ("info", false, &["info"]),
    (
        "benchmarks-fabric",
        false,
        &[
            "fabric-bulk-send-init",
            "fabric-bulk-send-fragment",
            "fabric-bulk-recv-fragment",
            "fabric-bulk-recv-cb",
            "fabric-ctrl-send-init",
            "fabric-ctrl-send-fragment",
            "fabric-ctrl-recv-fragment",
            "fabric-ctrl-recv-cb",
            "fabric-meta-send-init",
            "fabric-meta-send-fragment",
            "fabric-meta-recv-fragment",
            "fabric-meta-recv-cb",
            "fabric-rw-send-init",
            "fabric-rw-send-fragment",
            "fabric-rw-recv-fragment",
            "fabric-rw-recv-cb",
        ],
    ),
    ("read-touch", true, &["read-touch"]),
    ("re-repl", true, &["re-repl"]),
    ("proxy", true, &["proxy"]),
    (
        "benchmarks-read",
        true,
        &["read-start", "read-restart", "read-dup-res", "read-repl-ping", "read-local", "read-response"],
    ),
    (
        "benchmarks-write",
        true,
        &["write-start", "write-restart", "write-dup-res", "write-master", "write-repl-write", "write-response"],
    ),
    (
        "benchmarks-udf",
        true,
        &["udf-start", "udf-restart", "udf-dup-res", "udf-master", "udf-repl-write", "udf-response"],
    ),
    (
        "benchmarks-batch-sub",
        true,
        &[
            "batch-sub-prestart",
            "batch-sub-start",
            "batch-sub-restart",
            "batch-sub-dup-res",
            "batch-sub-repl-ping",
            "batch-sub-read-local",
            "batch-sub-write-master",
            "batch-sub-udf-master",
            "batch-sub-repl-write",
            "batch-sub-response",
        ],
    ),
    (
        "benchmarks-udf-sub",
        true,
        &[
            "udf-sub-start",
            "udf-sub-restart",
            "udf-sub-dup-res",
            "udf-sub-master",
            "udf-sub-repl-write",
            "udf-sub-response",
        ],
    ),
    (
        "benchmarks-ops-sub",
        true,
        &[
            "ops-sub-start",
            "ops-sub-restart",
            "ops-sub-dup-res",
            "ops-sub-master",
            "ops-sub-repl-write",
            "ops-sub-response",
        ],
    ),
];
