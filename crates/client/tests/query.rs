//! Queries and scans: every record once, whatever happens to the nodes.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use aerospike_core::wire::message::Messages;
use aerospike_core::wire::{Digest, FieldType, field::write_field};
use aerospike_core::{Client, Code, CommandPolicy, Cursor, Error, InfoTarget, Query, QueryStream, Results, Step};

use bytes::{BufMut, Bytes, BytesMut};
use support::{cluster, connect, key, put_spec};

const SET: &str = "q";

/// A scan of the whole set.
fn scan() -> Query {
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
fn range(from: i64, to: i64) -> Query {
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
async fn fill(client: &Client, count: u64) {
    for chunk in (0..count).collect::<Vec<_>>().chunks(1000) {
        let mut batch = support::reads(SET, chunk.iter().copied());
        batch.specs = chunk.iter().map(|number| put_spec(*number)).collect();
        batch.rows.iter_mut().zip(0..).for_each(|(row, at)| row.spec = at);
        batch.policy = CommandPolicy { total_timeout: 30_000, ..CommandPolicy::default() };
        let reply = client.batch(batch).await;
        assert!(reply.rows.iter().all(|row| row.code == Code::OK));
    }
}

/// The digests of a page, and nothing but records in it.
fn digests(chunks: &[Bytes], count: u32) -> Vec<Digest> {
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

fn all(count: u64) -> BTreeSet<Digest> {
    (0..count).map(|number| key(number).digest(SET.as_bytes())).collect()
}

/// What was read, each record once.
#[derive(Default)]
struct Seen(BTreeSet<Digest>);

impl Seen {
    fn take(&mut self, chunks: &[Bytes], count: u32) {
        for digest in digests(chunks, count) {
            assert!(self.0.insert(digest), "{digest} came twice");
        }
    }

    /// Reads to the end; whether there is more behind it.
    async fn finish(&mut self, stream: &QueryStream) -> Result<bool, Error> {
        loop {
            match stream.next().await {
                Step::Page { chunks, count } => self.take(&chunks, count),
                Step::End { more } => return Ok(more),
                Step::Failure(error) => return Err(error),
            }
        }
    }
}

async fn read(client: &Client, query: Query) -> (BTreeSet<Digest>, bool) {
    let mut seen = Seen::default();
    let more = seen.finish(&client.query(query)).await.unwrap();
    (seen.0, more)
}

/// Creates an index on bin `v` and waits until it is there.
async fn create_index(client: &Client) {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_gives_every_record_once() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 20_000).await;
    let stream = client.query(scan());
    let mut seen = Seen::default();
    assert!(!seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0, all(20_000));
    assert_eq!(stream.progress(), (4096, 4096));
    assert_eq!(stream.cursor().progress(), (4096, 4096));
    assert!(matches!(stream.next().await, Step::End { more: false }));
    // one node after the other, and without bins
    let (seen, _) = read(&client, Query { concurrency: 1, no_bins: true, ..scan() }).await;
    assert_eq!(seen.len(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_divide_a_set() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    fill(&client, 3000).await;
    let mut seen = Seen::default();
    for (begin, count) in [(0, 1000), (1000, 3000), (4000, 96)] {
        let stream = client.query(Query { from: Cursor::of_partitions(begin, count, false).unwrap(), ..scan() });
        seen.finish(&stream).await.unwrap();
        assert_eq!(stream.progress(), (count as usize, count as usize));
    }
    assert_eq!(seen.0, all(3000));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_records_is_kept_to_the_record_and_the_cursor_leads_on() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 1000).await;
    let mut seen = Seen::default();
    let mut from = scan().from;
    for limit in [1, 2, 7, 100, 500] {
        let before = seen.0.len();
        let stream = client.query(Query { max_records: limit, from, ..scan() });
        assert!(seen.finish(&stream).await.unwrap(), "there is more");
        assert_eq!((seen.0.len() - before) as u64, limit);
        // through bytes, as in another process
        from = Cursor::decode(&stream.cursor().encode(), false).unwrap();
    }
    // more than there are: all that are left
    let stream = client.query(Query { max_records: 10_000, from, ..scan() });
    assert!(!seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0, all(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_an_index_is_found_and_resumed() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    fill(&client, 5000).await;
    create_index(&client).await;
    let wanted: BTreeSet<Digest> = (1000..=2999).map(|number| key(number).digest(SET.as_bytes())).collect();
    assert_eq!(read(&client, range(1000, 2999)).await.0, wanted);
    let mut seen = Seen::default();
    let mut from = range(0, 0).from;
    loop {
        let stream = client.query(Query { max_records: 333, from, ..range(1000, 2999) });
        let more = seen.finish(&stream).await.unwrap();
        from = Cursor::decode(&stream.cursor().encode(), true).unwrap();
        if !more {
            break;
        }
    }
    assert_eq!(seen.0, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_not_there_is_an_error_at_once() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    fill(&client, 10).await;
    let error = Seen::default().finish(&client.query(range(0, 1))).await.unwrap_err();
    assert_eq!((error.code(), error.attempts()), (Code(201), 1));
    let elsewhere = Query { namespace: Bytes::from_static(b"nowhere"), ..scan() };
    let error = Seen::default().finish(&client.query(elsewhere)).await.unwrap_err();
    assert_eq!(error.code(), Code(20));
    let set = Query { set: Bytes::from_static(b"no_such_set"), ..scan() };
    assert_eq!(read(&client, set).await, (BTreeSet::new(), false));
}
