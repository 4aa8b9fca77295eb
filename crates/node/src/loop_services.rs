//! The services of `event_loop` on the event loop of libuv. They are per copy of the package, and end with their
//! environment; whoever asks for them afterwards asks in vain.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;

use napi::sys;

use crate::callback::Callback;
use crate::loop_events::{self, CleanupHook, LoopEvents, listen, next_id, unlisten};
use crate::uv::{AsyncHandle, Handle, Loop};

/// What JavaScript is called with.
const TURN: i32 = 1;
const TICK_WAS_LOST: i32 = 2;

thread_local! {
    /// Never dropped: a thread that ends has closed them before, and a process that exits at once has no loop left.
    static OPEN: ManuallyDrop<RefCell<Vec<Rc<Services>>>> = ManuallyDrop::new(RefCell::default());
}

struct Services {
    id: u32,
    callback: Callback,
    /// The first of the bytes whose array `callback` keeps.
    flag: *const u8,
    handles: RefCell<Option<Handles>>,
    /// The loop was woken for a turn, and that was seen once.
    was_woken: Cell<bool>,
}

struct Handles {
    async_handle: AsyncHandle,
    _turn_end: Handle,
}

pub(crate) fn open(
    env: sys::napi_env,
    call: sys::napi_value,
    flags: sys::napi_value,
    flag: *const u8,
    length: usize,
) -> Option<u32> {
    let event_loop = Loop::of(env).filter(|_| length > 0)?;
    let id = next_id();
    let number = u32::try_from(id).ok()?;
    let callback = Callback::new(env, call, flags)?;
    let hook = CleanupHook::new(env, id)?;
    let async_handle = event_loop.async_handle(id, loop_events::on_async, hook.clone())?;
    let turn_end = event_loop.check(id, hook)?;
    turn_end.start_check(loop_events::on_turn_end);
    let handles = RefCell::new(Some(Handles { async_handle, _turn_end: turn_end }));
    let services = Rc::new(Services { id: number, callback, flag, handles, was_woken: Cell::new(false) });
    listen(id, services.clone(), None);
    OPEN.with(|open| open.borrow_mut().push(services));
    Some(number)
}

pub(crate) fn ask_for_turn(id: u32) {
    let services = OPEN.with(|open| open.borrow().iter().find(|services| services.id == id).cloned());
    let Some(services) = services else { return };
    if let Some(handles) = &*services.handles.borrow() {
        handles.async_handle.keep_alive(true);
        handles.async_handle.sender().send();
    }
}

impl LoopEvents for Services {
    fn on_async(self: Rc<Self>) {
        let is_over = self.was_woken.replace(!self.was_woken.get());
        if let Some(handles) = &*self.handles.borrow() {
            if is_over {
                handles.async_handle.keep_alive(false);
            } else {
                // sent where libuv goes through its wake-ups, it may have come at once: timers were not looked at yet
                handles.async_handle.sender().send();
            }
        }
        if is_over {
            self.callback.call(|_| TURN);
        }
    }

    /// Runs once in every turn of the loop, after its sockets: where JavaScript ran before, its ticks have ended as well.
    fn on_turn_end(self: Rc<Self>) {
        // SAFETY: `callback` keeps the array, nobody detaches its buffer, and it is written on this thread alone, by
        // JavaScript, which does not run now
        if unsafe { self.flag.read_volatile() } != 0 {
            self.callback.call(|_| TICK_WAS_LOST);
        }
    }

    fn on_cleanup(self: Rc<Self>) {
        drop(self.handles.take());
        unlisten(self.id as usize);
        OPEN.with(|open| open.borrow_mut().retain(|other| other.id != self.id));
    }
}
