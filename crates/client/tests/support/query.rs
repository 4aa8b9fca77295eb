//! Queries in one line, and what they gave.

use std::collections::BTreeSet;
use std::time::Duration;

use aerospike_core::wire::message::Messages;
use aerospike_core::wire::{Digest, FieldType, field::write_field};
use aerospike_core::{Client, Code, CommandPolicy, Cursor, Error, InfoTarget, Query, QueryStream, Results, Step};
use bytes::{BufMut, Bytes, BytesMut};

use super::{key, put_spec, reads};

pub const SET: &str = "q";

/// A scan of the whole set.
pub fn scan() -> Query {
    Query {
        namespace: Bytes::from_static(b"test"),
        set: Bytes::from_static(SET.as_bytes()),
        field_count: 0,
        fields: Bytes::new(),
        op_count: 0,
        ops: Bytes::new(),
        respond_all: false,
        no_bins: false,
        expected: Default::default(),
        results: Results::Records,
        max_records: 0,
        records_per_second: 0,
        concurrency: 0,
        from: Cursor::of_partitions(0, 4096, false).unwrap(),
        nodes: None,
        policy: CommandPolicy { total_timeout: 0, max_retries: 5, ..CommandPolicy::default() },
    }
}

/// The records whose bin `v` is in a range.
pub fn range(from: i64, to: i64) -> Query {
    let mut data = BytesMut::new();
    data.put_slice(&[1, 1, b'v', 1]);
    for limit in [from, to] {
        data.put_u32(8);
        data.put_i64(limit);
    }
    let mut fields = BytesMut::new();
    write_field(&mut fields, FieldType::INDEX_RANGE, &data);
    let from = Cursor::of_partitions(0, 4096, true).unwrap();
    Query { field_count: 1, fields: fields.freeze(), from, ..scan() }
}

/// Writes records 0 to `count`, with their numbers in bin `v`.
pub async fn fill(client: &Client, count: u64) {
    for chunk in (0..count).collect::<Vec<_>>().chunks(1000) {
        let mut batch = reads(SET, chunk.iter().copied());
        batch.specs = chunk.iter().map(|number| put_spec(*number)).collect();
        batch.rows.iter_mut().zip(0..).for_each(|(row, at)| row.spec = at);
        batch.policy = CommandPolicy { total_timeout: 30_000, ..CommandPolicy::default() };
        let reply = client.batch(batch).await;
        assert!(reply.rows.iter().all(|row| row.code == Code::OK));
    }
}

/// The digests of a page, and nothing but records in it.
pub fn digests(chunks: &[Bytes], count: u32) -> Vec<Digest> {
    let messages = chunks.iter().flat_map(|chunk| Messages::new(chunk));
    let digests: Vec<Digest> = messages
        .map(|message| {
            let (_, message) = message.unwrap();
            assert!(message.header.result.is_ok() && !message.header.is_last());
            Digest::from_slice(message.field(FieldType::DIGEST).unwrap()).unwrap()
        })
        .collect();
    assert_eq!(digests.len(), count as usize);
    digests
}

pub fn all(count: u64) -> BTreeSet<Digest> {
    (0..count).map(|number| key(number).digest(SET.as_bytes())).collect()
}

/// What was read, each record once.
#[derive(Default)]
pub struct Seen(pub BTreeSet<Digest>);

impl Seen {
    pub fn take(&mut self, chunks: &[Bytes], count: u32) {
        for digest in digests(chunks, count) {
            assert!(self.0.insert(digest), "{digest} came twice");
        }
    }

    /// Reads to the end; whether there is more behind it.
    pub async fn finish(&mut self, stream: &QueryStream) -> Result<bool, Error> {
        loop {
            match stream.next().await {
                Step::Page { chunks, count } => self.take(&chunks, count),
                Step::End { more } => return Ok(more),
                Step::Failure(error) => return Err(error),
            }
        }
    }
}

pub async fn read(client: &Client, query: Query) -> (BTreeSet<Digest>, bool) {
    let mut seen = Seen::default();
    let more = seen.finish(&client.query(query)).await.unwrap();
    (seen.0, more)
}

/// Creates an index on bin `v` and waits until it is there.
pub async fn create_index(client: &Client) {
    let command = format!("sindex-create:namespace=test;set={SET};indexname=q_v;bin=v;type=numeric");
    client.info(InfoTarget::Random, &command, Duration::from_secs(5)).await.unwrap();
    for _ in 0..500 {
        let stat = "sindex-stat:namespace=test;indexname=q_v";
        let answers = client.info(InfoTarget::All, stat, Duration::from_secs(5)).await.unwrap();
        if answers.iter().all(|(_, text)| text.contains("load_pct=100")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the index never came to be");
}
