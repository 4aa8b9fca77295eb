//! Commands on whatever matches: those that answer with records, and those that write them in the background.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aerospike_wire::proto::write_frame;
use aerospike_wire::{Digest, FieldType, Message, PartitionId, ProtoType, ResultCode};
use bytes::BytesMut;

use super::route::{Route, Served};
use super::{AggregateRun, Service, Step, fail, udf};
use crate::clock::Moment;
use crate::cluster::{End, Job, JobKind, NodeIndex, State};
use crate::command::udf::Call;
use crate::command::{QueryKind, is_excluded_unread};
use crate::query::{self, Portion, Query, QueryRun, RateLimit};
use crate::security::Reservation;

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
        let begun = shared.and_then(|shared| {
            let set = message.field(FieldType::SET).unwrap_or_default();
            self.guard.check_query(QueryKind::of(message)?, shared.name.as_bytes(), set)?;
            let mut query = Query::parse(message, namespace, shared)?;
            query.reservation = self.guard.reserve(query.kind, query.per_second)?;
            let state = Arc::clone(&self.state);
            Ok(match query.kind {
                QueryKind::Operations | QueryKind::Calls => {
                    start_background(query, body, &state, self.here, self.peer)?;
                    None
                }
                QueryKind::Aggregation => {
                    let run = AggregateRun::new(query, state, self.here, self.peer)?;
                    Some(Step::Aggregate(Box::new(run)))
                }
                QueryKind::Basic { .. } => {
                    Some(Step::Query(Box::new(QueryRun::new(query, state, self.here, self.peer)?)))
                }
            })
        });
        match begun {
            Ok(Some(step)) => return step,
            Ok(None) => write_frame(out, ProtoType::Message, |out| query::last(out, ResultCode::OK)),
            Err(code) => fail(out, code),
        }
        Step::Done
    }
}

/// Starts to write records or to call functions on them in the background, as a task of the node.
fn start_background(
    query: Query<'_>,
    body: &[u8],
    state: &Arc<State>,
    here: NodeIndex,
    from: SocketAddr,
) -> Result<(), ResultCode> {
    let node = state.nodes.get(here).ok_or(ResultCode::UNAVAILABLE)?;
    let kind = match query.kind {
        QueryKind::Calls => {
            let call = Call::parse(query.request.udf)?;
            JobKind::Calls { module: call.module, function: call.function }
        }
        _ => JobKind::Operations,
    };
    let job = node.jobs.start(query.about(state, kind, from))?;
    job.bytes.store(ACCEPTED_SIZE, Ordering::Relaxed);
    let running = Running { job, state: Arc::clone(state), here, _reservation: query.reservation };
    let (body, namespace) = (body.to_vec(), query.namespace);
    node.spawn_task(async move { running.run(&body, namespace).await });
    Ok(())
}

/// A query in the background. Its job ends with it, however it ends.
struct Running {
    job: Arc<Job>,
    state: Arc<State>,
    here: NodeIndex,
    /// What its user may do in a second and this query does; free again when it ends.
    _reservation: Option<Reservation>,
}

impl Running {
    async fn run(&self, body: &[u8], namespace: usize) {
        let Some(shared) = self.state.namespaces.get(namespace) else { return };
        // it was read before, but the index may be gone since
        let Ok(message) = Message::decode_exact(body) else { return };
        let Ok(mut query) = Query::parse(&message, namespace, shared) else { return };
        let mut rate_limit = RateLimit::new(query.per_second);
        for id in PartitionId::all() {
            for digest in self.find(&query, id) {
                if self.job.is_aborted() {
                    return;
                }
                query.request.digest = digest;
                let result = match query.kind {
                    QueryKind::Calls => self.call(&query).await,
                    _ => self.write(&query),
                };
                self.count(&query, result);
                if let Some(time) = rate_limit.count() {
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
        let is_wanted = |digest: &Digest| {
            let Some(record) = query::check(query, digest, &records, namespace, now) else { return false };
            let excluded = |filter| is_excluded_unread(filter, digest, record, namespace, now);
            let is_excluded = query.filter.as_ref().is_some_and(excluded);
            self.job.filtered_unread.fetch_add(u64::from(is_excluded), Ordering::Relaxed);
            !is_excluded
        };
        found.into_iter().map(|(_, digest)| digest).filter(is_wanted).collect()
    }

    /// Calls a function on one record and says what came of it. A record that is gone meanwhile is not made anew.
    async fn call(&self, query: &Query<'_>) -> ResultCode {
        let mut out = BytesMut::new();
        let (request, deadline) = (&query.request, udf::deadline(0));
        match udf::call(&self.state, self.here, query.namespace, request, 0, deadline, &mut out).await {
            Served::NotRun(_) => ResultCode::UNAVAILABLE,
            Served::Done | Served::Unacknowledged(_) => result_of(&out),
        }
    }

    /// Writes one record and says what came of it.
    fn write(&self, query: &Query<'_>) -> ResultCode {
        let map = self.state.map();
        let (mut scratch, mut out) = (BytesMut::new(), BytesMut::new());
        let mut route =
            Route { state: &self.state, map: &map, here: self.here, now: Moment::now(), scratch: &mut scratch };
        match route.run(query.namespace, &query.request, 0, &mut out) {
            Served::NotRun(_) => ResultCode::UNAVAILABLE,
            Served::Done | Served::Unacknowledged(_) => result_of(&out),
        }
    }

    fn count(&self, query: &Query<'_>, result: ResultCode) {
        let counter: &AtomicU64 = match result {
            ResultCode::OK => &self.job.succeeded,
            ResultCode::FILTERED_OUT => &self.job.filtered,
            // the record went meanwhile
            ResultCode::NOT_FOUND if query.kind == QueryKind::Calls => return,
            _ => &self.job.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The result in an answer.
fn result_of(answer: &[u8]) -> ResultCode {
    const RESULT: usize = 5;
    ResultCode(answer.get(RESULT).copied().unwrap_or_default())
}

impl Drop for Running {
    fn drop(&mut self) {
        let end = if self.job.is_aborted() { End::Aborted } else { End::Done };
        if let Some(node) = self.state.nodes.get(self.here) {
            node.jobs.finish(&self.job, end);
        }
    }
}
