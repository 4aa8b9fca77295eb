//! How a node misbehaves when it is told to.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use super::ailment::{Ailing, Ailment};
use aerospike_wire::ResultCode;
use aerospike_wire::limits::MAX_BODY_SIZE;
use bytes::{BufMut, BytesMut};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

/// A fault that is on or off, or there is so much of: one place says what it does, and one what JavaScript calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Sockets stay open and connections are taken by the backlog, but nothing is read or answered.
    Frozen(bool),
    /// Each answer waits.
    Slow(Duration),
    /// New connections are closed as soon as they are made.
    Rejecting(bool),
}

impl Fault {
    /// Each of them, ended.
    const ENDED: [Self; 3] = [Self::Frozen(false), Self::Slow(Duration::ZERO), Self::Rejecting(false)];

    /// The fault of a name, with so many milliseconds, or 1 and 0 for on and off.
    pub fn named(name: &str, amount: u32) -> Option<Self> {
        Some(match name {
            "frozen" => Self::Frozen(amount != 0),
            "slow" => Self::Slow(Duration::from_millis(amount.into())),
            "rejecting" => Self::Rejecting(amount != 0),
            _ => return None,
        })
    }
}

/// What a node sends instead of its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Garble {
    /// Random bytes where an answer to a record or batch command would be.
    Noise = 1,
    /// Half of the answer, then the end of the connection.
    Truncated = 2,
    /// A header that announces more than the protocol allows.
    Oversized = 3,
    /// An answer whose header is right and whose body is random.
    CorruptBody = 4,
    /// Random bytes where an answer to an info command would be; commands are answered as ever.
    InfoNoise = 5,
}

impl Garble {
    const ALL: [Self; 5] = [Self::Noise, Self::Truncated, Self::Oversized, Self::CorruptBody, Self::InfoNoise];

    /// Whether answers of a kind are garbled.
    pub(crate) fn concerns_info(self) -> bool {
        self == Self::InfoNoise
    }

    /// Spoils the answer that starts at `start`; `true` means that the connection ends after it.
    pub(crate) fn apply(self, out: &mut BytesMut, start: usize) -> bool {
        const HEADER: usize = 8;
        let size = out.len().saturating_sub(start);
        match self {
            Self::Noise | Self::InfoNoise => out.iter_mut().skip(start).for_each(|byte| *byte = fastrand::u8(..)),
            Self::CorruptBody => out.iter_mut().skip(start + HEADER).for_each(|byte| *byte = fastrand::u8(..)),
            Self::Truncated => out.truncate(start + size / 2),
            Self::Oversized => {
                out.truncate(start);
                out.put_u64(0x0203 << 48 | (MAX_BODY_SIZE as u64 + 1));
            }
        }
        self == Self::Truncated
    }
}

/// Rows of batches that a node turns away instead of running them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refusal {
    /// What it answers: 18 (device overload) and the like.
    pub code: u8,
    /// How likely a row is turned away, 0 to 1.
    pub probability: f64,
    /// Rows of each request that run in any case, as those that a node has room for.
    pub room: u32,
    /// Rows to turn away before the node is well again; `None` for no end.
    pub rows: Option<u64>,
}

/// The misbehaviour of one node. Everything is off at first, and looking whether it is costs two loads.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    frozen: watch::Sender<bool>,
    is_frozen: AtomicBool,
    rejects: AtomicBool,
    slow_micros: AtomicU64,
    garble: AtomicU8,
    refuses: AtomicBool,
    refusal: Mutex<Option<Refusal>>,
    /// What it says of itself.
    pub(crate) ailing: Ailing,
}

impl Faults {
    /// Begins a fault, or ends it.
    pub(crate) fn set(&self, fault: Fault) {
        match fault {
            Fault::Frozen(frozen) => {
                self.is_frozen.store(frozen, Ordering::Release);
                self.frozen.send_replace(frozen);
            }
            Fault::Slow(delay) => self.slow_micros.store(delay.as_micros() as u64, Ordering::Relaxed),
            Fault::Rejecting(rejects) => self.rejects.store(rejects, Ordering::Relaxed),
        }
    }

    /// Whether the node is frozen.
    pub(crate) fn is_frozen(&self) -> bool {
        self.is_frozen.load(Ordering::Acquire)
    }

    /// Waits until the node is not frozen.
    pub(crate) async fn thawed(&self) {
        if self.is_frozen() {
            let mut frozen = self.frozen.subscribe();
            // the sender lives as long as `self`, so waiting cannot fail
            let _ = frozen.wait_for(|frozen| !frozen).await;
        }
    }

    /// Waits until the node is not frozen, or a time has come; `false` when it has.
    pub(crate) async fn thawed_before(&self, deadline: Instant) -> bool {
        tokio::time::timeout_at(deadline, self.thawed()).await.is_ok()
    }

    /// How long each answer waits.
    pub(crate) fn delay(&self) -> Option<Duration> {
        let micros = self.slow_micros.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// Whether new connections are closed at once.
    pub(crate) fn rejects(&self) -> bool {
        self.rejects.load(Ordering::Relaxed)
    }

    /// Spoils answers, or sends them right again.
    pub(crate) fn set_garble(&self, garble: Option<Garble>) {
        self.garble.store(garble.map_or(0, |garble| garble as u8), Ordering::Relaxed);
    }

    /// How answers are spoiled.
    pub(crate) fn garble(&self) -> Option<Garble> {
        let code = self.garble.load(Ordering::Relaxed);
        if code == 0 { None } else { Garble::ALL.into_iter().find(|garble| *garble as u8 == code) }
    }

    /// Turns rows away, or runs them all again.
    pub(crate) fn set_refusal(&self, refusal: Option<Refusal>) {
        *self.refusal.lock() = refusal;
        self.refuses.store(refusal.is_some(), Ordering::Release);
    }

    /// What the row at a place in its request is answered instead of being run.
    pub(crate) fn refuse_row(&self, place: u32) -> Option<ResultCode> {
        if !self.refuses.load(Ordering::Acquire) {
            return None;
        }
        let mut refusal = self.refusal.lock();
        let Refusal { code, probability, room, rows } = refusal.as_mut()?;
        if place < *room || *rows == Some(0) || fastrand::f64() >= *probability {
            return None;
        }
        *rows = rows.map(|left| left - 1);
        Some(ResultCode(*code))
    }

    /// Ends all misbehaviour, as a restart does.
    pub(crate) fn clear(&self) {
        Fault::ENDED.into_iter().for_each(|fault| self.set(fault));
        self.set_garble(None);
        self.set_refusal(None);
        self.ailing.set(Ailment::default());
    }
}
