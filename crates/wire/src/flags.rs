//! The four flag bytes of a message header. Unknown bits are kept as they came.

use bitflags::bitflags;

bitflags! {
    /// Read side.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Info1: u8 {
        /// The command reads.
        const READ = 0x01;
        /// Read every bin.
        const GET_ALL = 0x02;
        /// A short query: not in the job list.
        const SHORT_QUERY = 0x04;
        /// The body is a batch.
        const BATCH = 0x08;
        /// Written by cross-datacentre shipping.
        const XDR = 0x10;
        /// Metadata only.
        const GET_NO_BINS = 0x20;
        /// Consult every replica while partitions migrate.
        const READ_MODE_AP_ALL = 0x40;
        /// The answer may be compressed.
        const COMPRESS_RESPONSE = 0x80;
    }

    /// Write side.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Info2: u8 {
        /// The command writes.
        const WRITE = 0x01;
        /// Delete the record.
        const DELETE = 0x02;
        /// Only if the record's generation equals the one sent.
        const GENERATION = 0x04;
        /// Only if the generation sent is greater than the record's.
        const GENERATION_GT = 0x08;
        /// Leave a tombstone.
        const DURABLE_DELETE = 0x10;
        /// Only if there is no record.
        const CREATE_ONLY = 0x20;
        /// A long query may read partitions that are not full.
        const RELAX_AP_LONG_QUERY = 0x40;
        /// One answer for every operation, in order.
        const RESPOND_ALL_OPS = 0x80;
    }

    /// Policies of writes, streams and strong consistency.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Info3: u8 {
        /// The final message of a stream.
        const LAST = 0x01;
        /// Do not wait for replicas.
        const COMMIT_LEVEL_MASTER = 0x02;
        /// The client understands partition queries; in an answer: this partition is not here.
        const PARTITION_DONE = 0x04;
        /// Only if the record exists.
        const UPDATE_ONLY = 0x08;
        /// Drop bins that are not written.
        const CREATE_OR_REPLACE = 0x10;
        /// Replace an existing record.
        const REPLACE_ONLY = 0x20;
        /// With [`Self::SC_READ_RELAX`]: which strong-consistency read.
        const SC_READ_TYPE = 0x40;
        /// See [`Self::SC_READ_TYPE`].
        const SC_READ_RELAX = 0x80;
    }

    /// Transactions and error detail.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Info4: u8 {
        /// Verify a version that was read.
        const MRT_VERIFY_READ = 0x01;
        /// Commit a provisional write.
        const MRT_ROLL_FORWARD = 0x02;
        /// Undo a provisional write.
        const MRT_ROLL_BACK = 0x04;
        /// A server does it by itself, because the transaction's time is over.
        const MRT_MONITOR_DRIVEN = 0x08;
        /// Write only if that locks the record.
        const MRT_ON_LOCKING_ONLY = 0x10;
    }
}
