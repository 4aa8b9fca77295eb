//! How long commands took, in the form of the real server's histograms (protocol 4.6): for each kind of command the
//! share that took longer than 1, 2, 4, … milliseconds, over the last whole window of ten seconds. Before the first
//! window of a kind is over, there is nothing to tell.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::command::Request;

/// What is counted together.
const WINDOW: Duration = Duration::from_secs(10);
/// Bounds of the histogram: 1, 2, 4, … 65,536 milliseconds.
const BOUNDS: usize = 17;
/// Rows of a batch that are timed together, see [`RowTimer`].
const ROWS_TOGETHER: u64 = 32;

/// What is measured in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the server's own
pub(crate) enum Measured {
    Read,
    Write,
    Udf,
    BatchRead,
    BatchWrite,
    BatchUdf,
    PrimaryQuery,
    IndexQuery,
}

impl Measured {
    /// The histogram of a command on one record.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        match (request.in_batch, request.udf.is_some(), request.is_write()) {
            (false, true, _) => Self::Udf,
            (false, false, true) => Self::Write,
            (false, false, false) => Self::Read,
            (true, true, _) => Self::BatchUdf,
            (true, false, true) => Self::BatchWrite,
            (true, false, false) => Self::BatchRead,
        }
    }
}

/// The names of the histograms of a namespace, in the order of [`Measured`].
const KINDS: [&str; 8] =
    ["read", "write", "udf", "batch-sub-read", "batch-sub-write", "batch-sub-udf", "pi-query", "si-query"];

/// The histograms of a node.
#[derive(Debug)]
pub(crate) struct Latencies {
    batches: Histogram,
    namespaces: Vec<[Histogram; KINDS.len()]>,
}

impl Latencies {
    /// Histograms of so many namespaces.
    pub(crate) fn new(namespaces: usize) -> Self {
        Self { batches: Histogram::default(), namespaces: (0..namespaces).map(|_| Default::default()).collect() }
    }

    /// Counts something that began at `began` and ends now.
    pub(crate) fn record(&self, namespace: usize, kind: Measured, began: Instant) {
        let now = Instant::now();
        self.add(namespace, kind, now, now - began, 1);
    }

    /// Counts a batch that began at `began` and ends now.
    pub(crate) fn record_batch(&self, began: Instant) {
        let now = Instant::now();
        self.batches.add(now, now - began, 1);
    }

    fn add(&self, namespace: usize, kind: Measured, now: Instant, took: Duration, count: u64) {
        if let Some(histogram) = self.namespaces.get(namespace).and_then(|all| all.get(kind as usize)) {
            histogram.add(now, took, count);
        }
    }

    /// Every histogram with its name, for namespaces of these names.
    pub(crate) fn texts<'l>(&'l self, names: impl Iterator<Item = &'l str>) -> Vec<(String, String)> {
        let now = Instant::now();
        let mut texts = vec![("batch-index".to_owned(), self.batches.text(now))];
        for (name, histograms) in names.zip(&self.namespaces) {
            let named = KINDS.iter().zip(histograms);
            texts.extend(named.map(|(kind, histogram)| (format!("{{{name}}}-{kind}"), histogram.text(now))));
        }
        texts
    }
}

/// Times the rows of a batch. Looking at the clock for each would cost as much as some rows do, so up to
/// [`ROWS_TOGETHER`] of a kind share what they took together evenly. Where that is less than a millisecond, as it all but
/// always is, no row can have taken longer, and the histogram is exact.
pub(crate) struct RowTimer<'l> {
    latencies: &'l Latencies,
    began: Instant,
    what: Option<(usize, Measured)>,
    rows: u64,
}

impl<'l> RowTimer<'l> {
    /// Begins now.
    pub(crate) fn new(latencies: &'l Latencies) -> Self {
        Self { latencies, began: Instant::now(), what: None, rows: 0 }
    }

    /// Says that a row is about to run.
    pub(crate) fn begin(&mut self, namespace: usize, kind: Measured) {
        if self.what != Some((namespace, kind)) || self.rows == ROWS_TOGETHER {
            self.flush();
            self.what = Some((namespace, kind));
        }
    }

    /// Says that it has run. Rows that wait are counted when they end.
    pub(crate) fn end(&mut self) {
        self.rows += 1;
    }

