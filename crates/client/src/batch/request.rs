//! One request to one node for some rows of a batch, on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::message::Messages;
use aerospike_wire::{DecodeError, ProtoType, ResultCode};
use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::plan::{Plan, RowId};
use crate::connection::lease::Lease;
use crate::connection::pool::NONE_CAME_FREE;
use crate::connection::probe::{LOOK, SUSPICION};
use crate::deadline::Deadline;
use crate::error::{Code, Failure, SubError};
use crate::node::{Node, UnderWay};
use crate::socket::frame::Frame;

/// A row's answer: which of the request's frames holds it, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) row: RowId,
    pub(super) frame: u32,
    pub(super) offset: u32,
    pub(super) result: ResultCode,
}

/// A request, and what came back so far.
#[derive(Debug)]
pub(crate) struct SubRequest {
    plan: Arc<Plan>,
    pub(crate) node: Arc<Node>,
    pub(super) rows: Arc<[RowId]>,
    /// Attempts of these rows before this one.
    pub(super) round: u16,
    /// While it is being read.
    lease: Option<Lease>,
    /// Of the request itself, what the socket has not taken yet.
    pub(crate) unwritten: BytesMut,
    answered: Vec<bool>,
    left: usize,
    /// Since it was taken by the collector: frames, and where in them rows are.
    pub(super) frames: Vec<Bytes>,
    pub(super) hits: Vec<Hit>,
    /// Rows whose answer may be worth another attempt, with its code.
    pub(super) refused: Vec<(RowId, Code)>,
    pub(super) bytes_out: u64,
    pub(super) bytes_in: u64,
    pub(super) was_sent: bool,
    /// When it was made.
    pub(super) begun: Instant,
    /// A copy of it may be sent to another replica when nothing came for this long.
    pub(super) hedge_delay: Option<Duration>,
    /// It had none left.
    pub(super) is_late: bool,
    _counted: UnderWay,
}

/// How far a request came.
#[derive(Debug)]
pub(super) enum Progress {
    /// Nothing came for the share of the time it was given; it goes on when it is run again.
    Slow,
    /// Nothing came for as long as [`hedge_delay`](SubRequest::hedge_delay), which it has no more; likewise.
    Late,
    /// It is over.
    Over(Result<(), Failure>),
}

/// What waiting for a frame led to.
enum Received {
    Frame(Frame),
    /// Not a byte came for as long as the share.
    Nothing,
    /// Not a byte came for as long as it was patient.
    Late,
    /// The caller wants no more bytes.
    Enough,
}

impl SubRequest {
    pub(super) fn new(plan: Arc<Plan>, node: Arc<Node>, rows: Arc<[RowId]>, round: u16) -> Self {
        Self {
            plan,
            _counted: UnderWay::at(node.clone()),
            node,
            left: rows.len(),
            answered: vec![false; rows.len()],
            hits: Vec::with_capacity(rows.len()),
            rows,
            round,
            lease: None,
            unwritten: BytesMut::new(),
            frames: Vec::new(),
            refused: Vec::new(),
            bytes_out: 0,
            bytes_in: 0,
            was_sent: false,
            begun: Instant::now(),
            hedge_delay: None,
            is_late: false,
        }
    }

    /// Bytes that came in for a row.
    pub(crate) fn row_size(&self) -> usize {
        self.bytes_in as usize / self.rows.len().max(1)
    }

    /// Why this attempt of its rows failed.
    pub(super) fn failed(&self, failure: Failure, in_doubt: bool) -> SubError {
        SubError {
            code: failure.code,
            detail: failure.detail,
            node: Some(self.node.name.clone()),
            attempt: u32::from(self.round) + 1,
            in_doubt,
            elapsed: self.begun.elapsed(),
        }
    }

    /// The rows that were not answered.
    pub(super) fn unanswered(&self) -> Vec<RowId> {
        self.rows.iter().zip(&self.answered).filter(|(_, answered)| !**answered).map(|(row, _)| *row).collect()
    }

