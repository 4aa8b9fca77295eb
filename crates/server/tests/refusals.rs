//! A command that is refused for more than one reason is answered with the one that a server of version 8.1 finds first.

mod support;

use aerospike_wire::command::{CommandSpec, RecordCommand};
use aerospike_wire::field::write_field;
use aerospike_wire::{FieldType, Info1, Info2, Info3, OpCode, ParticleType, ResultCode};
use bytes::BytesMut;
use support::{Client, cluster, digest, op};

/// What a command says that can be wrong.
#[derive(Debug, Clone, Copy)]
struct Says {
    set: &'static str,
    key: &'static [u8],
    filter: bool,
    generation: u32,
    ttl: u32,
}

/// Nothing of it is wrong.
const RIGHT: Says = Says { set: "s", key: b"\x03k", filter: true, generation: 1, ttl: 0 };
const NO_TTL: u32 = 400_000_000;
/// All of it is.
const WRONG: Says = Says { set: "other", key: b"\x03wrong", filter: false, generation: 9, ttl: NO_TTL };

impl Says {
    fn frame(self, spec: CommandSpec<'_>) -> BytesMut {
        let mut fields = BytesMut::new();
        write_field(&mut fields, FieldType::KEY, self.key);
        write_field(&mut fields, FieldType::FILTER, &[if self.filter { 0xc3 } else { 0xc2 }]);
        let spec = CommandSpec { generation: self.generation, ttl: self.ttl, fields: &fields, field_count: 2, ..spec };
        let mut out = BytesMut::new();
        RecordCommand {
            namespace: b"test",
            set: self.set.as_bytes(),
            digest: digest("s", "k"),
            send_key: None,
            spec,
            timeout: 1000,
        }
        .encode(&mut out);
        out
    }
}

async fn check(client: &mut Client, spec: CommandSpec<'_>, rows: &[(Says, ResultCode)]) {
    for (says, expected) in rows {
        client.send(&says.frame(spec)).await;
        assert_eq!(client.answer().await.result, *expected, "{says:?}");
    }
}

#[tokio::test]
async fn the_first_reason_is_the_one_that_is_answered() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let bin = op(OpCode::Write, ParticleType::INTEGER, "n", &[0; 8]);
    let ops = |info2| CommandSpec { info2: Info2::WRITE | info2, ops: &bin, op_count: 1, ..CommandSpec::default() };
    let update = CommandSpec { info3: Info3::UPDATE_ONLY, ..ops(Info2::empty()) };
    check(&mut client, update, &[(WRONG, ResultCode::NOT_FOUND)]).await;
    check(&mut client, ops(Info2::empty()), &[(Says { ttl: 100, ..RIGHT }, ResultCode::OK)]).await;

    let write = [
        (WRONG, ResultCode::GENERATION),
        (Says { generation: 1, ..WRONG }, ResultCode::PARAMETER),
        (Says { generation: 1, set: "", ..WRONG }, ResultCode::PARAMETER),
        (Says { key: WRONG.key, filter: false, ttl: NO_TTL, ..RIGHT }, ResultCode::FILTERED_OUT),
        (Says { key: WRONG.key, ttl: NO_TTL, ..RIGHT }, ResultCode::KEY_MISMATCH),
        (Says { ttl: NO_TTL, ..RIGHT }, ResultCode::PARAMETER),
    ];
    check(&mut client, ops(Info2::GENERATION), &write).await;
    // of two comparisons of the generation only that for equality is made
    let both = ops(Info2::GENERATION | Info2::GENERATION_GT);
    check(&mut client, both, &[(Says { filter: false, ..RIGHT }, ResultCode::FILTERED_OUT)]).await;
    check(&mut client, ops(Info2::CREATE_ONLY | Info2::GENERATION), &[(WRONG, ResultCode::RECORD_EXISTS)]).await;

    let read = [
        (WRONG, ResultCode::PARAMETER),
        (Says { set: "s", ..WRONG }, ResultCode::PARAMETER),
        (Says { set: "s", ttl: 0, ..WRONG }, ResultCode::FILTERED_OUT),
        (Says { key: WRONG.key, ..RIGHT }, ResultCode::KEY_MISMATCH),
        (Says { set: "", ..RIGHT }, ResultCode::OK),
    ];
    check(&mut client, CommandSpec { info1: Info1::READ | Info1::GET_ALL, ..CommandSpec::default() }, &read).await;

    let remove = [
        (WRONG, ResultCode::PARAMETER),
        (Says { set: "s", ..WRONG }, ResultCode::GENERATION),
        (Says { set: "s", generation: 1, ..WRONG }, ResultCode::FILTERED_OUT),
        (Says { key: WRONG.key, ..RIGHT }, ResultCode::KEY_MISMATCH),
        (Says { set: "", ..RIGHT }, ResultCode::OK),
    ];
    let info2 = Info2::WRITE | Info2::DELETE | Info2::GENERATION;
    check(&mut client, CommandSpec { info2, ..CommandSpec::default() }, &remove).await;
}

#[tokio::test]
async fn reading_all_bins_goes_with_no_other_read() {
    let cluster = cluster(1).await;
    let mut client = Client::connect(cluster.hosts()[0]).await;
    let write = op(OpCode::Write, ParticleType::INTEGER, "n", &[0; 8]);
    let all = op(OpCode::Read, ParticleType::NULL, "", b"");
    let one = op(OpCode::Read, ParticleType::NULL, "n", b"");
    for (ops, op_count, expected) in [
        ([&write[..], &all].concat(), 2, ResultCode::OK),
        ([&write[..], &all, &one].concat(), 3, ResultCode::PARAMETER),
    ] {
        let info1 = Info1::READ | Info1::GET_ALL;
        let spec = CommandSpec { info1, info2: Info2::WRITE, ops: &ops, op_count, ..CommandSpec::default() };
        assert_eq!(client.run("s", "k", spec).await.result, expected);
    }
}
