//! A connection of inline I/O, and what is in flight on it.

use std::collections::VecDeque;

use aerospike_wire::ResultCode;
use aerospike_wire::limits::{MESSAGE_HEADER_SIZE, PROTO_HEADER_SIZE};
use aerospike_wire::message::MessageHeader;
use bytes::{Buf, Bytes};
use tokio::time::Instant;

use super::{ConnectionId, Event, Resumed, Tag};
use crate::batch::Outgoing;
use crate::connection::direct::Direct;
use crate::connection::pipeline::Pipeline;
use crate::connection::request::Request;
use crate::error::{Code, Failure};

/// Reads of one socket before the others are read.
const MAX_READS: usize = 4;

/// Answers to wait for before a socket is read, where many are due.
const GATHER: usize = 6;
/// Bytes of the smallest possible answer.
const MIN_ANSWER: usize = PROTO_HEADER_SIZE + MESSAGE_HEADER_SIZE;

#[derive(Debug)]
pub(super) struct InlineConnection {
    pub(super) id: ConnectionId,
    pub(super) direct: Direct,
    pub(super) load: Load,
    /// When it was last written to or answered.
    pub(super) last_used: Instant,
    /// Bytes of an answer: a moving average.
    answer_size: usize,
    /// How many bytes to wait for before the socket is read.
    low_water_mark: usize,
    /// The server no longer knows whose connection it is.
    is_refused: bool,
}

/// What is in flight on a connection: commands, one after another, or one request for rows of a batch.
#[derive(Debug)]
pub(super) enum Load {
    Commands(Commands),
    Rows(Box<Outgoing>, Tag),
}

#[derive(Debug)]
pub(super) struct Commands {
    pub(super) pipeline: Pipeline,
    /// The command of each request in the pipeline.
    commands: VecDeque<InlineCommand>,
}

/// A command in flight. It is moved several times, so it is on the heap.
#[derive(Debug)]
pub(super) struct InlineCommand {
    pub(super) tag: Tag,
    pub(super) work: Box<Resumed>,
}

/// What a read or a failure of a connection completed.
#[derive(Debug)]
pub(super) enum Completed {
    Answer(Tag, Event),
    /// A request for rows of a batch.
    Rows(Box<Outgoing>, Tag, Result<(), Failure>),
}

impl InlineConnection {
    pub(super) fn new(id: ConnectionId, direct: Direct) -> Self {
        Self {
            id,
            direct,
            load: Load::none(),
            last_used: Instant::now(),
            answer_size: MIN_ANSWER,
            low_water_mark: 1,
            is_refused: false,
        }
    }

