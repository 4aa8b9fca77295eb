//! Fields: the typed attachments between a message header and its operations.

use bytes::{BufMut, BytesMut};

/// The type of a field. A newtype: unknown fields are skipped, not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldType(pub u8);

#[allow(missing_docs)] // the names are the protocol's own
impl FieldType {
    pub const NAMESPACE: Self = Self(0);
    pub const SET: Self = Self(1);
    pub const KEY: Self = Self(2);
    pub const RECORD_VERSION: Self = Self(3);
    pub const DIGEST: Self = Self(4);
    pub const MRT_ID: Self = Self(5);
    pub const MRT_DEADLINE: Self = Self(6);
    pub const TASK_ID: Self = Self(7);
    pub const SOCKET_TIMEOUT: Self = Self(9);
    pub const RECORDS_PER_SECOND: Self = Self(10);
    pub const PID_ARRAY: Self = Self(11);
    pub const DIGEST_ARRAY: Self = Self(12);
    pub const SAMPLE_MAX: Self = Self(13);
    pub const LAST_UPDATE_TIME: Self = Self(14);
    pub const BVAL_ARRAY: Self = Self(15);
    pub const INDEX_NAME: Self = Self(21);
    pub const INDEX_RANGE: Self = Self(22);
    pub const INDEX_CONTEXT: Self = Self(23);
    pub const INDEX_EXPRESSION: Self = Self(24);
    pub const INDEX_TYPE: Self = Self(26);
    pub const UDF_MODULE: Self = Self(30);
    pub const UDF_FUNCTION: Self = Self(31);
    pub const UDF_ARGUMENTS: Self = Self(32);
    pub const UDF_OP: Self = Self(33);
    pub const QUERY_BINS: Self = Self(40);
    pub const BATCH: Self = Self(41);
    pub const BATCH_WITH_SET: Self = Self(42);
    pub const FILTER: Self = Self(43);
    pub const ERROR_DETAILS: Self = Self(45);
}

/// A field inside a received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its type.
    pub kind: FieldType,
    /// Its data.
    pub data: &'a [u8],
}

/// Appends a field.
pub fn write_field(out: &mut BytesMut, kind: FieldType, data: &[u8]) {
    out.put_u32(data.len() as u32 + 1);
    out.put_u8(kind.0);
    out.put_slice(data);
}
