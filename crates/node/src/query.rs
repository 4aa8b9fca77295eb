//! Queries and background jobs as JavaScript sees them: a stream that is asked for one step after the other.

use std::collections::HashMap;
use std::sync::Arc;

use aerospike_core::wire::Info2;
use aerospike_core::{
    CommandPolicy, Cursor, Error as CoreError, Expected, Job, Query, QueryStream, Replica, Results, Step,
};
use bytes::Bytes;
use napi::bindgen_prelude::{BigInt, Buffer, BufferSlice, Env, PromiseRaw, Uint8Array};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::aggregation::{Aggregation, Order};
use crate::client::NativeClient;
use crate::completion::{failure, rejection};

/// What a query looks for, reads and may cost, encoded as far as it has a meaning (docs/internal/boundary.md).
#[napi(object, object_to_js = false)]
pub struct NativeQuerySpec {
    /// The namespace.
    pub namespace: String,
    /// The set; absent for the whole namespace.
    pub set: Option<String>,
    /// Index range, filter: fields in wire form, back to back.
    pub fields: Uint8Array,
    /// How many fields there are.
    pub field_count: u32,
    /// Read operations in wire form, back to back.
    pub ops: Uint8Array,
    /// How many operations there are.
    pub op_count: u32,
    /// It goes over a secondary index: records carry the value they were found by, and resuming sends it back.
    pub has_range: bool,
    /// Every operation has a result.
    pub respond_all: bool,
    /// Records come without bins.
    pub no_bins: bool,
    /// 0 long, 1 short, 2 long with relaxed consistency.
    pub duration: u32,
    /// Records after which it ends; 0 is no limit, here and in what follows.
    pub max_records: f64,
    /// Records per second from each node.
    pub records_per_second: u32,
    /// Nodes asked at once; 0 for all.
    pub concurrency: u32,
    /// The first partition.
    pub partition_begin: u32,
    /// How many there are.
    pub partition_count: u32,
    /// Where to go on, in place of the range of partitions.
    pub cursor: Option<Uint8Array>,
    /// Only these nodes.
    pub nodes: Option<Vec<String>>,
    /// As in request entries.
    pub replica: u32,
    /// Milliseconds.
    pub total_timeout: u32,
    /// Milliseconds.
    pub socket_timeout: u32,
    /// Rounds that bring nothing before it fails.
    pub max_retries: u32,
    /// Milliseconds.
    pub sleep_between_retries: u32,
    /// What is made of the values that the nodes made of their records.
    pub aggregation: Option<NativeAggregation>,
}

/// The last steps of an aggregation.
#[napi(object, object_to_js = false)]
pub struct NativeAggregation {
    /// The module's source.
    pub source: String,
    /// The module's name, without `.lua`.
    pub module: String,
    /// Source of the modules that it may require, by their names.
    pub libraries: HashMap<String, String>,
    /// The function.
    pub function: String,
    /// Its arguments, as a packed list.
    pub args: Uint8Array,
}

/// What a job does, and what starting it may cost.
#[napi(object, object_to_js = false)]
pub struct NativeJobSpec {
    /// The namespace.
    pub namespace: String,
    /// The set; absent for the whole namespace.
    pub set: Option<String>,
    /// Index range, filter, function: fields in wire form, back to back.
    pub fields: Uint8Array,
    /// How many fields there are.
    pub field_count: u32,
    /// Write operations in wire form, back to back.
    pub ops: Uint8Array,
    /// How many operations there are.
    pub op_count: u32,
    /// Write flags.
    pub info2: u32,
    /// The TTL directive of the writes.
    pub record_ttl: u32,
    /// Records per second on each node; 0 for the server's limit.
    pub records_per_second: u32,
    /// What servers are to know it by; random when absent.
    pub task_id: Option<BigInt>,
    /// Milliseconds.
    pub total_timeout: u32,
    /// Milliseconds.
    pub socket_timeout: u32,
    /// Attempts after the first, while nothing was sent.
    pub max_retries: u32,
    /// Milliseconds.
    pub sleep_between_retries: u32,
}

/// A job that was started, or was not.
#[napi(object, object_from_js = false)]
pub struct NativeJobReply {
    /// What servers know it by.
    pub task_id: BigInt,
    /// Why not every node took it on, as a failure completion.
    pub failure: Option<Buffer>,
}

