//! Nodes that stop, start, freeze, slow down and talk nonsense, and what becomes of the records.

mod support;

use std::collections::HashSet;
use std::time::Duration;

use aerospike_server::{Cluster, ClusterOptions, Garble, NamespaceOptions};
use aerospike_wire::batch::{BatchFlags, BatchWriter};
use aerospike_wire::info::{parse_peers, parse_replicas};
use aerospike_wire::{Info1, PartitionId, ResultCode};
use bytes::BytesMut;
use support::{Client, cluster, digest, read_all};
use tokio::time::Instant;

const KEYS: i64 = 300;

async fn client_of(cluster: &Cluster, node: usize) -> Client {
    Client::connect(cluster.hosts()[node]).await
}

async fn fill(client: &mut Client) {
    for n in 0..KEYS {
        assert_eq!(client.put("demo", &n.to_string(), n).await.result, ResultCode::OK);
    }
}

async fn assert_filled(client: &mut Client) {
    for n in 0..KEYS {
        assert_eq!(client.get("demo", &n.to_string()).await.integer("n"), Some(n), "key {n}");
    }
}

/// The masters and replicas of the namespace `test`, by partition, as the nodes themselves say.
async fn owners(cluster: &Cluster, alive: &[usize]) -> Vec<Vec<usize>> {
    let mut owners = vec![vec![usize::MAX; 2.min(alive.len())]; PartitionId::all().len()];
    for node in alive {
        let value = client_of(cluster, *node).await.info_value("replicas").await;
        let maps = parse_replicas(&value).unwrap();
        for (place, bits) in maps[0].replicas.iter().enumerate() {
            for id in PartitionId::all().filter(|id| bits.contains(*id)) {
                assert_eq!(owners[id.index()][place], usize::MAX, "two nodes claim a partition");
                owners[id.index()][place] = *node;
            }
        }
    }
    owners
}

/// A key whose partition is held as wanted: (master, replica).
async fn key_held_by(cluster: &Cluster, master: usize, replica: usize) -> String {
    let owners = owners(cluster, &[0, 1, 2]).await;
    let mut keys = (0..).map(|n: u32| n.to_string());
    keys.find(|key| owners[digest("demo", key).partition().index()] == [master, replica]).unwrap()
}

fn batch_read(keys: impl Iterator<Item = String>, timeout: u32) -> BytesMut {
    let mut out = BytesMut::new();
    let flags = BatchFlags::INLINE | BatchFlags::RESPOND_ALL_KEYS | BatchFlags::REPORT_FAILING_ROW;
    let mut batch = BatchWriter::begin(&mut out, timeout, Info1::empty(), flags, None);
    for (index, key) in keys.enumerate() {
        if index == 0 {
            batch.row(0, &digest("demo", &key), b"test", b"demo", None, &read_all());
        } else {
            batch.repeat(index as u32, &digest("demo", &key));
        }
    }
    batch.finish();
    out
}

#[tokio::test]
async fn every_partition_has_one_master_and_one_replica() {
    let cluster = cluster(3).await;
    for holders in owners(&cluster, &[0, 1, 2]).await {
        assert!(holders.iter().all(|node| *node < 3));
        assert_ne!(holders[0], holders[1]);
    }
}

#[tokio::test]
async fn any_node_answers_for_any_record() {
    let cluster = cluster(3).await;
    fill(&mut client_of(&cluster, 0).await).await;
    for node in 0..3 {
        let mut client = client_of(&cluster, node).await;
        assert_filled(&mut client).await;
        client.send(&batch_read((0..KEYS).map(|n| n.to_string()), 1000)).await;
        let (rows, result) = client.rows().await;
        assert_eq!((rows.len(), result), (KEYS as usize, ResultCode::OK));
        assert!(rows.iter().all(|row| row.integer("n") == Some(row.index.into())));
    }
}

#[tokio::test]
async fn records_survive_each_node_stopping_and_starting_in_turn() {
    let cluster = cluster(3).await;
    fill(&mut client_of(&cluster, 0).await).await;
    let before = owners(&cluster, &[0, 1, 2]).await;
    for node in 0..3 {
        cluster.stop_node(node).await.unwrap();
        assert!(tokio::net::TcpStream::connect(cluster.hosts()[node]).await.is_err());
        let mut client = client_of(&cluster, (node + 1) % 3).await;
        assert_filled(&mut client).await;
        assert_eq!(client.put("demo", "0", 0).await.result, ResultCode::OK);
        cluster.start_node(node).await.unwrap();
        assert_filled(&mut client_of(&cluster, node).await).await;
    }
    assert_eq!(owners(&cluster, &[0, 1, 2]).await, before);
}

