//! Commands that a thread sends and receives by itself, without Tokio.
//!
//! Waking a sleeping thread costs 5 to 10 µs, and a command through [`Client::execute`] does it twice: once for the
//! runtime, once for the caller. A thread that has an event loop of its own and nothing else in flight saves both:
//! it writes the request itself, watches the socket, and reads the answer itself. Everything that is not that simple
//! goes the usual way: [`Express::begin`] gives the command back, and a command that was begun and is not answered
//! soon, or needs another attempt, becomes a [`Resumed`] future that goes on with the same rules as any other.
//!
//! The connections are leased from the pools, one for each node, and go back there when they are not used.
//!
//! [`Client::execute`]: crate::Client::execute

use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::message::MessageHeader;
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::cluster::node::Node;
use crate::cluster::{Cluster, InFlight};
use crate::command::{Command, Reply};
use crate::connection::direct::Direct;
use crate::connection::exclusive;
use crate::connection::request::Carrier;
use crate::deadline::Deadline;
use crate::error::{Error, Failure};
use crate::execute::Run;

/// How long a command waits for its answer before it goes on through the runtime.
const HAND_OVER: Duration = Duration::from_millis(10);
/// Lone commands for a node before a connection is taken for them; twice as many after each that was handed over, up
/// to the second number: where answers take that long there is nothing to gain.
const LONE_COMMANDS: u32 = 8;
const MOST_LONE_COMMANDS: u32 = 1 << 16;
/// Answers in a row that show that a node is quick after all.
const QUICK_ANSWERS: u32 = 64;
/// A connection that rests for this long goes back to its pool.
const REST: Duration = Duration::from_secs(2);
/// How long a lease may take to come.
const LEASE_TIMEOUT: Duration = Duration::from_secs(1);
/// Room for receiving; longer answers take several reads.
const ROOM: usize = 16 * 1024;

/// Names a connection that express commands use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineId(u64);

/// The express commands of one client on one thread.
///
/// The caller watches the sockets of the lines: it learns of new ones from [`Express::arrivals`] and calls
/// [`Express::on_readable`]. It stops watching before a socket may be closed: when [`Express::departures`] names the
/// line, or after [`Express::hand_over`].
#[derive(Debug)]
pub struct Express {
    cluster: Arc<Cluster>,
    stops: Vec<Stop>,
    /// Connections that were asked for and have come; `None` once nobody wants them.
    arrived: Arc<Mutex<Option<Vec<Arrival>>>>,
    departures: Vec<Departure>,
    out: BytesMut,
    room: Box<[u8]>,
    next_line: u64,
    is_closed: bool,
}

type Arrival = (Arc<Node>, Option<Direct>);

/// One node.
#[derive(Debug)]
struct Stop {
    node: Arc<Node>,
    line: Option<Line>,
    is_asked: bool,
    /// Commands that found no line.
    lone: u32,
    /// How many of those it takes.
    needed: u32,
    answers: u32,
}

#[derive(Debug)]
struct Line {
    id: LineId,
    direct: Direct,
    last_used: Instant,
    ride: Option<Ride>,
}

/// A command under way.
#[derive(Debug)]
struct Ride {
    in_flight: InFlight,
    run: Run,
    carrier: Carrier,
}

/// What became of a command.
#[derive(Debug)]
pub enum Event {
    /// Nothing yet.
    Nothing,
    /// What [`Client::execute`](crate::Client::execute) would have returned.
    Answer(Result<Reply, Error>),
    /// It needs more than an answer.
    Resume(Box<Resumed>),
}

/// A line that is not used any more.
#[derive(Debug)]
pub struct Departure {
    /// Its name.
    pub line: LineId,
    direct: Direct,
    goes_back: bool,
    cluster: Arc<Cluster>,
}

impl Departure {
    /// Closes the connection or gives it back. Nobody watches the socket any more.
    pub fn complete(self) {
        let Self { direct, goes_back, cluster, .. } = self;
        if goes_back {
            // attached again, the lease is dropped, which puts the connection back
            cluster.runtime.spawn(async move { drop(direct.attach()) });
        }
    }
}

/// A command that goes on through the runtime.
#[derive(Debug)]
pub struct Resumed {
    in_flight: InFlight,
    run: Run,
    cluster: Arc<Cluster>,
    /// The attempt that is still to be answered.
    awaited: Option<(Direct, Carrier)>,
}

impl Resumed {
    /// Goes on to the outcome. Runs on the runtime that the client was connected on.
    pub async fn finish(self: Box<Self>) -> Result<Reply, Error> {
        let Self { in_flight: _in_flight, mut run, cluster, awaited } = *self;
        if let Some((direct, carrier)) = awaited {
            // a task of its own, which the answer of another node does not end
            cluster.runtime.spawn(exclusive::take_over(direct, carrier));
        }
        run.finish(&cluster).await
    }
}

