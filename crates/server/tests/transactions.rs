//! Transactions, step by step as a client takes them: what they see, what they block, how they end.

mod support;

use std::time::Duration;

use aerospike_server::Cluster;
use aerospike_wire::batch::{BatchFlags, BatchWriter};
use aerospike_wire::command::CommandSpec;
use aerospike_wire::transaction::{MAX_WRITES, RecordVersion, TransactionFields};
use aerospike_wire::{Digest, FieldType, Info1, Info2, Info3, Info4, OpCode, ParticleType, ResultCode};
use bytes::BytesMut;
use support::transaction::{Transaction, durable_delete, strong_cluster};
use support::{Client, cluster, digest, op, read_all, write};

async fn client() -> (Cluster, Client) {
    let cluster = strong_cluster(1).await;
    let client = client_of(&cluster, 0).await;
    (cluster, client)
}

async fn client_of(cluster: &Cluster, node: usize) -> Client {
    let mut client = Client::connect(cluster.hosts()[node]).await;
    client.namespace = "sc";
    client
}

/// A cluster whose transactions last a second.
async fn brief(id: u64) -> (Cluster, Client, Transaction) {
    let (cluster, client) = client().await;
    (cluster, client, Transaction { duration: 1, ..Transaction::new(id) })
}

async fn value(client: &mut Client, key: &str) -> Option<i64> {
    client.get("s", key).await.integer("n")
}

#[tokio::test]
async fn only_the_transaction_sees_what_it_wrote_until_it_is_committed() {
    let (_cluster, mut client) = client().await;
    client.put("s", "k", 1).await;
    let mut transaction = Transaction::new(7);
    assert!(transaction.put(&mut client, "k", 2).await.result.is_ok());
    assert!(transaction.put(&mut client, "new", 3).await.result.is_ok());
    assert_eq!(value(&mut client, "k").await, Some(1), "the original");
    assert_eq!(client.get("s", "new").await.result, ResultCode::NOT_FOUND);
    assert_eq!(transaction.get(&mut client, "k").await.integer("n"), Some(2));
    assert_eq!(transaction.get(&mut client, "new").await.integer("n"), Some(3));
    assert!(transaction.reads.is_empty(), "of what it wrote itself it needs no version");
    transaction.put(&mut client, "k", 4).await;
    assert_eq!(value(&mut client, "k").await, Some(1));
    transaction.commit(&mut client).await;
    assert_eq!((value(&mut client, "k").await, value(&mut client, "new").await), (Some(4), Some(3)));
    assert_eq!(client.get("s", "k").await.generation, 3, "two writes");
}

#[tokio::test]
async fn what_is_undone_was_never_there() {
    let (_cluster, mut client) = client().await;
    client.put("s", "changed", 1).await;
    client.put("s", "removed", 1).await;
    let mut transaction = Transaction::new(7);
    transaction.put(&mut client, "changed", 2).await;
    transaction.put(&mut client, "made", 2).await;
    assert!(transaction.remove(&mut client, "removed").await.result.is_ok());
    assert_eq!(transaction.get(&mut client, "removed").await.result, ResultCode::NOT_FOUND);
    assert_eq!(transaction.remove(&mut client, "removed").await.result, ResultCode::NOT_FOUND, "it is gone to itself");
    transaction.abort(&mut client).await;
    assert_eq!((value(&mut client, "changed").await, value(&mut client, "removed").await), (Some(1), Some(1)));
    assert_eq!(client.get("s", "made").await.result, ResultCode::NOT_FOUND);
    assert_eq!(client.put("s", "changed", 5).await.generation, 2, "and it is unlocked");
}

