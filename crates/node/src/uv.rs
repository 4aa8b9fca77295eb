//! Watching sockets and timers on the event loop of Node.js, and waking it, by way of libuv.
//!
//! Node-API has no such thing, and libuv is part of the program that loaded this library, so its functions are
//! looked up at run time. Where they are missing, there is no [`Uv`], and nothing of this is used.
//!
//! Callbacks get a number, not a pointer: whoever they are for may be gone (see `loop_events`).

use std::ffi::{CStr, c_char, c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use napi::sys;
use parking_lot::Mutex;

type RawHandle = *mut c_void;
type RawLoop = *mut sys::uv_loop_s;
pub(crate) type PollCallback = unsafe extern "C" fn(RawHandle, c_int, c_int);
/// Of timers, checks and wake-ups, and of handles that are closed.
pub(crate) type Callback = unsafe extern "C" fn(RawHandle);

/// From `uv.h`; the names are checked against the library that is found.
const ASYNC: c_int = 1;
const CHECK: c_int = 2;
const POLL: c_int = 8;
const TIMER: c_int = 13;
const READABLE: c_int = 1;
const WRITABLE: c_int = 2;
/// A handle of any of these types is smaller than this, which is checked as well.
const HANDLE_SIZE: usize = 512;

macro_rules! functions {
    ($($name:ident = $symbol:literal: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of libuv that are used here.
        pub(crate) struct Uv {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Uv {
            fn find() -> Option<Self> {
                Some(Self {
                    $($name: {
                        let symbol = look_up($symbol)?;
                        // SAFETY: a symbol of this name is libuv's function, whose signature is part of its stable
                        // interface and written here as it is in uv.h
                        unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $result)?>(symbol) }
                    },)*
                })
            }
        }
    };
}

functions! {
    poll_init = c"uv_poll_init": fn(RawLoop, RawHandle, c_int) -> c_int;
    poll_start = c"uv_poll_start": fn(RawHandle, c_int, PollCallback) -> c_int;
    poll_stop = c"uv_poll_stop": fn(RawHandle) -> c_int;
    timer_init = c"uv_timer_init": fn(RawLoop, RawHandle) -> c_int;
    timer_start = c"uv_timer_start": fn(RawHandle, Callback, u64, u64) -> c_int;
    check_init = c"uv_check_init": fn(RawLoop, RawHandle) -> c_int;
    check_start = c"uv_check_start": fn(RawHandle, Callback) -> c_int;
    check_stop = c"uv_check_stop": fn(RawHandle) -> c_int;
    async_init = c"uv_async_init": fn(RawLoop, RawHandle, Callback) -> c_int;
    async_send = c"uv_async_send": fn(RawHandle) -> c_int;
    timer_stop = c"uv_timer_stop": fn(RawHandle) -> c_int;
    handle_size = c"uv_handle_size": fn(c_int) -> usize;
    handle_type_name = c"uv_handle_type_name": fn(c_int) -> *const c_char;
    handle_set_data = c"uv_handle_set_data": fn(RawHandle, *mut c_void);
    handle_get_data = c"uv_handle_get_data": fn(RawHandle) -> *mut c_void;
    refer = c"uv_ref": fn(RawHandle);
    unref = c"uv_unref": fn(RawHandle);
    close = c"uv_close": fn(RawHandle, Callback);
}

fn look_up(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: looking a symbol up in the running program has no other requirement
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!symbol.is_null()).then_some(symbol)
}

impl Uv {
    /// The library, if the running program has it in the form that is known here.
    pub(crate) fn get() -> Option<&'static Self> {
        static FOUND: OnceLock<Option<Uv>> = OnceLock::new();
        FOUND.get_or_init(|| Self::find().filter(Self::is_known)).as_ref()
    }

    fn is_known(&self) -> bool {
        [(ASYNC, c"async"), (CHECK, c"check"), (POLL, c"poll"), (TIMER, c"timer")].into_iter().all(|(kind, name)| {
            // SAFETY: these take any id; the name is null or static text
            let (size, actual) = unsafe { ((self.handle_size)(kind), (self.handle_type_name)(kind)) };
            // SAFETY: not null, it is static text
            size <= HANDLE_SIZE && !actual.is_null() && unsafe { CStr::from_ptr(actual) } == name
        })
    }
}

