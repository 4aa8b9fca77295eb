//! Too many commands for a node: those that wait for a connection and cannot get one within their time are refused while there
//! is still time to do something else, rather than when it is over. The same for batches and others that wait for a connection of
//! their own.
//!
//! Nothing is looked at before [`CROWD`] of either wait. Then the pool is looked at every [`LOOK`], which takes it less than
//! refusing commands does: what was answered since says how many can be answered in the time that each has left. Where
//! that is not certain more is let wait than refused: a command in vain costs less than one that would have been done.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::pool_state::{Caller, Limits, PoolState};
use super::request::Request;
use super::window::MAX_WINDOW;
use crate::error::{Code, Failure};

/// Commands that wait without being looked at.
pub(super) const CROWD: usize = 256;
/// How often they are looked at then.
pub(super) const LOOK: Duration = Duration::from_millis(50);
/// A node that has not answered anything for so long is not asked too much, it is not there.
pub(super) const SIGN: Duration = Duration::from_millis(500);
/// What was seen longer ago does not count.
const MEMORY: Duration = Duration::from_secs(2);
/// How long a slow node is watched before anything is refused, and one that answers quickly: whose answers may be late because
/// the process has been busy with making commands.
const FIRST_SLOW: Duration = Duration::from_millis(100);
const FIRST_FAST: Duration = Duration::from_millis(300);
/// By how much more than is expected may wait, as a part of what was watched: what is watched for long is known better.
const DOUBT: Duration = Duration::from_millis(100);

/// How many times as far as it was watched it is known how soon connections come free.
const EXTENT: u32 = 10;

/// What was seen of a node since many commands wait for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    since: Instant,
    /// Answers of the node until then.
    answered: u64,
    /// Callers that had got a connection of their own until then.
    served: u64,
}

impl Watch {
    pub(super) fn begin(now: Instant, answered: u64, served: u64) -> Self {
        Self { since: now, answered, served }
    }

    /// Whether nothing can be said of how soon connections come free, since this process came late to look at it: it has too much
    /// to do itself.
    pub(super) fn came_late(looked: Instant, now: Instant) -> bool {
        now.saturating_duration_since(looked) >= LOOK * 4
    }

    /// Whether it is time to begin anew.
    pub(super) fn is_old(self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= MEMORY
    }

    /// Takes out the commands that cannot be sent within their time, and says why; none when that is not known.
    pub(super) fn hopeless<L>(
        self,
        state: &mut PoolState<L>,
        limits: &Limits,
        window: usize,
        answered: u64,
        now: Instant,
    ) -> Option<(VecDeque<Request>, Failure)> {
        let watched = now.saturating_duration_since(self.since);
        let is_fast = window >= MAX_WINDOW;
        if answered == self.answered || watched < if is_fast { FIRST_FAST } else { FIRST_SLOW } {
            return None;
        }
        let rate = self.rate(state, limits, is_fast, answered, watched);
        let waiting = state.backlog.drain(..).filter(|request| !request.is_abandoned());
        let (kept, refused) =
            divide(waiting, rate * doubt(watched), |request| request.prepared().deadline.remaining(now));
        state.backlog = kept;
        if refused.is_empty() {
            return None;
        }
        let detail = format!(
            "refused early, nothing was sent: {} calls wait for the node, which answers about {:.0} in a second over {} \
             connections of {} (maxConnectionsPerNode), so it was not this one's turn within its totalTimeout",
            state.backlog.len() + refused.len(),
            rate,
            state.pipelined.len(),
            limits.max,
        );
        Some((refused, Failure::new(Code::ASYNC_QUEUE_FULL, detail)))
    }

    /// Takes out those who wait for a connection of their own and cannot get it within their time, and says why. What others
    /// do with theirs takes as long as it does, so this is known later than how quickly commands are answered.
    pub(super) fn hopeless_callers<L>(
        self,
        state: &mut PoolState<L>,
        limits: &Limits,
        now: Instant,
    ) -> Option<(VecDeque<Caller<L>>, Failure)> {
        let watched = now.saturating_duration_since(self.since);
        let served = state.served - self.served;
        if served == 0 || watched < FIRST_FAST || state.callers.len() <= CROWD {
            return None;
        }
        // those that are in use now as if they were back already
        let rate = (served as f64 + state.leased as f64) / watched.as_secs_f64();
        let waiting = state.callers.drain(..).filter(|caller| !caller.is_gone());
        let (kept, refused) = divide(waiting, rate * doubt(watched), |caller| {
            caller.deadline.remaining(now).filter(|left| *left <= watched * EXTENT)
        });
        state.callers = kept;
        if refused.is_empty() {
            return None;
        }
        let detail = format!(
            "refused early, nothing was sent: {} calls wait for a connection of their own to the node, which come free about \
             {:.0} times in a second ({} are open of {}, maxConnectionsPerNode), so it was not this one's turn within its \
             totalTimeout",
            state.callers.len() + refused.len(),
            rate,
            state.open() - state.dialing,
            limits.max,
        );
        Some((refused, Failure::new(Code::ASYNC_QUEUE_FULL, detail)))
    }

    /// Answers in a second that the node can be expected to give from now on, at best: what is under way as if it was answered
    /// already, and as if all connections that a slow node may have were open.
    fn rate<L>(self, state: &PoolState<L>, limits: &Limits, is_fast: bool, answered: u64, watched: Duration) -> f64 {
        let in_flight: usize = state.pipelined.iter().map(|entry| entry.in_flight).sum();
        let serving = state.pipelined.len().max(1);
        let more =
            if is_fast { 1.0 } else { (limits.max.saturating_sub(state.leased) as f64 / serving as f64).max(1.0) };
        (answered - self.answered) as f64 / watched.as_secs_f64() * more
            + in_flight as f64 * more / watched.as_secs_f64()
    }
}

/// Those whose turn comes within the time that `left` says they have, at so many in a second, and the others. Who has no such
/// time waits.
fn divide<T>(
    waiting: impl Iterator<Item = T>,
    rate: f64,
    left: impl Fn(&T) -> Option<Duration>,
) -> (VecDeque<T>, VecDeque<T>) {
    let (mut kept, mut refused) = (VecDeque::new(), VecDeque::new());
    for one in waiting {
        let comes_too_late = left(&one).is_some_and(|left| kept.len() as f64 > rate * left.as_secs_f64());
        if comes_too_late { refused.push_back(one) } else { kept.push_back(one) }
    }
    (kept, refused)
}

/// By how much what was watched for so long may be better than it looked.
fn doubt(watched: Duration) -> f64 {
    1.0 + DOUBT.as_secs_f64() / watched.as_secs_f64()
}
