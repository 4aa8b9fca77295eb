//! What a batch cost at each node.

use super::request::SubRequest;
use super::{NodeCost, RowOutcome};
use crate::error::SubError;
use crate::node::Node;

/// The nodes a batch has to do with. Rows name theirs in a byte: from the 255th on, nodes share the last place.
#[derive(Debug, Default)]
pub(super) struct Costs {
    nodes: Vec<NodeCost>,
}

impl Costs {
    const LAST: usize = RowOutcome::NO_NODE as usize - 1;

    /// The node's place.
    pub(super) fn index_of(&mut self, node: &Node) -> u8 {
        self.place(node) as u8
    }

    /// What the batch cost at a node so far.
    pub(super) fn of(&mut self, node: &Node) -> &mut NodeCost {
        let at = self.place(node);
        &mut self.nodes[at] // `place` made sure that it is there
    }

    fn place(&mut self, node: &Node) -> usize {
        if let Some(at) = self.nodes.iter().position(|cost| cost.name == node.name) {
            return at;
        }
        if self.nodes.len() <= Self::LAST {
            self.nodes.push(NodeCost {
                name: node.name.clone(),
                asked: 0,
                answered: 0,
                bytes_out: 0,
                bytes_in: 0,
                round_trips: 0,
                retries: 0,
                last_error: None,
            });
        }
        self.nodes.len() - 1
    }

    /// Adds a request that is over.
    pub(super) fn add(&mut self, request: &SubRequest) {
        let cost = self.of(&request.node);
        cost.asked += request.rows.len() as u32;
        cost.bytes_out += request.bytes_out;
        cost.bytes_in += request.bytes_in;
        cost.round_trips += u32::from(request.was_sent);
        cost.retries += u32::from(request.round > 0);
    }

    /// Keeps why a request failed.
    pub(super) fn note(&mut self, node: &Node, failure: &SubError) {
        self.of(node).last_error = Some(failure.clone());
    }

    pub(super) fn nodes(&self) -> &[NodeCost] {
        &self.nodes
    }
}
