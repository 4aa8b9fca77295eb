//! Commands of those who operate nodes: to write their state into the log, which there is none of, and about things that
//! a cluster in one process does not have. They are checked and answered as on a real node.

use aerospike_wire::limits::MAX_NAMESPACE_SIZE;
use aerospike_wire::{Digest, ResultCode};

use super::ask::{Ask, Refusal};
use super::share::find_required;
use super::{Answer, number};
use crate::clock::Moment;

/// Bytes of a parameter that is a word.
const MAX_FLAG_SIZE: usize = 99;

fn done() -> Answer {
    Ok("ok".to_owned())
}

/// Nothing to say, and nothing that could be wrong.
pub(super) fn nothing(_: &Ask<'_>) -> Answer {
    done()
}

/// Nothing to tell.
pub(super) fn nothing_to_tell(_: &Ask<'_>) -> Answer {
    Ok(String::new())
}

/// `dump-…`: the state of a part of the server, into the log.
pub(super) fn dump(ask: &Ask<'_>) -> Answer {
    ask.flag("verbose", MAX_FLAG_SIZE, "'verbose' may be either 'true' or 'false'")?;
    done()
}

/// The same of what waits to be written to disks. A real one looks for `verbose` in the name of the namespace, so that
/// one of any other name is refused.
pub(super) fn dump_writes(ask: &Ask<'_>) -> Answer {
    let (namespace, _) = find_required(ask, &["namespace", "ns"], MAX_FLAG_SIZE)?;
    match namespace.name.as_str() {
        "true" | "false" => done(),
        _ => Err(Refusal::parameter("'verbose' may be either 'true' or 'false'")),
    }
}

/// Forms the cluster anew, which the node that leads it does.
pub(super) fn recluster(ask: &Ask<'_>) -> Answer {
    let principal = ask.state.members().last().map(|(_, node)| node.id.as_str());
    if principal == Some(ask.node.id.as_str()) { done() } else { Ok("ignored-by-non-principal".to_owned()) }
}

/// Forgets when records were evicted last; none ever are.
pub(super) fn reset_evictions(ask: &Ask<'_>) -> Answer {
    const MAX_TIME_SIZE: usize = 11;
    ask.required("namespace", MAX_NAMESPACE_SIZE)?;
    ask.optional("ttl", MAX_TIME_SIZE)?;
    done()
}

/// The disks behind a path.
pub(super) fn devices(ask: &Ask<'_>) -> Answer {
    const MAX_PATH_SIZE: usize = 1023;
    ask.required("path", MAX_PATH_SIZE)?;
    Err(Refusal::new(ResultCode::NOT_FOUND, "no device info"))
}

/// Statistics of the allocator, into a file of the server's machine.
pub(super) fn allocator(ask: &Ask<'_>) -> Answer {
    const MAX_FILE_SIZE: usize = 99;
    for name in ["file", "options", "sites"] {
        ask.optional(name, MAX_FILE_SIZE)?;
    }
    done()
}

/// Counters of shipping to other clusters.
pub(super) fn shipping(ask: &Ask<'_>) -> Answer {
    const MAX_CONTEXT_SIZE: usize = 1023;
    match ask.required("context", MAX_CONTEXT_SIZE)? {
        "xdr" => Ok(String::new()),
        _ => Err(Refusal::parameter("unknown context")),
    }
}

/// Tells a node where another may be.
pub(super) fn tip(ask: &Ask<'_>) -> Answer {
    const MAX_HOST_SIZE: usize = 255;
    const MAX_NUMBER_SIZE: usize = 49;
    ask.required("host", MAX_HOST_SIZE)?;
    let port = ask.required("port", MAX_NUMBER_SIZE)?;
    let encrypted = ask.optional("tls", MAX_NUMBER_SIZE)?;
    number::signed(port).ok_or(Refusal::parameter("'port' must be an integer"))?;
    match encrypted {
        None | Some("true" | "false") => done(),
        Some(_) => Err(Refusal::parameter("'tls' must be either 'true' or 'false'")),
    }
}

