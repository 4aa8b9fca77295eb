//! Batches of few reads: their requests, each on a line of its own, and what they come to.

use std::sync::Arc;

use tokio::time::Instant;

use super::connection::{Line, Load};
use super::handoff::{ResumedBatch, Then};
use super::{Event, Express, Tag, is_hasty};
use crate::batch::{self, Batch, Outgoing};
use crate::cluster::InFlight;
use crate::cluster::node::Node;
use crate::connection::direct::Direct;

/// A batch under way.
#[derive(Debug)]
pub(super) struct Trip {
    pub(super) tag: Tag,
    pub(super) in_flight: InFlight,
    pub(super) run: batch::Run,
    /// Its requests that are on lines.
    pub(super) requests: usize,
    pub(super) in_parts: bool,
}

impl Express {
    /// Takes in a batch of [few](Self::most_rows) reads, as [`Express::begin`] does a command. With `in_parts` it goes
    /// on, if it has to, as [`Client::batch_in_parts`](crate::Client::batch_in_parts).
    #[expect(clippy::result_large_err, reason = "the batch is moved on, not reported")]
    pub fn begin_batch(&mut self, batch: Batch, tag: Tag, in_parts: bool) -> Result<(), Batch> {
        if self.is_closed || !batch.is_brief() || is_hasty(batch.policy.total_timeout) || self.is_crowded() {
            return Err(batch);
        }
        let rows = batch.rows.len();
        if rows > self.most_rows() || self.stops.iter_mut().any(|stop| stop.is_heavy(rows)) {
            return Err(batch);
        }
        let Ok(in_flight) = self.cluster.enter() else { return Err(batch) };
        let now = Instant::now();
        let mut run = batch::Run::of_few(self.cluster.clone(), batch, now);
        let mut waiting = run.take_ready().into_iter();
        let mut requests = 0;
        for outgoing in waiting.by_ref() {
            match self.line_at_rest(&outgoing.request.node) {
                Some(line) => {
                    line.load = Load::Rows(Box::new(outgoing), tag);
                    line.last_used = now;
                    requests += 1;
                }
                None => {
                    // nothing was written yet: all of it goes the usual way
                    run.put_ready([outgoing]);
                    run.put_ready(waiting);
                    self.take_off(tag, &mut run);
                    let resumed = ResumedBatch { in_flight, run, requests: Vec::new(), in_parts };
                    self.events.push((tag, Event::ResumeBatch(Box::new(resumed))));
                    return Ok(());
                }
            }
        }
        for line in self.stops.iter_mut().flat_map(|s| &mut s.lines) {
            if let Load::Rows(outgoing, of) = &mut line.load
                && *of == tag
            {
                line.direct.work();
                outgoing.request.encode_few();
            }
        }
        self.trips.push(Trip { tag, in_flight, run, requests, in_parts });
        if requests == 0 {
            self.end_trip(tag);
        }
        Ok(())
    }

    /// Whether there are lines, and something on each of them.
    fn is_crowded(&mut self) -> bool {
        let mut lines = self.stops.iter().flat_map(|s| &s.lines).peekable();
        if lines.peek().is_none() || lines.any(Line::is_at_rest) {
            return false;
        }
        for stop in &mut self.stops {
            if stop.wants_line() {
                stop.ask(&self.cluster, &self.arrived);
            }
        }
        true
    }

    fn line_at_rest(&mut self, node: &Arc<Node>) -> Option<&mut Line> {
        let at = self.stop(node);
        let stop = self.stops.get_mut(at)?;
        let Some(i) = stop.lines.iter().position(Line::is_at_rest).filter(|_| !stop.yields) else {
            if stop.wants_line() {
                stop.ask(&self.cluster, &self.arrived);
            }
            return None;
        };
        if node.pool.is_pressed() {
            self.depart(at, i, true);
            return None;
        }
        self.stops.get_mut(at)?.lines.get_mut(i)
    }

    /// Takes the requests of a batch off their lines, on which nothing of them was written.
    fn take_off(&mut self, tag: Tag, run: &mut batch::Run) {
        for line in self.stops.iter_mut().flat_map(|s| &mut s.lines) {
            if matches!(&line.load, Load::Rows(_, of) if *of == tag)
                && let Load::Rows(outgoing, _) = std::mem::replace(&mut line.load, Load::none())
            {
                run.put_ready([*outgoing]);
            }
        }
    }

    /// All requests of a batch are over.
    pub(super) fn end_trip(&mut self, tag: Tag) {
        let Some(at) = self.trips.iter().position(|t| t.tag == tag) else { return };
        let Trip { in_flight, mut run, in_parts, .. } = self.trips.swap_remove(at);
        let event = if run.is_complete() {
            Event::Rows(Box::new(run.reply()))
        } else {
            Event::ResumeBatch(Box::new(ResumedBatch { in_flight, run, requests: Vec::new(), in_parts }))
        };
        self.events.push((tag, event));
    }

    /// Hands over a batch, with the requests that are on other lines.
    pub(super) fn hand_over_trip(&mut self, tag: Tag, overdue: (Direct, Outgoing)) {
        let mut requests = vec![overdue];
        for at in 0..self.stops.len() {
            let is_of = |line: &Line| matches!(&line.load, Load::Rows(_, of) if *of == tag);
            let lines = self.stops.get_mut(at).map(|s| s.lines.extract_if(.., |line| is_of(line)).collect::<Vec<_>>());
            for Line { id, direct, load, .. } in lines.into_iter().flatten() {
                self.part(id, Then::Nothing);
                if let Load::Rows(outgoing, _) = load {
                    requests.push((direct, *outgoing));
                }
            }
        }
        if let Some(at) = self.trips.iter().position(|t| t.tag == tag) {
            let Trip { in_flight, run, in_parts, .. } = self.trips.swap_remove(at);
            let resumed = ResumedBatch { in_flight, run, requests, in_parts };
            self.events.push((tag, Event::ResumeBatch(Box::new(resumed))));
        }
    }
}