/// Partitions that are done, of those asked for.
#[napi(object, object_from_js = false)]
pub struct NativeProgress {
    /// Partitions that are done.
    pub done: u32,
    /// Partitions in all.
    pub total: u32,
}

/// One step of a query.
#[napi(object, object_from_js = false)]
pub struct NativeQueryStep<'env> {
    /// 0 a page, 1 the end, 2 a failure.
    pub kind: u32,
    /// Whole messages back to back; of an aggregation, operations with a value each.
    pub page: Option<BufferSlice<'env>>,
    /// Records or values in the page.
    pub count: u32,
    /// Partitions that are done.
    pub done: u32,
    /// Partitions in all.
    pub total: u32,
    /// The failure, as a completion.
    pub failure: Option<BufferSlice<'env>>,
    /// At the end: the limit of records was reached, and the cursor leads on.
    pub more: Option<bool>,
}

const PAGE: u32 = 0;
const END: u32 = 1;
const FAILURE: u32 = 2;

/// A query. It ends when it is closed or collected.
#[napi]
pub struct NativeQuery {
    run: Run,
}

/// What gives the steps.
#[derive(Clone)]
enum Run {
    Records(Arc<QueryStream>),
    Values(Arc<Aggregation>),
}

impl Run {
    /// What the nodes give.
    fn stream(&self) -> &QueryStream {
        match self {
            Self::Records(stream) => stream,
            Self::Values(aggregation) => &aggregation.stream,
        }
    }

    async fn next(&self) -> Step {
        match self {
            Self::Records(stream) => stream.next().await,
            Self::Values(aggregation) => aggregation.next().await,
        }
    }

    fn close(&self) {
        match self {
            Self::Records(stream) => stream.close(),
            Self::Values(aggregation) => aggregation.close(),
        }
    }
}

#[napi]
impl NativeClient {
    /// Opens a query; work begins with its first step.
    #[napi]
    pub fn open_query(&self, mut spec: NativeQuerySpec) -> Result<NativeQuery> {
        let total_timeout = spec.total_timeout;
        let order = spec.aggregation.take().map(|aggregation| aggregation.into_order(total_timeout));
        let mut query = spec.into_core().map_err(rejection)?;
        if order.is_some() {
            query.results = Results::Values;
        }
        let stream = self.core.query(query);
        let run = match order {
            None => Run::Records(Arc::new(stream)),
            Some(order) => Run::Values(Arc::new(Aggregation::new(stream, order, self.runtime.clone()))),
        };
        Ok(NativeQuery { run })
    }

    /// Starts a background job on every node.
    #[napi(ts_return_type = "Promise<NativeJobReply>")]
    pub fn start_job<'env>(&self, env: &'env Env, spec: NativeJobSpec) -> Result<PromiseRaw<'env, NativeJobReply>> {
        let job = spec.into_core()?;
        let core = self.core.clone();
        env.spawn_future(async move {
            let reply = core.start_job(job).await;
            let failure = reply.outcome.err().map(|error| failure(error).into());
            Ok(NativeJobReply { task_id: reply.task_id.into(), failure })
        })
    }
}

#[napi]
impl NativeQuery {
    /// The next step; one call at a time.
    #[napi(ts_return_type = "Promise<NativeQueryStep>")]
    pub fn next<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, NativeQueryStep<'env>>> {
        let run = self.run.clone();
        let step = async move {
            let step = Crossing::from(run.next().await);
            Ok((step, run.stream().progress()))
        };
        env.spawn_future_with_callback(step, |env, (step, progress)| step.into_js(env, progress))
    }

    /// Where the query is, before the page that was handed out last.
    #[napi]
    pub fn cursor(&self) -> Buffer {
        self.run.stream().cursor().encode().into()
    }

    /// Partitions that are done, after the last step.
    #[napi]
    pub fn progress(&self) -> NativeProgress {
        let (done, total) = self.run.stream().progress();
        NativeProgress { done: done as u32, total: total as u32 }
    }

    /// Ends the query: its connections are closed, and a step that is waited for becomes the end.
    #[napi]
    pub fn close(&self) {
        self.run.close();
    }
}

/// A step on its way to the JavaScript thread, its bytes in one piece.
enum Crossing {
    Page { bytes: Bytes, count: u32 },
    End { more: bool },
    Failure(Vec<u8>),
}

