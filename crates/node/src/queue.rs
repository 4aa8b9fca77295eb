//! Completions on their way to the JavaScript thread.
//!
//! Waking that thread costs more than handing it a completion, so it is woken once and then drains everything that
//! is ready. `awake` is true from the wake-up until a drain found nothing more; it changes only under the lock, so
//! no completion can slip in between and be forgotten.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
#[cfg(inline_io)]
use std::time::Duration;
use std::time::Instant;

use aerospike_core::{BatchReply, Histogram, Latency};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::completion::{self, Outcome};
use crate::layout::size;
use crate::notifier::Notifier;

/// How often the runtime goes round before the JavaScript thread is woken for a record. What has just been read from a
/// socket answers several commands, and the next socket has more: with one wake-up for all of it, 64 gets in flight
/// take a quarter less of that thread. A round costs a microsecond or two, and much more where others read large
/// answers; a batch is worth a wake-up of its own.
const ROUNDS: u32 = 2;

/// Completions that wait, and the batches whose bytes were not fetched yet.
pub(crate) struct Queue {
    notifier: Arc<Notifier>,
    runtime: Handle,
    state: Mutex<State>,
    /// How late the JavaScript thread takes up what is ready for it; none while nothing is timed.
    resume_delay: Option<Histogram>,
}

#[derive(Default)]
struct State {
    awake: bool,
    /// Since when the first of those that wait has done so, while that is timed.
    waits_since: Option<Instant>,
    waiting: VecDeque<(u32, Outcome)>,
    /// A completion that was encoded and did not fit the target of the last drain.
    encoded: Vec<u8>,
    /// Of each ticket the parts, of which the first is being fetched.
    batches: HashMap<u32, VecDeque<BatchReply>>,
}

impl Queue {
    /// A queue that times, if it `is_timed`, how late completions are taken up.
    pub(crate) fn new(notifier: Notifier, runtime: Handle, is_timed: bool) -> Self {
        let resume_delay = is_timed.then(Histogram::default);
        Self { notifier: Arc::new(notifier), runtime, state: Mutex::default(), resume_delay }
    }

    /// How late the JavaScript thread took up completions that were ready.
    pub(crate) fn resume_delay(&self) -> Latency {
        self.resume_delay.as_ref().map(Histogram::read).unwrap_or_default()
    }

    /// Notes that the thread came back late to its event loop while commands were in flight.
    #[cfg(inline_io)]
    pub(crate) fn resumed_after(&self, delay: Duration) {
        if let Some(histogram) = &self.resume_delay {
            histogram.record(delay);
        }
    }

    /// What wakes the JavaScript thread.
    pub(crate) fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// Adds what became of a command.
    pub(crate) fn push(&self, ticket: u32, outcome: Outcome) {
        let is_batch = matches!(outcome, Outcome::Batch(_) | Outcome::Part(_));
        let mut state = self.state.lock();
        state.waiting.push_back((ticket, outcome));
        if self.resume_delay.is_some() && state.waits_since.is_none() {
            state.waits_since = Some(Instant::now());
        }
        let wake = !std::mem::replace(&mut state.awake, true);
        drop(state);
        if wake && is_batch {
            self.notifier.notify();
        } else if wake {
            let notifier = self.notifier.clone();
            self.runtime.spawn(async move {
                for _ in 0..ROUNDS {
                    tokio::task::yield_now().await;
                }
                notifier.notify();
            });
        }
    }

    /// Adds a completion, for a caller on the JavaScript thread that has it drained at once. Whether that thread is awake for
    /// completions of other threads stays as it is.
    #[cfg(inline_io)]
    pub(crate) fn push_here(&self, ticket: u32, outcome: Outcome) {
        self.state.lock().waiting.push_back((ticket, outcome));
    }

    /// Whether completions wait to be drained.
    #[cfg(inline_io)]
    pub(crate) fn has_waiting(&self) -> bool {
        let state = self.state.lock();
        !state.waiting.is_empty() || !state.encoded.is_empty()
    }

    /// Fills `target` with whole completions. Returns the bytes written, 0 when nothing waits, and `-n` when the next
    /// completion needs `n` bytes.
    pub(crate) fn drain(&self, target: &mut [u8]) -> i64 {
        let mut state = self.state.lock();
        if let (Some(histogram), Some(since)) = (&self.resume_delay, state.waits_since.take()) {
            histogram.record(since.elapsed());
        }
        let filled = state.drain(target);
        if self.resume_delay.is_some() && !state.waiting.is_empty() {
            state.waits_since = Some(Instant::now());
        }
        filled
    }

    /// Copies the table of a batch's rows; false when `target` has the wrong size or there is no such batch.
    pub(crate) fn table(&self, ticket: u32, target: &mut [u8]) -> bool {
        self.state.lock().table(ticket, target)
    }

