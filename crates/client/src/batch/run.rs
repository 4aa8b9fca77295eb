//! A batch from its first requests to the outcome of every row. One collector owns all rows; requests run as tasks
//! beside it and hand their answers over. Rows without an answer are routed again, with the maps of that moment,
//! while retries and time allow.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::costs::Costs;
use super::pages::Pages;
use super::plan::{Plan, ROWS_PER_TURN, RowId};
use super::request::{Progress, SubRequest};
use super::{Batch, BatchReply, RowOutcome};
use crate::cluster::Cluster;
use crate::cluster::node::Node;
use crate::error::{Code, Failure};
use crate::execute::no_namespace;
use crate::routing::NodeIndex;
use crate::routing::replica::Course;

/// The pause before the first retry is up to this, and twice as much before each next one.
const FIRST_BACKOFF: Duration = Duration::from_millis(8);
const MAX_BACKOFF: Duration = Duration::from_millis(250);

/// Carries out a batch.
pub(crate) async fn run(cluster: &Arc<Cluster>, batch: Batch) -> BatchReply {
    let start = Instant::now();
    let in_flight = cluster.enter();
    let plan = Arc::new(Plan::new(batch, start).await);
    let mut run = Run::new(cluster, plan);
    match in_flight {
        Ok(_guard) => run.complete().await,
        Err(failure) => run.settle_rest(&failure),
    }
    run.reply()
}

/// What the collector knows of a row besides its outcome.
#[derive(Debug, Clone, Copy, Default)]
struct RowState {
    course: Option<Course>,
    /// Times it went out.
    sent: u8,
    /// Tasks that have to do with it.
    tasks: u8,
    is_settled: bool,
}

enum Step {
    Request(Box<SubRequest>, Progress),
    /// Time to route rows again, as attempts of this round.
    Retry(Arc<[RowId]>, u16),
}

struct Run<'a> {
    cluster: &'a Cluster,
    plan: Arc<Plan>,
    rows: Vec<RowOutcome>,
    states: Vec<RowState>,
    unsettled: usize,
    pages: Pages,
    costs: Costs,
    tasks: JoinSet<Step>,
    /// The rows of every task, for the case that it dies.
    rows_of: HashMap<Id, Vec<Arc<[RowId]>>>,
}

impl<'a> Run<'a> {
    fn new(cluster: &'a Cluster, plan: Arc<Plan>) -> Self {
        let count = plan.batch.rows.len();
        let blank = RowOutcome {
            page: RowOutcome::NO_PAGE,
            offset: 0,
            code: Code::NO_RESPONSE,
            in_doubt: false,
            node: RowOutcome::NO_NODE,
            attempts: 0,
        };
        Self {
            cluster,
            plan,
            rows: vec![blank; count],
            states: vec![RowState::default(); count],
            unsettled: count,
            pages: Pages::default(),
            costs: Costs::default(),
            tasks: JoinSet::new(),
            rows_of: HashMap::new(),
        }
    }

    /// Runs until every row has an outcome.
    async fn complete(&mut self) {
        let all: Vec<RowId> = (0..self.rows.len() as u32).collect();
        self.route(&all, 0).await;
        while self.unsettled > 0 {
            let Some(finished) = self.tasks.join_next_with_id().await else { break };
            match finished {
                Ok((id, Step::Request(request, progress))) => {
                    let rows = self.rows_of.remove(&id);
                    self.after_request(*request, progress, rows.unwrap_or_default()).await;
                }
                Ok((id, Step::Retry(rows, round))) => {
                    self.rows_of.remove(&id);
                    self.leave(&rows);
                    self.route(&rows, round).await;
                }
                Err(error) => {
                    let rows = self.rows_of.remove(&error.id()).unwrap_or_default().concat();
                    self.leave(&rows);
                    let failure = Failure::new(Code::CLIENT, "the task that carried the rows ended early");
                    self.fail(&rows, &failure, None, u16::MAX, true);
                }
            }
        }
        self.settle_rest(&Failure::new(Code::CLIENT, "the row was lost"));
    }