/// Has a socket count as readable from so many bytes on. Fails where there is no such thing, and then nothing changes.
pub(crate) fn set_low_water(socket: BorrowedFd<'_>, bytes: usize) {
    let bytes = bytes as c_int;
    // SAFETY: the socket is open, and the option is an int that is read during the call
    unsafe {
        let size = size_of::<c_int>() as libc::socklen_t;
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVLOWAT, (&raw const bytes).cast(), size);
    }
}

/// What a socket is watched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    Readable,
    /// Also for room to write.
    Both,
}

/// The loop of an environment, on whose thread all of this stays.
#[derive(Clone, Copy)]
pub(crate) struct Loop {
    uv: &'static Uv,
    raw: RawLoop,
}

impl Loop {
    /// The loop of an environment.
    pub(crate) fn of(env: sys::napi_env) -> Option<Self> {
        let uv = Uv::get()?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: called on the environment's thread; `raw` has room for the answer
        let status = unsafe { sys::napi_get_uv_event_loop(env, &mut raw) };
        (status == sys::Status::napi_ok && !raw.is_null()).then_some(Self { uv, raw })
    }

    /// Watches a socket. The callback finds `id` with [`id_of`]. The socket must stay open until the handle is
    /// dropped; the owner sees to that. The handle does not keep the loop alive.
    pub(crate) fn watch<O: 'static>(
        self,
        socket: BorrowedFd<'_>,
        id: usize,
        callback: PollCallback,
        owner: Rc<O>,
    ) -> Option<Handle> {
        // SAFETY: a fresh block, large enough for the handle, of a loop that runs on this thread
        let handle =
            Handle::new(self.uv, POLL, id, owner, |h| unsafe { (self.uv.poll_init)(self.raw, h, socket.as_raw_fd()) })?;
        // SAFETY: the handle was initialized above
        let started = unsafe { (self.uv.poll_start)(handle.raw, READABLE, callback) };
        (started == 0).then_some(handle)
    }

    /// A timer that is not started. It does not keep the loop alive.
    pub(crate) fn timer<O: 'static>(self, id: usize, owner: Rc<O>) -> Option<Handle> {
        // SAFETY: a fresh block, large enough for the handle, of a loop that runs on this thread
        Handle::new(self.uv, TIMER, id, owner, |h| unsafe { (self.uv.timer_init)(self.raw, h) })
    }

    /// Something to run after the sockets of a turn, not started yet. It does not keep the loop alive.
    pub(crate) fn check<O: 'static>(self, id: usize, owner: Rc<O>) -> Option<Handle> {
        // SAFETY: a fresh block, large enough for the handle, of a loop that runs on this thread
        Handle::new(self.uv, CHECK, id, owner, |h| unsafe { (self.uv.check_init)(self.raw, h) })
    }

    /// A handle through which other threads wake the loop: `callback` then runs on its thread, once for all wake-ups
    /// that were sent meanwhile. It does not keep the loop alive.
    pub(crate) fn async_handle<O: 'static>(self, id: usize, callback: Callback, owner: Rc<O>) -> Option<AsyncHandle> {
        // SAFETY: a fresh block, large enough for the handle, of a loop that runs on this thread
        let handle =
            Handle::new(self.uv, ASYNC, id, owner, |h| unsafe { (self.uv.async_init)(self.raw, h, callback) })?;
        let sender = AsyncSender(Arc::new(Mutex::new(Some(RawAsync { uv: self.uv, raw: handle.raw }))));
        Some(AsyncHandle { sender, handle })
    }
}

/// A `uv_async` handle on the loop's thread. Once it is dropped, its senders wake nothing any more.
pub(crate) struct AsyncHandle {
    sender: AsyncSender,
    handle: Handle,
}

impl AsyncHandle {
    /// What other threads wake the loop with.
    pub(crate) fn sender(&self) -> AsyncSender {
        self.sender.clone()
    }

    /// Whether the handle keeps the loop alive.
    pub(crate) fn keep_alive(&self, keep: bool) {
        self.handle.keep_alive(keep);
    }
}

impl Drop for AsyncHandle {
    fn drop(&mut self) {
        // before the handle is closed; this waits for whoever is sending
        *self.sender.0.lock() = None;
    }
}

/// Wakes the loop of an [`AsyncHandle`] from any thread.
#[derive(Clone)]
pub(crate) struct AsyncSender(Arc<Mutex<Option<RawAsync>>>);

