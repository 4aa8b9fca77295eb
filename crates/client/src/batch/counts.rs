//! What a batch adds to the counts of its client and of the nodes it asks.

use tokio::time::Instant;

use super::BatchReply;
use super::request::{Hit, SubRequest};
use crate::error::{Code, Failure};
use crate::metrics::{Kind, Metrics, Series};
use crate::node::Node;

/// Results that are not 0, with how often each came: the counters are shared by all threads, so each is touched once.
#[derive(Default)]
struct Results(Vec<(Code, u64)>);

impl Results {
    fn add(&mut self, code: Code) {
        if code == Code::OK {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| *known == code) {
            Some((_, times)) => *times += 1,
            None => self.0.push((code, 1)),
        }
    }

    fn count(self, series: &Series) {
        self.0.into_iter().for_each(|(code, times)| series.result(code, times));
    }
}

/// Counts a request that is over, and why it failed as a whole, if it did.
pub(super) fn request(kind: Kind, request: &SubRequest, failure: Option<&Failure>) {
    let Some(series) = request.node.metrics().of(kind) else { return };
    series.took(request.begun.elapsed());
    series.bytes(request.bytes_out, request.bytes_in);
    if let Some(failure) = failure {
        series.result(failure.code, 1);
    }
}

/// Counts rows that a node answered.
pub(super) fn rows(kind: Kind, node: &Node, hits: &[Hit]) {
    let Some(series) = node.metrics().of(kind) else { return };
    series.rows(hits.len() as u64);
    let mut results = Results::default();
    hits.iter().for_each(|hit| results.add(hit.result.into()));
    results.count(series);
}

/// Counts rows that are tried again.
pub(super) fn retries(kind: Kind, node: &Node, code: Code, round: u16, rows: usize) {
    if rows > 0 {
        node.metrics().retried(kind, code, u32::from(round) + 1, rows);
    }
}

/// Counts what a part of the reply, or all of it, tells the caller.
pub(super) fn reply(kind: Kind, metrics: &Metrics, reply: &BatchReply) {
    let Some(series) = metrics.of(kind) else { return };
    let (mut rows, mut in_doubt, mut results) = (0, 0, Results::default());
    for row in reply.rows.iter().filter(|row| !row.is_elsewhere) {
        rows += 1;
        in_doubt += u64::from(row.in_doubt);
        results.add(row.code);
    }
    series.rows(rows);
    series.doubted(in_doubt);
    results.count(series);
}

/// Counts a batch whose rows all have their outcome.
pub(super) fn batch(kind: Kind, metrics: &Metrics, start: Instant) {
    if let Some(series) = metrics.of(kind) {
        series.took(start.elapsed());
    }
}
