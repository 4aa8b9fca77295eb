//! Requests written one after another on one connection, whose answers come in the same order (protocol section 1.1).

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};
use tokio::time::Instant;

use super::request::Request;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};

/// Room a write buffer keeps from one write to the next.
const KEEP_BUFFER: usize = 64 * 1024;
/// A read that was taken back this often stays where it is.
const MAX_MOVES: u8 = 4;

/// A request whose answer is due.
#[derive(Debug)]
struct Sent {
    /// `None` when it was taken back: its answer will be dropped.
    request: Option<Request>,
    /// Where its first byte is in all that was ever written.
    start: u64,
    at: Instant,
    read_timeout: Deadline,
}

/// What is under way on a connection.
#[derive(Debug)]
pub(crate) struct Pipeline {
    /// Encoded and not written yet.
    out: BytesMut,
    /// Bytes written so far.
    written: u64,
    sent: VecDeque<Sent>,
    last_answer: Instant,
}

impl Pipeline {
    pub(crate) fn new(now: Instant) -> Self {
        Self { out: BytesMut::new(), written: 0, sent: VecDeque::new(), last_answer: now }
    }

    /// Requests whose answers are due.
    pub(crate) fn len(&self) -> usize {
        self.sent.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Encodes a request, to be written next.
    pub(crate) fn push(&mut self, request: Request, now: Instant) {
        let start = self.written + self.out.len() as u64;
        request.encode(now, &mut self.out);
        let read_timeout = request.read_timeout(now);
        self.sent.push_back(Sent { request: Some(request), start, at: now, read_timeout });
    }

    /// The bytes to write.
    pub(crate) fn unwritten(&self) -> &[u8] {
        &self.out
    }

    /// That many of them were written.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.out.advance(bytes);
        self.written += bytes as u64;
        if self.out.is_empty() && self.out.capacity() > KEEP_BUFFER {
            self.out = BytesMut::new();
        }
    }

    /// Takes out the request that an answer is for; inside, nothing when it was taken back.
    pub(crate) fn answered(&mut self) -> Result<Option<Request>, Failure> {
        self.sent.pop_front().map(|sent| sent.request).ok_or(UNASKED)
    }

    /// Answers came in.
    pub(crate) fn moved(&mut self, now: Instant) {
        self.last_answer = now;
    }

    /// Since when the oldest request has been the one that the server works on, if there is one.
    pub(crate) fn quiet_since(&self) -> Option<Instant> {
        self.sent.front().map(|head| head.at.max(self.last_answer))
    }

    /// Whether the oldest request had all its time. It is settled then; the connection is of no use any more.
    pub(crate) fn head_is_late(&mut self, now: Instant) -> bool {
        let Some(head) = self.sent.front_mut().filter(|head| head.read_timeout.has_passed(now)) else { return false };
        if let Some(request) = head.request.take() {
            request.settle(Err(Failure::timeout("the server did not answer in time")));
        }
        true
    }

    /// Takes back what need not wait behind the head: everything that has no byte on the socket yet, and reads.
    pub(crate) fn take_back(&mut self) -> Vec<Request> {
        let unsent = self.take_unsent();
        let mut taken = Vec::new();
        for sent in self.sent.iter_mut().skip(1) {
            let may_move = |c: &Request| c.is_abandoned() || (!c.prepared().is_write && c.moves < MAX_MOVES);
            if sent.request.as_ref().is_some_and(may_move) {
                taken.extend(sent.request.take().filter(|c| !c.is_abandoned()));
            }
        }
        taken.iter_mut().for_each(|c| c.moves += 1);
        taken.extend(unsent);
        taken
    }

    /// Removes the requests at the end of the queue of which not a byte is written.
    pub(crate) fn take_unsent(&mut self) -> Vec<Request> {
        let first = self.sent.partition_point(|s| s.start < self.written);
        if let Some(sent) = self.sent.get(first) {
            self.out.truncate((sent.start - self.written) as usize);
        }
        let unsent = self.sent.split_off(first).into_iter().filter_map(|s| s.request);
        unsent.inspect(Request::unsend).collect()
    }

    /// Ends everything with a failure.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        for sent in self.sent.drain(..) {
            if let Some(request) = sent.request {
                request.settle(Err(failure.clone()));
            }
        }
    }
}

const UNASKED: Failure = Failure {
    code: Code::CONNECTION,
    detail: std::borrow::Cow::Borrowed("the server answered unasked"),
    message: None,
};
