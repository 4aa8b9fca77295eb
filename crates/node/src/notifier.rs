//! Waking the JavaScript thread.

#[cfg(inline_io)]
use std::sync::OnceLock;

use napi::bindgen_prelude::Status;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

#[cfg(inline_io)]
use crate::uv::AsyncSender;

/// The function that wakes the JavaScript thread. Weak: by itself it does not keep the process alive.
pub(crate) type WakeUp = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Wakes the JavaScript thread: through a `uv_async` handle of its event loop where there is one, and through a
/// thread-safe function otherwise. The function wakes its thread while it still holds a lock that this thread needs
/// first of all, so that the thread goes to sleep again at once.
pub(crate) struct Notifier {
    function: WakeUp,
    #[cfg(inline_io)]
    sender: OnceLock<AsyncSender>,
}

impl Notifier {
    pub(crate) fn new(function: WakeUp) -> Self {
        Self {
            function,
            #[cfg(inline_io)]
            sender: OnceLock::new(),
        }
    }

    /// The thread-safe function, whose references keep the process alive whichever way it is woken.
    pub(crate) fn function(&self) -> &WakeUp {
        &self.function
    }

    /// Uses the handle behind `sender` from now on. The first sender stays.
    #[cfg(inline_io)]
    pub(crate) fn use_sender(&self, sender: AsyncSender) {
        let _ = self.sender.set(sender);
    }

    /// Wakes the thread, soon.
    pub(crate) fn notify(&self) {
        #[cfg(inline_io)]
        if self.sender.get().is_some_and(AsyncSender::send) {
            return;
        }
        self.call();
    }

    /// Wakes the thread through the function. Needed once when the handle was closed: a wake-up that was sent just before
    /// that is lost.
    pub(crate) fn call(&self) {
        // refused only while the environment shuts down, when no call waits any more
        self.function.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}
