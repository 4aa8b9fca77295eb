//! Bytes no client should send. Whatever comes, the server answers or closes, and goes on serving others.

mod support;

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aerospike_server::{Cluster, ClusterOptions};
use aerospike_wire::ResultCode;
use aerospike_wire::batch::{BatchFlags, BatchWriter};
use aerospike_wire::command::{CommandSpec, RecordCommand};
use aerospike_wire::{FieldType, Info1, OpCode, ParticleType};
use bytes::BytesMut;
use proptest::prelude::*;
use support::query::Query;
use support::{Client, cluster, digest, op, read_all, user_key, write};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn frames_that_break_the_protocol_end_the_connection() {
    let cluster = cluster(1).await;
    let frames: &[(&str, &[u8])] = &[
        ("type 0", &[2, 0, 0, 0, 0, 0, 0, 0]),
        ("type 6", &[2, 6, 0, 0, 0, 0, 0, 0]),
        ("version 0", &[0, 3, 0, 0, 0, 0, 0, 0]),
        ("version 1", &[1, 1, 0, 0, 0, 0, 0, 0]),
        ("version 3", &[3, 3, 0, 0, 0, 0, 0, 0]),
        ("version 1 of security", &[1, 2, 0, 0, 0, 0, 0, 0]),
        ("one byte above the limit", &[2, 3, 0, 0, 8, 0, 0, 1]),
        ("a size of 48 bits", &[2, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ];
    for (what, frame) in frames {
        let mut client = Client::connect(cluster.hosts()[0]).await;
        client.send(frame).await;
        assert!(client.is_closed().await, "{what}");
    }
    let mut client = Client::connect(cluster.hosts()[0]).await;
    client.send(&[0, 2, 0, 0, 0, 0, 0, 0]).await;
    assert_eq!(client.frame().await.1[1], 51, "version 0 of security is answered");
}

#[tokio::test]
async fn requests_may_come_in_pieces_and_in_heaps() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    client.put("s", "k", 7).await;
    let frame = client.encode("s", "k", read_all());
    for byte in frame.iter() {
        client.send(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.answer().await.integer("n"), Some(7));
    let mut heap = BytesMut::new();
    for n in 0..1000_i64 {
        let bin = op(OpCode::Write, ParticleType::INTEGER, "n", &n.to_be_bytes());
        heap.extend_from_slice(&client.encode("s", "k", write(&bin, 1)));
        heap.extend_from_slice(&client.encode("s", "k", read_all()));
    }
    client.send(&heap).await;
    for n in 0..1000 {
        assert_eq!(client.answer().await.result, ResultCode::OK);
        assert_eq!(client.answer().await.integer("n"), Some(n), "answers keep the order of requests");
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_waited_for_and_not_stored_up_for() {
    let cluster = cluster(1).await;
    let mut deaf = Client::connect(cluster.hosts()[0]).await;
    let value = vec![0; 500_000];
    let bin = op(OpCode::Write, ParticleType::BLOB, "v", &value);
    deaf.run("s", "big", write(&bin, 1)).await;
    let frame = deaf.encode("s", "big", read_all());
    let send_all = async {
        // five gigabytes of answers: the requests must stop being taken long before
        for _ in 0..10_000 {
            deaf.stream.write_all(&frame).await.unwrap();
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(500), send_all).await;
    let mut other = Client::connect(cluster.hosts()[0]).await;
    assert_eq!(other.info_value("status").await, "ok");
    let resident = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = resident.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok());
    assert!(pages.is_none_or(|pages| pages * 4096 < 500_000_000), "{pages:?} pages");
}

/// Frames of every kind, as a starting point for mutations.
fn valid_frames() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let payloads: [(ParticleType, &[u8]); 5] = [
        (ParticleType::INTEGER, &[0, 0, 0, 0, 0, 0, 0, 1]),
        (ParticleType::STRING, b"text"),
        (ParticleType::LIST, &[0x93, 1, 0x92, 2, 3, 0xa2, 3, b'x']),
        (ParticleType::MAP, &[0x82, 1, 0x91, 2, 0xa2, 3, b'k', 0xc0]),
        (ParticleType::GEOJSON, br#"   {"type":"Polygon","coordinates":[[[0,0],[3,0],[3,3],[0,3],[0,0]]]}"#),
    ];
    for (particle, value) in payloads {
        for code in [OpCode::Write, OpCode::Append, OpCode::Increment, OpCode::CdtModify] {
            let bin = op(code, particle, "bin", value);
            frames.push(command(write(&bin, 1)));
        }
    }
    frames.push(command(read_all()));
    frames.push(command(CommandSpec { info2: aerospike_wire::Info2::from_bits_retain(3), ..CommandSpec::default() }));
    let size = op(OpCode::CdtRead, ParticleType::BLOB, "bin", &[0x91, 16]);
    frames.push(command(CommandSpec { info1: Info1::READ, ops: &size, op_count: 1, ..CommandSpec::default() }));
    let mut out = BytesMut::new();
    let mut batch = BatchWriter::begin(&mut out, 50, Info1::empty(), BatchFlags::from_bits_retain(13), Some(&[0xc3]));
    batch.row(0, &digest("s", "k"), b"test", b"s", None, &read_all());
    batch.repeat(1, &digest("s", "l"));
    let bin = op(OpCode::Write, ParticleType::STRING, "bin", b"v");
    batch.row(2, &digest("s", "m"), b"test", b"s", Some(user_key("m")), &write(&bin, 1));
    batch.finish();
    frames.push(out.to_vec());
    let read = op(OpCode::Read, ParticleType::NULL, "bin", &[]);
    let short = |query: Query| query.header(|header| header.info1 |= Info1::SHORT_QUERY);
    let context = Query::range("s", "bin", 0, 9).with(FieldType::INDEX_CONTEXT, &[0x92, 0x10, 0x00]);
    for query in [
        short(Query::scan("s").with(FieldType::FILTER, &[0xc3]).op(read)),
        short(Query::range("s", "bin", -9, 9).with(FieldType::SAMPLE_MAX, &1_u64.to_be_bytes())),
        context.with(FieldType::PID_ARRAY, &[1, 0, 2, 0]).with(FieldType::INDEX_TYPE, &[1]),
        Query::scan("s").with(FieldType::PID_ARRAY, &[1, 0]).with(FieldType::DIGEST_ARRAY, &digest("s", "k").0),
        Query::background("s", vec![op(OpCode::Write, ParticleType::STRING, "bin", b"v")]),
    ] {
        frames.push(query.frame().to_vec());
    }
    let mut out = BytesMut::new();
    let create = "sindex-create:ns=test;set=s;indexname=i;bin=bin;type=numeric;indextype=list;context=khAA";
    aerospike_wire::info::write_request(
        &mut out,
        [create, "sindex-list:", "sindex-stat:ns=test;indexname=i", "query-show"],
    );
    frames.push(out.to_vec());
    let mut out = BytesMut::new();
    aerospike_wire::info::write_request(&mut out, ["node", "sets/test/s", "truncate:namespace=test;set=s;lut=1"]);
    frames.push(out.to_vec());
    frames
}

fn command(spec: CommandSpec<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    RecordCommand {
        namespace: b"test",
        set: b"s",
        digest: digest("s", "k"),
        send_key: Some(user_key("k")),
        spec,
        timeout: 50,
    }
    .encode(&mut out);
    out.to_vec()
}

/// Panics of any thread: one in the server would otherwise only look like a connection that ended.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Sends bytes on a connection of their own, ends the request side, and reads until the server closes; then asks
/// whether it still serves.
fn survives(frames: &[Vec<u8>]) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            print(panic);
        }));
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::start(ClusterOptions { nodes: 2, ..ClusterOptions::default() }).await.unwrap();
        for frame in frames {
            let mut client = Client::connect(cluster.hosts()[0]).await;
            client.send(frame).await;
            client.stream.shutdown().await.unwrap();
            while client.try_frame().await.is_ok() {}
        }
        let mut client = Client::connect(cluster.hosts()[0]).await;
        assert_eq!(client.info_value("status").await, "ok");
        assert_eq!(client.put("s", "sane", 1).await.result, ResultCode::OK);
    });
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "the server panicked");
}

