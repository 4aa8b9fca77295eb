//! When the transactions of a namespace have to be over.

use std::collections::BTreeSet;

use aerospike_wire::Digest;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::Moment;

/// The monitors of a namespace by the moment they are due. Those whose transactions have ended since are in it as well:
/// whoever takes one looks whether there is still something to do.
#[derive(Debug, Default)]
pub(crate) struct DueMonitors {
    by_deadline: Mutex<BTreeSet<(Moment, Digest)>>,
    /// Told of monitors that are due earlier than all others.
    earlier: Notify,
}

impl DueMonitors {
    /// Adds a monitor.
    pub(crate) fn add(&self, deadline: Moment, digest: Digest) {
        let mut monitors = self.by_deadline.lock();
        monitors.insert((deadline, digest));
        if monitors.first() == Some(&(deadline, digest)) {
            self.earlier.notify_one();
        }
    }

    /// Forgets a monitor whose transaction is over.
    pub(crate) fn forget(&self, deadline: Moment, digest: &Digest) {
        self.by_deadline.lock().remove(&(deadline, *digest));
    }

    /// Takes a monitor that is due before `now`.
    pub(crate) fn take(&self, now: Moment) -> Option<Digest> {
        let mut monitors = self.by_deadline.lock();
        let first = monitors.first().copied().filter(|(deadline, _)| *deadline < now)?;
        monitors.remove(&first);
        Some(first.1)
    }

    /// When the next monitor is due.
    pub(crate) fn next(&self) -> Option<Moment> {
        self.by_deadline.lock().first().map(|(deadline, _)| *deadline)
    }

    /// Waits until a monitor is added that is due before all others.
    pub(crate) async fn earlier(&self) {
        self.earlier.notified().await;
    }
}