    /// Runs until it is over, or until nothing came for as long as `share`.
    pub(super) async fn run(mut self, share: Option<Duration>) -> (Self, Progress) {
        let node = self.node.clone();
        let progress = match node.pool.unless_closed(self.advance(share)).await {
            Ok(progress) => progress,
            Err(failure) => {
                // the answer is lost, or what is left of it cannot be told from the next one
                self.node.health.record_connection_error();
                Progress::Over(Err(failure))
            }
        };
        if let Progress::Over(_) = progress {
            self.lease = None;
        }
        (self, progress)
    }

    /// Fails when the connection does.
    async fn advance(&mut self, share: Option<Duration>) -> Result<Progress, Failure> {
        if self.plan.is_full() {
            return Ok(self.full());
        }
        if self.lease.is_none() {
            match self.connect(share).await {
                Ok(lease) => self.lease = Some(lease),
                // the pool counted this failure when it happened
                Err(failure) => return Ok(Progress::Over(Err(failure))),
            }
            self.unwritten = self.plan.encode(&self.rows).await;
            self.begin();
        }
        if !self.unwritten.is_empty() {
            self.send(share).await?;
        }
        loop {
            let frame = match self.receive(share).await? {
                Received::Frame(frame) => frame,
                Received::Nothing => return Ok(Progress::Slow),
                Received::Late => return Ok(Progress::Late),
                Received::Enough => return Ok(self.full()),
            };
            if let Some(outcome) = self.accept(frame)? {
                if let Some(lease) = self.lease.take() {
                    lease.done();
                }
                return Ok(Progress::Over(outcome));
            }
        }
    }

    /// The caller wants no more bytes. What is still to come is dropped with the connection.
    fn full(&self) -> Progress {
        let limit = self.plan.batch.max_response_bytes;
        Progress::Over(Err(Failure::new(Code::NO_RESPONSE, format!("the answers reached the limit of {limit} bytes"))))
    }

    async fn connect(&self, share: Option<Duration>) -> Result<Lease, Failure> {
        let begun = Instant::now();
        let mut limit = share_from(begun, share);
        let mut place = self.node.pool.line_up(self.plan.deadline);
        loop {
            let look = Deadline::within(Instant::now(), SUSPICION);
            if let Ok(lease) = place.wait(limit.earlier(self.plan.deadline).earlier(look)).await {
                return lease;
            }
            let now = Instant::now();
            let is_due = limit.earlier(self.plan.deadline).has_passed(now);
            let is_in_vain = share.is_some() && self.node.health.is_silent();
            if !is_due && !is_in_vain {
                continue;
            }
            if !self.plan.deadline.has_passed(now) && self.node.health.answered_since(begun) {
                // the node works, there is only a lot before this request
                limit = share_from(now, share);
                continue;
            }
            return Err(NONE_CAME_FREE);
        }
    }

    /// From here on bytes of it may reach a socket.
    fn begin(&mut self) {
        if let Some(flag) = &self.plan.batch.sent {
            flag.set();
        }
        self.was_sent = true;
        self.bytes_out += self.unwritten.len() as u64;
    }

    /// Makes a request of few rows ready to be written by someone else, who then finds it in `unwritten`.
    pub(crate) fn encode_few(&mut self) {
        self.unwritten = self.plan.encode_few(&self.rows);
        self.begin();
    }

    /// Goes on, when it is run, with a connection that it was written to.
    pub(crate) fn go_on_with(&mut self, lease: Lease) {
        self.lease = Some(lease);
    }

    async fn send(&mut self, share: Option<Duration>) -> Result<(), Failure> {
        let request = std::mem::take(&mut self.unwritten);
        let limit = self.limit().earlier(share_from(Instant::now(), share));
        let Some(lease) = &mut self.lease else { return Ok(()) };
        let sending = limit.bound(lease.connection()?.send(&request)).await;
        sending.unwrap_or_else(|_| Err(Failure::timeout("the server did not take the request in time")))
    }

