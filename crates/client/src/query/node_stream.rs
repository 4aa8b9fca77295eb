//! One node's answer, from its request to its last message, on a connection of its own.

use std::sync::Arc;

use aerospike_wire::{PartitionId, ProtoType};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::cursor::{Cursor, Place, Standing};
use super::pages::{Cutter, End, Page, nobody_reads};
use super::request::Portion;
use super::{Query, Results};
use crate::connection::lease::Lease;
use crate::deadline::Deadline;
use crate::error::{Code, Error, Failure};
use crate::metrics::Kind;
use crate::node::Node;

/// What the reader is told, in order.
#[derive(Debug)]
pub(super) enum Event {
    Page(Page),
    /// Partitions that are done, all their records included in earlier pages.
    Done(Vec<PartitionId>),
    /// Partitions that turned out not to be part of the query.
    LeftOut(Vec<PartitionId>),
    /// Nothing follows; with `more`, because the limit of records was reached.
    End {
        more: bool,
    },
    Failure(Error),
}

/// What is on its way to the reader: where retries go on.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) cursor: Cursor,
    /// Records that the reader still wants.
    pub(super) remaining: Option<u64>,
}

/// What the streams of a query share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) query: Query,
    pub(super) received: Mutex<Received>,
    pub(super) reader: mpsc::Sender<Event>,
    pub(super) deadline: Deadline,
    /// Notified when the reader has as many records as it wants.
    pub(super) satisfied: Notify,
}

/// One node's part in one round.
#[derive(Debug)]
pub(super) struct NodeStream {
    pub(super) shared: Arc<Shared>,
    pub(super) node: Arc<Node>,
    pub(super) portion: Portion,
    pub(super) task_id: u64,
}

/// How that went.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) node: Arc<Node>,
    pub(super) portion: Portion,
    /// Partitions that the node does not hold.
    pub(super) unavailable: Vec<PartitionId>,
    pub(super) end: End,
    /// Results that reached the reader.
    pub(super) accepted: u64,
    /// Whether there were more than the reader wanted.
    pub(super) had_surplus: bool,
}

impl NodeStream {
    pub(super) async fn run(self) -> Finished {
        let Self { shared, node, portion, task_id } = self;
        let begun = Instant::now();
        let query = &shared.query;
        let ids = portion.partitions.iter().map(|(id, _)| *id);
        let cutter = Cutter::new(query.results, query.from.has_values(), ids);
        let mut answer = Answer {
            shared: &shared,
            node: &node,
            cutter,
            lease: None,
            accepted: 0,
            had_surplus: false,
            bytes: (0, 0),
        };
        let end = match node.pool.unless_closed(answer.read(&portion, task_id)).await {
            Ok(end) => end,
            Err(failure) => Err(failure),
        };
        let Answer { lease, cutter, accepted, had_surplus, bytes, .. } = answer;
        if let Some(series) = node.metrics().of(Kind::Query) {
            series.took(begun.elapsed());
            series.bytes(bytes.0, bytes.1);
            series.rows(accepted);
            if let Err(failure) = &end {
                series.result(failure.code, 1);
            }
        }
        if end.as_ref().is_err_and(|failure| failure.code.is_session_over()) {
            node.pool.renounce(begun);
        }
        match (lease, &end) {
            (Some(lease), Ok(())) => lease.done(),
            // a refusal is the last message, too
            (Some(lease), Err(failure)) if failure.code.is_server() && failure.code != Code::TIMEOUT => lease.done(),
            (Some(_), Err(failure)) if failure.code != Code::CLIENT_ABORT => node.health.record_connection_error(),
            _ => {}
        }
        Finished { node, portion, unavailable: cutter.unavailable, end, accepted, had_surplus }
    }
}

struct Answer<'a> {
    shared: &'a Shared,
    node: &'a Arc<Node>,
    cutter: Cutter,
    lease: Option<Lease>,
    accepted: u64,
    had_surplus: bool,
    /// Sent and received.
    bytes: (u64, u64),
}