#[tokio::test]
async fn a_record_that_was_written_is_locked() {
    let (_cluster, mut client) = client().await;
    client.put("s", "k", 1).await;
    let (mut first, mut second) = (Transaction::new(7), Transaction::new(8));
    first.put(&mut client, "k", 2).await;
    assert_eq!(client.put("s", "k", 9).await.result, ResultCode::MRT_BLOCKED);
    assert_eq!(client.run("s", "k", durable_delete()).await.result, ResultCode::MRT_BLOCKED);
    assert_eq!(second.get(&mut client, "k").await.result, ResultCode::MRT_BLOCKED);
    assert_eq!(second.put(&mut client, "k", 3).await.result, ResultCode::MRT_BLOCKED);
    assert!(second.reads.is_empty() && second.writes.is_empty());
    first.commit(&mut client).await;
    assert_eq!(second.get(&mut client, "k").await.integer("n"), Some(2));
    assert!(second.put(&mut client, "k", 3).await.result.is_ok());
    second.commit(&mut client).await;
    assert_eq!(value(&mut client, "k").await, Some(3));
    let counted = client.info_value("namespace/sc").await;
    assert!(counted.contains("fail_mrt_blocked=4;"), "{counted}");
    assert!(counted.contains("mrt_provisionals=0;mrt_monitors=0;"), "{counted}");
    assert!(counted.contains("mrt_roll_forward_success=2;"), "{counted}");
}

#[tokio::test]
async fn what_one_transaction_wrote_is_not_undone_or_made_final_by_another() {
    let (_cluster, mut client) = client().await;
    client.put("s", "k", 1).await;
    let (mut holder, late) = (Transaction::new(7), Transaction::new(8));
    holder.put(&mut client, "k", 2).await;
    // its client listed the record before it was refused, and ends it now
    for way in [Info4::MRT_ROLL_BACK, Info4::MRT_ROLL_FORWARD] {
        assert_eq!(late.roll(&mut client, "k", way).await, ResultCode::OK);
        assert_eq!(client.put("s", "k", 9).await.result, ResultCode::MRT_BLOCKED);
        assert_eq!(value(&mut client, "k").await, Some(1));
    }
    holder.commit(&mut client).await;
    assert_eq!(value(&mut client, "k").await, Some(2));
}

#[tokio::test]
async fn a_version_says_whether_a_record_changed() {
    let (_cluster, mut client) = client().await;
    let mut transaction = Transaction::new(7);
    assert_eq!(transaction.get(&mut client, "k").await.result, ResultCode::NOT_FOUND);
    assert_eq!(transaction.reads["k"], RecordVersion::ABSENT);
    assert_eq!(transaction.verify(&mut client, "k").await, ResultCode::OK);
    client.put("s", "k", 1).await;
    assert_eq!(transaction.verify(&mut client, "k").await, ResultCode::MRT_VERSION_MISMATCH);
    assert_eq!(transaction.get(&mut client, "k").await.result, ResultCode::MRT_VERSION_MISMATCH, "reads are compared");
    assert_eq!(
        transaction.put(&mut client, "k", 2).await.result,
        ResultCode::MRT_VERSION_MISMATCH,
        "and so are writes"
    );
    assert_eq!(transaction.reads["k"], RecordVersion::ABSENT, "what was seen first is what counts");

    let mut later = Transaction::new(8);
    later.get(&mut client, "k").await;
    let seen = later.reads["k"];
    assert_eq!(seen.generation(), 1);
    assert!(later.put(&mut client, "k", 3).await.result.is_ok(), "the version is that one");
    assert!(later.reads.is_empty(), "a locked record cannot change any more");
    later.commit(&mut client).await;
}

#[tokio::test]
async fn every_version_is_another() {
    let (_cluster, mut client) = client().await;
    let mut seen = std::collections::HashSet::new();
    for round in 0..40 {
        client.put("s", "k", round).await;
        client.put("s", "k", round).await;
        let mut transaction = Transaction::new(7);
        transaction.get(&mut client, "k").await;
        assert!(seen.insert(transaction.reads["k"]), "round {round}");
        client.run("s", "k", durable_delete()).await;
        let mut transaction = Transaction::new(8);
        assert_eq!(transaction.get(&mut client, "k").await.result, ResultCode::NOT_FOUND);
        assert!(seen.insert(transaction.reads["k"]), "removed in round {round}");
    }
}

#[tokio::test]
async fn a_write_that_failed_was_a_read() {
    let (_cluster, mut client) = client().await;
    client.put("s", "k", 1).await;
    let mut transaction = Transaction::new(7);
    transaction.add(&mut client, &[digest("s", "k")]).await;
    let ops = op(OpCode::Write, ParticleType::INTEGER, "n", &[0; 8]);
    let create = CommandSpec { info2: Info2::WRITE | Info2::CREATE_ONLY, ..write(&ops, 1) };
    let refused = transaction.run(&mut client, "k", create).await;
    assert_eq!((refused.result, refused.ops.len()), (ResultCode::RECORD_EXISTS, 0));
    assert_eq!(transaction.reads["k"].generation(), 1);
    assert_eq!(client.put("s", "k", 2).await.result, ResultCode::OK, "nothing is locked");
    assert_eq!(transaction.verify(&mut client, "k").await, ResultCode::MRT_VERSION_MISMATCH);
}

