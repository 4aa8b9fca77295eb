//! Queries as they are sent, and what comes of them.

use std::collections::BTreeSet;

use aerospike_server::Cluster;
use aerospike_wire::field::write_field;
use aerospike_wire::message::Messages;
use aerospike_wire::proto::write_frame;
use aerospike_wire::{
    Digest, FieldType, Info1, Info2, Info3, MessageHeader, ParticleType, PartitionId, ProtoType, ResultCode,
};
use bytes::{BufMut, BytesMut};

use super::Client;

/// A query, field by field.
pub(crate) struct Query {
    pub(crate) header: MessageHeader,
    pub(crate) fields: Vec<(FieldType, Vec<u8>)>,
    pub(crate) ops: Vec<BytesMut>,
}

/// A record of an answer: its digest and its place in the index.
pub(crate) type Row = (Digest, Option<i64>);

/// What came of a query.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Row>,
    pub(crate) unavailable: Vec<u32>,
    pub(crate) result: ResultCode,
    /// Whether the last message said that it is the last.
    pub(crate) ended: bool,
}

impl Outcome {
    pub(crate) fn digests(&self) -> BTreeSet<Digest> {
        let set: BTreeSet<_> = self.rows.iter().map(|(digest, _)| *digest).collect();
        assert_eq!(set.len(), self.rows.len(), "no record comes twice");
        set
    }
}

impl Query {
    /// All records of a set.
    pub(crate) fn scan(set: &str) -> Self {
        let header = MessageHeader { info1: Info1::READ, info3: Info3::PARTITION_DONE, ..MessageHeader::default() };
        let fields = vec![(FieldType::NAMESPACE, b"test".to_vec()), (FieldType::SET, set.into())];
        Self { header, fields, ops: Vec::new() }.with(FieldType::PID_ARRAY, &pids(PartitionId::all()))
    }

    /// The records of a set with an integer in a range.
    pub(crate) fn range(set: &str, bin: &str, from: i64, to: i64) -> Self {
        Self::scan(set)
            .with(FieldType::INDEX_RANGE, &range(bin, ParticleType::INTEGER, &from.to_be_bytes(), &to.to_be_bytes()))
    }

    /// Writes to all records of a set.
    pub(crate) fn background(set: &str, ops: Vec<BytesMut>) -> Self {
        let mut query = Self::scan(set).without(FieldType::PID_ARRAY);
        query.header = MessageHeader { info2: Info2::WRITE, ..MessageHeader::default() };
        Self { ops, ..query }
    }

    pub(crate) fn with(self, kind: FieldType, data: &[u8]) -> Self {
        let mut query = self.without(kind);
        query.fields.push((kind, data.to_vec()));
        query
    }

    pub(crate) fn without(mut self, kind: FieldType) -> Self {
        self.fields.retain(|(other, _)| *other != kind);
        self
    }

    pub(crate) fn header(mut self, change: impl FnOnce(&mut MessageHeader)) -> Self {
        change(&mut self.header);
        self
    }

    pub(crate) fn op(mut self, op: BytesMut) -> Self {
        self.ops.push(op);
        self
    }

    pub(crate) fn frame(&self) -> BytesMut {
        let (field_count, op_count) = (self.fields.len() as u16, self.ops.len() as u16);
        let mut out = BytesMut::new();
        write_frame(&mut out, ProtoType::Message, |out| {
            MessageHeader { field_count, op_count, ..self.header }.encode(out);
            self.fields.iter().for_each(|(kind, data)| write_field(out, *kind, data));
            self.ops.iter().for_each(|op| out.put_slice(op));
        });
        out
    }

    pub(crate) async fn run(&self, client: &mut Client) -> Outcome {
        client.send(&self.frame()).await;
        let mut outcome = Outcome { rows: Vec::new(), unavailable: Vec::new(), result: ResultCode::OK, ended: false };
        loop {
            let (_, body) = client.frame().await;
            for message in Messages::new(&body) {
                let message = message.unwrap().1;
                let header = &message.header;
                if header.is_last() || (!header.result.is_ok() && header.info3.is_empty()) {
                    (outcome.result, outcome.ended) = (header.result, header.is_last());
                    return outcome;
                }
                if header.info3.contains(Info3::PARTITION_DONE) {
                    assert_eq!(header.result, ResultCode::UNAVAILABLE);
                    outcome.unavailable.push(header.generation);
                    continue;
                }
                let digest = Digest::from_slice(message.field(FieldType::DIGEST).unwrap()).unwrap();
                let value =
                    message.field(FieldType::BVAL_ARRAY).map(|data| i64::from_le_bytes(data.try_into().unwrap()));
                outcome.rows.push((digest, value));
            }
        }
    }

    pub(crate) async fn fails(&self, client: &mut Client, why: &str) -> ResultCode {
        let outcome = self.run(client).await;
        assert!(!outcome.ended, "{why}: a refusal is not the end of an answer");
        outcome.result
    }
}

pub(crate) fn pids(ids: impl Iterator<Item = PartitionId>) -> Vec<u8> {
    ids.flat_map(|id| (id.index() as u16).to_le_bytes()).collect()
}

pub(crate) fn range(bin: &str, kind: ParticleType, start: &[u8], end: &[u8]) -> Vec<u8> {
    let mut out = vec![1, bin.len() as u8];
    out.extend_from_slice(bin.as_bytes());
    out.push(kind.0);
    for value in [start, end] {
        out.extend_from_slice(&(value.len() as u32).to_be_bytes());
        out.extend_from_slice(value);
    }
    out
}

/// Makes `count` records with their numbers in the bin `n`.
pub(crate) async fn fill(client: &mut Client, set: &str, count: i64) {
    for n in 0..count {
        assert!(client.put(set, &n.to_string(), n).await.result.is_ok());
    }
}

pub(crate) async fn index(client: &mut Client, set: &str) {
    let command = format!("sindex-create:namespace=test;set={set};indexname={set}_n;bin=n;type=NUMERIC");
    assert_eq!(client.info_value(&command).await, "ok");
}

/// The values that a query finds, over all nodes; every partition is asked for at one of its holders.
pub(crate) async fn values(cluster: &Cluster, set: &str, from: i64, to: i64) -> Vec<i64> {
    let mut left: BTreeSet<u32> = (0..4096).collect();
    let mut found = Vec::new();
    for host in cluster.hosts() {
        let Ok(stream) = tokio::net::TcpStream::connect(host).await else { continue };
        let mut client = Client { stream, timeout: 1000, namespace: "test" };
        let ids = left.iter().map(|id| PartitionId::new(*id as u16).unwrap());
        let query = Query::range(set, "n", from, to).with(FieldType::PID_ARRAY, &pids(ids));
        let outcome = query.run(&mut client).await;
        assert!(outcome.result.is_ok(), "{:?}", outcome.result);
        found.extend(outcome.rows.iter().map(|(_, value)| value.unwrap()));
        left = outcome.unavailable.into_iter().collect();
        if left.is_empty() {
            break;
        }
    }
    assert!(left.is_empty(), "every partition has a holder");
    found.sort_unstable();
    found
}
