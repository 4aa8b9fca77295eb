//! Batches of few reads: their requests, each on a connection of its own, and their outcome.

use std::sync::Arc;

use tokio::time::Instant;

use super::connection::{InlineConnection, Load};
use super::handoff::{ReleaseAction, ResumedBatch};
use super::{Event, InlineIo, Tag, is_plain};
use crate::batch::{self, Batch, Outgoing};
use crate::cluster::InFlight;
use crate::connection::direct::Direct;
use crate::node::Node;

/// A batch in flight.
#[derive(Debug)]
pub(super) struct InlineBatch {
    pub(super) tag: Tag,
    pub(super) in_flight: InFlight,
    pub(super) run: batch::Run,
    /// Its requests that are in flight.
    pub(super) requests: usize,
    pub(super) in_parts: bool,
}

impl InlineIo {
    /// Accepts a batch of [few](Self::max_rows) reads, as [`InlineIo::begin`] accepts a command. If the runtime has to
    /// take it over, `in_parts` makes it go on as [`Client::batch_in_parts`](crate::Client::batch_in_parts).
    #[expect(clippy::result_large_err, reason = "the batch is moved on, not reported")]
    pub fn begin_batch(&mut self, batch: Batch, tag: Tag, in_parts: bool) -> Result<(), Batch> {
        if self.is_closed || !batch.is_brief() || !is_plain(&batch.policy) || self.is_crowded() {
            return Err(batch);
        }
        let rows = batch.rows.len();
        if rows > self.max_rows() || self.nodes.iter_mut().any(|node| node.expects_much(rows)) {
            return Err(batch);
        }
        if !self.cluster.first_look.is_over() {
            return Err(batch);
        }
        let Ok(in_flight) = self.cluster.enter() else { return Err(batch) };
        let now = Instant::now();
        let mut run = batch::Run::of_few(self.cluster.clone(), batch, now);
        let mut waiting = run.take_ready().into_iter();
        let mut requests = 0;
        for outgoing in waiting.by_ref() {
            match self.idle_connection(&outgoing.request.node) {
                Some(connection) => {
                    connection.load = Load::Rows(Box::new(outgoing), tag);
                    connection.last_used = now;
                    requests += 1;
                }
                None => {
                    // nothing was written yet: the runtime takes over all of it
                    run.put_ready([outgoing]);
                    run.put_ready(waiting);
                    self.withdraw(tag, &mut run);
                    let resumed = ResumedBatch { in_flight, run, requests: Vec::new(), in_parts };
                    self.events.push((tag, Event::ResumeBatch(Box::new(resumed))));
                    return Ok(());
                }
            }
        }
        for connection in self.nodes.iter_mut().flat_map(|n| &mut n.connections) {
            if let Load::Rows(outgoing, of) = &mut connection.load
                && *of == tag
            {
                connection.direct.set_busy();
                outgoing.request.encode_few();
            }
        }
        self.batches.push(InlineBatch { tag, in_flight, run, requests, in_parts });
        if requests == 0 {
            self.end_batch(tag);
        }
        Ok(())
    }

    /// Whether there are connections, and none of them is idle.
    fn is_crowded(&mut self) -> bool {
        let mut connections = self.nodes.iter().flat_map(|n| &n.connections).peekable();
        if connections.peek().is_none() || connections.any(InlineConnection::is_idle) {
            return false;
        }
        for node in &mut self.nodes {
            if node.wants_connection() {
                node.lease(&self.cluster, &self.leased);
            }
        }
        true
    }

    /// An idle connection to a node.
    fn idle_connection(&mut self, owner: &Arc<Node>) -> Option<&mut InlineConnection> {
        let at = self.node(owner);
        let node = self.nodes.get_mut(at)?;
        let Some(i) = node.connections.iter().position(InlineConnection::is_idle).filter(|_| !node.is_contended) else {
            if node.wants_connection() {
                node.lease(&self.cluster, &self.leased);
            }
            return None;
        };
        if owner.pool.is_pressed() {
            self.release(at, i, true);
            return None;
        }
        self.nodes.get_mut(at)?.connections.get_mut(i)
    }

    /// Takes the requests of a batch, of which nothing was written, off their connections.
    fn withdraw(&mut self, tag: Tag, run: &mut batch::Run) {
        for connection in self.nodes.iter_mut().flat_map(|n| &mut n.connections) {
            if matches!(&connection.load, Load::Rows(_, of) if *of == tag)
                && let Load::Rows(outgoing, _) = std::mem::replace(&mut connection.load, Load::none())
            {
                run.put_ready([*outgoing]);
            }
        }
    }

    /// Ends a batch whose requests are all completed.
    pub(super) fn end_batch(&mut self, tag: Tag) {
        let Some(at) = self.batches.iter().position(|b| b.tag == tag) else { return };
        let InlineBatch { in_flight, mut run, in_parts, .. } = self.batches.swap_remove(at);
        let event = if run.is_complete() {
            Event::Rows(Box::new(run.last_reply()))
        } else {
            Event::ResumeBatch(Box::new(ResumedBatch { in_flight, run, requests: Vec::new(), in_parts }))
        };
        self.events.push((tag, event));
    }

    /// Hands over a batch, with its requests on other connections.
    pub(super) fn hand_over_batch(&mut self, tag: Tag, overdue: (Direct, Outgoing)) {
        let mut requests = vec![overdue];
        for at in 0..self.nodes.len() {
            let is_of = |connection: &InlineConnection| matches!(&connection.load, Load::Rows(_, of) if *of == tag);
            let connections = self
                .nodes
                .get_mut(at)
                .map(|n| n.connections.extract_if(.., |connection| is_of(connection)).collect::<Vec<_>>());
            for InlineConnection { id, direct, load, .. } in connections.into_iter().flatten() {
                self.push_released(id, ReleaseAction::Taken);
                if let Load::Rows(outgoing, _) = load {
                    requests.push((direct, *outgoing));
                }
            }
        }
        if let Some(at) = self.batches.iter().position(|b| b.tag == tag) {
            let InlineBatch { in_flight, run, in_parts, .. } = self.batches.swap_remove(at);
            let resumed = ResumedBatch { in_flight, run, requests, in_parts };
            self.events.push((tag, Event::ResumeBatch(Box::new(resumed))));
        }
    }
}
