//! Inline I/O: commands whose requests and answers the caller's own thread writes and reads, without Tokio.
//!
//! Waking a sleeping thread costs 5 to 10 µs, and a command through [`Client::execute`] does it twice: once for the
//! runtime, once for the caller. A thread that has an event loop of its own, and few commands in flight, saves both:
//! it writes the requests itself, watches the sockets, and reads the answers itself. Anything less simple goes
//! through the runtime: [`InlineIo::begin`] returns the command, and a command that is not answered soon, or needs
//! another attempt, becomes a [`Resumed`] future that follows the same rules as any other. The same holds for batches
//! of few reads.
//!
//! The connections are leased from the pools, two for each node at most, and are returned when they are not used.
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | which connection a command takes, and when it is handed over to the runtime |
//! | `node.rs` | a node and the connections to it |
//! | `connection.rs` | a connection and what is in flight on it |
//! | `batch.rs` | a batch and its requests |
//! | `handoff.rs` | connections that are given up, and commands that the runtime takes over |
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
use crate::command::{Command, Reply};
use crate::error::{Error, Failure};
use crate::execute::Run;
use crate::node::Node;
use crate::policy::CommandPolicy;
use batch::InlineBatch;
use connection::{Completed, InlineCommand, InlineConnection, Load};
use handoff::ReleaseAction;
pub use handoff::{Released, Resumed, ResumedBatch};
use node::{InlineNode, LOAD_WORTH_ANOTHER, Leased};

/// How long a command waits for its answer before the runtime takes it over.
const HAND_OVER_AFTER: Duration = Duration::from_millis(10);
/// Silence after which a connection is read although fewer bytes came than its low-water mark.
const LOW_WATER_TIMEOUT: Duration = Duration::from_millis(1);
/// A connection that is idle for this long goes back to its pool.
const MAX_IDLE: Duration = Duration::from_secs(2);
/// Bytes of the read buffer; longer answers take several reads.
const READ_BUFFER: usize = 64 * 1024;

/// Names a connection of inline I/O.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(u64);

/// Names a command, by the caller's choice.
pub type Tag = u32;

/// The inline commands of one client on one thread.
///
/// [`InlineIo::flush`] writes what was begun. The caller watches the sockets: it learns of new connections from
/// [`InlineIo::new_connections`], calls [`InlineIo::on_readable`] and [`InlineIo::maintain`], and takes the outcomes
/// of the commands from [`InlineIo::events`]. It must stop watching a socket before that is closed or used by others:
/// as soon as [`InlineIo::released`] names the connection, and before it looks at the events.
#[derive(Debug)]
pub struct InlineIo {
    cluster: Arc<Cluster>,
    nodes: Vec<InlineNode>,
    batches: Vec<InlineBatch>,
    leased: Leased,
    released: Vec<Released>,
    events: Vec<(Tag, Event)>,
    completed: Vec<Completed>,
    read_buffer: Box<[u8]>,
    next_id: u64,
    /// When the first of the commands began that the next flush writes: one reading of the clock does for all.
    filling_since: Option<Instant>,
    is_closed: bool,
}

/// What became of a command.
#[derive(Debug)]
pub enum Event {
    /// What [`Client::execute`](crate::Client::execute) would have returned.
    Answer(Result<Reply, Error>),
    /// The runtime has to take the command over.
    Resume(Box<Resumed>),
    /// What [`Client::batch`](crate::Client::batch) would have returned.
    Rows(Box<BatchReply>),
    /// The runtime has to take the batch over: some of its rows need more than an answer.
    ResumeBatch(Box<ResumedBatch>),
}

impl InlineIo {
    /// Most rows of a batch that is sent inline beside other commands.
    pub const MAX_ROWS: usize = 128;
    /// Most rows of a batch while nothing else of the client is in flight: its caller has nothing to do but wait.
    pub const MAX_ROWS_ALONE: usize = 1024;

    pub(crate) fn new(cluster: Arc<Cluster>) -> Self {
        Self {
            cluster,
            nodes: Vec::new(),
            batches: Vec::new(),
            leased: Arc::new(Mutex::new(Some(Vec::new()))),
            released: Vec::new(),
            events: Vec::new(),
            completed: Vec::new(),
            read_buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            next_id: 0,
            filling_since: None,
            is_closed: false,
        }
    }

