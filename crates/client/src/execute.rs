//! One command from its first attempt to its outcome: choosing a node, waiting within the limits, trying again
//! (protocol section 5.5).
//!
//! A read is not left to one node for all its time: an attempt without an answer within its share (what is left of
//! the total, divided by the attempts that are left) is joined by another at the next replica, and the first answer
//! of any counts. A write is sent again only when it cannot have been carried out, or when the caller calls it
//! idempotent.

mod attempts;

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::limits::PROTO_HEADER_SIZE;
use aerospike_wire::message::MessageHeader;
use bytes::Bytes;
use tokio::time::Instant;

use self::attempts::{Attempts, Pending};
use crate::cluster::Cluster;
use crate::command::{Command, Reply, Timing};
use crate::connection::probe::{LOOK, SUSPICION};
use crate::connection::request::{Prepared, Request, attempt};
use crate::deadline::{Deadline, Elapsed};
use crate::error::{Code, Error, Failure, SubError};
use crate::metrics::Happening;
use crate::node::Node;
use crate::retry::COMMAND;
use crate::routing::replica::ReplicaPlan;

/// Carries out a command and gives what became of it to `then`.
///
/// The future is small, which matters to those who start many: what is known at once is worked out at once, because an
/// `async fn` keeps room for its arguments to the end, and `then` is called inside, because a future that is moved into
/// another and awaited there takes its room twice.
pub(crate) fn execute<F, T>(
    cluster: &Arc<Cluster>,
    command: Command,
    then: F,
) -> impl Future<Output = T> + Send + use<F, T>
where
    F: FnOnce(Result<Reply, Error>) -> T + Send,
{
    let mut run = Run::new(command, Instant::now());
    let in_flight = cluster.enter();
    let cluster = cluster.clone();
    async move {
        then(match in_flight {
            Ok(_in_flight) if cluster.first_look.is_over() => run.finish(&cluster).await,
            // on the heap, since it is rare and this future is to be small
            Ok(_in_flight) => Box::pin(run.finish_after_first_look(&cluster)).await,
            Err(failure) => Err(Error::new(failure.code, failure.detail)),
        })
    }
}

/// A command on its way to its outcome.
#[derive(Debug)]
pub(crate) struct Run {
    prepared: Arc<Prepared>,
    start: Instant,
    /// When the latest attempt began.
    begun: Instant,
    replica_plan: Option<ReplicaPlan>,
    attempts: u32,
    /// Attempts that are over and of which bytes went out.
    sent: u32,
    /// When and with how many bytes the attempt that was over last was sent.
    last_sent: (Option<Instant>, u64),
    /// What became of its attempts. Those before the latest that are not over are reads, which may still be answered.
    pending: Attempts,
    /// Whether a read that is slow may still be asked of another replica too; once.
    may_copy: bool,
    /// Whether an attempt was begun, be it one that did not count.
    has_begun: bool,
    /// Whether it was sent again because the session of its connection was over; once.
    has_renewed: bool,
}

/// Why waiting ended without a record.
enum Setback {
    /// The latest attempt, or the last one left, failed.
    Failed(Failure, Arc<Node>),
    /// The command has no time left.
    TimeUp,
}

impl Run {
    pub(crate) fn new(command: Command, start: Instant) -> Self {
        Self {
            prepared: Arc::new(Prepared::new(command, start)),
            start,
            begun: start,
            replica_plan: None,
            attempts: 0,
            sent: 0,
            last_sent: (None, 0),
            pending: Attempts::default(),
            may_copy: false,
            has_begun: false,
            has_renewed: false,
        }
    }

    /// The command, to start anew.
    pub(crate) fn into_command(self) -> Command {
        drop(self.pending);
        Arc::try_unwrap(self.prepared).map_or_else(|shared| shared.command.clone(), |prepared| prepared.command)
    }

    /// The same where nobody has looked at the nodes yet.
    async fn finish_after_first_look(&mut self, cluster: &Cluster) -> Result<Reply, Error> {
        match self.prepared.deadline.bound(cluster.first_look.wait()).await {
            Ok(()) => self.finish(cluster).await,
            Err(_) => Err(self.error(Failure::timeout("the cluster was not found in time"), None)),
        }
    }

    /// Goes on to the outcome; with an attempt that was begun elsewhere, if there is one.
    pub(crate) async fn finish(&mut self, cluster: &Cluster) -> Result<Reply, Error> {
        let outcome = self.go_on(cluster).await;
        cluster.metrics.called(self.prepared.kind, self.start.elapsed(), &outcome);
        outcome
    }

