//! Tables by digest.

use std::hash::{BuildHasherDefault, Hasher};

/// Makes tables by digest.
pub(crate) type DigestHasherBuilder = BuildHasherDefault<DigestHasher>;

/// A digest is a hash already: eight of its bytes do. Those that choose the partition are equal for all records of it,
/// so later ones are taken.
#[derive(Debug, Default)]
pub(crate) struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(tail) = bytes.last_chunk() {
            self.0 = u64::from_le_bytes(*tail);
        }
    }

    fn write_usize(&mut self, _: usize) {} // the length of the digest

    fn finish(&self) -> u64 {
        self.0
    }
}
