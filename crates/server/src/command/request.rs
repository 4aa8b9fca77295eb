//! A command on one record, whether it came alone or as a row of a batch.

use aerospike_wire::batch::BatchRowSpec;
use aerospike_wire::message::{Fields, Ops};
use aerospike_wire::transaction::TransactionFields;
use aerospike_wire::{Digest, FieldType, Info1, Info2, Info3, Info4, Message, ResultCode};

use crate::store::Record;

/// A call of a function in a module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UdfCall<'a> {
    /// The module, without its ending.
    pub(crate) module: Option<&'a [u8]>,
    /// The function.
    pub(crate) function: Option<&'a [u8]>,
    /// Its arguments, packed.
    pub(crate) arguments: Option<&'a [u8]>,
}

/// A command on one record.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) info1: Info1,
    pub(crate) info2: Info2,
    pub(crate) info3: Info3,
    pub(crate) info4: Info4,
    /// The generation to compare with.
    pub(crate) generation: u32,
    /// The TTL directive of a write, the read-touch percent of a read.
    pub(crate) ttl: u32,
    /// The record.
    pub(crate) digest: Digest,
    /// The set; empty for none.
    pub(crate) set: &'a [u8],
    /// The user key with its type byte.
    pub(crate) key: Option<&'a [u8]>,
    /// A packed expression that must be true of the record.
    pub(crate) filter: Option<&'a [u8]>,
    /// The function to call instead of writing.
    pub(crate) udf: Option<UdfCall<'a>>,
    /// Whether it is a row of a batch.
    pub(crate) in_batch: bool,
    /// Whether a query found the record: a function must not make one that is gone anew.
    pub(crate) must_be_there: bool,
    /// The transaction it belongs to.
    pub(crate) transaction: TransactionFields,
    /// Whether fields of transactions have another size than they should; what follows from it depends on the edition.
    pub(crate) has_odd_transaction: bool,
    /// How many operations there are.
    pub(crate) op_count: u16,
    ops: Ops<'a>,
}

impl<'a> Request<'a> {
    /// A command that came alone.
    pub(crate) fn of_message(message: &Message<'a>) -> Result<Self, ResultCode> {
        let digest = message.field(FieldType::DIGEST).and_then(Digest::from_slice).ok_or(ResultCode::PARAMETER)?;
        let header = &message.header;
        Self {
            info1: header.info1,
            info2: header.info2,
            info3: header.info3,
            info4: header.info4,
            generation: header.generation,
            ttl: header.ttl,
            op_count: header.op_count,
            ..Self::empty(digest, message.ops())
        }
        .with_fields(message.fields())
    }

    /// What a query asks of every record it finds, for the first of them.
    pub(crate) fn of_query(message: &Message<'a>) -> Result<Self, ResultCode> {
        let header = &message.header;
        Self {
            info1: header.info1,
            info2: header.info2,
            info3: header.info3,
            info4: header.info4,
            generation: header.generation,
            ttl: header.ttl,
            op_count: header.op_count,
            must_be_there: true,
            ..Self::empty(Digest([0; Digest::SIZE]), message.ops())
        }
        .with_fields(message.fields())
    }

    /// What a query in the background does to every record it finds. Of the policies of a write only the durability of
    /// deletes counts, and for operations whether the bins are replaced; they make no record.
    pub(crate) fn of_job(message: &Message<'a>) -> Result<Self, ResultCode> {
        let request = Self::of_query(message)?;
        let info3 = match request.udf {
            Some(_) => Info3::empty(),
            None => Info3::UPDATE_ONLY | (request.info3 & Info3::REPLACE_ONLY),
        };
        Ok(Self {
            info1: Info1::empty(),
            info2: Info2::WRITE | (request.info2 & Info2::DURABLE_DELETE),
            info3,
            generation: 0,
            ..request
        })
    }

    /// A row of a batch. Flags of the row that are missing are those of the batch, a filter that is missing is too.
    pub(crate) fn of_row(
        digest: Digest,
        spec: &BatchRowSpec<'a>,
        batch_info3: Info3,
        batch_filter: Option<&'a [u8]>,
    ) -> Result<Self, ResultCode> {
        let request = Self {
            info1: spec.info1,
            info2: spec.info2,
            info3: spec.info3.unwrap_or(batch_info3),
            info4: spec.info4,
            generation: spec.generation,
            ttl: spec.ttl,
            op_count: spec.op_count,
            in_batch: true,
            ..Self::empty(digest, spec.ops())
        }
        .with_fields(spec.fields())?;
        Ok(Self { filter: request.filter.or(batch_filter), ..request })
    }

