//! What a node tells of itself, without a connection to it: for whoever runs the cluster.

use super::ask::Ask;
use super::statistics;
use crate::cluster::{Node, State};

/// The statistics of a node, and of each namespace by name, as info commands have them: `name=value;…`.
#[derive(Debug, Clone)]
pub struct NodeStatistics {
    /// The node's id.
    pub id: String,
    /// What the command `statistics` answers.
    pub node: String,
    /// What `namespace/…` answers, by name.
    pub namespaces: Vec<(String, String)>,
}

pub(crate) fn statistics_of(state: &State, node: &Node) -> NodeStatistics {
    let namespaces = state.namespaces.iter().map(|namespace| {
        let line = format!("namespace/{}", namespace.name);
        let text = statistics::namespace(&Ask::parse(&line, state, node));
        (namespace.name.clone(), text.unwrap_or_default())
    });
    NodeStatistics {
        id: node.id.clone(),
        namespaces: namespaces.collect(),
        node: statistics::statistics(&Ask::parse("statistics", state, node)).unwrap_or_default(),
    }
}
