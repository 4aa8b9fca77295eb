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
//! | `line.rs` | a connection and what is under way on it |
//!
//! [`Client::execute`]: crate::Client::execute

mod line;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::batch::{self, Batch, BatchReply, Outgoing};
use crate::cluster::node::Node;
use crate::cluster::{Cluster, InFlight};
use crate::command::{Command, Reply};
use crate::connection::direct::Direct;
use crate::connection::pace::Pace;
use crate::connection::pipeline::Pipeline;
use crate::deadline::Deadline;
use crate::error::{Error, Failure};
use crate::execute::Run;
use line::{Line, Load, News, Ride};

/// How long a command waits for its answer before it goes on through the runtime.
const HAND_OVER: Duration = Duration::from_millis(10);
/// Connections to a node: while one is read, the node works through what is on the other.
const LINES: usize = 2;
/// Commands that one line takes before it is another's turn.
const GROUP: usize = 16;
/// With that many commands on it, a connection is worth another.
const COMPANY: usize = 4;
/// Lone commands for a node before a connection is taken for them; twice as many after each time that commands were
/// handed over, up to the second number: where answers take that long there is nothing to gain.
const LONE_COMMANDS: u32 = 8;
const MOST_LONE_COMMANDS: u32 = 1 << 16;
/// Answers in a row that show that a node is quick after all.
const QUICK_ANSWERS: u32 = 64;
/// Bytes that are not much to read on the caller's thread. Where more is to be expected, commands go the usual way.
const MOST_BYTES: usize = 512 * 1024;
/// Silence after which a line is looked at although nothing worthwhile came.
const GLANCE: Duration = Duration::from_millis(1);
/// A connection that rests for this long goes back to its pool.
const REST: Duration = Duration::from_secs(2);
/// How long a lease may take to come.
const LEASE_TIMEOUT: Duration = Duration::from_secs(1);
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
    /// Connections that were asked for and have come; `None` once nobody wants them.
    arrived: Arc<Mutex<Option<Vec<Arrival>>>>,
    departures: Vec<Departure>,
    events: Vec<(Tag, Event)>,
    news: Vec<News>,
    room: Box<[u8]>,
    next_line: u64,
    is_closed: bool,
}

type Arrival = (Arc<Node>, Option<Direct>);

/// One node.
#[derive(Debug)]
struct Stop {
    node: Arc<Node>,
    lines: Vec<Line>,
    /// The line that takes commands until the next flush, and how many it may still take: what is begun together goes
    /// out together, but where it is much, one half can be read while the node works on the other.
    boarding: Option<(LineId, usize)>,
    is_asked: bool,
    /// How fast it answers here, which says how many commands a line may have. More go the usual way, where a slow
    /// node has more connections. The pool's own pace is not that of a thread that has other things to do as well.
    pace: Pace,
    /// Others wait for a connection: nothing new is begun.
    yields: bool,
    /// Bytes of an answer, or of a row, lately.
    row_size: usize,
    /// Commands that found no line.
    lone: u32,
    /// How many of those it takes.
    needed: u32,
    answers: u32,
}

/// A batch under way.
#[derive(Debug)]
struct Trip {
    tag: Tag,
    in_flight: InFlight,
    run: batch::Run,
    /// Its requests that are on lines.
    requests: usize,
    in_parts: bool,
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

/// A line that is not used any more.
#[derive(Debug)]
pub struct Departure {
    /// Its name.
    pub line: LineId,
    then: Then,
    cluster: Arc<Cluster>,
}

#[derive(Debug)]
enum Then {
    /// The connection is closed.
    Close(Direct),
    /// It goes back to its pool.
    Return(Direct),
    /// It goes back with commands under way.
    GoOn(Direct, Pipeline),
    /// It went elsewhere.
    Nothing,
}

impl Departure {
    /// The socket, to be left as it came. None where a batch took it along, whose lines are read from the first byte on.
    #[cfg(unix)]
    pub fn socket(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        match &self.then {
            Then::Close(direct) | Then::Return(direct) | Then::GoOn(direct, _) => {
                Some(std::os::fd::AsFd::as_fd(direct.socket()))
            }
            Then::Nothing => None,
        }
    }

