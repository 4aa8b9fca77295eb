//! Requests that are late: after which time other replicas are asked too, and copies of requests within the budget for hedging.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::plan::RowId;
use super::request::SubRequest;
use super::run::{Covered, Run};
use crate::error::Code;
use crate::metrics::Happening;
use crate::node::Node;

impl Run {
    /// How long a request of reads may be silent before other replicas are asked too: what is left of the total,
    /// divided by the attempts left.
    pub(super) fn share(&self, rows: &[RowId], round: u16) -> Option<Duration> {
        let attempts_left = self.plan.batch.policy.max_retries.saturating_sub(round);
        if attempts_left == 0 || !rows.iter().all(|id| self.rows.has_alternatives(*id) && !self.plan.is_write(*id)) {
            return None;
        }
        let left = self.plan.deadline.remaining(Instant::now())?;
        Some(left / (u32::from(attempts_left) + 1))
    }

    /// How long a request of reads may be silent before a copy of it is sent to another replica.
    pub(super) fn hedge_delay(&self, node: &Node, rows: &[RowId], round: u16) -> Option<Duration> {
        let hedge = self.plan.batch.policy.hedge.filter(|_| round == 0)?;
        if !rows.iter().all(|id| self.rows.has_alternatives(*id) && !self.plan.is_write(*id)) {
            return None;
        }
        self.cluster.hedges.earn(hedge, rows.len());
        node.batch_latency.hedge_delay(hedge)
    }

    /// Sends a copy of a request that is late, row by row to the next replica, if the budget has room for it. The request
    /// goes on: what answers first counts.
    pub(super) async fn copy(&mut self, request: SubRequest, rows: Arc<[RowId]>) {
        let round = request.round;
        let waiting = request.unanswered();
        let share = self.share(&waiting, round);
        let may_copy = !waiting.is_empty() && self.cluster.hedges.take(waiting.len());
        if may_copy {
            request.node.metrics().happened_to(Happening::Hedged, waiting.len());
        }
        self.spawn_request(Box::new(request), share.filter(|_| !may_copy), Covered { rows, limit: None });
        if may_copy {
            for id in &waiting {
                if let Some(replica_plan) = self.rows.replica_plan(*id).and_then(Option::as_mut) {
                    replica_plan.advance(Code::TIMEOUT);
                }
            }
            self.has_copies = true;
            self.route(&waiting, round).await;
        }
    }

    /// Notes how long nodes take to answer, as batches that hedge go by it.
    pub(super) fn note_latency(&self, request: &SubRequest) {
        if self.plan.batch.policy.hedge.is_some() && request.round == 0 && request.was_sent {
            request.node.batch_latency.note(request.begun.elapsed());
        }
    }
}
