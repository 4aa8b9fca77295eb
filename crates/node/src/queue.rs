//! Completions on their way to the JavaScript thread.
//!
//! Waking that thread costs more than handing it a completion, so it is woken once and then drains everything that
//! is ready. `awake` is true from the wake-up until a drain found nothing more; it changes only under the lock, so
//! no completion can slip in between and be forgotten.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use aerospike_core::BatchReply;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::alarm::Alarm;
use crate::completion::{self, Outcome};

/// How often the runtime goes round before the JavaScript thread is woken for a record. What has just been read from a
/// socket answers several commands, and the next socket has more: with one wake-up for all of it, 64 gets in flight
/// take a quarter less of that thread. A round costs a microsecond or two, and much more where others read large
/// answers; a batch is worth a wake-up of its own.
const ROUNDS: u32 = 2;

/// Completions that wait, and the batches whose bytes were not fetched yet.
pub(crate) struct Queue {
    alarm: Arc<Alarm>,
    runtime: Handle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    awake: bool,
    waiting: VecDeque<(u32, Outcome)>,
    /// A completion that was encoded and did not fit the target of the last drain.
    encoded: Vec<u8>,
    /// Of each ticket the parts, of which the first is being fetched.
    batches: HashMap<u32, VecDeque<BatchReply>>,
}

impl Queue {
    pub(crate) fn new(alarm: Alarm, runtime: Handle) -> Self {
        Self { alarm: Arc::new(alarm), runtime, state: Mutex::default() }
    }

    /// What wakes the JavaScript thread.
    pub(crate) fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// Adds what became of a command.
    pub(crate) fn push(&self, ticket: u32, outcome: Outcome) {
        let is_batch = matches!(outcome, Outcome::Batch(_) | Outcome::Part(_));
        let mut state = self.state.lock();
        state.waiting.push_back((ticket, outcome));
        let wake = !std::mem::replace(&mut state.awake, true);
        drop(state);
        if wake && is_batch {
            self.alarm.ring();
        } else if wake {
            let alarm = self.alarm.clone();
            self.runtime.spawn(async move {
                for _ in 0..ROUNDS {
                    tokio::task::yield_now().await;
                }
                alarm.ring();
            });
        }
    }

    /// Adds what became of a command, for a caller on the JavaScript thread that has it drained at once. Whether that
    /// thread is awake for others stays as it is.
    pub(crate) fn push_here(&self, ticket: u32, outcome: Outcome) {
        self.state.lock().waiting.push_back((ticket, outcome));
    }

    /// Whether something waits to be drained.
    pub(crate) fn has_waiting(&self) -> bool {
        let state = self.state.lock();
        !state.waiting.is_empty() || !state.encoded.is_empty()
    }

    /// Fills `target` with whole completions. Returns the bytes written, 0 when nothing waits, and `-n` when the next
    /// completion needs `n` bytes.
    pub(crate) fn drain(&self, target: &mut [u8]) -> i64 {
        let mut state = self.state.lock();
        let mut filled = 0;
        loop {
            if state.encoded.is_empty() {
                let Some((ticket, outcome)) = state.waiting.pop_front() else { break };
                // A part must not overtake one whose bytes are still being fetched.
                let whole = match &outcome {
                    Outcome::Batch(reply) | Outcome::Part(reply) => {
                        completion::fits_whole(reply) && !state.batches.contains_key(&ticket)
                    }
                    _ => false,
                };
                completion::write(&mut state.encoded, ticket, &outcome, whole);
                if let Outcome::Batch(reply) | Outcome::Part(reply) = outcome
                    && !whole
                {
                    state.batches.entry(ticket).or_default().push_back(*reply);
                }
            }
            let size = state.encoded.len();
            match target.get_mut(filled..filled + size) {
                Some(room) => room.copy_from_slice(&state.encoded),
                None if filled == 0 => return -(size as i64),
                None => return filled as i64,
            }
            filled += size;
            state.encoded.clear();
        }
        if filled == 0 {
            state.awake = false;
        }
        filled as i64
    }

    /// Copies the table of a batch's rows; false when `target` has the wrong size or there is no such batch.
    pub(crate) fn table(&self, ticket: u32, target: &mut [u8]) -> bool {
        let state = self.state.lock();
        match state.batches.get(&ticket).and_then(VecDeque::front) {
            Some(reply) if target.len() == reply.rows.len() * completion::TABLE_ROW_SIZE => {
                completion::write_table(target, &reply.rows);
                true
            }
            _ => false,
        }
    }

    /// Takes a page of a batch, which is copied outside the lock.
    pub(crate) fn page(&self, ticket: u32, index: usize) -> Option<Bytes> {
        let mut state = self.state.lock();
        state.batches.get_mut(&ticket)?.front_mut()?.pages.get_mut(index).map(std::mem::take)
    }

    /// Drops what is left of a batch, or of its first part.
    pub(crate) fn release(&self, ticket: u32) {
        let mut state = self.state.lock();
        let Some(parts) = state.batches.get_mut(&ticket) else { return };
        let reply = parts.pop_front();
        if parts.is_empty() {
            state.batches.remove(&ticket);
        }
        drop(state);
        drop(reply); // outside the lock: a large one takes a while
    }
}
