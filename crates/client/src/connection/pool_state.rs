//! Who has which connection of a node, who waits for one, and who gets the next: the state of a pool, without any
//! I/O. [`PoolState::rebalance`] is the only place that pairs connections with work. It runs under the pool's lock and
//! says what is to be done; the pool does it outside.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::request::Request;
use super::window::MAX_WINDOW;
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::socket::{Connection, Origin};

/// Pipelined connections to a fast node: more of them only spread the commands over more system calls. A node that is slow to
/// answer gets as many as it may have connections.
const PIPELINED: usize = 2;
/// Pipelined connections to start at once.
const MAX_NEW_PIPELINED: usize = 8;
/// Pipelined connections that may stall without the node answering anything, before it counts as silent and gets no more of
/// them.
const SILENT_STALLS: u32 = 8;
/// Connections that were opened within this time of each other were opened together.
const TOGETHER: Duration = Duration::from_millis(2);

/// Names a pipelined connection within its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PipelinedId(pub(crate) u64);

/// How many connections a pool keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) max_idle: Duration,
}

/// The same, as they are now.
#[derive(Debug)]
pub(super) struct SharedLimits {
    min: AtomicUsize,
    max: AtomicUsize,
    max_idle_ms: AtomicU64,
}

impl SharedLimits {
    pub(super) fn new(limits: Limits) -> Self {
        let shared = Self { min: AtomicUsize::new(0), max: AtomicUsize::new(0), max_idle_ms: AtomicU64::new(0) };
        shared.set(limits);
        shared
    }

