//! What an expression can see of a record.

use aerospike_wire::{Digest, ParticleType};

/// A record as expressions see it. Times are those of the protocol: they begin with 2010.
pub trait RecordView {
    /// A bin, as a particle in its stored form.
    fn bin(&self, name: &[u8]) -> Option<(ParticleType, &[u8])>;

    /// Whether bins and key can be asked for. Without them, what they decide is unknown: so a filter can be tried on
    /// metadata alone before a record is read.
    fn has_bins(&self) -> bool {
        true
    }

    /// The user key after its type byte, if the record stores it.
    fn key(&self) -> Option<&[u8]>;

    /// The name of its set, empty for none.
    fn set_name(&self) -> &[u8];

    /// Its digest.
    fn digest(&self) -> &[u8; Digest::SIZE];

    /// When it was last written, in milliseconds.
    fn last_update_millis(&self) -> u64;

    /// When it expires, in seconds; 0 for never.
    fn void_time(&self) -> u32;

    /// The present, in milliseconds.
    fn now_millis(&self) -> u64;

    /// The bytes it takes in storage.
    fn stored_size(&self) -> u64;

    /// Whether it is the trace of a deleted record.
    fn is_tombstone(&self) -> bool {
        false
    }
}
