//! What of the cluster cannot be reached, for those who wonder why a part of their calls fails.

use crate::error::{Code, Failure};

/// A node that others list, and to which none of the addresses it announces leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreachableNode {
    /// The node's id.
    pub name: String,
    /// The addresses that were tried, and what happened there.
    pub tried: Vec<(String, String)>,
    /// The result code it refused the client with, if it was reached and that is why it is not used.
    pub refusal: Option<Code>,
}

impl UnreachableNode {
    fn describe(&self) -> String {
        let tried: Vec<String> = self.tried.iter().map(|(address, reason)| format!("{address} ({reason})")).collect();
        let tried = if tried.is_empty() { "any address".to_owned() } else { tried.join(" or ") };
        format!("node {} of the cluster is not reached at {tried}", self.name)
    }
}

/// What was found unreachable at the last look.
#[derive(Debug, Default)]
pub(crate) struct Unreached {
    pub(crate) nodes: Vec<UnreachableNode>,
    /// Why the hosts that the client was made with do not answer, while there is no node at all.
    pub(crate) hosts: Vec<Failure>,
}

/// Nodes that a message names.
const MOST_NAMED: usize = 3;

impl Unreached {
    /// The nodes that are not reached, and what helps; nothing when all are.
    pub(crate) fn describe_nodes(&self) -> Option<String> {
        if self.nodes.is_empty() {
            return None;
        }
        let named: Vec<String> = self.nodes.iter().take(MOST_NAMED).map(UnreachableNode::describe).collect();
        let more = self.nodes.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let help = if self.nodes.iter().all(|node| node.refusal.is_some()) {
            ""
        } else {
            "; if other addresses lead there, useAlternateServices or addressMap names them"
        };
        Some(format!("{}{more}{help}", named.join("; ")))
    }

    /// The code that all nodes which are not reached refuse the client with, if it is one.
    pub(crate) fn common_refusal(&self) -> Option<Code> {
        let first = self.nodes.first()?.refusal?;
        self.nodes.iter().all(|node| node.refusal == Some(first)).then_some(first)
    }

    /// Why there is no node at all.
    pub(crate) fn describe_hosts(&self) -> Option<String> {
        let reasons: Vec<String> = self.hosts.iter().map(Failure::to_string).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}
