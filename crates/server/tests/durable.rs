//! What the Enterprise edition remembers of records that were removed durably, and what else it does that the Community
//! edition refuses.

mod support;

use aerospike_server::{Cluster, ClusterOptions, Edition};
use aerospike_wire::command::CommandSpec;
use aerospike_wire::{Info2, OpCode, ParticleType, ResultCode};
use support::{Client, op, read_all, write};

async fn started(edition: Edition) -> (Cluster, Client) {
    let cluster = Cluster::start(ClusterOptions { edition, ..ClusterOptions::default() }).await.unwrap();
    let client = Client::connect(cluster.hosts()[0]).await;
    (cluster, client)
}

fn removal(durably: bool) -> CommandSpec<'static> {
    let durable = if durably { Info2::DURABLE_DELETE } else { Info2::empty() };
    CommandSpec { info2: Info2::WRITE | Info2::DELETE | durable, ..CommandSpec::default() }
}

/// A number of the statistics of the namespace or, with a set, of that set.
async fn count(client: &mut Client, what: &str, set: Option<&str>) -> u64 {
    let command = set.map_or("namespace/test".to_owned(), |set| format!("sets/test/{set}"));
    let text = client.info_value(&command).await;
    let pairs = text.trim_end_matches(';').split([';', ':']).filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(name, _)| *name == what)
        .find_map(|(_, value)| value.parse().ok())
        .unwrap_or_else(|| panic!("{text}"))
}

#[tokio::test]
async fn a_record_that_was_removed_durably_goes_on_counting_its_generations() {
    let (_cluster, mut client) = started(Edition::Enterprise).await;
    let value = op(OpCode::Write, ParticleType::INTEGER, "n", &1_i64.to_be_bytes());
    for (durably, after) in [(false, 1), (true, 3)] {
        let key = if durably { "durable" } else { "plain" };
        client.run("s", key, write(&value, 1)).await;
        assert_eq!(client.run("s", key, removal(durably)).await.result, ResultCode::OK);
        assert_eq!(client.run("s", key, read_all()).await.result, ResultCode::NOT_FOUND);
        assert_eq!(client.run("s", key, removal(durably)).await.result, ResultCode::NOT_FOUND);
        let update = CommandSpec { info3: aerospike_wire::Info3::UPDATE_ONLY, ..write(&value, 1) };
        assert_eq!(client.run("s", key, update).await.result, ResultCode::NOT_FOUND);
        // nothing is there for those who want to create
        let create = CommandSpec { info2: Info2::WRITE | Info2::CREATE_ONLY, ..write(&value, 1) };
        assert_eq!(client.run("s", key, create).await.result, ResultCode::OK);
        assert_eq!(client.run("s", key, read_all()).await.generation, after, "{key}");
    }
    // and those who compare generations compare with that of the removal
    client.run("s", "compared", write(&value, 1)).await;
    client.run("s", "compared", removal(true)).await;
    let expecting =
        |generation| CommandSpec { info2: Info2::WRITE | Info2::GENERATION, generation, ..write(&value, 1) };
    assert_eq!(client.run("s", "compared", expecting(0)).await.result, ResultCode::GENERATION);
    assert_eq!(client.run("s", "compared", expecting(2)).await.result, ResultCode::OK);
}

#[tokio::test]
async fn what_was_removed_durably_is_counted_until_it_is_truncated() {
    let (_cluster, mut client) = started(Edition::Enterprise).await;
    let value = op(OpCode::Write, ParticleType::INTEGER, "n", &1_i64.to_be_bytes());
    for set in ["one", "two"] {
        for key in ["a", "b", "c"] {
            client.run(set, key, write(&value, 1)).await;
        }
        client.run(set, "a", removal(true)).await;
        client.run(set, "b", removal(false)).await;
    }
    assert_eq!(count(&mut client, "objects", None).await, 2);
    assert_eq!(count(&mut client, "tombstones", None).await, 2);
    assert_eq!(count(&mut client, "objects", Some("one")).await, 1);
    assert_eq!(count(&mut client, "tombstones", Some("one")).await, 1);
    assert_eq!(client.info_value("truncate:namespace=test;set=one").await, "ok");
    assert_eq!(count(&mut client, "tombstones", None).await, 1);
    assert_eq!(count(&mut client, "tombstones", Some("two")).await, 1);
    client.run("one", "a", write(&value, 1)).await;
    assert_eq!(client.run("one", "a", read_all()).await.generation, 1, "nothing is known of it any more");
    client.run("two", "a", write(&value, 1)).await;
    assert_eq!(count(&mut client, "tombstones", None).await, 0, "a record that is there again is no tombstone");
}

#[tokio::test]
async fn the_community_edition_refuses_durable_removals() {
    let (_cluster, mut client) = started(Edition::Community).await;
    let value = op(OpCode::Write, ParticleType::INTEGER, "n", &1_i64.to_be_bytes());
    client.run("s", "k", write(&value, 1)).await;
    assert_eq!(client.run("s", "k", removal(true)).await.result, ResultCode::ENTERPRISE_ONLY);
    assert_eq!(client.info_value("edition").await, "Aerospike Community Edition");
}
