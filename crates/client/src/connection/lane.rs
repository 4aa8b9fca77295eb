//! A connection that carries many brief commands at once. One task owns the socket: it pulls commands from the
//! node's backlog, writes all of them with one system call, and settles answers in the order they come, which is the
//! order of the requests (protocol section 1.1).
//!
//! A server works through a connection one command at a time, so a slow one delays those behind it. When the head
//! makes no progress for [`STALL`], the lane is stalled: it takes nothing new, and the reads behind the head are
//! sent again elsewhere; their late answers are dropped.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep};

use super::Connection;
use super::ledger::Pulled;
use super::pool::Pool;
use super::request::Carrier;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};

/// How long the head of a lane may go unanswered before others stop waiting behind it.
const STALL: Duration = Duration::from_millis(15);
/// A read that stalled this often stays where it is.
const MAX_MOVES: u8 = 4;
/// Room a write buffer keeps from one write to the next.
const KEEP_BUFFER: usize = 64 * 1024;

/// Names a lane within its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LaneId(pub(crate) u64);

/// Why a lane ends.
enum Exit {
    HandOver,
    Close,
    Failed(Failure),
}

/// A request whose answer is due.
struct Sent {
    /// `None` when it was taken back: its answer will be dropped.
    carrier: Option<Carrier>,
    /// Where its first byte is in all that this lane ever wrote.
    start: u64,
    at: Instant,
    patience: Deadline,
}

pub(crate) struct Lane {
    pool: Arc<Pool>,
    id: LaneId,
    connection: Connection,
    /// Encoded and not written yet.
    out: BytesMut,
    /// Bytes written so far.
    written: u64,
    sent: VecDeque<Sent>,
    pulled: Vec<Carrier>,
    last_answer: Instant,
    stalled: bool,
    watch: Pin<Box<Sleep>>,
    watching: bool,
    /// It let all others who are ready go first. Where commands are in flight already, the one that woke it is seldom
    /// alone: those called together come from one task after the other, and would go out with a system call each.
    has_waited: bool,
}

/// Tells the pool that a lane is gone, even when its task dies.
struct Registration {
    pool: Arc<Pool>,
    id: LaneId,
    unsent: Vec<Carrier>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.pool.lane_ended(self.id, std::mem::take(&mut self.unsent));
    }
}

impl Lane {
    /// Serves until there is a reason to stop.
    pub(crate) async fn run(pool: Arc<Pool>, id: LaneId, connection: Connection) {
        let mut registration = Registration { pool: pool.clone(), id, unsent: Vec::new() };
        let now = Instant::now();
        let mut lane = Self {
            pool,
            id,
            connection,
            out: BytesMut::new(),
            written: 0,
            sent: VecDeque::new(),
            pulled: Vec::new(),
            last_answer: now,
            stalled: false,
            watch: Box::pin(tokio::time::sleep_until(now)),
            watching: false,
            has_waited: false,
        };
        match std::future::poll_fn(|cx| lane.poll(cx)).await {
            Exit::HandOver => {
                let Self { pool, connection, .. } = lane;
                pool.hand_over(connection);
            }
            Exit::Close => {
                let reason = lane.pool.closed();
                lane.fail(&reason.unwrap_or_else(|| Failure::connection("the connection was closed")));
            }
            Exit::Failed(failure) => {
                // an idle connection that its peer closes is nothing to worry about
                if !lane.sent.is_empty() {
                    lane.pool.health.record_connection_error();
                }
                registration.unsent = lane.take_unsent();
                lane.fail(&failure);
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        if !self.sent.is_empty() && !std::mem::replace(&mut self.has_waited, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.has_waited = false;
        loop {
            match self.pool.pull(self.id, self.sent.len(), cx.waker(), &mut self.pulled) {
                Pulled::Continue => self.encode(),
                Pulled::HandOver => return Poll::Ready(Exit::HandOver),
                Pulled::Close => return Poll::Ready(Exit::Close),
            }
            let step = self.write(cx).and_then(|()| self.read(cx));
            match step {
                Err(failure) => return Poll::Ready(Exit::Failed(failure)),
                Ok(true) => {}
                Ok(false) => match self.poll_watch(cx) {
                    Some(exit) => return Poll::Ready(exit),
                    None => return Poll::Pending,
                },
            }
        }
    }

    fn encode(&mut self) {
        if self.pulled.is_empty() {
            return;
        }
        let now = Instant::now();
        for carrier in self.pulled.drain(..) {
            let start = self.written + self.out.len() as u64;
            carrier.encode(now, &mut self.out);
            let patience = carrier.patience(now);
            self.sent.push_back(Sent { carrier: Some(carrier), start, at: now, patience });
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if self.out.is_empty() {
            return Ok(());
        }
        while !self.out.is_empty() {
            match Pin::new(&mut self.connection.transport).poll_write(cx, &self.out) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(Failure::connection("the connection takes no more bytes")),
                Poll::Ready(Ok(n)) => {
                    self.out.advance(n);
                    self.written += n as u64;
                }
                Poll::Ready(Err(e)) => return Err(Failure::io("write to", &e)),
            }
        }
        if self.out.capacity() > KEEP_BUFFER {
            self.out = BytesMut::new();
        }
        match Pin::new(&mut self.connection.transport).poll_flush(cx) {
            Poll::Ready(Err(e)) => Err(Failure::io("write to", &e)),
            _ => Ok(()),
        }
    }

    /// Reads what is there and settles what it answers. Returns whether anything was answered.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let busy_since = self.sent.front().map(|head| head.at.max(self.last_answer));
        let mut answers = 0;
        loop {
            match self.connection.incoming.poll_fill(cx, &mut self.connection.transport) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => return Err(Failure::closed_by_peer()),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(e)) => return Err(Failure::io("read from", &e)),
            }
            while let Some(frame) = self.connection.incoming.next().map_err(Failure::garbage)? {
                let message = frame.into_message()?;
                let sent = self.sent.pop_front().ok_or(UNASKED)?;
                if let Some(carrier) = sent.carrier {
                    carrier.settle(Ok(message));
                }
                answers += 1;
            }
        }
        if answers > 0 {
            self.last_answer = Instant::now();
            self.pool.health.record_answer(self.last_answer);
            let busy = busy_since.map_or(Duration::ZERO, |since| self.last_answer.saturating_duration_since(since));
            self.pool.pace.observe(busy, answers);
            self.connection.incoming.shrink();
            if self.stalled {
                self.stalled = false;
                self.pool.lane_resumed(self.id);
            }
        }
        Ok(answers > 0)
    }

