//! Finding out whether a node is there at all.
//!
//! A node that is frozen, or behind a network that drops everything, accepts and answers nothing. Each command could
//! wait for its own timeout to learn that; instead the silence of everything that was asked of the node is noticed
//! ([`SUSPICION`]), and one question on a connection of its own settles the matter: a node that is merely slow with its
//! commands answers it at once. While it is silent, reads start at other replicas, and what waits for the node goes on
//! waiting within its own limits. Questions go on, one at a time, until there is an answer to any.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::pipelined::Supply;
use super::pool::Pool;
use crate::error::{Code, Failure};
use crate::socket::info;

/// How long a node may leave all that it was asked unanswered before it is asked whether it is there. A pause of 200 ms
/// is over by the time the question is given up.
pub(crate) const SUSPICION: Duration = Duration::from_millis(150);
/// How long the first question may go unanswered. It is not before both have passed that a node counts as silent.
const FIRST_ANSWER_LIMIT: Duration = Duration::from_millis(100);
/// The same for later ones: whoever wakes up answers what waits for it.
const ANSWER_LIMIT: Duration = Duration::from_millis(250);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(50);
/// How often those who wait for a node look whether it is silent.
pub(crate) const LOOK: Duration = Duration::from_millis(25);

impl Pool {
    /// Has the node asked whether it is there, if it has answered nothing for as long as [`SUSPICION`]. For those who
    /// have waited that long.
    pub(crate) fn suspect_if_quiet(self: &Arc<Self>, now: Instant) {
        // from one look to the next, so that an answer at the very beginning of the silence does not count
        let since = now.checked_sub(SUSPICION - LOOK);
        if since.is_some_and(|since| self.health.was_there_since(since)) {
            return;
        }
        if let Some(asking) = self.health.begin_asking() {
            let pool = self.clone();
            self.runtime().spawn(async move {
                pool.ask_until_answered().await;
                drop(asking);
            });
        }
    }

    async fn ask_until_answered(&self) {
        let mut limit = FIRST_ANSWER_LIMIT;
        loop {
            let begun = Instant::now();
            let is_there = timeout(limit, self.ask_whether_there()).await.unwrap_or(false);
            if is_there || self.health.answered_since(begun) {
                self.health.record_sign(Instant::now());
                return;
            }
            if self.closed().is_some() {
                return;
            }
            self.health.record_silence();
            limit = ANSWER_LIMIT;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Any answer will do, a refusal too.
    async fn ask_whether_there(&self) -> bool {
        let asking = async {
            let mut connection = self.dialer().dial().await?;
            info::ask(&mut connection, ["node"]).await
        };
        !matches!(asking.await, Err(Failure { code: Code::CONNECTION | Code::TIMEOUT, .. }))
    }
}