    /// Most rows of a batch that would be accepted now. With two large batches in flight the runtime is faster: it
    /// prepares one while the caller's thread works on the other.
    pub fn max_rows(&self) -> usize {
        let is_alone =
            !self.has_in_flight() && self.cluster.routing.load().nodes.iter().all(|n| n.batch_requests() == 0);
        if is_alone { Self::MAX_ROWS_ALONE } else { Self::MAX_ROWS }
    }

    /// Accepts a command, to be written by the next flush. A command that cannot be sent inline is returned; nothing
    /// of it was sent.
    #[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
    pub fn begin(&mut self, command: Command, tag: Tag) -> Result<(), Command> {
        if self.is_closed || !command.spec.is_brief() || !is_plain(&command.policy) {
            return Err(command);
        }
        let Ok(in_flight) = self.cluster.enter() else { return Err(command) };
        let now = *self.filling_since.get_or_insert_with(Instant::now);
        let mut work = Box::new(Resumed { in_flight, run: Run::new(command, now) });
        let Some((owner, connection)) = self.connection_for(&mut work.run) else { return Err(work.run.into_command()) };
        let request = work.run.attempt_at(owner);
        connection.add(InlineCommand { tag, work }, request, now).map_err(|command| command.work.run.into_command())
    }

    /// A connection to the node that is to be asked, if there is room on one.
    fn connection_for(&mut self, run: &mut Run) -> Option<(Arc<Node>, &mut InlineConnection)> {
        let owner = run.route(&self.cluster).ok()?;
        if owner.health.is_tripped() {
            return None;
        }
        let at = self.node(&owner);
        let node = self.nodes.get_mut(at)?;
        if node.expects_much(1) {
            return None;
        }
        let best = node.best_connection();
        if best.is_none_or(|(load, _)| load >= LOAD_WORTH_ANOTHER) && node.wants_connection() {
            node.lease(&self.cluster, &self.leased);
        }
        let (load, i) = best.filter(|_| !node.is_contended)?;
        if load == 0 && owner.pool.is_pressed() {
            self.release(at, i, true);
            return None;
        }
        Some((owner, self.nodes.get_mut(at)?.fill(i)?))
    }

    /// Writes what was begun, as far as the sockets take it.
    pub fn flush(&mut self) {
        self.filling_since = None;
        for at in 0..self.nodes.len() {
            if let Some(node) = self.nodes.get_mut(at) {
                node.filling = None;
            }
            let mut i = 0;
            while let Some(connection) = self.nodes.get_mut(at).and_then(|n| n.connections.get_mut(i)) {
                match if connection.wants_to_write() { connection.write() } else { Ok(()) } {
                    Ok(()) => {
                        connection.update_low_water_mark();
                        i += 1;
                    }
                    Err(failure) => self.fail_connection(at, i, &failure),
                }
            }
        }
        self.collect();
    }

    /// Reads a socket that became readable. If nothing is in flight on it, the server closed it or sent something
    /// that was not asked for: the connection is released.
    pub fn on_readable(&mut self, connection: ConnectionId) {
        let Some((at, i)) = self.find(connection) else { return };
        let Some(node) = self.nodes.get_mut(at) else { return };
        let Some(connection) = node.connections.get_mut(i) else { return };
        let was_idle = connection.is_idle();
        let commands_wait_since = connection.commands().and_then(|_| connection.waits_since());
        let before = self.completed.len();
        match connection.read(&mut self.read_buffer, &mut self.completed) {
            Err(_) if was_idle => self.release(at, i, false),
            Err(failure) => {
                node.node.health.record_connection_error();
                self.fail_connection(at, i, &failure);
            }
            Ok(has_answers) => {
                connection.update_low_water_mark();
                let is_over = connection.is_idle() && (!connection.direct.set_idle() || self.is_closed);
                if has_answers {
                    let (now, row_size) = (connection.last_used, connection.row_size());
                    node.answered(now, row_size, commands_wait_since, self.completed.len() - before);
                }
                if is_over {
                    self.release(at, i, false);
                }
            }
        }
        self.collect();
    }

