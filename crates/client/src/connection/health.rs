//! What its connections say about a node: how often they failed in this window, and when it last answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::metrics::{Happening, NodeEvent, NodeMetrics};

/// The health of one node. Written by its connections, read by whoever chooses a node.
#[derive(Debug)]
pub(crate) struct Health {
    /// What is counted at the node.
    pub(crate) metrics: Arc<NodeMetrics>,
    /// Failures within a window that trip the breaker; 0 for none.
    max_errors: AtomicU32,
    errors: AtomicU32,
    base: Instant,
    /// Milliseconds from `base` to the last answer, plus 1; 0 before the first.
    last_answer: AtomicU64,
    /// The same for the last time that it was asked whether it is there, and was: that says nothing of its commands.
    last_sign: AtomicU64,
    /// The same for when tending found no answer; 0 while it finds one.
    unwell_since: AtomicU64,
    /// It answers nothing at all, as a question of its own has shown.
    is_silent: AtomicBool,
    /// That question is being asked.
    is_asked: AtomicBool,
    /// Notified to have the nodes looked at before the next tend is due.
    tend_now: Arc<Notify>,
}

impl Health {
    pub(crate) fn new(max_errors: u32, tend_now: Arc<Notify>, metrics: Arc<NodeMetrics>) -> Self {
        Self {
            metrics,
            max_errors: AtomicU32::new(max_errors),
            errors: AtomicU32::new(0),
            base: Instant::now(),
            last_answer: AtomicU64::new(0),
            last_sign: AtomicU64::new(0),
            unwell_since: AtomicU64::new(0),
            is_silent: AtomicBool::new(false),
            is_asked: AtomicBool::new(false),
            tend_now,
        }
    }

    /// A connection was lost or not obtained: something changed at the node.
    pub(crate) fn record_connection_error(&self) {
        self.record_error();
        self.tend_now.notify_one();
    }

    /// A command failed in a way that says the node is in trouble.
    pub(crate) fn record_error(&self) {
        let errors = self.errors.fetch_add(1, Ordering::Relaxed) + 1;
        if errors == self.max_errors.load(Ordering::Relaxed) {
            self.metrics.happened(Happening::BreakerOpened);
            self.metrics.tell(NodeEvent::BreakerOpened);
            self.tend_now.notify_one();
        }
    }

    /// Whether the node failed too often in this window to be asked again.
    pub(crate) fn is_tripped(&self) -> bool {
        let most = self.max_errors.load(Ordering::Relaxed);
        most > 0 && self.errors.load(Ordering::Relaxed) >= most
    }

    pub(crate) fn set_max_errors(&self, most: u32) {
        self.max_errors.store(most, Ordering::Relaxed);
    }

    /// Failures in this window.
    pub(crate) fn errors(&self) -> u32 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Starts a new window.
    pub(crate) fn reset_errors(&self) {
        let errors = self.errors.swap(0, Ordering::Relaxed);
        let most = self.max_errors.load(Ordering::Relaxed);
        if most > 0 && errors >= most {
            self.metrics.tell(NodeEvent::BreakerClosed);
        }
    }

    pub(crate) fn record_answer(&self, now: Instant) {
        self.last_answer.store(self.stamp(now), Ordering::Relaxed);
        if self.is_silent() {
            self.wake();
        }
    }

    /// The node was asked whether it is there, and is.
    pub(crate) fn record_sign(&self, now: Instant) {
        self.last_sign.store(self.stamp(now), Ordering::Relaxed);
        self.wake();
    }

    fn wake(&self) {
        if self.is_silent.swap(false, Ordering::Relaxed) {
            self.metrics.tell(NodeEvent::NodeAwake);
        }
    }

    fn stamp(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.base).as_millis() as u64 + 1
    }

    /// Whether there was any sign of the node, an answer included, at or after a moment.
    pub(crate) fn was_there_since(&self, moment: Instant) -> bool {
        let sign = self.last_sign.load(Ordering::Relaxed);
        self.answered_since(moment) || (sign > 0 && self.base + Duration::from_millis(sign) >= moment)
    }

    /// Whether the node answers nothing at all. Reads had better be sent to others.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent.load(Ordering::Relaxed)
    }

    /// Tending had an answer.
    pub(crate) fn record_well(&self) {
        self.unwell_since.store(0, Ordering::Relaxed);
    }

    /// Tending had none.
    pub(crate) fn record_unwell(&self, now: Instant) {
        let _ = self.unwell_since.compare_exchange(0, self.stamp(now), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether the node answers, as far as anybody knows: tending does not find it silent, or commands had answers since.
    pub(crate) fn is_answering(&self) -> bool {
        let unwell = self.unwell_since.load(Ordering::Relaxed);
        !self.is_silent() && (unwell == 0 || self.answered_since(self.base + Duration::from_millis(unwell)))
    }

    /// The node was asked whether it is there, and did not answer.
    pub(crate) fn record_silence(&self) {
        if !self.is_silent.swap(true, Ordering::Relaxed) {
            self.metrics.happened(Happening::FellSilent);
            self.metrics.tell(NodeEvent::NodeSilent);
            self.tend_now.notify_one();
        }
    }

    /// Begins to ask whether the node is there, unless somebody does; it ends when what is returned is dropped.
    pub(crate) fn begin_asking(self: &Arc<Self>) -> Option<Asking> {
        (!self.is_asked.swap(true, Ordering::Relaxed)).then(|| Asking(self.clone()))
    }

    /// Whether any answer came at or after a moment, to the millisecond.
    pub(crate) fn answered_since(&self, moment: Instant) -> bool {
        let at = self.last_answer.load(Ordering::Relaxed);
        at > 0 && self.base + Duration::from_millis(at) >= moment
    }
}

/// The question whether a node is there, while it is asked.
#[derive(Debug)]
pub(crate) struct Asking(Arc<Health>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.is_asked.store(false, Ordering::Relaxed);
    }
}
