//! Arguments of bit operations: decoded, with the flags and limits that they are held against.

/// The write flags of bit operations.
pub(super) mod flags {
    pub(in crate::cdt::bits) const CREATE_ONLY: i64 = 1;
    pub(in crate::cdt::bits) const UPDATE_ONLY: i64 = 2;
    pub(in crate::cdt::bits) const NO_FAIL: i64 = 4;
    pub(in crate::cdt::bits) const PARTIAL: i64 = 8;
}

/// The flags of RESIZE.
pub(super) mod resize {
    pub(in crate::cdt::bits) const FROM_FRONT: i64 = 1;
    pub(in crate::cdt::bits) const GROW_ONLY: i64 = 2;
    pub(in crate::cdt::bits) const SHRINK_ONLY: i64 = 4;
}

/// The flags of operations on numbers.
pub(super) mod arithmetic {
    pub(in crate::cdt::bits) const SIGNED: i64 = 1;
    pub(in crate::cdt::bits) const SATURATE: i64 = 2;
    pub(in crate::cdt::bits) const WRAP: i64 = 4;
}

/// Bytes that offsets and sizes may be apart from 0, the most a message has.
pub(super) const FARTHEST: i64 = 128 * 1024 * 1024;
/// The largest blob an operation makes.
pub(super) const MAX_BYTES: i64 = 16 * 1024 * 1024;

/// Decoded arguments: integers by place, and the one blob an operation can have.
#[derive(Debug, Default)]
pub(super) struct Args<'a> {
    pub(super) integers: [i64; 5],
    pub(super) blob: &'a [u8],
    /// The write flags.
    pub(super) flags: i64,
    /// Flags of one operation only.
    pub(super) subflags: i64,
}
