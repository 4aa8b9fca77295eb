//! Answering with records, bit by bit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aerospike_wire::proto::write_frame;
use aerospike_wire::{Info3, MessageHeader, PartitionId, ProtoType, ResultCode};
use bytes::BytesMut;
use tokio::time::Instant;

use super::rate_limit::RateLimit;
use super::request::Query;
use super::walk;
use crate::clock::Moment;
use crate::cluster::{End, Job, JobKind, Measured, NodeIndex, PartitionMap, State};
use crate::command::Context;
use crate::command::QueryKind;
use crate::command::row::{self, Row};
use crate::store::{Entry, Partition};

/// Bytes of answers that go into one frame.
const BLOCK_SIZE: usize = 1024 * 1024;
/// How long a query runs before other connections have their turn.
const TURN: Duration = Duration::from_millis(10);
/// Records that are looked at before commands on their partition have theirs.
const HOLD: usize = 64;
/// How long a short query may take that does not say.
const SHORT_TIMEOUT: Duration = Duration::from_secs(1);

/// How far a query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// What it wrote is to be sent; then it goes on.
    More,
    /// As before, but it goes on only after a while.
    Wait(Duration),
    /// Its end is written.
    End,
}

/// Why a turn ended.
enum Stop {
    Full,
    Throttled(Duration),
    End(ResultCode),
}

/// A query that is being answered.
pub(crate) struct QueryRun<'f> {
    query: Query<'f>,
    state: Arc<State>,
    here: NodeIndex,
    /// What others see of it; short queries are not seen.
    job: Option<Arc<Job>>,
    /// The place of the partition that is next.
    next: usize,
    /// The partition that is being answered with, and what of it is left.
    current: Option<PartitionId>,
    pending: std::vec::IntoIter<Entry>,
    sent: u64,
    rate_limit: RateLimit,
    began: std::time::Instant,
    deadline: Option<Instant>,
    scratch: BytesMut,
}

impl<'f> QueryRun<'f> {
    /// Begins to answer at a node.
    pub(crate) fn new(
        query: Query<'f>,
        state: Arc<State>,
        here: NodeIndex,
        from: SocketAddr,
    ) -> Result<Self, ResultCode> {
        let is_short = query.kind == QueryKind::Basic { is_short: true };
        let node = state.nodes.get(here).ok_or(ResultCode::UNAVAILABLE)?;
        let job = if is_short {
            None
        } else {
            let kind = JobKind::Basic { partitions: query.portions.len(), resumed: query.resumed };
            Some(node.jobs.start(query.about(&state, kind, from))?)
        };
        let time = if query.timeout == 0 { SHORT_TIMEOUT } else { Duration::from_millis(query.timeout.into()) };
        Ok(Self {
            here,
            job,
            next: 0,
            current: None,
            pending: Vec::new().into_iter(),
            sent: 0,
            rate_limit: RateLimit::new(query.per_second),
            began: std::time::Instant::now(),
            deadline: is_short.then(|| Instant::now() + time),
            scratch: BytesMut::new(),
            query,
            state,
        })
    }

    /// How long the socket may stand still; `None` for ever.
    pub(crate) fn socket_timeout(&self) -> Option<Duration> {
        Some(self.query.socket_timeout).filter(|timeout| !timeout.is_zero())
    }

    /// Ends it because its client does not read.
    pub(crate) fn give_up(self) {
        self.finish(End::ResponseTimeout);
    }

    /// Writes the next bit.
    pub(crate) fn step(&mut self, out: &mut BytesMut) -> Progress {
        let start = out.len();
        let stop = write_frame(out, ProtoType::Message, |out| {
            let first = out.len();
            let stop = self.turn(out);
            if let (Stop::End(result), None) = (&stop, &self.job) {
                last(out, *result);
            }
            (stop, out.len() == first)
        });
        if stop.1 {
            out.truncate(start);
        }
        let progress = match stop.0 {
            Stop::Full => Progress::More,
            Stop::Throttled(time) => Progress::Wait(time),
            Stop::End(result) => {
                self.finish(if result == ResultCode::QUERY_ABORTED { End::Aborted } else { End::Done });
                if self.job.is_some() {
                    write_frame(out, ProtoType::Message, |out| last(out, result));
                }
                Progress::End
            }
        };
        if let Some(job) = &self.job {
            job.bytes.fetch_add((out.len() - start) as u64, Ordering::Relaxed);
        }
        progress
    }

    fn finish(&self, end: End) {
        if let (Some(job), Some(node)) = (&self.job, self.state.nodes.get(self.here)) {
            node.jobs.finish(job, end);
        }
    }

