//! The server's clock: milliseconds since 2010-01-01, the epoch of every time the protocol carries.
//!
//! The time is read once per request and handed down, so that one request sees one time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds from the Unix epoch to 2010-01-01T00:00:00Z.
pub(crate) const EPOCH_UNIX_SECONDS: u64 = 1_262_304_000;

/// A moment, in milliseconds since 2010-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    /// The present.
    pub(crate) fn now() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
        Self(unix.saturating_sub(EPOCH_UNIX_SECONDS * 1000))
    }

    /// A moment given in nanoseconds since the Unix epoch, as truncations give it; `None` before 2010.
    pub(crate) fn from_unix_nanos(nanos: u64) -> Option<Self> {
        (nanos / 1_000_000).checked_sub(EPOCH_UNIX_SECONDS * 1000).filter(|ms| *ms > 0).map(Self)
    }

    /// A moment given in seconds since 2010.
    pub(crate) fn of_seconds(seconds: u32) -> Self {
        Self(u64::from(seconds) * 1000)
    }

    /// A whole second that is so many seconds away, or a little more.
    pub(crate) fn after_seconds(self, seconds: u32) -> Self {
        Self((self.0 + u64::from(seconds) * 1000).next_multiple_of(1000))
    }

    /// Whole seconds since 2010: the unit of void times.
    pub(crate) fn seconds(self) -> u32 {
        (self.0 / 1000) as u32
    }
}
