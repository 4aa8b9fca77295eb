//! Reads that are asked of another replica when the first is late.

mod support;

use std::time::{Duration, Instant};

use aerospike_core::{Client, CommandPolicy, Hedge, HedgeAfter, Replica, Spec};
use aerospike_server::Cluster;
use support::{cluster, command, connect, get, put, put_spec, reads, row_value, value};

const RECORDS: u64 = 100;
/// How late a node is: not so late that it counts as silent, which is another reason to ask others.
const LATE: Duration = Duration::from_millis(200);

/// Without retries: a node that leaves everything unanswered for long is not waited for, hedged or not.
fn patient() -> CommandPolicy {
    CommandPolicy { total_timeout: 10_000, max_retries: 0, ..CommandPolicy::default() }
}

fn policy(after: HedgeAfter, budget: u16) -> CommandPolicy {
    CommandPolicy { hedge: Some(Hedge { after, budget }), ..patient() }
}

const SOON: HedgeAfter = HedgeAfter::Millis(10);

/// A cluster, and the records whose master is its second node.
async fn filled() -> (Cluster, Client, Vec<u64>) {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let mut held = Vec::new();
    for number in 0..RECORDS {
        put(&client, "s", number, number).await.unwrap();
        if *get(&client, "s", number).await.unwrap().node == *cluster.node_ids()[1] {
            held.push(number);
        }
    }
    (cluster, client, held)
}

/// How many of these reads were late, each of which must give its record.
async fn late(client: &Client, numbers: &[u64], policy: CommandPolicy) -> usize {
    let mut late = 0;
    for number in numbers {
        let begun = Instant::now();
        let reply = client.execute(command("s", *number, Spec::read_all(), policy)).await.unwrap();
        assert_eq!((value(&reply.message), reply.attempts), (Some(*number), 1));
        late += usize::from(begun.elapsed() >= LATE);
    }
    late
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_read_is_answered_by_another_replica() {
    let (cluster, client, held) = filled().await;
    cluster.slow_node(1, LATE).unwrap();
    assert_eq!(late(&client, &held[..2], patient()).await, 2);
    assert_eq!(late(&client, &held[..5], policy(SOON, 10_000)).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_bounds_the_copies() {
    let (cluster, client, held) = filled().await;
    cluster.slow_node(1, LATE).unwrap();
    // a copy for each two reads
    assert_eq!(late(&client, &held[..6], policy(SOON, 5_000)).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pace_of_a_node_says_what_is_late() {
    let (cluster, client, held) = filled().await;
    let hedged = policy(HedgeAfter::P95, 10_000);
    for _ in 0..=60 / held.len() {
        late(&client, &held, hedged).await;
    }
    cluster.slow_node(1, LATE).unwrap();
    assert_eq!(late(&client, &held[..5], hedged).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_reads_that_others_can_answer_are_asked_twice() {
    let (cluster, client, held) = filled().await;
    cluster.slow_node(1, LATE).unwrap();
    let master = CommandPolicy { replica: Replica::Master, ..policy(SOON, 10_000) };
    assert_eq!(late(&client, &held[..1], master).await, 1);
    let begun = Instant::now();
    client.execute(command("s", held[0], put_spec(7), policy(SOON, 10_000))).await.unwrap();
    assert!(begun.elapsed() >= LATE);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_late_node_are_asked_of_others_and_its_connections_stay() {
    let (cluster, client, _) = filled().await;
    let mut batch = reads("s", 0..RECORDS);
    batch.policy = policy(SOON, 10_000);
    // the connections that batches need
    client.batch(batch.clone()).await;
    let open = || client.nodes().iter().map(|node| node.connections_open).sum::<u32>();
    cluster.slow_node(1, LATE).unwrap();
    let begun = Instant::now();
    let reply = client.batch(batch.clone()).await;
    assert!(begun.elapsed() < LATE, "{:?}", begun.elapsed());
    for row in 0..RECORDS {
        assert_eq!(row_value(&reply, row as usize), Some(row));
    }
    let before = open();
    tokio::time::sleep(LATE + Duration::from_millis(200)).await;
    assert_eq!(open(), before, "the loser's connection was closed");
    // a node that seemed to be gone is asked again when it has answered
    while client.nodes().iter().any(|node| !node.answering) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    batch.policy.hedge = None;
    let begun = Instant::now();
    client.batch(batch).await;
    assert!(begun.elapsed() >= LATE, "{:?}", begun.elapsed());
}
