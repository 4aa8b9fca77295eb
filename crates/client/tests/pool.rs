//! How many connections a client keeps.

mod support;

use std::time::Duration;

use aerospike_core::{Client, Config};
use support::{cluster, config, eventually, get, put, reads};

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_closed_and_the_minimum_is_kept() {
    let cluster = cluster(1).await;
    let short = Config {
        min_connections_per_node: 3,
        max_idle: Duration::from_millis(200),
        tend_interval: Duration::from_millis(50),
        ..config(&cluster)
    };
    let client = Client::connect(short).await.unwrap();
    let open = || client.nodes()[0].connections_open;
    eventually("the minimum", || open() >= 3).await;
    let batches = (0..20u64).map(|n| {
        let client = client.clone();
        tokio::spawn(async move { client.batch(reads("p", n..n + 10)).await })
    });
    for batch in batches.collect::<Vec<_>>() {
        batch.await.unwrap();
    }
    put(&client, "p", 1, 1).await.unwrap();
    eventually("back at the minimum", || open() == 3).await;
    get(&client, "p", 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_used_again() {
    let cluster = cluster(1).await;
    let client = support::connect(&cluster).await;
    for number in 0..200 {
        put(&client, "p", number, 1).await.unwrap();
        client.batch(reads("p", [number])).await;
    }
    let node = &client.nodes()[0];
    assert!(node.connections_open <= 3, "{}", node.connections_open);
    eventually("all at rest", || client.nodes()[0].connections_in_use == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_open_when_the_last_handle_is_dropped() {
    let cluster = cluster(1).await;
    let watcher = support::connect(&cluster).await;
    let client = support::connect(&cluster).await;
    put(&client, "p", 1, 1).await.unwrap();
    client.batch(reads("p", [1])).await;
    let second = Duration::from_secs(1);
    let count = async || {
        let answer = watcher.info(aerospike_core::InfoTarget::Random, "statistics", second).await.unwrap();
        let text = answer[0].1.split(';').find_map(|pair| pair.strip_prefix("client_connections=")).unwrap().to_owned();
        text.trim().parse::<u32>().unwrap()
    };
    let before = count().await;
    drop(client);
    for _ in 0..100 {
        if count().await + 3 <= before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{before} connections before, {} after", count().await);
}
