//! Batches on a cluster that is well.

mod support;

use std::time::Duration;

use aerospike_core::{BatchRow, Code, CommandPolicy, Keyspace, RowOutcome};
use support::{cluster, connect, delete_spec, get, key, put, put_spec, reads, row_value, value};

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_back_in_the_order_of_the_request() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    for number in 0..500 {
        put(&client, "b", number, number + 1000).await.unwrap();
    }
    // every third is missing, and one key is there three times
    let keys: Vec<u64> = (0..750).map(|n| if n % 250 == 7 { 7 } else { n }).collect();
    let reply = client.batch(reads("b", keys.clone())).await;
    assert_eq!(reply.rows.len(), 750);
    for (row, number) in keys.iter().enumerate() {
        let outcome = reply.rows[row];
        assert_eq!(outcome.attempts, 1);
        if *number < 500 {
            assert_eq!(outcome.code, Code::OK);
            assert_eq!(row_value(&reply, row), Some(number + 1000));
        } else {
            assert_eq!(outcome.code, Code(2));
            assert!(outcome.is_answered());
        }
    }
    assert_eq!(reply.nodes.len(), 3);
    assert_eq!(reply.nodes.iter().map(|n| n.answered).sum::<u32>(), 750);
    assert!(reply.nodes.iter().all(|n| n.round_trips == 1 && n.retries == 0 && n.bytes_in > 0 && n.bytes_out > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_batch_writes_reads_and_removes_in_two_sets() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    put(&client, "b", 1, 11).await.unwrap();
    put(&client, "c", 2, 22).await.unwrap();
    let mut batch = reads("b", []);
    batch.keyspaces.push(Keyspace { namespace: "test".into(), set: "c".into() });
    batch.specs.extend([put_spec(33), delete_spec()]);
    let row = |keyspace, spec, number, send_key| BatchRow { keyspace, spec, send_key, key: key(number) };
    batch.rows =
        vec![row(0, 0, 1, false), row(1, 1, 3, true), row(1, 1, 4, true), row(1, 2, 2, false), row(0, 0, 9, false)];
    batch.policy = CommandPolicy::write();
    let reply = client.batch(batch).await;
    let codes: Vec<i16> = reply.rows.iter().map(|r| r.code.0).collect();
    assert_eq!(codes, [0, 0, 0, 0, 2]);
    assert_eq!(row_value(&reply, 0), Some(11));
    assert_eq!(value(&get(&client, "c", 4).await.unwrap().message), Some(33));
    assert_eq!(get(&client, "c", 2).await.unwrap_err().code(), Code(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_of_one_key_keep_their_order_across_requests() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    let mut batch = reads("b", (0..1000).map(|n| n % 10));
    batch.specs = (0..1000).map(put_spec).collect();
    for (spec, row) in (0..).zip(&mut batch.rows) {
        row.spec = spec;
    }
    batch.max_rows_per_request = 7;
    let reply = client.batch(batch).await;
    assert!(reply.rows.iter().all(|r| r.code == Code::OK));
    for number in 0..10 {
        assert_eq!(value(&get(&client, "b", number).await.unwrap().message), Some(990 + number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_leave_the_runtime_responsive() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    for number in 0..100 {
        put(&client, "b", number, number).await.unwrap();
    }
    let mut batch = reads("b", (0..100_000).map(|n| n % 100));
    batch.policy.total_timeout = 60_000;
    let reply = client.batch(batch).await;
    assert!(reply.rows.iter().all(|r| r.code == Code::OK));
    for row in (0..100_000).step_by(997) {
        assert_eq!(row_value(&reply, row), Some(row as u64 % 100));
    }
    assert!(reply.pages.iter().all(|p| p.len() <= 512 * 1024));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_on_the_answer_leaves_the_rest_unanswered() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    for number in 0..100 {
        put(&client, "b", number, number).await.unwrap();
    }
    let mut batch = reads("b", (0..50_000).map(|n| n % 100));
    batch.policy.total_timeout = 60_000;
    batch.max_rows_per_request = 1000;
    batch.max_response_bytes = 200_000;
    let reply = client.batch(batch).await;
    let answered = reply.rows.iter().filter(|r| r.is_answered()).count();
    assert!(answered > 1000 && answered < 50_000, "{answered}");
    assert!(reply.rows.iter().filter(|r| !r.is_answered()).all(|r| r.code == Code::NO_RESPONSE && !r.in_doubt));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_make_no_sense_fail_alone() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    put(&client, "b", 1, 1).await.unwrap();
    let mut batch = reads("b", [1, 2, 3]);
    batch.keyspaces.push(Keyspace { namespace: "nowhere".into(), set: "b".into() });
    batch.rows[1].spec = 9;
    batch.rows[2].keyspace = 1;
    let reply = client.batch(batch).await;
    assert_eq!(reply.rows.iter().map(|r| r.code).collect::<Vec<_>>(), [Code::OK, Code::PARAM, Code(20)]);
    assert_eq!(reply.rows[2].node, RowOutcome::NO_NODE);
    assert_eq!(client.batch(reads("b", [])).await.rows.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_on_a_closed_client_says_so_in_every_row() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    client.close(Duration::ZERO).await;
    let reply = client.batch(reads("b", [1, 2])).await;
    assert!(reply.rows.iter().all(|r| r.code == Code::CLIENT_ABORT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_batch_carries_the_code_of_its_trailer() {
    let cluster = aerospike_server::Cluster::start(aerospike_server::ClusterOptions {
        batch_max_requests: 10,
        ..aerospike_server::ClusterOptions::default()
    })
    .await
    .unwrap();
    let client = connect(&cluster).await;
    let reply = client.batch(reads("b", 0..11)).await;
    assert!(reply.rows.iter().all(|r| r.code == Code(151) && !r.is_answered() && r.attempts == 1));
    // the connection is as good as before
    let before = client.nodes()[0].connections_open;
    assert!(client.batch(reads("b", 0..10)).await.rows.iter().all(|r| r.code == Code(2)));
    assert_eq!(client.nodes()[0].connections_open, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_whose_replica_is_silent_are_in_doubt() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    cluster.freeze_node(1).unwrap();
    let mut batch = reads("doubt", 0..100);
    batch.specs = vec![put_spec(1)];
    batch.policy = CommandPolicy { total_timeout: 400, ..CommandPolicy::write() };
    let reply = client.batch(batch).await;
    // node 1 is the master or the replica of every record
    for row in &reply.rows {
        assert_eq!((row.code, row.in_doubt), (Code::TIMEOUT, true), "{row:?}");
    }
}