    async fn go_on(&mut self, cluster: &Cluster) -> Result<Reply, Error> {
        let policy = self.prepared.command.policy;
        let mut is_begun = !self.pending.is_over();
        if let Some(hedge) = policy.hedge.filter(|_| !self.prepared.is_write) {
            self.may_copy = true;
            cluster.hedges.earn(hedge, 1);
        }
        loop {
            let refusal = if std::mem::take(&mut is_begun) { None } else { self.begin(cluster)? };
            let more = self.attempts <= u32::from(policy.max_retries);
            let outcome = match refusal {
                None => self.wait(cluster, more).await,
                // no more attempts, but an earlier one may still be answered
                Some(_) if !more && !self.pending.is_over() => self.wait(cluster, false).await,
                Some((failure, node)) => Err(Setback::Failed(failure, node)),
            };
            let (failure, node) = match outcome {
                Ok(reply) => return Ok(reply),
                Err(Setback::TimeUp) => return Err(self.time_up()),
                Err(Setback::Failed(failure, node)) => (failure, node),
            };
            node.metrics().failed(self.prepared.kind, self.begun.elapsed(), failure.code);
            if failure.code == Code::CONNECTION && !node.is_active() && self.was_never_sent() {
                // the node left the cluster before it got anything: who has its records now is asked in its place
                self.attempts -= 1;
                continue;
            }
            if failure.code.is_session_over() {
                node.pool.renounce(self.begun);
                if !std::mem::replace(&mut self.has_renewed, true) {
                    // certainly not done, and no fault of the node's: another connection begins another session
                    self.attempts -= 1;
                    self.sent = self.sent.saturating_sub(1);
                    continue;
                }
            }
            let is_elsewhere = failure.code == Code::ASYNC_QUEUE_FULL && self.asks_another();
            let may_repeat =
                is_elsewhere || failure.code.is_retryable() && (policy.idempotent || !self.in_doubt(failure.code));
            if !more || !may_repeat {
                return Err(self.error(failure, Some(&node)));
            }
            let advanced = self.replica_plan.as_mut().is_some_and(|replica_plan| replica_plan.advance(failure.code));
            let left = self.prepared.deadline.remaining(Instant::now()).unwrap_or(Duration::MAX);
            if left <= policy.pause() {
                return Err(self.error(failure, Some(&node)));
            }
            let pause = if advanced && self.attempts == 1 {
                Duration::ZERO // another replica has nothing to recover from
            } else {
                // what is waited beyond the caller's wish leaves some of the time to the attempt
                let most = policy.pause() + (left - policy.pause()) / 2;
                COMMAND.pause_at_least(policy.pause(), self.attempts).min(most)
            };
            node.metrics().retried(self.prepared.kind, failure.code, self.attempts, 0);
            self.note(failure, &node, self.attempts, self.begun);
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Sends the command to the node whose turn it is. Returns why that node cannot be asked, if it cannot; fails
    /// when there is no node to ask.
    fn begin(&mut self, cluster: &Cluster) -> Result<Option<(Failure, Arc<Node>)>, Error> {
        let node = self.route(cluster)?; // what nobody can be asked for is no attempt
        self.attempts += 1;
        if self.attempts > 1 {
            self.begun = Instant::now();
        }
        if node.health.is_tripped() {
            return Ok(Some((Failure::new(Code::MAX_ERROR_RATE, ""), node)));
        }
        let pool = node.pool.clone();
        pool.send(self.request(node));
        Ok(None)
    }

    /// Counts an attempt at a node that is sent elsewhere.
    pub(crate) fn attempt_at(&mut self, node: Arc<Node>) -> Request {
        self.attempts += 1;
        if self.attempts > 1 {
            self.begun = Instant::now();
        }
        self.request(node)
    }

    fn request(&mut self, node: Arc<Node>) -> Request {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let (response, request) = attempt(self.prepared.clone(), is_first);
        self.pending.push(Pending { response, node, attempt: self.attempts, begun: self.begun, is_copy: false });
        request
    }

    /// The node whose turn it is.
    pub(crate) fn route(&mut self, cluster: &Cluster) -> Result<Arc<Node>, Error> {
        let command = &self.prepared.command;
        let routing = cluster.routing.load();
        let Some(table) = routing.table(&command.namespace) else {
            let failure = cluster.no_namespace(&command.namespace);
            return Err(self.error(failure, None));
        };
        let replica_plan = self
            .replica_plan
            .get_or_insert_with(|| ReplicaPlan::new(&command.spec, command.policy.replica, table, &cluster.turn));
        let partition = self.prepared.digest.partition();
        let settings = cluster.settings.load();
        let chosen = replica_plan.choose(&routing, table, partition, &settings.preferred_racks);
        let Some(node) = chosen.and_then(|index| routing.node(index)).cloned() else {
            return Err(self.error(cluster.no_holder(partition), None));
        };
        Ok(node)
    }

    /// Ends the command with the answer to its only attempt. Gives the answer back when there is no attempt.
    pub(crate) fn conclude(
        &mut self,
        cluster: &Cluster,
        message: Bytes,
        now: Instant,
    ) -> Result<Result<Reply, Error>, Bytes> {
        let Some(over) = self.pending.take_latest() else { return Err(message) };
        self.sent += 1;
        self.last_sent = over.response.sent();
        let kind = self.prepared.kind;
        let outcome = match judge(message, &over.node) {
            Ok(message) => {
                over.node.metrics().answered_inline(kind, over.answer(now, self.last_sent.1, &message));
                Ok(self.reply(message, &over.node, now))
            }
            Err(failure) => {
                let took = now.saturating_duration_since(over.begun);
                over.node.metrics().failed(kind, took, failure.code);
                Err(self.error(failure, Some(&over.node)))
            }
        };
        cluster.metrics.called_inline(kind, now.saturating_duration_since(self.start), &outcome);
        Ok(outcome)
    }

    fn reply(&self, message: Bytes, node: &Node, now: Instant) -> Reply {
        let timing = self.timing(now, PROTO_HEADER_SIZE + message.len());
        Reply { message, node: node.name.clone(), attempts: self.attempts, timing }
    }

    fn timing(&self, now: Instant, bytes_in: usize) -> Option<Box<Timing>> {
        let (sent, bytes_out) = self.last_sent;
        self.prepared.command.timed.then(|| {
            let (begun, sent) = (self.start.into_std(), sent.map(Instant::into_std));
            Box::new(Timing { begun, sent, ended: now.into_std(), bytes_out, bytes_in: bytes_in as u64 })
        })
    }

    /// Waits for an answer to any attempt. With `more` attempts left it waits no longer than the share of the latest.
    async fn wait(&mut self, cluster: &Cluster, more: bool) -> Result<Reply, Setback> {
        let may_move = more && self.asks_another();
        let share = if may_move { self.share() } else { None };
        let mut begun = Instant::now();
        let mut look = begun + SUSPICION;
        loop {
            let limit = self.limit(begun, share).earlier(self.prepared.deadline).earlier(Deadline::at(look));
            let limit = limit.earlier(self.copy_due());
            match limit.bound(next_settled(&mut self.pending)).await {
                Ok((over, outcome)) => {
                    let was_latest = over.attempt == self.attempts && !over.is_copy;
                    self.last_sent = over.response.sent();
                    self.sent += u32::from(self.last_sent.0.is_some());
                    let failure = match outcome.and_then(|message| judge(message, &over.node)) {
                        Ok(message) => {
                            let now = Instant::now();
                            let answer = over.answer(now, self.last_sent.1, &message);
                            over.node.metrics().answered(self.prepared.kind, answer);
                            self.note_latency(&over, now);
                            return Ok(self.reply(message, &over.node, now));
                        }
                        Err(failure) => failure,
                    };
                    // a node that has too much to do says nothing of the others
                    let is_final = !failure.code.is_retryable() && failure.code != Code::ASYNC_QUEUE_FULL;
                    if is_final || self.pending.is_over() || (was_latest && more) {
                        return Err(Setback::Failed(failure, over.node));
                    }
                    if over.is_copy {
                        continue; // the attempt itself is still under way
                    }
                    self.note(failure, &over.node, over.attempt, over.begun);
                }
                Err(Elapsed) => {
                    let now = Instant::now();
                    if self.copy_due().has_passed(now) {
                        self.send_copy(cluster);
                    }
                    if self.prepared.deadline.has_passed(now) {
                        return Err(Setback::TimeUp);
                    }
                    let Some(latest) = self.pending.latest() else { return Err(Setback::TimeUp) };
                    if now >= look {
                        look = now + if may_move { LOOK } else { SUSPICION };
                        let health = &latest.node.health;
                        if may_move && health.is_silent() {
                            let failure = Failure::timeout("the node answers nothing at all");
                            return Err(Setback::Failed(failure, latest.node.clone()));
                        }
                        latest.node.pool.suspect_if_quiet(now);
                    }
                    if !self.limit(begun, share).has_passed(now) {
                        continue; // it was sent meanwhile, and its share counts from then
                    }
                    if latest.response.sent_at().is_none() && latest.node.health.answered_since(begun) {
                        begun = now; // the node works, there is only a lot before this command
                        continue;
                    }
                    let node = latest.node.clone();
                    // what was not sent says nothing of the node, and one that answers others is not in trouble because
                    // one command takes long
                    let was_sent = latest.response.sent_at().is_some();
                    if was_sent && (!more || !node.health.answered_since(begun)) {
                        node.health.record_error();
                    }
                    if !more || self.prepared.is_write {
                        self.abandon();
                    }
                    return Err(Setback::Failed(self.too_slow(share, was_sent), node));
                }
            }
        }
    }

    /// When a copy of the latest attempt is due: once in a call, and only of a read that others can answer.
    fn copy_due(&self) -> Deadline {
        let (Some(hedge), Some(latest)) = (self.prepared.command.policy.hedge, self.pending.latest()) else {
            return Deadline::NEVER;
        };
        if !self.may_copy || !self.asks_another() {
            return Deadline::NEVER;
        }
        latest.node.latency.hedge_delay(hedge).map_or(Deadline::NEVER, |delay| Deadline::within(latest.begun, delay))
    }

    /// Asks the next replica as well, if the budget has room for it. That is no attempt of its own: it uses up no retry, and
    /// when it fails nothing has happened.
    fn send_copy(&mut self, cluster: &Cluster) {
        self.may_copy = false;
        let Some(mut replica_plan) = self.replica_plan else { return };
        let Some(latest) = self.pending.latest().map(|latest| latest.node.clone()) else { return };
        let command = &self.prepared.command;
        let routing = cluster.routing.load();
        let Some(table) = routing.table(&command.namespace) else { return };
        replica_plan.advance(Code::TIMEOUT);
        let racks = &cluster.config.preferred_racks;
        let chosen = replica_plan.choose(&routing, table, self.prepared.digest.partition(), racks);
        let Some(node) = chosen.and_then(|index| routing.node(index)).cloned() else { return };
        if Arc::ptr_eq(&node, &latest) || node.health.is_tripped() || !cluster.hedges.take(1) {
            return;
        }
        latest.metrics().happened(Happening::Hedged);
        let (response, request) = attempt(self.prepared.clone(), false);
        let copy =
            Pending { response, node: node.clone(), attempt: self.attempts, begun: Instant::now(), is_copy: true };
        // in front of the attempt, whose limits go on being those of the call
        self.pending.put_before_latest(copy);
        let pool = node.pool.clone();
        pool.send(request);
    }

    /// How long the node took, or at least takes, of whose attempt there is or was a copy.
    fn note_latency(&self, over: &Pending, now: Instant) {
        if self.prepared.command.policy.hedge.is_none() {
            return;
        }
        for pending in self.pending.iter().filter(|pending| !pending.is_copy).chain([over]) {
            pending.node.latency.note(now.saturating_duration_since(pending.begun));
        }
    }

    /// The part of the time left that the latest attempt may use before another node is asked as well.
    fn share(&self) -> Option<Duration> {
        let left = self.prepared.deadline.remaining(Instant::now());
        let attempts_left = u32::from(self.prepared.command.policy.max_retries) + 2 - self.attempts;
        left.map(|left| left / attempts_left.max(1))
    }

    /// Whether another node may be asked while the latest has not answered.
    fn asks_another(&self) -> bool {
        !self.prepared.is_write && self.replica_plan.as_ref().is_some_and(ReplicaPlan::has_alternatives)
    }

    /// When the latest attempt has had its time: its share, or the socket timeout, from the moment it was sent. One that
    /// waits to be sent has as long, over and over while the node answers others: a node that answers nothing would
    /// otherwise keep it until all the command's time is over.
    fn limit(&self, begun: Instant, share: Option<Duration>) -> Deadline {
        let Some(latest) = self.pending.latest() else { return Deadline::NEVER };
        let from = latest.response.sent_at().unwrap_or(begun);
        let of_share = share.map_or(Deadline::NEVER, |share| Deadline::within(from, share));
        Deadline::after(from, self.prepared.command.policy.socket_timeout).earlier(of_share)
    }

    /// What an attempt that was given up waited for.
    fn too_slow(&self, share: Option<Duration>, was_sent: bool) -> Failure {
        let socket_timeout = self.prepared.command.policy.socket_timeout;
        let is_shorter = |share: Duration| share < Duration::from_millis(socket_timeout.into());
        let limit = match share {
            Some(share) if socket_timeout == 0 || is_shorter(share) => {
                format!("{} ms (this attempt's part of totalTimeout)", share.as_millis())
            }
            _ => format!("{socket_timeout} ms (socketTimeout)"),
        };
        Failure::timeout(if was_sent {
            format!("no answer within {limit}")
        } else {
            format!("no connection came free within {limit}, it was not sent")
        })
    }

    fn abandon(&mut self) {
        for over in self.pending.take_all() {
            let sent = over.response.sent();
            if sent.0.is_some() {
                self.sent += 1;
                self.last_sent = sent;
            }
        }
    }

    /// Whether no byte of any attempt went out, with time left for another.
    fn was_never_sent(&self) -> bool {
        self.sent == 0 && self.pending.is_over() && !self.prepared.deadline.has_passed(Instant::now())
    }

    fn in_doubt(&self, code: Code) -> bool {
        self.prepared.is_write && (self.sent > 1 || (self.sent == 1 && code.leaves_doubt()))
    }

    /// Keeps why an attempt failed; the first reason, of an attempt that is given up and fails for good later.
    fn note(&mut self, failure: Failure, node: &Arc<Node>, attempt: u32, begun: Instant) {
        if self.pending.failures().iter().any(|known| known.attempt == attempt) {
            return;
        }
        let in_doubt = self.in_doubt(failure.code);
        let node = Some(node.name.clone());
        let (code, detail, elapsed) = (failure.code, failure.detail, begun.elapsed());
        self.pending.note(SubError { code, detail, node, attempt, in_doubt, elapsed });
    }

    fn time_up(&mut self) -> Error {
        let latest = self.pending.latest().map(|p| p.node.clone());
        // an attempt that never went out counts against no node: what it waited for was a connection of ours; nor does one that
        // waited longer for that than for the node, which may well have answered in the time that the command was to take
        let now = Instant::now();
        let was_sent = self.pending.iter().any(|p| p.response.sent_at().is_some());
        let had_its_time = |p: &&Pending| {
            p.response.sent_at().is_some_and(|sent| now.saturating_duration_since(sent) * 2 >= now - self.start)
        };
        self.pending.iter().filter(had_its_time).for_each(|p| p.node.health.record_error());
        self.abandon();
        if let Some(node) = &latest {
            node.metrics().failed(self.prepared.kind, self.begun.elapsed(), Code::TIMEOUT);
        }
        let total = self.prepared.command.policy.total_timeout;
        let detail = if was_sent || self.sent > 0 {
            format!("no answer within {total} ms")
        } else {
            let limit = latest.as_ref().map(|node| format!(": {}", node.pool.congestion())).unwrap_or_default();
            format!("no connection came free within {total} ms, nothing was sent{limit}")
        };
        self.error(Failure::timeout(detail), latest.as_ref())
    }

    fn error(&mut self, failure: Failure, node: Option<&Arc<Node>>) -> Error {
        self.abandon();
        let in_doubt = self.in_doubt(failure.code);
        if !self.pending.failures().is_empty()
            && self.pending.failures().iter().all(|known| known.attempt != self.attempts)
        {
            // with several attempts the list has them all, the last one too
            let (detail, node) = (failure.detail.clone(), node.map(|n| n.name.clone()));
            let (code, attempt, elapsed) = (failure.code, self.attempts, self.begun.elapsed());
            self.pending.note(SubError { code, detail, node, attempt, in_doubt, elapsed });
        }
        let timing = self.timing(Instant::now(), 0);
        Error::new(failure.code, failure.detail)
            .at(node.map(|n| n.name.clone()), self.attempts, self.start.elapsed())
            .in_doubt_if(in_doubt)
            .with_sub_errors(self.pending.take_failures())
            .with_message(failure.message)
            .with_timing(timing)
    }
}

/// Waits until any attempt is settled, and takes it out.
async fn next_settled(pending: &mut Attempts) -> (Pending, Result<Bytes, Failure>) {
    poll_fn(|cx| pending.poll_settled(cx)).await
}

/// Tells a record from a refusal.
fn judge(message: Bytes, node: &Node) -> Result<Bytes, Failure> {
    let header = message.first_chunk().map(MessageHeader::decode).unwrap_or_default();
    if header.result.is_ok() {
        return Ok(message);
    }
    if Code::from(header.result).is_retryable() {
        node.health.record_error();
    }
    Err(Failure::answer(header.result, message))
}
