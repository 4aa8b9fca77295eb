//! How many rows of a batch a node is given at once: all of them, until it says that it has too much to do. Then half
//! of what it had, after a pause, and a few more with every request it takes (additive increase, multiplicative
//! decrease).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::plan::RowId;
use crate::node::Node;
use crate::retry::COMMAND;

/// Rows by which the limit grows when a request succeeds.
const STEP: usize = 16;

/// Names a limit for as long as the batch lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LimitId(usize);

/// The limits of all nodes a batch has to do with.
#[derive(Debug, Default)]
pub(super) struct NodeLimits(Vec<NodeLimit>);

/// What one node is busy with, and what waits until it has room.
#[derive(Debug)]
struct NodeLimit {
    node: Arc<Node>,
    /// Most rows in flight; `None` while the node has not complained.
    max_rows: Option<usize>,
    in_flight: usize,
    /// Rows that came together, and the round of their next attempt.
    waiting: VecDeque<(Vec<RowId>, u16)>,
    /// Overloads in a row.
    overloads: u16,
    is_paused: bool,
}

impl NodeLimits {
    /// The limit of a node; one that left and came back has another.
    pub(super) fn of(&mut self, node: &Arc<Node>) -> LimitId {
        if let Some(at) = self.0.iter().position(|limit| Arc::ptr_eq(&limit.node, node)) {
            return LimitId(at);
        }
        self.0.push(NodeLimit {
            node: node.clone(),
            max_rows: None,
            in_flight: 0,
            waiting: VecDeque::new(),
            overloads: 0,
            is_paused: false,
        });
        LimitId(self.0.len() - 1)
    }

    /// Puts rows in line.
    pub(super) fn add(&mut self, LimitId(at): LimitId, mut rows: Vec<RowId>, round: u16) {
        let Some(limit) = self.0.get_mut(at) else { return };
        match limit.waiting.back_mut() {
            Some((last, of)) if *of == round => last.append(&mut rows),
            _ => limit.waiting.push_back((rows, round)),
        }
    }

    /// Takes the rows that may go now, of one round at a time, and counts them as in flight.
    pub(super) fn take(&mut self, LimitId(at): LimitId) -> Option<(Arc<Node>, Vec<RowId>, u16)> {
        let limit = self.0.get_mut(at).filter(|limit| !limit.is_paused)?;
        let room = limit.max_rows.map_or(usize::MAX, |max| max.saturating_sub(limit.in_flight));
        let (waiting, round) = limit.waiting.front_mut()?;
        let round = *round;
        let rows: Vec<_> = match room {
            0 => return None,
            _ if room < waiting.len() => waiting.drain(..room).collect(),
            _ => limit.waiting.pop_front()?.0,
        };
        limit.in_flight += rows.len();
        Some((limit.node.clone(), rows, round))
    }

    /// Rows are no longer in flight.
    pub(super) fn leave(&mut self, LimitId(at): LimitId, rows: usize) {
        if let Some(limit) = self.0.get_mut(at) {
            limit.in_flight = limit.in_flight.saturating_sub(rows);
        }
    }

    /// The node took a request.
    pub(super) fn succeeded(&mut self, LimitId(at): LimitId) {
        if let Some(limit) = self.0.get_mut(at) {
            limit.overloads = 0;
            limit.max_rows = limit.max_rows.map(|max| max + STEP);
        }
    }

    /// The node has too much to do, with `busy` rows in flight. Returns how long it is to be left alone. Requests that
    /// were under way together count once.
    pub(super) fn overloaded(&mut self, LimitId(at): LimitId, busy: usize) -> Option<Duration> {
        let limit = self.0.get_mut(at).filter(|limit| !limit.is_paused)?;
        limit.is_paused = true;
        limit.overloads = limit.overloads.saturating_add(1);
        limit.max_rows = Some((limit.max_rows.unwrap_or(usize::MAX).min(busy) / 2).max(1));
        Some(COMMAND.pause(limit.overloads.into()))
    }

    /// The pause of a limit is over.
    pub(super) fn resume(&mut self, LimitId(at): LimitId) {
        if let Some(limit) = self.0.get_mut(at) {
            limit.is_paused = false;
        }
    }

    /// Rows in flight at a node.
    pub(super) fn busy(&self, LimitId(at): LimitId) -> usize {
        self.0.get(at).map_or(0, |limit| limit.in_flight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::replica::tests::node;

    #[tokio::test]
    async fn a_node_gets_everything_until_it_complains_then_half_and_a_little_more_each_time() {
        let mut limits = NodeLimits::default();
        let at = limits.of(&node("A"));
        limits.add(at, (0..100).collect(), 0);
        let (_, rows, _) = limits.take(at).unwrap();
        assert_eq!(rows.len(), 100);
        let busy = limits.busy(at);
        limits.leave(at, 100);
        assert!(limits.overloaded(at, busy).is_some());
        assert!(limits.overloaded(at, busy).is_none(), "one pause at a time");
        limits.add(at, rows, 1);
        assert!(limits.take(at).is_none());
        limits.resume(at);
        assert_eq!(limits.take(at).unwrap().1.len(), 50);
        assert!(limits.take(at).is_none());
        limits.leave(at, 50);
        limits.succeeded(at);
        let (_, rows, round) = limits.take(at).unwrap();
        assert_eq!((rows.len(), round), (50, 1));
    }

    #[tokio::test]
    async fn a_node_that_always_complains_still_gets_one_row_at_a_time() {
        let mut limits = NodeLimits::default();
        let at = limits.of(&node("A"));
        limits.add(at, vec![1, 2, 3], 0);
        for _ in 0..10 {
            _ = limits.overloaded(at, 1);
            limits.resume(at);
        }
        assert_eq!(limits.take(at).unwrap().1, [1]);
        assert!(limits.take(at).is_none());
    }
}
