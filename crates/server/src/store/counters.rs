//! What a node counts of the transactions of a namespace, under the names of the real server's statistics.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($name:ident $variant:ident,)*) => {
        /// Something that is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Counted {
            $($variant,)*
        }

        const NAMES: &[&str] = &[$(stringify!($name),)*];
        const COUNT: usize = NAMES.len();
    };
}

counters! {
    fail_mrt_blocked Blocked,
    fail_mrt_version_mismatch VersionMismatch,
    mrt_verify_read_success VerifySuccess,
    mrt_verify_read_error VerifyError,
    mrt_roll_forward_success RollForwardSuccess,
    mrt_roll_back_success RollBackSuccess,
    mrt_monitor_roll_forward_success MonitorRollForwardSuccess,
    mrt_monitor_roll_back_success MonitorRollBackSuccess,
    mrt_monitor_roll_tombstone_creates MonitorRollTombstoneCreates,
}

/// What cannot happen where records are in memory and at hand, and is told all the same.
const NEVER: &[&str] = &[
    "mrt_verify_read_timeout",
    "mrt_roll_forward_error",
    "mrt_roll_forward_timeout",
    "mrt_roll_back_error",
    "mrt_roll_back_timeout",
    "mrt_monitor_roll_forward_error",
    "mrt_monitor_roll_forward_timeout",
    "mrt_monitor_roll_back_error",
    "mrt_monitor_roll_back_timeout",
];

/// The counts of one node and namespace.
#[derive(Debug)]
pub(crate) struct Counters([AtomicU64; COUNT]);

impl Default for Counters {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Counters {
    /// Counts something.
    pub(crate) fn add(&self, what: Counted) {
        if let Some(counter) = self.0.get(what as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every count with its name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counted = NAMES.iter().zip(&self.0).map(|(name, count)| (*name, count.load(Ordering::Relaxed)));
        counted.chain(NEVER.iter().map(|name| (*name, 0)))
    }
}
