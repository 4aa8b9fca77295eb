//! Nodes that answer nothing: how soon that is found out, what it costs, and what is not mistaken for it.

mod support;

use std::time::{Duration, Instant};

use aerospike_core::{Client, Code, CommandPolicy, Config, Replica, Spec};
use aerospike_server::Cluster;
use support::{cluster, command, config, get, put, reads, row_value, value};

const RECORDS: u64 = 200;

/// Left to their shares of the time, reads would stay with a node for ten seconds.
const PATIENT: CommandPolicy = CommandPolicy {
    total_timeout: 30_000,
    socket_timeout: 30_000,
    sleep_between_retries: 0,
    max_retries: 2,
    replica: Replica::Sequence,
    idempotent: false,
    hedge: None,
};
/// A quarter of a second on a machine with nothing else to do.
const SOON: Duration = Duration::from_secs(2);

async fn filled(cluster: &Cluster) -> Client {
    let quick = Config { tend_interval: Duration::from_millis(250), ..config(cluster) };
    let client = Client::connect(quick).await.unwrap();
    for number in 0..RECORDS {
        put(&client, "s", number, number).await.unwrap();
    }
    client
}

/// A record whose master is the node.
async fn held_by(client: &Client, node: &str) -> u64 {
    for number in 0..RECORDS {
        if *get(client, "s", number).await.unwrap().node == *node {
            return number;
        }
    }
    panic!("{node} holds nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_leave_a_frozen_node_and_come_back_when_it_answers() {
    let cluster = cluster(3).await;
    let client = filled(&cluster).await;
    let frozen = cluster.node_ids()[1].clone();
    let number = held_by(&client, &frozen).await;
    cluster.freeze_node(1).unwrap();

    let begun = Instant::now();
    let reply = client.execute(command("s", number, Spec::read_all(), PATIENT)).await.unwrap();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_ne!(*reply.node, *frozen);
    assert_eq!(value(&reply.message), Some(number));

    let begun = Instant::now();
    for number in 0..RECORDS {
        let reply = get(&client, "s", number).await.unwrap();
        assert_eq!((value(&reply.message), reply.attempts), (Some(number), 1));
    }
    let batch = client.batch(reads("s", 0..RECORDS)).await;
    for row in 0..RECORDS {
        assert_eq!(row_value(&batch, row as usize), Some(row));
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());

    cluster.thaw_node(1).unwrap();
    let thawed = Instant::now();
    while *get(&client, "s", number).await.unwrap().node != *frozen {
        assert!(thawed.elapsed() < Duration::from_secs(2), "reads do not come back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_batch_leave_a_frozen_node_too() {
    let cluster = cluster(3).await;
    let client = filled(&cluster).await;
    cluster.freeze_node(2).unwrap();
    let begun = Instant::now();
    let mut batch = reads("s", 0..RECORDS);
    batch.policy = PATIENT;
    let batch = client.batch(batch).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    for row in 0..RECORDS {
        assert_eq!(row_value(&batch, row as usize), Some(row));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_pauses_for_200_ms_is_waited_for() {
    let cluster = cluster(3).await;
    let client = filled(&cluster).await;
    let pausing = cluster.node_ids()[0].clone();
    let number = held_by(&client, &pausing).await;
    for _ in 0..3 {
        cluster.freeze_node(0).unwrap();
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { get(&client, "s", number).await.unwrap() }
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        cluster.thaw_node(0).unwrap();
        let reply = waiting.await.unwrap();
        assert_eq!((&*reply.node, reply.attempts), (&*pausing, 1));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_commands_take_long_is_not_silent() {
    let cluster = cluster(2).await;
    let client = filled(&cluster).await;
    cluster.delay_set("s", Duration::from_millis(600));
    let reply = client.execute(command("s", 1, Spec::read_all(), PATIENT)).await.unwrap();
    assert_eq!((value(&reply.message), reply.attempts), (Some(1), 1));
}

/// With no other node to ask, every attempt has its socket timeout, and pauses lie between all of them.
#[tokio::test(flavor = "multi_thread")]
async fn attempts_at_a_frozen_node_end_with_their_socket_timeout() {
    let cluster = cluster(1).await;
    let client = filled(&cluster).await;
    cluster.freeze_node(0).unwrap();
    let policy = CommandPolicy {
        total_timeout: 10_000,
        socket_timeout: 50,
        sleep_between_retries: 40,
        max_retries: 5,
        ..CommandPolicy::default()
    };
    for spec in [Spec::read_all(), support::put_spec(1)] {
        let is_write = spec.is_write();
        let begun = Instant::now();
        let idempotent = CommandPolicy { idempotent: true, ..policy };
        let error = client.execute(command("s", 1, spec, idempotent)).await.unwrap_err();
        let took = begun.elapsed();
        assert_eq!((error.code(), error.attempts()), (Code::TIMEOUT, 6), "{error}");
        // six attempts of 50 ms and five pauses of 40
        assert!(took >= Duration::from_millis(490) && took < Duration::from_millis(1000), "{took:?} {is_write}");
        let attempts: Vec<u32> = error.sub_errors().iter().map(|e| e.attempt).collect();
        assert_eq!(attempts, [1, 2, 3, 4, 5, 6], "each attempt once");
    }
}
