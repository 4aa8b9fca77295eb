//! Commands that a thread sends and receives by itself, without Tokio.
//!
//! Waking a sleeping thread costs 5 to 10 µs, and a command through [`Client::execute`] does it twice: once for the
//! runtime, once for the caller. A thread that has an event loop of its own, and not too much in flight, saves both:
//! it writes the requests itself, watches the sockets, and reads the answers itself. Everything that is not that
//! simple goes the usual way: [`Express::begin`] gives the command back, and a command that was begun and is not
//! answered soon, or needs another attempt, becomes a [`Resumed`] future that goes on with the same rules as any
//! other. The same holds for batches of few reads.
//!
//! The connections are leased from the pools, a few for each node, and go back there when they are not used.
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | which line a command takes, and when it has to leave it |
//! | `node.rs` | a node and the lines to it |
//! | `connection.rs` | a connection and what is under way on it |
//! | `batch.rs` | a batch and its requests |
//! | `handoff.rs` | what goes on elsewhere |
//!
//! [`Client::execute`]: crate::Client::execute

mod batch;
mod connection;
mod handoff;
mod node;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::batch::BatchReply;
use crate::cluster::Cluster;
use crate::cluster::node::Node;
use crate::command::{Command, Reply};
use crate::error::{Error, Failure};
use crate::execute::Run;
use batch::Trip;
use connection::{Line, Load, News, Ride};
use handoff::Then;
pub use handoff::{Departure, Resumed, ResumedBatch};
use node::{Arrivals, COMPANY, Stop};

/// How long a command waits for its answer before it goes on through the runtime.
const HAND_OVER: Duration = Duration::from_millis(10);
/// Silence after which a line is looked at although nothing worthwhile came.
const GLANCE: Duration = Duration::from_millis(1);
/// A connection that rests for this long goes back to its pool.
const REST: Duration = Duration::from_secs(2);
/// Room for receiving; longer answers take several reads.
const ROOM: usize = 64 * 1024;

/// Names a connection that express commands use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineId(u64);

/// Names a command, by the caller's choice.
pub type Tag = u32;

/// The express commands of one client on one thread.
///
/// What is begun goes out with [`Express::flush`]. The caller watches the sockets of the lines: it learns of new ones
/// from [`Express::arrivals`], calls [`Express::on_readable`] and [`Express::look_after`], and takes what became of
/// the commands from [`Express::events`]. It stops watching before a socket may be closed or used by others: when
/// [`Express::departures`] names the line, which is to be asked before the events are looked at.
#[derive(Debug)]
pub struct Express {
    cluster: Arc<Cluster>,
    stops: Vec<Stop>,
    trips: Vec<Trip>,
    arrived: Arrivals,
    departures: Vec<Departure>,
    events: Vec<(Tag, Event)>,
    news: Vec<News>,
    room: Box<[u8]>,
    next_line: u64,
    is_closed: bool,
}

/// What became of a command.
#[derive(Debug)]
pub enum Event {
    /// What [`Client::execute`](crate::Client::execute) would have returned.
    Answer(Result<Reply, Error>),
    /// It needs more than an answer.
    Resume(Box<Resumed>),
    /// What [`Client::batch`](crate::Client::batch) would have returned.
    Rows(Box<BatchReply>),
    /// Some of its rows need more than an answer.
    ResumeBatch(Box<ResumedBatch>),
}

