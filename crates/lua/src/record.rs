//! Records, as functions find and leave them.
//!
//! What a function assigns is remembered until it creates or updates the record; what it creates or updates is written
//! when it has returned, by whoever called it.

use std::fmt;

use aerospike_wire::ParticleType;

use crate::encode::Particle;

/// Bins a record may have for a function to work on it.
pub(crate) const MAX_BINS: usize = 512;
/// Bins a function may look at or assign to.
const MAX_UPDATES: usize = 1024;

/// The bins of a stored record.
pub trait Bins: Send + Sync {
    /// Their names, in storage order.
    fn names(&self) -> Vec<Vec<u8>>;
    /// The value of one.
    fn get(&self, name: &[u8]) -> Option<(ParticleType, &[u8])>;
}

impl fmt::Debug for dyn Bins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// What is stored of a record.
#[derive(Debug)]
pub struct Stored {
    /// Its set; empty for none.
    pub set: Vec<u8>,
    /// Its user key, the type in the first byte.
    pub key: Option<Vec<u8>>,
    /// Its generation.
    pub generation: u16,
    /// Seconds until it expires; 0 for never.
    pub time_to_live: u32,
    /// When it was last written, in milliseconds since 2010.
    pub last_update: u64,
    /// Bytes it takes where it is stored.
    pub size: u64,
    /// Its bins.
    pub bins: Box<dyn Bins>,
}

/// A record that a function is called on.
#[derive(Debug)]
pub struct Target {
    /// Its digest.
    pub digest: [u8; 20],
    /// The set that it will be in when the function creates it.
    pub set: Vec<u8>,
    /// What is stored of it; `None` when it is not there.
    pub stored: Option<Stored>,
}

/// What a function did to its record.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// The bins it wrote, in order; `None` for those it removed.
    pub bins: Vec<(Vec<u8>, Option<Particle>)>,
    /// The expiry it asked for, as a write would.
    pub time_to_live: Option<u32>,
    /// Whether the stored key goes.
    pub drops_key: bool,
}

/// Why the changes of a function cannot be made, although it returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// More bins than functions may work with.
    TooManyBins,
    /// A value that cannot be in a bin.
    NoBinValue,
}

/// A bin that a function has looked at or assigned to. Its value is in a table that is the record's user value.
#[derive(Debug)]
pub(crate) struct Cached {
    pub(crate) name: Vec<u8>,
    pub(crate) is_dirty: bool,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) digest: [u8; 20],
    pub(crate) set: Vec<u8>,
    pub(crate) stored: Option<Stored>,
    /// Whether it is there, or was created.
    pub(crate) is_open: bool,
    pub(crate) is_read_only: bool,
    /// The names of its bins as they are now, once they were asked for.
    pub(crate) names: Option<Vec<Vec<u8>>>,
    pub(crate) cached: Vec<Cached>,
    pub(crate) has_too_many: bool,
    pub(crate) is_written: bool,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) change: Change,
}

impl Record {
    /// A record that can be changed.
    pub(crate) fn new(target: Target) -> Self {
        Self {
            digest: target.digest,
            set: target.set,
            is_open: target.stored.is_some(),
            stored: target.stored,
            is_read_only: false,
            names: None,
            cached: Vec::new(),
            has_too_many: false,
            is_written: false,
            refusal: None,
            change: Change::default(),
        }
    }

    /// A record of a stream.
    pub(crate) fn read_only(target: Target) -> Self {
        Self { is_read_only: true, ..Self::new(target) }
    }

    /// What came of it.
    pub(crate) fn finish(self) -> (Option<Change>, Option<Refusal>) {
        (self.is_written.then_some(self.change), self.refusal)
    }

    pub(crate) fn names(&mut self) -> &mut Vec<Vec<u8>> {
        let stored = &self.stored;
        self.names.get_or_insert_with(|| stored.as_ref().map(|stored| stored.bins.names()).unwrap_or_default())
    }

    /// Whether its bins can be worked with.
    pub(crate) fn is_loadable(&mut self) -> bool {
        self.is_open && (self.is_written || self.names().len() <= MAX_BINS)
    }

    /// The value of a bin as it is now.
    pub(crate) fn bin(&self, name: &[u8]) -> Option<(ParticleType, &[u8])> {
        if let Some((_, value)) = self.change.bins.iter().rev().find(|(written, _)| written == name) {
            return value.as_ref().map(|(kind, bytes)| (*kind, bytes.as_slice()));
        }
        self.stored.as_ref()?.bins.get(name)
    }

    /// Remembers that a bin was looked at or assigned to; `false` when there are too many.
    pub(crate) fn remember(&mut self, name: &[u8], is_dirty: bool) -> bool {
        if self.has_too_many {
            return false;
        }
        if let Some(cached) = self.cached.iter_mut().find(|cached| cached.name == name) {
            cached.is_dirty = is_dirty;
            return true;
        }
        if self.cached.len() >= MAX_UPDATES {
            self.has_too_many = true;
            return false;
        }
        self.cached.push(Cached { name: name.to_vec(), is_dirty });
        true
    }

    /// Takes back what was written.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.refusal = Some(refusal);
        self.is_written = false;
        self.names = None;
        self.change.bins.clear();
        self.cached.clear();
        self.has_too_many = false;
    }
}
