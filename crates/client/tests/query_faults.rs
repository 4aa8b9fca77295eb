//! Queries while nodes are killed, frozen, restarted, cut off or mad: no record twice, none lost, or an error after
//! which the cursor is good.

mod support;

use std::time::Duration;

use aerospike_core::wire::message::{Messages, Ops};
use aerospike_core::wire::op::write_op;
use aerospike_core::wire::proto::write_frame;
use aerospike_core::wire::{
    Digest, FieldType, Info3, MessageHeader, ParticleType, ProtoType, ResultCode, field::write_field,
};
use aerospike_core::{Client, Code, CommandPolicy, Config, InfoTarget, Query, QueryStream, Results, Step};
use aerospike_server::{Cluster, Garble};
use bytes::BytesMut;
use support::fake::{Fake, message};
use support::query::{SET, Seen, all, fill, scan};
use support::{cluster, config, connect, eventually, key, put_spec};

/// Records of these tests: enough that a node takes a while with them at [`RATE`].
const COUNT: u64 = 6000;
const RATE: u32 = 2000;

/// A client that finds out about nodes quickly.
async fn quick(cluster: &Cluster) -> Client {
    let config = Config { tend_interval: Duration::from_millis(250), ..config(cluster) };
    Client::connect(config).await.unwrap()
}

/// A scan that takes its time, so that something can happen to it.
fn slow_scan() -> Query {
    let policy = CommandPolicy { socket_timeout: 1000, ..scan().policy };
    Query { records_per_second: RATE, policy, ..scan() }
}

