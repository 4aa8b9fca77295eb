//! One attempt of a command at one node, in two halves: the [`Request`] goes through the pool, the [`Response`] waits for
//! its outcome. Whichever half is dropped first, the other learns of it: a dropped response abandons the attempt, a dropped
//! request settles it with a failure.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aerospike_wire::Digest;
use aerospike_wire::command::RecordCommand;
use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::command::Command;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::metrics::Kind;

/// A connection is not given up sooner than this, however little time its oldest command has: those behind it have
/// deadlines of their own, and closing it fails the writes among them.
const MIN_READ_TIMEOUT: Duration = Duration::from_secs(1);

/// A command with what is computed of it once: its digest, and whether it may share a connection.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) command: Command,
    pub(crate) digest: Digest,
    pub(crate) is_brief: bool,
    pub(crate) is_write: bool,
    pub(crate) kind: Kind,
    /// When the whole command must be done.
    pub(crate) deadline: Deadline,
    /// The state of its first attempt, the only one of most commands: it is not worth an allocation of its own.
    first: Mutex<State>,
}

impl Prepared {
    pub(crate) fn new(command: Command, start: Instant) -> Self {
        Self {
            digest: command.key.digest(&command.set),
            is_brief: command.spec.is_brief(),
            is_write: command.spec.is_write(),
            kind: Kind::of(&command.spec),
            deadline: Deadline::after(start, command.policy.total_timeout),
            command,
            first: Mutex::default(),
        }
    }
}

/// What both halves of an attempt hold.
#[derive(Clone, Debug)]
struct Attempt {
    prepared: Arc<Prepared>,
    /// The state of an attempt that is not the first.
    later: Option<Arc<Mutex<State>>>,
}

impl Attempt {
    fn state(&self) -> MutexGuard<'_, State> {
        self.later.as_ref().map_or(&self.prepared.first, |later| later).lock()
    }
}

#[derive(Debug, Default)]
struct State {
    sent_at: Option<Instant>,
    /// Bytes of the request.
    size: usize,
    outcome: Option<Result<Bytes, Failure>>,
    is_settled: bool,
    is_abandoned: bool,
    waker: Option<Waker>,
}

/// Waits for the outcome. Dropping it abandons the attempt.
#[derive(Debug)]
pub(crate) struct Response(Attempt);

/// Is sent to a node and settled. Dropping it unsettled settles it with a failure.
#[derive(Debug)]
pub(crate) struct Request {
    attempt: Attempt,
    /// How often it was taken back from a connection that stalled.
    pub(crate) moves: u8,
}

/// Starts an attempt. Only one of a command may be its first.
pub(crate) fn attempt(prepared: Arc<Prepared>, is_first: bool) -> (Response, Request) {
    let attempt = Attempt { prepared, later: (!is_first).then(Arc::default) };
    (Response(attempt.clone()), Request { attempt, moves: 0 })
}

impl Response {
    /// When bytes of the request may first have reached a socket, if they have.
    pub(crate) fn sent_at(&self) -> Option<Instant> {
        self.0.state().sent_at
    }

    /// The same, and how many bytes the request has.
    pub(crate) fn sent(&self) -> (Option<Instant>, u64) {
        let state = self.0.state();
        (state.sent_at, state.size as u64)
    }
}

impl Future for Response {
    type Output = Result<Bytes, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.state();
        if let Some(outcome) = state.outcome.take() {
            return Poll::Ready(outcome);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        self.0.state().is_abandoned = true;
    }
}

impl Request {
    pub(crate) fn prepared(&self) -> &Prepared {
        &self.attempt.prepared
    }

    /// Whether nobody waits any longer.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.attempt.state().is_abandoned
    }

    /// Appends the request, with the time that is left as the server's timeout.
    pub(crate) fn encode(&self, now: Instant, out: &mut BytesMut) {
        let prepared = self.prepared();
        let command = &prepared.command;
        if let Some(flag) = &command.sent {
            flag.set();
        }
        let before = out.len();
        RecordCommand {
            namespace: &command.namespace,
            set: &command.set,
            digest: prepared.digest,
            send_key: if command.send_key { command.key.user_key() } else { None },
            spec: command.spec.as_wire(),
            timeout: prepared.deadline.server_timeout(now, command.policy.socket_timeout),
        }
        .encode(out);
        let mut state = self.attempt.state();
        state.sent_at = Some(now);
        state.size = out.len() - before;
    }

    /// How long a connection waits for the answer before it is given up: the socket timeout, within the total, but at
    /// least [`MIN_READ_TIMEOUT`]. The command itself ends at its own deadline.
    pub(crate) fn read_timeout(&self, now: Instant) -> Deadline {
        let policy = &self.prepared().command.policy;
        // a command that was never answered holds a connection no longer than it was to take as a whole
        let limits = [policy.socket_timeout, policy.total_timeout];
        let shortest = limits.into_iter().filter(|ms| *ms != 0).min();
        let read_timeout = shortest.map(|ms| Duration::from_millis(ms.into()).max(MIN_READ_TIMEOUT));
        read_timeout.map_or(Deadline::NEVER, |read_timeout| Deadline::within(now, read_timeout))
    }

    /// Takes the request back: none of its bytes reached a socket.
    pub(crate) fn unsend(&self) {
        self.attempt.state().sent_at = None;
    }

    /// Hands the outcome to whoever waits.
    pub(crate) fn settle(self, outcome: Result<Bytes, Failure>) {
        self.put(outcome);
    }

    fn put(&self, outcome: Result<Bytes, Failure>) {
        let waker = {
            let mut state = self.attempt.state();
            if state.is_settled {
                return;
            }
            state.is_settled = true;
            state.outcome = Some(outcome);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // after a settle this does nothing
        if !self.attempt.state().is_settled {
            self.put(Err(Failure::new(Code::CLIENT, "the task that sent the command ended early")));
        }
    }
}
