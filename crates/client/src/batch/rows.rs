//! What became of every row so far, and which rows wait for others.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::RowOutcome;
use super::order::Order;
use super::pages::Pages;
use super::plan::{Plan, RowId};
use super::request::Hit;
use super::tries::{Tries, TryReport};
use crate::error::{Code, Failure, SubError};
use crate::retry::is_refusal;
use crate::routing::replica::ReplicaPlan;

/// What the collector knows of a row besides its outcome.
#[derive(Debug, Clone, Copy, Default)]
struct RowState {
    replica_plan: Option<ReplicaPlan>,
    /// Attempts under way, in line or waiting for their time.
    tasks: u8,
    /// An attempt may have been carried out although it has no good answer.
    in_doubt: bool,
    is_settled: bool,
    is_reported: bool,
}

/// What an answer means for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The row has its outcome.
    Settled,
    /// It may be worth another attempt.
    Refused,
    /// It came too late.
    Late,
}

/// The rows of a batch.
#[derive(Debug)]
pub(super) struct Rows {
    plan: Arc<Plan>,
    outcomes: Vec<RowOutcome>,
    states: Vec<RowState>,
    order: Order,
    /// Rows that waited for another that has its outcome now.
    released: Vec<RowId>,
    pages: Pages,
    unsettled: usize,
    /// Settled and not yet in a part of the reply.
    unreported: usize,
    pub(super) tries: Tries,
}

impl Rows {
    pub(super) fn new(plan: Arc<Plan>, order: Order) -> Self {
        let count = plan.batch.rows.len();
        let blank = RowOutcome {
            page: RowOutcome::NO_PAGE,
            offset: 0,
            code: Code::NO_RESPONSE,
            in_doubt: false,
            node: RowOutcome::NO_NODE,
            attempts: 0,
            is_elsewhere: false,
        };
        Self {
            plan,
            outcomes: vec![blank; count],
            states: vec![RowState::default(); count],
            order,
            released: Vec::new(),
            pages: Pages::default(),
            unsettled: count,
            unreported: 0,
            tries: Tries::default(),
        }
    }

    /// Rows without an outcome.
    pub(super) fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// The rows that wait for no other.
    pub(super) fn first(&mut self) -> Vec<RowId> {
        self.order.first(&self.plan)
    }

    /// The rows that need not wait any more.
    pub(super) fn take_released(&mut self) -> Vec<RowId> {
        std::mem::take(&mut self.released)
    }

    /// The place for a row's replica_plan; `None` when it has its outcome.
    pub(super) fn replica_plan(&mut self, id: RowId) -> Option<&mut Option<ReplicaPlan>> {
        self.states.get_mut(id as usize).filter(|state| !state.is_settled).map(|state| &mut state.replica_plan)
    }

    /// Whether a later attempt of a row may ask another node.
    pub(super) fn has_alternatives(&self, id: RowId) -> bool {
        self.states.get(id as usize).and_then(|s| s.replica_plan.as_ref()).is_some_and(ReplicaPlan::has_alternatives)
    }

    /// Another attempt of these rows is under way, or in line.
    pub(super) fn enter(&mut self, rows: &[RowId]) {
        for id in rows {
            if let Some(state) = self.states.get_mut(*id as usize) {
                state.tasks = state.tasks.saturating_add(1);
            }
        }
    }

    /// An attempt of these rows is over.
    pub(super) fn leave(&mut self, rows: &[RowId]) {
        for id in rows {
            if let Some(state) = self.states.get_mut(*id as usize) {
                state.tasks = state.tasks.saturating_sub(1);
            }
        }
    }

    /// Counts an attempt at a node.
    pub(super) fn ask(&mut self, rows: &[RowId], node: u8) {
        for id in rows {
            if let Some(outcome) = self.outcomes.get_mut(*id as usize) {
                outcome.attempts = outcome.attempts.saturating_add(1);
                outcome.node = node;
            }
        }
    }

    /// Drops the rows that got their outcome while they were in line.
    pub(super) fn still_open(&mut self, mut rows: Vec<RowId>) -> Vec<RowId> {
        rows.retain(|id| {
            let Some(state) = self.states.get_mut(*id as usize) else { return false };
            if state.is_settled {
                state.tasks = state.tasks.saturating_sub(1);
            }
            !state.is_settled
        });
        rows
    }

    /// Keeps the bytes of an answer.
    pub(super) fn keep(&mut self, frame: &Bytes) -> (u16, u32) {
        self.pages.add(frame)
    }

    /// Takes an answer in; `place` is where its frame was kept.
    pub(super) fn answer(&mut self, hit: Hit, place: (u16, u32), node: u8) -> Answer {
        let at = hit.row as usize;
        let (Some(outcome), Some(state)) = (self.outcomes.get_mut(at), self.states.get(at)) else {
            return Answer::Late;
        };
        if state.is_settled {
            return Answer::Late;
        }
        let code: Code = hit.result.into();
        outcome.code = code;
        outcome.node = node;
        if code == Code::TIMEOUT || is_refusal(code) {
            return Answer::Refused;
        }
        (outcome.page, outcome.offset) = (place.0, place.1 + hit.offset);
        // an answer leaves doubt about an earlier time the row went out
        outcome.in_doubt = !hit.result.is_ok() && state.in_doubt;
        self.close(hit.row);
        Answer::Settled
    }

