//! A histogram of durations: log-scaled, lock-free, and of one size whatever is put into it.
//!
//! Each power of two of microseconds has [`STEPS`] buckets of equal width, so that a percentile read from it is at most an
//! eighth above the truth, at 10 µs as at 10 s. What took longer than all of them counts in the last.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets of a power of two: 2 to the power of this.
const STEP_BITS: u32 = 3;
const STEPS: usize = 1 << STEP_BITS;
/// The largest power of two that has its own buckets: 2^26 µs are 67 s, and the last bucket ends at 134 s.
const MAX_POWER: u32 = 26;
const BUCKETS: usize = (MAX_POWER - STEP_BITS + 2) as usize * STEPS;

/// How long things took. Any number of threads may record at once.
#[derive(Debug)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    /// Nanoseconds of everything together.
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: std::array::from_fn(|_| AtomicU64::new(0)), sum: AtomicU64::new(0) }
    }
}

/// What was recorded so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// How long all of them took together.
    pub sum: Duration,
    /// The upper end of each bucket that is not empty, in microseconds, with what is in it, in order.
    pub buckets: Vec<(u64, u64)>,
}

impl Histogram {
    /// Adds one that took so long.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(place_of(micros)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(0), Ordering::Relaxed);
    }

    /// The same for the only thread that records here: it need not keep others out, which costs five times as much.
    pub(crate) fn record_alone(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(place_of(micros)) {
            add_alone(count, 1);
        }
        add_alone(&self.sum, u64::try_from(took.as_nanos()).unwrap_or(0));
    }

    /// What was recorded so far.
    pub fn read(&self) -> Latency {
        self.read_with(&Self::default())
    }

    /// What was recorded here and there.
    pub(crate) fn read_with(&self, other: &Self) -> Latency {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = self.counts.iter().zip(&other.counts).map(|(a, b)| load(a) + load(b)).enumerate();
        let buckets: Vec<(u64, u64)> = counts.filter(|(_, n)| *n > 0).map(|(at, n)| (end_of(at), n)).collect();
        Latency {
            count: buckets.iter().map(|(_, count)| count).sum(),
            sum: Duration::from_nanos(load(&self.sum) + load(&other.sum)),
            buckets,
        }
    }
}

/// Adds to a counter that no other thread adds to.
pub(crate) fn add_alone(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

fn place_of(micros: u64) -> usize {
    let power = micros.checked_ilog2().unwrap_or(0);
    if power < STEP_BITS {
        return micros as usize;
    }
    let step = (micros >> (power - STEP_BITS)) as usize & (STEPS - 1);
    (((power - STEP_BITS + 1) as usize) * STEPS + step).min(BUCKETS - 1)
}

/// The first number of microseconds above a bucket.
fn end_of(place: usize) -> u64 {
    let (group, step) = ((place / STEPS) as u32, (place % STEPS) as u64);
    match group.checked_sub(1) {
        None => step + 1,
        Some(shift) => (STEPS as u64 + step + 1) << shift,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_ends_at_most_an_eighth_behind_what_is_in_it(micros in 0u64..1 << (MAX_POWER + 1)) {
            let end = end_of(place_of(micros));
            prop_assert!(end > micros);
            prop_assert!(end - micros <= 1 + micros / 8, "{micros} is in the bucket that ends at {end}");
        }
    }

    #[test]
    fn buckets_follow_one_another_and_the_last_takes_what_is_beyond() {
        let ends: Vec<u64> = (0..BUCKETS).map(end_of).collect();
        assert!(ends.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(place_of(u64::MAX), BUCKETS - 1);
        assert_eq!(place_of((1 << (MAX_POWER + 1)) - 1), BUCKETS - 1);
        assert_eq!(ends.last(), Some(&(1 << (MAX_POWER + 1))));
    }

    #[test]
    fn what_is_recorded_by_many_threads_at_once_is_all_there() {
        let histogram = Histogram::default();
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let histogram = &histogram;
                scope.spawn(move || (0..1000).for_each(|_| histogram.record(Duration::from_millis(thread))));
            }
        });
        let read = histogram.read();
        assert_eq!((read.count, read.sum), (4000, Duration::from_secs(10)));
        assert_eq!(read.buckets.len(), 4);
    }
}