#[tokio::test]
async fn of_two_that_read_what_the_other_writes_one_gives_way() {
    let (_cluster, mut client) = client().await;
    client.put("s", "a", 1).await;
    client.put("s", "b", 1).await;
    let (mut first, mut second) = (Transaction::new(7), Transaction::new(8));
    first.get(&mut client, "a").await;
    second.get(&mut client, "b").await;
    assert!(first.put(&mut client, "b", 2).await.result.is_ok());
    assert!(second.put(&mut client, "a", 2).await.result.is_ok());
    assert_eq!(first.verify(&mut client, "a").await, ResultCode::MRT_BLOCKED, "the other may be about to commit");
    first.abort(&mut client).await;
    assert_eq!(second.verify(&mut client, "b").await, ResultCode::OK);
    second.commit(&mut client).await;
}

#[tokio::test]
async fn only_a_write_that_locks_is_let_pass_when_that_is_asked_for() {
    let (_cluster, mut client) = client().await;
    let mut transaction = Transaction::new(7);
    transaction.add(&mut client, &[digest("s", "k")]).await;
    let ops = op(OpCode::Write, ParticleType::INTEGER, "n", &[0; 8]);
    let locks = CommandSpec { info4: Info4::MRT_ON_LOCKING_ONLY, ..write(&ops, 1) };
    assert_eq!(transaction.run(&mut client, "k", locks).await.result, ResultCode::OK);
    assert_eq!(transaction.run(&mut client, "k", locks).await.result, ResultCode::MRT_ALREADY_LOCKED);
}

#[tokio::test]
async fn a_monitor_knows_where_its_transaction_is() {
    let (_cluster, mut client, mut transaction) = brief(7).await;
    assert_eq!(transaction.mark(&mut client).await, ResultCode::MRT_EXPIRED, "there is none");
    assert_eq!(transaction.add_as(&mut client, &[digest("s", "k")], false).await.result, ResultCode::MRT_EXPIRED);
    let begun = transaction.add(&mut client, &[digest("s", "k")]).await;
    assert!(begun.result.is_ok() && transaction.deadline.is_some_and(|deadline| deadline > 0));
    let again = transaction.add_as(&mut client, &[digest("s", "k")], true).await;
    assert_eq!(again.result, ResultCode::MRT_MONITOR_EXISTS);
    let more = transaction.add_as(&mut client, &[digest("s", "k2")], false).await;
    assert_eq!(more.field(FieldType::MRT_DEADLINE), begun.field(FieldType::MRT_DEADLINE), "the time is set once");
    assert_eq!(transaction.mark(&mut client).await, ResultCode::OK);
    assert_eq!(transaction.mark(&mut client).await, ResultCode::MRT_COMMITTED);
    assert_eq!(transaction.add_as(&mut client, &[digest("s", "k")], false).await.result, ResultCode::MRT_COMMITTED);
    assert_eq!(transaction.close(&mut client).await, ResultCode::OK);
    assert_eq!(transaction.close(&mut client).await, ResultCode::NOT_FOUND);
    assert_eq!(transaction.mark(&mut client).await, ResultCode::MRT_EXPIRED);
}

#[tokio::test]
async fn a_transaction_writes_4096_records_at_most() {
    let (_cluster, mut client) = client().await;
    client.timeout = 10_000;
    let mut transaction = Transaction::new(7);
    let digests: Vec<Digest> = (0..=MAX_WRITES).map(|n| digest("s", &n.to_string())).collect();
    assert!(transaction.add(&mut client, &digests[..MAX_WRITES]).await.result.is_ok());
    assert!(transaction.add(&mut client, &digests[1..MAX_WRITES]).await.result.is_ok(), "those are in the list");
    assert_eq!(transaction.add(&mut client, &digests[MAX_WRITES..]).await.result, ResultCode::MRT_TOO_MANY_WRITES);
    assert_eq!(transaction.mark(&mut client).await, ResultCode::OK, "and nothing was changed by that");
    let mut large = Transaction::new(8);
    assert_eq!(large.add(&mut client, &digests).await.result, ResultCode::MRT_TOO_MANY_WRITES);
    assert_eq!(large.mark(&mut client).await, ResultCode::MRT_EXPIRED);
}

