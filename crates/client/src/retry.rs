//! What is tried again, and how long is waited before.

use std::time::Duration;

use crate::error::Code;

/// The pause before the first retry is up to this, and twice as much before each next one.
const FIRST_PAUSE: Duration = Duration::from_millis(8);
const MAX_PAUSE: Duration = Duration::from_millis(250);

/// Whether an answer says that the row was turned away for now, and certainly not carried out: its partition is not
/// available, the record is busy, the device or the batch queues are overloaded.
pub(crate) fn is_refusal(code: Code) -> bool {
    const UNAVAILABLE: Code = Code(11);
    const KEY_BUSY: Code = Code(14);
    code == UNAVAILABLE || code == KEY_BUSY || is_overload(code)
}

/// Whether an answer says that the node has too much to do: its device, or its batch queues.
pub(crate) fn is_overload(code: Code) -> bool {
    const DEVICE_OVERLOAD: Code = Code(18);
    const BATCH_QUEUES_FULL: Code = Code(152);
    matches!(code, DEVICE_OVERLOAD | BATCH_QUEUES_FULL)
}

/// How long to wait before a retry, the first being number 1: exponential, with full jitter, so that the clients of a
/// node in trouble do not all come back at once.
pub(crate) fn pause(retry: u16, at_least: Duration) -> Duration {
    let first = FIRST_PAUSE.max(at_least);
    let most = first.saturating_mul(1 << u32::from(retry.saturating_sub(1)).min(8)).min(MAX_PAUSE.max(first));
    most.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        for (retry, most) in [(1, 8), (2, 16), (9, 250), (u16::MAX, 250)] {
            assert!((0..100).all(|_| pause(retry, Duration::ZERO) <= Duration::from_millis(most)));
        }
        assert!((0..100).all(|_| pause(1, Duration::from_secs(1)) <= Duration::from_secs(1)));
    }
}
