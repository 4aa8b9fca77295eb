//! What is counted of one kind of command: at one node, or of the calls of a client.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aerospike_wire::ResultCode;

use super::Answer;
use super::histogram::{Histogram, Latency, add_alone};
use crate::error::{CLIENT_CODES, Code};

/// Codes that are counted: those of servers, and as many below zero.
const CODES: usize = 256 + BELOW;
const BELOW: usize = 32;

const NOT_FOUND: Code = Code::of(ResultCode::NOT_FOUND);
const FILTERED_OUT: Code = Code::of(ResultCode::FILTERED_OUT);

/// Whether a result is an answer rather than a failure: there is no such record, or the filter left it out.
fn is_missing(code: Code) -> bool {
    code == NOT_FOUND || code == FILTERED_OUT
}

/// The counts, which only grow.
#[derive(Debug, Default)]
pub(crate) struct Series {
    latency: Histogram,
    rows: AtomicU64,
    missing: AtomicU64,
    bytes_out: AtomicU64,
    bytes_in: AtomicU64,
    retries: AtomicU64,
    in_doubt: AtomicU64,
    /// Failures by code; made with the first.
    failures: OnceLock<Box<[AtomicU64; CODES]>>,
}

/// What was counted so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counted {
    /// How many there were, and how long they took; failures included.
    pub latency: Latency,
    /// Records of batches and queries that were answered.
    pub rows: u64,
    /// Of all records those that do not exist, or that a filter left out.
    pub missing: u64,
    /// Bytes of requests.
    pub bytes_out: u64,
    /// Bytes of answers.
    pub bytes_in: u64,
    /// What was tried again after it failed here.
    pub retries: u64,
    /// Writes that may have been carried out although they failed.
    pub in_doubt: u64,
    /// Failures by code; of batches also those of single rows.
    pub failures: Vec<(Code, u64)>,
}

fn add(counter: &AtomicU64, n: u64) {
    if n > 0 {
        counter.fetch_add(n, Ordering::Relaxed);
    }
}

impl Series {
    pub(crate) fn took(&self, time: Duration) {
        self.latency.record(time);
    }

    /// Counts an answer where one thread alone counts.
    pub(crate) fn answered_alone(&self, answer: Answer) {
        self.latency.record_alone(answer.took);
        add_alone(&self.bytes_out, answer.bytes_out);
        add_alone(&self.bytes_in, answer.bytes_in);
    }

    pub(crate) fn took_alone(&self, time: Duration) {
        self.latency.record_alone(time);
    }

    pub(crate) fn bytes(&self, out: u64, received: u64) {
        add(&self.bytes_out, out);
        add(&self.bytes_in, received);
    }

    pub(crate) fn rows(&self, answered: u64) {
        add(&self.rows, answered);
    }

    pub(crate) fn retried(&self, times: u64) {
        add(&self.retries, times);
    }

    /// Counts a result that is not 0, so many times.
    pub(crate) fn result(&self, code: Code, times: u64) {
        if is_missing(code) {
            add(&self.missing, times);
        } else if times > 0 {
            let place = usize::try_from(i32::from(code.0) + BELOW as i32);
            let failures = self.failures.get_or_init(|| Box::new(std::array::from_fn(|_| AtomicU64::new(0))));
            if let Some(counter) = place.ok().and_then(|place| failures.get(place)) {
                add(counter, times);
            }
        }
    }

    pub(crate) fn doubted(&self, times: u64) {
        add(&self.in_doubt, times);
    }

    /// What was counted here, and there.
    pub(crate) fn read_with(&self, other: &Self) -> Counted {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let by_code =
            |(place, counter): (usize, &AtomicU64)| (Code((place as i32 - BELOW as i32) as i16), load(counter));
        let failures = self.failures.get().into_iter().flat_map(|all| all.iter().enumerate().map(by_code));
        Counted {
            latency: self.latency.read_with(&other.latency),
            rows: load(&self.rows),
            missing: load(&self.missing),
            bytes_out: load(&self.bytes_out) + load(&other.bytes_out),
            bytes_in: load(&self.bytes_in) + load(&other.bytes_in),
            retries: load(&self.retries),
            in_doubt: load(&self.in_doubt),
            failures: failures.filter(|(_, count)| *count > 0).collect(),
        }
    }
}

// every code of the client has a counter
const _: () = assert!(CLIENT_CODES.len() < BELOW);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart_by_code_and_what_is_missing_is_none() {
        let series = Series::default();
        for code in CLIENT_CODES.iter().map(|(code, ..)| *code).chain([Code::TIMEOUT, Code(255)]) {
            series.result(code, 2);
        }
        series.result(NOT_FOUND, 5);
        series.result(FILTERED_OUT, 1);
        let counted = series.read_with(&Series::default());
        assert_eq!(counted.failures.len(), CLIENT_CODES.len() + 2);
        assert!(counted.failures.iter().all(|(_, count)| *count == 2));
        assert_eq!((counted.failures[0].0, counted.failures.last().unwrap().0), (Code(-19), Code(255)));
        assert_eq!(counted.missing, 6);
    }
}
