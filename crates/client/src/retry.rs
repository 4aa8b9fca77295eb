//! What is tried again, and how long is waited before: the one place that decides on retries.
//!
//! | what failed | tried again when | waits |
//! |---|---|---|
//! | a command | [`Code::is_retryable`], and it is not in doubt or is idempotent | [`COMMAND`]; not at all before the first attempt at another replica |
//! | anything whose connection was of a session that is over | [`Code::is_session_over`], once | nothing: another connection begins a session |
//! | a row of a batch | as a command, or [`is_refusal`] | [`COMMAND`] |
//! | a node that has no room for more rows | [`is_overload`] | [`COMMAND`], with half as many rows afterwards |
//! | a round of a query | [`query_may_recover`] | [`QUERY`] |
//! | a background job that was certainly not sent | [`Code::is_retryable`] | [`COMMAND`] |
//! | connecting to nodes that are still starting | always, until the connect timeout | [`SEEDS`] |
//! | opening a connection beside others | always, when it is needed | [`DIAL`] |
//!
//! How often is the caller's choice (`max_retries`) within the caller's time (`total_timeout`).

use std::time::Duration;

use aerospike_wire::ResultCode;

use crate::error::Code;

/// Exponential backoff with full jitter: a pause is a random time between zero and a limit that doubles from one
/// retry to the next. Without the randomness all clients of a node in trouble would come back at the same moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
}

/// For commands and rows. A server that turned a command away is usually free again within milliseconds, and one second
/// is all the time that a command has by default.
pub(crate) const COMMAND: Backoff = Backoff { first: Duration::from_millis(8), max: Duration::from_millis(250) };

/// For queries. The five retries that they have by default take 2.5 s on average: longer than the tends that it takes to
/// find a node that came back.
pub(crate) const QUERY: Backoff = Backoff { first: Duration::from_millis(200), max: Duration::from_secs(2) };

/// For nodes that answer and are still starting, which takes them a second or so.
pub(crate) const SEEDS: Backoff = Backoff { first: Duration::from_millis(100), max: Duration::from_millis(500) };

/// For another connection to a node that still has some: the commands can go over those meanwhile.
pub(crate) const DIAL: Backoff = Backoff { first: Duration::from_millis(100), max: Duration::from_millis(500) };

impl Backoff {
    /// How long to wait before a retry, the first being number 1.
    pub(crate) fn pause(self, retry: u32) -> Duration {
        self.limit(retry).mul_f64(fastrand::f64())
    }

    /// The same for a caller who wants to wait some time at least. It is added rather than compared, so that callers
    /// who want to wait equally long are spread as well.
    pub(crate) fn pause_at_least(self, least: Duration, retry: u32) -> Duration {
        least + self.pause(retry)
    }

    fn limit(self, retry: u32) -> Duration {
        // 2^16 times the first pause is beyond every maximum
        let doublings = retry.saturating_sub(1).min(16);
        self.first.saturating_mul(1 << doublings).min(self.max)
    }
}

const NOT_AUTHENTICATED: Code = Code::of(ResultCode::NOT_AUTHENTICATED);
const EXPIRED_SESSION: Code = Code::of(ResultCode::EXPIRED_SESSION);
const UNAVAILABLE: Code = Code::of(ResultCode::UNAVAILABLE);
const KEY_BUSY: Code = Code::of(ResultCode::KEY_BUSY);
const DEVICE_OVERLOAD: Code = Code::of(ResultCode::DEVICE_OVERLOAD);
const BATCH_QUEUES_FULL: Code = Code::of(ResultCode::BATCH_QUEUES_FULL);
const INDEX_NOT_FOUND: Code = Code::of(ResultCode::INDEX_NOT_FOUND);
const INDEX_NOT_READABLE: Code = Code::of(ResultCode::INDEX_NOT_READABLE);

impl Code {
    /// Whether another attempt may succeed where this one failed (protocol section 5.5).
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::TIMEOUT
                | UNAVAILABLE
                | DEVICE_OVERLOAD
                | Self::NO_MORE_CONNECTIONS
                | Self::CONNECTION
                | Self::MAX_ERROR_RATE
        )
    }

    /// Whether the server knows no user of the connection, or none any more: nothing was done, and another connection
    /// begins another session.
    pub(crate) const fn is_session_over(self) -> bool {
        matches!(self, NOT_AUTHENTICATED | EXPIRED_SESSION)
    }

    /// Whether a write that failed with this code after it was sent once may have been carried out.
    pub(crate) const fn leaves_doubt(self) -> bool {
        self.0 <= 0 || self.0 == Self::TIMEOUT.0
    }
}

/// Whether an answer says that the row was turned away for now, and certainly not carried out: its partition is not
/// available, the record is busy, the device or the batch queues are overloaded.
pub(crate) fn is_refusal(code: Code) -> bool {
    matches!(code, UNAVAILABLE | KEY_BUSY) || is_overload(code)
}

/// Whether an answer says that the node has too much to do: its device, or its batch queues.
pub(crate) fn is_overload(code: Code) -> bool {
    matches!(code, DEVICE_OVERLOAD | BATCH_QUEUES_FULL)
}

/// Whether another round of a query may succeed where a node failed. An index that no node knows does not exist; one that
/// some nodes know (`has_answers`) will be known to the others soon.
pub(crate) fn query_may_recover(code: Code, has_answers: bool) -> bool {
    code.is_retryable()
        || code.is_session_over()
        || matches!(code, Code::INVALID_NODE | Code::ASYNC_CONNECTION | INDEX_NOT_READABLE)
        || (code == INDEX_NOT_FOUND && has_answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Backoff; 4] = [COMMAND, QUERY, SEEDS, DIAL];

    #[test]
    fn the_limit_of_a_pause_doubles_up_to_a_maximum() {
        for backoff in ALL {
            assert_eq!(backoff.limit(1), backoff.first);
            assert_eq!(backoff.limit(2), backoff.first * 2);
            assert_eq!(backoff.limit(u32::MAX), backoff.max);
        }
    }

    #[test]
    fn pauses_are_spread_over_all_the_time_up_to_the_limit() {
        for backoff in ALL {
            let limit = backoff.limit(3);
            let pauses: Vec<_> = (0..200).map(|_| backoff.pause(3)).collect();
            assert!(pauses.iter().all(|pause| *pause <= limit));
            // each half is missed by 200 pauses once in 10^60 runs
            assert!(pauses.iter().any(|pause| *pause < limit / 2));
            assert!(pauses.iter().any(|pause| *pause > limit / 2));
        }
    }

    #[test]
    fn a_caller_who_wants_to_wait_does_so_and_is_spread_as_well() {
        let least = Duration::from_secs(1);
        let pauses: Vec<_> = (0..200).map(|_| COMMAND.pause_at_least(least, 1)).collect();
        assert!(pauses.iter().all(|pause| (least..=least + COMMAND.first).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause > least + COMMAND.first / 2));
    }

    #[test]
    fn the_retries_of_a_query_outlast_two_tends_on_average() {
        let total: Duration = (1..=5).map(|retry| QUERY.limit(retry)).sum();
        assert!(total / 2 >= Duration::from_secs(2), "{total:?}");
    }
}
