//! From the callbacks of libuv to who they are for.
//!
//! A callback gets a number, not a pointer: whoever it is for may be gone, and a number can be looked up in vain.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aerospike_core::ConnectionId;
use napi::sys;

use crate::uv;

/// What happens on the event loop. Whoever has no handle of a kind does without its events.
pub(crate) trait LoopEvents {
    /// The socket of a connection is readable, or has room to write where it was watched for that.
    fn on_ready(self: Rc<Self>, _connection: ConnectionId) {}
    /// The timer fired.
    fn on_timer(self: Rc<Self>) {}
    /// All sockets that were readable in this turn of the loop were read.
    fn on_turn_end(self: Rc<Self>);
    /// The loop was woken: another thread has completions ready.
    fn on_async(self: Rc<Self>);
    /// The environment ends.
    fn on_cleanup(self: Rc<Self>);
}

#[derive(Clone)]
struct Listener {
    events: Rc<dyn LoopEvents>,
    /// The connection of a socket; none for the other handles.
    connection: Option<ConnectionId>,
}

thread_local! {
    /// Who listens on this thread, by number. Never dropped: a thread that ends has removed its listeners before, and a
    /// process that exits at once has no loop left to close handles on.
    static LISTENERS: ManuallyDrop<RefCell<HashMap<usize, Listener>>> = ManuallyDrop::new(RefCell::default());
}

static NEXT_ID: AtomicUsize = AtomicUsize::new(1);

/// A number that was not used before.
pub(crate) fn next_id() -> usize {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

/// Has callbacks with a number go to a listener.
pub(crate) fn listen(id: usize, events: Rc<dyn LoopEvents>, connection: Option<ConnectionId>) {
    LISTENERS.with(|listeners| listeners.borrow_mut().insert(id, Listener { events, connection }));
}

/// Has them go nowhere.
pub(crate) fn unlisten(id: usize) {
    // dropped outside the borrow: the last reference to a listener closes its handles
    drop(LISTENERS.with(|listeners| listeners.borrow_mut().remove(&id)));
}

fn dispatch(id: usize, event: impl FnOnce(Rc<dyn LoopEvents>, Option<ConnectionId>)) {
    // no panic may leave a callback
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let listener = LISTENERS.with(|listeners| listeners.borrow().get(&id).cloned());
        if let Some(Listener { events, connection }) = listener {
            event(events, connection);
        }
    }));
}

pub(crate) unsafe extern "C" fn on_ready(handle: *mut c_void, _status: c_int, _events: c_int) {
    // SAFETY: the handle this callback was called with
    dispatch(unsafe { uv::id_of(handle) }, |events, connection| {
        if let Some(connection) = connection {
            events.on_ready(connection);
        }
    });
}

pub(crate) unsafe extern "C" fn on_timer(handle: *mut c_void) {
    // SAFETY: the handle this callback was called with
    dispatch(unsafe { uv::id_of(handle) }, |events, _| events.on_timer());
}

pub(crate) unsafe extern "C" fn on_turn_end(handle: *mut c_void) {
    // SAFETY: the handle this callback was called with
    dispatch(unsafe { uv::id_of(handle) }, |events, _| events.on_turn_end());
}

pub(crate) unsafe extern "C" fn on_async(handle: *mut c_void) {
    // SAFETY: the handle this callback was called with
    dispatch(unsafe { uv::id_of(handle) }, |events, _| events.on_async());
}

unsafe extern "C" fn on_cleanup(_hook: sys::napi_async_cleanup_hook_handle, id: *mut c_void) {
    dispatch(id.addr(), |events, _| events.on_cleanup());
}

/// Tells a listener when its environment ends. The environment then waits for the handles of the loop: each holds this,
/// and the last one to be closed lets it go on.
pub(crate) struct CleanupHook(sys::napi_async_cleanup_hook_handle);

impl CleanupHook {
    pub(crate) fn new(env: sys::napi_env, id: usize) -> Option<Rc<Self>> {
        let mut hook = std::ptr::null_mut();
        let id = std::ptr::without_provenance_mut(id);
        // SAFETY: called on the thread of `env`; the argument is a number and never followed
        let status = unsafe { sys::napi_add_async_cleanup_hook(env, Some(on_cleanup), id, &mut hook) };
        (status == sys::Status::napi_ok).then(|| Rc::new(Self(hook)))
    }
}

impl Drop for CleanupHook {
    fn drop(&mut self) {
        // SAFETY: removed once, on the thread of its environment, which exists until this was done
        unsafe { sys::napi_remove_async_cleanup_hook(self.0) };
    }
}
