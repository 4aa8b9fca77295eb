//! A batch from its first requests to the outcome of every row. One collector owns all rows; requests run as tasks
//! beside it and hand their answers over. Rows without a good answer are routed again, with the maps of that moment,
//! while retries and time allow. What becomes of answers is in `answers`, requests that are late are in `late`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use super::bound::Bound;
use super::costs::Costs;
use super::counts;
use super::node_limits::{LimitId, NodeLimits};
use super::order::Order;
use super::plan::{Plan, ROWS_PER_TURN, RowId};
use super::request::{Progress, SubRequest};
use super::rows::Rows;
use super::{Batch, BatchReply};
use crate::cluster::Cluster;
use crate::error::{Code, Failure};
use crate::node::Node;
use crate::routing::replica::ReplicaPlan;
use crate::routing::{Routing, Table};

/// How long rows that have their outcome wait for the others before they are handed over as a part.
const PART_AFTER: Duration = Duration::from_millis(4);

/// Carries out a batch. Outcomes that others keep waiting go to `part`, when there is one, and the rest is returned.
pub(crate) async fn run(
    cluster: &Arc<Cluster>,
    batch: Batch,
    part: Option<&mut (dyn FnMut(BatchReply) + Send)>,
) -> BatchReply {
    carry_out(cluster, batch, None, part).await
}

/// Carries out a batch whose rows belong to a transaction.
pub(crate) async fn run_in(
    cluster: &Arc<Cluster>,
    batch: Batch,
    transaction: Arc<dyn Bound>,
    part: Option<&mut (dyn FnMut(BatchReply) + Send)>,
) -> BatchReply {
    carry_out(cluster, batch, Some(transaction), part).await
}

async fn carry_out(
    cluster: &Arc<Cluster>,
    batch: Batch,
    transaction: Option<Arc<dyn Bound>>,
    part: Option<&mut (dyn FnMut(BatchReply) + Send)>,
) -> BatchReply {
    let start = Instant::now();
    let in_flight = cluster.enter();
    let plan = Arc::new(Plan::new(batch, start).await.in_transaction(transaction));
    let order = Order::of(&plan).await;
    let mut run = Run::new(cluster.clone(), plan, order);
    match in_flight {
        Ok(_guard) => {
            if !cluster.first_look.is_over() {
                // the rows' own time is looked at when they are routed
                let _ = run.plan.deadline.bound(cluster.first_look.wait()).await;
            }
            let first = run.rows.first();
            run.route(&first, 0).await;
            run.complete(part).await;
        }
        Err(failure) => run.rows.settle_rest(&failure),
    }
    run.last_reply()
}

#[derive(Debug)]
pub(super) enum Step {
    Request(Box<SubRequest>, Progress),
    /// Time to route rows again, as attempts of this round.
    Retry(Arc<[RowId]>, u16),
    /// The pause of a node is over.
    Resume(LimitId),
}

/// What a task has to do with, for the case that it dies.
#[derive(Debug)]
pub(super) struct Covered {
    pub(super) rows: Arc<[RowId]>,
    pub(super) limit: Option<LimitId>,
}

/// A request that is ready to go.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) request: Box<SubRequest>,
    share: Option<Duration>,
    covered: Covered,
}

/// A batch on its way.
#[derive(Debug)]
pub(crate) struct Run {
    pub(super) cluster: Arc<Cluster>,
    pub(super) plan: Arc<Plan>,
    pub(super) rows: Rows,
    pub(super) limits: NodeLimits,
    pub(super) costs: Costs,
    ready: Vec<Outgoing>,
    pub(super) tasks: JoinSet<Step>,
    pub(super) covered: HashMap<Id, Covered>,
    /// Copies of requests were sent, and what they are copies of may be under way when all rows are answered.
    pub(super) has_copies: bool,
}

/// A group of rows for each node, with room for a fair share of them.
fn groups(routing: &Routing, rows: usize) -> Vec<Vec<RowId>> {
    let nodes = routing.nodes.len();
    let share = rows / nodes.max(1);
    let room = if nodes > 1 { share + share / 4 } else { share };
    std::iter::repeat_with(|| Vec::with_capacity(room)).take(nodes).collect()
}

impl Run {
    /// Begins a batch of reads, few enough for a turn, at once: the first requests are [ready](Self::take_ready) then.
    pub(crate) fn of_few(cluster: Arc<Cluster>, batch: Batch, start: Instant) -> Self {
        let runtime = cluster.runtime.clone();
        // rows that cannot be sent now wait for their time on the runtime
        let _runtime = runtime.enter();
        let mut run = Self::new(cluster, Arc::new(Plan::of_few(batch, start)), Order::default());
        let first = run.rows.first();
        let routing = run.cluster.routing.load_full();
        let mut groups = groups(&routing, first.len());
        run.group(&first, &routing, &mut groups);
        run.line_up(&routing, groups, 0);
        run
    }