    /// Looks after the head while anything is in flight: one timer per lane that fires every [`STALL`], rather than
    /// one per command.
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Option<Exit> {
        if self.sent.is_empty() {
            self.watching = false;
            return None;
        }
        if !self.watching {
            self.watching = true;
            self.watch.as_mut().reset(Instant::now() + STALL);
        }
        while self.watch.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            let head = self.sent.front_mut()?;
            if head.patience.has_passed(now) {
                if let Some(carrier) = head.carrier.take() {
                    carrier.settle(Err(Failure::timeout("the server did not answer in time")));
                }
                return Some(Exit::Failed(TOO_SLOW));
            }
            let quiet_since = head.at.max(self.last_answer);
            if !self.stalled && now.saturating_duration_since(quiet_since) >= STALL {
                self.stalled = true;
                self.pool.pace.observe(now.saturating_duration_since(quiet_since), 1);
                let taken_back = self.take_back();
                // an answer at the very moment the lane fell quiet may be the lane's own
                let others_answered = self.pool.health.answered_since(quiet_since + Duration::from_millis(2));
                self.pool.lane_stalled(self.id, taken_back, others_answered);
            }
            self.watch.as_mut().reset(now + STALL);
        }
        None
    }

    /// Takes back what need not wait behind the head: everything that has no byte on the socket yet, and reads.
    fn take_back(&mut self) -> Vec<Carrier> {
        let unsent = self.take_unsent();
        let mut taken = Vec::new();
        for sent in self.sent.iter_mut().skip(1) {
            let may_move = |c: &Carrier| c.is_abandoned() || (!c.prepared().is_write && c.moves < MAX_MOVES);
            if sent.carrier.as_ref().is_some_and(may_move) {
                taken.extend(sent.carrier.take().filter(|c| !c.is_abandoned()));
            }
        }
        taken.iter_mut().for_each(|c| c.moves += 1);
        taken.extend(unsent);
        taken
    }

    /// Removes the requests at the end of the queue of which not a byte is written.
    fn take_unsent(&mut self) -> Vec<Carrier> {
        let first = self.sent.partition_point(|s| s.start < self.written);
        if let Some(sent) = self.sent.get(first) {
            self.out.truncate((sent.start - self.written) as usize);
        }
        let unsent = self.sent.split_off(first).into_iter().filter_map(|s| s.carrier);
        unsent.inspect(Carrier::unsend).collect()
    }

    fn fail(&mut self, failure: &Failure) {
        for sent in self.sent.drain(..) {
            if let Some(carrier) = sent.carrier {
                carrier.settle(Err(failure.clone()));
            }
        }
    }
}

const UNASKED: Failure = Failure {
    code: Code::CONNECTION,
    detail: std::borrow::Cow::Borrowed("the server answered unasked"),
    message: None,
};
const TOO_SLOW: Failure = Failure {
    code: Code::CONNECTION,
    detail: std::borrow::Cow::Borrowed("the connection was closed: its oldest command was not answered in time"),
    message: None,
};
