//! Batches: one request for many records, answered by rows in any order.
//!
//! A client writes one with [`BatchWriter`], a server reads one with [`BatchRequest`]; the rows of an answer are
//! plain [`messages`](crate::message::Messages) whose `timeout` is the row's index.

use bytes::{BufMut, BytesMut};

use crate::command::{CommandSpec, UserKey, write_key_field};
use crate::digest::Digest;
use crate::error::{DecodeError, Result, take_array, take_u8, take_u16, take_u32};
use crate::field::{FieldType, write_field};
use crate::flags::{Info1, Info2, Info3, Info4};
use crate::message::{Fields, MessageHeader, Ops, skip_fields, skip_ops};
use crate::proto::{ProtoHeader, ProtoType};

bitflags::bitflags! {
    /// How a server works through a batch.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct BatchFlags: u8 {
        /// Run in the network thread when the data is in memory.
        const INLINE = 0x01;
        /// The same for data on flash.
        const INLINE_SSD = 0x02;
        /// A row's error does not stop the batch.
        const RESPOND_ALL_KEYS = 0x04;
        /// Report the failing row before stopping.
        const REPORT_FAILING_ROW = 0x08;
    }

    /// What the header of a row holds.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct RowFlags: u8 {
        /// As the row before; nothing follows the digest.
        const REPEAT = 0x01;
        /// `info2` and `info3` follow.
        const INFO = 0x02;
        /// A generation follows.
        const GENERATION = 0x04;
        /// A TTL follows.
        const TTL = 0x08;
        /// `info4` follows.
        const INFO4 = 0x10;
    }
}

/// Bytes of a row that repeats the one before.
pub const REPEATED_ROW_SIZE: usize = 4 + Digest::SIZE + 1;

/// Writes one batch frame, row by row.
#[derive(Debug)]
pub struct BatchWriter<'a> {
    out: &'a mut BytesMut,
    frame_start: usize,
    field_start: usize,
    rows: u32,
}

impl<'a> BatchWriter<'a> {
    /// Starts a batch: `timeout` in ms, `filter` a packed expression for every row without its own.
    pub fn begin(out: &'a mut BytesMut, timeout: u32, info1: Info1, flags: BatchFlags, filter: Option<&[u8]>) -> Self {
        let frame_start = out.len();
        out.put_slice(&ProtoHeader::encode(ProtoType::Message, 0));
        MessageHeader {
            info1: Info1::BATCH | info1,
            timeout,
            field_count: 1 + u16::from(filter.is_some()),
            ..MessageHeader::default()
        }
        .encode(out);
        if let Some(filter) = filter {
            write_field(out, FieldType::FILTER, filter);
        }
        let field_start = out.len();
        out.put_u32(0); // the field's size, known at the end
        out.put_u8(FieldType::BATCH.0);
        out.put_u32(0); // the row count, known at the end
        out.put_u8(flags.bits());
        Self { out, frame_start, field_start, rows: 0 }
    }

    /// Bytes of the frame so far.
    pub fn size(&self) -> usize {
        self.out.len() - self.frame_start
    }

    /// Appends a row that asks the same as the one before, of another record.
    pub fn repeat(&mut self, index: u32, digest: &Digest) {
        debug_assert!(self.rows > 0, "the first row cannot repeat one");
        self.head(index, digest, RowFlags::REPEAT);
    }