    /// Turns what was completed into events.
    fn collect(&mut self) {
        for completed in std::mem::take(&mut self.completed) {
            match completed {
                Completed::Answer(tag, event) => self.events.push((tag, event)),
                Completed::Rows(outgoing, tag, outcome) => {
                    if let Some(batch) = self.batches.iter_mut().find(|b| b.tag == tag) {
                        batch.run.conclude(*outgoing, outcome);
                        batch.requests -= 1;
                        if batch.requests == 0 {
                            self.end_batch(tag);
                        }
                    }
                }
            }
        }
    }

    /// Ends a connection that failed, with everything in flight on it.
    fn fail_connection(&mut self, at: usize, i: usize, failure: &Failure) {
        if let Some(connection) = self.nodes.get_mut(at).and_then(|n| n.connections.get_mut(i)) {
            connection.fail(failure, &mut self.completed);
        }
        self.release(at, i, false);
    }

    /// To be called by a timer: hands over what has waited for too long, and releases connections that are unused, wanted
    /// by others, or to nodes that left.
    pub fn maintain(&mut self) {
        let waits = |connection: &InlineConnection, time| {
            connection.waits_since().is_some_and(|since| Instant::now() - since >= time)
        };
        let is_overdue = |connection: &InlineConnection| waits(connection, HAND_OVER_AFTER);
        // answers below the low-water mark are not held back for long, and a command whose answer is there is not
        // handed over
        let is_due = |connection: &InlineConnection| {
            is_overdue(connection) || (connection.low_water_mark() > 1 && waits(connection, LOW_WATER_TIMEOUT))
        };
        let connections = self.nodes.iter().flat_map(|n| &n.connections);
        let due: Vec<ConnectionId> =
            connections.filter(|connection| is_due(connection)).map(|connection| connection.id).collect();
        for connection in due {
            self.on_readable(connection);
            if let Some((at, i)) = self.find(connection)
                && self.at(at, i).is_some_and(is_overdue)
            {
                self.hand_over(at, i);
            }
        }
        self.release_unused();
        self.collect();
    }

    /// Hands over what is in flight on a connection to the runtime, and the connection with it.
    fn hand_over(&mut self, at: usize, i: usize) {
        let Some(node) = self.nodes.get_mut(at) else { return };
        node.set_slow();
        let InlineConnection { id, direct, load, .. } = node.connections.swap_remove(i);
        match load {
            Load::Commands(commands) => {
                let (pipeline, commands) = commands.part();
                self.completed.extend(commands.map(InlineCommand::go_on));
                self.push_released(id, ReleaseAction::HandOver(direct, pipeline));
            }
            Load::Rows(outgoing, tag) => {
                self.push_released(id, ReleaseAction::Taken);
                self.hand_over_batch(tag, (direct, *outgoing));
            }
        }
    }

    fn release_unused(&mut self) {
        let now = Instant::now();
        for at in 0..self.nodes.len() {
            let Some(node) = self.nodes.get_mut(at) else { continue };
            let is_active = node.node.is_active();
            node.is_contended = !node.connections.is_empty() && node.node.pool.is_pressed();
            let is_needed = is_active && !node.is_contended;
            // they go back together: a pair that was opened together is worth keeping
            let are_unused = node
                .connections
                .iter()
                .all(|connection| now.saturating_duration_since(connection.last_used) >= MAX_IDLE);
            for i in (0..node.connections.len()).rev() {
                let connection = self.at(at, i);
                if connection.is_some_and(InlineConnection::is_idle) && (!is_needed || are_unused) {
                    self.release(at, i, is_active);
                }
            }
        }
        self.nodes.retain(|n| !n.connections.is_empty() || n.node.is_active());
    }

    /// What became of commands since the last call.
    pub fn events(&mut self) -> Vec<(Tag, Event)> {
        std::mem::take(&mut self.events)
    }

    /// Connections that were leased since the last call, to be watched.
    pub fn new_connections(&mut self) -> Vec<ConnectionId> {
        let mut ids = Vec::new();
        let leased = self.leased.lock().as_mut().filter(|a| !a.is_empty()).map(std::mem::take);
        for (node, direct) in leased.into_iter().flatten() {
            let Some(node) = self.nodes.iter_mut().find(|n| Arc::ptr_eq(&n.node, &node)) else { continue };
            node.is_leasing = false;
            let Some(direct) = direct else {
                node.set_slow();
                continue;
            };
            node.unserved = 0;
            node.answers = 0;
            self.next_id += 1;
            let id = ConnectionId(self.next_id);
            node.connections.push(InlineConnection::new(id, direct));
            ids.push(id);
        }
        ids
    }

