//! A part of the cluster that cannot be reached: who says so, and what is said.

mod support;

use std::time::Duration;

use aerospike_core::{Change, Client, Code, Config};
use support::{cluster, config, get, put, reads};

/// A client that reaches one node, and is led to nowhere by what the node says of the others.
fn misled(cluster: &aerospike_server::Cluster) -> Config {
    let mut config = config(cluster);
    config.hosts.truncate(1);
    config.address_map.insert("127.0.0.1".into(), "127.0.0.2".into());
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_cluster_says_which_addresses_lead_nowhere() {
    let cluster = cluster(3).await;
    let client = Client::connect(misled(&cluster)).await.unwrap();
    assert_eq!(client.nodes().len(), 1);
    let mut told = Vec::new();
    let mut changes = client.changes();
    while told.len() < 2 {
        match tokio::time::timeout(Duration::from_secs(5), changes.next()).await.unwrap() {
            Some(Change::NodeUnreachable(node)) => told.push(node),
            other => panic!("{other:?}"),
        }
    }
    let ids = cluster.node_ids();
    for node in &told {
        assert!(ids.contains(&node.name), "{node:?}");
        let (address, reason) = &node.tried[0];
        assert!(address.starts_with("127.0.0.2:") && !reason.is_empty(), "{node:?}");
    }
    let mut failed = 0;
    for number in 0..50 {
        let Err(error) = put(&client, "h", number, 1).await else { continue };
        failed += 1;
        assert_eq!(error.code(), Code::INVALID_NODE);
        for part in ["127.0.0.2:", "addressMap", "useAlternateServices", &told[0].name] {
            assert!(error.detail().contains(part), "{part}: {}", error.detail());
        }
    }
    assert!(failed > 0, "another node is reached all the same");
    let batch = client.batch(reads("h", 0..50)).await;
    assert!(batch.rows.iter().any(|row| row.code == Code::INVALID_NODE));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_the_whole_cluster_does_not_get_half_of_it() {
    let cluster = cluster(3).await;
    let whole = Config { whole_cluster: true, ..misled(&cluster) };
    let error = Client::connect(whole).await.unwrap_err();
    assert!(error.detail().contains("127.0.0.2:") && error.detail().contains("addressMap"), "{error:?}");
    let client = Client::connect(Config { whole_cluster: true, ..config(&cluster) }).await.unwrap();
    put(&client, "h", 1, 1).await.unwrap();
    get(&client, "h", 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_node_is_gone_the_error_says_what_the_hosts_did() {
    let cluster = cluster(1).await;
    let quick = Config { tend_interval: Duration::from_millis(50), ..config(&cluster) };
    let client = Client::connect(quick).await.unwrap();
    let host = cluster.hosts()[0].to_string();
    cluster.stop().await;
    for _ in 0..200 {
        let error = get(&client, "h", 1).await.unwrap_err();
        if error.code() == Code::INVALID_NODE && error.detail().contains(&host) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", get(&client, "h", 1).await.unwrap_err());
}
