//! Aggregations: a stream function over the records of each partition whose master is here (protocol 8.7).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aerospike_lua::{Failure, Input, Module, Particle, Phase, Target};
use aerospike_wire::proto::write_frame;
use aerospike_wire::{OpCode, ParticleType, PartitionId, ProtoType, ResultCode};
use bytes::BytesMut;

use super::udf::{aside, deadline};
use crate::clock::Moment;
use crate::cluster::{End, Job, JobKind, NodeIndex, State};
use crate::command::Reply;
use crate::command::udf::{self, Call};
use crate::query::{self, Portion, Query, RateLimit};

/// Milliseconds the function may take for one partition.
const SLICE_TIME: u32 = 30_000;
/// Bytes of values that go into one frame.
const BLOCK_SIZE: usize = 1024 * 1024;

/// An aggregation that is being answered. Its job ends with it, however it ends.
pub(crate) struct AggregateRun<'f> {
    query: Query<'f>,
    call: Call,
    module: Option<Module>,
    state: Arc<State>,
    here: NodeIndex,
    job: Arc<Job>,
    rate_limit: RateLimit,
    /// The partition that is next.
    next: u16,
    end: End,
}

impl<'f> AggregateRun<'f> {
    /// Begins to answer at a node.
    pub(super) fn new(
        query: Query<'f>,
        state: Arc<State>,
        here: NodeIndex,
        from: SocketAddr,
    ) -> Result<Self, ResultCode> {
        let call = Call::parse(query.request.udf)?;
        let node = state.nodes.get(here).ok_or(ResultCode::UNAVAILABLE)?;
        let job = node.jobs.start(query.about(&state, JobKind::Aggregation, from))?;
        let module = state.modules.find(&call.module);
        let rate_limit = RateLimit::new(query.per_second);
        Ok(Self { query, call, module, state, here, job, rate_limit, next: 0, end: End::ConnectionLost })
    }

    /// How long the socket may stand still; `None` for ever.
    pub(crate) fn socket_timeout(&self) -> Option<std::time::Duration> {
        Some(self.query.socket_timeout).filter(|timeout| !timeout.is_zero())
    }

    /// Says that its client does not read.
    pub(crate) fn give_up(&mut self) {
        self.end = End::ResponseTimeout;
    }

    /// Answers with the values of the next partition that has records; `false` when the end is written.
    pub(crate) async fn step(&mut self, out: &mut BytesMut) -> bool {
        let start = out.len();
        let goes_on = self.slice(out).await;
        self.job.bytes.fetch_add((out.len() - start) as u64, Ordering::Relaxed);
        goes_on
    }

    async fn slice(&mut self, out: &mut BytesMut) -> bool {
        loop {
            if self.job.is_aborted() {
                return self.finish(End::Aborted, ResultCode::QUERY_ABORTED, out);
            }
            let Some(id) = PartitionId::new(self.next) else { return self.finish(End::Done, ResultCode::OK, out) };
            self.next += 1;
            let (count, records) = self.records(id);
            self.job.visited.fetch_add(1, Ordering::Relaxed);
            if count == 0 {
                if id.index() % 256 == 0 {
                    tokio::task::yield_now().await;
                }
                continue;
            }
            self.job.succeeded.fetch_add(count, Ordering::Relaxed);
            for _ in 0..count {
                if let Some(time) = self.rate_limit.count() {
                    self.job.throttled.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(time).await;
                }
            }
            let (values, failure) = self.run(records).await;
            write_values(out, &values, b"SUCCESS");
            let Some(text) = failure else { return true };
            write_values(out, &[(ParticleType::STRING, text.into_bytes())], b"FAILURE");
            return self.finish(End::Failed, ResultCode::SERVER_ERROR, out);
        }
    }

    /// Runs the function over records: what came out, and why it failed if it did.
    async fn run(&self, records: Vec<Target>) -> (Vec<Particle>, Option<String>) {
        let Some(module) = self.module.clone() else { return (Vec::new(), Some("UDF: Execution Error 1".to_owned())) };
        let call = self.call.clone();
        let done = aside(deadline(SLICE_TIME), move |limits| {
            let (mut records, mut values) = (records.into_iter(), Vec::new());
            let input = || records.next().map(|record| Input::Record(Box::new(record)));
            let output = |value| {
                values.push(value);
                true
            };
            let result = module.run_stream(Phase::Server, &call.function, &call.arguments, limits, input, output);
            (values, result.err().as_ref().map(Failure::stream_text))
        });
        done.await.unwrap_or_else(|| (Vec::new(), Some("UDF: Execution Error 1".to_owned())))
    }

    /// How many records of a partition were found, and those of them that match.
    fn records(&self, id: PartitionId) -> (u64, Vec<Target>) {
        let map = self.state.map();
        let store = self.state.nodes.get(self.here).and_then(|node| node.stores.get(self.query.namespace));
        let (Some(store), Some(namespace)) = (store, self.state.namespaces.get(self.query.namespace)) else {
            return (0, Vec::new());
        };
        if map.holders(id).first() != Some(&self.here) {
            return (0, Vec::new());
        }
        let now = Moment::now();
        let mut records = store.lock(id);
        let found = query::find(&self.query, &Portion { id, after: None }, &mut records, namespace, now);
        let mut request = self.query.request.clone();
        let targets: Vec<Target> = found
            .into_iter()
            .filter_map(|(_, digest)| {
                let record = query::check(&self.query, &digest, &records, namespace, now)?;
                request.digest = digest;
                Some(udf::target(&request, Some(record), namespace, now))
            })
            .collect();
        (targets.len() as u64, targets)
    }

    fn finish(&mut self, end: End, result: ResultCode, out: &mut BytesMut) -> bool {
        self.end = end;
        write_frame(out, ProtoType::Message, |out| query::last(out, result));
        if let Some(node) = self.state.nodes.get(self.here) {
            node.jobs.finish(&self.job, end);
        }
        false
    }
}

impl Drop for AggregateRun<'_> {
    fn drop(&mut self) {
        if let Some(node) = self.state.nodes.get(self.here) {
            node.jobs.finish(&self.job, self.end); // unless it has ended otherwise
        }
    }
}

/// Writes values, each a message, into frames.
fn write_values(out: &mut BytesMut, values: &[Particle], name: &[u8]) {
    let mut rest = values.iter().peekable();
    while rest.peek().is_some() {
        write_frame(out, ProtoType::Message, |out| {
            let full = out.len() + BLOCK_SIZE;
            while out.len() < full
                && let Some((kind, bytes)) = rest.next()
            {
                let mut reply = Reply::begin(out, 0);
                reply.op(OpCode::Read as u8, *kind, name, bytes);
                reply.finish();
            }
        });
    }
}