    fn flush(&mut self) {
        let now = Instant::now();
        let took = now - std::mem::replace(&mut self.began, now);
        let rows = std::mem::take(&mut self.rows);
        if let (Some((namespace, kind)), Some(each)) = (self.what, took.checked_div(rows as u32)) {
            self.latencies.add(namespace, kind, now, each, rows);
        }
    }
}

impl Drop for RowTimer<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

/// How many took less than a millisecond, less than two, less than four and so on.
type Counts = [u64; BOUNDS + 1];

#[derive(Debug, Default)]
struct Histogram(Mutex<Windows>);

#[derive(Debug, Default)]
struct Windows {
    /// When the current window began; the first begins with the first sample.
    began: Option<Instant>,
    current: Counts,
    /// The last one that is over.
    last: Option<Counts>,
}

impl Windows {
    fn turn(&mut self, now: Instant) {
        let Some(began) = self.began else { return };
        let windows = now.saturating_duration_since(began).as_secs() / WINDOW.as_secs();
        if windows == 0 {
            return;
        }
        let over = std::mem::take(&mut self.current);
        // windows in which nothing happened are over too
        self.last = Some(if windows == 1 { over } else { Counts::default() });
        self.began = Some(began + WINDOW * u32::try_from(windows).unwrap_or(u32::MAX));
    }
}

impl Histogram {
    fn add(&self, now: Instant, took: Duration, count: u64) {
        let mut windows = self.0.lock();
        windows.turn(now);
        windows.began.get_or_insert(now);
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let slot = (u64::BITS - millis.leading_zeros()) as usize;
        if let Some(counter) = windows.current.get_mut(slot.min(BOUNDS)) {
            *counter += count;
        }
    }

    /// `msec`, commands a second, and the percentages beyond each bound.
    fn text(&self, now: Instant) -> String {
        let mut windows = self.0.lock();
        windows.turn(now);
        let Some(counts) = &windows.last else { return String::new() };
        let all: u64 = counts.iter().sum();
        let mut text = format!("msec,{:.1}", all as f64 / WINDOW.as_secs_f64());
        for bound in 1..=BOUNDS {
            let beyond: u64 = counts.iter().skip(bound).sum();
            let percent = if all == 0 { 0.0 } else { beyond as f64 * 100.0 / all as f64 };
            let _ = write!(text, ",{percent:.2}"); // writing to a string cannot fail
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_tells_of_the_window_that_is_over() {
        let histogram = Histogram::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(histogram.text(start), "");
        for millis in [0, 0, 0, 1, 2, 3, 5, 1_000_000] {
            histogram.add(at(1), Duration::from_millis(millis), 5);
        }
        assert_eq!(histogram.text(at(10)), "", "the window began with the first sample");
        histogram.add(at(12), Duration::ZERO, 1);
        let rest = ",12.50".repeat(14);
        assert_eq!(histogram.text(at(12)), format!("msec,4.0,62.50,50.00,25.00{rest}"));
        assert_eq!(histogram.text(at(21)), format!("msec,0.1{}", ",0.00".repeat(17)));
        assert_eq!(histogram.text(at(99)), format!("msec,0.0{}", ",0.00".repeat(17)));
    }

    #[test]
    fn every_duration_has_its_place() {
        let histogram = Histogram::default();
        let now = Instant::now();
        for took in [Duration::ZERO, Duration::from_micros(1999), Duration::MAX] {
            histogram.add(now, took, 1);
        }
        let text = histogram.text(now + WINDOW);
        assert!(text.starts_with("msec,0.3,66.67,33.33,33.33,"), "{text}");
    }

    #[test]
    fn rows_are_counted_by_their_kind_and_those_that_wait_are_not() {
        let latencies = Latencies::new(2);
        let mut timer = RowTimer::new(&latencies);
        for row in 0..100 {
            timer.begin(1, if row < 70 { Measured::BatchRead } else { Measured::BatchWrite });
            if row != 50 {
                timer.end();
            }
        }
        drop(timer);
        let count = |kind: Measured| {
            let windows = latencies.namespaces[1][kind as usize].0.lock();
            windows.current.iter().sum::<u64>()
        };
        assert_eq!((count(Measured::BatchRead), count(Measured::BatchWrite), count(Measured::Read)), (69, 30, 0));
    }
}
