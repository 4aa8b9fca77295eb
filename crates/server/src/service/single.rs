//! A command on one record.

use std::time::Duration;

use aerospike_wire::proto::write_frame;
use aerospike_wire::{Message, ProtoType, ResultCode};
use bytes::BytesMut;
use tokio::time::Instant;

use super::route::Served;
use super::{Service, Step, fail};
use crate::cluster::Measured;
use crate::command::Request;

/// How long a command may take that does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

/// A command that waits for a frozen node.
pub(crate) struct Stalled<'f> {
    request: Request<'f>,
    namespace: usize,
    served: Served,
    began: std::time::Instant,
    deadline: Instant,
}

impl Service {
    pub(super) fn single<'f>(&mut self, message: &Message<'f>, namespace: usize, out: &mut BytesMut) -> Step<'f> {
        let request = match Request::of_message(message) {
            Ok(request) => request,
            Err(code) => {
                fail(out, code);
                return Step::Done;
            }
        };
        let name = self.state.namespaces.get(namespace).map(|shared| shared.name.as_bytes()).unwrap_or_default();
        let checked = self.guard.check_record(&request, name);
        let full = request.is_write() && self.node().is_some_and(|node| node.faults.ailing.stops_writes());
        let checked = if full { checked.and(Err(ResultCode::OUT_OF_SPACE)) } else { checked };
        if let Err(code) = checked.and_then(|()| self.guard.count_record(request.is_write())) {
            fail(out, code);
            return Step::Done;
        }
        if request.calls_function() {
            return Self::call_single(message, request, namespace);
        }
        let began = std::time::Instant::now();
        match self.run_single(namespace, &request, out) {
            Served::Done => {
                self.measure(namespace, &request, began);
                Step::Done
            }
            served => {
                let timeout = match message.header.timeout {
                    0 => DEFAULT_TIMEOUT,
                    ms => Duration::from_millis(ms.into()),
                };
                Step::Stalled(Box::new(Stalled {
                    request,
                    namespace,
                    served,
                    began,
                    deadline: Instant::now() + timeout,
                }))
            }
        }
    }

    fn run_single(&mut self, namespace: usize, request: &Request<'_>, out: &mut BytesMut) -> Served {
        let start = out.len();
        let served =
            self.with_route(|route| write_frame(out, ProtoType::Message, |out| route.run(namespace, request, 0, out)));
        if matches!(served, Served::NotRun(_)) {
            out.truncate(start);
        }
        served
    }

    /// Waits for the frozen node and finishes the command, or fails it when its time is over. The answer is the part of
    /// `out` from `start` on, which a command that ran has written already.
    pub(crate) async fn finish(&mut self, stalled: Stalled<'_>, out: &mut BytesMut, start: usize) {
        let Stalled { request, namespace, mut served, began, deadline } = stalled;
        while let Served::NotRun(node) | Served::Unacknowledged(node) = served {
            if !self.await_node(node, deadline).await {
                out.truncate(start);
                fail(out, ResultCode::TIMEOUT);
                break;
            }
            if matches!(served, Served::Unacknowledged(_)) {
                break;
            }
            served = self.run_single(namespace, &request, out);
        }
        self.measure(namespace, &request, began);
    }

    /// Counts how long a command took that is over now.
    pub(super) fn measure(&self, namespace: usize, request: &Request<'_>, began: std::time::Instant) {
        if let Some(node) = self.node() {
            node.latencies.record(namespace, Measured::of(request), began);
        }
    }

    /// Waits until a node is not frozen any more; `false` when the time is over first.
    pub(super) async fn await_node(&self, node: usize, deadline: Instant) -> bool {
        match self.state.nodes.get(node) {
            Some(node) => node.faults.thawed_before(deadline).await,
            None => true,
        }
    }
}