impl Express {
    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self {
            cluster,
            stops: Vec::new(),
            arrived: Arc::new(Mutex::new(Some(Vec::new()))),
            departures: Vec::new(),
            out: BytesMut::new(),
            room: vec![0; ROOM].into_boxed_slice(),
            next_line: 0,
            is_closed: false,
        }
    }

    /// Sends a command, if that can be done at once. Otherwise it is given back, and may not have been carried out.
    #[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
    pub fn begin(&mut self, command: Command) -> Result<LineId, Command> {
        if self.is_closed || !command.spec.is_brief() {
            return Err(command);
        }
        let Ok(in_flight) = self.cluster.enter() else { return Err(command) };
        let now = Instant::now();
        let mut run = Run::new(command, now);
        match self.send(&mut run, now) {
            None => Err(run.into_command()),
            Some((stop, carrier)) => {
                let line = self.stops.get_mut(stop).and_then(|s| s.line.as_mut());
                let Some(line) = line else { return Err(run.into_command()) };
                line.last_used = now;
                line.ride = Some(Ride { in_flight, run, carrier });
                Ok(line.id)
            }
        }
    }

    /// Sends a command on the line of the node whose turn it is. `None` when it did not go out.
    fn send(&mut self, run: &mut Run, now: Instant) -> Option<(usize, Carrier)> {
        let node = run.route(&self.cluster).ok()?;
        if node.health.is_tripped() {
            return None;
        }
        let at = self.stop(&node);
        let stop = self.stops.get_mut(at)?;
        let Some(line) = &mut stop.line else {
            if stop.wants_line() {
                self.ask(node);
            }
            return None;
        };
        if line.ride.is_some() {
            return None;
        }
        if node.pool.is_pressed() {
            self.depart(at, true);
            return None;
        }
        let carrier = run.attempt_at(node);
        self.out.clear();
        carrier.encode(now, &mut self.out);
        if line.direct.send(&self.out) {
            return Some((at, carrier));
        }
        self.depart(at, false);
        None
    }

    /// What a socket that became readable brings. A line without a command is closed by it.
    pub fn on_readable(&mut self, line: LineId) -> Event {
        let Some(at) = self.find(line) else { return Event::Nothing };
        let Some(Stop { node, line: Some(line), answers, needed, .. }) = self.stops.get_mut(at) else {
            return Event::Nothing;
        };
        let std::task::Poll::Ready(outcome) = line.direct.receive(&mut self.room) else { return Event::Nothing };
        let Some(ride) = line.ride.take() else {
            self.depart(at, false); // the server closed it, or answers unasked
            return Event::Nothing;
        };
        let is_usable = if outcome.is_ok() {
            line.last_used = Instant::now();
            node.health.record_answer(line.last_used);
            *answers += 1;
            if *answers == QUICK_ANSWERS {
                *needed = LONE_COMMANDS;
            }
            line.direct.rest()
        } else {
            node.health.record_connection_error();
            false
        };
        if !is_usable || self.is_closed {
            self.depart(at, false);
        }
        ride.end(outcome, &self.cluster)
    }

    /// Takes a command that waits for its answer off its line, to go on through the runtime. The line is gone.
    pub fn hand_over(&mut self, line: LineId) -> Option<Box<Resumed>> {
        let at = self.find(line)?;
        let stop = self.stops.get_mut(at)?;
        let Line { direct, ride, .. } = stop.line.take_if(|l| l.ride.is_some())?;
        let Ride { in_flight, run, carrier } = ride?;
        stop.lone = 0;
        stop.answers = 0;
        stop.needed = (stop.needed * 2).min(MOST_LONE_COMMANDS);
        let cluster = self.cluster.clone();
        Some(Box::new(Resumed { in_flight, run, cluster, awaited: Some((direct, carrier)) }))
    }

    /// The command that has waited for too long, if any.
    pub fn overdue(&self) -> Option<LineId> {
        let now = Instant::now();
        let mut lines = self.stops.iter().filter_map(|s| s.line.as_ref());
        lines.find(|l| l.ride.is_some() && now.saturating_duration_since(l.last_used) >= HAND_OVER).map(|l| l.id)
    }

    /// Lines that have come since the last call, to be watched.
    pub fn arrivals(&mut self) -> Vec<LineId> {
        let mut ids = Vec::new();
        let arrived = self.arrived.lock().as_mut().filter(|a| !a.is_empty()).map(std::mem::take);
        for (node, direct) in arrived.into_iter().flatten() {
            let Some(stop) = self.stops.iter_mut().find(|s| Arc::ptr_eq(&s.node, &node)) else { continue };
            stop.is_asked = false;
            stop.lone = 0;
            stop.answers = 0;
            let Some(direct) = direct else {
                stop.needed = (stop.needed * 2).min(MOST_LONE_COMMANDS);
                continue;
            };
            self.next_line += 1;
            let id = LineId(self.next_line);
            stop.line = Some(Line { id, direct, last_used: Instant::now(), ride: None });
            ids.push(id);
        }
        ids
    }

    /// Lines to watch no longer, since the last call.
    pub fn departures(&mut self) -> Vec<Departure> {
        std::mem::take(&mut self.departures)
    }

    /// Parts with lines that are not needed: unused, wanted by others, or of nodes that left.
    pub fn tidy(&mut self) {
        let now = Instant::now();
        for at in 0..self.stops.len() {
            let Some(Stop { node, line: Some(line), .. }) = self.stops.get(at) else { continue };
            if line.ride.is_some() {
                continue;
            }
            let is_active = node.is_active();
            if !is_active || node.pool.is_pressed() || now.saturating_duration_since(line.last_used) >= REST {
                self.depart(at, is_active);
            }
        }
        self.stops.retain(|s| s.line.is_some() || s.node.is_active());
    }

    /// Whether there are lines, or some were asked for.
    pub fn is_busy(&self) -> bool {
        self.stops.iter().any(|s| s.line.is_some() || s.is_asked)
    }

    /// Begins nothing more and parts with every line, as soon as there is no command on it.
    pub fn close(&mut self) {
        self.is_closed = true;
        *self.arrived.lock() = None;
        for at in 0..self.stops.len() {
            if self.stops.get(at).and_then(|s| s.line.as_ref()).is_some_and(|l| l.ride.is_none()) {
                self.depart(at, false);
            }
        }
        self.stops.iter_mut().for_each(|s| s.is_asked = false);
    }

    /// The socket of a line.
    #[cfg(unix)]
    pub fn socket(&self, line: LineId) -> Option<std::os::fd::BorrowedFd<'_>> {
        let line = self.stops.get(self.find(line)?)?.line.as_ref()?;
        Some(std::os::fd::AsFd::as_fd(line.direct.socket()))
    }

    fn find(&self, line: LineId) -> Option<usize> {
        self.stops.iter().position(|s| s.line.as_ref().is_some_and(|l| l.id == line))
    }

    fn stop(&mut self, node: &Arc<Node>) -> usize {
        self.stops.iter().position(|s| Arc::ptr_eq(&s.node, node)).unwrap_or_else(|| {
            let node = node.clone();
            self.stops.push(Stop { node, line: None, is_asked: false, lone: 0, needed: LONE_COMMANDS, answers: 0 });
            self.stops.len() - 1
        })
    }

    fn depart(&mut self, at: usize, goes_back: bool) {
        if let Some(Line { id, direct, .. }) = self.stops.get_mut(at).and_then(|s| s.line.take()) {
            self.departures.push(Departure { line: id, direct, goes_back, cluster: self.cluster.clone() });
        }
    }

    /// Has a connection to a node leased.
    fn ask(&self, node: Arc<Node>) {
        let arrived = self.arrived.clone();
        self.cluster.runtime.spawn(async move {
            let deadline = Deadline::within(Instant::now(), LEASE_TIMEOUT);
            let direct = node.pool.lease(deadline).await.ok().and_then(Direct::detach);
            if let Some(arrived) = &mut *arrived.lock() {
                arrived.push((node, direct));
            }
        });
    }
}

impl Stop {
    /// Counts a command that found no line, and says whether it is time to ask for one.
    fn wants_line(&mut self) -> bool {
        self.lone = self.lone.saturating_add(1);
        let wants = !self.is_asked && self.lone >= self.needed && self.node.pool.spares_one();
        self.is_asked |= wants;
        wants
    }
}

impl Ride {
    fn end(mut self, outcome: Result<Bytes, Failure>, cluster: &Arc<Cluster>) -> Event {
        if let Ok(message) = &outcome {
            let header = message.first_chunk().map(MessageHeader::decode).unwrap_or_default();
            if !header.result.is_retryable()
                && let Some(answer) = self.run.conclude(message)
            {
                return Event::Answer(answer);
            }
        }
        let Self { in_flight, run, carrier } = self;
        carrier.settle(outcome);
        Event::Resume(Box::new(Resumed { in_flight, run, cluster: cluster.clone(), awaited: None }))
    }
}
