//! Drives the inline I/O of one client with libuv: the event loop of Node.js watches the sockets, so that no other thread
//! has to be woken, and this one only by the answers.
//!
//! A [`Driver`] lives on its client's thread and is found there by its number, which leads nowhere once it is gone. Its
//! state is never borrowed while JavaScript runs, which may call back at any point.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aerospike_core::{Batch, Command, ConnectionId, Event, InlineIo};
use tokio::runtime::Handle as Runtime;

use crate::callback::Callback;
use crate::completion::Outcome;
use crate::inline_setup::Setup;
use crate::loop_events::{self, CleanupHook, LoopEvents, listen, next_id, unlisten};
use crate::settlement::{Settlement, Shared};
use crate::uv::{self, AsyncHandle, Handle, Loop, Watch};

/// Milliseconds between looks at commands in flight, and at idle connections.
const IN_FLIGHT_TICK: u64 = 2;
const IDLE_TICK: u64 = 250;
/// How late a timer of libuv may be for the first without a reason: its clock has milliseconds.
const IN_FLIGHT_PATIENCE: Duration = Duration::from_millis(IN_FLIGHT_TICK + 1);

/// Answers that JavaScript is called for at once. A batch counts as this many.
const MANY: usize = 8;

/// What JavaScript is called with when other threads have completions ready, none of which is in the target.
const OTHER_THREADS: i32 = -1;

thread_local! {
    /// The drivers of this thread. Never dropped: a thread that ends has closed its drivers before, and a process that
    /// exits at once has no loop left to close them on.
    static DRIVERS: ManuallyDrop<RefCell<HashMap<usize, Rc<Driver>>>> = ManuallyDrop::new(RefCell::default());
}

/// The driver of this number, unless it is gone.
pub(crate) fn find(id: usize) -> Option<Rc<Driver>> {
    DRIVERS.with(|drivers| drivers.borrow().get(&id).cloned())
}

/// Inline I/O of one client.
pub(crate) struct Driver {
    id: usize,
    event_loop: Loop,
    callback: Callback,
    hook: Rc<CleanupHook>,
    runtime: Runtime,
    shared: Arc<Shared>,
    state: RefCell<State>,
}

struct State {
    /// Declared before `io`, so that no socket is closed while it is watched.
    polls: Vec<Poll>,
    timer: Handle,
    timing: Timing,
    /// When the timer was to fire at the latest, while commands are in flight.
    due: Option<Instant>,
    /// Runs when all sockets that are readable in a turn of the loop were read.
    turn_end: Handle,
    /// There are answers to announce then.
    has_answers: bool,
    /// How other threads wake this one, until the driver ends.
    async_handle: Option<AsyncHandle>,
    io: InlineIo,
    is_closed: bool,
}

/// A connection whose socket is watched.
struct Poll {
    connection: ConnectionId,
    id: usize,
    handle: Handle,
    keeps_alive: bool,
    awaits_room: bool,
    /// Bytes that have to be there before the loop counts the socket as readable.
    low_water: usize,
}

/// When the timer fires next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timing {
    Off,
    Soon,
    Later,
}

/// How the JavaScript thread learns of completions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Announce {
    /// It is called.
    Now,
    /// It is called at the end of the turn, when the other sockets were read as well; at once if there is much for it
    /// already, since the other answers can arrive while it works.
    Soon,
    /// It is busy with something else, and looks later.
    Later,
}

/// Opens inline I/O for a client. Returns the number of its driver; `None` where the loop cannot be used.
pub(crate) fn open(setup: Setup<'_>) -> Option<usize> {
    let Setup { env, wake, target, core, runtime, shared } = setup;
    let event_loop = Loop::of(env)?;
    let id = next_id();
    let callback = Callback::new(env, wake, target)?;
    let hook = CleanupHook::new(env, id)?;
    let timer = event_loop.timer(id, hook.clone())?;
    let turn_end = event_loop.check(id, hook.clone())?;
    let async_handle = event_loop.async_handle(id, loop_events::on_async, hook.clone())?;
    shared.queue.notifier().use_sender(async_handle.sender());
    let state = State {
        polls: Vec::new(),
        timer,
        timing: Timing::Off,
        due: None,
        turn_end,
        has_answers: false,
        async_handle: Some(async_handle),
        io: core.inline_io(),
        is_closed: false,
    };
    let driver = Rc::new(Driver { id, event_loop, callback, hook, runtime, shared, state: RefCell::new(state) });
    listen(id, driver.clone(), None);
    DRIVERS.with(|drivers| drivers.borrow_mut().insert(id, driver));
    Some(id)
}

