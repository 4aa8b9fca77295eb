//! Addresses, peers and partition maps: what clients tend a cluster by.

use std::net::SocketAddr;

use aerospike_wire::info::PartitionBitmap;
use aerospike_wire::limits::MAX_NAMESPACE_SIZE;
use aerospike_wire::{PartitionId, ResultCode};

use super::ask::{Ask, Refusal};
use super::{Answer, number, others};
use crate::cluster::{Node, NodeIndex, State};

/// Digits of a number of nodes.
const MAX_COUNT_SIZE: usize = 3;
/// The port that peers lists leave out.
const DEFAULT_PORT: u16 = 3000;
/// The rack of nodes that were given none.
const RACK: u32 = 0;

/// One generation for peers and partitions: both change exactly when a node comes or goes.
pub(super) fn generation(ask: &Ask<'_>) -> Answer {
    Ok(ask.state.generation().to_string())
}

pub(super) fn peers(ask: &Ask<'_>) -> Answer {
    Ok(peers_at(ask, others(ask.state, ask.node), "", |node| Some(node.address)))
}

/// The same with the nodes that are gone.
pub(super) fn alumni(ask: &Ask<'_>) -> Answer {
    let nodes = ask.state.nodes.iter().filter(|node| node.id != ask.node.id);
    Ok(peers_at(ask, nodes, "", |node| Some(node.address)))
}

/// The same, of encrypted connections.
pub(super) fn tls_peers(ask: &Ask<'_>) -> Answer {
    let name = ask.state.options.tls.as_ref().map_or("", |tls| tls.name.as_str());
    Ok(peers_at(ask, others(ask.state, ask.node), name, |node| node.tls_address))
}

fn peers_at<'s>(
    ask: &Ask<'_>,
    nodes: impl Iterator<Item = &'s Node>,
    tls_name: &str,
    address_of: impl Fn(&Node) -> Option<SocketAddr>,
) -> String {
    let text = |address: SocketAddr| match address.port() {
        DEFAULT_PORT => address.ip().to_string(),
        _ => address.to_string(),
    };
    let peer = |node: &Node| {
        let own = text(address_of(node)?);
        let announced = node.faults.ailing.get().announced.clone().unwrap_or(own);
        Some(format!("[{},{tls_name},[{announced}]]", node.id))
    };
    let peers: Vec<_> = nodes.filter_map(peer).collect();
    format!("{},{DEFAULT_PORT},[{}]", ask.state.generation(), peers.join(","))
}

/// No node has an alternate address.
pub(super) fn no_peers(ask: &Ask<'_>) -> Answer {
    Ok(format!("{},{DEFAULT_PORT},[]", ask.state.generation()))
}

pub(super) fn service(ask: &Ask<'_>) -> Answer {
    Ok(ask.node.faults.ailing.get().announced.clone().unwrap_or_else(|| ask.node.address.to_string()))
}

/// Where it takes encrypted connections; nowhere, for most.
pub(super) fn tls_service(ask: &Ask<'_>) -> Answer {
    Ok(ask.node.tls_address.map(|address| address.to_string()).unwrap_or_default())
}

pub(super) fn services(ask: &Ask<'_>) -> Answer {
    let others: Vec<_> = others(ask.state, ask.node).map(|node| node.address.to_string()).collect();
    Ok(others.join(";"))
}

/// The nodes of each rack, for every namespace: all of them in rack 0.
pub(super) fn racks(ask: &Ask<'_>) -> Answer {
    let nodes: Vec<_> = ask.state.members().map(|(_, node)| node.id.as_str()).collect();
    let rack = format!("rack_{RACK}={}", nodes.join(","));
    match ask.optional("namespace", MAX_NAMESPACE_SIZE)? {
        None => {
            let lines: Vec<_> = ask.state.namespaces.iter().map(|ns| format!("ns={}:{rack}", ns.name)).collect();
            Ok(lines.join(";"))
        }
        Some(name) if ask.state.find_namespace(name.as_bytes()).is_some() => Ok(format!("ns={name}:{rack}")),
        Some(_) => Err(Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "namespace not found on node")),
    }
}

/// The rack that the asked node is in, for every namespace.
pub(super) fn rack_ids(ask: &Ask<'_>) -> Answer {
    let lines: Vec<_> = ask.state.namespaces.iter().map(|ns| format!("{}:{RACK}", ns.name)).collect();
    Ok(lines.join(";"))
}

/// A key that all members agree on and that changes with them.
pub(super) fn cluster_key(state: &State) -> String {
    let members = state.members().fold(0, |bits: u64, (index, _)| bits | (1 << index));
    let mixed = ((members << 32) | (state.generation() + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:012X}", (mixed >> 16) | (1 << 47))
}

pub(super) fn cluster_stable(ask: &Ask<'_>) -> Answer {
    if let Some(size) = ask.optional("size", MAX_COUNT_SIZE)? {
        let wanted = number::unsigned(size).ok_or(Refusal::parameter("bad size"))?;
        if wanted as usize != ask.state.members().count() {
            return Err(Refusal::new(ResultCode::CLUSTER_KEY_MISMATCH, "cluster not specified size"));
        }
    }
    // nothing is under way when a command is answered; only then does it matter of which namespace
    if !ask.flag("ignore-migrations", "false".len(), "bad ignore migrations")?
        && let Some(namespace) = ask.optional("namespace", MAX_NAMESPACE_SIZE)?
        && ask.state.find_namespace(namespace.as_bytes()).is_none()
    {
        return Err(Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "namespace not found on node"));
    }
    Ok(cluster_key(ask.state))
}

