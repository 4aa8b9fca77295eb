//! One stored record.
//!
//! Bins are kept as the operations that answer a read of them: reading a whole record is one copy, reading a bin copies
//! a slice. A body never changes once it is made; a write makes a new one. So copies of a record on several nodes share
//! one body, and replicating costs a reference count and not the bytes.

use std::sync::Arc;

use aerospike_wire::message::Ops;
use aerospike_wire::transaction::RecordVersion;
use aerospike_wire::{OpCode, ParticleType};

use super::sets::SetId;
use crate::clock::Moment;

/// What a record is apart from its bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RecordMeta {
    /// 1 when created, one more with each write, and 1 again after 65535.
    pub(crate) generation: u16,
    /// Seconds since 2010 at which the record expires; 0 for never.
    pub(crate) void_time: u32,
    /// When it was last written.
    pub(crate) last_update: Moment,
    /// Its set.
    pub(crate) set: SetId,
}

/// A bin of a stored record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BinRef<'a> {
    /// Its name.
    pub(crate) name: &'a [u8],
    /// The type of its value.
    pub(crate) particle: ParticleType,
    /// Its value, as it is answered.
    pub(crate) value: &'a [u8],
}

/// A stored record.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) meta: RecordMeta,
    bin_count: u16,
    key_size: u32,
    /// The user key as its field carries it, if it was sent, then one operation for each bin.
    body: Arc<[u8]>,
}

impl Record {
    /// Makes a record of a user key (empty for none) and bins in wire form.
    pub(crate) fn new(meta: RecordMeta, key: &[u8], bin_count: u16, bins: &[u8]) -> Self {
        let body = if key.is_empty() { Arc::from(bins) } else { [key, bins].concat().into() };
        Self { meta, bin_count, key_size: key.len() as u32, body }
    }

    /// The user key with its type byte, if one is stored.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        let key = self.body.get(..self.key_size as usize)?;
        (!key.is_empty()).then_some(key)
    }

    /// The generation that the next write gives it.
    pub(crate) fn next_generation(&self) -> u16 {
        generation_after(self.meta.generation)
    }

    /// What a transaction sees of it.
    pub(crate) fn version(&self) -> RecordVersion {
        RecordVersion::new(self.meta.last_update.0, self.meta.generation)
    }

    /// Whether it is the very same version of a record.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.meta == other.meta && Arc::ptr_eq(&self.body, &other.body)
    }

    /// How many bins there are.
    pub(crate) fn bin_count(&self) -> u16 {
        self.bin_count
    }

    /// Every bin as an operation of an answer, one after another.
    pub(crate) fn bin_bytes(&self) -> &[u8] {
        self.body.get(self.key_size as usize..).unwrap_or_default()
    }

    /// The bins in storage order.
    pub(crate) fn bins(&self) -> impl Iterator<Item = BinRef<'_>> {
        Ops::checked(self.bin_bytes()).map(|op| {
            debug_assert_eq!(op.code, OpCode::Read as u8);
            BinRef { name: op.name, particle: op.particle, value: op.value }
        })
    }

    /// A bin by name.
    pub(crate) fn bin(&self, name: &[u8]) -> Option<BinRef<'_>> {
        self.bins().find(|bin| bin.name == name)
    }

    /// Whether the record's time is over.
    pub(crate) fn is_expired(&self, now: Moment) -> bool {
        self.meta.void_time != 0 && self.meta.void_time < now.seconds()
    }

    /// The bytes the real server keeps the record in.
    pub(crate) fn flat_size(&self, set_name_size: usize) -> usize {
        const FIXED: usize = 39;
        const BLOCK: usize = 16;
        const fn length_prefixed(size: usize) -> usize {
            match size {
                0 => 0,
                1..0x80 => 1 + size,
                0x80..0x4000 => 2 + size,
                _ => 3 + size,
            }
        }
        let set = if set_name_size == 0 { 0 } else { 1 + set_name_size };
        let expiry = if self.meta.void_time == 0 { 0 } else { 4 };
        let counted = if self.bin_count < 0x80 { 1 } else { 2 } + usize::from(self.bin_count >= 0x4000);
        let bins: usize = self.bins().map(|bin| 2 + bin.name.len() + flat_value_size(bin.particle, bin.value)).sum();
        (FIXED + set + expiry + length_prefixed(self.key_size as usize) + counted + bins).next_multiple_of(BLOCK)
    }

    /// About the bytes the real server would need for the record on its device; what its size limit is applied to.
    pub(crate) fn storage_size(&self, set_name_size: usize) -> usize {
        const FIXED: usize = 40;
        FIXED + set_name_size + self.body.len()
    }
}

/// The bytes of a value on the real server's device: integers shrink to 1, 2, 4 or 8 after their size.
fn flat_value_size(kind: ParticleType, value: &[u8]) -> usize {
    match kind {
        ParticleType::INTEGER => {
            let leading = value.iter().take_while(|byte| **byte == 0).count();
            1 + value.len().saturating_sub(leading).max(1).next_power_of_two()
        }
        ParticleType::FLOAT | ParticleType::BOOL => value.len(),
        _ => 4 + value.len(),
    }
}
/// The generation that a change makes of one; 0 is that of a record that never was.
pub(crate) fn generation_after(generation: u16) -> u16 {
    generation.checked_add(1).unwrap_or(1)
}
