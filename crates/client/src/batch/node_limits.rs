//! How many rows of a batch a node is given at once: all of them, until it says that it has too much to do. Then half
//! of what it had, after a pause, and a few more with every request it takes (additive increase, multiplicative
//! decrease).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::plan::RowId;
use crate::cluster::node::Node;
use crate::retry::pause;

/// Rows by which the limit grows when a request succeeds.
const STEP: usize = 16;

/// Names a lane for as long as the batch lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LaneId(usize);

/// The lanes of all nodes a batch has to do with.
#[derive(Debug, Default)]
pub(super) struct Lanes(Vec<Lane>);

/// What one node is busy with, and what waits until it has room.
#[derive(Debug)]
struct Lane {
    node: Arc<Node>,
    /// Most rows in flight; `None` while the node has not complained.
    limit: Option<usize>,
    in_flight: usize,
    /// Rows that came together, and the round of their next attempt.
    waiting: VecDeque<(Vec<RowId>, u16)>,
    /// Overloads in a row.
    strikes: u16,
    is_paused: bool,
}

impl Lanes {
    /// The lane of a node; one that left and came back has another.
    pub(super) fn of(&mut self, node: &Arc<Node>) -> LaneId {
        if let Some(at) = self.0.iter().position(|lane| Arc::ptr_eq(&lane.node, node)) {
            return LaneId(at);
        }
        self.0.push(Lane {
            node: node.clone(),
            limit: None,
            in_flight: 0,
            waiting: VecDeque::new(),
            strikes: 0,
            is_paused: false,
        });
        LaneId(self.0.len() - 1)
    }

    /// Puts rows in line.
    pub(super) fn add(&mut self, LaneId(at): LaneId, mut rows: Vec<RowId>, round: u16) {
        let Some(lane) = self.0.get_mut(at) else { return };
        match lane.waiting.back_mut() {
            Some((last, of)) if *of == round => last.append(&mut rows),
            _ => lane.waiting.push_back((rows, round)),
        }
    }

    /// Takes the rows that may go now, of one round at a time, and counts them as in flight.
    pub(super) fn take(&mut self, LaneId(at): LaneId) -> Option<(Arc<Node>, Vec<RowId>, u16)> {
        let lane = self.0.get_mut(at).filter(|lane| !lane.is_paused)?;
        let room = lane.limit.map_or(usize::MAX, |limit| limit.saturating_sub(lane.in_flight));
        let (waiting, round) = lane.waiting.front_mut()?;
        let round = *round;
        let rows: Vec<_> = match room {
            0 => return None,
            _ if room < waiting.len() => waiting.drain(..room).collect(),
            _ => lane.waiting.pop_front()?.0,
        };
        lane.in_flight += rows.len();
        Some((lane.node.clone(), rows, round))
    }

    /// Rows are no longer in flight.
    pub(super) fn leave(&mut self, LaneId(at): LaneId, rows: usize) {
        if let Some(lane) = self.0.get_mut(at) {
            lane.in_flight = lane.in_flight.saturating_sub(rows);
        }
    }

    /// The node took a request.
    pub(super) fn succeeded(&mut self, LaneId(at): LaneId) {
        if let Some(lane) = self.0.get_mut(at) {
            lane.strikes = 0;
            lane.limit = lane.limit.map(|limit| limit + STEP);
        }
    }

    /// The node has too much to do, with `busy` rows in flight. Returns how long it is to be left alone. Requests that
    /// were under way together count once.
    pub(super) fn overloaded(&mut self, LaneId(at): LaneId, busy: usize) -> Option<Duration> {
        let lane = self.0.get_mut(at).filter(|lane| !lane.is_paused)?;
        lane.is_paused = true;
        lane.strikes = lane.strikes.saturating_add(1);
        lane.limit = Some((lane.limit.unwrap_or(usize::MAX).min(busy) / 2).max(1));
        Some(pause(lane.strikes, Duration::ZERO))
    }

    /// The pause of a lane is over.
    pub(super) fn resume(&mut self, LaneId(at): LaneId) {
        if let Some(lane) = self.0.get_mut(at) {
            lane.is_paused = false;
        }
    }

    /// Rows in flight at a node.
    pub(super) fn busy(&self, LaneId(at): LaneId) -> usize {
        self.0.get(at).map_or(0, |lane| lane.in_flight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::replica::tests::node;

    #[tokio::test]
    async fn a_node_gets_everything_until_it_complains_then_half_and_a_little_more_each_time() {
        let mut lanes = Lanes::default();
        let at = lanes.of(&node("A"));
        lanes.add(at, (0..100).collect(), 0);
        let (_, rows, _) = lanes.take(at).unwrap();
        assert_eq!(rows.len(), 100);
        let busy = lanes.busy(at);
        lanes.leave(at, 100);
        assert!(lanes.overloaded(at, busy).is_some());
        assert!(lanes.overloaded(at, busy).is_none(), "one pause at a time");
        lanes.add(at, rows, 1);
        assert!(lanes.take(at).is_none());
        lanes.resume(at);
        assert_eq!(lanes.take(at).unwrap().1.len(), 50);
        assert!(lanes.take(at).is_none());
        lanes.leave(at, 50);
        lanes.succeeded(at);
        let (_, rows, round) = lanes.take(at).unwrap();
        assert_eq!((rows.len(), round), (50, 1));
    }

    #[tokio::test]
    async fn a_node_that_always_complains_still_gets_one_row_at_a_time() {
        let mut lanes = Lanes::default();
        let at = lanes.of(&node("A"));
        lanes.add(at, vec![1, 2, 3], 0);
        for _ in 0..10 {
            _ = lanes.overloaded(at, 1);
            lanes.resume(at);
        }
        assert_eq!(lanes.take(at).unwrap().1, [1]);
        assert!(lanes.take(at).is_none());
    }
}
