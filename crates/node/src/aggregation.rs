//! The last steps of an aggregation. What the nodes made of their records goes through the module's functions once
//! more, on a blocking thread: Lua is not asynchronous, and the JavaScript thread has better things to do.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aerospike_core::wire::message::Ops;
use aerospike_core::wire::op::write_op;
use aerospike_core::{Code, Error, QueryStream, Step};
use aerospike_lua::{CompileError, Failure, FailureKind, Input, Libraries, Limits, Module, Phase};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Pages that wait before and behind Lua.
const WAITING_PAGES: usize = 4;
/// Bytes of results that are handed on together.
const PAGE_SIZE: usize = 64 * 1024;
/// How long an aggregation without a limit may take.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// UDF_EXECUTION.
const UDF_FAILED: Code = Code(100);

/// What runs in Lua.
pub(crate) struct Order {
    /// The module's source.
    pub(crate) source: String,
    /// Its name, without `.lua`.
    pub(crate) module: String,
    /// Source of the modules it may require, by name.
    pub(crate) libraries: HashMap<String, String>,
    pub(crate) function: String,
    /// Arguments, as a packed list.
    pub(crate) arguments: Vec<u8>,
    /// Milliseconds for all of it, 0 for no limit.
    pub(crate) total_timeout: u32,
}

/// An aggregation that is being read.
pub(crate) struct Aggregation {
    pub(crate) stream: Arc<QueryStream>,
    runtime: Handle,
    cancelled: Arc<AtomicBool>,
    /// Until the first step.
    order: Mutex<Option<Order>>,
    results: tokio::sync::Mutex<Option<mpsc::Receiver<Step>>>,
}

impl Aggregation {
    pub(crate) fn new(stream: QueryStream, order: Order, runtime: Handle) -> Self {
        Self {
            stream: Arc::new(stream),
            runtime,
            cancelled: Arc::default(),
            order: Mutex::new(Some(order)),
            results: tokio::sync::Mutex::default(),
        }
    }

    /// The next results.
    pub(crate) async fn next(&self) -> Step {
        let mut results = self.results.lock().await;
        if let Some(order) = self.order.lock().take() {
            *results = Some(self.start(order));
        }
        let step = match &mut *results {
            Some(results) if !self.is_cancelled() => results.recv().await,
            _ => None,
        };
        match step {
            Some(step) => step,
            // ended before, or closed
            None => Step::End { more: self.is_cancelled() },
        }
    }

    /// Ends it: nodes stop, and so does Lua.
    pub(crate) fn close(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.stream.close();
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    fn start(&self, order: Order) -> mpsc::Receiver<Step> {
        let (output, results) = mpsc::channel(WAITING_PAGES);
        let (feed, input) = mpsc::channel(WAITING_PAGES);
        let (stream, cancelled) = (self.stream.clone(), self.cancelled.clone());
        self.runtime.spawn(pump(stream.clone(), feed));
        self.runtime.spawn_blocking(move || {
            let output = Output { to: output, held: RefCell::default() };
            let last = reduce(order, input, &output, cancelled);
            stream.close(); // nodes need not go on when a function has failed
            output.finish(last);
        });
        results
    }
}

impl Drop for Aggregation {
    fn drop(&mut self) {
        self.close();
    }
}

/// Carries the values of the nodes to Lua, for as long as it takes them.
async fn pump(stream: Arc<QueryStream>, feed: mpsc::Sender<Step>) {
    loop {
        let step = stream.next().await;
        let is_last = !matches!(step, Step::Page { .. });
        if feed.send(step).await.is_err() {
            return;
        }
        if is_last {
            return;
        }
    }
}

/// Runs the module over what comes, and says how that ended.
fn reduce(mut order: Order, mut input: mpsc::Receiver<Step>, output: &Output, cancelled: Arc<AtomicBool>) -> Step {
    let sources = std::mem::take(&mut order.libraries);
    let libraries = Libraries::new(move |name| sources.get(name).map(|source| source.clone().into_bytes()));
    let file = format!("{}.lua", order.module);
    let module = match Module::compile_with(&file, order.source.as_bytes(), libraries) {
        Ok(module) => module,
        Err(error) => return Step::Failure(uncompiled(&error)),
    };
    let limit = match order.total_timeout {
        0 => FOREVER,
        ms => Duration::from_millis(ms.into()),
    };
    let limits = Limits { deadline: Instant::now() + limit, cancelled };
    let mut values = Values::default();
    let mut end = None;
    let read = || {
        while end.is_none() {
            if let Some(value) = values.next() {
                return Some(value);
            }
            let step = match input.try_recv() {
                Ok(step) => Some(step),
                Err(_) => {
                    output.flush(); // what there is need not wait for the nodes
                    input.blocking_recv()
                }
            };
            match step {
                Some(Step::Page { chunks, .. }) => values.chunks = chunks,
                Some(step) => end = Some(step),
                None => end = Some(Step::End { more: true }),
            }
        }
        None
    };
    let write = |(kind, value): (_, Vec<u8>)| output.put(|out| write_op(out, 1, kind, b"SUCCESS", &value));
    let run = module.run_stream(Phase::Client, &order.function, &order.arguments, &limits, read, write);
    match (end, run) {
        // without all values the results are none
        (Some(failure @ Step::Failure(_)), _) => failure,
        (_, Err(failure)) if failure.kind == FailureKind::Cancelled => Step::End { more: true },
        (_, Err(failure)) => Step::Failure(failed(&failure)),
        (_, Ok(())) => Step::End { more: false },
    }
}

fn uncompiled(error: &CompileError) -> Error {
    Error::new(UDF_FAILED, format!("the module does not compile: {error}"))
}

fn failed(failure: &Failure) -> Error {
    let code = if failure.kind == FailureKind::Timeout { Code::TIMEOUT } else { UDF_FAILED };
    Error::new(code, failure.to_string())
}

/// Values in pages.
#[derive(Default)]
struct Values {
    /// Those that were not begun.
    chunks: Vec<Bytes>,
    current: Bytes,
}

impl Values {
    fn next(&mut self) -> Option<Input> {
        loop {
            let mut ops = Ops::checked(&self.current);
            if let Some(op) = ops.next() {
                let value = Input::Value((op.particle, op.value.to_vec()));
                let rest = ops.as_bytes();
                self.current = self.current.slice_ref(rest);
                return Some(value);
            }
            if self.chunks.is_empty() {
                return None;
            }
            self.current = self.chunks.remove(0);
        }
    }
}

/// Results on their way to the reader.
struct Output {
    to: mpsc::Sender<Step>,
    held: RefCell<(BytesMut, u32)>,
}

impl Output {
    /// Adds a result; `false` when nobody reads any more.
    fn put(&self, write: impl FnOnce(&mut BytesMut)) -> bool {
        let mut held = self.held.borrow_mut();
        write(&mut held.0);
        held.1 += 1;
        let is_full = held.0.len() >= PAGE_SIZE;
        drop(held);
        if is_full { self.flush() } else { !self.to.is_closed() }
    }

    fn flush(&self) -> bool {
        let (bytes, count) = std::mem::take(&mut *self.held.borrow_mut());
        count == 0 || self.to.blocking_send(Step::Page { chunks: vec![bytes.freeze()], count }).is_ok()
    }

    /// Sends what is left, unless it failed, and how it ended.
    fn finish(&self, last: Step) {
        if matches!(last, Step::Failure(_)) || self.flush() {
            let _ = self.to.blocking_send(last); // nobody reads it any more
        }
    }
}