impl Express {
    /// Most rows of a batch that is sent here beside others.
    pub const MOST_ROWS: usize = 128;
    /// Most rows of one that has the client to itself: while it is under way, the caller waits for it.
    pub const MOST_ROWS_ALONE: usize = 1024;

    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self {
            cluster,
            stops: Vec::new(),
            trips: Vec::new(),
            arrived: Arc::new(Mutex::new(Some(Vec::new()))),
            departures: Vec::new(),
            events: Vec::new(),
            news: Vec::new(),
            room: vec![0; ROOM].into_boxed_slice(),
            next_line: 0,
            is_closed: false,
        }
    }

    /// Most rows of a batch that would be taken in now. Two large ones under way are better off with the runtime, which
    /// prepares one while the caller's thread is busy with the other.
    pub fn most_rows(&self) -> usize {
        let is_alone =
            !self.is_under_way() && self.cluster.routing.load().nodes.iter().all(|n| n.batch_requests() == 0);
        if is_alone { Self::MOST_ROWS_ALONE } else { Self::MOST_ROWS }
    }

    /// Takes in a command, to be sent with the next flush, if that is possible. Otherwise it is given back, and was
    /// not sent.
    #[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
    pub fn begin(&mut self, command: Command, tag: Tag) -> Result<(), Command> {
        if self.is_closed || !command.spec.is_brief() || is_hasty(command.policy.total_timeout) {
            return Err(command);
        }
        let Ok(in_flight) = self.cluster.enter() else { return Err(command) };
        let now = Instant::now();
        let mut run = Run::new(command, now);
        let Some((node, line)) = self.line_for(&mut run) else { return Err(run.into_command()) };
        let carrier = run.attempt_at(node);
        line.add(Ride { tag, in_flight, run }, carrier, now).map_err(|ride| ride.run.into_command())
    }

    /// The line of the node whose turn it is, if there is room on one.
    fn line_for(&mut self, run: &mut Run) -> Option<(Arc<Node>, &mut Line)> {
        let node = run.route(&self.cluster).ok()?;
        if node.health.is_tripped() {
            return None;
        }
        let at = self.stop(&node);
        let stop = self.stops.get_mut(at)?;
        if stop.is_heavy(1) {
            return None;
        }
        let best = stop.best_line();
        if best.is_none_or(|(load, _)| load >= COMPANY) && stop.wants_line() {
            stop.ask(&self.cluster, &self.arrived);
        }
        let (load, i) = best.filter(|_| !stop.yields)?;
        if load == 0 && node.pool.is_pressed() {
            self.depart(at, i, true);
            return None;
        }
        Some((node, self.stops.get_mut(at)?.board(i)?))
    }

    /// Writes what was begun, as far as the sockets take it.
    pub fn flush(&mut self) {
        for at in 0..self.stops.len() {
            if let Some(stop) = self.stops.get_mut(at) {
                stop.boarding = None;
            }
            let mut i = 0;
            while let Some(line) = self.stops.get_mut(at).and_then(|s| s.lines.get_mut(i)) {
                match if line.wants_to_write() { line.write() } else { Ok(()) } {
                    Ok(()) => {
                        line.moderate();
                        i += 1;
                    }
                    Err(failure) => self.break_off(at, i, &failure),
                }
            }
        }
        self.take_in();
    }

    /// Takes in what a socket that became readable brings. A line without a command is closed by it.
    pub fn on_readable(&mut self, line: LineId) {
        let Some((at, i)) = self.find(line) else { return };
        let Some(stop) = self.stops.get_mut(at) else { return };
        let Some(line) = stop.lines.get_mut(i) else { return };
        let was_at_rest = line.is_at_rest();
        let commands_wait_since = line.commands().and_then(|_| line.waits_since());
        let earlier = self.news.len();
        match line.read(&mut self.room, &mut self.news) {
            // the server closed it, or answers unasked
            Err(_) if was_at_rest => self.depart(at, i, false),
            Err(failure) => {
                stop.node.health.record_connection_error();
                self.break_off(at, i, &failure);
            }
            Ok(has_answers) => {
                line.moderate();
                let is_over = line.is_at_rest() && (!line.direct.rest() || self.is_closed);
                if has_answers {
                    let (now, row_size) = (line.last_used, line.row_size());
                    stop.answered(now, row_size, commands_wait_since, self.news.len() - earlier);
                }
                if is_over {
                    self.depart(at, i, false);
                }
            }
        }
        self.take_in();
    }

    /// Moves what came in to the events.
    fn take_in(&mut self) {
        for news in std::mem::take(&mut self.news) {
            match news {
                News::Answer(tag, event) => self.events.push((tag, event)),
                News::Rows(outgoing, tag, outcome) => {
                    if let Some(trip) = self.trips.iter_mut().find(|t| t.tag == tag) {
                        trip.run.conclude(*outgoing, outcome);
                        trip.requests -= 1;
                        if trip.requests == 0 {
                            self.end_trip(tag);
                        }
                    }
                }
            }
        }
    }

    /// Ends what is under way on a line that failed, and the line.
    fn break_off(&mut self, at: usize, i: usize, failure: &Failure) {
        if let Some(line) = self.stops.get_mut(at).and_then(|s| s.lines.get_mut(i)) {
            line.fail(failure, &mut self.news);
        }
        self.depart(at, i, false);
    }

    /// To be called every now and then: hands over what has waited for too long, and parts with lines that are not
    /// needed: unused, wanted by others, or of nodes that left.
    pub fn look_after(&mut self) {
        let waits = |line: &Line, time| line.waits_since().is_some_and(|since| Instant::now() - since >= time);
        let is_overdue = |line: &Line| waits(line, HAND_OVER);
        // nothing is held back for long because more was expected, and no command given away that has its answer
        let is_due = |line: &Line| is_overdue(line) || (line.worthwhile() > 1 && waits(line, GLANCE));
        let lines = self.stops.iter().flat_map(|s| &s.lines);
        let due: Vec<LineId> = lines.filter(|line| is_due(line)).map(|line| line.id).collect();
        for line in due {
            self.on_readable(line);
            if let Some((at, i)) = self.find(line)
                && self.stops.get(at).and_then(|s| s.lines.get(i)).is_some_and(is_overdue)
            {
                self.hand_over(at, i);
            }
        }
        self.tidy();
        self.take_in();
    }

    /// Hands over what is under way on a line, to go on through the runtime. The line is gone.
    fn hand_over(&mut self, at: usize, i: usize) {
        let Some(stop) = self.stops.get_mut(at) else { return };
        stop.slow();
        let Line { id, direct, load, .. } = stop.lines.swap_remove(i);
        match load {
            Load::Commands(commands) => {
                let (pipeline, rides) = commands.part();
                self.news.extend(rides.map(Ride::go_on));
                self.part(id, Then::GoOn(direct, pipeline));
            }
            Load::Rows(outgoing, tag) => {
                self.part(id, Then::Nothing);
                self.hand_over_trip(tag, (direct, *outgoing));
            }
        }
    }

    fn tidy(&mut self) {
        let now = Instant::now();
        for at in 0..self.stops.len() {
            let Some(stop) = self.stops.get_mut(at) else { continue };
            let is_active = stop.node.is_active();
            stop.yields = !stop.lines.is_empty() && stop.node.pool.is_pressed();
            let is_needed = is_active && !stop.yields;
            // they go back together: two that were opened together are worth keeping so
            let rest = stop.lines.iter().all(|line| now.saturating_duration_since(line.last_used) >= REST);
            for i in (0..stop.lines.len()).rev() {
                let line = self.stops.get(at).and_then(|s| s.lines.get(i));
                if line.is_some_and(Line::is_at_rest) && (!is_needed || rest) {
                    self.depart(at, i, is_active);
                }
            }
        }
        self.stops.retain(|s| !s.lines.is_empty() || s.node.is_active());
    }

    /// What became of commands since the last call.
    pub fn events(&mut self) -> Vec<(Tag, Event)> {
        std::mem::take(&mut self.events)
    }

    /// Lines that have come since the last call, to be watched.
    pub fn arrivals(&mut self) -> Vec<LineId> {
        let mut ids = Vec::new();
        let arrived = self.arrived.lock().as_mut().filter(|a| !a.is_empty()).map(std::mem::take);
        for (node, direct) in arrived.into_iter().flatten() {
            let Some(stop) = self.stops.iter_mut().find(|s| Arc::ptr_eq(&s.node, &node)) else { continue };
            stop.is_asked = false;
            let Some(direct) = direct else {
                stop.slow();
                continue;
            };
            stop.lone = 0;
            stop.answers = 0;
            self.next_line += 1;
            let id = LineId(self.next_line);
            stop.lines.push(Line::new(id, direct));
            ids.push(id);
        }
        ids
    }

    /// Lines to watch no longer, since the last call.
    pub fn departures(&mut self) -> Vec<Departure> {
        std::mem::take(&mut self.departures)
    }

    /// Whether something waits for an answer.
    pub fn is_under_way(&self) -> bool {
        self.stops.iter().flat_map(|s| &s.lines).any(|line| !line.is_at_rest())
    }

    /// Whether there are lines, or some were asked for.
    pub fn is_busy(&self) -> bool {
        self.stops.iter().any(|s| !s.lines.is_empty() || s.is_asked)
    }

    /// Begins nothing more and parts with every line, as soon as there is no command on it.
    pub fn close(&mut self) {
        self.is_closed = true;
        *self.arrived.lock() = None;
        for at in 0..self.stops.len() {
            for i in (0..self.stops.get(at).map_or(0, |s| s.lines.len())).rev() {
                if self.stops.get(at).and_then(|s| s.lines.get(i)).is_some_and(Line::is_at_rest) {
                    self.depart(at, i, false);
                }
            }
        }
        self.stops.iter_mut().for_each(|s| s.is_asked = false);
    }

    /// The socket of a line.
    #[cfg(unix)]
    pub fn socket(&self, line: LineId) -> Option<std::os::fd::BorrowedFd<'_>> {
        Some(std::os::fd::AsFd::as_fd(self.line(line)?.direct.socket()))
    }

    /// Whether something on a line waits for an answer.
    pub fn waits(&self, line: LineId) -> bool {
        self.line(line).is_some_and(|line| !line.is_at_rest())
    }

    /// How many bytes are worth waiting for before a line is read. They will certainly come, unless it fails.
    pub fn worthwhile(&self, line: LineId) -> usize {
        self.line(line).map_or(1, Line::worthwhile)
    }

    /// Whether a line is to be flushed again when its socket is writable.
    pub fn wants_to_write(&self, line: LineId) -> bool {
        self.line(line).is_some_and(Line::wants_to_write)
    }

    fn line(&self, line: LineId) -> Option<&Line> {
        self.stops.iter().flat_map(|s| &s.lines).find(|l| l.id == line)
    }

    fn find(&self, line: LineId) -> Option<(usize, usize)> {
        (0..).zip(&self.stops).find_map(|(at, stop)| Some((at, stop.lines.iter().position(|l| l.id == line)?)))
    }

    fn stop(&mut self, node: &Arc<Node>) -> usize {
        self.stops.iter().position(|s| Arc::ptr_eq(&s.node, node)).unwrap_or_else(|| {
            self.stops.push(Stop::new(node.clone()));
            self.stops.len() - 1
        })
    }

    fn depart(&mut self, at: usize, i: usize, goes_back: bool) {
        if let Some(stop) = self.stops.get_mut(at).filter(|s| i < s.lines.len()) {
            let Line { id, direct, .. } = stop.lines.swap_remove(i);
            self.part(id, if goes_back { Then::Return(direct) } else { Then::Close(direct) });
        }
    }

    fn part(&mut self, line: LineId, then: Then) {
        self.departures.push(Departure { line, then, cluster: self.cluster.clone() });
    }
}

/// Whether a command has too little time for being handed over in between. In ms, 0 for no limit.
fn is_hasty(total_timeout: u32) -> bool {
    total_timeout != 0 && u128::from(total_timeout) < 4 * HAND_OVER.as_millis()
}