#[tokio::test]
async fn without_replicas_a_stopped_node_takes_its_records_along() {
    let options = ClusterOptions { nodes: 2, replication_factor: 1, ..ClusterOptions::default() };
    let cluster = Cluster::start(options).await.unwrap();
    fill(&mut client_of(&cluster, 0).await).await;
    cluster.stop_node(1).await.unwrap();
    cluster.start_node(1).await.unwrap();
    let mut client = client_of(&cluster, 0).await;
    let mut found = 0;
    for n in 0..KEYS {
        found += i64::from(client.get("demo", &n.to_string()).await.result == ResultCode::OK);
    }
    assert!((KEYS / 4..KEYS * 3 / 4).contains(&found), "{found} of {KEYS}");
}

#[tokio::test]
async fn clients_can_tell_that_the_cluster_changed() {
    let cluster = cluster(3).await;
    let mut client = client_of(&cluster, 0).await;
    let generations = ["partition-generation", "peers-generation", "rebalance-generation", "cluster-stable:"];
    let before = client.info(&generations).await;
    let peers = parse_peers(&client.info_value("peers-clear-std").await).unwrap();
    assert_eq!(peers.peers.iter().map(|peer| peer.node.as_str()).collect::<Vec<_>>(), ["A2", "A3"]);
    cluster.stop_node(2).await.unwrap();
    let peers = parse_peers(&client.info_value("peers-clear-std").await).unwrap();
    assert_eq!(peers.peers.len(), 1);
    let during = client.info(&generations).await;
    assert!(before.lines().zip(during.lines()).all(|(a, b)| a != b));
    owners(&cluster, &[0, 1]).await;
    cluster.start_node(2).await.unwrap();
    let after = client.info(&generations).await;
    assert!(during.lines().zip(after.lines()).all(|(a, b)| a != b));
}

