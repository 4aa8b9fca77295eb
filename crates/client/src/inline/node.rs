//! One node, as a thread sees it that sends commands by itself: the lines to it, and whether they are worth having.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::LineId;
use super::connection::Line;
use crate::cluster::Cluster;
use crate::cluster::node::Node;
use crate::connection::direct::Direct;
use crate::connection::window::Pace;
use crate::deadline::Deadline;

/// Connections to a node: while one is read, the node works through what is on the other.
const LINES: usize = 2;
/// Commands that one line takes before it is another's turn.
const GROUP: usize = 16;
/// With that many commands on it, a connection is worth another.
pub(super) const COMPANY: usize = 4;
/// Lone commands for a node before a connection is taken for them; twice as many after each time that commands were
/// handed over, up to the second number: where answers take that long there is nothing to gain.
const LONE_COMMANDS: u32 = 8;
const MOST_LONE_COMMANDS: u32 = 1 << 16;
/// Answers in a row that show that a node is quick after all.
const QUICK_ANSWERS: u32 = 64;
/// Bytes that are not much to read on the caller's thread. Where more is to be expected, commands go the usual way.
const MOST_BYTES: usize = 512 * 1024;
/// How long a lease may take to come.
const LEASE_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections that were asked for and have come, `None` in the place of one that could not be had; nothing once nobody
/// wants them.
pub(super) type Arrivals = Arc<Mutex<Option<Vec<(Arc<Node>, Option<Direct>)>>>>;

/// One node.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) node: Arc<Node>,
    pub(super) lines: Vec<Line>,
    /// The line that takes commands until the next flush, and how many it may still take: what is begun together goes
    /// out together, but where it is much, one half can be read while the node works on the other.
    pub(super) boarding: Option<(LineId, usize)>,
    pub(super) is_asked: bool,
    /// How fast it answers here, which says how many commands a line may have. More go the usual way, where a slow
    /// node has more connections. The pool's own pace is not that of a thread that has other things to do as well.
    pub(super) pace: Pace,
    /// Others wait for a connection: nothing new is begun.
    pub(super) yields: bool,
    /// Bytes of an answer, or of a row, lately.
    pub(super) row_size: usize,
    /// Commands that found no line.
    pub(super) lone: u32,
    /// How many of those it takes.
    pub(super) needed: u32,
    pub(super) answers: u32,
}

impl Stop {
    pub(super) fn new(node: Arc<Node>) -> Self {
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

    /// The line for the next command, with what is on it: the one that boards, or else the one with least.
    pub(super) fn best_line(&self) -> Option<(usize, usize)> {
        let window = self.pace.window();
        let load = |(i, line): (usize, &Line)| line.commands().filter(|n| *n < window).map(|n| (n, i));
        let boarding = self.boarding.filter(|(_, room)| *room > 0);
        let boarding = boarding.and_then(|(id, _)| self.lines.iter().enumerate().find(|(_, line)| line.id == id));
        boarding.and_then(load).or_else(|| self.lines.iter().enumerate().filter_map(load).min())
    }

    /// Has a line take the next command.
    pub(super) fn board(&mut self, i: usize) -> Option<&mut Line> {
        let line = self.lines.get_mut(i)?;
        let room = self.boarding.filter(|(id, room)| *id == line.id && *room > 0).map_or(GROUP, |(_, room)| room);
        self.boarding = Some((line.id, room - 1));
        Some(line)
    }

    /// Takes in that answers came: how large they are, and how long commands waited for them.
    pub(super) fn answered(&mut self, now: Instant, row_size: usize, waited_since: Option<Instant>, answers: usize) {
        self.node.health.record_answer(now);
        self.row_size = (self.row_size * 3 + row_size) / 4;
        if let Some(since) = waited_since {
            self.pace.observe(now.saturating_duration_since(since), answers as u32);
        }
        self.answers += 1;
        if self.answers == QUICK_ANSWERS {
            self.needed = LONE_COMMANDS;
        }
    }

    /// Counts a command that would use another line, and says whether it is time to ask for one.
    pub(super) fn wants_line(&mut self) -> bool {
        self.lone = self.lone.saturating_add(1);
        let wants = !self.is_asked
            && !self.yields
            && self.lines.len() < LINES
            && self.lone >= self.needed
            && self.node.pool.spares(self.lines.len() + 1);
        self.is_asked |= wants;
        wants
    }

    /// Has a connection leased for another line; for the first one two, which are better company than any others.
    pub(super) fn ask(&self, cluster: &Cluster, arrived: &Arrivals) {
        let (node, arrived) = (self.node.clone(), arrived.clone());
        let pool = &node.pool;
        let takes_pair = self.lines.is_empty() && pool.spares(LINES) && !pool.is_encrypted();
        cluster.runtime.spawn(async move {
            let pair = if takes_pair { node.pool.lease_pair().await } else { None };
            let directs = match pair {
                Some(pair) => pair.map(Direct::detach).into(),
                None => {
                    let deadline = Deadline::within(Instant::now(), LEASE_TIMEOUT);
                    vec![node.pool.lease(deadline).await.ok().and_then(Direct::detach)]
                }
            };
            if let Some(arrived) = &mut *arrived.lock() {
                arrived.extend(directs.into_iter().map(|direct| (node.clone(), direct)));
            }
        });
    }

    /// Whether so many answers are likely to be much to read. What makes it say so is forgotten little by little.
    pub(super) fn is_heavy(&mut self, answers: usize) -> bool {
        let is_heavy = self.row_size.saturating_mul(answers) > MOST_BYTES;
        if is_heavy {
            self.row_size -= self.row_size.div_ceil(64);
        }
        is_heavy
    }

    /// The node takes its time.
    pub(super) fn slow(&mut self) {
        self.lone = 0;
        self.answers = 0;
        self.needed = (self.needed * 2).min(MOST_LONE_COMMANDS);
    }
}
