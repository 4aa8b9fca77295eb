//! What is counted at one node. It outlives the node: one that leaves and comes back goes on counting.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::series::{Counted, Series};
use super::{Answer, Feed, Happened, Kind, NodeEvent};
use crate::error::{Code, Failure};

/// Something that happens at a node now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Happening {
    /// A connection was opened.
    Opened,
    /// A connection could not be opened.
    DialFailed,
    /// The node failed so often that it is left alone until the next window.
    BreakerOpened,
    /// It answers nothing at all.
    FellSilent,
    /// It was asked for its state.
    Tended,
    /// It was, and did not answer as it should.
    TendFailed,
    /// A read was late, and asked of another replica too.
    Hedged,
}

const HAPPENINGS: usize = Happening::Hedged as usize + 1;

/// The counts of one node.
#[derive(Debug)]
pub(crate) struct NodeMetrics {
    pub(crate) name: Arc<str>,
    is_on: bool,
    feed: Arc<Feed>,
    series: [Series; Kind::ALL.len()],
    /// What the thread of inline I/O counts.
    inline: [Series; Kind::ALL.len()],
    happenings: [AtomicU64; HAPPENINGS],
}

impl NodeMetrics {
    pub(super) fn new(name: Arc<str>, is_on: bool, feed: Arc<Feed>) -> Self {
        let happenings = std::array::from_fn(|_| AtomicU64::new(0));
        Self { name, is_on, feed, series: Default::default(), inline: Default::default(), happenings }
    }

    /// Where a kind of command is counted; nowhere while metrics are off.
    pub(crate) fn of(&self, kind: Kind) -> Option<&Series> {
        if self.is_on { self.series.get(kind as usize) } else { None }
    }

    /// Counts a request that was answered with a record.
    pub(crate) fn answered(&self, kind: Kind, answer: Answer) {
        if let Some(series) = self.of(kind) {
            series.took(answer.took);
            series.bytes(answer.bytes_out, answer.bytes_in);
        }
    }

    /// The same for the thread of inline I/O.
    pub(crate) fn answered_inline(&self, kind: Kind, answer: Answer) {
        if self.is_on
            && let Some(series) = self.inline.get(kind as usize)
        {
            series.answered_alone(answer);
        }
    }

    /// Counts a request that failed, or was answered with another result than 0.
    pub(crate) fn failed(&self, kind: Kind, took: Duration, code: Code) {
        if let Some(series) = self.of(kind) {
            series.took(took);
            series.result(code, 1);
        }
    }

    pub(crate) fn happened(&self, what: Happening) {
        self.happened_to(what, 1);
    }

    /// The same for so many reads.
    pub(crate) fn happened_to(&self, what: Happening, count: usize) {
        if self.is_on
            && let Some(counter) = self.happenings.get(what as usize)
        {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    /// Tells whoever watches of something.
    pub(crate) fn tell(&self, event: NodeEvent) {
        self.feed.tell(|| self.happening(event));
    }

    /// Tells of a connection that could not be opened.
    pub(crate) fn tell_failure(&self, failure: &Failure) {
        self.feed.tell(|| Happened {
            code: failure.code,
            detail: failure.detail.clone(),
            ..self.happening(NodeEvent::ConnectionFailed)
        });
    }

    /// Counts what failed here and is tried again, and tells of it: a command, or so many rows of a batch.
    pub(crate) fn retried(&self, kind: Kind, code: Code, attempt: u32, rows: usize) {
        if let Some(series) = self.of(kind) {
            series.retried(rows.max(1) as u64);
        }
        self.feed.tell(|| {
            let rows = rows.try_into().unwrap_or(u32::MAX);
            Happened { code, kind: Some(kind), attempt, rows, ..self.happening(NodeEvent::Retry) }
        });
    }

    fn happening(&self, event: NodeEvent) -> Happened {
        Happened {
            event,
            node: self.name.clone(),
            at: Instant::now(),
            code: Code::OK,
            detail: Cow::Borrowed(""),
            kind: None,
            attempt: 0,
            rows: 0,
        }
    }

    pub(crate) fn times(&self, what: Happening) -> u64 {
        self.happenings.get(what as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    pub(crate) fn read(&self) -> Vec<(Kind, Counted)> {
        super::read_all(&self.series, &self.inline)
    }
}
