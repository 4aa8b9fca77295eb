//! What strong consistency changes: which copy answers, what is unavailable while nodes are missing, how records go.

mod support;

use std::time::Duration;

use aerospike_server::{Cluster, ClusterOptions, Edition, NamespaceOptions};
use aerospike_wire::command::CommandSpec;
use aerospike_wire::{Info3, OpCode, ParticleType, ResultCode};
use support::transaction::{durable_delete, strong_cluster};
use support::{Client, op, read_all, write};

async fn client_of(cluster: &Cluster, node: usize) -> Client {
    let mut client = Client::connect(cluster.hosts()[node]).await;
    client.namespace = "sc";
    client.timeout = 300;
    client
}

#[tokio::test]
async fn only_an_enterprise_cluster_can_be_strongly_consistent() {
    let namespaces = vec![NamespaceOptions::strong("sc")];
    let community = ClusterOptions { namespaces: namespaces.clone(), ..ClusterOptions::default() };
    assert!(Cluster::start(community).await.unwrap_err().to_string().contains("strongly consistent"));
    let twice = ClusterOptions {
        namespaces: [namespaces.clone(), namespaces.clone()].concat(),
        edition: Edition::Enterprise,
        ..ClusterOptions::default()
    };
    assert!(Cluster::start(twice).await.unwrap_err().to_string().contains("twice"));
    let options = ClusterOptions { namespaces, edition: Edition::Enterprise, ..ClusterOptions::default() };
    let cluster = Cluster::start(options).await.unwrap();
    let text = client_of(&cluster, 0).await.info_value("namespace/sc").await;
    assert!(text.contains("strong-consistency=true;"), "{text}");
}

#[tokio::test]
async fn a_record_is_removed_durably_or_not_at_all() {
    let cluster = strong_cluster(1).await;
    let mut client = client_of(&cluster, 0).await;
    client.put("s", "k", 1).await;
    assert_eq!(client.remove("s", "k").await.result, ResultCode::FORBIDDEN);
    let no_bins = op(OpCode::Write, ParticleType::NULL, "n", &[]);
    assert_eq!(client.run("s", "k", write(&no_bins, 1)).await.result, ResultCode::FORBIDDEN, "no bin would be left");
    assert_eq!(client.run("s", "k", durable_delete()).await.result, ResultCode::OK);
    assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_FOUND);
    assert!(client.info_value("namespace/sc").await.contains(";tombstones=1;"));
    assert_eq!(client.put("s", "k", 1).await.generation, 3, "the tombstone goes on counting");
    assert!(client.info_value("namespace/sc").await.contains(";tombstones=0;"));
}

#[tokio::test]
async fn a_minority_of_the_nodes_answers_nothing() {
    let cluster = strong_cluster(3).await;
    let mut client = client_of(&cluster, 0).await;
    client.put("s", "k", 1).await;
    cluster.stop_node(1).await.unwrap();
    assert_eq!(client.put("s", "k", 2).await.result, ResultCode::OK, "each record had two copies");
    cluster.stop_node(2).await.unwrap();
    assert_eq!(client.put("s", "k", 3).await.result, ResultCode::UNAVAILABLE);
    assert_eq!(client.get("s", "k").await.result, ResultCode::UNAVAILABLE);
    let unavailable = CommandSpec { info3: Info3::SC_READ_TYPE | Info3::SC_READ_RELAX, ..read_all() };
    assert_eq!(client.run("s", "k", unavailable).await.integer("n"), Some(2), "for those who accept that");
    assert!(client.info_value("namespace/sc").await.contains(";unavailable_partitions=4096;"));
    client.namespace = "test";
    assert_eq!(client.put("s", "k", 1).await.result, ResultCode::OK, "others go on");
    client.namespace = "sc";
    cluster.start_node(2).await.unwrap();
    assert_eq!(client.get("s", "k").await.integer("n"), Some(2));
}

#[tokio::test]
async fn partitions_whose_copies_are_lost_stay_away_until_they_are_revived() {
    let cluster = strong_cluster(1).await;
    client_of(&cluster, 0).await.put("s", "k", 1).await;
    cluster.stop_node(0).await.unwrap();
    cluster.start_node(0).await.unwrap();
    let mut client = client_of(&cluster, 0).await;
    assert_eq!(client.get("s", "k").await.result, ResultCode::UNAVAILABLE);
    assert!(client.info_value("namespace/sc").await.contains(";dead_partitions=4096;"));
    assert_eq!(client.info_value("revive:namespace=sc").await, "ok");
    assert_eq!(client.get("s", "k").await.result, ResultCode::NOT_FOUND);
}

#[tokio::test]
async fn a_read_is_as_sure_as_it_asks_to_be() {
    let cluster = strong_cluster(2).await;
    let mut clients = [client_of(&cluster, 0).await, client_of(&cluster, 1).await];
    // a record whose master is node 1: what node 0 answers while that one is frozen comes from a replica
    clients[0].put("s", "k", 1).await;
    cluster.freeze_node(1).unwrap();
    let mut on_replica = None;
    for n in 0..64 {
        let key = format!("k{n}");
        let answer = clients[0].run("s", &key, CommandSpec { info3: Info3::SC_READ_RELAX, ..read_all() }).await;
        assert_eq!(answer.result, ResultCode::NOT_FOUND, "any copy does");
        let session = clients[0].get("s", &key).await;
        if session.result == ResultCode::TIMEOUT {
            on_replica = Some(key);
            break;
        }
        assert_eq!(session.result, ResultCode::NOT_FOUND);
        let sure = CommandSpec { info3: Info3::SC_READ_TYPE, ..read_all() };
        assert_eq!(clients[0].run("s", &key, sure).await.result, ResultCode::TIMEOUT, "the replica has to say yes");
    }
    assert!(on_replica.is_some(), "a read at the master only");
    cluster.thaw_node(1).unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let sure = CommandSpec { info3: Info3::SC_READ_TYPE, ..read_all() };
    assert_eq!(clients[1].run("s", "k", sure).await.integer("n"), Some(1));
}
