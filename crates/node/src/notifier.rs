//! Waking the JavaScript thread.

use std::sync::OnceLock;

use napi::bindgen_prelude::Status;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

/// The function that wakes the JavaScript thread. Weak: by itself it does not keep the process alive.
pub(crate) type WakeUp = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Another way to wake it. False when that way is closed.
pub(crate) type Bell = Box<dyn Fn() -> bool + Send + Sync>;

/// Wakes the JavaScript thread: with a bell on its event loop, where there is one. A thread-safe function wakes its
/// thread while it still holds a lock that this thread needs first of all, so that both wait for one another.
pub(crate) struct Alarm {
    function: WakeUp,
    bell: OnceLock<Bell>,
}

impl Alarm {
    pub(crate) fn new(function: WakeUp) -> Self {
        Self { function, bell: OnceLock::new() }
    }

    /// The thread-safe function, whose references keep the process alive whichever way it is woken.
    pub(crate) fn function(&self) -> &WakeUp {
        &self.function
    }

    /// Rings `bell` from now on. The first one stays.
    pub(crate) fn hang(&self, bell: Bell) {
        let _ = self.bell.set(bell);
    }

    pub(crate) fn ring(&self) {
        if !self.bell.get().is_some_and(|ring| ring()) {
            self.call();
        }
    }

    /// Wakes the thread without the bell, which may have been rung and not heard before it was closed.
    pub(crate) fn call(&self) {
        // refused only while the environment shuts down, when nobody waits any more
        self.function.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}
