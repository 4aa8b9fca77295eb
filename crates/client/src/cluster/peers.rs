//! Finding nodes through other nodes (protocol section 5.3).

use std::collections::HashMap;
use std::sync::Arc;

use aerospike_wire::info::Peer;
use tokio::time::Instant;

use super::Cluster;
use super::reach::UnreachableNode;
use super::validate::{Origin, Validated, validate};
use crate::concurrent::join_all;
use crate::deadline::Deadline;
use crate::error::Code;

/// The info command that lists a node's peers.
pub(crate) fn peers_command(cluster: &Cluster) -> &'static str {
    match (cluster.tls.is_some(), cluster.settings.load().use_alternate_services) {
        (false, false) => "peers-clear-std",
        (false, true) => "peers-clear-alt",
        (true, false) => "peers-tls-std",
        (true, true) => "peers-tls-alt",
    }
}

/// Peers that are not members yet, by their id.
#[derive(Debug, Default)]
pub(crate) struct Newcomers(HashMap<String, Peer>);

impl Newcomers {
    pub(crate) fn add(&mut self, peer: Peer) {
        self.0.entry(peer.node.clone()).or_insert(peer);
    }

    /// Visits all of them at once. Returns those that are nodes of this cluster, and those that could not be reached.
    pub(crate) async fn visit(self, cluster: &Arc<Cluster>) -> (Vec<Validated>, Vec<UnreachableNode>) {
        let visits = self.0.into_values().map(|peer| visit(cluster, peer));
        let (mut found, mut unreachable) = (Vec::new(), Vec::new());
        for outcome in join_all(visits).await {
            match outcome {
                Ok(node) => found.push(node),
                Err(node) => unreachable.push(node),
            }
        }
        (found, unreachable)
    }
}

/// Tries the addresses of a peer, in their order.
async fn visit(cluster: &Cluster, peer: Peer) -> Result<Validated, UnreachableNode> {
    let (mut tried, mut refusal) = (Vec::new(), None);
    for endpoint in &peer.endpoints {
        let deadline = Deadline::within(Instant::now(), cluster.dial_timeout.get());
        let origin = Origin::Peer { node: &peer.node, tls_name: &peer.tls_name };
        let endpoint = cluster.translate(endpoint);
        match validate(cluster, endpoint.clone(), origin, deadline).await {
            Ok(node) => return Ok(node),
            Err(failure) if failure.code.is_server() && failure.code != Code::TIMEOUT => {
                refusal = Some(failure.code);
                tried.push((endpoint.to_string(), format!("{failure}, code {}", failure.code.0)));
            }
            Err(failure) => tried.push((endpoint.to_string(), failure.to_string())),
        }
    }
    Err(UnreachableNode { name: peer.node, tried, refusal })
}