/// The nodes of the cluster, those that come first in the order of their ids last.
pub(super) fn succession(ask: &Ask<'_>) -> Answer {
    let mut ids: Vec<_> = ask.state.members().map(|(_, node)| node.id.as_str()).collect();
    ids.reverse();
    Ok(ids.join(","))
}

/// Where a node listens, for clients and for other nodes. Nodes of this server share a process and have no addresses
/// for one another.
pub(super) fn endpoints(ask: &Ask<'_>) -> Answer {
    let (address, tls) = (ask.node.address, ask.node.tls_address);
    let tls_port = tls.map_or(0, |tls| tls.port());
    let tls_host = tls.map_or_else(|| "null".to_owned(), |tls| tls.ip().to_string());
    let (port, host) = (address.port(), address.ip());
    Ok(format!(
        "service.port={port};service.addresses={host};service.access-port={port};service.access-addresses=null;\
         service.alternate-access-port={port};service.alternate-access-addresses=null;service.tls-port={tls_port};\
         service.tls-addresses={tls_host};service.tls-access-port={tls_port};service.tls-access-addresses=null;\
         service.tls-alternate-access-port={tls_port};service.tls-alternate-access-addresses=null"
    ))
}

/// `namespace:regime,count,bitmap,…` for each namespace; `max` limits the bitmaps.
pub(super) fn replicas(ask: &Ask<'_>) -> Answer {
    let most = match ask.optional("max", MAX_COUNT_SIZE)?.map(number::unsigned) {
        None | Some(Some(0)) => usize::MAX,
        Some(max) => max.ok_or(Refusal::parameter("bad max"))? as usize,
    };
    let bitmaps = bitmaps(ask, most);
    Ok(per_namespace(ask, &format!("0,{},{}", bitmaps.len(), bitmaps.join(","))))
}

pub(super) fn replicas_all(ask: &Ask<'_>) -> Answer {
    let bitmaps = bitmaps(ask, usize::MAX);
    Ok(per_namespace(ask, &format!("{},{}", bitmaps.len(), bitmaps.join(","))))
}

pub(super) fn replicas_master(ask: &Ask<'_>) -> Answer {
    Ok(per_namespace(ask, &bitmaps(ask, 1).join(",")))
}

fn per_namespace(ask: &Ask<'_>, map: &str) -> String {
    let entries: Vec<_> = ask.state.namespaces.iter().map(|ns| format!("{}:{map}", ns.name)).collect();
    entries.join(";")
}

/// What the asked node holds as master, as first replica and so on.
fn bitmaps(ask: &Ask<'_>, most: usize) -> Vec<String> {
    let here = index_of(ask);
    let map = ask.state.map();
    let bitmap = |place: usize| {
        let mut bits = PartitionBitmap::empty();
        let held = PartitionId::all().filter(|id| map.holders(*id).get(place) == Some(&here));
        held.for_each(|id| bits.insert(id));
        bits.to_base64()
    };
    (0..map.copies().min(most)).map(bitmap).collect()
}

fn index_of(ask: &Ask<'_>) -> NodeIndex {
    ask.state.nodes.iter().position(|node| node.id == ask.node.id).unwrap_or_default()
}

/// One line for each partition of each namespace, as this node sees it.
pub(super) fn partition_info(ask: &Ask<'_>) -> Answer {
    const HEADER: &str = "namespace:partition:state:n_replicas:replica:succession:n_dupl:working_master:proxy_dst:\
        emigrates:lead_emigrates:immigrates:records:tombstones:regime:tree_id:version:final_version";
    let here = index_of(ask);
    let key = cluster_key(ask.state).to_lowercase();
    let map = ask.state.map();
    let id_of = |index: &NodeIndex| ask.state.nodes.get(*index).map_or("0", |node| node.id.as_str());
    let mut lines = vec![HEADER.to_owned()];
    for (namespace, store) in ask.state.namespaces.iter().zip(&ask.node.stores) {
        for id in PartitionId::all() {
            let holders = map.holders(id);
            let place = holders.iter().position(|holder| *holder == here);
            let state = if place.is_some() { 'S' } else { 'A' };
            let replica = place.map_or("-1".to_owned(), |place| place.to_string());
            let master = holders.first().map_or("0", id_of);
            let proxy = if place == Some(0) { master } else { "0" };
            let version = match place {
                Some(0) => format!("{key}.0.mp-"),
                Some(_) => format!("{key}.0.-p-"),
                None => "0.0.---".to_owned(),
            };
            lines.push(format!(
                "{}:{}:{state}:{}:{replica}:{}:0:{master}:{proxy}:0:0:0:{}:0:0:1:{version}:{version}",
                namespace.name,
                id.index(),
                holders.len(),
                place.unwrap_or(holders.len()),
                store.lock(id).len(),
            ));
        }
    }
    Ok(lines.join(";"))
}