    /// Waits for the next frame.
    async fn receive(&mut self, share: Option<Duration>) -> Result<Received, Failure> {
        let mut begun = Instant::now();
        let mut limit = self.limit();
        let mut look = begun + SUSPICION;
        loop {
            // looked at before every frame: many requests of the batch may be reading at once
            if self.plan.is_full() {
                return Ok(Received::Enough);
            }
            let silence = share_from(begun, share);
            let late = share_from(begun, self.hedge_delay);
            let read_timeout = limit.earlier(silence).earlier(Deadline::at(look)).earlier(late);
            let Some(lease) = &mut self.lease else { return Ok(Received::Nothing) };
            let connection = lease.connection()?;
            if let Some(frame) = connection.incoming.next().map_err(Failure::garbage)? {
                return Ok(Received::Frame(frame));
            }
            match read_timeout.bound(connection.receive_some()).await {
                Ok(outcome) => {
                    outcome?;
                    self.hedge_delay = None; // it answers
                    begun = Instant::now();
                    self.node.health.record_answer(begun);
                    limit = self.limit();
                    look = begun + SUSPICION;
                }
                Err(_) => {
                    let now = Instant::now();
                    if limit.has_passed(now) {
                        return Err(Failure::timeout("the server did not answer in time"));
                    }
                    if late.has_passed(now) {
                        self.hedge_delay = None;
                        self.is_late = true;
                        return Ok(Received::Late);
                    }
                    if silence.has_passed(now) || (share.is_some() && self.node.health.is_silent()) {
                        return Ok(Received::Nothing);
                    }
                    look = now + LOOK;
                    self.node.pool.suspect_if_quiet(now);
                }
            }
        }
    }

    /// Silence is over at the latest after the socket timeout, and everything at the batch's deadline.
    fn limit(&self) -> Deadline {
        Deadline::after(Instant::now(), self.plan.batch.policy.socket_timeout).earlier(self.plan.deadline)
    }

    /// Takes a frame in. Returns how the request ended when it was the last.
    pub(crate) fn accept(&mut self, frame: Frame) -> Result<Option<Result<(), Failure>>, Failure> {
        self.bytes_in += frame.body.len() as u64;
        self.plan.take_in(frame.body.len());
        let trailer = self.take_frame(frame)?;
        Ok(trailer.map(|trailer| self.conclude(trailer)))
    }

    /// Finds the rows in a frame. Returns the batch's own result when the frame holds the last message.
    fn take_frame(&mut self, frame: Frame) -> Result<Option<ResultCode>, Failure> {
        if frame.kind != ProtoType::Message {
            return Err(Failure::connection("the server sent a frame that is no message"));
        }
        let number = self.frames.len() as u32;
        let hits = self.hits.len();
        let mut trailer = None;
        for message in Messages::new(&frame.body) {
            let (offset, message) = message.map_err(Failure::garbage)?;
            let header = message.header;
            if header.is_last() {
                trailer = Some(header.result);
                break;
            }
            let index = header.timeout as usize; // in answers to batches this is the row's index
            let (Some(row), Some(answered)) = (self.rows.get(index), self.answered.get_mut(index)) else {
                return Err(Failure::garbage(DecodeError::Invalid("row index")));
            };
            if !*answered {
                *answered = true;
                self.left -= 1;
                self.hits.push(Hit { row: *row, frame: number, offset: offset as u32, result: header.result });
            }
        }
        // the last message often has a frame of its own, of which nothing is kept
        if self.hits.len() > hits {
            self.frames.push(frame.body);
        }
        Ok(trailer)
    }

    fn conclude(&self, trailer: ResultCode) -> Result<(), Failure> {
        if !trailer.is_ok() {
            return Err(Failure::new(trailer.into(), ""));
        }
        if self.left > 0 {
            let detail = format!("the node left out {} of {} rows", self.left, self.rows.len());
            return Err(Failure::new(Code::NO_RESPONSE, detail));
        }
        Ok(())
    }
}

fn share_from(moment: Instant, share: Option<Duration>) -> Deadline {
    share.map_or(Deadline::NEVER, |share| Deadline::within(moment, share))
}