impl Answer<'_> {
    /// Fails when the connection does; otherwise says how the node ended its answer.
    async fn read(&mut self, portion: &Portion, task_id: u64) -> Result<End, Failure> {
        self.lease = Some(self.node.pool.lease(self.read_timeout()).await?);
        self.send(portion, task_id).await?;
        loop {
            let end = self.next_frame().await;
            let end = end.unwrap_or_else(|failure| Some(Err(failure)));
            if end.is_some() {
                self.cutter.flush();
            }
            for page in std::mem::take(&mut self.cutter.ready) {
                self.hand_over(page).await?;
            }
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    async fn send(&mut self, portion: &Portion, task_id: u64) -> Result<(), Failure> {
        let left = self.shared.deadline.server_timeout(Instant::now(), 0);
        let request = self.shared.query.encode(portion, task_id, left);
        self.bytes.0 += request.len() as u64;
        let read_timeout = self.read_timeout();
        let Some(lease) = &mut self.lease else { return Ok(()) };
        let sending = read_timeout.bound(lease.connection()?.send(&request)).await;
        sending.unwrap_or_else(|_| Err(Failure::timeout("the server did not take the query in time")))
    }

    /// Reads on until there is something to hand over, or the answer ends.
    async fn next_frame(&mut self) -> Result<Option<End>, Failure> {
        loop {
            let read_timeout = self.read_timeout();
            let Some(lease) = &mut self.lease else { return Ok(None) };
            let connection = lease.connection()?;
            if let Some(frame) = connection.incoming.next().map_err(Failure::garbage)? {
                if frame.kind != ProtoType::Message {
                    return Err(Failure::connection("the server sent a frame that is no message"));
                }
                self.node.health.record_answer(Instant::now());
                self.bytes.1 += frame.body.len() as u64;
                let end = self.cutter.take(&frame.body);
                if end.is_some() || !self.cutter.ready.is_empty() {
                    return Ok(end);
                }
                continue;
            }
            let receiving = read_timeout.bound(connection.receive_some());
            let received = if self.cutter.holds() {
                tokio::select! {
                    biased;
                    received = receiving => received,
                    // nothing more is here: what is held need not wait for it
                    () = std::future::ready(()) => {
                        self.cutter.flush();
                        return Ok(None);
                    }
                }
            } else {
                receiving.await
            };
            received.unwrap_or_else(|_| Err(Failure::timeout("the server did not go on with the query in time")))?;
        }
    }

    /// A node may be silent for as long as the socket timeout. What the reader takes for itself does not count.
    fn read_timeout(&self) -> Deadline {
        Deadline::after(Instant::now(), self.shared.query.policy.socket_timeout).earlier(self.shared.deadline)
    }

    /// Waits for the reader to have room for a page. Only then is it received: what was not handed over is asked for
    /// again.
    async fn hand_over(&mut self, page: Page) -> Result<(), Failure> {
        let permit = self.shared.reader.reserve().await.map_err(|_| nobody_reads())?;
        let mut received = self.shared.received.lock();
        let offered = page.count;
        let page = received.admit(page, self.shared.query.results);
        self.accepted += u64::from(page.count);
        self.had_surplus |= page.count < offered;
        if page.count > 0 {
            permit.send(Event::Page(page));
        }
        if received.remaining == Some(0) {
            self.shared.satisfied.notify_one();
        }
        Ok(())
    }
}

impl Received {
    /// Counts a page in, as far as it is wanted.
    fn admit(&mut self, page: Page, results: Results) -> Page {
        let page = match self.remaining {
            Some(left) if results == Results::Records && left < u64::from(page.count) => {
                page.truncate(left as u32, self.cursor.has_values())
            }
            _ => page,
        };
        if let Some(left) = &mut self.remaining {
            *left = left.saturating_sub(page.count.into());
        }
        follow(&mut self.cursor, &page.places);
        page
    }
}

/// Moves a cursor past records.
pub(super) fn follow(cursor: &mut Cursor, places: &[Place]) {
    for place in places {
        cursor.set(place.digest.partition(), Standing::Behind(*place));
    }
}
