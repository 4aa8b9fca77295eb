//! What a batch knows of the transaction that its rows belong to.

use std::fmt::Debug;

use aerospike_wire::Digest;
use aerospike_wire::transaction::TransactionFields;
use bytes::Bytes;

use crate::error::Code;

/// A transaction, as far as batches need one.
pub(crate) trait Bound: Debug + Send + Sync {
    /// What a command on a record carries.
    fn fields(&self, digest: &Digest, is_write: bool) -> TransactionFields;

    /// Notes what the answer for a row says of its record.
    fn note_row(&self, digest: Digest, set: &Bytes, is_write: bool, code: Code, message: &[u8]);
}
