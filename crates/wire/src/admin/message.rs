//! A message of the admin protocol: a header of 16 bytes, then fields that each say how long they are.

use bytes::{BufMut, BytesMut};

use super::counted::{counted, put_name};
use super::privilege::{Privilege, write_privileges};
use super::{AdminCommand, AdminField};
use crate::ResultCode;
use crate::error::{DecodeError, Result, take, take_array, take_u8, take_u32};

/// Bytes of the header.
pub const HEADER_SIZE: usize = 16;
/// Where the header says how many fields follow.
const FIELD_COUNT_AT: usize = 3;

/// A message whose fields were all seen to fit. It is never printed with what they hold.
#[derive(Clone, Copy)]
pub struct AdminMessage<'a> {
    /// How passwords are hashed; there is only 0.
    pub scheme: u8,
    /// What came of a request; 0 in requests.
    pub result: ResultCode,
    /// The code of what is asked; 0 in replies.
    pub command: u8,
    fields: &'a [u8],
}

impl std::fmt::Debug for AdminMessage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminMessage")
            .field("result", &self.result)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl<'a> AdminMessage<'a> {
    /// Takes a message off the front of a buffer: a frame can hold many.
    pub fn decode(buf: &mut &'a [u8]) -> Result<Self> {
        let header: [u8; HEADER_SIZE] = take_array(buf, "admin header")?;
        let [scheme, result, command, count, ..] = header;
        let all = *buf;
        for _ in 0..count {
            let size = take_u32(buf, "admin field")? as usize;
            if size == 0 {
                return Err(DecodeError::Invalid("admin field size"));
            }
            take(buf, size, "admin field")?;
        }
        let fields = &all[..all.len() - buf.len()];
        Ok(Self { scheme, result: ResultCode(result), command, fields })
    }

    /// Reads a body that is one message and nothing else.
    pub fn decode_exact(mut body: &'a [u8]) -> Result<Self> {
        let message = Self::decode(&mut body)?;
        if body.is_empty() { Ok(message) } else { Err(DecodeError::Trailing("admin message")) }
    }

    /// Its fields, by code.
    pub fn fields(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut rest = self.fields;
        std::iter::from_fn(move || {
            let size = take_u32(&mut rest, "admin field").ok()? as usize;
            take(&mut rest, size, "admin field").ok()?.split_first().map(|(code, data)| (*code, data))
        })
    }

    /// What a field holds, if it is there.
    pub fn field(&self, field: AdminField) -> Option<&'a [u8]> {
        self.fields().find(|(code, _)| *code == field as u8).map(|(_, data)| data)
    }

    /// A field that is text.
    pub fn text(&self, field: AdminField) -> Result<Option<&'a str>> {
        let text = self.field(field).map(std::str::from_utf8).transpose();
        text.map_err(|_| DecodeError::Invalid("text of an admin field"))
    }

    /// A field that is a number.
    pub fn number(&self, field: AdminField) -> Result<Option<u32>> {
        let Some(data) = self.field(field) else { return Ok(None) };
        let bytes = data.try_into().map_err(|_| DecodeError::Invalid("number of an admin field"))?;
        Ok(Some(u32::from_be_bytes(bytes)))
    }

    /// A field that lists names, none if it is not there.
    pub fn names(&self, field: AdminField) -> Result<Vec<&'a str>> {
        const WHAT: &str = "list of names";
        let Some(mut data) = self.field(field) else { return Ok(Vec::new()) };
        let count = take_u8(&mut data, WHAT)?;
        let mut names = Vec::with_capacity(usize::from(count).min(data.len()));
        for _ in 0..count {
            let size = take_u8(&mut data, WHAT)?.into();
            let name = take(&mut data, size, WHAT)?;
            names.push(std::str::from_utf8(name).map_err(|_| DecodeError::Invalid(WHAT))?);
        }
        if data.is_empty() { Ok(names) } else { Err(DecodeError::Trailing(WHAT)) }
    }

    /// A field that lists numbers, none if it is not there.
    pub fn numbers(&self, field: AdminField) -> Result<Vec<u32>> {
        const WHAT: &str = "list of numbers";
        let Some(mut data) = self.field(field) else { return Ok(Vec::new()) };
        let count = take_u8(&mut data, WHAT)?;
        (0..count).map(|_| take_u32(&mut data, WHAT)).collect()
    }
}

/// Writes a message field by field. The header counts along.
///
/// ```
/// use aerospike_wire::admin::{AdminCommand, AdminField, AdminMessage, AdminWriter};
/// let mut out = bytes::BytesMut::new();
/// AdminWriter::request(&mut out, AdminCommand::DropUser).bytes(AdminField::User, b"ann");
/// let message = AdminMessage::decode_exact(&out).unwrap();
/// assert_eq!(message.field(AdminField::User), Some(&b"ann"[..]));
/// ```
pub struct AdminWriter<'o> {
    out: &'o mut BytesMut,
    start: usize,
}

impl<'o> AdminWriter<'o> {
    /// Begins a request.
    pub fn request(out: &'o mut BytesMut, command: AdminCommand) -> Self {
        Self::begin(out, ResultCode::OK, command as u8)
    }

    /// Begins a reply.
    pub fn reply(out: &'o mut BytesMut, result: ResultCode) -> Self {
        Self::begin(out, result, 0)
    }

    fn begin(out: &'o mut BytesMut, result: ResultCode, command: u8) -> Self {
        let start = out.len();
        out.put_slice(&[0, result.0, command]);
        out.put_bytes(0, HEADER_SIZE - 3);
        Self { out, start }
    }

    /// Appends a field.
    pub fn bytes(&mut self, field: AdminField, data: &[u8]) -> &mut Self {
        self.field(field, |out| out.put_slice(data))
    }

    /// Appends a field with a number.
    pub fn number(&mut self, field: AdminField, number: u32) -> &mut Self {
        self.bytes(field, &number.to_be_bytes())
    }

    /// Appends a field with names. Of a name, and of names, 255 are written: a byte says how many there are.
    pub fn names<'n>(&mut self, field: AdminField, names: impl IntoIterator<Item = &'n str>) -> &mut Self {
        self.field(field, |out| {
            counted(out, names, |out, name| put_name(out, name.as_bytes()));
        })
    }

    /// Appends a field with numbers, of which 255 are written.
    pub fn numbers(&mut self, field: AdminField, numbers: &[u32]) -> &mut Self {
        self.field(field, |out| counted(out, numbers, |out, number| out.put_u32(*number)))
    }

    /// Appends a field with privileges, of which 255 are written.
    pub fn privileges(&mut self, privileges: &[Privilege]) -> &mut Self {
        self.field(AdminField::Privileges, |out| write_privileges(out, privileges))
    }

    fn field(&mut self, field: AdminField, write: impl FnOnce(&mut BytesMut)) -> &mut Self {
        let at = self.out.len();
        self.out.put_u32(0);
        self.out.put_u8(field as u8);
        write(self.out);
        let size = (self.out.len() - at - size_of::<u32>()) as u32;
        self.out[at..at + size_of::<u32>()].copy_from_slice(&size.to_be_bytes());
        self.out[self.start + FIELD_COUNT_AT] += 1;
        self
    }
}
