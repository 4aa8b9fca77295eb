//! A connection that a thread drives by itself, and what is under way on it.

use std::collections::VecDeque;

use aerospike_wire::limits::{MESSAGE_HEADER_SIZE, PROTO_HEADER_SIZE};
use aerospike_wire::message::MessageHeader;
use bytes::{Buf, Bytes};
use tokio::time::Instant;

use super::{Event, LineId, Resumed, Tag};
use crate::batch::Outgoing;
use crate::cluster::InFlight;
use crate::connection::direct::Direct;
use crate::connection::pipeline::Pipeline;
use crate::connection::request::Carrier;
use crate::error::Failure;
use crate::execute::Run;

/// Reads of one socket before others have their turn.
const MOST_READS: usize = 4;

/// Answers that are worth waiting for, where many are due.
const GATHER: usize = 6;
/// No answer is smaller.
const LEAST_ANSWER: usize = PROTO_HEADER_SIZE + MESSAGE_HEADER_SIZE;

#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: LineId,
    pub(super) direct: Direct,
    pub(super) load: Load,
    /// When it was last written to or answered.
    pub(super) last_used: Instant,
    /// Bytes of an answer, lately.
    answer_size: usize,
    /// How many bytes are worth waiting for.
    worthwhile: usize,
}

/// What is under way on a line: commands behind one another, or one request for rows of a batch.
#[derive(Debug)]
pub(super) enum Load {
    Commands(Commands),
    Rows(Box<Outgoing>, Tag),
}

#[derive(Debug)]
pub(super) struct Commands {
    pub(super) pipeline: Pipeline,
    /// For each request in the pipeline the command it is of.
    rides: VecDeque<Ride>,
}

/// A command under way.
#[derive(Debug)]
pub(super) struct Ride {
    pub(super) tag: Tag,
    pub(super) in_flight: InFlight,
    pub(super) run: Run,
}

/// What came in on a line.
#[derive(Debug)]
pub(super) enum News {
    Answer(Tag, Event),
    /// The request for rows is over.
    Rows(Box<Outgoing>, Tag, Result<(), Failure>),
}

impl Line {
    pub(super) fn new(id: LineId, direct: Direct) -> Self {
        Self { id, direct, load: Load::none(), last_used: Instant::now(), answer_size: LEAST_ANSWER, worthwhile: 1 }
    }

    /// How many commands are on it, if it takes commands.
    pub(super) fn commands(&self) -> Option<usize> {
        match &self.load {
            Load::Commands(commands) => Some(commands.rides.len()),
            Load::Rows(..) => None,
        }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.commands() == Some(0)
    }

