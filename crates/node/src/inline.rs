//! Commands on the JavaScript thread, while they are few: their sockets are watched by the event loop of Node.js
//! itself, so that no other thread has to be woken, and this one only by the answers.
//!
//! A [`Station`] belongs to one client. It lives on the client's thread and is found there by number, from the calls
//! of JavaScript and from the callbacks of the loop; once it is gone, a number leads nowhere. No borrow of its state
//! is held while JavaScript runs, which may call back at any point.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aerospike_core::{Batch, Client, Command, Event, Express, LineId};
use napi::sys;
use tokio::runtime::Handle as Runtime;

use crate::callback::Waker;
use crate::completion::Outcome;
use crate::settlement::{Settlement, Shared};
use crate::uv::{self, Bell, Handle, Loop, Watch};

/// How often commands under way are looked at, in ms, and how often unused connections are.
const SOON: u64 = 2;
const LATER: u64 = 250;

/// Answers that JavaScript is called for at once. The rows of a batch are as many.
const MANY: usize = 8;

thread_local! {
    /// What the callbacks on this thread are about. Never dropped: a thread that ends has closed its stations before,
    /// and a process that exits at once has no loop left to close them on.
    static WATCHED: ManuallyDrop<RefCell<HashMap<usize, Watched>>> = ManuallyDrop::new(RefCell::default());
}

static NEXT_NUMBER: AtomicUsize = AtomicUsize::new(1);

#[derive(Clone)]
struct Watched {
    station: Rc<Station>,
    /// The line of a socket; none for the timer and the bell, whose number is the station's.
    line: Option<LineId>,
}

fn find(number: usize) -> Option<Watched> {
    WATCHED.with(|watched| watched.borrow().get(&number).cloned())
}

fn register(station: &Rc<Station>, line: Option<LineId>, number: usize) {
    let entry = Watched { station: station.clone(), line };
    WATCHED.with(|watched| watched.borrow_mut().insert(number, entry));
}

fn forget(number: usize) {
    // dropped outside the borrow: the last reference to a station closes it
    drop(WATCHED.with(|watched| watched.borrow_mut().remove(&number)));
}

/// One client's express commands.
struct Station {
    number: usize,
    event_loop: Loop,
    waker: Waker,
    hook: Rc<CleanupHook>,
    runtime: Runtime,
    shared: Arc<Shared>,
    state: RefCell<State>,
}

struct State {
    /// Before the connections, so that none is closed while it is watched.
    polls: Vec<Poll>,
    timer: Handle,
    timing: Timing,
    /// Runs when all sockets that are readable in a turn of the loop were read.
    round: Handle,
    /// There are answers to announce then.
    has_answers: bool,
    /// Rung for what other threads have ready, until the station ends.
    bell: Option<Bell>,
    express: Express,
    is_closed: bool,
}

struct Poll {
    line: LineId,
    number: usize,
    handle: Handle,
    keeps_alive: bool,
    awaits_room: bool,
    /// Bytes that have to be there before the loop looks at the socket.
    low_water: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Timing {
    Off,
    Soon,
    Later,
}

/// What `wake` is called with when completions of other threads are ready, none of which is in the target.
const RUNG: i32 = -1;

/// Sets a client up for express commands. `wake` is called in place of the client's own, and also with completions
/// of the station's in `target`. Returns the number of its station; `None` where the loop cannot be used.
pub(crate) fn open(
    env: sys::napi_env,
    wake: sys::napi_value,
    target: sys::napi_value,
    core: &Client,
    runtime: Runtime,
    shared: Arc<Shared>,
) -> Option<usize> {
    let event_loop = Loop::of(env)?;
    let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
    let waker = Waker::new(env, wake, target)?;
    let hook = CleanupHook::new(env, number)?;
    let timer = event_loop.timer(number, hook.clone())?;
    let round = event_loop.check(number, hook.clone())?;
    let bell = event_loop.bell(number, on_rung, hook.clone())?;
    let cord = bell.cord();
    shared.queue.alarm().hang(Box::new(move || cord.pull()));
    let state = State {
        polls: Vec::new(),
        timer,
        timing: Timing::Off,
        round,
        has_answers: false,
        bell: Some(bell),
        express: core.express(),
        is_closed: false,
    };
    let station = Rc::new(Station { number, event_loop, waker, hook, runtime, shared, state: RefCell::new(state) });
    register(&station, None, number);
    Some(number)
}

/// Takes in commands, to be sent together when this is dropped.
pub(crate) struct Boarding(Rc<Station>);

impl Boarding {
    /// At a station, unless it is gone.
    pub(crate) fn at(number: usize) -> Option<Self> {
        find(number).map(|watched| Self(watched.station))
    }

    /// Most rows of a batch that would be taken in now.
    pub(crate) fn most_rows(&self) -> usize {
        self.0.state.borrow().express.most_rows()
    }

    /// Gives back a command that cannot be sent here.
    #[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
    pub(crate) fn begin(&self, command: Command, ticket: u32) -> Result<(), Command> {
        self.0.state.borrow_mut().express.begin(command, ticket)
    }

