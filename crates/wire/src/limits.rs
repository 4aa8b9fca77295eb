//! Every limit of the protocol in one place. A decoder compares a length with the limit *and* with the bytes at hand
//! before it takes memory for it.

/// Bytes of the frame header in front of every message.
pub const PROTO_HEADER_SIZE: usize = 8;
/// Bytes of the message header at the start of a type 3 body.
pub const MESSAGE_HEADER_SIZE: usize = 22;
/// The largest body a server accepts, and the largest a client should believe: 128 MiB.
pub const MAX_BODY_SIZE: usize = 128 * 1024 * 1024;
/// Operations in one command; a server answers more with `PARAMETER`.
pub const MAX_OPS: usize = 32_768;
/// Bytes of a namespace name.
pub const MAX_NAMESPACE_SIZE: usize = 31;
/// Bytes of a set name.
pub const MAX_SET_SIZE: usize = 63;
/// Bytes of a bin name.
pub const MAX_BIN_NAME_SIZE: usize = 15;
/// Bins in one record.
pub const MAX_BINS: usize = 32_767;
/// Seconds a record may be told to live: ten years.
pub const MAX_TTL_SECONDS: u32 = 3600 * 24 * 365 * 10;
/// Lists and maps inside one another, the outermost included. The server has no published limit; this one keeps
/// recursive code on any stack.
pub const MAX_VALUE_DEPTH: usize = 256;
/// Bytes of the name of a user or a role.
pub const MAX_USER_SIZE: usize = 63;
/// Bytes of a session token that a client keeps; those of servers have a few hundred.
pub const MAX_SESSION_TOKEN_SIZE: usize = 64 * 1024;
/// Nodes in a cluster; larger peer lists are refused.
pub const MAX_NODES: usize = 1024;
/// Replicas of a partition that a client tracks.
pub const MAX_REPLICAS: usize = 8;
/// Namespaces in a cluster, as read from a partition map.
pub const MAX_NAMESPACES: usize = 256;
/// Partitions of every namespace.
pub const PARTITIONS: usize = 4096;