/// Closes a driver. A command in flight still gets its answer.
pub(crate) fn close(id: usize) {
    let Some(driver) = find(id) else { return };
    let mut state = driver.state.borrow_mut();
    state.is_closed = true;
    state.io.close();
    driver.update_watches(&mut state);
    let is_idle = !state.io.has_in_flight();
    drop(state);
    if is_idle {
        driver.destroy();
    }
}

impl Driver {
    /// Most rows of a batch that would be accepted now.
    pub(crate) fn max_rows(&self) -> usize {
        self.state.borrow().io.max_rows()
    }

    #[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
    pub(crate) fn begin(&self, command: Command, ticket: u32) -> Result<(), Command> {
        self.state.borrow_mut().io.begin(command, ticket)
    }

    #[expect(clippy::result_large_err, reason = "the batch is moved on, not reported")]
    pub(crate) fn begin_batch(&self, batch: Batch, ticket: u32, in_parts: bool) -> Result<(), Batch> {
        self.state.borrow_mut().io.begin_batch(batch, ticket, in_parts)
    }

    /// Writes what was begun, during a call from JavaScript.
    pub(crate) fn flush(self: &Rc<Self>) {
        // JavaScript is at work: what completes here is announced as those of other threads are
        self.after(|io| io.flush(), Announce::Later);
    }

    /// Ends the driver with whatever is in flight.
    fn destroy(&self) {
        let mut state = self.state.borrow_mut();
        let polls = std::mem::take(&mut state.polls);
        let async_handle = state.async_handle.take();
        drop(state);
        polls.iter().for_each(|poll| unlisten(poll.id));
        drop(polls);
        drop(async_handle);
        self.shared.queue.notifier().call();
        unlisten(self.id);
        // dropped outside the borrow: it may be the last reference
        drop(DRIVERS.with(|drivers| drivers.borrow_mut().remove(&self.id)));
    }

