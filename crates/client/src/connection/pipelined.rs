//! A pipelined connection: many brief commands in flight at once. One task owns the socket: it pulls commands from the
//! node's backlog, writes all of them with one system call, and settles answers in the order they come, which is the
//! order of the requests (protocol section 1.1).
//!
//! A server works through a connection one command at a time, so a slow one delays those behind it. When the oldest
//! request makes no progress for [`STALL`], the connection is stalled: it takes nothing new, and the reads behind that
//! request are sent again elsewhere; their late answers are dropped.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep};

use super::health::Health;
use super::pipeline::Pipeline;
use super::pool_state::{PipelinedId, Pulled};
use super::request::Request;
use super::window::Window;
use crate::error::{Code, Failure};
use crate::socket::Connection;

/// How long the oldest request may go unanswered before others stop waiting behind it.
const STALL: Duration = Duration::from_millis(15);

/// Where a pipelined connection gets its work from.
pub(crate) trait Supply: Send + Sync + 'static {
    /// Moves work from the backlog to `into`, or parks the connection.
    fn pull(&self, id: PipelinedId, in_flight: usize, waker: &Waker, into: &mut Vec<Request>) -> Pulled;
    /// The connection made no progress: the others take over, and what could be taken back waits for them.
    /// `others_answered` says whether the node answered on another connection meanwhile.
    fn stalled(self: Arc<Self>, id: PipelinedId, taken_back: Vec<Request>, others_answered: bool);
    /// The stalled connection moves again.
    fn resumed(self: Arc<Self>, id: PipelinedId);
    /// The connection's task is over. What it had not sent waits for another one.
    fn ended(self: Arc<Self>, id: PipelinedId, unsent: Vec<Request>);
    /// The connection was given up: whoever waits longest gets it.
    fn hand_over(self: Arc<Self>, connection: Connection);
    /// Why there is no more work, if there is none.
    fn closed(&self) -> Option<Failure>;
    /// What connections say about the node.
    fn health(&self) -> &Health;
    /// How many commands may be in flight on a connection.
    fn window(&self) -> &Window;
}

/// Why a pipelined connection ends.
enum Exit {
    HandOver,
    Close,
    Failed(Failure),
}

pub(crate) struct Pipelined<S> {
    pool: Arc<S>,
    id: PipelinedId,
    connection: Connection,
    pipeline: Pipeline,
    pulled: Vec<Request>,
    stalled: bool,
    watch: Pin<Box<Sleep>>,
    watching: bool,
    /// It let all others who are ready go first. Where commands are in flight already, the one that woke it is seldom
    /// alone: those called together come from one task after the other, and would go out with a system call each.
    has_waited: bool,
}

/// Tells the pool that a pipelined connection is gone, even when its task dies.
struct Registration<S: Supply> {
    pool: Arc<S>,
    id: PipelinedId,
    unsent: Vec<Request>,
}

impl<S: Supply> Drop for Registration<S> {
    fn drop(&mut self) {
        self.pool.clone().ended(self.id, std::mem::take(&mut self.unsent));
    }
}

impl<S: Supply> Pipelined<S> {
    /// Serves until there is a reason to stop. Of what is under way already nothing is left behind.
    pub(crate) async fn run(pool: Arc<S>, id: PipelinedId, connection: Connection, pipeline: Pipeline) {
        let mut registration = Registration { pool: pool.clone(), id, unsent: Vec::new() };
        let quiet_since = pipeline.quiet_since();
        let mut this = Self {
            pool,
            id,
            connection,
            pipeline,
            pulled: Vec::new(),
            stalled: false,
            watch: Box::pin(tokio::time::sleep_until(quiet_since.unwrap_or_else(Instant::now) + STALL)),
            watching: quiet_since.is_some(),
            has_waited: false,
        };
        match std::future::poll_fn(|cx| this.poll(cx)).await {
            Exit::HandOver => {
                let Self { pool, connection, .. } = this;
                pool.hand_over(connection);
            }
            Exit::Close => {
                let reason = this.pool.closed();
                this.pipeline.fail(&reason.unwrap_or_else(|| Failure::connection("the connection was closed")));
            }
            Exit::Failed(failure) => {
                // an idle connection that its peer closes is nothing to worry about
                if !this.pipeline.is_empty() {
                    this.pool.health().record_connection_error();
                }
                registration.unsent = this.pipeline.take_unsent();
                this.pipeline.fail(&failure);
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        if !self.pipeline.is_empty() && !std::mem::replace(&mut self.has_waited, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.has_waited = false;
        loop {
            match self.pool.pull(self.id, self.pipeline.len(), cx.waker(), &mut self.pulled) {
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
        for request in self.pulled.drain(..) {
            self.pipeline.push(request, now);
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if self.pipeline.unwritten().is_empty() {
            return Ok(());
        }
        while !self.pipeline.unwritten().is_empty() {
            match Pin::new(&mut self.connection.transport).poll_write(cx, self.pipeline.unwritten()) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(Failure::connection("the connection takes no more bytes")),
                Poll::Ready(Ok(n)) => self.pipeline.wrote(n),
                Poll::Ready(Err(e)) => return Err(Failure::io("write to", &e)),
            }
        }
        match Pin::new(&mut self.connection.transport).poll_flush(cx) {
            Poll::Ready(Err(e)) => Err(Failure::io("write to", &e)),
            _ => Ok(()),
        }
    }

    /// Reads what is there and settles what it answers. Returns whether anything was answered.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let busy_since = self.pipeline.quiet_since();
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
                if let Some(request) = self.pipeline.answered()? {
                    request.settle(Ok(message));
                }
                answers += 1;
            }
        }
        if answers > 0 {
            let now = Instant::now();
            self.pipeline.moved(now);
            self.pool.health().record_answer(now);
            let busy = busy_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
            self.pool.window().observe(busy, answers);
            self.connection.incoming.shrink();
            if self.stalled {
                self.stalled = false;
                self.pool.clone().resumed(self.id);
            }
        }
        Ok(answers > 0)
    }

    /// Looks after the head while anything is in flight: one timer for each connection that fires every [`STALL`], rather than
    /// one per command.
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Option<Exit> {
        if self.pipeline.is_empty() {
            self.watching = false;
            return None;
        }
        if !self.watching {
            self.watching = true;
            self.watch.as_mut().reset(Instant::now() + STALL);
        }
        while self.watch.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if self.pipeline.head_is_late(now) {
                return Some(Exit::Failed(TOO_SLOW));
            }
            let quiet_since = self.pipeline.quiet_since()?;
            if !self.stalled && now.saturating_duration_since(quiet_since) >= STALL {
                self.stalled = true;
                self.pool.window().observe_silence(now.saturating_duration_since(quiet_since));
                let taken_back = self.pipeline.take_back();
                // an answer at the very moment this connection fell silent may be its own
                let others_answered = self.pool.health().answered_since(quiet_since + Duration::from_millis(2));
                self.pool.clone().stalled(self.id, taken_back, others_answered);
            }
            self.watch.as_mut().reset(now + STALL);
        }
        None
    }
}

const TOO_SLOW: Failure = Failure {
    code: Code::CONNECTION,
    detail: std::borrow::Cow::Borrowed("the connection was closed: its oldest command was not answered in time"),
    message: None,
};
