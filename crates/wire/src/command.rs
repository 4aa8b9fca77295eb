//! Requests for one record.

use bytes::{BufMut, BytesMut};

use crate::digest::{Digest, KeyType};
use crate::field::{FieldType, write_field};
use crate::flags::{Info1, Info2, Info3, Info4};
use crate::message::MessageHeader;
use crate::proto::{ProtoType, write_frame};
use crate::result_code::ResultCode;
use crate::transaction::TransactionFields;

/// A user key as it is hashed and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserKey<'a> {
    /// Its type.
    pub kind: KeyType,
    /// Its bytes: UTF-8, raw, or eight big-endian.
    pub bytes: &'a [u8],
}

/// What a command asks for, apart from which record: flags, metadata and the encoded extra fields and operations.
/// The payload was encoded by whoever made the command and is never interpreted on its way.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommandSpec<'a> {
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
    pub fields: &'a [u8],
    /// How many operations `ops` holds.
    pub op_count: u16,
    /// Operations in wire form.
    pub ops: &'a [u8],
}

/// A request for one record.
#[derive(Debug, Clone, Copy)]
pub struct RecordCommand<'a> {
    /// The namespace.
    pub namespace: &'a [u8],
    /// The set; empty for none.
    pub set: &'a [u8],
    /// The record.
    pub digest: Digest,
    /// The user key, when the server is to store and check it.
    pub send_key: Option<UserKey<'a>>,
    /// What to do.
    pub spec: CommandSpec<'a>,
    /// Milliseconds after which the server may give up; 0 for its default.
    pub timeout: u32,
}

impl RecordCommand<'_> {
    /// Appends the whole frame.
    pub fn encode(&self, out: &mut BytesMut) {
        let spec = &self.spec;
        write_frame(out, ProtoType::Message, |out| {
            MessageHeader {
                info1: spec.info1,
                info2: spec.info2,
                info3: spec.info3,
                info4: spec.info4,
                result: ResultCode::OK,
                generation: spec.generation,
                ttl: spec.ttl,
                timeout: self.timeout,
                field_count: 3 + spec.transaction.count() + u16::from(self.send_key.is_some()) + spec.field_count,
                op_count: spec.op_count,
            }
            .encode(out);
            write_field(out, FieldType::NAMESPACE, self.namespace);
            write_field(out, FieldType::SET, self.set);
            write_field(out, FieldType::DIGEST, &self.digest.0);
            spec.transaction.encode(out);
            if let Some(key) = self.send_key {
                write_key_field(out, key);
            }
            out.put_slice(spec.fields);
            out.put_slice(spec.ops);
        });
    }
}

/// Appends a KEY field.
pub fn write_key_field(out: &mut BytesMut, key: UserKey<'_>) {
    out.put_u32(key.bytes.len() as u32 + 2);
    out.put_slice(&[FieldType::KEY.0, key.kind as u8]);
    out.put_slice(key.bytes);
}
