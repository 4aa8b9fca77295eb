// Limits of the protocol, by the names that `crates/wire/src/limits.rs` has for them; a test compares the two.

/** Bytes of a namespace's name. */
export const MAX_NAMESPACE_SIZE = 31
/** Bytes of a set's name. */
export const MAX_SET_SIZE = 63
/** Bytes of a bin's name. */
export const MAX_BIN_NAME_SIZE = 15
/** Bytes of an index's name. */
export const MAX_INDEX_NAME = 63
/** Operations of one command. */
export const MAX_OPS = 32_768
/** Seconds that a record may be told to live: ten years. */
export const MAX_TTL_SECONDS = 315_360_000
/** Lists and maps inside one another in a value that is written. Deeper is a mistake or an attack. */
export const MAX_VALUE_DEPTH = 256
/** Bytes of a message: servers refuse longer ones. */
export const MAX_BODY_SIZE = 128 * 1024 * 1024
/** Partitions of every namespace. */
export const PARTITIONS = 4096
/** Steps of a path into a list or map. */
export const MAX_STEPS = 64
/** Bytes of the digest that identifies a record. */
export const DIGEST_BYTES = 20

export const MIN_INT64 = -(2n ** 63n)
export const MAX_INT64 = 2n ** 63n - 1n
export const MAX_INT32 = 0x7fff_ffff
export const MAX_UINT32 = 0xffff_ffff