#[tokio::test]
async fn what_a_dead_client_did_not_commit_is_undone_in_time() {
    let (_cluster, mut client, mut transaction) = brief(7).await;
    client.put("s", "k", 1).await;
    transaction.put(&mut client, "k", 2).await;
    transaction.put(&mut client, "new", 2).await;
    transaction.outlast().await;
    assert_eq!(client.put("s", "k", 3).await.result, ResultCode::OK, "it is unlocked");
    assert_eq!(client.get("s", "new").await.result, ResultCode::NOT_FOUND);
    assert_eq!(transaction.mark(&mut client).await, ResultCode::MRT_EXPIRED);
    let ops = op(OpCode::Write, ParticleType::INTEGER, "n", &[0; 8]);
    assert_eq!(transaction.run(&mut client, "k", write(&ops, 1)).await.result, ResultCode::MRT_EXPIRED, "too late");
    let counted = client.info_value("namespace/sc").await;
    assert!(counted.contains("mrt_monitor_roll_back_success=2;"), "{counted}");
    assert!(counted.contains("mrt_provisionals=0;mrt_monitors=1;mrt_monitors_active=0;"), "{counted}");
    // a client that comes late can remove the monitor itself, or leave it
    let mut late = Transaction::new(8);
    late.duration = 1;
    late.put(&mut client, "k", 4).await;
    late.outlast().await;
    assert_eq!(late.close(&mut client).await, ResultCode::OK);
    tokio::time::sleep(Duration::from_millis(3500)).await;
    let counted = client.info_value("namespace/sc").await;
    assert!(counted.contains("mrt_monitors=0;"), "{counted}");
}

#[tokio::test]
async fn what_a_dead_client_committed_is_made_final() {
    let (_cluster, mut client, mut transaction) = brief(7).await;
    client.put("s", "k", 1).await;
    client.put("s", "gone", 1).await;
    transaction.put(&mut client, "k", 2).await;
    transaction.remove(&mut client, "gone").await;
    assert_eq!(transaction.mark(&mut client).await, ResultCode::OK);
    transaction.outlast().await;
    assert_eq!(value(&mut client, "k").await, Some(2));
    assert_eq!(client.get("s", "gone").await.result, ResultCode::NOT_FOUND);
    assert_eq!(client.put("s", "k", 3).await.result, ResultCode::OK);
    let counted = client.info_value("namespace/sc").await;
    assert!(counted.contains("mrt_monitor_roll_forward_success=2;"), "{counted}");
}

#[tokio::test]
async fn a_record_whose_monitor_somebody_removed_does_not_stay_locked() {
    let (_cluster, mut client, mut transaction) = brief(7).await;
    transaction.put(&mut client, "k", 2).await;
    assert_eq!(transaction.close(&mut client).await, ResultCode::OK);
    assert_eq!(transaction.mark(&mut client).await, ResultCode::MRT_EXPIRED);
    assert_eq!(client.put("s", "k", 1).await.result, ResultCode::MRT_BLOCKED);
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(client.put("s", "k", 1).await.result, ResultCode::OK);
}

