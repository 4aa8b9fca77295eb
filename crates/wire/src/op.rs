//! Operations: what a command does to bins, and what an answer says of them.

use bytes::{BufMut, BytesMut};

use crate::particle::ParticleType;

/// The code of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OpCode {
    /// Read a bin; an empty name together with GET_ALL reads every bin.
    Read = 1,
    /// Write a bin; a null value deletes it.
    Write = 2,
    /// Read part of a list or map.
    CdtRead = 3,
    /// Change a list or map.
    CdtModify = 4,
    /// Add to a number.
    Increment = 5,
    /// Evaluate an expression.
    ExpRead = 7,
    /// Store the value of an expression.
    ExpModify = 8,
    /// Append to a string or blob.
    Append = 9,
    /// Prepend to a string or blob.
    Prepend = 10,
    /// Renew the expiry.
    Touch = 11,
    /// Read bits of a blob.
    BitsRead = 12,
    /// Change bits of a blob.
    BitsModify = 13,
    /// Remove every bin.
    DeleteAll = 14,
    /// Read a HyperLogLog.
    HllRead = 15,
    /// Change a HyperLogLog.
    HllModify = 16,
}

impl OpCode {
    /// The operation of a code, if server 8.1.2 has one.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Read,
            2 => Self::Write,
            3 => Self::CdtRead,
            4 => Self::CdtModify,
            5 => Self::Increment,
            7 => Self::ExpRead,
            8 => Self::ExpModify,
            9 => Self::Append,
            10 => Self::Prepend,
            11 => Self::Touch,
            12 => Self::BitsRead,
            13 => Self::BitsModify,
            14 => Self::DeleteAll,
            15 => Self::HllRead,
            16 => Self::HllModify,
            _ => return None,
        })
    }

    /// Whether the operation only reads.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::CdtRead | Self::ExpRead | Self::BitsRead | Self::HllRead)
    }
}

/// An operation inside a received message. The code is kept raw: a server must answer unknown ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op<'a> {
    /// The operation's code; see [`OpCode::from_code`].
    pub code: u8,
    /// The type of the value.
    pub particle: ParticleType,
    /// The bin's name.
    pub name: &'a [u8],
    /// The value, in wire form.
    pub value: &'a [u8],
}

/// Appends an operation. The name must be at most 255 bytes; a server refuses more than
/// [`MAX_BIN_NAME_SIZE`](crate::limits::MAX_BIN_NAME_SIZE).
pub fn write_op(out: &mut BytesMut, code: u8, particle: ParticleType, name: &[u8], value: &[u8]) {
    debug_assert!(name.len() <= 255);
    out.put_u32((4 + name.len() + value.len()) as u32);
    out.put_slice(&[code, particle.0, 0, name.len() as u8]);
    out.put_slice(name);
    out.put_slice(value);
}
