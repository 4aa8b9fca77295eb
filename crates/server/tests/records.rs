//! Commands on records, where the recorded cases do not go: expiry, limits, keys, flags, frames.

mod support;

use std::time::Duration;

use aerospike_server::{Cluster, ClusterOptions, Edition};
use aerospike_wire::batch::{BatchFlags, BatchWriter};
use aerospike_wire::command::{CommandSpec, RecordCommand};
use aerospike_wire::field::write_field;
use aerospike_wire::op::write_op;
use aerospike_wire::proto::write_frame;
use aerospike_wire::{
    FieldType, Info1, Info2, Info3, Info4, MessageHeader, OpCode, ParticleType, ProtoType, ResultCode,
};
use bytes::{BufMut, BytesMut};
use support::{Client, cluster, digest, op, read_all, user_key, write};

const INTEGER: ParticleType = ParticleType::INTEGER;
const STRING: ParticleType = ParticleType::STRING;

async fn client() -> (Cluster, Client) {
    let cluster = cluster(1).await;
    let client = Client::connect(cluster.hosts()[0]).await;
    (cluster, client)
}

fn ops(list: &[(OpCode, ParticleType, &str, &[u8])]) -> BytesMut {
    let mut out = BytesMut::new();
    list.iter().for_each(|(code, particle, name, value)| {
        write_op(&mut out, *code as u8, *particle, name.as_bytes(), value);
    });
    out
}

fn seconds_since_2010() -> u32 {
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    (unix - 1_262_304_000) as u32
}

#[tokio::test]
async fn ttl_directives_say_when_a_record_expires() {
    let (_cluster, mut client) = client().await;
    let near = |ttl: u32, expected: u32| ttl.abs_diff(seconds_since_2010() + expected) <= 1;
    assert_eq!(client.put_for("s", "never", 1, 0).await.ttl, 0, "the namespace has no default");
    assert_eq!(client.put_for("s", "forever", 1, u32::MAX).await.ttl, 0);
    assert!(near(client.put_for("s", "k", 1, 100).await.ttl, 100));
    assert!(near(client.put_for("s", "k", 1, u32::MAX - 1).await.ttl, 100), "kept");
    assert_eq!(client.put_for("s", "k", 1, 315_360_001).await.result, ResultCode::PARAMETER);
    assert!(near(client.put_for("s", "k", 1, 315_360_000).await.ttl, 315_360_000));
    client.namespace = "bar";
    assert!(near(client.put_for("s", "k", 1, 0).await.ttl, 30 * 24 * 3600), "the default of bar");
    assert!(near(client.put_for("s", "new", 1, u32::MAX - 1).await.ttl, 30 * 24 * 3600));
}

#[tokio::test]
async fn an_expired_record_is_gone_and_its_memory_is_freed() {
    let options = ClusterOptions { nodes: 2, nsup_period: 1, ..ClusterOptions::default() };
    let cluster = Cluster::start(options).await.unwrap();
    let mut client = Client::connect(cluster.hosts()[0]).await;
    client.put_for("s", "k", 1, 1).await;
    client.put_for("s", "k", 1, 1).await;
    assert_eq!(client.get("s", "k").await.generation, 2);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_FOUND);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(client.info_value("sets/test/s").await.starts_with("objects=0:"));
    assert_eq!(client.put("s", "k", 1).await.generation, 1);
}

