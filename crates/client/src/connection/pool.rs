//! All connections of one node.
//!
//! Brief commands wait in one backlog that the pipelined connections pull from; batches and commands that may be slow wait
//! for a lease on a connection of their own. Whenever something changes, the [`PoolState`] decides under the lock what
//! happens next, and the pool does it outside: starting tasks, waking them, handing over leases.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::dial::Dialer;
use super::exclusive;
use super::health::Health;
use super::lease::{Lease, Lender, unless_closed};
use super::overload::{CROWD, LOOK, SIGN, Watch};
use super::pipeline::Pipeline;
use super::pipelined::{Pipelined, Supply};
use super::pool_state::{Caller, Limits, PipelinedId, PoolState, Pulled, SharedLimits, Work};
use super::request::Request;
use super::window::Window;
use crate::deadline::{Deadline, Elapsed};
use crate::error::{Code, Failure};
use crate::metrics::{Happening, NodeEvent};
use crate::retry::DIAL;
use crate::socket::Connection;

/// What who waited in vain for a connection learns.
pub(crate) const NONE_CAME_FREE: Failure = Failure {
    code: Code::TIMEOUT,
    detail: std::borrow::Cow::Borrowed("no connection to the node came free in time"),
    message: None,
};

/// A place in the line of those who wait for a connection of their own: it is kept as long as this is.
#[derive(Debug)]
pub(crate) struct Place(oneshot::Receiver<Result<Lease, Failure>>);

impl Place {
    /// Waits until a moment; the place is kept when it comes first.
    pub(crate) async fn wait(&mut self, until: Deadline) -> Result<Result<Lease, Failure>, Elapsed> {
        let outcome = until.bound(&mut self.0).await?;
        Ok(outcome.unwrap_or_else(|_| Err(Failure::connection("the connections of the node were dropped"))))
    }
}

/// Of this many connections that a pool may have, one may be leased for long.
const ENOUGH: usize = 4;

/// The connections of one node.
#[derive(Debug)]
pub(crate) struct Pool {
    limits: SharedLimits,
    dialer: Dialer,
    pub(crate) health: Arc<Health>,
    pub(crate) window: Window,
    runtime: Handle,
    state: Mutex<PoolState<Lease>>,
    /// Leased connections that are idle: their holders keep them for the next command.
    idle_leases: AtomicUsize,
    /// Tells those who hold a lease that the pool is closed, and why.
    closing: watch::Sender<Option<Failure>>,
}

/// What a pool has open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) open: u32,
    pub(crate) in_use: u32,
}

impl Pool {
    pub(crate) fn new(limits: Limits, dialer: Dialer, health: Arc<Health>, runtime: Handle) -> Arc<Self> {
        Arc::new(Self {
            limits: SharedLimits::new(limits),
            dialer,
            health,
            window: Window::default(),
            runtime,
            state: Mutex::default(),
            idle_leases: AtomicUsize::new(0),
            closing: watch::Sender::new(None),
        })
    }

