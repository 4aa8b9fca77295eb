//! What is read of a field of bits.

use aerospike_wire::ParticleType;

use super::super::Particle;
use super::align::{extract, number, sign_extended};
use super::args::{Args, arithmetic};

/// The bits that are read: `size` of them from `offset` on.
pub(super) struct Field<'a> {
    pub(super) blob: &'a [u8],
    pub(super) offset: u64,
    pub(super) size: u64,
}

fn integer(n: i64) -> Particle {
    (ParticleType::INTEGER, n.to_be_bytes().to_vec())
}

impl Field<'_> {
    /// The bits, moved to the front of their own bytes.
    fn aligned(&self) -> Vec<u8> {
        extract(self.blob, self.offset, self.size)
    }

    /// Whether a bit of the blob is what a scan looks for.
    fn is_wanted(&self, at: u64, args: &Args<'_>) -> bool {
        let is_set = self.blob[(at / 8) as usize] & 0x80 >> (at % 8) != 0;
        is_set == (args.integers[2] != 0)
    }

    /// The answer of a scan: a bit's distance from the start of the field, or -1.
    fn distance(&self, found: Option<u64>) -> Particle {
        integer(found.map_or(-1, |at| at as i64 - self.offset as i64))
    }
}

pub(super) fn get(field: &Field<'_>, _: &Args<'_>) -> Particle {
    (ParticleType::BLOB, field.aligned())
}

pub(super) fn count(field: &Field<'_>, _: &Args<'_>) -> Particle {
    integer(field.aligned().iter().map(|b| i64::from(b.count_ones())).sum())
}

pub(super) fn scan_left(field: &Field<'_>, args: &Args<'_>) -> Particle {
    field.distance((field.offset..field.offset + field.size).find(|&at| field.is_wanted(at, args)))
}

/// Looking backwards, the server does not stop at the field but where the byte begins that the field begins in.
pub(super) fn scan_right(field: &Field<'_>, args: &Args<'_>) -> Particle {
    let first = field.offset & !7;
    field.distance((first..field.offset + field.size).rev().find(|&at| field.is_wanted(at, args)))
}

pub(super) fn get_integer(field: &Field<'_>, args: &Args<'_>) -> Particle {
    let n = number(&field.aligned(), field.size);
    integer(if args.flags & arithmetic::SIGNED != 0 { sign_extended(n, field.size) } else { n as i64 })
}
