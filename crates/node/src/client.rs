//! The class that TypeScript drives: bytes in, bytes out, and a few calls of the control plane.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aerospike_core::{Client, Code, InfoTarget};
use bytes::Bytes;
use napi::bindgen_prelude::{Env, Function, JsValue, PromiseRaw, Uint8ArraySlice};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Error, Result, Status, sys};
use napi_derive::napi;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::completion::{Outcome, rejection};
use crate::config::{NativeChange, NativeConfig, NativeInfo, NativeNode, NativeReach, NativeSettings};
use crate::entry::{self, Entry, Malformed, Work};
use crate::handing_over::{HandingOver, Handover, until_polled};
use crate::inline::{self, Submission};
use crate::inline_setup::Setup;
use crate::memory;
use crate::metrics::{NativeEvents, NativeMetrics};
use crate::notifier::{Notifier, WakeUp};
use crate::queue::Queue;
use crate::settlement::{Settlement, Shared, settle, take_tracking};
use crate::transaction::{self, Assigned, Entered, Membership, NativeTransaction, Transactions};

/// The function that hears of changes. Weak: by itself it does not keep the process alive.
type Listener = ThreadsafeFunction<NativeChange, (), NativeChange, Status, false, true>;

/// The function that hears of what happens at nodes.
type Observer = ThreadsafeFunction<NativeEvents, (), NativeEvents, Status, false, true>;

/// A connection to a cluster.
#[napi]
pub struct NativeClient {
    pub(crate) core: Client,
    pub(crate) runtime: Handle,
    shared: Arc<Shared>,
    transactions: Arc<Transactions>,
    /// What was submitted and has not begun.
    handing_over: Arc<HandingOver>,
    /// The number of the driver of its inline I/O; 0 for none.
    driver: AtomicUsize,
    /// The task that tells of changes, while somebody listens.
    watching: Mutex<Option<AbortHandle>>,
    /// The task that tells of what happens at nodes.
    observing: Mutex<Option<AbortHandle>>,
}

/// The bytes of a typed array that JavaScript lent for the length of a call.
fn bytes_of<'a>(array: &'a mut Uint8ArraySlice<'_>) -> &'a mut [u8] {
    // SAFETY: the call runs on the JavaScript thread and calls nothing in JavaScript, so nobody else looks at the
    // bytes, detaches them or moves them until it returns
    unsafe { array.as_mut() }
}

fn refuse(Malformed(what): Malformed) -> Error {
    Error::new(Status::InvalidArg, format!("the request buffer is malformed: {what}"))
}

#[napi]
impl NativeClient {
    /// Connects to a cluster. `wake` is called on the JavaScript thread when completions are ready: once, and then
    /// again only after `drain` returned 0.
    #[napi(factory)]
    pub async fn connect(config: NativeConfig, #[napi(ts_arg_type = "() => void")] wake: WakeUp) -> Result<Self> {
        let config = config.into_core()?;
        let is_timed = config.metrics;
        let core = Client::connect(config).await.map_err(rejection)?;
        let runtime = Handle::current();
        let queue = Queue::new(Notifier::new(wake), runtime.clone(), is_timed);
        let shared = Arc::new(Shared::new(queue));
        let transactions = Arc::default();
        Ok(Self {
            core,
            runtime,
            shared,
            transactions,
            handing_over: Arc::default(),
            driver: AtomicUsize::new(0),
            watching: Mutex::default(),
            observing: Mutex::default(),
        })
    }

    /// Opens inline I/O, where the system allows it: while few commands are in flight, the JavaScript thread sends them
    /// itself. `wake` is then called in place of the one of `connect`, with -1, and also when such commands completed:
    /// with the number of bytes of completions that are in `target` then, or 0 when the next one is larger than that.
    #[napi(ts_args_type = "wake: (filled: number) => void, target: Uint8Array")]
    pub fn inline(&self, env: Env, wake: Function<'_, i32, ()>, target: Uint8ArraySlice<'_>) -> bool {
        let (runtime, shared) = (self.runtime.clone(), self.shared.clone());
        let driver = inline::open(Setup {
            env: env.raw(),
            wake: wake.raw(),
            target: target.raw(),
            core: &self.core,
            runtime,
            shared,
        });
        self.driver.store(driver.unwrap_or_default(), Ordering::Relaxed);
        driver.is_some()
    }