    /// Since when something has been waiting for an answer on it.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        match &self.load {
            Load::Commands(commands) => commands.pipeline.quiet_since(),
            Load::Rows(..) => Some(self.last_used),
        }
    }

    /// Bytes of an answer, or of a row of a batch, lately.
    pub(super) fn row_size(&self) -> usize {
        self.answer_size
    }

    /// How many bytes are worth waiting for: a few answers, and less than is certain to come.
    pub(super) fn worthwhile(&self) -> usize {
        self.worthwhile
    }

    /// Settles how many bytes are worth waiting for. Not exactly: each change takes a system call.
    pub(super) fn moderate(&mut self) {
        let due = self.commands().unwrap_or_default();
        let certain = due * LEAST_ANSWER * 3 / 4;
        // a quarter of what is due at most: the node is to have something to do meanwhile
        let gather = GATHER.min(due / 4);
        let wanted = if gather < 2 { 1 } else { certain.min(gather * self.answer_size) };
        if self.worthwhile > certain.max(1) || wanted > self.worthwhile * 2 || wanted * 2 < self.worthwhile {
            self.worthwhile = wanted;
        }
    }

    /// Adds a command, to be written with the next flush.
    pub(super) fn add(&mut self, ride: Ride, carrier: Carrier, now: Instant) -> Result<(), Ride> {
        let Load::Commands(commands) = &mut self.load else { return Err(ride) };
        if commands.rides.is_empty() {
            self.direct.work();
            self.last_used = now;
        }
        commands.pipeline.push(carrier, now);
        commands.rides.push_back(ride);
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

    /// Reads what is there and takes in the answers. Says whether any came.
    pub(super) fn read(&mut self, room: &mut [u8], news: &mut Vec<News>) -> Result<bool, Failure> {
        let before = news.len();
        for _ in 0..MOST_READS {
            let has_more = self.direct.fill(room)?;
            while let Some(frame) = self.direct.next_frame()? {
                self.last_used = Instant::now();
                match &mut self.load {
                    Load::Commands(commands) => {
                        let size = PROTO_HEADER_SIZE + frame.body.len();
                        commands.answer(frame.into_message()?, news)?;
                        self.answer_size = (self.answer_size * 7 + size) / 8;
                    }
                    Load::Rows(outgoing, _) => {
                        if let Some(outcome) = outgoing.request.accept(frame)?
                            && let Load::Rows(outgoing, tag) = std::mem::replace(&mut self.load, Load::none())
                        {
                            self.answer_size = outgoing.request.row_size();
                            news.push(News::Rows(outgoing, tag, outcome));
                        }
                    }
                }
            }
            if !has_more {
                break;
            }
        }
        let has_news = news.len() > before;
        if let Load::Commands(commands) = &mut self.load
            && has_news
        {
            commands.pipeline.moved(self.last_used);
        }
        Ok(has_news)
    }

    /// Ends all that is under way on it; the connection is of no use any more.
    pub(super) fn fail(&mut self, failure: &Failure, news: &mut Vec<News>) {
        match std::mem::replace(&mut self.load, Load::none()) {
            Load::Commands(commands) => commands.fail(failure, news),
            Load::Rows(outgoing, tag) => news.push(News::Rows(outgoing, tag, Err(failure.clone()))),
        }
    }
}

impl Load {
    pub(super) fn none() -> Self {
        Self::Commands(Commands { pipeline: Pipeline::new(Instant::now()), rides: VecDeque::new() })
    }
}

impl Commands {
    fn answer(&mut self, message: Bytes, news: &mut Vec<News>) -> Result<(), Failure> {
        let carrier = self.pipeline.answered()?;
        if let (Some(carrier), Some(ride)) = (carrier, self.rides.pop_front()) {
            news.push(ride.end(Ok(message), carrier));
        }
        Ok(())
    }

    fn fail(mut self, failure: &Failure, news: &mut Vec<News>) {
        let unsent = self.pipeline.take_unsent();
        let sent = std::iter::from_fn(|| self.pipeline.answered().ok().flatten());
        for (carrier, ride) in sent.chain(unsent).zip(self.rides) {
            news.push(ride.end(Err(failure.clone()), carrier));
        }
    }

    /// Parts the commands from what carries them, to go on elsewhere.
    pub(super) fn part(self) -> (Pipeline, impl Iterator<Item = Ride>) {
        (self.pipeline, self.rides.into_iter())
    }
}

impl Ride {
    fn end(mut self, outcome: Result<Bytes, Failure>, carrier: Carrier) -> News {
        if let Ok(message) = &outcome {
            let header = message.first_chunk().map(MessageHeader::decode).unwrap_or_default();
            if !header.result.is_retryable()
                && let Some(answer) = self.run.conclude(message)
            {
                return News::Answer(self.tag, Event::Answer(answer));
            }
        }
        carrier.settle(outcome);
        self.go_on()
    }

    /// Goes on through the runtime.
    pub(super) fn go_on(self) -> News {
        let Self { tag, in_flight, run } = self;
        News::Answer(tag, Event::Resume(Box::new(Resumed { in_flight, run })))
    }
}