#[tokio::test]
async fn a_frozen_node_takes_connections_and_says_nothing_until_it_thaws() {
    let cluster = cluster(3).await;
    let mut early = client_of(&cluster, 1).await;
    assert_eq!(early.info_value("node").await, "A2");
    cluster.freeze_node(1).unwrap();
    let mut late = client_of(&cluster, 1).await;
    for client in [&mut early, &mut late] {
        let frame = client.encode("demo", "k", read_all());
        client.send(&frame).await;
        assert!(client.is_silent_for(Duration::from_millis(100)).await);
    }
    let peers = client_of(&cluster, 0).await.info_value("peers-clear-std").await;
    assert!(peers.contains("A2"), "still a member: {peers}");
    cluster.thaw_node(1).unwrap();
    for client in [&mut early, &mut late] {
        assert_eq!(client.answer().await.result, ResultCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_replica_answers_reads_while_its_master_is_frozen() {
    let cluster = cluster(3).await;
    let key = key_held_by(&cluster, 0, 1).await;
    client_of(&cluster, 0).await.put("demo", &key, 7).await;
    cluster.freeze_node(0).unwrap();
    assert_eq!(client_of(&cluster, 1).await.get("demo", &key).await.integer("n"), Some(7));
}

#[tokio::test]
async fn what_needs_a_frozen_master_times_out_and_is_not_done() {
    let cluster = cluster(3).await;
    let key = key_held_by(&cluster, 0, 1).await;
    client_of(&cluster, 0).await.put("demo", &key, 7).await;
    cluster.freeze_node(0).unwrap();
    let mut replica = client_of(&cluster, 1).await;
    replica.timeout = 100;
    let started = Instant::now();
    assert_eq!(replica.put("demo", &key, 8).await.result, ResultCode::TIMEOUT);
    assert!(started.elapsed() >= Duration::from_millis(100));
    let mut bystander = client_of(&cluster, 2).await;
    bystander.timeout = 100;
    assert_eq!(bystander.get("demo", &key).await.result, ResultCode::TIMEOUT);
    cluster.thaw_node(0).unwrap();
    assert_eq!(replica.get("demo", &key).await.integer("n"), Some(7));
}

#[tokio::test]
async fn a_write_waits_for_a_frozen_replica() {
    let cluster = cluster(3).await;
    let key = key_held_by(&cluster, 0, 1).await;
    cluster.freeze_node(1).unwrap();
    let mut master = client_of(&cluster, 0).await;
    master.timeout = 100;
    assert_eq!(master.put("demo", &key, 1).await.result, ResultCode::TIMEOUT);
    // it was done all the same, as far as could be
    assert_eq!(master.get("demo", &key).await.integer("n"), Some(1));
    master.timeout = 5000;
    let (answer, ()) = tokio::join!(master.put("demo", &key, 2), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cluster.thaw_node(1).unwrap();
    });
    assert_eq!((answer.result, answer.generation), (ResultCode::OK, 2));
    assert_eq!(client_of(&cluster, 1).await.get("demo", &key).await.integer("n"), Some(2));
}

#[tokio::test]
async fn a_frozen_node_costs_a_batch_only_its_own_rows() {
    let cluster = cluster(3).await;
    fill(&mut client_of(&cluster, 0).await).await;
    let owners = owners(&cluster, &[0, 1, 2]).await;
    cluster.freeze_node(0).unwrap();
    let mut client = client_of(&cluster, 1).await;
    client.send(&batch_read((0..KEYS).map(|n| n.to_string()), 200)).await;
    let (rows, result) = client.rows().await;
    assert_eq!((rows.len(), result), (KEYS as usize, ResultCode::OK));
    for row in rows {
        let holders = &owners[digest("demo", &row.index.to_string()).partition().index()];
        let lost = holders[0] == 0 && holders[1] != 1;
        assert_eq!(row.result, if lost { ResultCode::TIMEOUT } else { ResultCode::OK }, "row {}", row.index);
    }
}

#[tokio::test]
async fn a_stopped_node_frees_those_who_waited_for_it() {
    let cluster = cluster(3).await;
    let key = key_held_by(&cluster, 0, 1).await;
    client_of(&cluster, 0).await.put("demo", &key, 7).await;
    cluster.freeze_node(0).unwrap();
    let mut client = client_of(&cluster, 1).await;
    client.timeout = 5000;
    let (answer, ()) = tokio::join!(client.put("demo", &key, 8), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cluster.stop_node(0).await.unwrap();
    });
    assert_eq!((answer.result, answer.generation), (ResultCode::OK, 2));
}

#[tokio::test]
async fn a_slow_node_delays_every_answer_and_a_slow_set_only_its_own() {
    let cluster = cluster(1).await;
    let mut client = client_of(&cluster, 0).await;
    let delay = Duration::from_millis(60);
    cluster.slow_node(0, delay).unwrap();
    let started = Instant::now();
    client.info_value("node").await;
    client.get("demo", "k").await;
    assert!(started.elapsed() >= 2 * delay);
    cluster.slow_node(0, Duration::ZERO).unwrap();

    cluster.delay_set("slow", Duration::from_secs(1));
    let started = Instant::now();
    client.get("demo", "k").await;
    assert!(started.elapsed() < Duration::from_secs(1));
    client.get("slow", "k").await;
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn connections_can_be_dropped_and_refused() {
    let cluster = cluster(1).await;
    let mut client = client_of(&cluster, 0).await;
    client.info_value("node").await;
    cluster.drop_connections(0).await.unwrap();
    assert!(client.is_closed().await);
    cluster.reject_connections(0, true).unwrap();
    assert!(client_of(&cluster, 0).await.is_closed().await);
    cluster.reject_connections(0, false).unwrap();
    assert_eq!(client_of(&cluster, 0).await.info_value("node").await, "A1");
}

#[tokio::test]
async fn a_garbled_node_answers_what_no_client_should_believe() {
    let cluster = cluster(1).await;
    for garble in [Garble::Noise, Garble::Truncated, Garble::Oversized] {
        cluster.garble_node(0, Some(garble)).unwrap();
        let mut client = client_of(&cluster, 0).await;
        assert_eq!(client.info_value("node").await, "A1", "info is left alone");
        let frame = client.encode("demo", "k", read_all());
        client.send(&frame).await;
        let mut believed = HashSet::new();
        if let Ok(Ok(frame)) = tokio::time::timeout(Duration::from_millis(200), client.try_frame()).await {
            believed.insert(frame.1.len());
        }
        assert!(believed.is_empty(), "{garble:?}: {believed:?}");
    }
    cluster.garble_node(0, None).unwrap();
    assert_eq!(client_of(&cluster, 0).await.get("demo", "k").await.result, ResultCode::NOT_FOUND);
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    let none = ClusterOptions::default;
    let namespaces = vec![NamespaceOptions::new("a;b", 0)];
    for options in [
        ClusterOptions { nodes: 0, ..none() },
        ClusterOptions { nodes: 9, ..none() },
        ClusterOptions { nodes: 2, port: Some(65535), ..none() },
        ClusterOptions { replication_factor: 0, ..none() },
        ClusterOptions { namespaces, ..none() },
    ] {
        assert_eq!(Cluster::start(options).await.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    }
    let cluster = cluster(1).await;
    assert!(cluster.freeze_node(1).is_err());
    let port = Some(cluster.hosts()[0].port());
    let taken = Cluster::start(ClusterOptions { port, ..none() }).await;
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_stopped_cluster_leaves_its_ports() {
    let first = cluster(2).await;
    let port = first.hosts()[0].port();
    let mut client = client_of(&first, 0).await;
    client.info_value("node").await;
    first.stop().await;
    assert!(client.is_closed().await);
    let options = ClusterOptions { port: Some(port), ..ClusterOptions::default() };
    let second = Cluster::start(options).await.unwrap();
    drop(second);
}