/// Changes a few bytes of a frame, behind its header or in it.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5);
    (prop::sample::select(valid_frames()), edits, any::<bool>()).prop_map(|(mut frame, edits, keep_header)| {
        let first = if keep_header { 8 } else { 2 };
        for (place, byte) in edits {
            let at = first + place.index(frame.len() - first);
            frame[at] = byte;
        }
        frame
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_frames_are_survived(frames in prop::collection::vec(mutated(), 30)) {
        survives(&frames);
    }

    #[test]
    fn random_bodies_are_survived(bodies in prop::collection::vec((1_u8..=4, prop::collection::vec(any::<u8>(), 0..200)), 20)) {
        let frames: Vec<_> = bodies.into_iter().map(|(kind, body)| {
            [&[2, kind, 0, 0, 0, 0, 0, body.len() as u8], body.as_slice()].concat()
        }).collect();
        survives(&frames);
    }

    #[test]
    fn random_polygons_are_survived(
        rings in prop::collection::vec(prop::collection::vec((-181_i32..181, -91_i32..91, 0_u8..4), 3..8), 1..3),
    ) {
        let ring = |points: &Vec<(i32, i32, u8)>| {
            let text: Vec<_> = points.iter().chain(points.first()).map(|(x, y, f)| format!("[{x}.{f},{y}.{f}]")).collect();
            format!("[{}]", text.join(","))
        };
        let rings: Vec<_> = rings.iter().map(ring).collect();
        let text = format!(r#"   {{"type":"Polygon","coordinates":[{}]}}"#, rings.join(","));
        let bin = op(OpCode::Write, ParticleType::GEOJSON, "g", text.replacen("   ", "\0\0\0", 1).as_bytes());
        survives(&[command(write(&bin, 1))]);
    }
}