    pub(super) fn get(&self) -> Limits {
        Limits {
            min: self.min.load(Ordering::Relaxed),
            max: self.max.load(Ordering::Relaxed),
            max_idle: Duration::from_millis(self.max_idle_ms.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn set(&self, Limits { min, max, max_idle }: Limits) {
        self.min.store(min, Ordering::Relaxed);
        self.max.store(max, Ordering::Relaxed);
        self.max_idle_ms.store(u64::try_from(max_idle.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Where a caller waits for a lease. What a lease is does not matter here.
pub(super) type LeaseSender<L> = oneshot::Sender<Result<L, Failure>>;

/// Somebody who wants a lease.
#[derive(Debug)]
pub(super) struct Caller<L> {
    pub(super) sender: LeaseSender<L>,
    /// When a lease is of no use to them any more.
    pub(super) deadline: Deadline,
}

impl<L> Caller<L> {
    /// Whether they wait no more.
    pub(super) fn is_gone(&self) -> bool {
        self.sender.is_closed()
    }
}

#[derive(Debug)]
pub(super) struct PoolState<L> {
    /// Commands for pipelined connections, oldest first.
    pub(super) backlog: VecDeque<Request>,
    /// Callers that want a lease, oldest first.
    pub(super) callers: VecDeque<Caller<L>>,
    /// Callers that got a lease so far.
    pub(super) served: u64,
    /// Connections without work, by number.
    pub(super) idle: BTreeMap<u64, Idle>,
    /// Connections that were opened so far.
    opened: u64,
    /// Those with lower numbers are not used again, and since when.
    oldest: u64,
    renounced_at: Option<Instant>,
    pub(super) pipelined: Vec<PipelinedEntry>,
    pub(super) dialing: usize,
    pub(super) leased: usize,
    next_pipelined: u64,
    /// Connections that stalled since the node last answered.
    pub(super) stalls: u32,
    /// Connections in a row that could not be opened.
    pub(super) failed_dials: u32,
    /// After a connection could not be opened: when the next one is opened for commands that wait for one.
    pub(super) redial_at: Option<Instant>,
    /// Somebody looks at those who wait, since they are many.
    pub(super) is_watched: bool,
    /// Why the pool takes no more work, once it does not.
    pub(super) closed: Option<Failure>,
}

/// A connection without work.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) connection: Connection,
    pub(super) since: Instant,
}

/// A pipelined connection, as the pool sees it.
#[derive(Debug)]
pub(super) struct PipelinedEntry {
    id: PipelinedId,
    waker: Option<Waker>,
    /// It has room and found the backlog empty. Whoever adds work unparks and wakes it.
    is_parked: bool,
    pub(super) in_flight: usize,
    pub(super) is_stalled: bool,
    /// Told to pull no more and to hand its connection over.
    is_yielding: bool,
    /// It has pulled something. It does not yield before it has, or else the backlog might wait for ever.
    has_served: bool,
    /// It takes nothing new and ends when what is in flight on it was answered.
    is_renounced: bool,
    last_used: Instant,
}

impl PipelinedEntry {
    fn serves(&self) -> bool {
        !self.is_stalled && !self.is_yielding && !self.is_renounced
    }

    /// The waker of the connection, which is then expected to pull.
    pub(super) fn unpark(&mut self) -> Option<Waker> {
        self.is_parked = false;
        self.waker.clone()
    }
}

/// What a pipelined connection is to do next.
#[derive(Debug)]
pub(crate) enum Pulled {
    /// Go on: with what was pulled, or with what is in flight.
    Continue,
    /// Give the connection to the pool.
    HandOver,
    /// Close the connection.
    Close,
}

/// What was decided, to be done outside the lock.
#[derive(Debug)]
pub(super) struct Work<L> {
    pub(super) leases: Vec<(LeaseSender<L>, Connection)>,
    pub(super) pipelined: Vec<(PipelinedId, Connection)>,
    pub(super) dials: usize,
}

impl<L> Default for Work<L> {
    fn default() -> Self {
        Self { leases: Vec::new(), pipelined: Vec::new(), dials: 0 }
    }
}

impl<L> Default for PoolState<L> {
    fn default() -> Self {
        Self {
            backlog: VecDeque::new(),
            callers: VecDeque::new(),
            served: 0,
            idle: BTreeMap::new(),
            opened: 0,
            oldest: 0,
            renounced_at: None,
            pipelined: Vec::new(),
            dialing: 0,
            leased: 0,
            next_pipelined: 0,
            stalls: 0,
            failed_dials: 0,
            redial_at: None,
            is_watched: false,
            closed: None,
        }
    }
}

impl<L> PoolState<L> {
    /// Connections that are open or being opened.
    pub(super) fn open(&self) -> usize {
        self.idle.len() + self.pipelined.len() + self.leased + self.dialing
    }

    fn serving(&self) -> usize {
        self.pipelined.iter().filter(|e| e.serves()).count()
    }

    pub(super) fn entry(&mut self, id: PipelinedId) -> Option<&mut PipelinedEntry> {
        self.pipelined.iter_mut().find(|e| e.id == id)
    }

    /// Whether it was still there.
    pub(super) fn remove_pipelined(&mut self, id: PipelinedId) -> bool {
        let before = self.pipelined.len();
        self.pipelined.retain(|e| e.id != id);
        self.pipelined.len() < before
    }

    /// Adds a pipelined connection with so many commands in flight.
    pub(super) fn add_pipelined(&mut self, in_flight: usize, is_renounced: bool) -> PipelinedId {
        self.next_pipelined += 1;
        let id = PipelinedId(self.next_pipelined);
        self.pipelined.push(PipelinedEntry {
            id,
            waker: None,
            is_parked: false,
            in_flight,
            is_stalled: false,
            is_yielding: false,
            has_served: false,
            is_renounced,
            last_used: Instant::now(),
        });
        id
    }

    /// Puts commands back where they came from, ahead of all others.
    pub(super) fn take_back(&mut self, requests: Vec<Request>) {
        for request in requests.into_iter().rev() {
            self.backlog.push_front(request);
        }
    }

    /// Numbers a connection that was just opened.
    pub(super) fn number(&mut self, connection: &mut Connection) {
        connection.origin.number = self.opened;
        self.opened += 1;
    }

    /// Adds an idle connection, unless the pool is closed. Gives back one that is not to be used again.
    pub(super) fn add_idle(&mut self, connection: Connection) -> Option<Connection> {
        if self.is_renounced(&connection) {
            return Some(connection);
        }
        if self.closed.is_none() {
            self.idle.insert(connection.origin.number, Idle { connection, since: Instant::now() });
        }
        None
    }

    /// Whether a connection is not to be used again.
    pub(super) fn is_renounced(&self, connection: &Connection) -> bool {
        connection.origin.number < self.oldest
    }

    /// Uses none of the connections that are open now for anything new, since one that was used at `begun` proved to be of no
    /// use; unless they were renounced after that already. Takes out those that are idle, and those to wake.
    pub(super) fn renounce(&mut self, begun: Instant) -> (BTreeMap<u64, Idle>, Vec<Waker>) {
        if self.renounced_at.is_some_and(|at| begun <= at) {
            return (BTreeMap::new(), Vec::new());
        }
        self.renounced_at = Some(Instant::now());
        self.oldest = self.opened;
        let pipelined = self.pipelined.iter_mut().filter_map(|entry| {
            entry.is_renounced = true;
            entry.unpark()
        });
        let wakers = pipelined.collect();
        (std::mem::take(&mut self.idle), wakers)
    }

    /// The first idle connection that can still be used. Those at the end have been idle longest: they are closed first.
    fn pop_idle(&mut self) -> Option<Connection> {
        std::iter::from_fn(|| self.idle.pop_first()).map(|(_, idle)| idle.connection).find(Connection::is_usable)
    }

    /// Leases two idle connections that were opened together.
    pub(super) fn take_pair(&mut self) -> Option<[Connection; 2]> {
        let usable = || self.idle.values().filter(|i| i.connection.is_usable()).map(|i| i.connection.origin);
        let are_pair = |(a, b): &(Origin, Origin)| {
            b.number == a.number + 1 && b.opened_at.saturating_duration_since(a.opened_at) < TOGETHER
        };
        let (a, b) = usable().zip(usable().skip(1)).find(are_pair)?;
        let pair = [self.idle.remove(&a.number)?.connection, self.idle.remove(&b.number)?.connection];
        self.leased += pair.len();
        Some(pair)
    }

    /// The caller that waits longest.
    pub(super) fn pop_caller(&mut self) -> Option<Caller<L>> {
        std::iter::from_fn(|| self.callers.pop_front()).find(|caller| !caller.is_gone())
    }

    /// Whether so many wait for a lease, or for a pipelined connection.
    pub(super) fn has_more_waiting_than(&self, count: usize) -> bool {
        self.backlog.len() > count || self.callers.len() > count
    }

    /// Whether somebody is to begin to look at those who wait, who are more than so many.
    pub(super) fn begin_watching(&mut self, count: usize) -> bool {
        self.has_more_waiting_than(count) && !std::mem::replace(&mut self.is_watched, true)
    }

    /// Unparks the connection that should take what was just added to the backlog: of the first few, the one with the
    /// fewest commands in flight. The others are for when those are full.
    pub(super) fn unpark_pipelined(&mut self) -> Option<Waker> {
        let mut parked = self.pipelined.iter_mut().filter(|e| e.serves()).enumerate().filter(|(_, e)| e.is_parked);
        let mut best = parked.next()?;
        for (at, entry) in parked.take_while(|(at, _)| *at < PIPELINED) {
            if entry.in_flight < best.1.in_flight {
                best = (at, entry);
            }
        }
        best.1.unpark()
    }

    /// How many more pipelined connections the backlog needs, when `window` commands may be in flight on each.
    fn pipelined_wanted(&self, window: usize) -> usize {
        if self.backlog.is_empty() {
            return 0;
        }
        // when some connection is left, a failed attempt to open one is not repeated at once
        if self.open() > 0 && self.redial_at.is_some_and(|at| Instant::now() < at) {
            return 0;
        }
        // a node that answers nothing on one connection after another is not helped by more of them
        if self.stalls >= SILENT_STALLS && !self.pipelined.is_empty() {
            return 0;
        }
        let serving = self.serving();
        let all_have = |load: usize| self.pipelined.iter().filter(|e| e.serves()).all(|e| e.in_flight >= load);
        if serving == 0 || (serving < PIPELINED && all_have(1)) {
            1
        } else if window < MAX_WINDOW && all_have(window) {
            self.backlog.len().div_ceil(window).min(MAX_NEW_PIPELINED)
        } else {
            0
        }
    }

    /// Pairs connections with work, and says how many more to open.
    pub(super) fn rebalance(&mut self, limits: &Limits, window: usize) -> Work<L> {
        let mut work = Work::default();
        if self.closed.is_some() {
            return work;
        }
        // commands go first when they have no connection at all: whoever waits for a lease then gets that one in turn
        let mut wanted = self.pipelined_wanted(window);
        while wanted > 0
            && let Some(connection) = self.pop_idle()
        {
            work.pipelined.push((self.add_pipelined(0, false), connection));
            wanted -= 1;
        }
        while let Some(caller) = self.pop_caller() {
            let Some(connection) = self.pop_idle() else {
                self.callers.push_front(caller);
                break;
            };
            self.leased += 1;
            self.served += 1;
            work.leases.push((caller.sender, connection));
        }
        let wanted = self.callers.len() + wanted;
        work.dials = wanted.saturating_sub(self.dialing).min(limits.max.saturating_sub(self.open()));
        self.dialing += work.dials;
        work
    }

    /// Whether a pipelined connection has to be given up for those who wait for a lease.
    pub(super) fn must_yield(&self, limits: &Limits) -> bool {
        let yielding = self.pipelined.iter().filter(|e| e.is_yielding).count();
        self.callers.len() > yielding
            && self.open() >= limits.max
            && self.idle.is_empty()
            && (self.leased == 0 || self.serving() > 1)
    }

    /// Moves work for a pipelined connection from the backlog to `into`, or parks the connection.
    pub(super) fn pull(
        &mut self,
        id: PipelinedId,
        in_flight: usize,
        window: usize,
        limits: &Limits,
        waker: &Waker,
        into: &mut Vec<Request>,
    ) -> Pulled {
        if self.closed.is_some() {
            return Pulled::Close;
        }
        let must_yield = self.must_yield(limits);
        let Self { backlog, pipelined, leased, .. } = self;
        let Some((at, entry)) = pipelined.iter_mut().enumerate().find(|(_, e)| e.id == id) else {
            return Pulled::Close;
        };
        entry.in_flight = in_flight;
        entry.is_parked = false;
        match &mut entry.waker {
            Some(held) => held.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        if entry.is_renounced {
            return if in_flight == 0 { Pulled::Close } else { Pulled::Continue };
        }
        let may_yield = !entry.is_stalled && (entry.has_served || backlog.is_empty());
        if entry.is_yielding || (must_yield && may_yield) {
            entry.is_yielding = true;
            if in_flight > 0 {
                return Pulled::Continue;
            }
            pipelined.remove(at);
            *leased += 1; // until the connection is back
            return Pulled::HandOver;
        }
        if entry.is_stalled {
            return Pulled::Continue;
        }
        let room = window.saturating_sub(in_flight);
        while into.len() < room {
            match backlog.pop_front() {
                Some(request) if request.is_abandoned() => {}
                Some(request) => into.push(request),
                None => break,
            }
        }
        if into.is_empty() {
            entry.is_parked = room > 0;
        } else {
            entry.in_flight += into.len();
            entry.has_served = true;
            entry.last_used = Instant::now();
        }
        Pulled::Continue
    }

    /// Takes out what was not used for too long, or was closed by its peer. Pipelined ones find themselves gone when
    /// they are woken.
    pub(super) fn expire(&mut self, now: Instant, limits: &Limits) -> (BTreeMap<u64, Idle>, Vec<Waker>) {
        // the limit may have become lower since they were opened
        let mut beyond = self.open().saturating_sub(limits.max);
        let mut is_beyond = || {
            let is_beyond = beyond > 0;
            beyond = beyond.saturating_sub(1);
            is_beyond
        };
        let too_old = |since: Instant| now.saturating_duration_since(since) >= limits.max_idle;
        let (dead, fresh) = std::mem::take(&mut self.idle)
            .into_iter()
            .partition(|(_, idle)| too_old(idle.since) || !idle.connection.is_usable() || is_beyond());
        self.idle = fresh;
        let mut wakers = Vec::new();
        self.pipelined.retain_mut(|entry| {
            let stale = entry.in_flight == 0 && entry.is_parked && (too_old(entry.last_used) || is_beyond());
            if stale {
                wakers.extend(entry.unpark());
            }
            !stale
        });
        (dead, wakers)
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::socket::transport::Transport;

    /// A state with idle connections that were opened so many milliseconds after the first, and their peers.
    async fn with_idle(opened_after: &[u64]) -> (PoolState<()>, Vec<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let start = Instant::now();
        let mut state = PoolState::default();
        let mut peers = Vec::new();
        for millis in opened_after {
            let mut connection = Connection::new(Transport::Plain(TcpStream::connect(address).await.unwrap()));
            peers.push(listener.accept().await.unwrap().0);
            connection.origin.opened_at = start + Duration::from_millis(*millis);
            state.number(&mut connection);
            state.add_idle(connection);
        }
        (state, peers)
    }

    fn numbers(pair: Option<[Connection; 2]>) -> Option<[u64; 2]> {
        pair.map(|pair| pair.map(|connection| connection.origin.number))
    }

    #[tokio::test]
    async fn the_connection_opened_first_is_used_first() {
        let (mut state, _peers) = with_idle(&[0, 1, 2]).await;
        let first = state.pop_idle().unwrap();
        assert_eq!(first.origin.number, 0);
        assert_eq!(state.pop_idle().unwrap().origin.number, 1);
        state.add_idle(first);
        assert_eq!(state.pop_idle().unwrap().origin.number, 0);
    }

    #[tokio::test]
    async fn a_pair_is_of_neighbours_that_were_opened_together() {
        let (mut state, _peers) = with_idle(&[0, 50, 100, 101, 150]).await;
        assert_eq!(numbers(state.take_pair()), Some([2, 3]));
        assert_eq!((state.leased, state.idle.len()), (2, 3));
        assert_eq!(numbers(state.take_pair()), None);
        assert_eq!((state.leased, state.idle.len()), (2, 3));
    }

    #[tokio::test]
    async fn a_pair_of_which_one_is_in_use_or_closed_is_none() {
        let (mut state, mut peers) = with_idle(&[0, 0, 50, 50, 100, 100]).await;
        let in_use = state.pop_idle();
        drop(peers.remove(3));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(numbers(state.take_pair()), Some([4, 5]));
        drop(in_use);
    }
}
