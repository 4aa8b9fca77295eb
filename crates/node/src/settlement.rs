//! What becomes of each ticket: a command settles exactly once, or it is cancelled.

use std::collections::HashMap;
use std::sync::Arc;

use aerospike_core::{Code, SentFlag};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::completion::Outcome;
use crate::entry::Work;
use crate::queue::Queue;

/// What the client's tasks share with it.
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    tracked: Mutex<HashMap<u32, Tracked>>,
}

/// A command that may be cancelled.
struct Tracked {
    sent: Arc<SentFlag>,
    cancel: Option<oneshot::Sender<()>>,
    cancelled: Option<oneshot::Receiver<()>>,
}

impl Shared {
    pub(crate) fn new(queue: Queue) -> Self {
        Self { queue, tracked: Mutex::default() }
    }

    /// Notes that a command may be cancelled, before it is started.
    pub(crate) fn track(&self, ticket: u32) {
        let (cancel, cancelled) = oneshot::channel();
        let tracked = Tracked { sent: Arc::default(), cancel: Some(cancel), cancelled: Some(cancelled) };
        self.tracked.lock().insert(ticket, tracked);
    }

    /// Drops a command. True when bytes of it may have been sent.
    pub(crate) fn cancel(&self, ticket: u32) -> bool {
        let Some(tracked) = self.tracked.lock().get_mut(&ticket).map(|t| (t.cancel.take(), t.sent.clone())) else {
            return true; // it completed, and the completion is on its way
        };
        let (cancel, sent) = tracked;
        if let Some(cancel) = cancel {
            let _ = cancel.send(()); // its task ended meanwhile
        }
        sent.is_set()
    }
}

/// Settles its ticket exactly once: with an outcome, or, when the task is dropped or dies, with an error.
pub(crate) struct Settlement {
    shared: Arc<Shared>,
    ticket: u32,
    tracked: bool,
    settled: bool,
}

impl Settlement {
    pub(crate) fn new(shared: Arc<Shared>, ticket: u32, tracked: bool) -> Self {
        Self { shared, ticket, tracked, settled: false }
    }

    pub(crate) fn settle(mut self, outcome: Outcome) {
        self.forget();
        self.shared.queue.push(self.ticket, outcome);
    }

    /// Ends it without an outcome: nobody waits for one any more.
    fn cancel(mut self) {
        self.forget();
    }

    fn forget(&mut self) {
        self.settled = true;
        if self.tracked {
            self.shared.tracked.lock().remove(&self.ticket);
        }
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        if !self.settled {
            self.forget();
            self.shared.queue.push(self.ticket, Outcome::Refused(Code::CLIENT, "the command's task was stopped"));
        }
    }
}

/// Settles with what comes out, unless that is cancelled before.
pub(crate) async fn settle(
    settlement: Settlement,
    cancelled: Option<oneshot::Receiver<()>>,
    outcome: impl Future<Output = Outcome>,
) {
    match cancelled {
        None => settlement.settle(outcome.await),
        Some(cancelled) => tokio::select! {
            // a sender dropped without a word means that the client went away, not that the command was cancelled
            Ok(()) = cancelled => settlement.cancel(),
            outcome = outcome => settlement.settle(outcome),
        },
    }
}

/// Connects a command with the record that `track` made of it.
pub(crate) fn take_tracking(shared: &Shared, ticket: u32, work: &mut Work) -> Option<oneshot::Receiver<()>> {
    let mut tracked = shared.tracked.lock();
    let tracked = tracked.get_mut(&ticket)?;
    let sent = Some(tracked.sent.clone());
    match work {
        Work::Record(command) => command.sent = sent,
        Work::Batch(batch) | Work::Parts(batch) => batch.sent = sent,
    }
    tracked.cancelled.take()
}