    /// Appends a full row. Writes carry their generation and TTL, reads their TTL, as servers expect of each.
    pub fn row(
        &mut self,
        index: u32,
        digest: &Digest,
        namespace: &[u8],
        set: &[u8],
        send_key: Option<UserKey<'_>>,
        spec: &CommandSpec<'_>,
    ) {
        let mut flags = RowFlags::INFO | RowFlags::TTL;
        flags.set(RowFlags::GENERATION, spec.info2.contains(Info2::WRITE));
        flags.set(RowFlags::INFO4, !spec.info4.is_empty());
        self.head(index, digest, flags);
        let out = &mut *self.out;
        out.put_slice(&[spec.info1.bits(), spec.info2.bits(), spec.info3.bits()]);
        if flags.contains(RowFlags::INFO4) {
            out.put_u8(spec.info4.bits());
        }
        if flags.contains(RowFlags::GENERATION) {
            out.put_u16(spec.generation as u16);
        }
        out.put_u32(spec.ttl);
        out.put_u16(2 + spec.transaction.count() + u16::from(send_key.is_some()) + spec.field_count);
        out.put_u16(spec.op_count);
        write_field(out, FieldType::NAMESPACE, namespace);
        write_field(out, FieldType::SET, set);
        spec.transaction.encode(out);
        if let Some(key) = send_key {
            write_key_field(out, key);
        }
        out.put_slice(spec.fields);
        out.put_slice(spec.ops);
    }

    /// Fills in the sizes and the row count, and returns the size of the frame.
    pub fn finish(self) -> usize {
        let field_size = self.out.len() - self.field_start - 4;
        let size = self.size();
        let header = ProtoHeader::encode(ProtoType::Message, size - crate::limits::PROTO_HEADER_SIZE);
        self.out[self.frame_start..][..8].copy_from_slice(&header);
        self.out[self.field_start..][..4].copy_from_slice(&(field_size as u32).to_be_bytes());
        self.out[self.field_start + 5..][..4].copy_from_slice(&self.rows.to_be_bytes());
        size
    }

    fn head(&mut self, index: u32, digest: &Digest, flags: RowFlags) {
        self.rows += 1;
        self.out.put_u32(index);
        self.out.put_slice(&digest.0);
        self.out.put_u8(flags.bits());
    }
}

/// What a row asks for; shared by the rows that repeat it.
#[derive(Debug, Clone, Copy)]
pub struct BatchRowSpec<'a> {
    /// Read flags.
    pub info1: Info1,
    /// Write flags.
    pub info2: Info2,
    /// Policy flags; `None` when the row has no info bytes and takes those of the batch.
    pub info3: Option<Info3>,
    /// Transaction flags.
    pub info4: Info4,
    /// The generation to compare with.
    pub generation: u32,
    /// The TTL directive.
    pub ttl: u32,
    /// The namespace: always the first field.
    pub namespace: &'a [u8],
    /// How many operations there are.
    pub op_count: u16,
    has_key: bool,
    fields: &'a [u8],
    ops: &'a [u8],
}

impl<'a> BatchRowSpec<'a> {
    /// The fields, the namespace included.
    pub fn fields(&self) -> Fields<'a> {
        Fields::checked(self.fields)
    }

    /// The data of the first field of a type.
    pub fn field(&self, kind: FieldType) -> Option<&'a [u8]> {
        self.fields().find(|f| f.kind == kind).map(|f| f.data)
    }

    /// The operations.
    pub fn ops(&self) -> Ops<'a> {
        Ops::checked(self.ops)
    }
}

/// One row of a received batch.
#[derive(Debug, Clone, Copy)]
pub struct BatchRow<'a> {
    /// The index to echo.
    pub index: u32,
    /// The record.
    pub digest: Digest,
    /// Whether it asks the same as the row before, so that what was worked out for that one holds for this one.
    pub repeats: bool,
    /// What to do with it.
    pub spec: BatchRowSpec<'a>,
}

/// A received batch, as far as its head; the rows are read one by one.
#[derive(Debug, Clone)]
pub struct BatchRequest<'a> {
    /// How to work through it.
    pub flags: BatchFlags,
    /// How many rows it claims to have.
    pub row_count: u32,
    rest: &'a [u8],
}

impl<'a> BatchRequest<'a> {
    /// Reads the head of a BATCH field.
    pub fn decode(mut payload: &'a [u8]) -> Result<Self> {
        let row_count = take_u32(&mut payload, "batch")?;
        let flags = BatchFlags::from_bits_retain(take_u8(&mut payload, "batch")?);
        if row_count == 0 {
            return Err(DecodeError::Invalid("batch row count"));
        }
        Ok(Self { flags, row_count, rest: payload })
    }