    /// Takes the entries in the first `length` bytes of the request buffer and returns at once. `few` says that not
    /// many calls of the client are in flight: this thread then sends them itself where it can. True when all their
    /// completions will be announced by the `wake` of `inline`.
    #[napi(catch_unwind)]
    pub fn submit(&self, entries: &[u8], length: u32, few: Option<bool>) -> Result<bool> {
        let entries = entries.get(..length as usize).ok_or_else(|| refuse(Malformed("buffer length")))?;
        let mut entered = Entered::default();
        let enter = |number| entered.add(&self.transactions, number);
        entry::check(entries, |ticket| self.shared.track(ticket), enter).map_err(refuse)?;
        let buffer = Bytes::copy_from_slice(entries);
        if few == Some(true)
            && entered.is_empty()
            && let Some(submission) = Submission::to(self.driver.load(Ordering::Relaxed))
            && entry::is_small(entries, submission.max_rows())
        {
            return Ok(self.submit_few(buffer, &submission));
        }
        let (core, shared, handover) = (self.core.clone(), self.shared.clone(), self.handing_over.begin());
        self.runtime.spawn(async move {
            // the lengths were checked above, so that every entry is seen and settles
            let Assigned { alone, groups } = entered.assign(entry::entries(buffer));
            for (entry, membership) in alone {
                start(entry, membership, &core, &shared, &handover);
            }
            for group in groups {
                transaction::start(group, &shared, &handover);
            }
        });
        Ok(false)
    }

    /// Fills `target` with completions. Returns the bytes written, 0 when nothing is ready, and `-n` when the next
    /// completion needs `n` bytes.
    #[napi(catch_unwind)]
    pub fn drain(&self, mut target: Uint8ArraySlice<'_>) -> i64 {
        self.shared.queue.drain(bytes_of(&mut target))
    }

    /// Copies the row table of a batch.
    #[napi]
    pub fn table(&self, ticket: u32, mut target: Uint8ArraySlice<'_>) -> Result<()> {
        let copied = self.shared.queue.table(ticket, bytes_of(&mut target));
        copied.then_some(()).ok_or_else(|| Error::new(Status::InvalidArg, "no such batch, or a table of another size"))
    }

    /// Copies a page of a batch and frees it.
    #[napi]
    pub fn page(&self, ticket: u32, index: u32, mut target: Uint8ArraySlice<'_>) -> Result<()> {
        let target = bytes_of(&mut target);
        let page = self.shared.queue.page(ticket, index as usize).unwrap_or_default();
        if page.len() != target.len() {
            return Err(Error::new(Status::InvalidArg, "no such page, or a page of another size"));
        }
        target.copy_from_slice(&page);
        Ok(())
    }

    /// Frees what is left of a batch.
    #[napi]
    pub fn release(&self, ticket: u32) {
        self.shared.queue.release(ticket);
    }

    /// Drops a command. True when bytes of it may have been sent.
    #[napi]
    pub fn cancel(&self, ticket: u32) -> bool {
        self.shared.cancel(ticket)
    }

    /// Keeps the process alive until `unref`.
    #[napi(js_name = "ref")]
    pub fn refer(&self, env: Env) {
        // SAFETY: called on the JavaScript thread with its own environment; the function lives as long as the queue
        unsafe { sys::napi_ref_threadsafe_function(env.raw(), self.shared.queue.notifier().function().raw()) };
    }

    /// Lets the process end while nothing else keeps it.
    #[napi]
    pub fn unref(&self, env: Env) {
        // SAFETY: as for `ref`
        unsafe { sys::napi_unref_threadsafe_function(env.raw(), self.shared.queue.notifier().function().raw()) };
    }