    /// Keeps as many connections as these say from now on. Those beyond are closed as they become idle.
    pub(crate) fn set_limits(&self, limits: Limits) {
        self.limits.set(limits);
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Sends a request; its outcome arrives at its response.
    pub(crate) fn send(self: &Arc<Self>, request: Request) {
        if request.prepared().is_brief {
            self.enqueue(request);
        } else {
            let pool = self.clone();
            self.runtime.spawn(async move {
                let deadline = request.prepared().deadline;
                let lease = pool.line_up(deadline).wait(deadline).await.unwrap_or_else(|Elapsed| Err(NONE_CAME_FREE));
                exclusive::run(lease, request, &pool.health, pool.closing.subscribe()).await;
            });
        }
    }

    fn enqueue(self: &Arc<Self>, request: Request) {
        let mut is_crowded = false;
        self.change(|state| {
            // abandoned commands at the front are dropped: while a node is silent, no connection pulls them
            while state.backlog.front().is_some_and(Request::is_abandoned) {
                state.backlog.pop_front();
            }
            state.backlog.push_back(request);
            is_crowded = state.begin_watching(CROWD);
        });
        self.watch_if(is_crowded);
    }

    fn watch_if(self: &Arc<Self>, is_crowded: bool) {
        if is_crowded {
            self.runtime.spawn(watch_waiting(Arc::downgrade(self)));
        }
    }

    /// Waits for a connection of one's own, whatever else waits.
    pub(crate) async fn lease(self: &Arc<Self>, deadline: Deadline) -> Result<Lease, Failure> {
        self.line_up(Deadline::NEVER).wait(deadline).await.unwrap_or_else(|Elapsed| Err(NONE_CAME_FREE))
    }

    /// A place in the line of those who wait for a connection of their own. One that cannot come within `deadline` is
    /// refused early, when many wait.
    pub(crate) fn line_up(self: &Arc<Self>, deadline: Deadline) -> Place {
        let (sender, receiver) = oneshot::channel();
        let mut wakers = Vec::new();
        let mut is_crowded = false;
        self.change(|state| {
            state.callers.push_back(Caller { sender, deadline });
            is_crowded = state.begin_watching(CROWD);
            if state.must_yield(&self.limits.get()) {
                // idle connections learn by being woken, busy ones when they next pull
                wakers.extend(state.pipelined.iter_mut().filter_map(|e| e.unpark()));
            }
        });
        wakers.into_iter().for_each(Waker::wake);
        self.watch_if(is_crowded);
        Place(receiver)
    }

    /// Leases two connections that were opened together, if nobody has to wait for them. Servers assign new connections to
    /// their threads in turn, so two threads serve these. With any two, a server that has only two threads would leave one
    /// of them idle every other time.
    pub(crate) async fn lease_pair(self: &Arc<Self>) -> Option<[Lease; 2]> {
        {
            let mut state = self.state.lock();
            if let Some(pair) = state.take_pair() {
                return Some(pair.map(|connection| Lease::new(self.clone(), connection)));
            }
            if state.closed.is_some() || state.open() + 2 > self.limits.get().max {
                return None;
            }
            state.leased += 2;
        }
        let mut leases = [Lease::vacant(self.clone()), Lease::vacant(self.clone())];
        // in one task, so that nothing comes in between; they stay a pair however long either of them took
        let begun = Instant::now();
        let (first, second) = tokio::join!(self.dialer.dial(), self.dialer.dial());
        let mut is_whole = true;
        let mut state = self.state.lock();
        for (lease, outcome) in leases.iter_mut().zip([first, second]) {
            match outcome {
                Ok(mut connection) => {
                    self.opened();
                    state.number(&mut connection);
                    connection.origin.opened_at = begun;
                    lease.put(connection);
                }
                Err(failure) => {
                    self.not_opened(&failure);
                    is_whole = false;
                }
            }
        }
        drop(state);
        is_whole.then_some(leases)
    }

    /// Changes the state, then does whatever that makes possible.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut PoolState<Lease>)) {
        let mut state = self.state.lock();
        change(&mut state);
        if let Some(failure) = state.closed.clone() {
            let refused = Refused::take(&mut state);
            drop(state);
            return refused.tell(&failure);
        }
        let waker = if state.backlog.is_empty() { None } else { state.unpark_pipelined() };
        let work = state.rebalance(&self.limits.get(), self.window.size());
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        self.perform(work);
    }

    fn perform(self: &Arc<Self>, work: Work<Lease>) {
        for (caller, connection) in work.leases {
            // dropped by a caller that gave up meanwhile, the lease brings the connection back
            let _ = caller.send(Ok(Lease::new(self.clone(), connection)));
        }
        for (id, connection) in work.pipelined {
            self.runtime.spawn(Pipelined::run(self.clone(), id, connection, Pipeline::new(Instant::now())));
        }
        for _ in 0..work.dials {
            self.runtime.spawn(Dialing(Some(self.clone())).run());
        }
    }

    fn dialed(self: &Arc<Self>, mut connection: Connection) {
        self.opened();
        self.change(|state| {
            state.dialing -= 1;
            state.failed_dials = 0;
            state.number(&mut connection);
            state.add_idle(connection);
        });
    }