    /// Closes the connection or gives it back. Nobody watches the socket any more.
    pub fn complete(self) {
        let Self { then, cluster, .. } = self;
        match then {
            Then::Close(direct) => drop(direct),
            // attached again, the lease is dropped, which puts the connection back
            Then::Return(direct) => _ = cluster.runtime.spawn(async move { drop(direct.attach()) }),
            Then::GoOn(direct, pipeline) => {
                cluster.runtime.spawn(async move { direct.attach_with(pipeline) });
            }
            Then::Nothing => {}
        }
    }
}

/// A command that goes on through the runtime.
#[derive(Debug)]
pub struct Resumed {
    in_flight: InFlight,
    run: Run,
}

impl Resumed {
    /// Goes on to the outcome. Runs on the runtime that the client was connected on.
    pub async fn finish(self: Box<Self>) -> Result<Reply, Error> {
        let Self { in_flight, mut run } = *self;
        run.finish(in_flight.cluster()).await
    }
}

/// A batch that goes on through the runtime.
#[derive(Debug)]
pub struct ResumedBatch {
    in_flight: InFlight,
    run: batch::Run,
    /// Requests under way, each with the connection it is on.
    requests: Vec<(Direct, Outgoing)>,
    in_parts: bool,
}

impl ResumedBatch {
    /// Goes on to the outcome, as [`Client::batch_in_parts`](crate::Client::batch_in_parts) does if the batch was begun
    /// so. Runs on the runtime that the client was connected on.
    pub async fn finish(self: Box<Self>, part: &mut (dyn FnMut(BatchReply) + Send)) -> BatchReply {
        let Self { in_flight: _in_flight, mut run, requests, in_parts } = *self;
        for (direct, mut outgoing) in requests {
            match direct.attach() {
                Ok(lease) => {
                    outgoing.request.go_on_with(lease);
                    run.put_ready([outgoing]);
                }
                Err(failure) => run.conclude(outgoing, Err(failure)),
            }
        }
        run.complete(in_parts.then_some(part)).await;
        run.reply()
    }
}

impl Express {
    /// Most rows of a batch that is sent here.
    pub const MOST_ROWS: usize = 128;

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
        let window = stop.pace.window();
        let load = |(i, line): (usize, &Line)| line.commands().filter(|n| *n < window).map(|n| (n, i));
        let boarding = stop.boarding.filter(|(_, room)| *room > 0);
        let boarding = boarding.and_then(|(id, _)| stop.lines.iter().enumerate().find(|(_, line)| line.id == id));
        let best = boarding.and_then(load).or_else(|| stop.lines.iter().enumerate().filter_map(load).min());
        if best.is_none_or(|(load, _)| load >= COMPANY) && stop.wants_line() {
            ask(&self.cluster, &self.arrived, node.clone());
        }
        let (load, i) = best.filter(|_| !stop.yields)?;
        if load == 0 && node.pool.is_pressed() {
            self.depart(at, i, true);
            return None;
        }
        let stop = self.stops.get_mut(at)?;
        let line = stop.lines.get_mut(i)?;
        let room = stop.boarding.filter(|(id, room)| *id == line.id && *room > 0).map_or(GROUP, |(_, room)| room);
        stop.boarding = Some((line.id, room - 1));
        Some((node, line))
    }

