//! How fast a query may go.

use std::time::Duration;

use tokio::time::Instant;

/// What may come at once: without it a query would sleep after every record.
const SLICE: Duration = Duration::from_millis(10);

/// Counts records against a limit per second.
#[derive(Debug)]
pub(crate) struct RateLimit {
    start: Instant,
    /// 0 for no limit.
    per_second: u32,
    records: u64,
}

impl RateLimit {
    /// Starts to count.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { start: Instant::now(), per_second, records: 0 }
    }

    /// Counts a record, and says how long to wait before the next if that one came too early.
    pub(crate) fn count(&mut self) -> Option<Duration> {
        if self.per_second == 0 {
            return None;
        }
        self.records += 1;
        let due = Duration::from_secs_f64(self.records as f64 / f64::from(self.per_second));
        due.checked_sub(self.start.elapsed()).filter(|early| *early >= SLICE.min(due))
    }
}
