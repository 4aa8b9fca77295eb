//! More work than the connections carry: calls that wait in vain say so, and the node is not blamed for them.

mod support;

use std::time::Duration;

use aerospike_core::{Client, Code, CommandPolicy, Config, Spec};
use support::{cluster, command, config, eventually, get, put, reads};

const HURRY: CommandPolicy = CommandPolicy {
    total_timeout: 100,
    socket_timeout: 30_000,
    sleep_between_retries: 0,
    max_retries: 2,
    replica: aerospike_core::Replica::Sequence,
    idempotent: false,
    hedge: None,
};

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_were_never_sent_do_not_open_the_breaker() {
    let cluster = cluster(1).await;
    let few = Config { max_connections_per_node: 1, max_error_rate: 5, ..config(&cluster) };
    let client = Client::connect(few).await.unwrap();
    put(&client, "o", 1, 7).await.unwrap();
    cluster.delay_set("slow", Duration::from_secs(2));
    let holder = tokio::spawn({
        let client = client.clone();
        let mut batch = reads("slow", [1]);
        batch.policy.total_timeout = 30_000;
        async move { client.batch(batch).await }
    });
    eventually("the only connection is in use", || client.nodes()[0].connections_in_use == 1).await;

    let calls = (0..50u64).map(|n| {
        let client = client.clone();
        tokio::spawn(async move {
            if n % 2 == 0 {
                let error = client.execute(command("o", 1, Spec::read_all(), HURRY)).await.unwrap_err();
                assert_eq!(error.code(), Code::TIMEOUT);
                for part in ["nothing was sent", "1 connections of 1 (maxConnectionsPerNode)"] {
                    assert!(error.detail().contains(part), "{error:?}");
                }
            } else {
                let mut batch = reads("o", [1]);
                batch.policy = HURRY;
                let reply = client.batch(batch).await;
                assert_eq!(reply.rows[0].code, Code::TIMEOUT);
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    holder.await.unwrap();
    get(&client, "o", 1).await.expect("the node did nothing wrong");
}