    /// Takes in a batch of few reads, as [`Express::begin`] does a command. With `in_parts` it goes on, if it has to, as
    /// [`Client::batch_in_parts`](crate::Client::batch_in_parts).
    #[expect(clippy::result_large_err, reason = "the batch is moved on, not reported")]
    pub fn begin_batch(&mut self, batch: Batch, tag: Tag, in_parts: bool) -> Result<(), Batch> {
        if self.is_closed || !batch.is_brief() || is_hasty(batch.policy.total_timeout) || self.is_crowded() {
            return Err(batch);
        }
        let rows = batch.rows.len();
        if rows > Self::MOST_ROWS || self.stops.iter_mut().any(|stop| stop.is_heavy(rows)) {
            return Err(batch);
        }
        let Ok(in_flight) = self.cluster.enter() else { return Err(batch) };
        let now = Instant::now();
        let mut run = batch::Run::of_few(self.cluster.clone(), batch, now);
        let mut waiting = run.take_ready().into_iter();
        let mut requests = 0;
        for outgoing in waiting.by_ref() {
            match self.line_at_rest(&outgoing.request.node) {
                Some(line) => {
                    line.load = Load::Rows(Box::new(outgoing), tag);
                    line.last_used = now;
                    requests += 1;
                }
                None => {
                    // nothing was written yet: all of it goes the usual way
                    run.put_ready([outgoing]);
                    run.put_ready(waiting);
                    self.take_off(tag, &mut run);
                    let resumed = ResumedBatch { in_flight, run, requests: Vec::new(), in_parts };
                    self.events.push((tag, Event::ResumeBatch(Box::new(resumed))));
                    return Ok(());
                }
            }
        }
        for line in self.stops.iter_mut().flat_map(|s| &mut s.lines) {
            if let Load::Rows(outgoing, of) = &mut line.load
                && *of == tag
            {
                line.direct.work();
                outgoing.request.encode_few();
            }
        }
        self.trips.push(Trip { tag, in_flight, run, requests, in_parts });
        if requests == 0 {
            self.end_trip(tag);
        }
        Ok(())
    }

    /// Whether there are lines, and something on each of them.
    fn is_crowded(&mut self) -> bool {
        let mut lines = self.stops.iter().flat_map(|s| &s.lines).peekable();
        if lines.peek().is_none() || lines.any(Line::is_at_rest) {
            return false;
        }
        for stop in &mut self.stops {
            if stop.wants_line() {
                ask(&self.cluster, &self.arrived, stop.node.clone());
            }
        }
        true
    }

    fn line_at_rest(&mut self, node: &Arc<Node>) -> Option<&mut Line> {
        let at = self.stop(node);
        let stop = self.stops.get_mut(at)?;
        let Some(i) = stop.lines.iter().position(Line::is_at_rest).filter(|_| !stop.yields) else {
            if stop.wants_line() {
                ask(&self.cluster, &self.arrived, node.clone());
            }
            return None;
        };
        if node.pool.is_pressed() {
            self.depart(at, i, true);
            return None;
        }
        self.stops.get_mut(at)?.lines.get_mut(i)
    }