#[tokio::test]
async fn rows_of_batches_belong_to_transactions_too() {
    let (_cluster, mut client) = client().await;
    client.put("s", "read", 1).await;
    let mut transaction = Transaction::new(7);
    transaction.get(&mut client, "read").await;
    let keys = ["a", "b"];
    transaction.add(&mut client, &keys.map(|key| digest("s", key))).await;
    let ops = op(OpCode::Write, ParticleType::INTEGER, "n", &5_i64.to_be_bytes());
    let mut fields = BytesMut::new();
    let field_count = transaction.fields("a", true).encode(&mut fields);
    let spec = CommandSpec { fields: &fields, field_count, ..write(&ops, 1) };
    let (rows, _) = batch(&mut client, &keys, &spec).await;
    assert!(rows.iter().all(|row| row.result.is_ok() && row.fields.is_empty()));
    assert_eq!(client.get("s", "a").await.result, ResultCode::NOT_FOUND);

    let mut seen = BytesMut::new();
    let verified = TransactionFields { id: None, ..transaction.fields("read", false) };
    let field_count = verified.encode(&mut seen);
    let verify = CommandSpec {
        info1: Info1::READ | Info1::GET_NO_BINS,
        info3: Info3::SC_READ_TYPE,
        info4: Info4::MRT_VERIFY_READ,
        fields: &seen,
        field_count,
        ..CommandSpec::default()
    };
    let (rows, _) = batch(&mut client, &["read", "a"], &verify).await;
    assert_eq!(rows.iter().map(|row| row.result.0).collect::<Vec<_>>(), [0, 120]);

    assert_eq!(transaction.mark(&mut client).await, ResultCode::OK);
    let mut fields = BytesMut::new();
    let field_count = transaction.fields("a", false).encode(&mut fields);
    let roll = CommandSpec {
        info2: Info2::WRITE | Info2::DURABLE_DELETE,
        info4: Info4::MRT_ROLL_FORWARD,
        fields: &fields,
        field_count,
        ..CommandSpec::default()
    };
    let (rows, _) = batch(&mut client, &["a", "b", "elsewhere"], &roll).await;
    assert!(rows.iter().all(|row| row.result.is_ok()), "one that it does not hold is left alone");
    assert_eq!((value(&mut client, "a").await, value(&mut client, "b").await), (Some(5), Some(5)));
}

async fn batch(client: &mut Client, keys: &[&str], spec: &CommandSpec<'_>) -> (Vec<support::Answer>, ResultCode) {
    let mut out = BytesMut::new();
    let mut batch = BatchWriter::begin(&mut out, 1000, Info1::empty(), BatchFlags::RESPOND_ALL_KEYS, None);
    for (index, key) in keys.iter().enumerate() {
        batch.row(index as u32, &digest("s", key), client.namespace.as_bytes(), b"s", None, spec);
    }
    batch.finish();
    client.send(&out).await;
    client.rows().await
}

#[tokio::test]
async fn there_are_no_transactions_where_nothing_is_strongly_consistent() {
    let (_cluster, mut client) = client().await;
    client.namespace = "test";
    let mut transaction = Transaction::new(7);
    assert_eq!(transaction.add(&mut client, &[digest("s", "k")]).await.result, ResultCode::UNSUPPORTED_FEATURE);
    assert_eq!(transaction.get(&mut client, "k").await.result, ResultCode::UNSUPPORTED_FEATURE);
    let community = cluster(1).await;
    let mut client = Client::connect(community.hosts()[0]).await;
    assert_eq!(transaction.get(&mut client, "k").await.result, ResultCode::ENTERPRISE_ONLY);
}

#[tokio::test]
async fn a_field_of_the_wrong_size_is_refused() {
    let (_cluster, mut client) = client().await;
    for (kind, size) in [(FieldType::MRT_ID, 7), (FieldType::MRT_DEADLINE, 3)] {
        let mut fields = BytesMut::new();
        aerospike_wire::field::write_field(&mut fields, kind, &vec![1; size]);
        let spec = CommandSpec { fields: &fields, field_count: 1, ..read_all() };
        assert_eq!(client.run("s", "k", spec).await.result, ResultCode::PARAMETER);
    }
}

#[tokio::test]
async fn a_transaction_outlives_the_node_it_wrote_to() {
    let cluster = strong_cluster(3).await;
    let mut client = client_of(&cluster, 0).await;
    let keys: Vec<String> = (0..30).map(|n| format!("k{n}")).collect();
    let mut transaction = Transaction::new(7);
    for key in &keys {
        assert!(transaction.put(&mut client, key, 1).await.result.is_ok());
    }
    cluster.stop_node(2).await.unwrap();
    cluster.start_node(2).await.unwrap();
    cluster.stop_node(1).await.unwrap();
    assert_eq!(client.put("s", &keys[0], 1).await.result, ResultCode::MRT_BLOCKED);
    transaction.commit(&mut client).await;
    for key in &keys {
        assert_eq!(value(&mut client, key).await, Some(1));
    }
}
