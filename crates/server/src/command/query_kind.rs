//! Which kind of query a message asks for.

use aerospike_wire::{FieldType, Info1, Info2, Info3, Message, ResultCode};

/// What is done with the records that are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryKind {
    /// They are answered.
    Basic { is_short: bool },
    /// They are written.
    Operations,
    /// A function makes values of them.
    Aggregation,
    /// A function is called on each of them.
    Calls,
}

impl QueryKind {
    /// Which kind of query a message asks for.
    pub(crate) fn of(message: &Message<'_>) -> Result<Self, ResultCode> {
        let header = &message.header;
        if let Some(kind) = Self::of_udf(message)? {
            Ok(kind)
        } else if header.info2.contains(Info2::WRITE) {
            Ok(Self::Operations)
        } else if header.info3.contains(Info3::PARTITION_DONE) {
            Ok(Self::Basic { is_short: header.info1.contains(Info1::SHORT_QUERY) })
        } else {
            Err(ResultCode::UNSUPPORTED_FEATURE)
        }
    }

    /// Which kind of query calls a function; `None` for those that name no module.
    fn of_udf(message: &Message<'_>) -> Result<Option<Self>, ResultCode> {
        if message.field(FieldType::UDF_MODULE).is_none() {
            return Ok(None);
        }
        match message.field(FieldType::UDF_OP) {
            Some([1]) => Ok(Some(Self::Aggregation)),
            Some([2]) => Ok(Some(Self::Calls)),
            _ => Err(ResultCode::PARAMETER),
        }
    }
}
