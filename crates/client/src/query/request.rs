//! Requests of queries and background jobs (protocol sections 8.2, 8.7, 8.8).

use aerospike_wire::field::write_field;
use aerospike_wire::proto::write_frame;
use aerospike_wire::{FieldType, Info1, Info2, Info3, MessageHeader, PartitionId, ProtoType};
use bytes::{BufMut, BytesMut};

use super::cursor::Standing;
use super::job::Job;
use super::{Expected, Query, Results};

/// A server gives a query up when its connection takes nothing for the socket timeout it was told. A reader that takes
/// its time with a page is no reason for that, so it is told at least this, in ms.
const SLOW_READER: u32 = 120_000;

/// The TTL of requests that have none to say.
const NO_TTL: u32 = u32::MAX;

/// What one node is asked for.
#[derive(Debug)]
pub(super) struct Portion {
    pub(super) partitions: Vec<(PartitionId, Standing)>,
    /// Records the node is asked for at most.
    pub(super) quota: Option<u64>,
}

/// Fields are counted while they are written.
struct Fields<'a> {
    out: &'a mut BytesMut,
    count: u16,
}

impl Fields<'_> {
    fn add(&mut self, kind: FieldType, data: &[u8]) {
        write_field(self.out, kind, data);
        self.count += 1;
    }

    /// Appends an array, unless it is empty.
    fn array<const N: usize>(&mut self, kind: FieldType, items: impl Iterator<Item = [u8; N]> + Clone) {
        let count = items.clone().count();
        if count == 0 {
            return;
        }
        self.out.put_u32((count * N) as u32 + 1); // at most PARTITIONS items
        self.out.put_u8(kind.0);
        items.for_each(|item| self.out.put_slice(&item));
        self.count += 1;
    }

    /// The fields that queries and jobs have in common.
    fn common(&mut self, of: &Common<'_>) {
        self.add(FieldType::NAMESPACE, of.namespace);
        if !of.set.is_empty() {
            self.add(FieldType::SET, of.set);
        }
        if of.records_per_second > 0 {
            self.add(FieldType::RECORDS_PER_SECOND, &of.records_per_second.to_be_bytes());
        }
        self.add(FieldType::SOCKET_TIMEOUT, &of.socket_timeout.to_be_bytes());
        self.add(FieldType::TASK_ID, &of.task_id.to_be_bytes());
        self.out.put_slice(of.fields);
        self.count = self.count.saturating_add(of.field_count);
    }
}

struct Common<'a> {
    namespace: &'a [u8],
    set: &'a [u8],
    records_per_second: u32,
    socket_timeout: u32,
    task_id: u64,
    fields: &'a [u8],
    field_count: u16,
}

/// Writes a frame with a header, the fields that `write` makes and operations.
fn write_message(
    header: MessageHeader,
    (op_count, ops): (u16, &[u8]),
    write: impl FnOnce(&mut Fields<'_>),
) -> BytesMut {
    let mut out = BytesMut::new();
    write_frame(&mut out, ProtoType::Message, |out| {
        let start = out.len();
        header.encode(out);
        let mut fields = Fields { out, count: 0 };
        write(&mut fields);
        let field_count = fields.count;
        out.put_slice(ops);
        let end = start + aerospike_wire::limits::MESSAGE_HEADER_SIZE;
        out[start..end].copy_from_slice(&MessageHeader { field_count, op_count, ..header }.to_bytes());
    });
    out
}

impl Query {
    /// The request to one node. `timeout` is what is left of the total, in ms, 0 for no limit.
    pub(super) fn encode(&self, portion: &Portion, task_id: u64, timeout: u32) -> BytesMut {
        let mut info1 = Info1::READ;
        info1.set(Info1::GET_NO_BINS, self.no_bins);
        info1.set(Info1::SHORT_QUERY, self.expected == Expected::Short);
        let mut info2 = Info2::empty();
        info2.set(Info2::RELAX_AP_LONG_QUERY, self.expected == Expected::LongRelaxed);
        info2.set(Info2::RESPOND_ALL_OPS, self.respond_all);
        let header = MessageHeader {
            info1,
            info2,
            info3: Info3::PARTITION_DONE,
            ttl: NO_TTL,
            timeout,
            ..MessageHeader::default()
        };
        let read_timeout = match self.policy.socket_timeout {
            0 => 0,
            ms => ms.max(SLOW_READER),
        };
        write_message(header, (self.op_count, &self.ops), |fields| {
            fields.common(&Common {
                namespace: &self.namespace,
                set: &self.set,
                records_per_second: self.records_per_second,
                socket_timeout: read_timeout,
                task_id,
                fields: &self.fields,
                field_count: self.field_count,
            });
            if self.results == Results::Values {
                return; // every node visits the partitions it is the master of
            }
            let partitions = portion.partitions.iter();
            let fresh = partitions.clone().filter(|(_, standing)| *standing == Standing::Fresh);
            let places = partitions.filter_map(|(_, standing)| match standing {
                Standing::Behind(place) => Some(*place),
                _ => None,
            });
            fields.array(FieldType::PID_ARRAY, fresh.map(|(id, _)| (id.index() as u16).to_le_bytes()));
            fields.array(FieldType::DIGEST_ARRAY, places.clone().map(|place| place.digest.0));
            if self.from.has_values() {
                fields.array(FieldType::BVAL_ARRAY, places.map(|place| place.value.to_le_bytes()));
            }
            if let Some(quota) = portion.quota {
                fields.add(FieldType::SAMPLE_MAX, &quota.to_be_bytes());
            }
        })
    }
}

impl Job {
    /// The request, the same for every node.
    pub(super) fn encode(&self, task_id: u64, timeout: u32) -> BytesMut {
        let header = MessageHeader { info2: self.info2, ttl: self.ttl, timeout, ..MessageHeader::default() };
        write_message(header, (self.op_count, &self.ops), |fields| {
            fields.common(&Common {
                namespace: &self.namespace,
                set: &self.set,
                records_per_second: self.records_per_second,
                socket_timeout: self.policy.socket_timeout,
                task_id,
                fields: &self.fields,
                field_count: self.field_count,
            });
        })
    }
}