    fn new(cluster: Arc<Cluster>, plan: Arc<Plan>, order: Order) -> Self {
        Self {
            cluster,
            rows: Rows::new(plan.clone(), order),
            plan,
            limits: NodeLimits::default(),
            costs: Costs::default(),
            ready: Vec::new(),
            tasks: JoinSet::new(),
            covered: HashMap::new(),
            has_copies: false,
        }
    }

    /// Whether every row has its outcome.
    pub(crate) fn is_complete(&self) -> bool {
        self.rows.unsettled() == 0
    }

    /// The requests that are ready to go, for someone else to send.
    pub(crate) fn take_ready(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.ready)
    }

    /// Gives requests back, as far as they came.
    pub(crate) fn put_ready(&mut self, requests: impl IntoIterator<Item = Outgoing>) {
        self.ready.extend(requests);
    }

    /// Takes in a request that was sent elsewhere and is over.
    pub(crate) fn conclude(&mut self, outgoing: Outgoing, outcome: Result<(), Failure>) {
        let Outgoing { mut request, covered: Covered { rows, limit }, .. } = outgoing;
        // what is to be tried again waits for its time on the runtime
        let runtime = self.cluster.runtime.clone();
        let _runtime = runtime.enter();
        let busy = self.take_in(&mut request, &rows, limit);
        self.end(&request, outcome, &rows, limit, busy);
    }

    /// Runs until every row has an outcome.
    pub(crate) async fn complete(&mut self, mut part: Option<&mut (dyn FnMut(BatchReply) + Send)>) {
        loop {
            self.go_on().await;
            if self.is_complete() {
                if self.has_copies {
                    // who lost reads its answer to the end: the connection is worth more than the bytes
                    self.tasks.detach_all();
                }
                return;
            }
            for Outgoing { request, share, covered } in self.take_ready() {
                self.spawn_request(request, share, covered);
            }
            let finished = match &mut part {
                Some(part) if self.rows.has_news() => {
                    match tokio::time::timeout(PART_AFTER, self.tasks.join_next_with_id()).await {
                        Ok(finished) => finished,
                        Err(_) => {
                            part(self.reply());
                            continue;
                        }
                    }
                }
                _ => self.tasks.join_next_with_id().await,
            };
            match finished {
                Some(Ok((id, step))) => {
                    let covered = self.covered.remove(&id);
                    self.after(step, covered).await;
                }
                Some(Err(error)) => self.after_death(error.id()),
                None => return self.rows.settle_rest(&Failure::new(Code::CLIENT, "the row was lost")),
            }
        }
    }

    async fn after(&mut self, step: Step, covered: Option<Covered>) {
        match step {
            Step::Request(request, progress) => {
                if let Some(Covered { rows, limit }) = covered {
                    self.after_request(*request, progress, rows, limit).await;
                }
            }
            Step::Retry(rows, round) => {
                self.rows.leave(&rows);
                self.route(&rows, round).await;
            }
            Step::Resume(limit) => {
                self.limits.resume(limit);
                self.pump(limit);
            }
        }
    }

    fn after_death(&mut self, id: Id) {
        let Some(Covered { rows, limit }) = self.covered.remove(&id) else { return };
        self.rows.leave(&rows);
        let failure = Failure::new(Code::CLIENT, "the task that sent the rows ended early");
        self.fail(&rows, &failure, None, u16::MAX, None, true);
        if let Some(limit) = limit {
            self.limits.leave(limit, rows.len());
            self.pump(limit);
        }
    }

    /// Sends the rows that waited for others, as long as there is time.
    async fn go_on(&mut self) {
        loop {
            let released = self.rows.take_released();
            if released.is_empty() {
                return;
            }
            if self.plan.deadline.has_passed(Instant::now()) {
                let failure = Failure::timeout("the time was over before it was the row's turn");
                released.iter().for_each(|id| self.rows.settle(*id, &failure));
            } else {
                self.route(&released, 0).await;
            }
        }
    }

    /// Makes requests for rows to the nodes that are to answer them.
    pub(super) async fn route(&mut self, rows: &[RowId], round: u16) {
        let routing = self.cluster.routing.load_full();
        let mut groups = groups(&routing, rows.len());
        for chunk in rows.chunks(ROWS_PER_TURN) {
            self.group(chunk, &routing, &mut groups);
            if rows.len() > ROWS_PER_TURN {
                tokio::task::yield_now().await;
            }
        }
        self.line_up(&routing, groups, round);
    }

    /// Adds rows to the groups of the nodes that are to answer them.
    fn group(&mut self, rows: &[RowId], routing: &Routing, groups: &mut [Vec<RowId>]) {
        let plan = self.plan.clone();
        let mut table = None;
        for id in rows {
            let Some(replica_plan) = self.rows.replica_plan(*id) else { continue };
            let (Some((_, keyspace, spec)), Some(digest)) = (plan.row(*id), plan.digest(*id)) else {
                self.rows.settle(*id, &Failure::new(Code::PARAM, "the row refers to nothing"));
                continue;
            };
            // rows of one namespace come in runs
            table = table
                .filter(|t: &&Table| t.namespace.as_bytes() == keyspace.namespace)
                .or_else(|| routing.table(&keyspace.namespace));
            let Some(table) = table else {
                self.rows.settle(*id, &self.cluster.no_namespace(&keyspace.namespace));
                continue;
            };
            let policy = plan.batch.policy.replica;
            let replica_plan =
                replica_plan.get_or_insert_with(|| ReplicaPlan::new(spec, policy, table, &self.cluster.turn));
            let settings = self.cluster.settings.load();
            let racks = &settings.preferred_racks;
            let node = replica_plan.choose(routing, table, digest.partition(), racks);
            match node.and_then(|node| groups.get_mut(node.at())) {
                Some(group) => group.push(*id),
                None => {
                    let failure = self.cluster.no_holder(digest.partition());
                    self.rows.settle(*id, &failure);
                }
            }
        }
    }

    /// Puts the rows of every node in line, and makes the requests it has room for.
    fn line_up(&mut self, routing: &Routing, groups: Vec<Vec<RowId>>, round: u16) {
        for (node, group) in routing.nodes.iter().zip(groups) {
            if !group.is_empty() {
                let limit = self.limits.of(node);
                self.rows.enter(&group);
                self.limits.add(limit, group, round);
                self.pump(limit);
            }
        }
    }

    /// Makes the requests a node has room for.
    pub(super) fn pump(&mut self, limit: LimitId) {
        while let Some((node, rows, round)) = self.limits.take(limit) {
            let taken = rows.len();
            let rows = self.rows.still_open(rows);
            self.limits.leave(limit, taken - rows.len());
            if rows.is_empty() {
                continue;
            }
            let in_time = !self.plan.deadline.has_passed(Instant::now());
            if in_time && !node.health.is_tripped() {
                self.rows.ask(&rows, self.costs.index_of(&node));
                for rows in self.plan.split(rows, node.batch_requests()) {
                    self.start(node.clone(), rows, round, limit);
                }
                continue;
            }
            self.limits.leave(limit, rows.len());
            self.rows.leave(&rows);
            if in_time {
                self.rows.ask(&rows, self.costs.index_of(&node));
                self.fail(&rows, &Failure::new(Code::MAX_ERROR_RATE, ""), Some(&node), round, None, false);
            } else {
                let failure = Failure::timeout("the time was over while the node had no room for the row");
                rows.iter().for_each(|id| self.rows.settle(*id, &failure));
            }
        }
    }

    fn start(&mut self, node: Arc<Node>, rows: Arc<[RowId]>, round: u16, limit: LimitId) {
        let share = self.share(&rows, round);
        let mut request = Box::new(SubRequest::new(self.plan.clone(), node, rows.clone(), round));
        request.hedge_delay = self.hedge_delay(&request.node, &rows, round);
        self.ready.push(Outgoing { request, share, covered: Covered { rows, limit: Some(limit) } });
    }

    pub(super) fn spawn_request(&mut self, request: Box<SubRequest>, share: Option<Duration>, covered: Covered) {
        let task = self.tasks.spawn(async move {
            let (request, progress) = request.run(share).await;
            Step::Request(Box::new(request), progress)
        });
        self.covered.insert(task.id(), covered);
    }

    async fn after_request(
        &mut self,
        mut request: SubRequest,
        progress: Progress,
        rows: Arc<[RowId]>,
        limit: Option<LimitId>,
    ) {
        let busy = self.take_in(&mut request, &rows, limit);
        match progress {
            Progress::Slow => {
                let node = request.node.clone();
                let round = request.round;
                if request.was_sent {
                    node.health.record_error();
                }
                let waiting = request.unanswered();
                for id in &waiting {
                    if let Some(replica_plan) = self.rows.replica_plan(*id).and_then(Option::as_mut) {
                        replica_plan.advance(Code::TIMEOUT);
                    }
                }
                let failure = request.failed(Failure::timeout("no answer yet"), false);
                self.costs.note(&node, &failure);
                self.rows.note(&waiting, failure);
                // it may still answer
                self.spawn_request(Box::new(request), None, Covered { rows, limit: None });
                self.route(&waiting, round.saturating_add(1)).await;
                if let Some(limit) = limit {
                    self.pump(limit);
                }
            }
            Progress::Late => {
                self.note_latency(&request);
                self.copy(request, rows).await;
                if let Some(limit) = limit {
                    self.pump(limit);
                }
            }
            Progress::Over(outcome) => {
                if !request.is_late {
                    self.note_latency(&request);
                }
                self.end(&request, outcome, &rows, limit, busy);
            }
        }
    }

    /// What became of the rows since the last part, when all have their outcome: the batch is over.
    pub(crate) fn last_reply(&mut self) -> BatchReply {
        counts::batch(self.plan.kind, &self.cluster.metrics, self.plan.start);
        self.reply()
    }

    /// What became of the rows since the last part.
    pub(crate) fn reply(&mut self) -> BatchReply {
        let (rows, pages, tries) = self.rows.part();
        let nodes = self.costs.nodes().to_vec();
        let reply = BatchReply { rows, pages, nodes, elapsed: self.plan.start.elapsed(), tries };
        counts::reply(self.plan.kind, &self.cluster.metrics, &reply);
        reply
    }
}