    /// The rows, one by one, read as they are asked for. A server that must refuse a malformed batch as a whole goes
    /// over them twice; that costs less than holding on to them.
    pub fn iter(&self) -> BatchRows<'a> {
        BatchRows { left: self.row_count, rest: self.rest, before: None }
    }

    /// Reads every row; the batch must end where the last row does.
    pub fn rows(&self) -> Result<Vec<BatchRow<'a>>> {
        let mut rows = Vec::with_capacity((self.row_count as usize).min(self.rest.len() / REPEATED_ROW_SIZE));
        for row in self.iter() {
            rows.push(row?);
        }
        Ok(rows)
    }
}

/// Walks over the rows of a [`BatchRequest`]. It ends after the first error; bytes after the last row are one.
#[derive(Debug, Clone)]
pub struct BatchRows<'a> {
    left: u32,
    rest: &'a [u8],
    before: Option<BatchRowSpec<'a>>,
}

impl<'a> BatchRows<'a> {
    fn read(&mut self) -> Result<BatchRow<'a>> {
        let index = take_u32(&mut self.rest, "batch row")?;
        let digest = Digest(take_array(&mut self.rest, "batch row")?);
        let flags = RowFlags::from_bits_retain(take_u8(&mut self.rest, "batch row")?);
        let repeats = flags.contains(RowFlags::REPEAT);
        let spec = match self.before {
            Some(before) if repeats && before.has_key => return Err(DecodeError::Invalid("repeated row with a key")),
            Some(before) if repeats => before,
            None if repeats => return Err(DecodeError::Invalid("repeated first row")),
            _ => *self.before.insert(decode_row_spec(&mut self.rest, flags)?),
        };
        Ok(BatchRow { index, digest, repeats, spec })
    }
}

impl<'a> Iterator for BatchRows<'a> {
    type Item = Result<BatchRow<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let trailing = !self.rest.is_empty();
            self.rest = &[];
            return trailing.then_some(Err(DecodeError::Trailing("batch")));
        }
        let row = self.read();
        self.left = if row.is_ok() { self.left - 1 } else { 0 };
        if row.is_err() {
            self.rest = &[];
        }
        Some(row)
    }
}

fn decode_row_spec<'a>(rest: &mut &'a [u8], flags: RowFlags) -> Result<BatchRowSpec<'a>> {
    const WHAT: &str = "batch row";
    let info1 = Info1::from_bits_retain(take_u8(rest, WHAT)?) - Info1::XDR - Info1::COMPRESS_RESPONSE;
    let (info2, info3) = if flags.contains(RowFlags::INFO) {
        let info2 = Info2::from_bits_retain(take_u8(rest, WHAT)?);
        (info2, Some(Info3::from_bits_retain(take_u8(rest, WHAT)?)))
    } else {
        (Info2::empty(), None)
    };
    let info4 = if flags.contains(RowFlags::INFO4) { take_u8(rest, WHAT)? } else { 0 };
    let generation = if flags.contains(RowFlags::GENERATION) { take_u16(rest, WHAT)? } else { 0 };
    let ttl = if flags.contains(RowFlags::TTL) { take_u32(rest, WHAT)? } else { 0 };
    let field_count = take_u16(rest, WHAT)?;
    let op_count = take_u16(rest, WHAT)?;
    let fields = skip_fields(rest, field_count)?;
    let ops = skip_ops(rest, op_count)?;
    let namespace = match Fields::checked(fields).next() {
        Some(field) if field.kind == FieldType::NAMESPACE => field.data,
        _ => return Err(DecodeError::Invalid("first field of a batch row")),
    };
    Ok(BatchRowSpec {
        info1,
        info2,
        info3,
        info4: Info4::from_bits_retain(info4),
        generation: u32::from(generation),
        ttl,
        namespace,
        op_count,
        has_key: Fields::checked(fields).any(|field| field.kind == FieldType::KEY),
        fields,
        ops,
    })
}