    /// Does something with the inline I/O, then all that follows from it.
    fn after(self: &Rc<Self>, work: impl FnOnce(&mut InlineIo), announce: Announce) {
        let mut state = self.state.borrow_mut();
        work(&mut state.io);
        // sockets are no longer watched when the runtime takes their commands over
        self.update_watches(&mut state);
        let events = state.io.events();
        self.set_timer(&mut state);
        let is_over = state.is_closed && !state.io.has_in_flight();
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
                    state.turn_end.start_check(loop_events::on_turn_end);
                }
            }
            Announce::Soon | Announce::Now => self.announce(),
        }
        if is_over {
            self.destroy();
        }
    }

    fn push(&self, ticket: u32, outcome: Outcome, announce: Announce) {
        match announce {
            Announce::Now | Announce::Soon => self.shared.queue.push_here(ticket, outcome),
            Announce::Later => {
                self.callback.keep_alive(&self.shared);
                self.shared.queue.push(ticket, outcome);
            }
        }
    }

    /// Has the runtime take a command over.
    fn resume<F>(&self, ticket: u32, finish: impl FnOnce(Arc<Shared>) -> F)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.callback.keep_alive(&self.shared);
        let settlement = Settlement::new(self.shared.clone(), ticket, false);
        let outcome = finish(self.shared.clone());
        self.runtime.spawn(async move {
            settlement.settle(outcome.await);
        });
    }

    /// Calls JavaScript with the completions that fit into the target. If some are left, it is called again.
    fn announce(&self) {
        self.callback.call(|target| self.shared.queue.drain(target).max(0) as i32);
        if self.shared.queue.has_waiting() {
            self.shared.queue.notifier().notify();
        }
    }

    /// Watches new connections, stops watching released ones, and adapts how the others are watched.
    fn update_watches(self: &Rc<Self>, state: &mut State) {
        for connection in state.io.new_connections() {
            let id = next_id();
            let socket = state.io.socket(connection);
            let handle = socket.and_then(|s| self.event_loop.watch(s, id, loop_events::on_ready, self.hook.clone()));
            match handle {
                Some(handle) => {
                    listen(id, self.clone(), Some(connection));
                    state.polls.push(Poll {
                        connection,
                        id,
                        handle,
                        keeps_alive: false,
                        awaits_room: false,
                        low_water: 1,
                    });
                }
                // the loop refuses the socket: it will refuse the next one as well
                None => {
                    state.is_closed = true;
                    state.io.close();
                }
            }
        }
        for released in state.io.released() {
            let low_water = state.stop_watching(released.connection);
            if low_water.is_some_and(|bytes| bytes != 1)
                && let Some(socket) = released.socket()
            {
                // its next reader does not expect a low-water mark
                uv::set_low_water(socket, 1);
            }
            released.complete();
        }
        for Poll { connection, handle, keeps_alive, awaits_room, low_water, .. } in &mut state.polls {
            let waits = state.io.waits(*connection);
            if std::mem::replace(keeps_alive, waits) != waits {
                handle.keep_alive(waits);
            }
            let enough = state.io.low_water_mark(*connection);
            if std::mem::replace(low_water, enough) != enough
                && let Some(socket) = state.io.socket(*connection)
            {
                uv::set_low_water(socket, enough);
            }
            let wants_room = state.io.wants_to_write(*connection);
            if std::mem::replace(awaits_room, wants_room) != wants_room {
                handle.watch(if wants_room { Watch::Both } else { Watch::Readable }, loop_events::on_ready);
            }
        }
    }

    fn set_timer(&self, state: &mut State) {
        let wanted = if state.io.has_in_flight() {
            Timing::Soon
        } else if state.io.is_busy() {
            Timing::Later
        } else {
            return;
        };
        // a timer that fires too soon is harmless, and cheaper than one that is set for every command
        if state.timing == Timing::Off || (wanted == Timing::Soon && state.timing == Timing::Later) {
            state.timing = wanted;
            state.due = (wanted == Timing::Soon).then(|| Instant::now() + IN_FLIGHT_PATIENCE);
            state.timer.start(if wanted == Timing::Soon { IN_FLIGHT_TICK } else { IDLE_TICK }, loop_events::on_timer);
        }
    }
}

impl LoopEvents for Driver {
    fn on_ready(self: Rc<Self>, connection: ConnectionId) {
        self.after(
            |io| {
                io.on_readable(connection);
                if io.wants_to_write(connection) {
                    io.flush();
                }
            },
            Announce::Soon,
        );
    }

    fn on_timer(self: Rc<Self>) {
        let mut state = self.state.borrow_mut();
        state.timing = Timing::Off;
        let due = state.due.take();
        drop(state);
        if let Some(due) = due {
            self.shared.queue.resumed_after(due.elapsed());
        }
        self.after(InlineIo::maintain, Announce::Now);
    }

    fn on_turn_end(self: Rc<Self>) {
        let mut state = self.state.borrow_mut();
        state.turn_end.stop_check();
        let has_answers = std::mem::take(&mut state.has_answers);
        drop(state);
        if has_answers {
            self.announce();
        }
    }

    fn on_async(self: Rc<Self>) {
        self.callback.call(|_| OTHER_THREADS);
    }

    fn on_cleanup(self: Rc<Self>) {
        self.destroy();
    }
}

impl State {
    /// Stops watching a connection. Returns its low-water mark, unless it was not watched.
    fn stop_watching(&mut self, connection: ConnectionId) -> Option<usize> {
        let at = self.polls.iter().position(|p| p.connection == connection)?;
        let Poll { id, low_water, .. } = self.polls.swap_remove(at);
        unlisten(id);
        Some(low_water)
    }
}
