//! The first look at the nodes, which a client may be waiting for, and the last, which says whether anybody still looks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Whether the nodes were looked at, and whoever waits for that.
#[derive(Debug, Default)]
pub(crate) struct FirstLook {
    is_over: AtomicBool,
    over: Notify,
}

impl FirstLook {
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    pub(crate) fn end(&self) {
        if !self.is_over.swap(true, Ordering::AcqRel) {
            self.over.notify_waiters();
        }
    }

    /// Waits until the nodes were looked at, whatever was found. Rarely needed, and small for those who never need it.
    pub(crate) fn wait(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let over = self.over.notified();
                if self.is_over() {
                    return;
                }
                over.await;
            }
        })
    }
}

/// When the nodes were looked at last.
#[derive(Debug)]
pub(crate) struct LastTend {
    base: Instant,
    /// Milliseconds from `base`.
    at: AtomicU64,
}

impl Default for LastTend {
    fn default() -> Self {
        Self { base: Instant::now(), at: AtomicU64::new(0) }
    }
}

impl LastTend {
    pub(crate) fn record(&self) {
        self.at.store(self.base.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// How long ago that was; since the client was made, before the first.
    pub(crate) fn age(&self) -> Duration {
        self.base.elapsed().saturating_sub(Duration::from_millis(self.at.load(Ordering::Relaxed)))
    }
}
