// Limits of the protocol, each in one place. `crates/wire/src/limits.rs` has the same for Rust; a test compares the two.

/** Bytes of a namespace's name. */
export const MAX_NAMESPACE = 31
/** Bytes of a set's name. */
export const MAX_SET = 63
/** Bytes of a bin's name. */
export const MAX_BIN_NAME = 15
/** Bytes of an index's name. */
export const MAX_INDEX_NAME = 63
/** Operations of one command. */
export const MAX_OPERATIONS = 32_768
/** Steps of a path into a list or map. */
export const MAX_STEPS = 64
/** Bytes of the digest that identifies a record. */
export const DIGEST_BYTES = 20

export const MIN_INT64 = -(2n ** 63n)
export const MAX_INT64 = 2n ** 63n - 1n
export const MAX_INT32 = 0x7fff_ffff
export const MAX_UINT32 = 0xffff_ffff
