//! Moments after which nobody waits any longer.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A moment to give up at, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(Option<Instant>);

/// The deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elapsed;

impl Deadline {
    /// No deadline.
    pub(crate) const NEVER: Self = Self(None);

    /// `ms` milliseconds after `start`; 0 is never, as in every policy.
    pub(crate) fn after(start: Instant, ms: u32) -> Self {
        if ms == 0 { Self::NEVER } else { Self::within(start, Duration::from_millis(ms.into())) }
    }

    pub(crate) const fn at(moment: Instant) -> Self {
        Self(Some(moment))
    }

    /// A span after `start`; spans that no clock can reach are never.
    pub(crate) fn within(start: Instant, span: Duration) -> Self {
        Self(start.checked_add(span))
    }

    /// Whichever comes first.
    pub(crate) fn earlier(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Self(Some(a.min(b))),
            (a, b) => Self(a.or(b)),
        }
    }

    /// Whether `now` is too late.
    pub(crate) fn has_passed(self, now: Instant) -> bool {
        self.0.is_some_and(|at| at <= now)
    }

    /// What is left from `now` on; `None` when there is no deadline.
    pub(crate) fn remaining(self, now: Instant) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(now))
    }

    /// The timeout to tell a server: the smaller of the time left and the socket timeout, in ms, at least 1 when
    /// there is any limit, 0 when there is none (protocol section 2.1).
    pub(crate) fn server_timeout(self, now: Instant, socket_timeout: u32) -> u32 {
        let left = self.remaining(now).map(|d| u32::try_from(d.as_millis()).unwrap_or(u32::MAX).max(1));
        match (left, socket_timeout) {
            (Some(left), 0) => left,
            (Some(left), socket) => left.min(socket),
            (None, socket) => socket,
        }
    }

    /// Waits for `future`, but not past the deadline.
    pub(crate) async fn bound<F: Future>(self, future: F) -> Result<F::Output, Elapsed> {
        match self.0 {
            Some(at) => tokio::time::timeout_at(at, future).await.map_err(|_| Elapsed),
            None => Ok(future.await),
        }
    }
}

/// A time that whoever waits looks up when it begins to. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct SharedTimeout(Arc<AtomicU64>);

impl SharedTimeout {
    pub(crate) fn new(time: Duration) -> Self {
        let shared = Self(Arc::default());
        shared.set(time);
        shared
    }

    pub(crate) fn get(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, time: Duration) {
        self.0.store(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_milliseconds_is_never() {
        let now = Instant::now();
        assert_eq!(Deadline::after(now, 0), Deadline::NEVER);
        assert!(!Deadline::NEVER.has_passed(now));
        assert!(Deadline::after(now, 5).has_passed(now + Duration::from_millis(5)));
    }

    #[test]
    fn a_server_is_told_the_smaller_limit() {
        let now = Instant::now();
        let total = Deadline::after(now, 1000);
        assert_eq!(total.server_timeout(now, 30_000), 1000);
        assert_eq!(total.server_timeout(now, 200), 200);
        assert_eq!(total.server_timeout(now, 0), 1000);
        assert_eq!(total.server_timeout(now + Duration::from_secs(2), 0), 1, "a passed deadline is not 'no limit'");
        assert_eq!(Deadline::NEVER.server_timeout(now, 0), 0);
    }

    #[test]
    fn the_earlier_deadline_wins() {
        let now = Instant::now();
        let (a, b) = (Deadline::after(now, 1), Deadline::after(now, 2));
        assert_eq!(a.earlier(b), a);
        assert_eq!(b.earlier(a), a);
        assert_eq!(a.earlier(Deadline::NEVER), a);
    }
}
