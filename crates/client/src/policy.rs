//! What a caller allows a command to cost: its time, its repetitions and the replicas it may ask.

use std::time::Duration;

/// Which node of a partition a command asks first, and which ones after a failure.
///
/// Writes always start at the master: [`Replica::Master`] stays, every other choice becomes [`Replica::Sequence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replica {
    /// The master, then its replicas in order.
    #[default]
    Sequence,
    /// Only the master.
    Master,
    /// Master and replicas in turn, from one command to the next.
    Any,
    /// A replica in one of [`Config::preferred_racks`](crate::Config::preferred_racks), then the others.
    PreferRack,
}

/// The limits of one command. All times are milliseconds, and 0 is "no limit".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandPolicy {
    /// The whole command: waiting for a connection, every attempt and every sleep between them.
    pub total_timeout: u32,
    /// One attempt, from the moment its request is on a connection; never longer than what is left of the total.
    pub socket_timeout: u32,
    /// The least pause before an attempt; a random one is added (see `retry`). The first attempt at another replica does
    /// not wait.
    pub sleep_between_retries: u32,
    /// Attempts after the first.
    pub max_retries: u16,
    /// Which nodes to ask.
    pub replica: Replica,
    /// The caller says that a write may be done twice: one that is in doubt is then repeated as a read would be.
    pub idempotent: bool,
    /// Whether reads that are slow are asked of another replica too.
    pub hedge: Option<Hedge>,
}

/// A second copy of a read is sent to another replica when the first is slow; the first answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hedge {
    /// When it is.
    pub after: HedgeAfter,
    /// Copies for every 10,000 reads, at most.
    pub budget: u16,
}

/// When a read is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HedgeAfter {
    /// When nineteen of twenty reads of its node would have been answered.
    P95,
    /// After so many milliseconds.
    Millis(u32),
}

impl Default for CommandPolicy {
    /// The defaults of a read: one second in all, two retries, no least pause between them.
    fn default() -> Self {
        Self {
            total_timeout: 1000,
            socket_timeout: 30_000,
            sleep_between_retries: 0,
            max_retries: 2,
            replica: Replica::Sequence,
            idempotent: false,
            hedge: None,
        }
    }
}

impl CommandPolicy {
    /// The defaults of a write: as a read, without retries.
    pub fn write() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }

    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(self.sleep_between_retries.into())
    }
}