    /// The same for a batch; `in_parts` if its rows do not wait for one another.
    #[expect(clippy::result_large_err, reason = "the batch is moved on, not reported")]
    pub(crate) fn begin_batch(&self, batch: Batch, ticket: u32, in_parts: bool) -> Result<(), Batch> {
        self.0.state.borrow_mut().express.begin_batch(batch, ticket, in_parts)
    }
}

impl Drop for Boarding {
    fn drop(&mut self) {
        // what comes to an end here is announced as what other threads have ready: JavaScript is still at work
        self.0.after(|express| express.flush(), Announce::Later);
    }
}

/// How the JavaScript thread learns of completions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Announce {
    /// It is called.
    Now,
    /// It is called when the other sockets were read as well, unless there is much for it already: while it works that
    /// off, the other answers may still be on their way.
    Soon,
    /// It is in the middle of something else, and looks later.
    Later,
}

/// Ends a station. A command under way still gets its answer.
pub(crate) fn close(number: usize) {
    let Some(Watched { station, .. }) = find(number) else { return };
    let mut state = station.state.borrow_mut();
    state.is_closed = true;
    state.express.close();
    station.look_after_lines(&mut state);
    let is_idle = !state.express.is_under_way();
    drop(state);
    if is_idle {
        demolish(number);
    }
}

/// Ends a station with whatever is under way.
fn demolish(number: usize) {
    let Some(Watched { station, .. }) = find(number) else { return };
    let mut state = station.state.borrow_mut();
    let polls = std::mem::take(&mut state.polls);
    let bell = state.bell.take();
    drop(state);
    polls.iter().for_each(|poll| forget(poll.number));
    drop(polls);
    drop(bell);
    station.shared.queue.alarm().call();
    forget(number);
}

impl Station {
    /// Lets the express do something, and sees to all that comes of it.
    fn after(self: &Rc<Self>, work: impl FnOnce(&mut Express), announce: Announce) {
        let mut state = self.state.borrow_mut();
        work(&mut state.express);
        // sockets are not watched any more when their commands go on elsewhere
        self.look_after_lines(&mut state);
        let events = state.express.events();
        self.set_timer(&mut state);
        let is_over = state.is_closed && !state.express.is_under_way();
        drop(state);
        let mut answers = 0;
        for (ticket, event) in events {
            match event {
                Event::Answer(answer) => {
                    self.push(ticket, answer.into(), announce);
                    answers += 1;
                }
                Event::Rows(reply) => {
                    self.push(ticket, Outcome::Batch(reply), announce);
                    answers += MANY;
                }
                Event::Resume(resumed) => self.resume(ticket, async |_| resumed.finish().await.into()),
                Event::ResumeBatch(resumed) => self.resume(ticket, async move |shared| {
                    let mut part = |part| shared.queue.push(ticket, Outcome::Part(Box::new(part)));
                    Outcome::Batch(Box::new(resumed.finish(&mut part).await))
                }),
            }
        }
        match announce {
            _ if answers == 0 => {}
            Announce::Later => {}
            Announce::Soon if answers < MANY && !is_over => {
                let mut state = self.state.borrow_mut();
                if !std::mem::replace(&mut state.has_answers, true) {
                    state.round.start_check(on_round);
                }
            }
            Announce::Soon | Announce::Now => self.announce(),
        }
        if is_over {
            demolish(self.number);
        }
    }

    fn push(&self, ticket: u32, outcome: Outcome, announce: Announce) {
        match announce {
            Announce::Now | Announce::Soon => self.shared.queue.push_here(ticket, outcome),
            Announce::Later => {
                self.waker.keep_alive(&self.shared);
                self.shared.queue.push(ticket, outcome);
            }
        }
    }