    /// Connections that were released since the last call, to be watched no longer.
    pub fn released(&mut self) -> Vec<Released> {
        std::mem::take(&mut self.released)
    }

    /// Whether anything is in flight.
    pub fn has_in_flight(&self) -> bool {
        self.nodes.iter().flat_map(|n| &n.connections).any(|connection| !connection.is_idle())
    }

    /// Whether there are connections, or some are being leased.
    pub fn is_busy(&self) -> bool {
        self.nodes.iter().any(|n| !n.connections.is_empty() || n.is_leasing)
    }

    /// Accepts nothing more, and releases every connection as soon as it is idle.
    pub fn close(&mut self) {
        self.is_closed = true;
        *self.leased.lock() = None;
        for at in 0..self.nodes.len() {
            for i in (0..self.nodes.get(at).map_or(0, |n| n.connections.len())).rev() {
                if self.at(at, i).is_some_and(InlineConnection::is_idle) {
                    self.release(at, i, false);
                }
            }
        }
        self.nodes.iter_mut().for_each(|n| n.is_leasing = false);
    }

    /// The socket of a connection.
    #[cfg(unix)]
    pub fn socket(&self, connection: ConnectionId) -> Option<std::os::fd::BorrowedFd<'_>> {
        Some(std::os::fd::AsFd::as_fd(self.connection(connection)?.direct.socket()))
    }

    /// Whether anything is in flight on a connection.
    pub fn waits(&self, connection: ConnectionId) -> bool {
        self.connection(connection).is_some_and(|connection| !connection.is_idle())
    }

    /// How many bytes to wait for before a connection is read: several answers cost one system call then. Never more
    /// than will certainly come, unless the connection fails.
    pub fn low_water_mark(&self, connection: ConnectionId) -> usize {
        self.connection(connection).map_or(1, InlineConnection::low_water_mark)
    }

    /// Whether a connection is to be flushed again when its socket is writable.
    pub fn wants_to_write(&self, connection: ConnectionId) -> bool {
        self.connection(connection).is_some_and(InlineConnection::wants_to_write)
    }

    fn at(&self, at: usize, i: usize) -> Option<&InlineConnection> {
        self.nodes.get(at)?.connections.get(i)
    }

    fn connection(&self, connection: ConnectionId) -> Option<&InlineConnection> {
        self.nodes.iter().flat_map(|n| &n.connections).find(|c| c.id == connection)
    }

    fn find(&self, connection: ConnectionId) -> Option<(usize, usize)> {
        (0..)
            .zip(&self.nodes)
            .find_map(|(at, node)| Some((at, node.connections.iter().position(|c| c.id == connection)?)))
    }

    fn node(&mut self, node: &Arc<Node>) -> usize {
        self.nodes.iter().position(|n| Arc::ptr_eq(&n.node, node)).unwrap_or_else(|| {
            self.nodes.push(InlineNode::new(node.clone()));
            self.nodes.len() - 1
        })
    }

    fn release(&mut self, at: usize, i: usize, goes_back: bool) {
        if let Some(node) = self.nodes.get_mut(at).filter(|n| i < n.connections.len()) {
            let InlineConnection { id, direct, .. } = node.connections.swap_remove(i);
            let action = if goes_back { ReleaseAction::Return(direct) } else { ReleaseAction::Close(direct) };
            self.push_released(id, action);
        }
    }

    fn push_released(&mut self, connection: ConnectionId, action: ReleaseAction) {
        self.released.push(Released { connection, action, cluster: self.cluster.clone() });
    }
}

/// Whether a policy asks for nothing that has to be done before a hand-over, and leaves time for one.
fn is_plain(policy: &CommandPolicy) -> bool {
    let has_time = policy.total_timeout == 0 || u128::from(policy.total_timeout) >= 4 * HAND_OVER_AFTER.as_millis();
    has_time && policy.hedge.is_none()
}