/// Reads the first page.
async fn begin(stream: &QueryStream, seen: &mut Seen) {
    match stream.next().await {
        Step::Page { chunks, count } => seen.take(&chunks, count),
        step => panic!("{step:?}"),
    }
    assert!((seen.0.len() as u64) < COUNT, "there is more to come");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_costs_no_record() {
    let cluster = cluster(3).await;
    let client = quick(&cluster).await;
    fill(&client, COUNT).await;
    let stream = client.query(slow_scan());
    let mut seen = Seen::default();
    begin(&stream, &mut seen).await;
    cluster.stop_node(1).await.unwrap();
    assert!(!seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0, all(COUNT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_restarts_costs_no_record() {
    let cluster = cluster(3).await;
    let client = quick(&cluster).await;
    fill(&client, COUNT).await;
    let stream = client.query(slow_scan());
    let mut seen = Seen::default();
    begin(&stream, &mut seen).await;
    cluster.stop_node(2).await.unwrap();
    begin(&stream, &mut seen).await;
    cluster.start_node(2).await.unwrap();
    assert!(!seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0, all(COUNT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_freezes_is_replaced_by_replicas() {
    let cluster = cluster(3).await;
    let client = quick(&cluster).await;
    fill(&client, COUNT).await;
    let stream = client.query(slow_scan());
    let mut seen = Seen::default();
    begin(&stream, &mut seen).await;
    cluster.freeze_node(0).unwrap();
    assert!(!seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0, all(COUNT));
    cluster.thaw_node(0).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_are_no_retries_while_records_come() {
    let cluster = cluster(1).await;
    let client = quick(&cluster).await;
    fill(&client, COUNT).await;
    let policy = CommandPolicy { max_retries: 0, ..slow_scan().policy };
    let stream = client.query(Query { policy, ..slow_scan() });
    let mut seen = Seen::default();
    for _ in 0..4 {
        begin(&stream, &mut seen).await;
        cluster.drop_connections(0).await.unwrap();
    }
    assert!(!seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0, all(COUNT));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_is_asked_for_elsewhere() {
    let cluster = cluster(3).await;
    let client = quick(&cluster).await;
    fill(&client, COUNT).await;
    for garble in [Garble::Noise, Garble::Truncated, Garble::Oversized, Garble::CorruptBody] {
        let stream = client.query(slow_scan());
        let mut seen = Seen::default();
        begin(&stream, &mut seen).await;
        cluster.garble_node(1, Some(garble)).unwrap();
        let end = seen.finish(&stream).await;
        cluster.garble_node(1, None).unwrap();
        assert!(!end.unwrap());
        assert_eq!(seen.0, all(COUNT), "{garble:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_fails_leaves_a_cursor_that_leads_on() {
    let cluster = cluster(1).await;
    let client = quick(&cluster).await;
    fill(&client, COUNT).await;
    let policy = CommandPolicy { max_retries: 1, ..slow_scan().policy };
    let stream = client.query(Query { policy, ..slow_scan() });
    let mut seen = Seen::default();
    begin(&stream, &mut seen).await;
    cluster.reject_connections(0, true).unwrap();
    cluster.drop_connections(0).await.unwrap();
    // a page that was handed out counts in the cursor once another step was asked for
    let mut last = Seen::default();
    let error = loop {
        match stream.next().await {
            Step::Page { chunks, count } => {
                seen.0.append(&mut last.0);
                last.take(&chunks, count);
            }
            Step::Failure(error) => break error,
            step => panic!("{step:?}"),
        }
    };
    assert!(error.code().is_retryable() || error.code() == Code::INVALID_NODE, "{error}");
    cluster.reject_connections(0, false).unwrap();
    eventually("the node", || client.is_connected()).await;
    let mut rest = Seen::default();
    let stream = client.query(Query { from: stream.cursor(), ..scan() });
    assert!(!rest.finish(&stream).await.unwrap());
    assert!(rest.0.len() < COUNT as usize, "it does not begin again");
    seen.0.append(&mut rest.0);
    seen.0.append(&mut last.0);
    assert_eq!(seen.0, all(COUNT));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_limits_end_a_query() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    fill(&client, 100).await;
    cluster.freeze_node(0).unwrap();
    for (total_timeout, socket_timeout) in [(300, 0), (0, 100)] {
        let policy = CommandPolicy { total_timeout, socket_timeout, max_retries: 0, ..scan().policy };
        let stream = client.query(Query { policy, ..scan() });
        let error = Seen::default().finish(&stream).await.unwrap_err();
        assert_eq!(error.code(), Code::TIMEOUT, "{error}");
        assert!(matches!(stream.next().await, Step::Failure(again) if again.code() == Code::TIMEOUT));
    }
    cluster.thaw_node(0).unwrap();
}

/// What a node says of its queries.
async fn jobs(client: &Client) -> String {
    client.info(InfoTarget::All, "query-show", Duration::from_secs(5)).await.unwrap().remove(0).1
}

fn sent_bytes(jobs: &str) -> u64 {
    let (_, rest) = jobs.split_once("net-io-bytes=").unwrap();
    rest.split(':').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_query_ends_it_at_the_servers() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    fill(&client, COUNT).await;
    let stream = std::sync::Arc::new(client.query(slow_scan()));
    begin(&stream, &mut Seen::default()).await;
    assert!(jobs(&client).await.contains("status=active"));
    cluster.freeze_node(0).unwrap();
    // what is here already is read, then a step has to wait
    let waiting = tokio::spawn({
        let stream = stream.clone();
        async move { while let Step::Page { .. } = stream.next().await {} }
    });
    stream.close();
    waiting.await.unwrap();
    assert!(matches!(stream.next().await, Step::End { more: true }));
    cluster.thaw_node(0).unwrap();
    let mut shown = String::new();
    for _ in 0..500 {
        shown = jobs(&client).await;
        if !shown.contains("status=active") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!shown.contains("status=active"), "{shown}");
    eventually("the connection to be closed", || client.nodes()[0].connections_in_use == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_query_and_a_closed_client_leave_nothing_behind() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    fill(&client, COUNT).await;
    let stream = client.query(slow_scan());
    begin(&stream, &mut Seen::default()).await;
    assert_eq!(client.nodes()[0].connections_in_use, 1);
    drop(stream);
    eventually("the connection to be closed", || client.nodes()[0].connections_in_use == 0).await;
    let stream = client.query(slow_scan());
    begin(&stream, &mut Seen::default()).await;
    client.close(Duration::from_secs(5)).await;
    let error = Seen::default().finish(&stream).await.unwrap_err();
    assert_eq!(error.code(), Code::CLIENT_ABORT);
    let error = Seen::default().finish(&client.query(scan())).await.unwrap_err();
    assert_eq!(error.code(), Code::CLIENT_ABORT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_rests_stops_the_node() {
    /// Records of 8 KiB.
    const LARGE: u64 = 10_000;
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut spec = put_spec(0);
    let mut ops = BytesMut::from(&spec.ops[..]);
    let blob = vec![7; 8 * 1024];
    write_op(&mut ops, 2, ParticleType::BLOB, b"b", &blob);
    (spec.op_count, spec.ops) = (2, ops.freeze());
    for numbers in (0..LARGE).collect::<Vec<_>>().chunks(500) {
        let mut batch = support::reads(SET, numbers.iter().copied());
        batch.specs = vec![spec.clone()];
        batch.policy.total_timeout = 30_000;
        assert!(client.batch(batch).await.rows.iter().all(|row| row.code == Code::OK));
    }
    let stream = client.query(scan());
    let mut seen = Seen::default();
    begin(&stream, &mut seen).await;
    let mut before = 0;
    let sent = loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let sent = sent_bytes(&jobs(&client).await);
        if sent == before {
            break sent;
        }
        before = sent;
    };
    // what the sockets of the system hold, and a few pages; not the 80 MB there are
    assert!(sent < 40 << 20, "{sent} bytes left the node while nobody read");
    assert!(!seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0, all(LARGE));
}

/// A record of the set without bins.
fn record(number: u64) -> BytesMut {
    let mut out = BytesMut::new();
    MessageHeader { field_count: 2, generation: 1, ..MessageHeader::default() }.encode(&mut out);
    write_field(&mut out, FieldType::NAMESPACE, b"test");
    write_field(&mut out, FieldType::DIGEST, &key(number).digest(SET.as_bytes()).0);
    out
}

fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = BytesMut::new();
    write_frame(&mut out, ProtoType::Message, |out| parts.iter().for_each(|part| out.extend_from_slice(part)));
    out.to_vec()
}

fn last() -> Vec<u8> {
    message(MessageHeader { info3: Info3::LAST, ..MessageHeader::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_answers_end_in_errors() {
    let header = |info3, result, generation| {
        let mut out = BytesMut::new();
        MessageHeader { info3, result, generation, ..MessageHeader::default() }.encode(&mut out);
        out.to_vec()
    };
    let nameless = header(Info3::empty(), ResultCode::OK, 1);
    let far = header(Info3::PARTITION_DONE, ResultCode::UNAVAILABLE, 70_000);
    let refused = header(Info3::empty(), ResultCode::PARAMETER, 0);
    let moved = header(Info3::PARTITION_DONE, ResultCode::UNAVAILABLE, 5);
    let cut = record(1)[..30].to_vec();
    let cases = [
        ("a record without a digest", [frame(&[&nameless]), last()].concat(), Code::CONNECTION),
        ("a partition that does not exist", [frame(&[&far]), last()].concat(), Code::CONNECTION),
        ("a refusal", frame(&[&refused]), Code(4)),
        ("a partition nobody has", [frame(&[&moved]), last()].concat(), Code(11)),
        ("half a record", [frame(&[&cut]), last()].concat(), Code::CONNECTION),
        ("silence", frame(&[&moved]), Code::TIMEOUT),
        ("a frame of another type", vec![2, 1, 0, 0, 0, 0, 0, 0], Code::CONNECTION),
        ("no frame at all", vec![9; 64], Code::CONNECTION),
    ];
    for (name, answer, code) in cases {
        let fake = Fake::start(move |_, _| Some(answer.clone())).await;
        let client = Client::connect(fake.config()).await.unwrap();
        let policy = CommandPolicy { socket_timeout: 200, max_retries: 1, ..scan().policy };
        let stream = client.query(Query { policy, ..scan() });
        let error = Seen::default().finish(&stream).await.unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_not_asked_for_are_not_handed_out() {
    let digest = |number: u64| key(number).digest(SET.as_bytes());
    let asked: Digest = digest(1);
    let id = asked.partition().index() as u32;
    let answer = [frame(&[&record(1), &record(2), &record(3)]), last()].concat();
    let fake = Fake::start(move |_, _| Some(answer.clone())).await;
    let client = Client::connect(fake.config()).await.unwrap();
    let from = aerospike_core::Cursor::of_partitions(id, 1, false).unwrap();
    let stream = client.query(Query { from, ..scan() });
    let Step::Page { chunks, count } = stream.next().await else { panic!("no page") };
    let bytes = chunks.concat();
    let found: Vec<_> =
        Messages::new(&bytes).map(|m| m.unwrap().1.field(FieldType::DIGEST).unwrap().to_vec()).collect();
    assert_eq!((count, found), (1, vec![asked.0.to_vec()]));
    assert!(matches!(stream.next().await, Step::End { more: false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_gives_more_than_it_was_asked_for_does_not_break_the_limit() {
    let records: Vec<BytesMut> = (0..50).map(record).collect();
    let parts: Vec<&[u8]> = records.iter().map(|r| &r[..]).collect();
    let answer = [frame(&parts), last()].concat();
    let fake = Fake::start(move |_, _| Some(answer.clone())).await;
    let client = Client::connect(fake.config()).await.unwrap();
    let stream = client.query(Query { max_records: 7, ..scan() });
    let mut seen = Seen::default();
    assert!(seen.finish(&stream).await.unwrap(), "there is more");
    let wanted: std::collections::BTreeSet<_> = (0..7).map(|n| key(n).digest(SET.as_bytes())).collect();
    assert_eq!(seen.0, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_all_it_wants_does_not_wait_for_the_node() {
    let records: Vec<BytesMut> = (0..50).map(record).collect();
    let parts: Vec<&[u8]> = records.iter().map(|r| &r[..]).collect();
    let answer = frame(&parts); // and no end
    let fake = Fake::start(move |_, _| Some(answer.clone())).await;
    let client = Client::connect(fake.config()).await.unwrap();
    let policy = CommandPolicy { socket_timeout: 0, ..scan().policy };
    let stream = client.query(Query { max_records: 7, policy, ..scan() });
    let mut seen = Seen::default();
    assert!(seen.finish(&stream).await.unwrap());
    assert_eq!(seen.0.len(), 7);
}

/// A message with one operation, as stream functions answer.
fn value_named(name: &str, kind: ParticleType, value: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    MessageHeader { op_count: 1, ..MessageHeader::default() }.encode(&mut out);
    write_op(&mut out, 1, kind, name.as_bytes(), value);
    frame(&[&out])
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_an_aggregation_come_as_operations() {
    let value = |n: i64| value_named("SUCCESS", ParticleType::INTEGER, &n.to_be_bytes());
    let answer = [value(3), value(4), last()].concat();
    let fake = Fake::start(move |_, _| Some(answer.clone())).await;
    let client = Client::connect(fake.config()).await.unwrap();
    let stream = client.query(Query { results: Results::Values, ..scan() });
    let (mut bytes, mut values) = (BytesMut::new(), 0);
    while let Step::Page { chunks, count } = stream.next().await {
        chunks.iter().for_each(|chunk| bytes.extend_from_slice(chunk));
        values += count;
    }
    let found: Vec<i64> = Ops::checked(&bytes).map(|op| i64::from_be_bytes(op.value.try_into().unwrap())).collect();
    assert_eq!((values, found), (2, vec![3, 4]));
    assert!(matches!(stream.next().await, Step::End { more: false }));
    assert_eq!(stream.progress(), (4096, 4096));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_function_that_fails_says_why_and_is_not_asked_again() {
    let reason = "UDF: Execution Error 2 : /opt/m.lua:3: boom";
    let failed = message(MessageHeader { info3: Info3::LAST, result: ResultCode(1), ..MessageHeader::default() });
    let answer = [value_named("FAILURE", ParticleType::STRING, reason.as_bytes()), failed].concat();
    let fake = Fake::start(move |_, _| Some(answer.clone())).await;
    let client = Client::connect(fake.config()).await.unwrap();
    let stream = client.query(Query { results: Results::Values, ..scan() });
    let Step::Failure(error) = stream.next().await else { panic!("no failure") };
    assert_eq!((error.code(), error.detail(), error.attempts()), (Code(100), reason, 1));
}
