//! The inline connections to one node, and when it is worth leasing one.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::ConnectionId;
use super::connection::InlineConnection;
use crate::cluster::Cluster;
use crate::connection::direct::Direct;
use crate::connection::window::Window;
use crate::deadline::Deadline;
use crate::node::Node;

/// Connections to a node: while one is read, the node works on the commands of the other.
const CONNECTIONS: usize = 2;
/// Commands that one connection takes before the next one is used.
const GROUP: usize = 16;
/// With this many commands in flight on a connection, a second one is worth leasing.
pub(super) const LOAD_WORTH_ANOTHER: usize = 4;
/// Commands for a node that found no inline connection before one is leased. The number doubles, up to the maximum, each
/// time that commands had to be handed over: where answers take that long, inline I/O gains nothing.
const UNSERVED_BEFORE_LEASE: u32 = 8;
const MAX_UNSERVED_BEFORE_LEASE: u32 = 1 << 16;
/// Answers in a row that show that a node is quick after all.
const QUICK_ANSWERS: u32 = 64;
/// Bytes of answers that may be expected at once. More would keep the caller's thread busy: the runtime reads them.
const MAX_BYTES: usize = 512 * 1024;
/// How long a lease may take to come.
const LEASE_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections that were leased by tasks of the runtime and not taken in yet; `None` in the place of one that could not be
/// leased. The outer `None` means that inline I/O is closed, and that leases are returned at once.
pub(super) type Leased = Arc<Mutex<Option<Vec<(Arc<Node>, Option<Direct>)>>>>;

/// A node and the inline connections to it.
#[derive(Debug)]
pub(super) struct InlineNode {
    pub(super) node: Arc<Node>,
    pub(super) connections: Vec<InlineConnection>,
    /// The connection that takes commands until the next flush, and how many more it may take. Commands that are begun
    /// together are written together; many are spread, so that one half is read while the node works on the other.
    pub(super) filling: Option<(ConnectionId, usize)>,
    /// A connection is being leased.
    pub(super) is_leasing: bool,
    /// How many commands may be in flight on a connection, by how fast they are answered here. Commands beyond that go
    /// through the runtime, which has more connections to a slow node. The pool has a window of its own, since this
    /// thread also does other work and so reads later.
    pub(super) window: Window,
    /// Others wait for a connection of the pool: nothing new is begun here.
    pub(super) is_contended: bool,
    /// Bytes of an answer, or of a row of a batch: a moving average.
    pub(super) row_size: usize,
    /// Commands that found no connection with room.
    pub(super) unserved: u32,
    /// How many of those it takes until a connection is leased.
    pub(super) unserved_before_lease: u32,
    /// Reads with answers since the node was last slow.
    pub(super) answers: u32,
}

impl InlineNode {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self {
            node,
            connections: Vec::new(),
            filling: None,
            is_leasing: false,
            window: Window::default(),
            is_contended: false,
            row_size: 0,
            unserved: 0,
            unserved_before_lease: UNSERVED_BEFORE_LEASE,
            answers: 0,
        }
    }

    /// The connection for the next command, with the number of commands in flight on it: the one that is being filled,
    /// or else the one with the fewest.
    pub(super) fn best_connection(&self) -> Option<(usize, usize)> {
        let window = self.window.size();
        let load =
            |(i, connection): (usize, &InlineConnection)| connection.commands().filter(|n| *n < window).map(|n| (n, i));
        let filling = self.filling.filter(|(_, room)| *room > 0);
        let filling =
            filling.and_then(|(id, _)| self.connections.iter().enumerate().find(|(_, connection)| connection.id == id));
        filling.and_then(load).or_else(|| self.connections.iter().enumerate().filter_map(load).min())
    }

    /// Chooses a connection for the next command.
    pub(super) fn fill(&mut self, i: usize) -> Option<&mut InlineConnection> {
        let connection = self.connections.get_mut(i)?;
        let room = self.filling.filter(|(id, room)| *id == connection.id && *room > 0).map_or(GROUP, |(_, room)| room);
        self.filling = Some((connection.id, room - 1));
        Some(connection)
    }

    /// Notes that answers came, how large they are, and since when commands waited for them.
    pub(super) fn answered(&mut self, now: Instant, row_size: usize, waited_since: Option<Instant>, answers: usize) {
        self.node.health.record_answer(now);
        self.row_size = (self.row_size * 3 + row_size) / 4;
        if let Some(since) = waited_since {
            self.window.observe(now.saturating_duration_since(since), answers as u32);
        }
        self.answers += 1;
        if self.answers == QUICK_ANSWERS {
            self.unserved_before_lease = UNSERVED_BEFORE_LEASE;
        }
    }

    /// Counts a command that could use another connection, and says whether it is time to lease one.
    pub(super) fn wants_connection(&mut self) -> bool {
        self.unserved = self.unserved.saturating_add(1);
        let wants = !self.is_leasing
            && !self.is_contended
            && self.connections.len() < CONNECTIONS
            && self.unserved >= self.unserved_before_lease
            && self.node.pool.spares(self.connections.len() + 1);
        self.is_leasing |= wants;
        wants
    }

    /// Leases one more connection. The first time it leases two that were opened together, so that two threads of the
    /// server read them.
    pub(super) fn lease(&self, cluster: &Cluster, leased: &Leased) {
        let (node, leased) = (self.node.clone(), leased.clone());
        let pool = &node.pool;
        let takes_pair = self.connections.is_empty() && pool.spares(CONNECTIONS) && !pool.is_encrypted();
        cluster.runtime.spawn(async move {
            let pair = if takes_pair { node.pool.lease_pair().await } else { None };
            let directs = match pair {
                Some(pair) => pair.map(Direct::detach).into(),
                None => {
                    let deadline = Deadline::within(Instant::now(), LEASE_TIMEOUT);
                    vec![node.pool.lease(deadline).await.ok().and_then(Direct::detach)]
                }
            };
            if let Some(leased) = &mut *leased.lock() {
                leased.extend(directs.into_iter().map(|direct| (node.clone(), direct)));
            }
        });
    }

    /// Whether this many answers are likely to be too many bytes. The average behind it shrinks with each refusal.
    pub(super) fn expects_much(&mut self, answers: usize) -> bool {
        let expects_much = self.row_size.saturating_mul(answers) > MAX_BYTES;
        if expects_much {
            self.row_size -= self.row_size.div_ceil(64);
        }
        expects_much
    }

    /// The node is slow: it takes more commands until a connection is leased again.
    pub(super) fn set_slow(&mut self) {
        self.unserved = 0;
        self.answers = 0;
        self.unserved_before_lease = (self.unserved_before_lease * 2).min(MAX_UNSERVED_BEFORE_LEASE);
    }
}