    /// How many commands are in flight, unless it is used by a batch.
    pub(super) fn commands(&self) -> Option<usize> {
        match &self.load {
            Load::Commands(commands) => Some(commands.commands.len()),
            Load::Rows(..) => None,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.commands() == Some(0)
    }

    /// Since when the oldest request has waited for the server.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        match &self.load {
            Load::Commands(commands) => commands.pipeline.quiet_since(),
            Load::Rows(..) => Some(self.last_used),
        }
    }

    /// Bytes of an answer, or of a row of a batch: a moving average.
    pub(super) fn row_size(&self) -> usize {
        self.answer_size
    }

    /// How many bytes to wait for before the socket is read.
    pub(super) fn low_water_mark(&self) -> usize {
        self.low_water_mark
    }

    /// Sets the low-water mark: a few answers, and less than is certain to come. It is not exact, since each change takes a
    /// system call.
    pub(super) fn update_low_water_mark(&mut self) {
        let due = self.commands().unwrap_or_default();
        let certain = due * MIN_ANSWER * 3 / 4;
        // at most a quarter of what is due, so that the node still has work meanwhile
        let gather = GATHER.min(due / 4);
        let wanted = if gather < 2 { 1 } else { certain.min(gather * self.answer_size) };
        if self.low_water_mark > certain.max(1) || wanted > self.low_water_mark * 2 || wanted * 2 < self.low_water_mark
        {
            self.low_water_mark = wanted;
        }
    }

    /// Adds a command, to be written by the next flush.
    pub(super) fn add(&mut self, command: InlineCommand, request: Request, now: Instant) -> Result<(), InlineCommand> {
        let Load::Commands(commands) = &mut self.load else { return Err(command) };
        if commands.commands.is_empty() {
            self.direct.set_busy();
            self.last_used = now;
        }
        commands.pipeline.push(request, now);
        commands.commands.push_back(command);
        Ok(())
    }

    pub(super) fn wants_to_write(&self) -> bool {
        match &self.load {
            Load::Commands(commands) => !commands.pipeline.unwritten().is_empty(),
            Load::Rows(outgoing, _) => !outgoing.request.unwritten.is_empty(),
        }
    }

    /// Writes what the socket takes.
    pub(super) fn write(&mut self) -> Result<(), Failure> {
        match &mut self.load {
            Load::Commands(Commands { pipeline, .. }) => {
                let written = self.direct.write(pipeline.unwritten())?;
                pipeline.wrote(written);
            }
            Load::Rows(outgoing, _) => {
                let unwritten = &mut outgoing.request.unwritten;
                let written = self.direct.write(unwritten)?;
                unwritten.advance(written);
            }
        }
        Ok(())
    }

    /// Reads what is there. Returns whether anything was completed.
    pub(super) fn read(&mut self, room: &mut [u8], completed: &mut Vec<Completed>) -> Result<bool, Failure> {
        let before = completed.len();
        for _ in 0..MAX_READS {
            let has_more = self.direct.fill(room)?;
            let now = Instant::now();
            while let Some(frame) = self.direct.next_frame()? {
                self.last_used = now;
                match &mut self.load {
                    Load::Commands(commands) => {
                        let size = PROTO_HEADER_SIZE + frame.body.len();
                        let message = frame.into_message()?;
                        commands.answer(message, now, completed, &mut self.is_refused)?;
                        self.answer_size = (self.answer_size * 7 + size) / 8;
                    }
                    Load::Rows(outgoing, _) => {
                        if let Some(outcome) = outgoing.request.accept(frame)?
                            && let Load::Rows(outgoing, tag) = std::mem::replace(&mut self.load, Load::none())
                        {
                            self.answer_size = outgoing.request.row_size();
                            self.is_refused |= outcome.as_ref().is_err_and(|failure| failure.code.is_session_over());
                            completed.push(Completed::Rows(outgoing, tag, outcome));
                        }
                    }
                }
            }
            if !has_more {
                break;
            }
        }
        if self.is_refused {
            // what follows on this connection is refused as well, and not done either
            return Err(Failure::new(ResultCode::NOT_AUTHENTICATED.into(), "the session of the connection is over"));
        }
        let has_news = completed.len() > before;
        if let Load::Commands(commands) = &mut self.load
            && has_news
        {
            commands.pipeline.moved(self.last_used);
        }
        Ok(has_news)
    }

    /// Ends everything in flight; the connection cannot be used any more.
    pub(super) fn fail(&mut self, failure: &Failure, completed: &mut Vec<Completed>) {
        match std::mem::replace(&mut self.load, Load::none()) {
            Load::Commands(commands) => commands.fail(failure, completed),
            Load::Rows(outgoing, tag) => completed.push(Completed::Rows(outgoing, tag, Err(failure.clone()))),
        }
    }
}

impl Load {
    pub(super) fn none() -> Self {
        Self::Commands(Commands { pipeline: Pipeline::new(Instant::now()), commands: VecDeque::new() })
    }
}

impl Commands {
    fn answer(
        &mut self,
        message: Bytes,
        now: Instant,
        completed: &mut Vec<Completed>,
        is_refused: &mut bool,
    ) -> Result<(), Failure> {
        let request = self.pipeline.answered()?;
        if let (Some(request), Some(command)) = (request, self.commands.pop_front()) {
            completed.push(command.end(Ok(message), request, now, is_refused));
        }
        Ok(())
    }

    fn fail(mut self, failure: &Failure, completed: &mut Vec<Completed>) {
        let unsent = self.pipeline.take_unsent();
        let sent = std::iter::from_fn(|| self.pipeline.answered().ok().flatten());
        let now = Instant::now();
        for (request, command) in sent.chain(unsent).zip(self.commands) {
            completed.push(command.end(Err(failure.clone()), request, now, &mut false));
        }
    }

    /// Separates the commands from their pipeline, so that both can be handed over.
    pub(super) fn part(self) -> (Pipeline, impl Iterator<Item = InlineCommand>) {
        (self.pipeline, self.commands.into_iter())
    }
}

impl InlineCommand {
    fn end(
        mut self,
        outcome: Result<Bytes, Failure>,
        request: Request,
        now: Instant,
        is_refused: &mut bool,
    ) -> Completed {
        let outcome = match outcome {
            Ok(message) => {
                let header = message.first_chunk().map(MessageHeader::decode).unwrap_or_default();
                let code = Code::from(header.result);
                *is_refused |= code.is_session_over();
                if code.is_retryable() || code.is_session_over() {
                    Ok(message)
                } else {
                    // by value: bytes that are shared cost an allocation more
                    match self.work.conclude(message, now) {
                        Ok(answer) => return Completed::Answer(self.tag, Event::Answer(answer)),
                        Err(message) => Ok(message),
                    }
                }
            }
            failed => failed,
        };
        request.settle(outcome);
        self.go_on()
    }

    /// Hands the command over to the runtime.
    pub(super) fn go_on(self) -> Completed {
        Completed::Answer(self.tag, Event::Resume(self.work))
    }
}