    /// Takes a page of a batch, which is copied outside the lock.
    pub(crate) fn page(&self, ticket: u32, index: usize) -> Option<Bytes> {
        self.state.lock().page(ticket, index)
    }

    /// Drops what is left of a batch, or of its first part.
    pub(crate) fn release(&self, ticket: u32) {
        let reply = self.state.lock().release(ticket);
        drop(reply); // outside the lock: a large one takes a while
    }
}

impl State {
    fn drain(&mut self, target: &mut [u8]) -> i64 {
        let mut filled = 0;
        loop {
            if self.encoded.is_empty() {
                let Some((ticket, outcome)) = self.waiting.pop_front() else { break };
                self.encode(ticket, outcome);
            }
            let size = self.encoded.len();
            match target.get_mut(filled..filled + size) {
                Some(room) => room.copy_from_slice(&self.encoded),
                None if filled == 0 => return -(size as i64),
                None => return filled as i64,
            }
            filled += size;
            self.encoded.clear();
        }
        if filled == 0 {
            self.awake = false;
        }
        filled as i64
    }

    /// Encodes a completion. What of a batch does not travel in it is kept, to be fetched.
    fn encode(&mut self, ticket: u32, outcome: Outcome) {
        let whole = match &outcome {
            // a part must not overtake one whose bytes are still being fetched
            Outcome::Batch(reply) | Outcome::Part(reply) => {
                completion::fits_whole(reply) && !self.batches.contains_key(&ticket)
            }
            _ => false,
        };
        completion::write(&mut self.encoded, ticket, &outcome, whole);
        if let Outcome::Batch(reply) | Outcome::Part(reply) = outcome
            && !whole
        {
            self.batches.entry(ticket).or_default().push_back(*reply);
        }
    }

    fn table(&self, ticket: u32, target: &mut [u8]) -> bool {
        match self.batches.get(&ticket).and_then(VecDeque::front) {
            Some(reply) if target.len() == reply.rows.len() * size::OUTCOME => {
                completion::write_table(target, &reply.rows);
                true
            }
            _ => false,
        }
    }

    fn page(&mut self, ticket: u32, index: usize) -> Option<Bytes> {
        self.batches.get_mut(&ticket)?.front_mut()?.pages.get_mut(index).map(std::mem::take)
    }

    fn release(&mut self, ticket: u32) -> Option<BatchReply> {
        let parts = self.batches.get_mut(&ticket)?;
        let reply = parts.pop_front();
        if parts.is_empty() {
            self.batches.remove(&ticket);
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKET: u32 = 7;

    /// A part whose only page has so many bytes, all of them `mark`.
    fn part(size: usize, mark: u8) -> Outcome {
        Outcome::Part(Box::new(BatchReply { pages: vec![vec![mark; size].into()], ..BatchReply::default() }))
    }

    /// The sizes of the completions that one drain brings.
    fn drained(state: &mut State) -> Vec<usize> {
        let mut target = vec![0; 128 * 1024];
        let filled = state.drain(&mut target) as usize;
        let mut rest = &target[..filled];
        let mut sizes = Vec::new();
        while let Some(length) = rest.first_chunk() {
            let (one, others) = rest.split_at(u32::from_le_bytes(*length) as usize);
            sizes.push(one.len());
            rest = others;
        }
        sizes
    }

    #[test]
    fn a_small_part_travels_whole_unless_it_would_overtake_one_that_is_being_fetched() {
        let mut state = State::default();
        state.waiting.extend([(TICKET, part(100, 1)), (TICKET, part(100_000, 2)), (TICKET, part(100, 3))]);
        state.waiting.push_back((TICKET + 1, part(100, 4)));
        let sizes = drained(&mut state);
        assert_eq!(sizes.iter().map(|size| *size > 100).collect::<Vec<_>>(), [true, false, false, true]);
        for (size, mark) in [(100_000, 2), (100, 3)] {
            assert_eq!(state.page(TICKET, 0).unwrap(), vec![mark; size]);
            assert!(state.release(TICKET).is_some());
        }
        assert!(state.page(TICKET, 0).is_none() && state.release(TICKET).is_none());
        state.waiting.push_back((TICKET, part(100, 5)));
        assert!(drained(&mut state)[0] > 100, "nothing is being fetched any more");
    }

    #[test]
    fn a_completion_waits_for_a_target_that_it_fits() {
        let mut state = State { awake: true, ..State::default() };
        state.waiting.extend([(1, part(1000, 1)), (2, part(10, 2))]);
        let mut small = [0; 64];
        let needed = state.drain(&mut small);
        assert!(needed < -1000 && state.awake);
        assert_eq!(state.drain(&mut vec![0; -needed as usize]), -needed);
        assert!(state.drain(&mut [0; 128]) > 0);
        assert_eq!((state.drain(&mut small), state.awake), (0, false));
    }
}
