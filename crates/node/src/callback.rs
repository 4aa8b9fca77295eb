//! Calling JavaScript from the event loop.

use std::ptr::null_mut;

use napi::sys;

use crate::settlement::Shared;

/// Calls the function that settles completions.
pub(crate) struct Callback {
    env: sys::napi_env,
    function: sys::napi_ref,
    /// The bytes in which completions are handed over with the call.
    target: sys::napi_ref,
    context: sys::napi_async_context,
}

impl Callback {
    pub(crate) fn new(env: sys::napi_env, function: sys::napi_value, target: sys::napi_value) -> Option<Self> {
        let mut this = Self { env, function: null_mut(), target: null_mut(), context: null_mut() };
        let mut name = null_mut();
        // SAFETY: called on the thread of `env` during a call from JavaScript, with values of that call
        let done = unsafe {
            sys::napi_create_string_utf8(env, c"aerospike".as_ptr(), -1, &mut name) == sys::Status::napi_ok
                && sys::napi_async_init(env, null_mut(), name, &mut this.context) == sys::Status::napi_ok
                && sys::napi_create_reference(env, function, 1, &mut this.function) == sys::Status::napi_ok
                && sys::napi_create_reference(env, target, 1, &mut this.target) == sys::Status::napi_ok
        };
        done.then_some(this)
    }

    /// Calls it as the event loop does: promises settle and their microtasks run before this returns. Its argument is
    /// what `fill` says of the target.
    pub(crate) fn call(&self, fill: impl FnOnce(&mut [u8]) -> i32) {
        let (mut handles, mut scope, mut function) = (null_mut(), null_mut(), null_mut());
        let (mut this, mut argument) = (null_mut(), null_mut());
        // SAFETY: runs in a callback of the loop of `env`, on its thread, with no JavaScript on the stack; the
        // references and the context live as long as `self`, and the scopes are closed in reverse
        unsafe {
            if sys::napi_open_handle_scope(self.env, &mut handles) != sys::Status::napi_ok {
                return;
            }
            if sys::napi_open_callback_scope(self.env, null_mut(), self.context, &mut scope) == sys::Status::napi_ok {
                let filled = self.with_target(fill);
                if sys::napi_get_reference_value(self.env, self.function, &mut function) == sys::Status::napi_ok
                    && sys::napi_get_undefined(self.env, &mut this) == sys::Status::napi_ok
                    && sys::napi_create_int32(self.env, filled, &mut argument) == sys::Status::napi_ok
                {
                    let status = sys::napi_call_function(self.env, this, function, 1, &argument, null_mut());
                    if status == sys::Status::napi_pending_exception {
                        self.report();
                    }
                }
                sys::napi_close_callback_scope(self.env, scope);
            }
            sys::napi_close_handle_scope(self.env, handles);
        }
    }

    /// Lends the bytes of the target, none when they are not there any more.
    ///
    /// # Safety
    ///
    /// To be called on the thread of `env`, in a handle scope. `fill` must not run any JavaScript.
    unsafe fn with_target<R>(&self, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let (mut target, mut bytes, mut length) = (null_mut(), null_mut(), 0);
        // SAFETY: the reference lives as long as `self`, and nobody else looks at the bytes while no JavaScript runs
        unsafe {
            if sys::napi_get_reference_value(self.env, self.target, &mut target) == sys::Status::napi_ok
                && sys::napi_get_buffer_info(self.env, target, &mut bytes, &mut length) == sys::Status::napi_ok
                && !bytes.is_null()
            {
                fill(std::slice::from_raw_parts_mut(bytes.cast(), length))
            } else {
                fill(&mut [])
            }
        }
    }

    /// An exception that nobody can catch goes where Node.js sends those.
    fn report(&self) {
        let mut exception = null_mut();
        // SAFETY: as for `call`, which this is a part of
        unsafe {
            if sys::napi_get_and_clear_last_exception(self.env, &mut exception) == sys::Status::napi_ok {
                sys::napi_fatal_exception(self.env, exception);
            }
        }
    }

    /// Keeps the process alive for a command that completes through the thread-safe function.
    pub(crate) fn keep_alive(&self, shared: &Shared) {
        // SAFETY: called on the thread of `env`; the function lives as long as the queue
        unsafe { sys::napi_ref_threadsafe_function(self.env, shared.queue.notifier().function().raw()) };
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // SAFETY: drivers are dropped on the thread of `env`, at the latest by their cleanup hook, while it exists
        unsafe {
            for reference in [self.function, self.target].into_iter().filter(|r| !r.is_null()) {
                sys::napi_delete_reference(self.env, reference);
            }
            if !self.context.is_null() {
                sys::napi_async_destroy(self.env, self.context);
            }
        }
    }
}
