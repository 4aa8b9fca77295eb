//! Keys, digests and partitions: where a record lives.

mod lanes;

use ripemd::{Digest as _, Ripemd160};

use self::lanes::{Blocks, MOST_LANES};
use crate::limits::PARTITIONS;
use crate::particle::ParticleType;

/// The types a user key can have. A server also takes doubles; no client offers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyType {
    /// Eight bytes, big-endian.
    Integer = 1,
    /// UTF-8.
    String = 3,
    /// Bytes.
    Blob = 4,
}

impl KeyType {
    /// The key type of a particle code.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Integer,
            3 => Self::String,
            4 => Self::Blob,
            _ => return None,
        })
    }

    /// The particle type of the key when it travels as a value.
    pub const fn particle(self) -> ParticleType {
        ParticleType(self as u8)
    }
}

/// The 20 bytes that identify a record in its namespace.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; Digest::SIZE]);

impl Digest {
    /// Bytes of a digest.
    pub const SIZE: usize = 20;

    /// The digest of a user key in a set: RIPEMD-160 over the set name, the key's type and its bytes. The namespace
    /// takes no part.
    ///
    /// ```
    /// use aerospike_wire::{Digest, KeyType};
    /// let digest = Digest::of_key(b"demo", KeyType::String, b"a");
    /// assert_eq!(digest.to_string(), "40013b3ef08b61f2d1621a602d6e5aa9711b6ef9");
    /// assert_eq!(digest.partition().index(), 320);
    /// ```
    pub fn of_key(set: &[u8], kind: KeyType, key: &[u8]) -> Self {
        let mut hash = Ripemd160::new();
        hash.update(set);
        hash.update([kind as u8]);
        hash.update(key);
        Self(hash.finalize().into())
    }

    /// The digests of many keys, `(set, kind, key)` each, added to `digests` in their order: as by [`Digest::of_key`], and
    /// several times as fast.
    ///
    /// ```
    /// use aerospike_wire::{Digest, KeyType};
    /// let keys: [(&[u8], KeyType, &[u8]); 2] = [(b"demo", KeyType::String, b"a"), (b"", KeyType::Blob, b"b")];
    /// let mut digests = Vec::new();
    /// Digest::of_keys(keys, &mut digests);
    /// assert_eq!(digests, keys.map(|(set, kind, key)| Digest::of_key(set, kind, key)));
    /// ```
    pub fn of_keys<'a>(keys: impl IntoIterator<Item = (&'a [u8], KeyType, &'a [u8])>, digests: &mut Vec<Self>) {
        let mut blocks = Blocks::new();
        // where in `digests` the lanes that are taken belong
        let mut places = [0; MOST_LANES];
        let mut taken = 0;
        // what the key before this one began with, and whether it left room in a block
        let mut begun: Option<(&[u8], KeyType, bool)> = None;
        for (set, kind, key) in keys {
            let fits = match begun {
                Some((its_set, its_kind, fits)) if its_kind == kind && is_same(its_set, set) => fits,
                _ => blocks.begin([set, &[kind as u8]]),
            };
            begun = Some((set, kind, fits));
            if fits && blocks.set(taken, key) {
                places[taken] = digests.len();
                digests.push(Self([0; Self::SIZE]));
                taken += 1;
            } else {
                digests.push(Self::of_key(set, kind, key));
            }
            if taken == MOST_LANES {
                Self::fill(&blocks, &places, digests);
                taken = 0;
            }
        }
        Self::fill(&blocks, &places[..taken], digests);
    }

    fn fill(blocks: &Blocks, places: &[usize], digests: &mut [Self]) {
        for (place, digest) in places.iter().zip(blocks.digests(places.len())) {
            if let Some(to) = digests.get_mut(*place) {
                *to = Self(digest);
            }
        }
    }

    /// The digest in 20 bytes, if there are 20.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The partition that holds the record.
    pub const fn partition(&self) -> PartitionId {
        PartitionId(u16::from_le_bytes([self.0[0], self.0[1]]) & (PARTITIONS as u16 - 1))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Whether two slices hold the same; mostly they are the same.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    std::ptr::eq(a, b) || a == b
}

/// One of the 4096 partitions of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId(u16);

impl PartitionId {
    /// The partition of a number below [`PARTITIONS`].
    pub const fn new(id: u16) -> Option<Self> {
        if (id as usize) < PARTITIONS { Some(Self(id)) } else { None }
    }

    /// Its number.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Every partition, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..PARTITIONS as u16).map(Self)
    }
}
