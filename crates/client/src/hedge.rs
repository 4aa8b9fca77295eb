//! When a read that is slow is asked of another replica as well: after a time that the caller names, or after the time
//! within which nineteen of twenty answers of the node come; and only as long as the budget lasts.
//!
//! Nothing here is touched by calls that do not hedge.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::policy::{Hedge, HedgeAfter};

/// What a copy of one read costs, in the units of [`Hedge::budget`].
const COPY: u64 = 10_000;
/// Copies that may be saved up: enough for a large batch, and soon used up by a node that is late with everything.
const MOST_SAVED: u64 = 1000 * COPY;

/// What is left for copies. Every read that may be hedged adds its share, every copy of a read takes one.
#[derive(Debug, Default)]
pub(crate) struct Budget(AtomicU64);

impl Budget {
    /// Adds the share of so many reads.
    pub(crate) fn earn(&self, hedge: Hedge, reads: usize) {
        let share = u64::from(hedge.budget) * reads as u64;
        let _ =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| Some((saved + share).min(MOST_SAVED)));
    }

    /// Takes what copies of so many reads cost; `false` when that is more than there is.
    pub(crate) fn take(&self, reads: usize) -> bool {
        let cost = COPY * reads as u64;
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| saved.checked_sub(cost)).is_ok()
    }
}

/// The time within which nineteen of twenty answers of a node come, as a running estimate: an answer that took longer
/// moves it up by nineteen times what one that did not moves it down. It forgets, so it follows the node.
#[derive(Debug, Default)]
pub(crate) struct LatencyEstimate {
    /// Microseconds; 0 before the first answer.
    p95: AtomicU32,
    answers: AtomicU32,
}

/// Answers before the estimate is of use.
const ENOUGH: u32 = 20;
/// How far an answer moves the estimate, at most: a sixteenth of it.
const STEP: f32 = 1.0 / 16.0;

impl LatencyEstimate {
    /// Takes an answer into account. Of two at once one may be lost, which does not matter.
    pub(crate) fn note(&self, took: Duration) {
        let took = took.as_micros().clamp(1, u128::from(u32::MAX)) as u32;
        let old = self.p95.load(Ordering::Relaxed);
        let new = if old == 0 {
            took
        } else {
            let by = if took > old { STEP * 0.95 } else { STEP * -0.05 };
            // from one microsecond a sixteenth leads nowhere
            ((old.max(32) as f32) * (1.0 + by)) as u32
        };
        self.p95.store(new, Ordering::Relaxed);
        if self.answers.load(Ordering::Relaxed) < ENOUGH {
            self.answers.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How long to wait for an answer before another replica is asked too; `None` as long as that is not known.
    pub(crate) fn hedge_delay(&self, hedge: Hedge) -> Option<Duration> {
        match hedge.after {
            HedgeAfter::Millis(ms) => Some(Duration::from_millis(ms.into())),
            HedgeAfter::P95 => (self.answers.load(Ordering::Relaxed) >= ENOUGH)
                .then(|| Duration::from_micros(self.p95.load(Ordering::Relaxed).into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEDGE: Hedge = Hedge { after: HedgeAfter::P95, budget: 500 };

    #[test]
    fn a_budget_bounds_the_copies() {
        let budget = Budget::default();
        assert!(!budget.take(1));
        budget.earn(HEDGE, 19);
        assert!(!budget.take(1));
        budget.earn(HEDGE, 21);
        assert!(budget.take(2));
        assert!(!budget.take(1));
        budget.earn(HEDGE, 1_000_000);
        assert!(budget.take(1000));
        assert!(!budget.take(1));
    }

    #[test]
    fn the_estimate_is_above_nineteen_of_twenty_answers() {
        let latency = LatencyEstimate::default();
        assert_eq!(latency.hedge_delay(HEDGE), None);
        // evenly from 0 to 1000 µs, in an order that is no order
        let times: Vec<u64> = (0..20_000).map(|n| n * 7919 % 1000).collect();
        times.iter().for_each(|us| latency.note(Duration::from_micros(*us)));
        let late = |latency: &LatencyEstimate| {
            let p95 = latency.hedge_delay(HEDGE).unwrap().as_micros() as u64;
            times.iter().filter(|us| **us > p95).count() as f64 / times.len() as f64
        };
        assert!((0.005..0.15).contains(&late(&latency)), "{}", late(&latency));
        // a node that became ten times as slow
        times.iter().for_each(|us| latency.note(Duration::from_micros(*us * 10)));
        assert!(latency.hedge_delay(HEDGE).unwrap() > Duration::from_millis(7));
        assert_eq!(
            latency.hedge_delay(Hedge { after: HedgeAfter::Millis(3), budget: 1 }),
            Some(Duration::from_millis(3))
        );
    }
}
