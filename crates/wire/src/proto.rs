//! The frame: eight bytes in front of every message, in both directions.

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, Result};
use crate::limits::{MAX_BODY_SIZE, PROTO_HEADER_SIZE};

/// The protocol version of every frame but some security ones.
pub const VERSION: u8 = 2;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ProtoType {
    /// Text commands ([`crate::info`]).
    Info = 1,
    /// Login, users and roles.
    Security = 2,
    /// A message ([`crate::message`]).
    Message = 3,
    /// A message inside a zlib stream; Enterprise only.
    Compressed = 4,
    /// Shipping between clusters; no client sends it.
    Xdr = 5,
}

impl ProtoType {
    /// The type of a code, if the protocol has one.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Info,
            2 => Self::Security,
            3 => Self::Message,
            4 => Self::Compressed,
            5 => Self::Xdr,
            _ => return None,
        })
    }
}

/// A frame header: version, type and the size of the body that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtoHeader {
    /// [`VERSION`], or 0 in security messages of old clients.
    pub version: u8,
    /// What the body is.
    pub kind: ProtoType,
    /// Bytes of the body; at most [`MAX_BODY_SIZE`].
    pub size: usize,
}

impl ProtoHeader {
    /// Reads a header, refusing unknown types, wrong versions and bodies above [`MAX_BODY_SIZE`].
    ///
    /// ```
    /// use aerospike_wire::proto::{ProtoHeader, ProtoType};
    /// let header = ProtoHeader::decode(&[2, 3, 0, 0, 0, 0, 0, 22]).unwrap();
    /// assert_eq!((header.kind, header.size), (ProtoType::Message, 22));
    /// assert!(ProtoHeader::decode(&[2, 3, 0xff, 0, 0, 0, 0, 0]).is_err());
    /// ```
    pub fn decode(bytes: &[u8; PROTO_HEADER_SIZE]) -> Result<Self> {
        let word = u64::from_be_bytes(*bytes);
        let version = bytes[0];
        let kind = ProtoType::from_code(bytes[1]).ok_or(DecodeError::Invalid("frame type"))?;
        if version != VERSION && !(version == 0 && kind == ProtoType::Security) {
            return Err(DecodeError::Version(version));
        }
        let size = word & 0xffff_ffff_ffff;
        if size > MAX_BODY_SIZE as u64 {
            return Err(DecodeError::TooLarge { what: "frame body", size, limit: MAX_BODY_SIZE as u64 });
        }
        Ok(Self { version, kind, size: size as usize })
    }

    /// Reads the header at the front of `buf`, or `None` while fewer than eight bytes are there.
    pub fn peek(buf: &[u8]) -> Result<Option<Self>> {
        buf.first_chunk().map(Self::decode).transpose()
    }

    /// The eight bytes of a header.
    pub const fn encode(kind: ProtoType, size: usize) -> [u8; PROTO_HEADER_SIZE] {
        ((VERSION as u64) << 56 | (kind as u64) << 48 | size as u64).to_be_bytes()
    }
}

/// Appends a frame whose body `write` produces; the size is filled in afterwards.
pub fn write_frame<R>(out: &mut BytesMut, kind: ProtoType, write: impl FnOnce(&mut BytesMut) -> R) -> R {
    let start = out.len();
    out.put_slice(&[0; PROTO_HEADER_SIZE]);
    let result = write(out);
    let size = out.len() - start - PROTO_HEADER_SIZE;
    out[start..start + PROTO_HEADER_SIZE].copy_from_slice(&ProtoHeader::encode(kind, size));
    result
}