impl From<Step> for Crossing {
    fn from(step: Step) -> Self {
        match step {
            Step::Page { mut chunks, count } => {
                let bytes = if chunks.len() == 1 { chunks.pop().unwrap_or_default() } else { chunks.concat().into() };
                Self::Page { bytes, count }
            }
            Step::End { more } => Self::End { more },
            Step::Failure(error) => Self::Failure(failure(error)),
        }
    }
}

impl Crossing {
    fn into_js(self, env: &Env, (done, total): (usize, usize)) -> Result<NativeQueryStep<'_>> {
        let step = NativeQueryStep {
            kind: END,
            page: None,
            count: 0,
            done: done as u32,
            total: total as u32,
            failure: None,
            more: None,
        };
        Ok(match self {
            Self::Page { bytes, count } => {
                NativeQueryStep { kind: PAGE, page: Some(BufferSlice::copy_from(env, &bytes)?), count, ..step }
            }
            Self::End { more } => NativeQueryStep { more: Some(more), ..step },
            Self::Failure(bytes) => {
                NativeQueryStep { kind: FAILURE, failure: Some(BufferSlice::copy_from(env, &bytes)?), ..step }
            }
        })
    }
}

fn refuse(what: &str) -> Error {
    Error::new(Status::InvalidArg, format!("the query is malformed: {what}"))
}

impl NativeQuerySpec {
    fn into_core(self) -> std::result::Result<Query, CoreError> {
        let from = match &self.cursor {
            Some(bytes) => Cursor::decode(bytes, self.has_range)?,
            None => Cursor::of_partitions(self.partition_begin, self.partition_count, self.has_range)?,
        };
        Ok(Query {
            namespace: self.namespace.into(),
            set: self.set.unwrap_or_default().into(),
            field_count: u16::try_from(self.field_count).unwrap_or(u16::MAX),
            fields: Bytes::copy_from_slice(&self.fields),
            op_count: u16::try_from(self.op_count).unwrap_or(u16::MAX),
            ops: Bytes::copy_from_slice(&self.ops),
            respond_all: self.respond_all,
            no_bins: self.no_bins,
            expected: match self.duration {
                0 => Expected::Long,
                1 => Expected::Short,
                _ => Expected::LongRelaxed,
            },
            results: Results::Records,
            max_records: self.max_records as u64,
            records_per_second: self.records_per_second,
            concurrency: self.concurrency,
            from,
            nodes: self.nodes.map(|names| names.into_iter().map(Arc::from).collect()),
            policy: CommandPolicy {
                total_timeout: self.total_timeout,
                socket_timeout: self.socket_timeout,
                sleep_between_retries: self.sleep_between_retries,
                max_retries: u16::try_from(self.max_retries).unwrap_or(u16::MAX),
                replica: replica_of(self.replica),
                idempotent: false,
                hedge: None,
            },
        })
    }
}

impl NativeAggregation {
    fn into_order(self, total_timeout: u32) -> Order {
        let Self { source, module, libraries, function, args } = self;
        Order { source, module, libraries, function, arguments: args.to_vec(), total_timeout }
    }
}

impl NativeJobSpec {
    fn into_core(self) -> Result<Job> {
        let task_id = match self.task_id.map(|id| id.get_u64()) {
            Some((false, id, true)) => Some(id),
            None => None,
            Some(_) => return Err(refuse("a task id has 64 bits and no sign")),
        };
        Ok(Job {
            namespace: self.namespace.into(),
            set: self.set.unwrap_or_default().into(),
            field_count: u16::try_from(self.field_count).unwrap_or(u16::MAX),
            fields: Bytes::copy_from_slice(&self.fields),
            op_count: u16::try_from(self.op_count).unwrap_or(u16::MAX),
            ops: Bytes::copy_from_slice(&self.ops),
            info2: Info2::from_bits_retain(self.info2 as u8) | Info2::WRITE,
            ttl: self.record_ttl,
            records_per_second: self.records_per_second,
            task_id,
            policy: CommandPolicy {
                total_timeout: self.total_timeout,
                socket_timeout: self.socket_timeout,
                sleep_between_retries: self.sleep_between_retries,
                max_retries: u16::try_from(self.max_retries).unwrap_or(u16::MAX),
                replica: Replica::Master,
                idempotent: false,
                hedge: None,
            },
        })
    }
}

fn replica_of(code: u32) -> Replica {
    match code {
        0 => Replica::Sequence,
        1 => Replica::Master,
        2 => Replica::Any,
        _ => Replica::PreferRack,
    }
}