    /// Uses none of the connections that are open now again, since one that was used at `begun` was told that its session is
    /// over: the others are of the same. What is in flight on them is still answered.
    pub(crate) fn renounce(&self, begun: Instant) {
        let (dead, wakers) = self.state.lock().renounce(begun);
        self.closed_some(dead.len());
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A connection could not be opened: one caller learns of it, and the backlog too when nothing else can serve it.
    fn dial_failed(self: &Arc<Self>, failure: Failure) {
        self.not_opened(&failure);
        let mut refused = Refused::default();
        self.change(|state| {
            state.dialing -= 1;
            state.failed_dials += 1;
            state.redial_at = Some(Instant::now() + DIAL.pause(state.failed_dials));
            refused.callers.extend(state.pop_caller());
            if state.open() == 0 {
                refused.backlog = std::mem::take(&mut state.backlog);
            }
        });
        refused.tell(&failure);
    }

    fn opened(&self) {
        self.health.metrics.happened(Happening::Opened);
        self.health.metrics.tell(NodeEvent::ConnectionOpened);
    }

    fn not_opened(&self, failure: &Failure) {
        self.health.metrics.happened(Happening::DialFailed);
        self.health.metrics.tell_failure(failure);
        self.health.record_connection_error();
    }

    fn closed_some(&self, connections: usize) {
        (0..connections).for_each(|_| self.health.metrics.tell(NodeEvent::ConnectionClosed));
    }

    /// Closes what was not used for too long and opens what is missing to the minimum.
    pub(crate) fn tend(self: &Arc<Self>, now: Instant) {
        let mut state = self.state.lock();
        let (dead, wakers) = state.expire(now, &self.limits.get());
        let mut work = Work::default();
        if state.closed.is_none() {
            work.dials = self.limits.get().min.saturating_sub(state.open());
            state.dialing += work.dials;
        }
        drop(state);
        self.closed_some(dead.len() + wakers.len());
        drop(dead);
        wakers.into_iter().for_each(Waker::wake);
        self.perform(work);
    }

    /// Takes no more work and drops every connection; whatever waits or is in flight ends with `failure`.
    pub(crate) fn close(&self, failure: Failure) {
        let mut state = self.state.lock();
        state.closed.get_or_insert_with(|| failure.clone());
        let refused = Refused::take(&mut state);
        let idle = std::mem::take(&mut state.idle);
        let wakers: Vec<Waker> = state.pipelined.iter_mut().filter_map(|e| e.unpark()).collect();
        drop(state);
        drop(idle);
        self.closing.send_replace(Some(failure.clone()));
        wakers.into_iter().for_each(Waker::wake);
        refused.tell(&failure);
    }

    /// Runs something that holds a lease, until the pool is closed.
    pub(crate) async fn unless_closed<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        unless_closed(self.closing.subscribe(), work).await
    }

    /// Whether its connections are encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.dialer.address.tls.is_some()
    }

    /// Whether so many connections may be leased for long.
    pub(crate) fn spares(&self, connections: usize) -> bool {
        self.limits.get().max >= ENOUGH * connections
    }

    fn watch(&self) -> Watch {
        Watch::begin(Instant::now(), self.window.answered(), self.state.lock().served)
    }

    /// What limits those who wait for a connection, in words.
    pub(crate) fn congestion(&self) -> String {
        let state = self.state.lock();
        let open = state.open() - state.dialing;
        let waiting = state.backlog.len() + state.callers.len();
        let most = self.limits.get().max;
        format!("{open} connections of {most} (maxConnectionsPerNode) were open, and {waiting} calls waited for them")
    }

    /// Commands, and callers that want a connection, that wait for one.
    pub(crate) fn queued(&self) -> usize {
        let state = self.state.lock();
        state.backlog.len() + state.callers.len()
    }

    /// Whether somebody waits for a connection while no more may be opened.
    pub(crate) fn is_pressed(&self) -> bool {
        let state = self.state.lock();
        !state.callers.is_empty() && state.open() >= self.limits.get().max
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state.lock();
        let leased = state.leased.saturating_sub(self.idle_leases.load(Ordering::Relaxed));
        let busy = state.pipelined.iter().filter(|e| e.in_flight > 0).count() + leased;
        Counts { open: (state.open() - state.dialing) as u32, in_use: busy as u32 }
    }
}

impl Supply for Pool {
    fn pull(&self, id: PipelinedId, in_flight: usize, waker: &Waker, into: &mut Vec<Request>) -> Pulled {
        self.state.lock().pull(id, in_flight, self.window.size(), &self.limits.get(), waker, into)
    }

    fn stalled(self: Arc<Self>, id: PipelinedId, taken_back: Vec<Request>, others_answered: bool) {
        self.change(|state| {
            state.stalls = if others_answered { 1 } else { state.stalls + 1 };
            if let Some(entry) = state.entry(id) {
                entry.is_stalled = true;
            }
            state.take_back(taken_back);
        });
    }

    fn resumed(self: Arc<Self>, id: PipelinedId) {
        self.change(|state| {
            state.stalls = 0;
            if let Some(entry) = state.entry(id) {
                entry.is_stalled = false;
            }
        });
    }

    fn ended(self: Arc<Self>, id: PipelinedId, unsent: Vec<Request>) {
        let mut was_there = false;
        self.change(|state| {
            was_there = state.remove_pipelined(id);
            state.take_back(unsent);
        });
        self.closed_some(was_there.into());
    }

