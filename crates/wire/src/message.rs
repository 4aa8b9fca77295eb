//! Messages: a header of 22 bytes, then fields, then operations.

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, Result, take, take_array, take_u32};
use crate::field::{Field, FieldType};
use crate::flags::{Info1, Info2, Info3, Info4};
use crate::limits::MESSAGE_HEADER_SIZE;
use crate::op::Op;
use crate::particle::ParticleType;
use crate::result_code::ResultCode;

/// The fixed part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageHeader {
    /// Read flags.
    pub info1: Info1,
    /// Write flags.
    pub info2: Info2,
    /// Policy and stream flags.
    pub info3: Info3,
    /// Transaction flags.
    pub info4: Info4,
    /// In answers: what happened.
    pub result: ResultCode,
    /// The record's generation; the partition in partition-done markers.
    pub generation: u32,
    /// Requests: the TTL directive. Answers: the void time in seconds since 2010-01-01, 0 for never.
    pub ttl: u32,
    /// Requests: server-side timeout in ms. Batch answers: the row's index.
    pub timeout: u32,
    /// How many fields follow.
    pub field_count: u16,
    /// How many operations follow the fields.
    pub op_count: u16,
}

impl MessageHeader {
    /// Reads a header. The size byte is not checked: servers do not check it either.
    pub fn decode(b: &[u8; MESSAGE_HEADER_SIZE]) -> Self {
        let u32_at = |i: usize| u32::from_be_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]]);
        Self {
            info1: Info1::from_bits_retain(b[1]),
            info2: Info2::from_bits_retain(b[2]),
            info3: Info3::from_bits_retain(b[3]),
            info4: Info4::from_bits_retain(b[4]),
            result: ResultCode(b[5]),
            generation: u32_at(6),
            ttl: u32_at(10),
            timeout: u32_at(14),
            field_count: u16::from_be_bytes([b[18], b[19]]),
            op_count: u16::from_be_bytes([b[20], b[21]]),
        }
    }

    /// Appends the 22 bytes of the header.
    pub fn encode(&self, out: &mut BytesMut) {
        out.put_slice(&self.to_bytes());
    }

    /// The 22 bytes of the header, for a place that was kept for them.
    pub fn to_bytes(&self) -> [u8; MESSAGE_HEADER_SIZE] {
        let mut bytes = [0; MESSAGE_HEADER_SIZE];
        bytes[..6].copy_from_slice(&[
            MESSAGE_HEADER_SIZE as u8,
            self.info1.bits(),
            self.info2.bits(),
            self.info3.bits(),
            self.info4.bits(),
            self.result.0,
        ]);
        bytes[6..10].copy_from_slice(&self.generation.to_be_bytes());
        bytes[10..14].copy_from_slice(&self.ttl.to_be_bytes());
        bytes[14..18].copy_from_slice(&self.timeout.to_be_bytes());
        bytes[18..20].copy_from_slice(&self.field_count.to_be_bytes());
        bytes[20..22].copy_from_slice(&self.op_count.to_be_bytes());
        bytes
    }

    /// Whether this is the final message of a stream.
    pub const fn is_last(&self) -> bool {
        self.info3.contains(Info3::LAST)
    }
}

/// A received message. Its fields and operations were checked to lie inside it when it was parsed, so iterating
/// over them cannot fail.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The fixed part.
    pub header: MessageHeader,
    fields: &'a [u8],
    ops: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads the message at the front of `buf` and advances `buf` past it. Answers to batches and queries hold
    /// several messages in one frame.
    pub fn decode(buf: &mut &'a [u8]) -> Result<Self> {
        let header = MessageHeader::decode(&take_array(buf, "message header")?);
        let fields = skip_fields(buf, header.field_count)?;
        let ops = skip_ops(buf, header.op_count)?;
        Ok(Self { header, fields, ops })
    }

    /// Reads a message that must fill `buf` exactly, as every request does.
    pub fn decode_exact(mut buf: &'a [u8]) -> Result<Self> {
        let message = Self::decode(&mut buf)?;
        if buf.is_empty() { Ok(message) } else { Err(DecodeError::Trailing("message")) }
    }

    /// The fields, in order.
    pub fn fields(&self) -> Fields<'a> {
        Fields { rest: self.fields }
    }

    /// The data of the first field of a type.
    pub fn field(&self, kind: FieldType) -> Option<&'a [u8]> {
        self.fields().find(|f| f.kind == kind).map(|f| f.data)
    }

    /// The operations, in order.
    pub fn ops(&self) -> Ops<'a> {
        Ops { rest: self.ops }
    }

    /// The operations in wire form, as one slice.
    pub fn op_bytes(&self) -> &'a [u8] {
        self.ops
    }
}

/// Checks that `count` fields lie in `buf` and returns their bytes.
pub(crate) fn skip_fields<'a>(buf: &mut &'a [u8], count: u16) -> Result<&'a [u8]> {
    let start = *buf;
    for _ in 0..count {
        let size = take_u32(buf, "field")? as usize;
        if size == 0 {
            return Err(DecodeError::Invalid("field size"));
        }
        take(buf, size, "field")?;
    }
    Ok(&start[..start.len() - buf.len()])
}

/// Checks that `count` operations lie in `buf` and returns their bytes.
pub(crate) fn skip_ops<'a>(buf: &mut &'a [u8], count: u16) -> Result<&'a [u8]> {
    let start = *buf;
    for _ in 0..count {
        let size = take_u32(buf, "operation")? as usize;
        let body = take(buf, size, "operation")?;
        match body {
            [_, _, _, name_size, rest @ ..] if *name_size as usize <= rest.len() => {}
            _ => return Err(DecodeError::Truncated("operation")),
        }
    }
    Ok(&start[..start.len() - buf.len()])
}

/// The fields of a [`Message`] or batch row.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) const fn checked(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let size = take_u32(&mut self.rest, "field").ok()? as usize;
        let (kind, data) = take(&mut self.rest, size, "field").ok()?.split_first()?;
        Some(Field { kind: FieldType(*kind), data })
    }
}

/// The operations of a [`Message`] or batch row.
#[derive(Debug, Clone)]
pub struct Ops<'a> {
    rest: &'a [u8],
}

impl<'a> Ops<'a> {
    /// Operations that were written here or were checked before; the iteration ends where bytes are not an operation.
    pub const fn checked(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The bytes of the operations that were not read yet.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Ops<'a> {
    type Item = Op<'a>;

    fn next(&mut self) -> Option<Op<'a>> {
        let size = take_u32(&mut self.rest, "operation").ok()? as usize;
        match take(&mut self.rest, size, "operation").ok()? {
            [code, particle, _flags, name_size, rest @ ..] => {
                let (name, value) = rest.split_at_checked(*name_size as usize)?;
                Some(Op { code: *code, particle: ParticleType(*particle), name, value })
            }
            _ => None,
        }
    }
}

/// Walks over the messages that follow one another in a frame body and says where each starts.
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    frame: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    /// Starts at the front of a frame body.
    pub const fn new(frame: &'a [u8]) -> Self {
        Self { frame, rest: frame }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<(usize, Message<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let offset = self.frame.len() - self.rest.len();
        let message = Message::decode(&mut self.rest);
        if message.is_err() {
            self.rest = &[];
        }
        Some(message.map(|m| (offset, m)))
    }
}
