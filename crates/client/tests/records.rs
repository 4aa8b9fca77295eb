//! Commands for one record, on a cluster that is well.

mod support;

use std::time::Duration;

use aerospike_core::{Client, Code, CommandPolicy, Config, Key, Spec};
use support::{cluster, command, config, connect, delete_spec, get, key, put, put_spec, value};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_written_is_read_back() {
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    for number in 0..100 {
        put(&client, "r", number, number * 7).await.unwrap();
    }
    for number in 0..100 {
        let reply = get(&client, "r", number).await.unwrap();
        assert_eq!(value(&reply.message), Some(number * 7));
        assert_eq!(reply.attempts, 1);
        assert!(cluster.node_ids().iter().any(|id| **id == *reply.node));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_under_way_is_small() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let future = client.execute(command("r", 1, Spec::read_all(), CommandPolicy::default()));
    // Tokio allocates and moves it for every command; past 1 KiB, with what Tokio adds, allocators are slower.
    let size = size_of_val(&future);
    assert!(size <= 768, "{size} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_other_than_zero_is_an_error_that_holds_the_message() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let error = get(&client, "r", 1).await.unwrap_err();
    assert_eq!(error.code(), Code(2));
    assert_eq!(error.attempts(), 1);
    assert!(!error.in_doubt());
    assert_eq!(error.message().unwrap().len(), 22);
    assert!(error.to_string().contains("there is no such record"), "{error}");
    let error = client.execute(command("r", 1, delete_spec(), CommandPolicy::write())).await.unwrap_err();
    assert_eq!((error.code(), error.in_doubt()), (Code(2), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_namespace_is_told_without_asking_a_node() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    let mut command = command("r", 1, Spec::read_all(), CommandPolicy::default());
    command.namespace = "nowhere".into();
    let error = client.execute(command).await.unwrap_err();
    assert_eq!(error.code(), Code(20));
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_finds_the_record_of_its_user_key() {
    let cluster = cluster(2).await;
    let client = connect(&cluster).await;
    put(&client, "r", 5, 55).await.unwrap();
    let mut command = command("r", 5, Spec::read_all(), CommandPolicy::default());
    command.key = Key::Digest(key(5).digest(b"r"));
    assert_eq!(value(&client.execute(command).await.unwrap().message), Some(55));
}

async fn burst(client: &Client, spec: Spec, count: u64) {
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (client, spec) = (client.clone(), spec.clone());
        let policy = CommandPolicy { total_timeout: 30_000, max_retries: 0, ..CommandPolicy::default() };
        tasks.spawn(async move { client.execute(command("burst", number % 100, spec, policy)).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_commands_at_once_wait_for_a_hundred_two_or_one_connections() {
    let cluster = cluster(2).await;
    for max_connections_per_node in [100, 2, 1] {
        let client = Client::connect(Config { max_connections_per_node, ..config(&cluster) }).await.unwrap();
        burst(&client, put_spec(1), 10_000).await;
        burst(&client, Spec::read_all(), 10_000).await;
        // the same for commands that get a connection of their own
        burst(&client, Spec { exclusive: true, ..Spec::read_all() }, 2_000).await;
        let most = client.nodes().iter().map(|n| n.connections_open).max().unwrap();
        assert!(most <= max_connections_per_node, "{most} connections");
        client.close(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_and_exclusive_commands_share_one_connection() {
    let cluster = cluster(1).await;
    let client = Client::connect(Config { max_connections_per_node: 1, ..config(&cluster) }).await.unwrap();
    let exclusive = Spec { exclusive: true, ..put_spec(2) };
    tokio::join!(burst(&client, put_spec(1), 2000), burst(&client, exclusive, 500));
    assert_eq!(client.nodes()[0].connections_open, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_client_says_so_and_closes_twice() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    put(&client, "r", 1, 1).await.unwrap();
    assert!(client.is_connected());
    client.close(Duration::from_secs(1)).await;
    client.close(Duration::from_secs(1)).await;
    assert!(!client.is_connected());
    let error = get(&client, "r", 1).await.unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_commands_in_flight() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    cluster.delay_set("late", Duration::from_millis(200));
    let late = tokio::spawn({
        let client = client.clone();
        async move { put(&client, "late", 1, 1).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.close(Duration::from_secs(5)).await;
    late.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_gives_up_on_what_takes_longer() {
    let cluster = cluster(1).await;
    let client = connect(&cluster).await;
    cluster.delay_set("late", Duration::from_secs(5));
    let late = tokio::spawn({
        let client = client.clone();
        let policy = CommandPolicy { total_timeout: 0, ..CommandPolicy::write() };
        async move { client.execute(command("late", 1, put_spec(1), policy)).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.close(Duration::from_millis(100)).await;
    let error = tokio::time::timeout(Duration::from_secs(1), late).await.unwrap().unwrap().unwrap_err();
    assert_eq!((error.code(), error.in_doubt()), (Code::CLIENT_ABORT, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn info_reaches_one_any_or_all_nodes() {
    use aerospike_core::InfoTarget;
    let cluster = cluster(3).await;
    let client = connect(&cluster).await;
    let second = Duration::from_secs(1);
    let all = client.info(InfoTarget::All, "node", second).await.unwrap();
    assert_eq!(all.len(), 3);
    for (node, answer) in &all {
        assert_eq!(answer, &format!("node\t{node}\n"));
    }
    let name = cluster.node_ids()[1].clone();
    let one = client.info(InfoTarget::Node(name.clone()), "node\nbuild", second).await.unwrap();
    assert!(one[0].1.starts_with(&format!("node\t{name}\nbuild\t")), "{}", one[0].1);
    assert_eq!(client.info(InfoTarget::Random, "node", second).await.unwrap().len(), 1);
    assert!(client.info(InfoTarget::Node("nobody".into()), "node", second).await.is_err());
}
