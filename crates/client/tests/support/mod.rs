//! What the tests share: commands in one line, a cluster and a client connected to it.
#![allow(dead_code, missing_docs, unreachable_pub)] // each test file uses its own part

pub mod fake;
pub mod query;

use std::time::Duration;

use aerospike_core::wire::op::write_op;
use aerospike_core::wire::{Info2, KeyType, ParticleType};
use aerospike_core::{
    Batch, BatchFlags, BatchReply, BatchRow, Client, Command, CommandPolicy, Config, Endpoint, Error, Key, Keyspace,
    Reply, Spec,
};
use aerospike_server::{Cluster, ClusterOptions};
use bytes::{Bytes, BytesMut};

pub fn key(number: u64) -> Key {
    Key::User { kind: KeyType::Integer, bytes: Bytes::copy_from_slice(&number.to_be_bytes()) }
}

/// Writes one integer bin `v`.
pub fn put_spec(value: u64) -> Spec {
    let mut ops = BytesMut::new();
    write_op(&mut ops, 2, ParticleType::INTEGER, b"v", &value.to_be_bytes());
    Spec { info2: Info2::WRITE, op_count: 1, ops: ops.freeze(), ..Spec::default() }
}

pub fn delete_spec() -> Spec {
    Spec { info2: Info2::WRITE | Info2::DELETE, ..Spec::default() }
}

pub fn command(set: &'static str, number: u64, spec: Spec, policy: CommandPolicy) -> Command {
    Command {
        namespace: Bytes::from_static(b"test"),
        set: Bytes::from_static(set.as_bytes()),
        key: key(number),
        send_key: false,
        spec,
        policy,
        sent: None,
        timed: false,
    }
}

pub async fn put(client: &Client, set: &'static str, number: u64, value: u64) -> Result<Reply, Error> {
    client.execute(command(set, number, put_spec(value), CommandPolicy::write())).await
}

pub async fn get(client: &Client, set: &'static str, number: u64) -> Result<Reply, Error> {
    client.execute(command(set, number, Spec::read_all(), CommandPolicy::default())).await
}

/// The value of bin `v`.
pub fn value(message: &[u8]) -> Option<u64> {
    let mut bytes = message;
    let message = aerospike_core::wire::Message::decode(&mut bytes).ok()?;
    let op = message.ops().find(|op| op.name == b"v")?;
    op.value.try_into().ok().map(u64::from_be_bytes)
}

/// A batch of whole-record reads of one set.
pub fn reads(set: &'static str, keys: impl IntoIterator<Item = u64>) -> Batch {
    Batch {
        flags: BatchFlags::INLINE | BatchFlags::RESPOND_ALL_KEYS,
        specs: vec![Spec::read_all()],
        keyspaces: vec![Keyspace { namespace: "test".into(), set: set.into() }],
        rows: keys.into_iter().map(|n| BatchRow { keyspace: 0, spec: 0, send_key: false, key: key(n) }).collect(),
        ..Batch::default()
    }
}

/// The value of bin `v` in a row.
pub fn row_value(reply: &BatchReply, row: usize) -> Option<u64> {
    let outcome = reply.rows[row];
    outcome.is_answered().then(|| &reply.pages[usize::from(outcome.page)][outcome.offset as usize..]).and_then(value)
}

pub async fn cluster(nodes: usize) -> Cluster {
    Cluster::start(ClusterOptions { nodes, ..ClusterOptions::default() }).await.expect("a cluster starts")
}

pub fn config(cluster: &Cluster) -> Config {
    Config::new(cluster.hosts().iter().map(|a| Endpoint { host: a.ip().to_string(), port: a.port() }))
}

pub async fn connect(cluster: &Cluster) -> Client {
    Client::connect(config(cluster)).await.expect("the client connects")
}

/// Waits until something is so; fails after five seconds.
pub async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..500 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} never came to be");
}
