//! A slow command and the ones beside it.

mod support;

use std::time::{Duration, Instant};

use aerospike_core::{Code, CommandPolicy, Spec};
use support::{cluster, command, connect, get, put, put_spec, value};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_command_does_not_fail_its_neighbours() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    for number in 0..200 {
        put(&client, "n", number, number).await.unwrap();
        put(&client, "slow", number, number).await.unwrap();
    }
    cluster.delay_set("slow", Duration::from_secs(3));
    let patient = CommandPolicy { total_timeout: 20_000, ..CommandPolicy::default() };
    let start = Instant::now();
    let mut slow = JoinSet::new();
    let mut quick = JoinSet::new();
    for number in 0..200 {
        let c = client.clone();
        if number % 40 == 0 {
            slow.spawn(async move { c.execute(command("slow", number, Spec::read_all(), patient)).await });
        }
        let c = client.clone();
        quick.spawn(async move {
            let reply = c.execute(command("n", number, Spec::read_all(), patient)).await;
            (number, reply, start.elapsed())
        });
    }
    let mut slowest = Duration::ZERO;
    while let Some(outcome) = quick.join_next().await {
        let (number, reply, elapsed) = outcome.unwrap();
        assert_eq!(value(&reply.unwrap().message), Some(number));
        slowest = slowest.max(elapsed);
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    while let Some(outcome) = slow.join_next().await {
        outcome.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_given_up_leaves_the_connection_to_the_others() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    put(&client, "n", 1, 1).await.unwrap();
    cluster.delay_set("slow", Duration::from_millis(200));
    let policy = CommandPolicy { total_timeout: 40, max_retries: 0, ..CommandPolicy::default() };
    for _ in 0..5 {
        let error = client.execute(command("slow", 1, Spec::read_all(), policy)).await.unwrap_err();
        assert_eq!(error.code(), Code::TIMEOUT);
        assert!(!error.in_doubt());
        assert_eq!(value(&get(&client, "n", 1).await.unwrap().message), Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_deadline_does_not_close_the_connection_under_writes_behind_it() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    cluster.delay_set("slow", Duration::from_millis(100));
    let hasty = CommandPolicy { total_timeout: 2, max_retries: 0, ..CommandPolicy::default() };
    for round in 0..5 {
        let mut writes = JoinSet::new();
        let mut given_up = JoinSet::new();
        for number in 0..40 {
            let c = client.clone();
            if number % 10 == 0 {
                given_up.spawn(async move { c.execute(command("slow", number, Spec::read_all(), hasty)).await });
            }
            let c = client.clone();
            writes.spawn(async move { put(&c, "n", number, round).await });
        }
        while let Some(outcome) = writes.join_next().await {
            outcome.unwrap().unwrap();
        }
        while let Some(outcome) = given_up.join_next().await {
            assert_eq!(outcome.unwrap().unwrap_err().code(), Code::TIMEOUT);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_write_says_whether_it_may_have_been_sent() {
    use std::sync::Arc;

    use aerospike_core::SentFlag;
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    cluster.delay_set("slow", Duration::from_secs(1));
    let sent = Arc::new(SentFlag::new());
    let mut write = command("slow", 1, put_spec(1), CommandPolicy::write());
    write.sent = Some(sent.clone());
    assert!(tokio::time::timeout(Duration::from_millis(50), client.execute(write)).await.is_err());
    assert!(sent.is_set());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_never_got_a_connection_is_not_in_doubt() {
    let cluster = cluster(1).await;
    let config = aerospike_core::Config { max_connections_per_node: 1, ..support::config(&cluster) };
    let client = aerospike_core::Client::connect(config).await.unwrap();
    cluster.delay_set("slow", Duration::from_millis(500));
    let slow = Spec { exclusive: true, ..Spec::read_all() };
    let c = client.clone();
    let first = tokio::spawn(async move { c.execute(command("slow", 1, slow, CommandPolicy::default())).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let policy = CommandPolicy { total_timeout: 100, ..CommandPolicy::write() };
    let error = client.execute(command("n", 1, put_spec(1), policy)).await.unwrap_err();
    assert_eq!((error.code(), error.in_doubt()), (Code::TIMEOUT, false));
    assert!(error.to_string().contains("nothing was sent"), "{error}");
    assert_eq!(first.await.unwrap().unwrap_err().code(), Code(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_its_time_is_asked_on_many_connections() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    put(&client, "n", 1, 1).await.unwrap();
    cluster.slow_node(0, Duration::from_millis(50)).unwrap();
    // one after another on two connections, these would take seven seconds, and their deadline is one
    for _ in 0..3 {
        let mut gets = JoinSet::new();
        for _ in 0..300 {
            let client = client.clone();
            gets.spawn(async move { get(&client, "n", 1).await });
        }
        while let Some(reply) = gets.join_next().await {
            reply.unwrap().unwrap();
        }
    }
    assert!(client.nodes()[0].connections_open <= 100);
}