    /// Takes no more commands, waits for those in flight, at most `timeout` milliseconds, and drops the connections.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env, timeout: u32) -> Result<PromiseRaw<'env, ()>> {
        inline::close(self.driver.swap(0, Ordering::Relaxed));
        let (core, runtime, handing_over) = (self.core.clone(), self.runtime.clone(), self.handing_over.clone());
        env.spawn_future(async move {
            let (begun, most) = (Instant::now(), Duration::from_millis(timeout.into()));
            handing_over.all_begun(most).await;
            core.close(most.saturating_sub(begun.elapsed())).await;
            memory::give_back(&runtime);
            Ok(())
        })
    }

    /// Begins a transaction, which costs nothing yet. `timeout` is in seconds, 0 for what the server gives.
    #[napi]
    pub fn begin_transaction(&self, timeout: u32) -> Result<NativeTransaction> {
        NativeTransaction::begin(self.core.begin_transaction(timeout), &self.transactions)
    }

    /// Takes other settings, for what comes from now on.
    #[napi]
    pub fn configure(&self, settings: NativeSettings) -> Result<()> {
        self.core.configure(settings.into()).map_err(rejection)
    }

    /// What of the cluster is not reached, and when it was looked at last.
    #[napi]
    pub fn reach(&self) -> NativeReach {
        let (unreachable, hosts) = self.core.unreached();
        NativeReach {
            tend_age: self.core.tend_age().as_secs_f64() * 1000.0,
            unreachable: unreachable.into_iter().map(Into::into).collect(),
            hosts,
        }
    }

    /// Whether at least one node answers, as far as is known.
    #[napi]
    pub fn is_connected(&self) -> bool {
        self.core.is_connected()
    }

    /// The nodes of the cluster.
    #[napi]
    pub fn nodes(&self) -> Vec<NativeNode> {
        self.core.nodes().into_iter().map(NativeNode::from).collect()
    }

    /// All that is counted, as it is now.
    #[napi]
    pub fn metrics(&self) -> NativeMetrics {
        NativeMetrics::new(self.core.metrics(), &self.shared.queue.resume_delay())
    }

    /// Calls `changed` for every node that comes or goes, until `unwatch` or `close`.
    #[napi(ts_args_type = "changed: (change: NativeChange) => void")]
    pub fn watch(&self, changed: Listener) {
        let mut changes = self.core.changes();
        let task = self.runtime.spawn(async move {
            while let Some(change) = changes.next().await {
                if changed.call(change.into(), ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
                    return; // the environment ends
                }
            }
        });
        replace(&self.watching, Some(task.abort_handle()));
    }

    /// Calls `happened` for what happens at nodes, until `unobserve` or `close`.
    #[napi(ts_args_type = "happened: (events: NativeEvents) => void")]
    pub fn observe(&self, happened: Observer) {
        let mut events = self.core.events();
        let task = self.runtime.spawn(async move {
            loop {
                let (taken, lost) = events.next().await;
                let events = NativeEvents { events: taken.into_iter().map(Into::into).collect(), lost: lost as f64 };
                // the next are taken when these were: JavaScript that is slow has no queue here that grows
                if happened.call_async(events).await.is_err() {
                    return; // the environment ends, or the function throws
                }
            }
        });
        replace(&self.observing, Some(task.abort_handle()));
    }

    /// Ends what `observe` began.
    #[napi]
    pub fn unobserve(&self) {
        replace(&self.observing, None);
    }

    /// Ends what `watch` began.
    #[napi]
    pub fn unwatch(&self) {
        replace(&self.watching, None);
    }

    /// Sends an info command to a node, or to `"*"`, all of them, or to `""`, any of them.
    #[napi]
    pub async fn info(&self, node: String, command: String, timeout: u32) -> Result<Vec<NativeInfo>> {
        let target = match node.as_str() {
            "*" => InfoTarget::All,
            "" => InfoTarget::Random,
            _ => InfoTarget::Node(node),
        };
        let answers = self.core.info(target, &command, Duration::from_millis(timeout.into())).await;
        let answers = answers.map_err(rejection)?;
        Ok(answers.into_iter().map(|(node, response)| NativeInfo { node: node.as_ref().into(), response }).collect())
    }
}

