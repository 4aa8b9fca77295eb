//! Commands on whatever matches: those that answer with records, and those that write them in the background.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aerospike_wire::proto::write_frame;
use aerospike_wire::{Digest, Message, PartitionId, ProtoType, ResultCode};
use bytes::BytesMut;

use super::route::{Route, Served};
use super::{Service, Step, fail};
use crate::clock::Moment;
use crate::cluster::{NodeIndex, State};
use crate::query::{self, End, Job, JobKind, Pace, Portion, Query, QueryKind, QueryRun};

/// Bytes the answer to a query in the background has, which its job counts as sent.
const ACCEPTED_SIZE: u64 = 30;

impl Service {
    /// Begins a query. What is wrong with it is answered by a message that does not call itself the last.
    pub(super) fn query<'f>(
        &mut self,
        message: &Message<'f>,
        body: &[u8],
        namespace: usize,
        out: &mut BytesMut,
    ) -> Step<'f> {
        let shared = self.state.namespaces.get(namespace).ok_or(ResultCode::NAMESPACE_NOT_FOUND);
        let begun = shared.and_then(|shared| Query::parse(message, namespace, shared)).and_then(|query| {
            if query.kind == QueryKind::Operations {
                start_operations(&query, body, &self.state, self.here, self.peer)?;
                return Ok(None);
            }
            QueryRun::new(query, Arc::clone(&self.state), self.here, self.peer).map(Some)
        });
        match begun {
            Ok(Some(run)) => return Step::Query(Box::new(run)),
            Ok(None) => write_frame(out, ProtoType::Message, |out| query::last(out, ResultCode::OK)),
            Err(code) => fail(out, code),
        }
        Step::Done
    }
}

/// Starts to write records in the background, as a task of the node.
fn start_operations(
    query: &Query<'_>,
    body: &[u8],
    state: &Arc<State>,
    here: NodeIndex,
    from: SocketAddr,
) -> Result<(), ResultCode> {
    let node = state.nodes.get(here).ok_or(ResultCode::UNAVAILABLE)?;
    let job = node.jobs.start(query.about(state, JobKind::Operations, from))?;
    job.bytes.store(ACCEPTED_SIZE, Ordering::Relaxed);
    let running = Running { job, state: Arc::clone(state), here };
    let (body, namespace) = (body.to_vec(), query.namespace);
    node.spawn_task(async move { running.run(&body, namespace).await });
    Ok(())
}

/// A query in the background. Its job ends with it, however it ends.
struct Running {
    job: Arc<Job>,
    state: Arc<State>,
    here: NodeIndex,
}

impl Running {
    async fn run(&self, body: &[u8], namespace: usize) {
        let Some(shared) = self.state.namespaces.get(namespace) else { return };
        // it was read before, but the index may be gone since
        let Ok(message) = Message::decode_exact(body) else { return };
        let Ok(mut query) = Query::parse(&message, namespace, shared) else { return };
        let mut pace = Pace::new(query.per_second);
        for id in PartitionId::all() {
            for digest in self.find(&query, id) {
                if self.job.is_aborted() {
                    return;
                }
                query.request.digest = digest;
                self.count(self.write(&query));
                if let Some(time) = pace.count() {
                    self.job.throttled.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(time).await;
                }
            }
            self.job.visited.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    }

    /// The records to write in a partition whose master is here.
    fn find(&self, query: &Query<'_>, id: PartitionId) -> Vec<Digest> {
        let map = self.state.map();
        let store = self.state.nodes.get(self.here).and_then(|node| node.stores.get(query.namespace));
        let (Some(store), Some(namespace)) = (store, self.state.namespaces.get(query.namespace)) else {
            return Vec::new();
        };
        if map.holders(id).first() != Some(&self.here) {
            return Vec::new();
        }
        let now = Moment::now();
        let mut records = store.lock(id);
        let found = query::find(query, &Portion { id, after: None }, &mut records, namespace, now);
        let digests = found.into_iter().map(|(_, digest)| digest);
        digests.filter(|digest| query::check(query, digest, &records, namespace, now).is_some()).collect()
    }

    /// Writes one record and says what came of it.
    fn write(&self, query: &Query<'_>) -> ResultCode {
        /// Where the result is in an answer.
        const RESULT: usize = 5;
        let map = self.state.map();
        let (mut scratch, mut out) = (BytesMut::new(), BytesMut::new());
        let mut route =
            Route { state: &self.state, map: &map, here: self.here, now: Moment::now(), scratch: &mut scratch };
        match route.run(query.namespace, &query.request, 0, &mut out) {
            Served::NotRun(_) => ResultCode::UNAVAILABLE,
            Served::Done | Served::Unacknowledged(_) => ResultCode(out.get(RESULT).copied().unwrap_or_default()),
        }
    }

    fn count(&self, result: ResultCode) {
        let counter: &AtomicU64 = match result {
            ResultCode::OK => &self.job.succeeded,
            ResultCode::FILTERED_OUT => &self.job.filtered,
            _ => &self.job.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let end = if self.job.is_aborted() { End::Aborted } else { End::Done };
        if let Some(node) = self.state.nodes.get(self.here) {
            node.jobs.finish(&self.job, end);
        }
    }
}
