//! Nodes that are killed, frozen, restarted or replaced, under load.

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aerospike_core::{Batch, Client, Code, CommandPolicy, Config, Spec};
use parking_lot::Mutex;
use support::{cluster, command, config, connect, eventually, get, put, put_spec, reads, row_value, value};
use tokio::task::JoinSet;

/// A tend interval that keeps these tests short.
fn quick(cluster: &aerospike_server::Cluster) -> Config {
    Config { tend_interval: Duration::from_millis(250), ..config(cluster) }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_when_a_node_is_killed_under_load() {
    let cluster = cluster(3).await;
    let client = Client::connect(quick(&cluster)).await.unwrap();
    let acknowledged = Arc::new(Mutex::new(HashMap::new()));
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..16u64 {
        let (client, acknowledged, stop) = (client.clone(), acknowledged.clone(), stop.clone());
        writers.spawn(async move {
            let mut failures = 0;
            for round in 0u64.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let number = writer * 1000 + round % 200;
                match put(&client, "f", number, round).await {
                    Ok(_) => _ = acknowledged.lock().insert(number, round),
                    Err(error) => {
                        // whether the write happened is not known: the key no longer tells anything
                        acknowledged.lock().remove(&number);
                        failures += 1;
                        assert!(error.code().is_retryable() || error.code() == Code::INVALID_NODE, "{error}");
                    }
                }
            }
            failures
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    cluster.stop_node(1).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    stop.store(true, Ordering::Relaxed);
    let mut failures = 0;
    while let Some(failed) = writers.join_next().await {
        failures += failed.unwrap();
    }
    let acknowledged = acknowledged.lock().clone();
    assert!(acknowledged.len() > 1000, "{} writes, {failures} failures", acknowledged.len());
    for (number, round) in acknowledged {
        let reply = get(&client, "f", number).await.unwrap_or_else(|e| panic!("key {number}: {e}"));
        assert_eq!(value(&reply.message), Some(round), "key {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_service_is_back_within_two_intervals_of_a_kill_and_of_the_return() {
    let cluster = cluster(3).await;
    // the longest interval that is usual: on a busy machine, half a second would prove nothing
    let client = connect(&cluster).await;
    for number in 0..300 {
        put(&client, "f", number, number).await.unwrap();
    }
    for stopped in [true, false] {
        if stopped {
            cluster.stop_node(2).await.unwrap();
        } else {
            cluster.start_node(2).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(client.nodes().len(), if stopped { 2 } else { 3 });
        for number in 0..300 {
            put(&client, "f", number, number + 1).await.unwrap();
            assert_eq!(get(&client, "f", number).await.unwrap().attempts, 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_keeps_the_rows_of_live_nodes_when_one_dies() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    for number in 0..3000 {
        put(&client, "f", number, number).await.unwrap();
    }
    // every node keeps the batch waiting, so that one can die in the middle of it
    cluster.delay_set("f", Duration::from_millis(150));
    let mut batch = reads("f", 0..3000);
    batch.policy.max_retries = 0;
    let running = tokio::spawn({
        let client = client.clone();
        async move { client.batch(batch).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    cluster.stop_node(0).await.unwrap();
    let dead = cluster.node_ids()[0].clone();
    let reply = running.await.unwrap();
    let mut lost = 0;
    for row in 0..3000 {
        let outcome = reply.rows[row];
        if outcome.is_answered() {
            assert_eq!(row_value(&reply, row), Some(row as u64));
        } else {
            assert_eq!(*reply.nodes[usize::from(outcome.node)].name, *dead);
            assert_eq!(outcome.code, Code::CONNECTION);
            lost += 1;
        }
    }
    assert!((500..1500).contains(&lost), "{lost}");
    let cost = reply.nodes.iter().find(|n| *n.name == *dead).unwrap();
    assert_eq!(cost.last_error.as_ref().unwrap().code, Code::CONNECTION);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_reads_is_completed_by_the_replicas_when_a_node_dies() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    for number in 0..3000 {
        put(&client, "f", number, number).await.unwrap();
    }
    cluster.delay_set("f", Duration::from_millis(150));
    let running = tokio::spawn({
        let (client, batch) = (client.clone(), reads("f", 0..3000));
        async move { client.batch(batch).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    cluster.stop_node(0).await.unwrap();
    let reply = running.await.unwrap();
    for row in 0..3000 {
        assert_eq!(row_value(&reply, row), Some(row as u64), "{:?}", reply.rows[row]);
    }
    assert!(reply.nodes.iter().map(|n| n.retries).sum::<u32>() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_a_frozen_node_are_served_by_the_replica_within_the_deadline() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    for number in 0..300 {
        put(&client, "f", number, number).await.unwrap();
    }
    cluster.freeze_node(1).unwrap();
    let patient = CommandPolicy { total_timeout: 3_000, ..CommandPolicy::default() };
    let mut tasks = JoinSet::new();
    for number in 0..300 {
        let client = client.clone();
        tasks.spawn(async move { (number, client.execute(command("f", number, Spec::read_all(), patient)).await) });
    }
    while let Some(outcome) = tasks.join_next().await {
        let (number, reply) = outcome.unwrap();
        assert_eq!(value(&reply.unwrap().message), Some(number));
    }
    let reply = client.batch(Batch { policy: patient, ..reads("f", 0..300) }).await;
    for row in 0..300 {
        assert_eq!(row_value(&reply, row), Some(row as u64), "{:?}", reply.rows[row]);
    }
    // commands with a connection of their own find another node as well
    let exclusive = Spec { exclusive: true, ..Spec::read_all() };
    for number in 0..5 {
        client.execute(command("f", number, exclusive.clone(), patient)).await.unwrap();
    }
    let most = client.nodes().iter().map(|n| n.connections_open).max().unwrap();
    assert!(most < 20, "{most} connections to a node that is silent");
    cluster.thaw_node(1).unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    for number in 0..300 {
        put(&client, "f", number, number).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_to_a_frozen_node_is_in_doubt_and_not_repeated() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    put(&client, "f", 1, 1).await.unwrap();
    cluster.freeze_node(0).unwrap();
    let policy = CommandPolicy { total_timeout: 1_000, max_retries: 5, socket_timeout: 50, ..CommandPolicy::write() };
    let error = client.execute(command("f", 1, put_spec(2), policy)).await.unwrap_err();
    assert_eq!((error.code(), error.in_doubt(), error.attempts()), (Code::TIMEOUT, true, 1));
    // unless the caller says that twice is as good as once
    let policy = CommandPolicy { idempotent: true, ..policy };
    let error = client.execute(command("f", 1, put_spec(2), policy)).await.unwrap_err();
    assert!(error.in_doubt() && error.attempts() > 1, "{error:?}");
    let mut batch = reads("f", [1]);
    batch.specs = vec![put_spec(3)];
    batch.policy = CommandPolicy { idempotent: false, ..policy };
    let reply = client.batch(batch).await;
    assert_eq!((reply.rows[0].code, reply.rows[0].in_doubt, reply.rows[0].attempts), (Code::TIMEOUT, true, 1));
    cluster.thaw_node(0).unwrap();
}

#[tokio::test]
async fn the_socket_timeout_counts_from_the_moment_a_command_is_sent() {
    // on one thread the connection sends it when the caller waits already
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    put(&client, "f", 1, 1).await.unwrap();
    cluster.freeze_node(0).unwrap();
    let policy = CommandPolicy { total_timeout: 10_000, max_retries: 0, socket_timeout: 50, ..CommandPolicy::write() };
    let start = Instant::now();
    let error = client.execute(command("f", 1, put_spec(2), policy)).await.unwrap_err();
    assert_eq!((error.code(), error.in_doubt()), (Code::TIMEOUT, true));
    assert!(start.elapsed() < Duration::from_millis(800), "{:?}", start.elapsed());
    cluster.thaw_node(0).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_restarts_on_its_address_is_used_again() {
    let cluster = cluster(1).await;
    let client = Client::connect(quick(&cluster)).await.unwrap();
    put(&client, "f", 1, 1).await.unwrap();
    cluster.stop_node(0).await.unwrap();
    assert!(put(&client, "f", 1, 1).await.is_err());
    tokio::time::sleep(Duration::from_millis(700)).await;
    cluster.start_node(0).await.unwrap();
    eventually("the node is used again", || client.nodes().iter().any(|n| n.active)).await;
    let patient =
        CommandPolicy { total_timeout: 5_000, max_retries: 50, sleep_between_retries: 100, ..CommandPolicy::write() };
    client.execute(command("f", 1, put_spec(2), patient)).await.unwrap();
    assert_eq!(value(&get(&client, "f", 1).await.unwrap().message), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_connections_cost_reads_nothing_and_writes_no_more_than_those_in_flight() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    put(&client, "f", 1, 1).await.unwrap();
    for _ in 0..20 {
        cluster.drop_connections(0).await.unwrap();
        cluster.drop_connections(1).await.unwrap();
        for number in 0..20 {
            assert!(get(&client, "f", number).await.is_err_and(|e| e.code() == Code(2)) || number == 1);
        }
        // idle connections that were closed are noticed before a write goes out on one
        put(&client, "f", 1, 1).await.unwrap();
        assert!(client.batch(reads("f", [1])).await.rows[0].is_answered());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_refuses_connections_trips_its_breaker() {
    let cluster = cluster(1).await;
    let client =
        Client::connect(Config { max_error_rate: 5, tend_interval: Duration::from_secs(10), ..config(&cluster) })
            .await
            .unwrap();
    cluster.reject_connections(0, true).unwrap();
    cluster.drop_connections(0).await.unwrap();
    let mut codes = Vec::new();
    // quick ones: every failure rings a tend, and after five of those that fail the node is given up altogether
    let policy = CommandPolicy { total_timeout: 50, ..CommandPolicy::write() };
    for number in 0..20 {
        codes.push(client.execute(command("f", number, put_spec(1), policy)).await.unwrap_err().code());
    }
    assert!(codes.contains(&Code::CONNECTION) && codes.contains(&Code::MAX_ERROR_RATE), "{codes:?}");
}
