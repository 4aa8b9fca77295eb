//! The answer to a command on one record: a header, then the operations that answered.

use aerospike_wire::field::write_field;
use aerospike_wire::limits::MESSAGE_HEADER_SIZE;
use aerospike_wire::op::write_op;
use aerospike_wire::{FieldType, Info1, MessageHeader, OpCode, ParticleType, ResultCode};
use bytes::BytesMut;

use crate::store::{BinRef, Record};

/// An answer that is being written at the end of a buffer.
#[derive(Debug)]
pub(crate) struct Reply<'o> {
    out: &'o mut BytesMut,
    start: usize,
    /// Where the operations begin, after the fields.
    ops: usize,
    header: MessageHeader,
}

impl<'o> Reply<'o> {
    /// Starts an answer; `index` is the row it answers, 0 outside batches.
    pub(crate) fn begin(out: &'o mut BytesMut, index: u32) -> Self {
        let start = out.len();
        let header = MessageHeader { timeout: index, ..MessageHeader::default() };
        header.encode(out); // room for it: it is written again at the end
        Self { ops: out.len(), out, start, header }
    }

    /// Says which record it is about.
    pub(crate) fn set_meta(&mut self, generation: u16, void_time: u32) {
        (self.header.generation, self.header.ttl) = (generation.into(), void_time);
    }

    /// Appends a field; fields come before operations.
    pub(crate) fn field(&mut self, kind: FieldType, data: &[u8]) {
        debug_assert_eq!(self.header.op_count, 0, "fields come before operations");
        write_field(self.out, kind, data);
        self.ops = self.out.len();
        self.header.field_count += 1;
    }

    /// Says what kind of answer it is.
    pub(crate) fn set_info1(&mut self, info1: Info1) {
        self.header.info1 = info1;
    }

    /// Whether no operation answered.
    pub(crate) fn is_empty(&self) -> bool {
        self.header.op_count == 0
    }

    /// Takes the answer back.
    pub(crate) fn discard(self) {
        self.out.truncate(self.start);
    }

    /// Appends the answer of an operation.
    pub(crate) fn op(&mut self, code: u8, particle: ParticleType, name: &[u8], value: &[u8]) {
        write_op(self.out, code, particle, name, value);
        self.header.op_count += 1;
    }

    /// Appends a bin.
    pub(crate) fn bin(&mut self, bin: BinRef<'_>) {
        self.op(OpCode::Read as u8, bin.particle, bin.name, bin.value);
    }

    /// Appends the answer of an operation that has no value.
    pub(crate) fn null(&mut self, code: u8, name: &[u8]) {
        self.op(code, ParticleType::NULL, name, &[]);
    }

    /// Appends every bin of a record.
    pub(crate) fn record(&mut self, record: &Record) {
        self.out.extend_from_slice(record.bin_bytes());
        self.header.op_count += record.bin_count();
    }

    /// Sets the result of an answer that is more than a header.
    pub(crate) fn set_result(&mut self, result: ResultCode) {
        self.header.result = result;
    }

    /// Ends the answer.
    pub(crate) fn finish(self) {
        if let Some(place) = self.out.get_mut(self.start..self.start + MESSAGE_HEADER_SIZE) {
            place.copy_from_slice(&self.header.to_bytes());
        }
    }

    /// Takes the answers of operations back.
    pub(crate) fn clear(&mut self) {
        self.out.truncate(self.ops);
        self.header.op_count = 0;
    }

    /// Ends the answer as a failure: a header, with what is known of the record, and fields.
    pub(crate) fn fail(mut self, code: ResultCode, found: (u16, u32)) {
        self.clear();
        self.header.result = code;
        self.set_meta(found.0, found.1);
        self.finish();
    }
}