/// The port behind a host, which stands in brackets where it has colons itself.
fn port_of(named: &str) -> Option<i32> {
    let (host, separator) = named.strip_prefix('[').map_or((named, ':'), |host| (host, ']'));
    let mut parts = host.split(separator).filter(|part| !part.is_empty());
    parts.next()?;
    let port = parts.next()?;
    number::signed(port.strip_prefix(':').unwrap_or(port))
}

/// Forgets such hints, of which none is kept.
pub(super) fn forget_tips(ask: &Ask<'_>) -> Answer {
    const MAX_LIST_SIZE: usize = 2999;
    let hosts = ask.required("host-port-list", MAX_LIST_SIZE)?.split(',').filter(|host| !host.is_empty());
    let mut named = hosts.peekable();
    if named.peek().is_none() {
        return done();
    }
    let known = named.take_while(|named| port_of(named).is_some());
    Err(Refusal::new(ResultCode::SERVER_ERROR, format!("0 cleared, {} not found", known.count())))
}

/// What is stored of a record, for those who debug a server. Only that there is none is told.
pub(super) fn debug_record(ask: &Ask<'_>) -> Answer {
    const DIGITS: usize = 40;
    let (_, store) = find_required(ask, &["namespace"], MAX_NAMESPACE_SIZE)?;
    let digest = ask.required("keyd", DIGITS)?;
    if digest.len() != DIGITS {
        return Err(Refusal::parameter("keyd"));
    }
    let bytes: Option<Vec<u8>> = (0..DIGITS / 2)
        .map(|at| {
            digest
                .get(2 * at..2 * at + 2)
                .filter(|pair| !pair.starts_with('+'))
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect();
    let digest = bytes.as_deref().and_then(Digest::from_slice).ok_or(Refusal::parameter("bad keyd"))?;
    if ask.name == "debug-record" {
        match ask.optional("mode", MAX_NAMESPACE_SIZE)? {
            None | Some("pickle" | "raw" | "raw-encrypted") => {}
            Some(_) => return Err(Refusal::parameter("unknown mode")),
        }
    }
    let partition = digest.partition();
    let is_there = store.lock(partition).get(&digest, Moment::now()).is_some();
    if !is_there {
        return Err(Refusal::new(ResultCode::NOT_FOUND, "record not found"));
    }
    let here = ask.state.nodes.iter().position(|node| node.id == ask.node.id);
    let place = ask.state.map().holders(partition).iter().position(|holder| Some(*holder) == here);
    Ok(format!("pid={}:repl-ix={}", partition.index(), place.map_or(-1, |place| place as i64)))
}

/// Where a node's heartbeats come in. None are sent, so it is the address for clients. Whoever asks
/// for the other mode is told, as by a real server, the wrong one.
pub(super) fn heartbeats(ask: &Ask<'_>) -> Answer {
    if ask.name == "mesh" {
        Ok(ask.node.address.to_string())
    } else {
        Err(Refusal::parameter("heartbeat is in multicast mode"))
    }
}

/// What of the metadata that nodes share is under way.
pub(super) fn metadata(ask: &Ask<'_>) -> Answer {
    let nodes = ask.state.members().count();
    let principal = ask.state.members().last().map_or("0", |(_, node)| node.id.as_str());
    Ok(format!("smd:n_pending_sets=0,n_events=0,n_nodes={nodes},principal={principal}"))
}

/// What a module of the shared metadata has. Indexes, modules of functions and truncations have commands of their own here.
pub(super) fn metadata_of(ask: &Ask<'_>) -> Answer {
    const MAX_MODULE_SIZE: usize = 8;
    let module = ask.required("module", MAX_MODULE_SIZE)?.to_ascii_lowercase();
    match module.as_str() {
        "evict" | "sindex" | "truncate" | "udf" => Ok("<empty>".to_owned()),
        "roster" | "security" | "xdr" | "masking" => Err(Refusal::ENTERPRISE),
        _ => Err(Refusal::parameter("unknown 'module'")),
    }
}
