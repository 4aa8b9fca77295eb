//! Functions on records. A function runs on a thread of its own kind, away from those that serve connections, and holds
//! neither a partition nor the partition map while it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aerospike_lua::{Applied, Failure, FailureKind, Limits, Target};
use aerospike_wire::ResultCode;
use aerospike_wire::proto::write_frame;
use aerospike_wire::{Message, ProtoType};
use bytes::BytesMut;
use tokio::time::Instant;

use super::route::{Route, Served};
use super::{Service, Step, fail};
use crate::clock::Moment;
use crate::cluster::{NodeIndex, State};
use crate::command::udf::{Call, Seen};
use crate::command::{Change, Reply, Request};
use crate::transaction::udf;

/// How long a function may take that is not told.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long any function may take.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);

/// When a function has to be over, for a request that allows so many milliseconds; 0 for the default.
pub(super) fn deadline(milliseconds: u32) -> Instant {
    let time = if milliseconds == 0 { DEFAULT_TIMEOUT } else { Duration::from_millis(milliseconds.into()) };
    Instant::now() + time.min(MAX_TIMEOUT)
}

/// A call that is to be made.
pub(crate) struct UdfRun<'f> {
    request: Request<'f>,
    namespace: usize,
    deadline: Instant,
}

/// Ends a call when whoever waits for it is gone.
#[derive(Default)]
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does work that takes its time, within limits that end it when nobody waits for it any more.
pub(super) async fn aside<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce(&Limits) -> T + Send + 'static,
) -> Option<T> {
    let cancel = Cancel::default();
    let limits = Limits { cancelled: Arc::clone(&cancel.0), ..Limits::until(deadline.into_std()) };
    let done = tokio::task::spawn_blocking(move || work(&limits)).await;
    drop(cancel);
    done.ok()
}

impl Service {
    /// A command that calls a function.
    pub(super) fn call_single<'f>(message: &Message<'f>, request: Request<'f>, namespace: usize) -> Step<'f> {
        Step::Udf(Box::new(UdfRun { request, namespace, deadline: deadline(message.header.timeout) }))
    }

    /// Makes a call and writes its answer at the end of `out`.
    pub(crate) async fn finish_call(&mut self, run: UdfRun<'_>, out: &mut BytesMut) {
        match self.call(run.namespace, &run.request, 0, run.deadline).await {
            Some(answer) => write_frame(out, ProtoType::Message, |out| out.extend_from_slice(&answer)),
            None => fail(out, ResultCode::TIMEOUT),
        }
    }

    /// Makes a call; the answer without its frame, or nothing when a frozen node was waited for too long.
    pub(super) async fn call(
        &self,
        namespace: usize,
        request: &Request<'_>,
        index: u32,
        deadline: Instant,
    ) -> Option<BytesMut> {
        let began = std::time::Instant::now();
        let answer = loop {
            let mut out = BytesMut::new();
            match call(&self.state, self.here, namespace, request, index, deadline, &mut out).await {
                Served::Done => break Some(out),
                Served::NotRun(node) => {
                    if !self.await_node(node, deadline).await {
                        break None;
                    }
                }
                Served::Unacknowledged(node) => break self.await_node(node, deadline).await.then_some(out),
            }
        };
        self.measure(namespace, request, began);
        answer
    }
}

/// What there is to do before a function can run.
enum Begun {
    /// It is refused, or has to wait.
    Served(Served),
    Call(Box<(Seen, Target)>),
}

fn begin(route: &mut Route<'_>, namespace: usize, request: &Request<'_>, index: u32, out: &mut BytesMut) -> Begun {
    let mut begun = None;
    let served = route.run_with(namespace, request, index, out, |records, context, reply| {
        match udf::begin(request, records, context) {
            Ok(seen) => {
                reply.discard();
                begun = Some(seen);
            }
            Err(failure) => failure.answer(reply),
        }
        Change::None
    });
    begun.map_or(Begun::Served(served), |seen| Begun::Call(Box::new(seen)))
}

/// Calls a function on a record and writes its answer, a message without a frame, at the end of `out`.
pub(super) async fn call(
    state: &Arc<State>,
    here: NodeIndex,
    namespace: usize,
    request: &Request<'_>,
    index: u32,
    deadline: Instant,
    out: &mut BytesMut,
) -> Served {
    let call = match Call::parse(request.udf) {
        Ok(call) => call,
        Err(code) => {
            Reply::begin(out, index).fail(code, (0, 0));
            return Served::Done;
        }
    };
    let _turn = state.turn(request.digest.partition()).await;
    loop {
        let begun = with_route(state, here, |route| begin(route, namespace, request, index, out));
        let (seen, target) = match begun {
            Begun::Served(served) => return served,
            Begun::Call(seen) => *seen,
        };
        let outcome = run(state, &call, target, deadline).await;
        let mut is_same = true;
        let served = with_route(state, here, |route| {
            route.run_with(namespace, request, index, out, |records, context, reply| {
                let change = udf::commit(request, &seen, &outcome, records, context, reply);
                is_same = change.is_some();
                change.unwrap_or(Change::None)
            })
        });
        if is_same {
            return served;
        }
        if Instant::now() >= deadline {
            Reply::begin(out, index).fail(ResultCode::TIMEOUT, (0, 0));
            return Served::Done;
        }
    }
}

async fn run(state: &Arc<State>, call: &Call, target: Target, deadline: Instant) -> Result<Applied, Failure> {
    let failure = |kind| Failure {
        kind,
        module: call.module.clone(),
        function: call.function.clone(),
        line: None,
        message: "UDF: Execution Error 1".to_owned(),
    };
    let Some(module) = state.modules.find(&call.module) else { return Err(failure(FailureKind::Module)) };
    let own = call.clone();
    let applied = aside(deadline, move |limits| module.apply(&own.function, target, &own.arguments, limits)).await;
    applied.unwrap_or_else(|| Err(failure(FailureKind::Module)))
}

fn with_route<R>(state: &Arc<State>, here: NodeIndex, run: impl FnOnce(&mut Route<'_>) -> R) -> R {
    let map = state.map();
    let mut scratch = BytesMut::new();
    run(&mut Route { state, map: &map, here, now: Moment::now(), scratch: &mut scratch })
}