#[tokio::test]
async fn a_write_that_fails_takes_an_expired_record_with_it() {
    let (_cluster, mut client) = client().await;
    let expired = client.put_for("s", "k", 1, 1).await.ttl;
    while seconds_since_2010() <= expired {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // what is not collected yet is told of, until something else is written
    let gone = client.get("s", "k").await;
    assert_eq!((gone.result, gone.generation, gone.ttl), (ResultCode::NOT_FOUND, 1, expired));
    let update = op(OpCode::Write, INTEGER, "n", &5_i64.to_be_bytes());
    let update = CommandSpec { info3: Info3::UPDATE_ONLY, ..write(&update, 1) };
    let refused = client.run("s", "k", update).await;
    assert_eq!((refused.result, refused.generation), (ResultCode::NOT_FOUND, 1));
    let mixed = ops(&[(OpCode::Write, INTEGER, "n", &5_i64.to_be_bytes()), (OpCode::Append, STRING, "n", b"x")]);
    let failed = client.run("s", "k", write(&mixed, 2)).await;
    assert_eq!((failed.result, failed.generation), (ResultCode::INCOMPATIBLE_TYPE, 1));
    let gone = client.get("s", "k").await;
    assert_eq!((gone.result, gone.generation, gone.ttl), (ResultCode::NOT_FOUND, 0, 0));
}

#[tokio::test]
async fn a_read_can_renew_a_record() {
    let (_cluster, mut client) = client().await;
    let void_time = client.put_for("s", "k", 1, 4).await.ttl;
    assert_eq!(client.run("s", "k", CommandSpec { ttl: 101, ..read_all() }).await.result, ResultCode::PARAMETER);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    // two seconds of four are left, or less
    let touched = client.run("s", "k", CommandSpec { ttl: 50, ..read_all() }).await;
    assert_eq!((touched.ttl, touched.generation), (void_time, 1), "the answer is from before");
    let after = client.get("s", "k").await;
    assert!(after.ttl > void_time && after.generation == 1, "{after:?}");
    let never = client.run("s", "k", CommandSpec { ttl: u32::MAX, ..read_all() }).await;
    assert_eq!(never.ttl, after.ttl);
}

#[tokio::test]
async fn generations_are_compared_and_wrap() {
    let (_cluster, mut client) = client().await;
    let bin = op(OpCode::Write, INTEGER, "n", &[0; 8]);
    let equal = |generation| CommandSpec { info2: Info2::WRITE | Info2::GENERATION, generation, ..write(&bin, 1) };
    let greater = |generation| CommandSpec { info2: Info2::WRITE | Info2::GENERATION_GT, generation, ..write(&bin, 1) };
    assert_eq!(client.run("s", "k", equal(1)).await.result, ResultCode::GENERATION);
    assert_eq!(client.run("s", "k", equal(0)).await.generation, 1);
    assert_eq!(client.run("s", "k", greater(1)).await.result, ResultCode::GENERATION);
    assert_eq!(client.run("s", "k", greater(2)).await.generation, 2);
    let frame = client.encode("s", "k", write(&bin, 1));
    let mut generation = 2;
    for _ in 0..128 {
        client.send(&frame.repeat(512)).await;
        for _ in 0..512 {
            generation = if generation == 65535 { 1 } else { generation + 1 };
            assert_eq!(client.answer().await.generation, generation);
        }
    }
}

#[tokio::test]
async fn a_sent_key_is_stored_and_compared() {
    let (_cluster, mut client) = client().await;
    let bin = op(OpCode::Write, INTEGER, "n", &[0; 8]);
    client.run("s", "k", write(&bin, 1)).await;
    let keyed = |key: &[u8], spec| {
        let mut out = BytesMut::new();
        let mut fields = BytesMut::new();
        write_field(&mut fields, FieldType::KEY, key);
        let spec = CommandSpec { fields: &fields, field_count: 1, ..spec };
        RecordCommand { namespace: b"test", set: b"s", digest: digest("s", "k"), send_key: None, spec, timeout: 0 }
            .encode(&mut out);
        out
    };
    let read = read_all;
    let steps: &[(&[u8], CommandSpec<'_>, ResultCode)] = &[
        (b"\x03other", read(), ResultCode::OK), // no key is stored yet
        (b"\x03k", write(&bin, 1), ResultCode::OK),
        (b"\x03other", read(), ResultCode::KEY_MISMATCH),
        (b"\x03other", write(&bin, 1), ResultCode::KEY_MISMATCH),
        (b"\x03k", read(), ResultCode::OK),
        // the key that is stored is compared before it is looked at whether this is one
        (b"", read(), ResultCode::KEY_MISMATCH),
        (b"\x01abc", write(&bin, 1), ResultCode::KEY_MISMATCH),
        (b"\x03", read(), ResultCode::KEY_MISMATCH),
    ];
    for (number, (key, spec, result)) in steps.iter().enumerate() {
        let frame = keyed(key, *spec);
        client.send(&frame).await;
        assert_eq!(client.answer().await.result, *result, "step {number}");
    }
}

#[tokio::test]
async fn what_passes_a_limit_is_refused() {
    let (_cluster, mut client) = client().await;
    let wide = "x".repeat(64);
    let (fits, too_big) = (vec![b'x'; 1000 * 1024], vec![b'x'; 1024 * 1024]);
    let cases: &[(&str, &str, &[u8], ResultCode)] = &[
        (&wide, "n", b"", ResultCode::PARAMETER),
        (&wide[1..], "n", b"", ResultCode::OK),
        ("s", "sixteencharsbin!", b"", ResultCode::BIN_NAME),
        ("s", "fifteencharsbin", b"", ResultCode::OK),
        ("s", "", b"", ResultCode::OK),
        ("s", "big", &too_big, ResultCode::RECORD_TOO_BIG),
        ("s", "big", &fits, ResultCode::OK),
    ];
    for (number, (set, bin, value, result)) in cases.iter().enumerate() {
        let bin = op(OpCode::Write, STRING, bin, value);
        assert_eq!(client.run(set, "limits", write(&bin, 1)).await.result, *result, "case {number}");
    }
    assert_eq!(client.run("s", "limits", write(&[], 0)).await.result, ResultCode::PARAMETER);
    for (count, result) in [(32_768, ResultCode::PARAMETER), (32_767, ResultCode::OK)] {
        let mut out = BytesMut::new();
        (0..count).for_each(|n| write_op(&mut out, 2, INTEGER, format!("{n}").as_bytes(), &[0; 8]));
        assert_eq!(client.run("s", "many bins", write(&out, count)).await.result, result, "{count} bins");
    }
    let mut out = BytesMut::new();
    (0..33_000).for_each(|_| write_op(&mut out, 2, INTEGER, b"n", &[0; 8]));
    assert_eq!(client.run("s", "many ops", write(&out, 33_000)).await.result, ResultCode::PARAMETER);
}

#[tokio::test]
async fn values_are_checked_by_their_type() {
    let (_cluster, mut client) = client().await;
    let geo = |text: &str| [&[0, 0, 0], text.as_bytes()].concat();
    let region = geo(r#"{"type":"AeroCircle","coordinates":[[4,-2],100000]}"#);
    let cases: &[(u8, &[u8], ResultCode)] = &[
        (1, &[0xff; 4], ResultCode::OK),
        (1, &[0; 3], ResultCode::PARAMETER),
        (2, &[0; 4], ResultCode::PARAMETER),
        (16, b"vector", ResultCode::OK),
        (17, &[1], ResultCode::OK),
        (17, &[2], ResultCode::PARAMETER),
        (18, &[0; 20], ResultCode::PARAMETER),
        (19, &[0x82, 1, 1, 1, 2], ResultCode::SERVER_ERROR),
        (20, &[0xc1], ResultCode::SERVER_ERROR),
        (20, &[], ResultCode::SERVER_ERROR),
        (23, &region, ResultCode::OK),
        (23, &geo("{}"), ResultCode::GEO_INVALID_GEOJSON),
        (5, b"", ResultCode::PARAMETER),
        (24, b"", ResultCode::PARAMETER),
    ];
    for (particle, value, result) in cases {
        let bin = op(OpCode::Write, ParticleType(*particle), "v", value);
        assert_eq!(client.run("s", "types", write(&bin, 1)).await.result, *result, "{particle} {value:?}");
    }
}

#[tokio::test]
async fn what_is_added_has_a_type_that_bins_have() {
    let (_cluster, mut client) = client().await;
    for (bin, held) in [("n", (INTEGER, &[0; 8][..])), ("s", (STRING, b"x"))] {
        client.run("s", "types", write(&op(OpCode::Write, held.0, bin, held.1), 1)).await;
        for (particle, result) in [
            (ParticleType::NULL, ResultCode::PARAMETER),
            (ParticleType(99), ResultCode::PARAMETER),
            (ParticleType::FLOAT, ResultCode::INCOMPATIBLE_TYPE),
        ] {
            for code in [OpCode::Increment, OpCode::Append, OpCode::Prepend] {
                let answer = client.run("s", "types", write(&op(code, particle, bin, &[0; 8]), 1)).await;
                assert_eq!(answer.result, result, "{code:?} {particle:?} to {bin}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_added_to_geojson() {
    let (_cluster, mut client) = client().await;
    let point: &[u8] = b"\0\0\0{\"type\":\"Point\",\"coordinates\":[1,2]}";
    client.run("s", "geo", write(&op(OpCode::Write, ParticleType::GEOJSON, "g", point), 1)).await;
    for code in [OpCode::Increment, OpCode::Append, OpCode::Prepend] {
        for (particle, value) in [(INTEGER, &[0; 8][..]), (ParticleType::GEOJSON, point), (STRING, b"x")] {
            let answer = client.run("s", "geo", write(&op(code, particle, "g", value), 1)).await;
            assert_eq!(answer.result, ResultCode::SERVER_ERROR, "{code:?} {particle:?}");
        }
    }
}

#[tokio::test]
async fn the_last_bin_moves_into_the_place_of_a_deleted_one() {
    let (_cluster, mut client) = client().await;
    let four = ops(&["a", "b", "c", "d"].map(|name| (OpCode::Write, STRING, name, b"".as_slice())));
    client.run("s", "order", write(&four, 4)).await;
    client.run("s", "order", write(&op(OpCode::Write, ParticleType::NULL, "b", b""), 1)).await;
    let names: Vec<_> = client.get("s", "order").await.ops.into_iter().map(|op| op.2).collect();
    assert_eq!(names, [b"a", b"d", b"c"]);
}

#[tokio::test]
async fn each_operation_can_ask_for_an_answer() {
    let (_cluster, mut client) = client().await;
    let mixed = ops(&[
        (OpCode::Write, INTEGER, "n", &5_i64.to_be_bytes()),
        (OpCode::Touch, ParticleType::NULL, "", b""),
        (OpCode::Read, ParticleType::NULL, "n", b""),
        (OpCode::Read, ParticleType::NULL, "none", b""),
        (OpCode::Increment, INTEGER, "n", &i64::MAX.to_be_bytes()),
        (OpCode::Read, ParticleType::NULL, "n", b""),
    ]);
    client.put("s", "k", 1).await;
    let spec = CommandSpec { info1: Info1::READ, ..write(&mixed, 6) };
    let answer = client.run("s", "k", spec).await;
    let values = |answer: &support::Answer| answer.ops.iter().map(|op| (op.0, op.1)).collect::<Vec<_>>();
    assert_eq!(values(&answer), [(1, 1), (1, 1)]);
    assert_eq!(answer.ops[1].3, (5_i64.wrapping_add(i64::MAX)).to_be_bytes(), "it wraps");
    let all = CommandSpec { info2: Info2::WRITE | Info2::RESPOND_ALL_OPS, ..spec };
    let answer = client.run("s", "k", all).await;
    assert_eq!(values(&answer), [(2, 0), (1, 1), (1, 0), (5, 0), (1, 1)]);
}

#[tokio::test]
async fn an_enterprise_cluster_deletes_durably() {
    let options = ClusterOptions { edition: Edition::Enterprise, ..ClusterOptions::default() };
    let cluster = Cluster::start(options).await.unwrap();
    let mut client = Client::connect(cluster.hosts()[0]).await;
    client.put("s", "k", 1).await;
    let durably = CommandSpec { info2: Info2::WRITE | Info2::DELETE | Info2::DURABLE_DELETE, ..CommandSpec::default() };
    assert_eq!(client.run("s", "k", durably).await.result, ResultCode::OK);
    assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_FOUND);
}

#[tokio::test]
async fn what_only_the_enterprise_edition_does_is_refused() {
    let (_cluster, mut client) = client().await;
    client.put("s", "k", 1).await;
    let refused = [
        CommandSpec { info3: Info3::SC_READ_TYPE, ..read_all() },
        CommandSpec { info4: Info4::MRT_VERIFY_READ, ..read_all() },
        CommandSpec { info2: Info2::WRITE | Info2::DELETE | Info2::DURABLE_DELETE, ..CommandSpec::default() },
    ];
    for (number, spec) in refused.into_iter().enumerate() {
        assert_eq!(client.run("s", "k", spec).await.result, ResultCode::ENTERPRISE_ONLY, "case {number}");
    }
    let mut out = BytesMut::new();
    write_frame(&mut out, ProtoType::Compressed, |out| out.put_slice(&[0; 16]));
    client.send(&out).await;
    assert_eq!(client.answer().await.result, ResultCode::ENTERPRISE_ONLY);
    out.clear();
    write_frame(&mut out, ProtoType::Security, |out| out.put_slice(&[0; 16]));
    client.send(&out).await;
    let (kind, body) = client.frame().await;
    assert_eq!((kind, body.len(), body[1]), (ProtoType::Security, 16, 51));
    assert_eq!(client.get("s", "k").await.result, ResultCode::OK, "the connection goes on");
}

#[tokio::test]
async fn what_ends_a_transaction_counts_only_where_it_could() {
    let (_cluster, mut client) = client().await;
    client.put("s", "k", 1).await;
    let ops = op(OpCode::Write, INTEGER, "n", &5_i64.to_be_bytes());
    let with = |info4, spec: CommandSpec<'static>| CommandSpec { info4, ..spec };
    let ops: &'static [u8] = Box::leak(ops.to_vec().into_boxed_slice());
    for (bits, result) in [
        (Info4::MRT_VERIFY_READ, ResultCode::OK),
        (Info4::MRT_ON_LOCKING_ONLY, ResultCode::OK),
        (Info4::MRT_ROLL_FORWARD, ResultCode::ENTERPRISE_ONLY),
    ] {
        assert_eq!(client.run("s", "k", with(bits, write(ops, 1))).await.result, result, "{bits:?}");
    }
    let removal = CommandSpec { info2: Info2::WRITE | Info2::DELETE, ..CommandSpec::default() };
    assert_eq!(client.run("s", "k", with(Info4::MRT_ROLL_BACK, removal)).await.result, ResultCode::OK);
    let nothing = CommandSpec { info3: Info3::SC_READ_TYPE, ..CommandSpec::default() };
    assert_eq!(client.run("s", "k", nothing).await.result, ResultCode::PARAMETER, "neither read nor written");
}

#[tokio::test]
async fn nothing_is_answered_behind_a_message_of_another_cluster() {
    let (_cluster, mut client) = client().await;
    let mut malformed = BytesMut::new();
    write_frame(&mut malformed, ProtoType::Xdr, |out| out.put_slice(&[22, 1, 2]));
    client.send(&malformed).await;
    assert_eq!(client.answer().await.result, ResultCode::PARAMETER);
    let mut sound = BytesMut::new();
    write_frame(&mut sound, ProtoType::Xdr, |out| MessageHeader::default().encode(out));
    write_frame(&mut sound, ProtoType::Info, |out| out.put_slice(b"build\n"));
    client.send(&sound).await;
    assert!(client.is_silent_for(Duration::from_millis(100)).await);
}

#[tokio::test]
async fn a_message_that_is_malformed_or_names_nothing_is_answered() {
    let (_cluster, mut client) = client().await;
    let message = |info1, fields: &[(FieldType, &[u8])]| {
        let mut out = BytesMut::new();
        write_frame(&mut out, ProtoType::Message, |out| {
            MessageHeader { info1, field_count: fields.len() as u16, ..MessageHeader::default() }.encode(out);
            fields.iter().for_each(|(kind, data)| write_field(out, *kind, data));
        });
        out
    };
    let read = Info1::READ | Info1::GET_ALL;
    let digest = digest("s", "k").0;
    let mut short = BytesMut::new();
    write_frame(&mut short, ProtoType::Message, |out| out.put_slice(&[22, 1, 2]));
    let cases = [
        (short, ResultCode::PARAMETER),
        (message(read, &[]), ResultCode::NAMESPACE_NOT_FOUND),
        (message(read, &[(FieldType::NAMESPACE, b"zz")]), ResultCode::NAMESPACE_NOT_FOUND),
        (message(read, &[(FieldType::NAMESPACE, b"test"), (FieldType::DIGEST, b"short")]), ResultCode::PARAMETER),
        (message(read, &[(FieldType::NAMESPACE, b"test")]), ResultCode::UNSUPPORTED_FEATURE),
        (
            message(Info1::empty(), &[(FieldType::NAMESPACE, b"test"), (FieldType::DIGEST, &digest)]),
            ResultCode::PARAMETER,
        ),
        (
            message(read, &[(FieldType::NAMESPACE, b"test"), (FieldType(99), b"?"), (FieldType::DIGEST, &digest)]),
            ResultCode::NOT_FOUND,
        ),
    ];
    for (number, (frame, result)) in cases.into_iter().enumerate() {
        client.send(&frame).await;
        assert_eq!(client.answer().await.result, result, "case {number}");
    }
}

#[tokio::test]
async fn a_batch_stops_at_a_row_error_unless_told_otherwise() {
    let (_cluster, mut client) = client().await;
    for key in ["a", "b", "c"] {
        client.put("s", key, 1).await;
    }
    let bin = op(OpCode::Write, INTEGER, "n", &[0; 8]);
    let wrong = CommandSpec { info2: Info2::WRITE | Info2::GENERATION, generation: 9, ..write(&bin, 1) };
    let cases: &[(u8, &[u32], ResultCode)] = &[
        (0x01, &[], ResultCode::GENERATION),
        (0x09, &[0, 1, 2], ResultCode::GENERATION),
        (0x05, &[0, 1, 2], ResultCode::OK),
        (0x0d, &[0, 1, 2], ResultCode::OK),
    ];
    for (flags, indexes, result) in cases {
        let mut out = BytesMut::new();
        let flags = BatchFlags::from_bits_retain(*flags);
        let mut batch = BatchWriter::begin(&mut out, 1000, Info1::empty(), flags, None);
        batch.row(0, &digest("s", "a"), b"test", b"s", None, &read_all());
        batch.row(1, &digest("s", "b"), b"test", b"s", None, &wrong);
        batch.row(2, &digest("s", "c"), b"test", b"s", Some(user_key("c")), &read_all());
        batch.finish();
        client.send(&out).await;
        let (mut rows, trailer) = client.rows().await;
        rows.sort_by_key(|row| row.index);
        assert_eq!(rows.iter().map(|row| row.index).collect::<Vec<_>>(), *indexes, "{flags:?}");
        assert_eq!(trailer, *result, "{flags:?}");
        assert!(rows.iter().all(|row| (row.index == 1) == (row.result == ResultCode::GENERATION)));
    }
}

#[tokio::test]
async fn large_batches_come_in_blocks() {
    let (_cluster, mut client) = client().await;
    let value = vec![b'v'; 50_000];
    for n in 0..40 {
        client.run("s", &n.to_string(), write(&op(OpCode::Write, STRING, "v", &value), 1)).await;
    }
    let mut out = BytesMut::new();
    let mut batch = BatchWriter::begin(&mut out, 1000, Info1::empty(), BatchFlags::INLINE, None);
    (0..40).for_each(|n| batch.row(n, &digest("s", &n.to_string()), b"test", b"s", None, &read_all()));
    batch.finish();
    client.send(&out).await;
    let mut rows = 0;
    loop {
        let (_, body) = client.frame().await;
        assert!(body.len() <= 128 * 1024, "a block of {}", body.len());
        let messages: Vec<_> = aerospike_wire::message::Messages::new(&body).map(|m| m.unwrap().1).collect();
        if messages[0].header.is_last() {
            break;
        }
        rows += messages.len();
    }
    assert_eq!(rows, 40);
}

#[tokio::test]
async fn batches_that_cannot_be_read_do_nothing() {
    let options = ClusterOptions { batch_max_requests: 2, ..ClusterOptions::default() };
    let cluster = Cluster::start(options).await.unwrap();
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let bin = op(OpCode::Write, INTEGER, "n", &[0; 8]);
    let build = |rows: u32, namespace: &[u8]| {
        let mut out = BytesMut::new();
        let mut batch = BatchWriter::begin(&mut out, 0, Info1::empty(), BatchFlags::RESPOND_ALL_KEYS, None);
        batch.row(0, &digest("s", "k"), b"test", b"s", None, &write(&bin, 1));
        (1..rows).for_each(|n| batch.row(n, &digest("s", "k"), namespace, b"s", None, &write(&bin, 1)));
        batch.finish();
        out
    };
    let mut lying = build(2, b"test");
    lying[8 + 22 + 5 + 3] = 3; // one row more than there is
    let mut empty = build(1, b"test");
    empty[8 + 22 + 5 + 3] = 0;
    let cases = [
        (build(3, b"test"), ResultCode::BATCH_MAX_REQUESTS),
        (build(2, b"zz"), ResultCode::PARAMETER),
        (lying, ResultCode::BATCH_MAX_REQUESTS),
        (empty, ResultCode::PARAMETER),
    ];
    for (number, (frame, result)) in cases.into_iter().enumerate() {
        client.send(&frame).await;
        assert_eq!(client.rows().await, (vec![], result), "case {number}");
        assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_FOUND);
    }
}
