//! Transactions: what commands carry that belong to one, and the record that watches over it.
//!
//! Unlike all else in the protocol these numbers are little endian.

use bytes::BytesMut;

use crate::field::{FieldType, write_field};

/// The set of monitors: records that list what a transaction wrote.
pub const MONITOR_SET: &[u8] = b"<ERO~MRT";
/// The bin of a monitor that holds the transaction's id. Only the command that makes the monitor writes it.
pub const ID_BIN: &[u8] = b"id";
/// The bin of a monitor that lists the digests of records that the transaction writes.
pub const DIGESTS_BIN: &[u8] = b"keyds";
/// The bin of a monitor that says that the transaction is committed.
pub const COMMITTED_BIN: &[u8] = b"fwd";
/// Records that a transaction can write.
pub const MAX_WRITES: usize = 4096;

/// Which version of a record a transaction saw: the time of its last update and its generation. All zeros is the version
/// of a record that never was, and a version like any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RecordVersion([u8; Self::SIZE]);

impl RecordVersion {
    /// Bytes of a version.
    pub const SIZE: usize = 7;
    /// The version of a record that never was.
    pub const ABSENT: Self = Self([0; Self::SIZE]);
    const TIME_SIZE: usize = 5;

    /// The version of a record that was last updated at a time, in milliseconds since 2010, of which 40 bits count.
    pub const fn new(last_update: u64, generation: u16) -> Self {
        let [a, b, c, d, e, ..] = last_update.to_le_bytes();
        let [low, high] = generation.to_le_bytes();
        Self([a, b, c, d, e, low, high])
    }

    /// Reads the data of a field; `None` for any other size.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes of the field.
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// When the record was last updated, in milliseconds since 2010.
    pub fn last_update(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes[..Self::TIME_SIZE].copy_from_slice(&self.0[..Self::TIME_SIZE]);
        u64::from_le_bytes(bytes)
    }

    /// The generation of the record.
    pub const fn generation(&self) -> u16 {
        u16::from_le_bytes([self.0[5], self.0[6]])
    }
}

/// The fields of a command that belongs to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransactionFields {
    /// The transaction; a verification has none.
    pub id: Option<u64>,
    /// The version that the transaction saw of the record.
    pub version: Option<RecordVersion>,
    /// When the transaction ends, in seconds since 2010.
    pub deadline: Option<u32>,
}

impl TransactionFields {
    /// Whether there is none of them.
    pub const fn is_empty(&self) -> bool {
        self.id.is_none() && self.version.is_none() && self.deadline.is_none()
    }

    /// How many of them there are.
    pub fn count(&self) -> u16 {
        u16::from(self.id.is_some()) + u16::from(self.version.is_some()) + u16::from(self.deadline.is_some())
    }

    /// Appends the fields that there are, and returns how many.
    pub fn encode(&self, out: &mut BytesMut) -> u16 {
        let mut count = 0;
        let mut field = |kind, data: &[u8]| {
            write_field(out, kind, data);
            count += 1;
        };
        if let Some(id) = self.id {
            field(FieldType::MRT_ID, &id.to_le_bytes());
        }
        if let Some(version) = self.version {
            field(FieldType::RECORD_VERSION, version.as_bytes());
        }
        if let Some(deadline) = self.deadline {
            field(FieldType::MRT_DEADLINE, &deadline.to_le_bytes());
        }
        count
    }

    /// Takes a field if it is one of a transaction; of two of a type the first counts. `None` when its size is wrong.
    pub fn take(&mut self, kind: FieldType, data: &[u8]) -> Option<()> {
        match kind {
            FieldType::MRT_ID => self.id = self.id.or(Some(u64::from_le_bytes(data.try_into().ok()?))),
            FieldType::RECORD_VERSION => self.version = self.version.or(Some(RecordVersion::from_slice(data)?)),
            FieldType::MRT_DEADLINE => {
                self.deadline = self.deadline.or(Some(u32::from_le_bytes(data.try_into().ok()?)))
            }
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Fields;

    #[test]
    fn fields_come_back_as_they_were() {
        let fields = TransactionFields {
            id: Some(0x0102_0304_0506_0708),
            version: Some(RecordVersion::new(0xff_1234_5678, 0xbeef)),
            deadline: Some(77),
        };
        let mut out = BytesMut::new();
        assert_eq!(fields.encode(&mut out), 3);
        assert_eq!(&out[..13], [0, 0, 0, 9, 5, 8, 7, 6, 5, 4, 3, 2, 1], "little endian");
        let mut read = TransactionFields::default();
        for field in Fields::checked(&out) {
            read.take(field.kind, field.data).unwrap();
        }
        assert_eq!(read, fields);
        let version = read.version.unwrap();
        assert_eq!((version.last_update(), version.generation()), (0xff_1234_5678, 0xbeef));
    }

    #[test]
    fn a_field_of_another_size_is_refused() {
        let mut fields = TransactionFields::default();
        for (kind, size) in [(FieldType::MRT_ID, 8), (FieldType::RECORD_VERSION, 7), (FieldType::MRT_DEADLINE, 4)] {
            assert_eq!(fields.take(kind, &[0; 9][..size + 1]), None);
            assert_eq!(fields.take(kind, &[0; 9][..size - 1]), None);
        }
        assert!(fields.is_empty());
    }
}
