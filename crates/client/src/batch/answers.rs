//! What becomes of a request's answers, and of rows that have none: they are settled, or tried again after a pause.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::counts;
use super::node_limits::LimitId;
use super::plan::RowId;
use super::request::SubRequest;
use super::rows::Answer;
use super::run::{Covered, Run, Step};
use crate::error::{Code, Failure, SubError};
use crate::node::Node;
use crate::retry::{COMMAND, is_overload};

impl Run {
    /// Takes in what a request brought. Its node has room for others then: one that is slow holds up nothing else.
    /// Returns how many rows were in flight there.
    pub(super) fn take_in(&mut self, request: &mut SubRequest, rows: &[RowId], limit: Option<LimitId>) -> usize {
        self.take_answers(request);
        let busy = limit.map_or(0, |limit| self.limits.busy(limit));
        if let Some(limit) = limit {
            self.limits.leave(limit, rows.len());
        }
        busy
    }

    /// Ends a request: rows without an answer are tried again later, or have failed.
    pub(super) fn end(
        &mut self,
        request: &SubRequest,
        outcome: Result<(), Failure>,
        rows: &[RowId],
        limit: Option<LimitId>,
        busy: usize,
    ) {
        self.rows.leave(rows);
        self.costs.add(request);
        let failure = outcome.err();
        counts::request(self.plan.kind, request, failure.as_ref());
        let overloaded = request.refused.iter().any(|(_, code)| is_overload(*code))
            || failure.as_ref().is_some_and(|failure| is_overload(failure.code));
        match limit {
            Some(limit) if overloaded => self.slow_down(limit, busy),
            Some(limit) if failure.is_none() => self.limits.succeeded(limit),
            _ => {}
        }
        let failure = failure.unwrap_or_else(|| Failure::new(Code::NO_RESPONSE, ""));
        if failure.code.is_session_over() {
            request.node.pool.renounce(request.begun);
        }
        let (node, begun) = (Some(&request.node), Some(request.begun));
        self.fail(&request.unanswered(), &failure, node, request.round, begun, request.was_sent);
        self.refuse(request);
        if let Some(limit) = limit {
            self.pump(limit);
        }
    }

    /// The node has too much to do: it gets less, after a pause.
    pub(super) fn slow_down(&mut self, limit: LimitId, busy: usize) {
        if let Some(pause) = self.limits.overloaded(limit, busy) {
            let task = self.tasks.spawn(async move {
                tokio::time::sleep(pause).await;
                Step::Resume(limit)
            });
            self.covered.insert(task.id(), Covered { rows: Arc::default(), limit: None });
        }
    }

    /// Moves what came in to the reply.
    pub(super) fn take_answers(&mut self, request: &mut SubRequest) {
        self.note_transaction(request);
        let places: Vec<(u16, u32)> = request.frames.drain(..).map(|frame| self.rows.keep(&frame)).collect();
        let at = self.costs.index_of(&request.node);
        counts::rows(self.plan.kind, &request.node, &request.hits);
        let mut answered = 0;
        let mut refused_at_last = Vec::new();
        for hit in request.hits.drain(..) {
            let Some(place) = places.get(hit.frame as usize) else { continue };
            match self.rows.answer(hit, *place, at) {
                Answer::Settled => {
                    answered += 1;
                    if !hit.result.is_ok() && self.rows.tries.has(hit.row) {
                        refused_at_last.push((hit.row, Code::from(hit.result)));
                    }
                }
                Answer::Refused => request.refused.push((hit.row, hit.result.into())),
                Answer::Late => {}
            }
        }
        self.costs.of(&request.node).answered += answered;
        for (code, rows) in by_code(&refused_at_last) {
            self.rows.note(&rows, request.failed(Failure::new(code, ""), false));
        }
    }

    /// Tells the transaction of the batch what answers say of its records, before anything else is sent for them.
    pub(super) fn note_transaction(&self, request: &SubRequest) {
        let Some(transaction) = &self.plan.transaction else { return };
        for hit in &request.hits {
            let message = request.frames.get(hit.frame as usize).and_then(|frame| frame.get(hit.offset as usize..));
            if let (Some((_, keyspace, spec)), Some(digest), Some(message)) =
                (self.plan.row(hit.row), self.plan.digest(hit.row), message)
            {
                transaction.note_row(*digest, &keyspace.set, spec.is_write(), hit.result.into(), message);
            }
        }
    }

    /// Ends an attempt of rows without an answer: they are tried again later, or settled.
    pub(super) fn fail(
        &mut self,
        rows: &[RowId],
        failure: &Failure,
        node: Option<&Arc<Node>>,
        round: u16,
        begun: Option<Instant>,
        was_sent: bool,
    ) {
        if rows.is_empty() {
            return;
        }
        let sub_error = SubError {
            code: failure.code,
            detail: failure.detail.clone(),
            node: node.map(|node| node.name.clone()),
            attempt: u32::from(round) + 1,
            in_doubt: was_sent && failure.code.leaves_doubt(),
            elapsed: begun.map_or(Duration::ZERO, |begun| begun.elapsed()),
        };
        if let Some(node) = node {
            self.costs.note(node, &sub_error);
        }
        self.rows.note(rows, sub_error);
        let mut again = Vec::new();
        for id in rows {
            again.extend(self.rows.fail(*id, failure.code, round, was_sent).then_some(*id));
        }
        if let Some(node) = node {
            counts::retries(self.plan.kind, node, failure.code, round, again.len());
        }
        self.try_later(again, round.saturating_add(1));
    }

    /// Ends an attempt of the rows that a request was refused, or that the server ran out of time for. The latter can
    /// mean of a write that the master has it, and a replica did not say so.
    pub(super) fn refuse(&mut self, request: &SubRequest) {
        let round = request.round;
        let mut again = Vec::new();
        for (code, rows) in by_code(&request.refused) {
            self.rows.note(&rows, request.failed(Failure::new(code, ""), code.leaves_doubt()));
        }
        for (id, code) in &request.refused {
            again.extend(self.rows.fail(*id, *code, round, true).then_some(*id));
        }
        if let Some((_, code)) = request.refused.last() {
            self.costs.note(&request.node, &request.failed(Failure::new(*code, ""), false));
            counts::retries(self.plan.kind, &request.node, *code, round, again.len());
        }
        self.try_later(again, round.saturating_add(1));
    }

    /// Routes rows again after a pause.
    pub(super) fn try_later(&mut self, rows: Vec<RowId>, round: u16) {
        if rows.is_empty() {
            return;
        }
        let pause = COMMAND.pause_at_least(self.plan.batch.policy.pause(), round.into());
        let rows: Arc<[RowId]> = rows.into();
        let covered = Covered { rows: rows.clone(), limit: None };
        let task = self.tasks.spawn(async move {
            tokio::time::sleep(pause).await;
            Step::Retry(rows, round)
        });
        self.covered.insert(task.id(), covered);
    }
}

/// The rows of each code.
fn by_code(rows: &[(RowId, Code)]) -> Vec<(Code, Vec<RowId>)> {
    let mut groups: Vec<(Code, Vec<RowId>)> = Vec::new();
    for (row, code) in rows {
        match groups.iter_mut().find(|(known, _)| known == code) {
            Some((_, rows)) => rows.push(*row),
            None => groups.push((*code, vec![*row])),
        }
    }
    groups
}
