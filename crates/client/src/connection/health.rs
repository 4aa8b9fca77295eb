//! What its connections say about a node: how often they failed in this window, and when it last answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The health of one node. Written by its connections, read by whoever chooses a node.
#[derive(Debug)]
pub(crate) struct Health {
    /// Failures within a window that trip the breaker; 0 for none.
    max_errors: u32,
    errors: AtomicU32,
    base: Instant,
    /// Milliseconds from `base` to the last answer, plus 1; 0 before the first.
    last_answer: AtomicU64,
    /// Notified to have the nodes looked at before the next tend is due.
    tend_now: Arc<Notify>,
}

impl Health {
    pub(crate) fn new(max_errors: u32, tend_now: Arc<Notify>) -> Self {
        Self { max_errors, errors: AtomicU32::new(0), base: Instant::now(), last_answer: AtomicU64::new(0), tend_now }
    }

    /// A connection was lost or not obtained: something changed at the node.
    pub(crate) fn record_connection_error(&self) {
        self.record_error();
        self.tend_now.notify_one();
    }

    /// A command failed in a way that says the node is in trouble.
    pub(crate) fn record_error(&self) {
        let errors = self.errors.fetch_add(1, Ordering::Relaxed) + 1;
        if errors == self.max_errors {
            self.tend_now.notify_one();
        }
    }

    /// Whether the node failed too often in this window to be asked again.
    pub(crate) fn is_tripped(&self) -> bool {
        self.max_errors > 0 && self.errors.load(Ordering::Relaxed) >= self.max_errors
    }

    /// Starts a new window.
    pub(crate) fn reset_errors(&self) {
        self.errors.store(0, Ordering::Relaxed);
    }

    pub(crate) fn record_answer(&self, now: Instant) {
        let ms = now.saturating_duration_since(self.base).as_millis() as u64 + 1;
        self.last_answer.store(ms, Ordering::Relaxed);
    }

    /// Whether any answer came at or after a moment, to the millisecond.
    pub(crate) fn answered_since(&self, moment: Instant) -> bool {
        let at = self.last_answer.load(Ordering::Relaxed);
        at > 0 && self.base + Duration::from_millis(at) >= moment
    }
}