    fn hand_over(self: Arc<Self>, connection: Connection) {
        let caller = {
            let mut state = self.state.lock();
            let caller = state.pop_caller();
            state.served += u64::from(caller.is_some());
            caller
        };
        match caller {
            // dropped by a caller that gave up meanwhile, the lease brings the connection back
            Some(caller) => _ = caller.sender.send(Ok(Lease::new(self.clone(), connection))),
            None => Lender::put_back(self, connection),
        }
    }

    fn closed(&self) -> Option<Failure> {
        self.state.lock().closed.clone()
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn window(&self) -> &Window {
        &self.window
    }
}

impl Lender for Pool {
    fn adopt(self: Arc<Self>, connection: Connection, mut pipeline: Pipeline) {
        let mut id = Err(Failure::connection("the connection was closed"));
        self.change(|state| {
            state.leased = state.leased.saturating_sub(1);
            let is_renounced = state.is_renounced(&connection);
            id = match &state.closed {
                None => Ok(state.add_pipelined(pipeline.len(), is_renounced)),
                Some(failure) => Err(failure.clone()),
            };
        });
        match id {
            Ok(id) => _ = self.runtime.spawn(Pipelined::run(self.clone(), id, connection, pipeline)),
            Err(failure) => pipeline.fail(&failure),
        }
    }

    fn put_back(self: Arc<Self>, mut connection: Connection) {
        connection.incoming.shrink();
        let mut surplus = None;
        self.change(|state| {
            state.leased = state.leased.saturating_sub(1);
            surplus = state.add_idle(connection);
        });
        self.closed_some(surplus.iter().len());
    }

    fn lost(self: Arc<Self>) {
        self.closed_some(1);
        self.change(|state| state.leased = state.leased.saturating_sub(1));
    }

    fn count_idle(&self, is_idle: bool) {
        if is_idle {
            self.idle_leases.fetch_add(1, Ordering::Relaxed);
        } else {
            self.idle_leases.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Refuses what cannot be sent within its time, as long as many wait.
async fn watch_waiting(pool: Weak<Pool>) {
    let Some(mut watch) = pool.upgrade().map(|pool| pool.watch()) else { return };
    let mut leases = watch;
    loop {
        let looked = Instant::now();
        tokio::time::sleep(LOOK).await;
        let Some(pool) = pool.upgrade() else { return };
        let now = Instant::now();
        if watch.is_old(now) {
            watch = pool.watch();
        }
        if leases.is_old(now) || Watch::came_late(looked, now) {
            leases = pool.watch();
        }
        // one that answers nothing is no matter of too much work: tending finds out, and others take its place
        let is_there = now.checked_sub(SIGN).is_some_and(|moment| pool.health.answered_since(moment));
        let mut state = pool.state.lock();
        if !state.has_more_waiting_than(CROWD) {
            state.is_watched = false;
            return;
        }
        if !is_there {
            continue;
        }
        let (limits, window) = (pool.limits.get(), &pool.window);
        let commands = watch.hopeless(&mut state, &limits, window.size(), window.answered(), now);
        let callers = leases.hopeless_callers(&mut state, &limits, now);
        drop(state);
        if let Some((backlog, failure)) = commands {
            Refused { backlog, ..Refused::default() }.tell(&failure);
        }
        if let Some((callers, failure)) = callers {
            Refused { callers, ..Refused::default() }.tell(&failure);
        }
    }
}

/// Those who will not be served.
#[derive(Default)]
struct Refused {
    backlog: VecDeque<Request>,
    callers: VecDeque<Caller<Lease>>,
}

impl Refused {
    fn take(state: &mut PoolState<Lease>) -> Self {
        Self { backlog: std::mem::take(&mut state.backlog), callers: std::mem::take(&mut state.callers) }
    }

    fn tell(self, failure: &Failure) {
        self.backlog.into_iter().for_each(|request| request.settle(Err(failure.clone())));
        for caller in self.callers {
            let _ = caller.sender.send(Err(failure.clone())); // whoever gave up needs no reason
        }
    }
}

/// A connection that is being opened. However that ends, the pool learns of it.
struct Dialing(Option<Arc<Pool>>);

impl Dialing {
    async fn run(mut self) {
        let Some(pool) = self.0.clone() else { return };
        let outcome = pool.dialer.dial().await;
        self.0 = None;
        match outcome {
            Ok(connection) => pool.dialed(connection),
            Err(failure) => pool.dial_failed(failure),
        }
    }
}

impl Drop for Dialing {
    fn drop(&mut self) {
        if let Some(pool) = self.0.take() {
            pool.dial_failed(Failure::new(Code::CLIENT, "the task that opened the connection ended early"));
        }
    }
}
