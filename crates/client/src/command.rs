//! A command for one record, as callers hand it over, and its answer.
//!
//! The payload arrives encoded: fields and operations are bytes in wire form that nothing in this crate interprets,
//! except to tell whether the command may share a connection with others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aerospike_wire::command::{CommandSpec, UserKey};
use aerospike_wire::message::Message;
use aerospike_wire::transaction::TransactionFields;
use aerospike_wire::{Digest, Info1, Info2, Info3, Info4, KeyType, OpCode};
use bytes::Bytes;

use crate::policy::CommandPolicy;

/// Which record a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The digest itself, for records whose user key is not known.
    Digest(Digest),
    /// The user key; hashed with the set when the command runs.
    User {
        /// Its type.
        kind: KeyType,
        /// Its bytes: UTF-8, raw, or eight big-endian.
        bytes: Bytes,
    },
}

impl Key {
    /// The digest of the key in a set.
    pub fn digest(&self, set: &[u8]) -> Digest {
        match self {
            Self::Digest(digest) => *digest,
            Self::User { kind, bytes } => Digest::of_key(set, *kind, bytes),
        }
    }

    pub(crate) fn user_key(&self) -> Option<UserKey<'_>> {
        match self {
            Self::Digest(_) => None,
            Self::User { kind, bytes } => Some(UserKey { kind: *kind, bytes }),
        }
    }
}

/// What a command does, apart from which record it does it to: the owned form of
/// [`CommandSpec`]. Cloning shares the payload.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// Read flags.
    pub info1: Info1,
    /// Write flags.
    pub info2: Info2,
    /// Policy flags.
    pub info3: Info3,
    /// Transaction flags.
    pub info4: Info4,
    /// The generation to compare with.
    pub generation: u32,
    /// The TTL directive of a write, the read-touch percent of a read.
    pub ttl: u32,
    /// The transaction it belongs to, if it does.
    pub transaction: TransactionFields,
    /// How many fields `fields` holds.
    pub field_count: u16,
    /// Fields besides namespace, set, digest, key and transaction, in wire form.
    pub fields: Bytes,
    /// How many operations `ops` holds.
    pub op_count: u16,
    /// Operations in wire form.
    pub ops: Bytes,
    /// The caller expects the command to take its time: it gets a connection of its own.
    pub exclusive: bool,
}

/// A payload above this goes out on its own connection: while it is being written, nothing behind it can be.
const LARGE_PAYLOAD: usize = 32 * 1024;

impl Spec {
    /// Reads every bin.
    pub fn read_all() -> Self {
        Self { info1: Info1::READ | Info1::GET_ALL, ..Self::default() }
    }

    /// Reads the metadata only.
    pub fn exists() -> Self {
        Self { info1: Info1::READ | Info1::GET_NO_BINS, ..Self::default() }
    }

    /// Whether the command changes the record, so that repeating it may change it twice.
    pub fn is_write(&self) -> bool {
        self.info2.contains(Info2::WRITE)
    }

    /// Whether the command is certain to be quick, so that others may wait for their answers behind it: no extra
    /// fields (a filter, a UDF), and only reads and writes of whole bins.
    pub(crate) fn is_brief(&self) -> bool {
        const BRIEF: [OpCode; 7] = [
            OpCode::Read,
            OpCode::Write,
            OpCode::Increment,
            OpCode::Append,
            OpCode::Prepend,
            OpCode::Touch,
            OpCode::DeleteAll,
        ];
        !self.exclusive
            && self.fields.is_empty()
            && self.ops.len() <= LARGE_PAYLOAD
            && op_codes(&self.ops).all(|code| BRIEF.iter().any(|brief| *brief as u8 == code))
    }

    pub(crate) fn as_wire(&self) -> CommandSpec<'_> {
        CommandSpec {
            info1: self.info1,
            info2: self.info2,
            info3: self.info3,
            info4: self.info4,
            generation: self.generation,
            ttl: self.ttl,
            transaction: self.transaction,
            field_count: self.field_count,
            fields: &self.fields,
            op_count: self.op_count,
            ops: &self.ops,
        }
    }
}

/// The codes of encoded operations. Ends at the first that does not hold together: the server judges that one.
fn op_codes(mut ops: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (size, rest) = ops.split_first_chunk::<4>()?;
        let (op, rest) = rest.split_at_checked(u32::from_be_bytes(*size) as usize)?;
        ops = rest;
        op.first().copied()
    })
}

/// Says whether bytes of a command may have reached a socket. The caller keeps one end: when it gives up on a write,
/// this is how it knows whether the write is in doubt.
#[derive(Debug, Default)]
pub struct SentFlag(AtomicBool);

impl SentFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether bytes may have reached a socket.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A command for one record.
#[derive(Debug, Clone)]
pub struct Command {
    /// The namespace.
    pub namespace: Bytes,
    /// The set; empty for none.
    pub set: Bytes,
    /// The record.
    pub key: Key,
    /// Whether the server is to store the user key, and check it against the one it stores.
    pub send_key: bool,
    /// What to do.
    pub spec: Spec,
    /// What it may cost.
    pub policy: CommandPolicy,
    /// Set before the first byte goes out.
    pub sent: Option<Arc<SentFlag>>,
    /// The caller wants to know when it was sent and answered.
    pub timed: bool,
}

/// The answer to a [`Command`] whose result is 0.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The message as the server sent it, from its 22-byte header on.
    pub message: Bytes,
    /// The node that answered.
    pub node: Arc<str>,
    /// How often the command was sent, the answered time included.
    pub attempts: u32,
    /// When it was sent and answered, if the caller asked for it.
    pub timing: Option<Box<Timing>>,
}

/// When a command was sent and answered.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// When the command began.
    pub begun: Instant,
    /// When bytes of the attempt that ended it may first have reached a socket, if they have.
    pub sent: Option<Instant>,
    /// When its outcome was known.
    pub ended: Instant,
    /// Bytes of that attempt's request.
    pub bytes_out: u64,
    /// Bytes of the answer.
    pub bytes_in: u64,
}

impl Reply {
    /// The message, parsed. It was checked when it arrived.
    pub fn message(&self) -> Result<Message<'_>, aerospike_wire::DecodeError> {
        Message::decode_exact(&self.message)
    }
}