    /// Keeps why an attempt of rows failed, of those that have no outcome or got it just now.
    pub(super) fn note(&mut self, rows: &[RowId], failure: SubError) {
        let Some(failure) = self.tries.note(failure) else { return };
        for id in rows {
            if self.states.get(*id as usize).is_some_and(|state| !state.is_reported) {
                self.tries.add(*id, failure, self.states.len());
            }
        }
    }

    /// Ends an attempt of a row without a good answer. Does nothing for a row that has its outcome, or that another
    /// attempt is under way for. Returns whether it is to be tried again, and counts as waiting for that.
    pub(super) fn fail(&mut self, id: RowId, code: Code, round: u16, was_sent: bool) -> bool {
        let is_write = self.plan.is_write(id);
        let (Some(outcome), Some(state)) = (self.outcomes.get_mut(id as usize), self.states.get_mut(id as usize))
        else {
            return false;
        };
        if state.is_settled {
            return false;
        }
        state.in_doubt |= is_write && was_sent && code.leaves_doubt();
        outcome.code = code;
        outcome.in_doubt = state.in_doubt;
        if state.tasks > 0 {
            return false;
        }
        let policy = &self.plan.batch.policy;
        let is_refusal = is_refusal(code);
        // a node that has too much to do says nothing of the others
        let is_elsewhere = code == Code::ASYNC_QUEUE_FULL
            && !is_write
            && state.replica_plan.as_ref().is_some_and(ReplicaPlan::has_alternatives);
        let retries = if is_refusal {
            policy.max_retries.max(self.plan.batch.refusal_retries)
        } else if code.is_session_over() {
            policy.max_retries.max(1)
        } else {
            policy.max_retries
        };
        let again = (is_refusal || is_elsewhere || code.is_session_over() || code.is_retryable())
            && (!state.in_doubt || policy.idempotent)
            && round < retries
            && !self.plan.deadline.has_passed(Instant::now());
        if !again {
            self.close(id);
            return false;
        }
        state.tasks += 1;
        // a write that was turned away belongs at the master all the same, and a session that is over is no fault of the node's:
        // at another one it would be found to be over once more
        let may_move = !code.is_session_over() && (!is_write || !is_refusal);
        if let Some(replica_plan) = state.replica_plan.as_mut().filter(|_| may_move) {
            replica_plan.advance(code);
        }
        true
    }

    /// Settles a row that cannot be sent, unless it has its outcome.
    pub(super) fn settle(&mut self, id: RowId, failure: &Failure) {
        let (Some(outcome), Some(state)) = (self.outcomes.get_mut(id as usize), self.states.get(id as usize)) else {
            return;
        };
        if state.is_settled {
            return;
        }
        // what an earlier attempt ran into says more than that there is no node left to ask
        if outcome.attempts == 0 {
            outcome.code = failure.code;
        }
        self.close(id);
    }

    pub(super) fn settle_rest(&mut self, failure: &Failure) {
        if self.unsettled > 0 {
            (0..self.outcomes.len() as RowId).for_each(|id| self.settle(id, failure));
        }
    }

    /// The row has its outcome: lets those go that waited for it.
    fn close(&mut self, id: RowId) {
        if let Some(state) = self.states.get_mut(id as usize) {
            state.is_settled = true;
            self.unsettled -= 1;
            self.unreported += 1;
            self.order.settled(id, &self.plan, &mut self.released);
        }
    }

    /// Whether rows got their outcome since the last part.
    pub(super) fn has_news(&self) -> bool {
        self.unreported > 0
    }

    /// The outcomes since the last part, and the bytes they point into. Other rows are marked as being elsewhere.
    pub(super) fn part(&mut self) -> (Vec<RowOutcome>, Vec<Bytes>, Option<Box<TryReport>>) {
        self.unreported = 0;
        let pages = std::mem::take(&mut self.pages).finish();
        let failed = self.outcomes.iter().zip(&self.states).enumerate().filter_map(|(row, (outcome, state))| {
            let is_news = state.is_settled && !state.is_reported;
            (is_news && outcome.attempts > 1 && outcome.code != Code::OK).then_some(row as RowId)
        });
        let tries = self.tries.report(failed);
        if self.unsettled == 0 && !self.states.iter().any(|state| state.is_reported) {
            return (std::mem::take(&mut self.outcomes), pages, tries);
        }
        let mut outcomes = self.outcomes.clone();
        for (outcome, state) in outcomes.iter_mut().zip(&mut self.states) {
            outcome.is_elsewhere = !state.is_settled || state.is_reported;
            state.is_reported |= state.is_settled;
        }
        (outcomes, pages, tries)
    }
}