impl NativeClient {
    /// Sends what this thread can send itself, and starts the rest. Whether there was no rest.
    fn submit_few(&self, buffer: Bytes, submission: &Submission) -> bool {
        let mut is_all = true;
        // the lengths were checked, so that every entry is seen and settles
        for Entry { ticket, cancellable, transaction, work } in entry::entries(buffer) {
            let work = match work {
                Ok(Work::Record(command)) if !cancellable => submission.begin(command, ticket).map_err(Work::Record),
                Ok(Work::Batch(batch)) if !cancellable => {
                    submission.begin_batch(batch, ticket, false).map_err(Work::Batch)
                }
                Ok(Work::Parts(batch)) if !cancellable => {
                    submission.begin_batch(batch, ticket, true).map_err(Work::Parts)
                }
                work => {
                    self.start_here(Entry { ticket, cancellable, transaction, work });
                    is_all = false;
                    continue;
                }
            };
            if let Err(work) = work {
                self.start_here(Entry { ticket, cancellable, transaction, work: Ok(work) });
                is_all = false;
            }
        }
        is_all
    }

    fn start_here(&self, entry: Entry) {
        let _runtime = self.runtime.enter();
        start(entry, Membership::None, &self.core, &self.shared, &self.handing_over.begin());
    }
}

impl Drop for NativeClient {
    fn drop(&mut self) {
        inline::close(*self.driver.get_mut());
        replace(&self.watching, None);
        replace(&self.observing, None);
    }
}

/// Ends the task that was there before.
fn replace(place: &Mutex<Option<AbortHandle>>, task: Option<AbortHandle>) {
    if let Some(task) = std::mem::replace(&mut *place.lock(), task) {
        task.abort();
    }
}

fn start(entry: Entry, membership: Membership, core: &Client, shared: &Arc<Shared>, handover: &Handover) {
    let Entry { ticket, cancellable, work, .. } = entry;
    let settlement = Settlement::new(shared.clone(), ticket, cancellable);
    let mut work = match work {
        Ok(work) => work,
        Err(Malformed(what)) => return settlement.settle(Outcome::Refused(Code::PARAM, what)),
    };
    let cancelled = if cancellable { take_tracking(shared, ticket, &mut work) } else { None };
    match membership {
        Membership::None => {}
        Membership::Refused => return settlement.settle(Outcome::Refused(Code::PARAM, transaction::REFUSED)),
        Membership::Of(transaction) => {
            let work = until_polled(handover.clone(), transaction::carry_out(transaction, work));
            tokio::spawn(settle(settlement, cancelled, work));
            return;
        }
    }
    let core = core.clone();
    match (work, cancelled) {
        (Work::Record(command), None) => {
            tokio::spawn(core.execute_then(command, |answer| settlement.settle(answer.into())));
        }
        (Work::Record(command), cancelled) => {
            tokio::spawn(settle(settlement, cancelled, core.execute_then(command, Outcome::from)));
        }
        (Work::Batch(batch), cancelled) => {
            let outcome = async move { Outcome::Batch(Box::new(core.batch(batch).await)) };
            tokio::spawn(settle(settlement, cancelled, until_polled(handover.clone(), outcome)));
        }
        (Work::Parts(batch), cancelled) => {
            let shared = shared.clone();
            let outcome = async move {
                // what others need not wait for
                let mut part = |part| shared.queue.push(ticket, Outcome::Part(Box::new(part)));
                Outcome::Batch(Box::new(core.batch_in_parts(batch, &mut part).await))
            };
            tokio::spawn(settle(settlement, cancelled, until_polled(handover.clone(), outcome)));
        }
    }
}
