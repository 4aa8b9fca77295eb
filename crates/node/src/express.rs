//! Lone commands on the JavaScript thread: their sockets are watched by the event loop of Node.js itself, so that no
//! other thread has to be woken, and this one only by the answer.
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

use aerospike_core::{Client, Command, Error, Event, Express, LineId, Reply, Resumed};
use napi::sys;
use tokio::runtime::Handle as Runtime;

use crate::client::{Settlement, Shared};
use crate::uv::{self, Bell, Handle, Loop};
use crate::waker::Waker;

/// How often commands under way are looked at, in ms, and how often unused connections are.
const SOON: u64 = 10;
const LATER: u64 = 250;

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
    /// Rung for what other threads have ready, until the station ends.
    bell: Option<Bell>,
    ride: Option<Ride>,
    express: Express,
    is_closed: bool,
}

struct Poll {
    line: LineId,
    number: usize,
    handle: Handle,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Timing {
    Off,
    Soon,
    Later,
}

/// The command under way.
struct Ride {
    line: LineId,
    ticket: u32,
}

/// Sets a client up for express commands. `wake` is called in place of the client's own, and also with a completion
/// of the station's. Returns the number of its station; `None` where the loop cannot be used.
pub(crate) fn open(
    env: sys::napi_env,
    wake: sys::napi_value,
    core: &Client,
    runtime: Runtime,
    shared: Arc<Shared>,
) -> Option<usize> {
    let event_loop = Loop::of(env)?;
    let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
    let waker = Waker::new(env, wake)?;
    let hook = CleanupHook::new(env, number)?;
    let timer = event_loop.timer(number, hook.clone())?;
    let bell = event_loop.bell(number, on_rung, hook.clone())?;
    let cord = bell.cord();
    shared.queue.alarm().hang(Box::new(move || cord.pull()));
    let state = State {
        polls: Vec::new(),
        timer,
        timing: Timing::Off,
        bell: Some(bell),
        ride: None,
        express: core.express(),
        is_closed: false,
    };
    let station = Rc::new(Station { number, event_loop, waker, hook, runtime, shared, state: RefCell::new(state) });
    register(&station, None, number);
    Some(number)
}

/// Sends a command at once, if that is possible; otherwise gives it back.
#[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
pub(crate) fn begin(number: usize, command: Command, ticket: u32) -> Result<(), Command> {
    match find(number) {
        Some(watched) => watched.station.begin(command, ticket),
        None => Err(command),
    }
}

/// Ends a station. A command under way still gets its answer.
pub(crate) fn close(number: usize) {
    let Some(Watched { station, .. }) = find(number) else { return };
    let mut state = station.state.borrow_mut();
    state.is_closed = true;
    state.express.close();
    station.look_after_lines(&mut state);
    let is_idle = state.ride.is_none();
    drop(state);
    if is_idle {
        demolish(number);
    }
}

/// Ends a station with whatever is under way.
fn demolish(number: usize) {
    let Some(Watched { station, .. }) = find(number) else { return };
    let mut state = station.state.borrow_mut();
    state.ride = None;
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
    #[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
    fn begin(self: &Rc<Self>, command: Command, ticket: u32) -> Result<(), Command> {
        let mut state = self.state.borrow_mut();
        if state.ride.is_some() || state.is_closed {
            return Err(command);
        }
        let begun = state.express.begin(command);
        match begun {
            Ok(line) => {
                state.ride = Some(Ride { line, ticket });
                state.keep_alive(line, true);
                self.set_timer(&mut state);
                Ok(())
            }
            Err(command) => {
                self.look_after_lines(&mut state);
                self.set_timer(&mut state);
                Err(command)
            }
        }
    }

    fn on_readable(self: &Rc<Self>, line: LineId) {
        let mut state = self.state.borrow_mut();
        let mut answered = None;
        match state.express.on_readable(line) {
            Event::Nothing => {}
            Event::Answer(answer) => answered = state.end_ride(line).map(|ticket| (ticket, answer)),
            Event::Resume(resumed) => self.resume(&mut state, line, resumed),
        }
        self.look_after_lines(&mut state);
        let is_over = state.is_closed && state.ride.is_none();
        drop(state);
        if let Some((ticket, answer)) = answered {
            self.settle(ticket, answer);
        }
        if is_over {
            demolish(self.number);
        }
    }

    fn settle(&self, ticket: u32, answer: Result<Reply, Error>) {
        self.shared.queue.push_here(ticket, answer.into());
        self.waker.call(true);
    }

    fn on_timer(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        state.timing = Timing::Off;
        if let Some(line) = state.express.overdue() {
            drop(state);
            // the thread may have been too busy to look: the answer is taken before the command is given away
            self.on_readable(line);
            state = self.state.borrow_mut();
            if state.express.overdue() == Some(line)
                && let Some(resumed) = state.express.hand_over(line)
            {
                self.resume(&mut state, line, resumed);
            }
        }
        state.express.tidy();
        self.look_after_lines(&mut state);
        self.set_timer(&mut state);
        let is_over = state.is_closed && state.ride.is_none();
        drop(state);
        if is_over {
            demolish(self.number);
        }
    }

    /// Lets a command go on through the runtime.
    fn resume(&self, state: &mut State, line: LineId, resumed: Box<Resumed>) {
        let ticket = state.end_ride(line);
        state.stop_watching(line);
        let Some(ticket) = ticket else { return };
        self.waker.keep_alive(&self.shared);
        let settlement = Settlement::new(self.shared.clone(), ticket, false);
        self.runtime.spawn(async move {
            settlement.settle(resumed.finish().await.into());
        });
    }

    /// Watches the lines that have come, and none that are gone.
    fn look_after_lines(self: &Rc<Self>, state: &mut State) {
        for line in state.express.arrivals() {
            let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
            let socket = state.express.socket(line);
            let handle = socket.and_then(|s| self.event_loop.watch(s, number, on_readable, self.hook.clone()));
            match handle {
                Some(handle) => {
                    register(self, Some(line), number);
                    state.polls.push(Poll { line, number, handle });
                }
                // the loop refuses the socket: it will refuse the next one as well
                None => {
                    state.is_closed = true;
                    state.express.close();
                }
            }
        }
        for departure in state.express.departures() {
            state.stop_watching(departure.line);
            departure.complete();
        }
    }

    fn set_timer(&self, state: &mut State) {
        let wanted = if state.ride.is_some() {
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
    fn keep_alive(&self, line: LineId, keep: bool) {
        if let Some(poll) = self.polls.iter().find(|p| p.line == line) {
            poll.handle.keep_alive(keep);
        }
    }

    fn end_ride(&mut self, line: LineId) -> Option<u32> {
        let ride = self.ride.take_if(|r| r.line == line)?;
        self.keep_alive(line, false);
        Some(ride.ticket)
    }

    fn stop_watching(&mut self, line: LineId) {
        if let Some(at) = self.polls.iter().position(|p| p.line == line) {
            forget(self.polls.swap_remove(at).number);
        }
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

unsafe extern "C" fn on_readable(handle: *mut c_void, _status: c_int, _events: c_int) {
    // SAFETY: the handle this callback was called with
    let number = unsafe { uv::number_of(handle) };
    guarded(|| {
        if let Some(Watched { station, line: Some(line) }) = find(number) {
            station.on_readable(line);
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

unsafe extern "C" fn on_rung(handle: *mut c_void) {
    // SAFETY: the handle this callback was called with
    let number = unsafe { uv::number_of(handle) };
    guarded(|| {
        if let Some(Watched { station, .. }) = find(number) {
            station.waker.call(false);
        }
    });
}

unsafe extern "C" fn on_cleanup(_hook: sys::napi_async_cleanup_hook_handle, number: *mut c_void) {
    guarded(|| demolish(number.addr()));
}
