//! The Aerospike wire protocol, as types.
//!
//! This crate turns bytes into typed messages and typed messages into bytes. It opens no socket, reads no clock,
//! starts no task and contains no `unsafe`: whatever a peer sends, a decoder answers with a value or a
//! [`DecodeError`], and no length read from the network is trusted before it was compared with what is there.
//!
//! | module | subject |
//! |---|---|
//! | [`limits`] | every limit of the protocol, by name |
//! | [`proto`] | the 8-byte frame header |
//! | [`flags`] | the bits of `info1` to `info4` |
//! | [`message`] | the 22-byte message header, its fields and operations |
//! | [`field`], [`op`], [`particle`] | the codes of fields, operations and value types |
//! | [`digest`] | keys, digests and partitions |
//! | [`command`] | requests for one record |
//! | [`batch`] | requests for many records, and the rows of their answers |
//! | [`admin`] | logging in, users and roles |
//! | [`info`] | the text protocol of cluster tending: peers, partition maps, services |
//! | [`value`] | bin values and their MessagePack form |
//! | [`result_code`] | what a server can answer |
//! | [`transaction`] | what commands carry that belong to a transaction |

#![forbid(unsafe_code)]

pub mod admin;
pub mod batch;
pub mod command;
pub mod digest;
mod error;
pub mod field;
pub mod flags;
pub mod info;
pub mod limits;
pub mod message;
pub mod op;
pub mod particle;
pub mod proto;
pub mod result_code;
pub mod transaction;
pub mod value;

pub use digest::{Digest, KeyType, PartitionId};
pub use error::DecodeError;
pub use field::FieldType;
pub use flags::{Info1, Info2, Info3, Info4};
pub use message::{Message, MessageHeader};
pub use op::{Op, OpCode};
pub use particle::ParticleType;
pub use proto::{ProtoHeader, ProtoType};
pub use result_code::ResultCode;
pub use value::Value;
