//! All nodes of a query: rounds of requests, until every partition is done, the reader has as many records as it
//! wanted, or retries are used up.

use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::ResultCode;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Results;
use super::cursor::Standing;
use super::node_stream::{Event, Finished, NodeStream, Shared};
use super::request::Portion;
use super::tracker::{Assignment, Tracker, divide};
use crate::cluster::{Cluster, closed};
use crate::deadline::Deadline;
use crate::error::{Code, Error, Failure, SubError};
use crate::metrics::Kind;
use crate::retry::{QUERY, query_may_recover};

/// How long nodes may take to end an answer that nobody needs any more, before their connections are closed.
const GRACE: Duration = Duration::from_millis(100);
/// Failed attempts that an error tells of.
const MAX_SUB_ERRORS: usize = 16;

/// Carries out a query and tells the reader how it ended.
pub(super) async fn run(cluster: Arc<Cluster>, shared: Arc<Shared>) {
    let mut run = Run {
        cluster: &cluster,
        shared: &shared,
        tracker: Tracker::new(),
        start: Instant::now(),
        rounds: 0,
        failures: Vec::new(),
        has_answers: false,
    };
    let outcome = shared.deadline.bound(run.complete()).await;
    let outcome = outcome.unwrap_or_else(|_| {
        let total = shared.query.policy.total_timeout;
        Err(Box::new((Failure::timeout(format!("the query was not done within {total} ms")), None)))
    });
    let event = match outcome {
        Ok(more) => Event::End { more },
        Err(reason) => {
            let (failure, node) = *reason;
            let error = Error::new(failure.code, failure.detail).at(node, run.rounds, run.start.elapsed());
            Event::Failure(error.with_sub_errors(run.failures).with_message(failure.message))
        }
    };
    if let Some(series) = cluster.metrics.of(Kind::Query) {
        series.took(run.start.elapsed());
        if let Event::Failure(error) = &event {
            series.result(error.code(), 1);
        }
    }
    let _ = shared.reader.send(event).await; // nobody reads it any more
}

/// Why a query failed, and at which node.
type Reason = Box<(Failure, Option<Arc<str>>)>;

struct Run<'a> {
    cluster: &'a Arc<Cluster>,
    shared: &'a Arc<Shared>,
    tracker: Tracker,
    start: Instant,
    rounds: u32,
    failures: Vec<SubError>,
    /// Whether any node has answered without an error.
    has_answers: bool,
}

/// What a round led to.
#[derive(Default)]
struct Round {
    /// The last failure that another round may mend.
    failure: Option<Reason>,
    /// Whether those that failed brought something, so that the next round goes on elsewhere.
    progressed: bool,
}