    /// Takes the requests of a batch off their lines, on which nothing of them was written.
    fn take_off(&mut self, tag: Tag, run: &mut batch::Run) {
        for line in self.stops.iter_mut().flat_map(|s| &mut s.lines) {
            if matches!(&line.load, Load::Rows(_, of) if *of == tag)
                && let Load::Rows(outgoing, _) = std::mem::replace(&mut line.load, Load::none())
            {
                run.put_ready([*outgoing]);
            }
        }
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
        let Some(Stop { node, lines, answers, needed, row_size, pace, .. }) = self.stops.get_mut(at) else { return };
        let Some(line) = lines.get_mut(i) else { return };
        let was_at_rest = line.is_at_rest();
        let commands_wait_since = line.commands().and_then(|_| line.waits_since());
        let earlier = self.news.len();
        match line.read(&mut self.room, &mut self.news) {
            // the server closed it, or answers unasked
            Err(_) if was_at_rest => self.depart(at, i, false),
            Err(failure) => {
                node.health.record_connection_error();
                self.break_off(at, i, &failure);
            }
            Ok(has_answers) => {
                if has_answers {
                    *row_size = (*row_size * 3 + line.row_size()) / 4;
                    node.health.record_answer(line.last_used);
                    if let Some(since) = commands_wait_since {
                        let waited = line.last_used.saturating_duration_since(since);
                        pace.observe(waited, (self.news.len() - earlier) as u32);
                    }
                    *answers += 1;
                    if *answers == QUICK_ANSWERS {
                        *needed = LONE_COMMANDS;
                    }
                }
                line.moderate();
                if line.is_at_rest() && (!line.direct.rest() || self.is_closed) {
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

    /// All requests of a batch are over.
    fn end_trip(&mut self, tag: Tag) {
        let Some(at) = self.trips.iter().position(|t| t.tag == tag) else { return };
        let Trip { in_flight, mut run, in_parts, .. } = self.trips.swap_remove(at);
        let event = if run.is_complete() {
            Event::Rows(Box::new(run.reply()))
        } else {
            Event::ResumeBatch(Box::new(ResumedBatch { in_flight, run, requests: Vec::new(), in_parts }))
        };
        self.events.push((tag, event));
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

    /// Hands over a batch, with the requests that are on other lines.
    fn hand_over_trip(&mut self, tag: Tag, overdue: (Direct, Outgoing)) {
        let mut requests = vec![overdue];
        for at in 0..self.stops.len() {
            let is_of = |line: &Line| matches!(&line.load, Load::Rows(_, of) if *of == tag);
            let lines = self.stops.get_mut(at).map(|s| s.lines.extract_if(.., |line| is_of(line)).collect::<Vec<_>>());
            for Line { id, direct, load, .. } in lines.into_iter().flatten() {
                self.part(id, Then::Nothing);
                if let Load::Rows(outgoing, _) = load {
                    requests.push((direct, *outgoing));
                }
            }
        }
        if let Some(at) = self.trips.iter().position(|t| t.tag == tag) {
            let Trip { in_flight, run, in_parts, .. } = self.trips.swap_remove(at);
            let resumed = ResumedBatch { in_flight, run, requests, in_parts };
            self.events.push((tag, Event::ResumeBatch(Box::new(resumed))));
        }
    }

    fn tidy(&mut self) {
        let now = Instant::now();
        for at in 0..self.stops.len() {
            let Some(stop) = self.stops.get_mut(at) else { continue };
            let is_active = stop.node.is_active();
            stop.yields = !stop.lines.is_empty() && stop.node.pool.is_pressed();
            let is_needed = is_active && !stop.yields;
            let rests = |line: &Line| now.saturating_duration_since(line.last_used) >= REST;
            for i in (0..stop.lines.len()).rev() {
                let line = self.stops.get(at).and_then(|s| s.lines.get(i));
                if line.is_some_and(|line| line.is_at_rest() && (!is_needed || rests(line))) {
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

impl Stop {
    fn new(node: Arc<Node>) -> Self {
        Self {
            node,
            lines: Vec::new(),
            boarding: None,
            is_asked: false,
            pace: Pace::default(),
            yields: false,
            row_size: 0,
            lone: 0,
            needed: LONE_COMMANDS,
            answers: 0,
        }
    }

    /// Counts a command that would use another line, and says whether it is time to ask for one.
    fn wants_line(&mut self) -> bool {
        self.lone = self.lone.saturating_add(1);
        let wants = !self.is_asked
            && !self.yields
            && self.lines.len() < LINES
            && self.lone >= self.needed
            && self.node.pool.spares(self.lines.len() + 1);
        self.is_asked |= wants;
        wants
    }

    /// Whether so many answers are likely to be much to read. What makes it say so is forgotten little by little.
    fn is_heavy(&mut self, answers: usize) -> bool {
        let is_heavy = self.row_size.saturating_mul(answers) > MOST_BYTES;
        if is_heavy {
            self.row_size -= self.row_size.div_ceil(64);
        }
        is_heavy
    }

    /// The node takes its time.
    fn slow(&mut self) {
        self.lone = 0;
        self.answers = 0;
        self.needed = (self.needed * 2).min(MOST_LONE_COMMANDS);
    }
}

/// Has a connection to a node leased.
fn ask(cluster: &Cluster, arrived: &Arc<Mutex<Option<Vec<Arrival>>>>, node: Arc<Node>) {
    let arrived = arrived.clone();
    cluster.runtime.spawn(async move {
        let deadline = Deadline::within(Instant::now(), LEASE_TIMEOUT);
        let direct = node.pool.lease(deadline).await.ok().and_then(Direct::detach);
        if let Some(arrived) = &mut *arrived.lock() {
            arrived.push((node, direct));
        }
    });
}

/// Whether a command has too little time for being handed over in between. In ms, 0 for no limit.
fn is_hasty(total_timeout: u32) -> bool {
    total_timeout != 0 && u128::from(total_timeout) < 4 * HAND_OVER.as_millis()
}
