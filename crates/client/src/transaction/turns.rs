//! Commands of a transaction on one record, one after another, in the order in which they were announced.
//!
//! A read tells the version that a write has to find, and a write ends what a read has seen: two on one record side by
//! side would leave it open what was seen and what is locked.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use aerospike_wire::Digest;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Who is in line for each record that a command is under way for; whoever is first in line has its turn.
type Lines = HashMap<Digest, VecDeque<Arc<Notify>>>;

/// Whose turn it is on every record.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<Lines>>);

/// The places of a command in the lines of its records. Dropping it lets the next ones have their turn.
#[derive(Debug)]
pub(super) struct Places {
    turns: Turns,
    digests: Vec<Digest>,
    /// Told when the command is first in one of its lines.
    turn: Arc<Notify>,
}

impl Turns {
    /// Takes a place in the line of every record. All are taken at once, so that no two commands wait for each other.
    pub(super) fn line_up(&self, mut digests: Vec<Digest>) -> Places {
        digests.sort_unstable();
        digests.dedup();
        let turn = Arc::new(Notify::new());
        let mut lines = self.0.lock();
        for digest in &digests {
            lines.entry(*digest).or_default().push_back(turn.clone());
        }
        drop(lines);
        Places { turns: self.clone(), digests, turn }
    }
}

impl Places {
    /// The records.
    pub(super) fn digests(&self) -> &[Digest] {
        &self.digests
    }

    /// Waits until it is the command's turn on all its records.
    pub(super) async fn turn(&self) {
        while !self.is_first() {
            self.turn.notified().await;
        }
    }

    /// Joins the places of another command that is carried out together with this one.
    pub(super) fn join(&mut self, mut other: Self) {
        let digests = std::mem::take(&mut other.digests);
        let mut lines = self.turns.0.lock();
        for digest in &digests {
            let places = lines.get_mut(digest).into_iter().flatten();
            for place in places.filter(|place| Arc::ptr_eq(place, &other.turn)) {
                *place = self.turn.clone();
            }
        }
        drop(lines);
        self.digests.extend(digests);
    }

    fn is_first(&self) -> bool {
        let lines = self.turns.0.lock();
        let is_first = |digest| lines.get(digest).and_then(VecDeque::front).is_some_and(|f| Arc::ptr_eq(f, &self.turn));
        self.digests.iter().all(is_first)
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        let mut lines = self.turns.0.lock();
        for digest in &self.digests {
            let Some(line) = lines.get_mut(digest) else { continue };
            line.retain(|place| !Arc::ptr_eq(place, &self.turn));
            match line.front() {
                Some(next) => next.notify_one(),
                None => _ = lines.remove(digest),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn digest(n: u8) -> Digest {
        Digest([n; Digest::SIZE])
    }

    async fn is_early(places: &Places) -> bool {
        tokio::time::timeout(Duration::from_millis(20), places.turn()).await.is_err()
    }

    #[tokio::test]
    async fn commands_on_one_record_take_turns_in_order_and_leave_nothing_behind() {
        let turns = Turns::default();
        let first = turns.line_up(vec![digest(1)]);
        let elsewhere = turns.line_up(vec![digest(2)]);
        let second = turns.line_up(vec![digest(1), digest(3), digest(1)]);
        let third = turns.line_up(vec![digest(3)]);
        first.turn().await;
        elsewhere.turn().await;
        assert!(is_early(&second).await && is_early(&third).await);
        drop(first);
        second.turn().await;
        assert!(is_early(&third).await, "it was announced later");
        drop(second);
        third.turn().await;
        drop((elsewhere, third));
        assert!(turns.0.lock().is_empty());
    }

    #[tokio::test]
    async fn whoever_gives_up_in_line_holds_up_nobody() {
        let turns = Turns::default();
        let first = turns.line_up(vec![digest(1)]);
        let given_up = turns.line_up(vec![digest(1)]);
        let third = turns.line_up(vec![digest(1)]);
        drop(given_up);
        assert!(is_early(&third).await, "the first is not over");
        drop(first);
        third.turn().await;
    }

    #[tokio::test]
    async fn commands_that_travel_together_wait_for_all_that_were_before_them() {
        let turns = Turns::default();
        let before = turns.line_up(vec![digest(2)]);
        let mut together = turns.line_up(vec![digest(1)]);
        together.join(turns.line_up(vec![digest(2)]));
        let after = turns.line_up(vec![digest(2)]);
        assert!(is_early(&together).await);
        drop(before);
        together.turn().await;
        assert!(is_early(&after).await);
        drop(together);
        after.turn().await;
    }
}