impl Run<'_> {
    /// Whether the limit of records ended it.
    async fn complete(&mut self) -> Result<bool, Reason> {
        let mut retries = 0;
        if !self.cluster.first_look.is_over() {
            self.cluster.first_look.wait().await;
        }
        loop {
            if self.cluster.is_closing() {
                return Err(Box::new((closed(), None)));
            }
            let assignment = self.assign().map_err(|failure| Box::new((failure, None)))?;
            if assignment.portions.is_empty() && assignment.failure.is_none() {
                return Ok(false);
            }
            if self.shared.received.lock().remaining == Some(0) {
                return Ok(true);
            }
            self.rounds += 1;
            let begun = Instant::now();
            let round = self.ask(assignment).await?;
            if self.is_satisfied() {
                let is_done = self.shared.received.lock().cursor.iter().all(|(_, s)| s == Standing::Done);
                return Ok(!is_done);
            }
            let is_repeatable = self.shared.query.results == Results::Records;
            let reason = match round.failure {
                Some(reason) if is_repeatable => reason,
                Some(reason) => return Err(reason),
                None if is_repeatable => continue,
                None => return Ok(false),
            };
            retries = if round.progressed { 0 } else { retries + 1 };
            if retries > u32::from(self.shared.query.policy.max_retries) {
                return Err(reason);
            }
            self.note(&reason, begun.elapsed());
            tokio::time::sleep(QUERY.pause_at_least(self.shared.query.policy.pause(), retries)).await;
        }
    }

    fn is_satisfied(&self) -> bool {
        self.shared.received.lock().remaining == Some(0)
    }

    fn note(&mut self, reason: &Reason, elapsed: Duration) {
        let (failure, node) = &**reason;
        if self.failures.len() == MAX_SUB_ERRORS {
            self.failures.remove(0);
        }
        self.failures.push(SubError {
            code: failure.code,
            detail: failure.detail.clone(),
            node: node.clone(),
            attempt: self.rounds,
            in_doubt: false,
            elapsed,
        });
    }

    /// Who is asked for what now.
    fn assign(&mut self) -> Result<Assignment, Failure> {
        let query = &self.shared.query;
        let mut received = self.shared.received.lock();
        if let Some(names) = &query.nodes {
            let routing = self.cluster.routing.load();
            let is_known = |name: &Arc<str>| routing.nodes.iter().any(|node| node.name == *name);
            if let Some(name) = names.iter().find(|name| !is_known(name) && self.rounds == 0) {
                return Err(Failure::new(Code::INVALID_NODE, format!("the cluster has no node \"{name}\"")));
            }
        }
        let mut assignment = self.tracker.assign(self.cluster, query, &received.cursor)?;
        if query.results == Results::Values {
            // each node runs on what it is the master of
            let active = self.cluster.routing.load();
            let wanted = |name: &Arc<str>| query.nodes.as_ref().is_none_or(|names| names.contains(name));
            let active = active.nodes.iter().filter(|node| node.is_active() && wanted(&node.name));
            let portion = || Portion { partitions: Vec::new(), quota: None };
            if !assignment.portions.is_empty() {
                assignment.portions = active.map(|node| (node.clone(), portion())).collect();
            }
            return Ok(assignment);
        }
        assignment.left_out.iter().for_each(|id| received.cursor.remove(*id));
        if let Some(remaining) = received.remaining {
            let quotas = divide(remaining, assignment.portions.len());
            assignment.portions.iter_mut().zip(quotas).for_each(|((_, portion), quota)| portion.quota = Some(quota));
        }
        Ok(assignment)
    }

    /// Asks every node for its portion and waits for all of them.
    async fn ask(&mut self, assignment: Assignment) -> Result<Round, Reason> {
        let Assignment { portions, left_out, failure } = assignment;
        let mut round = Round { failure: failure.map(|failure| Box::new((failure, None))), progressed: false };
        if !left_out.is_empty() {
            self.tell(Event::LeftOut(left_out)).await;
        }
        // servers refuse an id they have seen
        let task_id = fastrand::u64(1..);
        let most = match self.shared.query.concurrency {
            0 => usize::MAX,
            n => n as usize,
        };
        let mut waiting = portions.into_iter();
        let mut streams = JoinSet::new();
        let mut limit = Deadline::NEVER;
        loop {
            while streams.len() < most
                && let Some((node, portion)) = waiting.next()
            {
                let stream = NodeStream { shared: self.shared.clone(), node, portion, task_id };
                streams.spawn(stream.run());
            }
            let joined = tokio::select! {
                joined = limit.bound(streams.join_next()) => joined,
                () = self.shared.satisfied.notified(), if limit == Deadline::NEVER => {
                    waiting = Vec::new().into_iter();
                    limit = Deadline::within(Instant::now(), GRACE);
                    continue;
                }
            };
            match joined {
                Ok(Some(Ok(finished))) => self.take(finished, &mut round).await?,
                Ok(Some(Err(_))) => {
                    let failure = Failure::new(Code::CLIENT, "the task that read the answer of a node ended early");
                    return Err(Box::new((failure, None)));
                }
                Ok(None) | Err(_) => break,
            }
        }
        Ok(round)
    }

    /// Judges how a node's answer ended.
    async fn take(&mut self, finished: Finished, round: &mut Round) -> Result<(), Reason> {
        let Finished { node, portion, unavailable, end, accepted, had_surplus } = finished;
        let name = Some(node.name.clone());
        for id in &unavailable {
            self.tracker.advance(*id, ResultCode::UNAVAILABLE.into());
            let detail = format!("the node does not hold partition {}", id.index());
            let failure = Failure::new(ResultCode::UNAVAILABLE.into(), detail);
            round.failure = Some(Box::new((failure, name.clone())));
        }
        // that a node has moved partitions away is no reason to give up while it brings others
        round.progressed |= accepted > 0 && (end.is_err() || !unavailable.is_empty());
        match end {
            Ok(()) => {
                self.has_answers = true;
                let is_cut = had_surplus || portion.quota.is_some_and(|quota| accepted >= quota);
                if !is_cut {
                    self.finish(&portion, &unavailable).await;
                }
                Ok(())
            }
            Err(failure) if query_may_recover(failure.code, self.has_answers) => {
                portion.partitions.iter().for_each(|(id, _)| {
                    if !unavailable.contains(id) {
                        self.tracker.advance(*id, failure.code);
                    }
                });
                round.failure = Some(Box::new((failure, name)));
                Ok(())
            }
            Err(failure) => Err(Box::new((failure, name))),
        }
    }

    /// The partitions that a node gave to their end.
    async fn finish(&self, portion: &Portion, unavailable: &[aerospike_wire::PartitionId]) {
        let ids = portion.partitions.iter().map(|(id, _)| *id);
        let done: Vec<_> = ids.filter(|id| !unavailable.contains(id)).collect();
        {
            let mut received = self.shared.received.lock();
            done.iter().for_each(|id| received.cursor.set(*id, Standing::Done));
        }
        self.tell(Event::Done(done)).await;
    }

    async fn tell(&self, event: Event) {
        let _ = self.shared.reader.send(event).await; // without a reader the query is about to be dropped
    }
}
