//! How long and how large a call may become, and the watch that holds it to that.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use aerospike_wire::limits::MAX_VALUE_DEPTH;

/// Bytes of a module's source.
pub const MAX_SOURCE_SIZE: usize = 1024 * 1024;
/// Bytes of the name of a module's file or of a function.
pub const MAX_NAME_SIZE: usize = 127;
/// Bytes that the Lua objects of a call may take together.
pub const MAX_MEMORY: usize = 64 * 1024 * 1024;
/// Bytes of a value that leaves Lua.
pub(crate) const MAX_OUTPUT: usize = 16 * 1024 * 1024;
/// Elements of a value between two looks at the time.
const ELEMENTS: u32 = 1024;

/// What a call may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// When it has to be over. A call may overstay by the time that a hundred instructions take.
    pub deadline: Instant,
    /// Ends the call soon when it becomes true.
    pub cancelled: Arc<AtomicBool>,
}

impl Limits {
    /// Limits with a deadline alone.
    #[must_use]
    pub fn until(deadline: Instant) -> Self {
        Self { deadline, cancelled: Arc::default() }
    }
}

/// Why a call was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Timeout,
    Cancelled,
    Memory,
}

#[derive(Debug)]
struct Run {
    limits: Limits,
    ended: Option<(End, String)>,
}

/// Watches the calls of one Lua state, one after another.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    run: Mutex<Option<Run>>,
    /// Bytes held outside of Lua's own memory.
    held: AtomicUsize,
}

impl Watch {
    fn run(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a call.
    pub(crate) fn start(&self, limits: Limits) {
        *self.run() = Some(Run { limits, ended: None });
    }

    /// Ends a call; says why it was ended, if it was.
    pub(crate) fn stop(&self) -> Option<(End, String)> {
        self.run().take().and_then(|run| run.ended)
    }

    /// Whether the call has to end: once it has to, it always has to. `place` tells where it is.
    pub(crate) fn check(&self, place: impl FnOnce() -> String) -> Option<String> {
        let mut guard = self.run();
        let run = guard.as_mut()?;
        if run.ended.is_none() {
            let end = if run.limits.cancelled.load(Ordering::Relaxed) {
                End::Cancelled
            } else if Instant::now() >= run.limits.deadline {
                End::Timeout
            } else {
                return None;
            };
            let what = if end == End::Timeout { "UDF Execution Timeout" } else { "UDF Execution Cancelled" };
            run.ended = Some((end, place() + what));
        }
        run.ended.as_ref().map(|(_, text)| text.clone())
    }

    /// Ends the call for want of memory.
    pub(crate) fn exhaust(&self) {
        if let Some(run) = self.run().as_mut() {
            run.ended.get_or_insert((End::Memory, "not enough memory".to_owned()));
        }
    }

    /// Counts bytes held outside of Lua's memory; `false` when they are too many.
    pub(crate) fn hold(&self, bytes: usize) -> bool {
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= MAX_MEMORY;
        if !fits {
            self.release(bytes);
        }
        fits
    }

    /// Gives such bytes back.
    pub(crate) fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Counts the elements of a value on its way out: a list of lists of lists may have more of them than there is time
/// for, however little memory it takes.
#[derive(Debug)]
pub(crate) struct Steps {
    watch: Option<Arc<Watch>>,
    count: u32,
}

impl Steps {
    /// Starts to count for the call of a state.
    pub(crate) fn of(lua: &mlua::Lua) -> Self {
        Self { watch: lua.app_data_ref::<Arc<Watch>>().map(|watch| Arc::clone(&watch)), count: 0 }
    }

    /// Counts an element at a depth, after so many bytes.
    pub(crate) fn count(&mut self, size: usize, depth: usize) -> mlua::Result<()> {
        if depth > MAX_VALUE_DEPTH || size > MAX_OUTPUT {
            return Err(mlua::Error::RuntimeError("value is nested too deeply or too large".to_owned()));
        }
        self.count += 1;
        if self.count < ELEMENTS {
            return Ok(());
        }
        self.count = 0;
        let ended = self.watch.as_ref().and_then(|watch| watch.check(String::new));
        ended.map_or(Ok(()), |text| Err(mlua::Error::RuntimeError(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_has_to_end_stays_ended() {
        let watch = Watch::default();
        let limits = Limits::until(Instant::now() + std::time::Duration::from_secs(3600));
        watch.start(limits.clone());
        assert_eq!(watch.check(String::new), None);
        limits.cancelled.store(true, Ordering::Relaxed);
        assert!(watch.check(String::new).is_some());
        limits.cancelled.store(false, Ordering::Relaxed);
        assert!(watch.check(String::new).is_some());
        assert_eq!(watch.stop().map(|(end, _)| end), Some(End::Cancelled));
        assert_eq!(watch.check(String::new), None, "no call, nothing to end");
    }

    #[test]
    fn bytes_are_held_up_to_the_limit() {
        let watch = Watch::default();
        assert!(watch.hold(MAX_MEMORY));
        assert!(!watch.hold(1));
        watch.release(1);
        assert!(watch.hold(1));
    }
}