    /// What a node asks of itself to end a transaction: rolls what it wrote of a record.
    pub(crate) fn of_monitor(digest: Digest, transaction: u64, roll: Info4) -> Self {
        Self {
            info2: Info2::WRITE | Info2::DURABLE_DELETE,
            info4: roll | Info4::MRT_MONITOR_DRIVEN,
            transaction: TransactionFields { id: Some(transaction), ..TransactionFields::default() },
            ..Self::empty(digest, Ops::checked(&[]))
        }
    }

    fn empty(digest: Digest, ops: Ops<'a>) -> Self {
        Self {
            info1: Info1::empty(),
            info2: Info2::empty(),
            info3: Info3::empty(),
            info4: Info4::empty(),
            generation: 0,
            ttl: 0,
            digest,
            set: &[],
            key: None,
            filter: None,
            udf: None,
            in_batch: false,
            must_be_there: false,
            transaction: TransactionFields::default(),
            has_odd_transaction: false,
            op_count: 0,
            ops,
        }
    }

    /// Takes what the fields say; of two fields of a type the first counts.
    fn with_fields(mut self, fields: Fields<'a>) -> Result<Self, ResultCode> {
        let mut set = None;
        for field in fields {
            let data = Some(field.data);
            match field.kind {
                FieldType::SET => set = set.or(data),
                FieldType::KEY => self.key = self.key.or(data),
                FieldType::FILTER => self.filter = self.filter.or(data),
                FieldType::UDF_MODULE => self.udf_mut().module = data,
                FieldType::UDF_FUNCTION => self.udf_mut().function = data,
                FieldType::UDF_ARGUMENTS => self.udf_mut().arguments = data,
                // of a version that is none nothing is asked outside a transaction
                kind => {
                    if self.transaction.take(kind, field.data).is_none() && kind != FieldType::RECORD_VERSION {
                        self.has_odd_transaction = true;
                        if kind == FieldType::MRT_ID {
                            self.transaction.id = Some(0);
                        }
                    }
                }
            }
        }
        self.set = set.unwrap_or_default();
        Ok(self)
    }

    /// Whether the user key, if there is one, can be stored: it has a type at least, and an integer has eight bytes.
    pub(crate) fn has_sound_key(&self) -> bool {
        match self.key {
            Some([]) => false,
            Some([1, integer @ ..]) => integer.len() == 8,
            _ => true,
        }
    }

    /// The same with another TTL directive.
    pub(crate) fn with_ttl(&self, ttl: u32) -> Self {
        Self { ttl, ..self.clone() }
    }

    fn udf_mut(&mut self) -> &mut UdfCall<'a> {
        self.udf.get_or_insert(UdfCall { module: None, function: None, arguments: None })
    }

    /// The operations, in order.
    pub(crate) fn ops(&self) -> Ops<'a> {
        self.ops.clone()
    }

    /// Whether the command may change the record.
    pub(crate) fn is_write(&self) -> bool {
        self.info2.contains(Info2::WRITE)
    }

    /// Whether a function is called: of a read, or of a removal, nobody asks for one.
    pub(crate) fn calls_function(&self) -> bool {
        self.is_write() && !self.info2.contains(Info2::DELETE) && self.udf.is_some_and(|call| call.module.is_some())
    }

    /// Whether every operation is to be answered.
    pub(crate) fn responds_all(&self) -> bool {
        self.info2.contains(Info2::RESPOND_ALL_OPS)
    }

    /// Whether bins the command does not write go.
    pub(crate) fn replaces(&self) -> bool {
        self.info3.intersects(Info3::CREATE_OR_REPLACE | Info3::REPLACE_ONLY)
    }

    /// Whether the key sent is the one stored, as far as there are two.
    pub(crate) fn key_matches(&self, record: &Record) -> bool {
        self.key.is_none_or(|key| record.key().is_none_or(|stored| stored == key))
    }
}