    /// Sends rows to the nodes that are to answer them.
    async fn route(&mut self, rows: &[RowId], round: u16) {
        let routing = self.cluster.routing.load_full();
        let mut groups: Vec<Vec<RowId>> = vec![Vec::new(); routing.nodes.len()];
        let plan = self.plan.clone();
        let mut table = None;
        for chunk in rows.chunks(ROWS_PER_TURN) {
            for id in chunk {
                let Some(state) = self.states.get_mut(*id as usize).filter(|s| !s.is_settled) else { continue };
                let (Some((_, keyspace, spec)), Some(digest)) = (plan.row(*id), plan.digest(*id)) else {
                    self.settle(*id, &Failure::new(Code::PARAM, "the row refers to nothing"));
                    continue;
                };
                // rows of one namespace come in runs
                table = table
                    .filter(|t: &&crate::routing::Table| t.namespace.as_bytes() == keyspace.namespace)
                    .or_else(|| routing.table(&keyspace.namespace));
                let Some(table) = table else {
                    let failure = no_namespace(routing.nodes.is_empty(), &keyspace.namespace);
                    self.settle(*id, &failure);
                    continue;
                };
                let policy = plan.batch.policy.replica;
                let course = state.course.get_or_insert_with(|| Course::new(spec, policy, table, &self.cluster.turn));
                let racks = &self.cluster.config.preferred_racks;
                let node = course.choose(&routing, table, digest.partition(), racks);
                match node.and_then(|NodeIndex(at)| groups.get_mut(usize::from(at))) {
                    Some(group) => group.push(*id),
                    None => self.settle(*id, &Failure::new(Code::INVALID_NODE, "no active node holds the partition")),
                }
            }
            if rows.len() > ROWS_PER_TURN {
                tokio::task::yield_now().await;
            }
        }
        for (node, group) in routing.nodes.iter().zip(groups) {
            if !group.is_empty() {
                self.ask(node, group, round);
            }
        }
    }

    /// Starts the requests for the rows of one node.
    fn ask(&mut self, node: &Arc<Node>, rows: Vec<RowId>, round: u16) {
        let at = self.costs.index_of(node);
        for id in &rows {
            if let (Some(outcome), Some(state)) = (self.rows.get_mut(*id as usize), self.states.get_mut(*id as usize)) {
                outcome.attempts = outcome.attempts.saturating_add(1);
                outcome.node = at;
                state.tasks = state.tasks.saturating_add(1);
            }
        }
        if node.health.is_tripped() {
            self.leave(&rows);
            return self.fail(&rows, &Failure::new(Code::MAX_ERROR_RATE, ""), Some(node), round, false);
        }
        let has_writes = rows.iter().any(|id| self.plan.is_write(*id));
        let mut requests = self.plan.split(rows);
        if has_writes {
            if let Some(first) = requests.pop_front() {
                self.start(node.clone(), first, requests, round);
            }
        } else {
            for rows in requests {
                self.start(node.clone(), rows, VecDeque::new(), round);
            }
        }
    }

    fn start(&mut self, node: Arc<Node>, rows: Arc<[RowId]>, rest: VecDeque<Arc<[RowId]>>, round: u16) {
        let share = self.share(&rows, &rest, round);
        let mut covered = vec![rows.clone()];
        covered.extend(rest.iter().cloned());
        let request = SubRequest::new(self.plan.clone(), node, rows, rest, round);
        self.spawn_request(Box::new(request), share, covered);
    }

    fn spawn_request(&mut self, request: Box<SubRequest>, share: Option<Duration>, covered: Vec<Arc<[RowId]>>) {
        let task = self.tasks.spawn(async move {
            let (request, progress) = request.run(share).await;
            Step::Request(Box::new(request), progress)
        });
        self.rows_of.insert(task.id(), covered);
    }

    /// How long a request of reads may be silent before other replicas are asked too: what is left of the total,
    /// divided by the attempts left.
    fn share(&self, rows: &[RowId], rest: &VecDeque<Arc<[RowId]>>, round: u16) -> Option<Duration> {
        let attempts_left = self.plan.batch.policy.max_retries.saturating_sub(round);
        let has_alternatives = |id: &RowId| {
            self.states.get(*id as usize).and_then(|s| s.course.as_ref()).is_some_and(|c| c.has_alternatives())
        };
        // requests with followers hold writes
        if attempts_left == 0 || !rest.is_empty() || !rows.iter().all(has_alternatives) {
            return None;
        }
        if rows.iter().any(|id| self.plan.is_write(*id)) {
            return None;
        }
        let left = self.plan.deadline.remaining(Instant::now())?;
        Some(left / (u32::from(attempts_left) + 1))
    }

    async fn after_request(&mut self, mut request: SubRequest, progress: Progress, covered: Vec<Arc<[RowId]>>) {
        let node = request.node.clone();
        let round = request.round;
        self.take_answers(&mut request);
        match progress {
            Progress::Slow => {
                node.health.record_error();
                let waiting = request.unanswered();
                for id in &waiting {
                    if let Some(course) = self.states.get_mut(*id as usize).and_then(|s| s.course.as_mut()) {
                        course.advance(Code::TIMEOUT);
                    }
                }
                // it may still answer
                self.spawn_request(Box::new(request), None, covered);
                self.costs.note(&node, &Failure::timeout("no answer yet"), round, false);
                self.route(&waiting, round.saturating_add(1)).await;
            }
            Progress::Over(outcome) => {
                self.leave(&request.rows);
                let rest = std::mem::take(&mut request.rest);
                self.costs.add(&request);
                let failure = outcome.err().unwrap_or_else(|| Failure::new(Code::NO_RESPONSE, ""));
                let unanswered = request.unanswered();
                self.fail(&unanswered, &failure, Some(&node), round, request.was_sent);
                let mut rest = rest;
                if let Some(next) = rest.pop_front() {
                    self.start(node, next, rest, round);
                }
            }
        }
    }

