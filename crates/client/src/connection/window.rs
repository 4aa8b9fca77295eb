//! How fast a node answers on a connection, and how many commands may therefore share one.
//!
//! A server works through a connection one command at a time. While that takes microseconds, a deep pipeline saves
//! system calls and costs nothing; when it takes milliseconds, every command in front is a wait, and more connections
//! are the better way.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Commands in flight on one connection, at most.
pub(crate) const MAX_WINDOW: usize = 64;
/// How long a command may wait behind those in front of it.
const MAX_WAIT: Duration = Duration::from_millis(10);
/// One answer says no more than this, however late it was: a single slow command is not a slow node.
const MAX_SAMPLE: Duration = Duration::from_millis(15);
/// An answer counts an eighth against all that came before.
const WEIGHT: u32 = 8;

/// How quickly a node answers.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// The time that it takes for one command, averaged over its connections, in nanoseconds.
    average: AtomicU32,
    answered: AtomicU64,
}

impl Window {
    /// Notes that a connection got a number of answers in the time it waited for them.
    pub(crate) fn observe(&self, waited: Duration, answers: u32) {
        self.answered.fetch_add(answers.into(), Ordering::Relaxed);
        self.note(waited, answers);
    }

    /// Notes that there is no answer yet.
    pub(crate) fn observe_silence(&self, waited: Duration) {
        self.note(waited, 1);
    }

    /// All answers so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    fn note(&self, waited: Duration, answers: u32) {
        let sample = (waited / answers.max(1)).min(MAX_SAMPLE).as_nanos() as u32;
        let weight = answers.min(WEIGHT);
        let average = self.average.load(Ordering::Relaxed);
        // connections may overwrite one another: an average that misses a sample is as good
        self.average.store(average - average / WEIGHT * weight + sample / WEIGHT * weight, Ordering::Relaxed);
    }

    /// How many commands may be in flight on one connection now.
    pub(crate) fn size(&self) -> usize {
        let average = self.average.load(Ordering::Relaxed).max(1);
        (MAX_WAIT.as_nanos() as usize / average as usize).clamp(1, MAX_WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_node_gets_deep_pipelines_and_a_slow_one_none() {
        let window = Window::default();
        assert_eq!(window.size(), MAX_WINDOW);
        (0..100).for_each(|_| window.observe(Duration::from_millis(20), 1));
        assert_eq!(window.size(), 1);
        (0..100).for_each(|_| window.observe(Duration::from_micros(200), 10));
        assert_eq!(window.size(), MAX_WINDOW);
    }

    #[test]
    fn one_slow_command_is_soon_forgotten() {
        let window = Window::default();
        window.observe(Duration::from_secs(1), 1);
        assert!(window.size() < 10);
        (0..30).for_each(|_| window.observe(Duration::from_micros(20), 1));
        assert_eq!(window.size(), MAX_WINDOW);
    }
}
