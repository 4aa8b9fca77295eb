//! Nodes that come and go, as listeners hear of them.

mod support;

use std::time::Duration;

use aerospike_core::{Change, Changes, Client, Config};
use support::{cluster, config};

fn quick(cluster: &aerospike_server::Cluster) -> Config {
    Config { tend_interval: Duration::from_millis(100), ..config(cluster) }
}

/// The next change in a word.
async fn next(changes: &mut Changes) -> Option<(&'static str, Option<u16>)> {
    let change = tokio::time::timeout(Duration::from_secs(30), changes.next()).await.expect("a change comes");
    change.map(|change| match change {
        Change::NodeAdded(node) => ("added", Some(node.port)),
        Change::NodeRemoved(node) => ("removed", Some(node.port)),
        Change::Connected => ("connected", None),
        Change::Disconnected => ("disconnected", None),
        Change::NodeUnreachable(node) => panic!("{node:?}"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listener_hears_of_a_node_that_goes_and_comes_back() {
    let cluster = cluster(2).await;
    let client = Client::connect(quick(&cluster)).await.unwrap();
    let (mut one, mut other) = (client.changes(), client.changes());
    let port = cluster.hosts()[1].port();
    cluster.stop_node(1).await.unwrap();
    assert_eq!(next(&mut one).await, Some(("removed", Some(port))));
    cluster.start_node(1).await.unwrap();
    assert_eq!(next(&mut one).await, Some(("added", Some(port))));
    // one that did not listen meanwhile is told both: the node under the old name is a new one
    assert_eq!(next(&mut other).await, Some(("removed", Some(port))));
    assert_eq!(next(&mut other).await, Some(("added", Some(port))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_of_the_last_node_and_its_return_are_told() {
    let cluster = cluster(1).await;
    let client = Client::connect(quick(&cluster)).await.unwrap();
    let mut changes = client.changes();
    let port = Some(cluster.hosts()[0].port());
    cluster.stop_node(0).await.unwrap();
    assert_eq!(next(&mut changes).await, Some(("removed", port)));
    assert_eq!(next(&mut changes).await, Some(("disconnected", None)));
    assert!(!client.is_connected());
    cluster.start_node(0).await.unwrap();
    assert_eq!(next(&mut changes).await, Some(("connected", None)));
    assert_eq!(next(&mut changes).await, Some(("added", port)));
}

#[tokio::test(flavor = "multi_thread")]
async fn listening_ends_with_the_client() {
    let cluster = cluster(1).await;
    let client = Client::connect(quick(&cluster)).await.unwrap();
    let (mut closed, mut dropped) = (client.changes(), client.changes());
    let waiting = tokio::spawn(async move { next(&mut closed).await });
    tokio::task::yield_now().await;
    client.close(Duration::from_millis(100)).await;
    assert_eq!(waiting.await.unwrap(), None);
    drop(client);
    assert_eq!(next(&mut dropped).await, None);
}