    /// Moves what came in to the reply.
    fn take_answers(&mut self, request: &mut SubRequest) {
        let places: Vec<(u16, u32)> = request.frames.iter().map(|frame| self.pages.add(frame)).collect();
        let at = self.costs.index_of(&request.node);
        let mut answered = 0;
        for hit in request.hits.drain(..) {
            let Some((page, base)) = places.get(hit.frame as usize) else { continue };
            let (Some(outcome), Some(state)) =
                (self.rows.get_mut(hit.row as usize), self.states.get_mut(hit.row as usize))
            else {
                continue;
            };
            if state.is_settled {
                continue;
            }
            state.is_settled = true;
            self.unsettled -= 1;
            answered += 1;
            outcome.page = *page;
            outcome.offset = base + hit.offset;
            outcome.code = hit.result.into();
            outcome.node = at;
            // an answer leaves doubt about an earlier time the row went out, and, when the server ran out of time,
            // about this one: the master has the write, and a replica did not say so
            let doubtful = state.sent > 0 || outcome.code.leaves_doubt();
            outcome.in_doubt = !hit.result.is_ok() && doubtful && self.plan.is_write(hit.row);
        }
        request.frames.clear();
        self.costs.of(&request.node).answered += answered;
    }

    /// Ends an attempt of rows without an answer: they are tried again later, or settled.
    fn fail(&mut self, rows: &[RowId], failure: &Failure, node: Option<&Arc<Node>>, round: u16, was_sent: bool) {
        if rows.is_empty() {
            return;
        }
        let policy = self.plan.batch.policy;
        let mut again = Vec::new();
        let mut any_in_doubt = false;
        for id in rows {
            let is_write = self.plan.is_write(*id);
            let (Some(outcome), Some(state)) = (self.rows.get_mut(*id as usize), self.states.get_mut(*id as usize))
            else {
                continue;
            };
            if state.is_settled {
                continue;
            }
            state.sent = state.sent.saturating_add(u8::from(was_sent));
            let in_doubt = is_write && (state.sent > 1 || (state.sent == 1 && failure.code.leaves_doubt()));
            any_in_doubt |= in_doubt;
            outcome.code = failure.code;
            outcome.in_doubt = in_doubt;
            if state.tasks > 0 {
                continue; // another attempt is under way
            }
            let may_repeat = failure.code.is_retryable() && (!in_doubt || policy.idempotent);
            if may_repeat && round < policy.max_retries && !self.plan.deadline.has_passed(Instant::now()) {
                if let Some(course) = &mut state.course {
                    course.advance(failure.code);
                }
                state.tasks += 1;
                again.push(*id);
            } else {
                state.is_settled = true;
                self.unsettled -= 1;
            }
        }
        if let Some(node) = node {
            self.costs.note(node, failure, round, any_in_doubt);
        }
        if !again.is_empty() {
            self.try_later(again.into(), round.saturating_add(1));
        }
    }

    /// Routes rows again after a pause: exponential, with full jitter, so that the clients of a node that failed do
    /// not all come back at once.
    fn try_later(&mut self, rows: Arc<[RowId]>, round: u16) {
        let first = FIRST_BACKOFF.max(self.plan.batch.policy.pause());
        let most = first.saturating_mul(1 << u32::from(round - 1).min(8)).min(MAX_BACKOFF.max(first));
        let pause = most.mul_f64(fastrand::f64());
        let covered = vec![rows.clone()];
        let task = self.tasks.spawn(async move {
            tokio::time::sleep(pause).await;
            Step::Retry(rows, round)
        });
        self.rows_of.insert(task.id(), covered);
    }

    /// A task no longer has to do with these rows.
    fn leave(&mut self, rows: &[RowId]) {
        for id in rows {
            if let Some(state) = self.states.get_mut(*id as usize) {
                state.tasks = state.tasks.saturating_sub(1);
            }
        }
    }

    fn settle(&mut self, id: RowId, failure: &Failure) {
        if let (Some(outcome), Some(state)) = (self.rows.get_mut(id as usize), self.states.get_mut(id as usize))
            && !state.is_settled
        {
            state.is_settled = true;
            self.unsettled -= 1;
            // what an earlier attempt ran into says more than that there is nobody left to ask
            if outcome.attempts == 0 {
                outcome.code = failure.code;
            }
        }
    }

    fn settle_rest(&mut self, failure: &Failure) {
        if self.unsettled > 0 {
            (0..self.rows.len() as u32).for_each(|id| self.settle(id, failure));
        }
    }

    fn reply(self) -> BatchReply {
        let pages: Vec<Bytes> = self.pages.finish();
        BatchReply { rows: self.rows, pages, nodes: self.costs.into_nodes(), elapsed: self.plan.start.elapsed() }
    }
}
