//! How much a user does at one node, and how much is allowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aerospike_wire::admin::Usage;
use parking_lot::Mutex;

/// Records by second: those of the second that runs, and how many the one before it had.
#[derive(Debug, Default)]
struct Window {
    second: u64,
    count: u32,
    before: u32,
}

impl Window {
    fn at(&mut self, second: u64) -> &mut Self {
        if second != self.second {
            self.before = if second == self.second + 1 { self.count } else { 0 };
            (self.second, self.count) = (second, 0);
        }
        self
    }
}

/// What a user reads, or writes, at one node.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    window: Mutex<Window>,
    /// Records in a second that queries with a limit may take together.
    reserved: AtomicU32,
    /// Queries without a limit.
    limitless: AtomicU32,
}

impl Meter {
    /// Counts a record, unless that would be one too many for this second. A quota of 0 allows any number.
    pub(crate) fn count(&self, second: u64, quota: u32) -> bool {
        let mut window = self.window.lock();
        let window = window.at(second);
        let room = quota == 0 || window.count.saturating_add(self.reserved.load(Ordering::Relaxed)) < quota;
        if room {
            window.count = window.count.saturating_add(1);
        }
        room
    }

    /// Sets records in a second aside for a query, until the reservation is dropped; `None` when there are not as many
    /// left. A query that names no limit is counted and not limited.
    pub(crate) fn reserve(self: &Arc<Self>, per_second: u32, quota: u32) -> Option<Reservation> {
        if per_second == 0 {
            self.limitless.fetch_add(1, Ordering::Relaxed);
            return Some(Reservation { meter: Arc::clone(self), per_second });
        }
        let fits = |reserved: u32| {
            let sum = reserved.checked_add(per_second)?;
            (quota == 0 || sum <= quota).then_some(sum)
        };
        self.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Reservation { meter: Arc::clone(self), per_second })
    }

    /// What it comes to, as lists of users tell it: of the last whole second.
    pub(crate) fn usage(&self, second: u64, quota: u32) -> Usage {
        Usage {
            quota,
            single_record_tps: self.window.lock().at(second).before,
            query_rps_limited: self.reserved.load(Ordering::Relaxed),
            query_limitless: self.limitless.load(Ordering::Relaxed),
        }
    }
}

/// What a query set aside.
#[derive(Debug)]
pub(crate) struct Reservation {
    meter: Arc<Meter>,
    per_second: u32,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.per_second == 0 {
            self.meter.limitless.fetch_sub(1, Ordering::Relaxed);
        } else {
            self.meter.reserved.fetch_sub(self.per_second, Ordering::Relaxed);
        }
    }
}

/// What a user does at one node.
#[derive(Debug, Default)]
pub(crate) struct AtNode {
    pub(crate) reads: Arc<Meter>,
    pub(crate) writes: Arc<Meter>,
    /// Connections that are logged in as the user.
    pub(crate) connections: AtomicU32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_room_for_its_quota() {
        let meter = Meter::default();
        assert_eq!((0..5).filter(|_| meter.count(7, 3)).count(), 3);
        assert!(meter.count(8, 3), "the next second begins anew");
        assert_eq!(meter.usage(8, 3).single_record_tps, 3);
        assert_eq!(meter.usage(20, 3).single_record_tps, 0);
        assert_eq!((0..500).filter(|_| meter.count(9, 0)).count(), 500);
    }

    #[test]
    fn queries_set_their_limit_aside_while_they_run() {
        let meter = Arc::new(Meter::default());
        let first = meter.reserve(60, 100).unwrap();
        assert!(meter.reserve(60, 100).is_none());
        assert_eq!((0..100).filter(|_| meter.count(1, 100)).count(), 40);
        let limitless = meter.reserve(0, 100).unwrap();
        assert_eq!((meter.usage(1, 100).query_rps_limited, meter.usage(1, 100).query_limitless), (60, 1));
        drop((first, limitless));
        assert_eq!((meter.usage(1, 100).query_rps_limited, meter.usage(1, 100).query_limitless), (0, 0));
    }
}