    /// Lets a command go on through the runtime.
    fn resume<F>(&self, ticket: u32, finish: impl FnOnce(Arc<Shared>) -> F)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.waker.keep_alive(&self.shared);
        let settlement = Settlement::new(self.shared.clone(), ticket, false);
        let outcome = finish(self.shared.clone());
        self.runtime.spawn(async move {
            settlement.settle(outcome.await);
        });
    }

    fn on_ready(self: &Rc<Self>, line: LineId) {
        self.after(
            |express| {
                express.on_readable(line);
                if express.wants_to_write(line) {
                    express.flush();
                }
            },
            Announce::Soon,
        );
    }

    fn on_round(&self) {
        let mut state = self.state.borrow_mut();
        state.round.stop_check();
        let has_answers = std::mem::take(&mut state.has_answers);
        drop(state);
        if has_answers {
            self.announce();
        }
    }

    /// Calls JavaScript with what there is, as far as the target has room. What is left is a reason to call it again.
    fn announce(&self) {
        self.waker.call(|target| self.shared.queue.drain(target).max(0) as i32);
        if self.shared.queue.has_waiting() {
            self.shared.queue.alarm().ring();
        }
    }

    fn on_timer(self: &Rc<Self>) {
        self.state.borrow_mut().timing = Timing::Off;
        self.after(Express::look_after, Announce::Now);
    }

    /// Watches the lines that have come, and none that are gone.
    fn look_after_lines(self: &Rc<Self>, state: &mut State) {
        for line in state.express.arrivals() {
            let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
            let socket = state.express.socket(line);
            let handle = socket.and_then(|s| self.event_loop.watch(s, number, on_ready, self.hook.clone()));
            match handle {
                Some(handle) => {
                    register(self, Some(line), number);
                    state.polls.push(Poll {
                        line,
                        number,
                        handle,
                        keeps_alive: false,
                        awaits_room: false,
                        low_water: 1,
                    });
                }
                // the loop refuses the socket: it will refuse the next one as well
                None => {
                    state.is_closed = true;
                    state.express.close();
                }
            }
        }
        for departure in state.express.departures() {
            let low_water = state.stop_watching(departure.line);
            if low_water.is_some_and(|bytes| bytes != 1)
                && let Some(socket) = departure.socket()
            {
                // whoever reads it next waits for less
                uv::set_low_water(socket, 1);
            }
            departure.complete();
        }
        for Poll { line, handle, keeps_alive, awaits_room, low_water, .. } in &mut state.polls {
            let waits = state.express.waits(*line);
            if std::mem::replace(keeps_alive, waits) != waits {
                handle.keep_alive(waits);
            }
            let enough = state.express.worthwhile(*line);
            if std::mem::replace(low_water, enough) != enough
                && let Some(socket) = state.express.socket(*line)
            {
                uv::set_low_water(socket, enough);
            }
            let wants_room = state.express.wants_to_write(*line);
            if std::mem::replace(awaits_room, wants_room) != wants_room {
                handle.watch(if wants_room { Watch::Both } else { Watch::Readable }, on_ready);
            }
        }
    }

    fn set_timer(&self, state: &mut State) {
        let wanted = if state.express.is_under_way() {
            Timing::Soon
        } else if state.express.is_busy() {
            Timing::Later
        } else {
            return;
        };
        // a timer that fires too soon is harmless, and cheaper than one that is set for every command
        if state.timing == Timing::Off || (wanted == Timing::Soon && state.timing == Timing::Later) {
            state.timing = wanted;
            state.timer.start(if wanted == Timing::Soon { SOON } else { LATER }, on_timer);
        }
    }
}

impl State {
    /// Returns how many bytes its socket was to wait for.
    fn stop_watching(&mut self, line: LineId) -> Option<usize> {
        let at = self.polls.iter().position(|p| p.line == line)?;
        let Poll { number, low_water, .. } = self.polls.swap_remove(at);
        forget(number);
        Some(low_water)
    }
}

/// Has the station closed when its environment ends, which then waits for the handles of the loop: each holds this,
/// and the last one to be closed lets the environment go on.
struct CleanupHook(sys::napi_async_cleanup_hook_handle);

impl CleanupHook {
    fn new(env: sys::napi_env, number: usize) -> Option<Rc<Self>> {
        let mut hook = std::ptr::null_mut();
        let number = std::ptr::without_provenance_mut(number);
        // SAFETY: called on the thread of `env`; the argument is a number and never followed
        let status = unsafe { sys::napi_add_async_cleanup_hook(env, Some(on_cleanup), number, &mut hook) };
        (status == sys::Status::napi_ok).then(|| Rc::new(Self(hook)))
    }
}

impl Drop for CleanupHook {
    fn drop(&mut self) {
        // SAFETY: removed once, on the thread of its environment, which exists until this was done
        unsafe { sys::napi_remove_async_cleanup_hook(self.0) };
    }
}

/// No panic may leave a callback.
fn guarded(work: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(work));
}

unsafe extern "C" fn on_ready(handle: *mut c_void, _status: c_int, _events: c_int) {
    // SAFETY: the handle this callback was called with
    let number = unsafe { uv::number_of(handle) };
    guarded(|| {
        if let Some(Watched { station, line: Some(line) }) = find(number) {
            station.on_ready(line);
        }
    });
}

unsafe extern "C" fn on_timer(handle: *mut c_void) {
    // SAFETY: the handle this callback was called with
    let number = unsafe { uv::number_of(handle) };
    guarded(|| {
        if let Some(Watched { station, .. }) = find(number) {
            station.on_timer();
        }
    });
}

unsafe extern "C" fn on_round(handle: *mut c_void) {
    // SAFETY: the handle this callback was called with
    let number = unsafe { uv::number_of(handle) };
    guarded(|| {
        if let Some(Watched { station, .. }) = find(number) {
            station.on_round();
        }
    });
}

unsafe extern "C" fn on_rung(handle: *mut c_void) {
    // SAFETY: the handle this callback was called with
    let number = unsafe { uv::number_of(handle) };
    guarded(|| {
        if let Some(Watched { station, .. }) = find(number) {
            station.waker.call(|_| RUNG);
        }
    });
}

unsafe extern "C" fn on_cleanup(_hook: sys::napi_async_cleanup_hook_handle, number: *mut c_void) {
    guarded(|| demolish(number.addr()));
}