impl AsyncSender {
    /// False when the handle is gone.
    pub(crate) fn send(&self) -> bool {
        let raw = self.0.lock();
        // SAFETY: the handle is open as long as it can be found here, and the lock is held until libuv is done
        raw.as_ref().is_some_and(|c| unsafe { (c.uv.async_send)(c.raw) } == 0)
    }
}

struct RawAsync {
    uv: &'static Uv,
    raw: RawHandle,
}

// SAFETY: all that is done with the handle is `uv_async_send`, which is made for other threads
unsafe impl Send for RawAsync {}

/// The memory of a handle, and what must live as long as it.
#[repr(C, align(16))]
struct Block {
    handle: [u8; HANDLE_SIZE],
    owner: Rc<dyn std::any::Any>,
}

/// An open handle. Dropped, it stops at once and is closed when the loop gets round to it; its owner lives until then.
pub(crate) struct Handle {
    uv: &'static Uv,
    kind: c_int,
    raw: RawHandle,
}

impl Handle {
    fn new<O: 'static>(
        uv: &'static Uv,
        kind: c_int,
        id: usize,
        owner: Rc<O>,
        init: impl FnOnce(RawHandle) -> c_int,
    ) -> Option<Self> {
        let block = Box::into_raw(Box::new(Block { handle: [0; HANDLE_SIZE], owner }));
        let raw: RawHandle = block.cast();
        if init(raw) != 0 {
            // SAFETY: the pointer came from a box three lines above, and libuv keeps no handle it did not initialize
            drop(unsafe { Box::from_raw(block) });
            return None;
        }
        // SAFETY: the handle is initialized; the id only looks like a pointer and is never followed
        unsafe {
            (uv.handle_set_data)(raw, std::ptr::without_provenance_mut(id));
            (uv.unref)(raw);
        }
        Some(Self { uv, kind, raw })
    }

    /// Starts a timer, or starts it again, to fire once.
    pub(crate) fn start(&self, milliseconds: u64, callback: Callback) {
        debug_assert_eq!(self.kind, TIMER);
        // SAFETY: the handle is open, and a timer; starting fails only while it is closing
        unsafe { (self.uv.timer_start)(self.raw, callback, milliseconds, 0) };
    }

    /// Has a check run after the sockets of every turn, until it is stopped.
    pub(crate) fn start_check(&self, callback: Callback) {
        debug_assert_eq!(self.kind, CHECK);
        // SAFETY: the handle is open, and a check
        unsafe { (self.uv.check_start)(self.raw, callback) };
    }

    pub(crate) fn stop_check(&self) {
        debug_assert_eq!(self.kind, CHECK);
        // SAFETY: the handle is open, and a check
        unsafe { (self.uv.check_stop)(self.raw) };
    }

    /// Watches a socket for something else from now on.
    pub(crate) fn watch(&self, watch: Watch, callback: PollCallback) {
        debug_assert_eq!(self.kind, POLL);
        let events = if watch == Watch::Both { READABLE | WRITABLE } else { READABLE };
        // SAFETY: the handle is open, and watches a socket that is; starting it again replaces what it is watched for
        unsafe { (self.uv.poll_start)(self.raw, events, callback) };
    }

    /// Whether the handle keeps the loop alive.
    pub(crate) fn keep_alive(&self, keep: bool) {
        // SAFETY: the handle is open
        unsafe { if keep { (self.uv.refer)(self.raw) } else { (self.uv.unref)(self.raw) } };
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is open and of its kind; only this closes it, and after stopping it the loop does not
        // touch the socket again
        unsafe {
            match self.kind {
                POLL => _ = (self.uv.poll_stop)(self.raw),
                TIMER => _ = (self.uv.timer_stop)(self.raw),
                CHECK => _ = (self.uv.check_stop)(self.raw),
                _ => {}
            }
            (self.uv.close)(self.raw, on_closed);
        }
    }
}

unsafe extern "C" fn on_closed(handle: RawHandle) {
    // SAFETY: every handle is the first field of a boxed block that was leaked when it was opened, and libuv is done
    // with it now
    drop(unsafe { Box::from_raw(handle.cast::<Block>()) });
}

/// The id that a handle was opened with.
///
/// # Safety
/// The handle is one that a callback was just called with.
pub(crate) unsafe fn id_of(handle: RawHandle) -> usize {
    // SAFETY: callbacks are only called for handles of ours, so the library was found
    Uv::get().map_or(0, |uv| unsafe { (uv.handle_get_data)(handle) }.addr())
}