    /// Writes messages until the frame is full, others want to have their turn, or nothing is left.
    fn turn(&mut self, out: &mut BytesMut) -> Stop {
        let state = Arc::clone(&self.state);
        let map = state.map();
        let now = Moment::now();
        let full = out.len() + BLOCK_SIZE;
        // a short query runs in one go, as long as its time allows
        let until = self.deadline.is_none().then(|| Instant::now() + TURN);
        loop {
            if self.job.as_ref().is_some_and(|job| job.is_aborted()) {
                return Stop::End(ResultCode::QUERY_ABORTED);
            }
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Stop::End(ResultCode::TIMEOUT);
            }
            if out.len() >= full || until.is_some_and(|until| until <= Instant::now()) {
                return Stop::Full;
            }
            match self.current.filter(|_| self.pending.len() > 0) {
                Some(id) => {
                    let Some(mut records) = self.open(&state, &map, id) else {
                        self.pending = Vec::new().into_iter();
                        unavailable(out, id);
                        continue;
                    };
                    if let Some(stop) = self.rows(&state, &mut records, now, full, out) {
                        return stop;
                    }
                }
                None => {
                    let Some(portion) = self.query.portions.get(self.next).copied() else {
                        return Stop::End(ResultCode::OK);
                    };
                    self.next += 1;
                    if let Some(job) = &self.job {
                        job.visited.store(self.next, Ordering::Relaxed);
                    }
                    let namespace = state.namespaces.get(self.query.namespace);
                    let (Some(mut records), Some(namespace)) = (self.open(&state, &map, portion.id), namespace) else {
                        unavailable(out, portion.id);
                        continue;
                    };
                    let found = walk::find(&self.query, &portion, &mut records, namespace, now);
                    (self.current, self.pending) = (Some(portion.id), found.into_iter());
                }
            }
        }
    }

    /// A partition, if it is held here.
    fn open<'s>(
        &self,
        state: &'s State,
        map: &PartitionMap,
        id: PartitionId,
    ) -> Option<parking_lot::MutexGuard<'s, Partition>> {
        let store = state.nodes.get(self.here)?.stores.get(self.query.namespace)?;
        let namespace = state.namespaces.get(self.query.namespace)?;
        let is_here = map.holders(id).contains(&self.here) && state.is_available(namespace, id);
        is_here.then(|| store.lock(id))
    }

    /// Answers with records of one partition.
    fn rows(
        &mut self,
        state: &State,
        records: &mut Partition,
        now: Moment,
        full: usize,
        out: &mut BytesMut,
    ) -> Option<Stop> {
        let namespace = state.namespaces.get(self.query.namespace)?;
        let counters = &state.nodes.get(self.here)?.stores.get(self.query.namespace)?.counters;
        let context = Context {
            namespace,
            now,
            scratch: &mut self.scratch,
            edition: state.options.edition,
            counters,
            is_master: false,
        };
        for _ in 0..HOLD {
            if out.len() >= full {
                break;
            }
            let (value, digest) = self.pending.next()?;
            let Some(record) = walk::check(&self.query, &digest, records, namespace, now) else { continue };
            self.query.request.digest = digest;
            let value = self.query.lookup.is_some().then_some(value);
            let row = row::write(&self.query.request, self.query.filter.as_ref(), record, value, &context, out);
            // one that matches counts, whether anything of it is told or not
            self.sent += u64::from(matches!(row, Row::Written | Row::Empty));
            if let Some(job) = &self.job {
                let counter = match row {
                    Row::FilteredOut => &job.filtered,
                    Row::FilteredUnread => &job.filtered_unread,
                    Row::Written | Row::Empty => &job.succeeded,
                };
                counter.fetch_add(1, Ordering::Relaxed);
            }
            if self.query.sample == Some(self.sent) {
                return Some(Stop::End(ResultCode::OK));
            }
            if let Some(time) = self.rate_limit.count() {
                if let Some(job) = &self.job {
                    job.throttled.fetch_add(1, Ordering::Relaxed);
                }
                return Some(Stop::Throttled(time));
            }
        }
        None
    }
}

impl Drop for QueryRun<'_> {
    fn drop(&mut self) {
        self.finish(End::ConnectionLost); // unless it has ended otherwise
        let kind = if self.query.lookup.is_some() { Measured::IndexQuery } else { Measured::PrimaryQuery };
        if let Some(node) = self.state.nodes.get(self.here) {
            node.latencies.record(self.query.namespace, kind, self.began);
        }
    }
}

/// Says that a partition is not here, or is no longer.
fn unavailable(out: &mut BytesMut, id: PartitionId) {
    let header = MessageHeader {
        info3: Info3::PARTITION_DONE,
        result: ResultCode::UNAVAILABLE,
        generation: id.index() as u32,
        ..MessageHeader::default()
    };
    header.encode(out);
}

/// The message that ends an answer.
pub(crate) fn last(out: &mut BytesMut, result: ResultCode) {
    MessageHeader { info3: Info3::LAST, result, ..MessageHeader::default() }.encode(out);
}
