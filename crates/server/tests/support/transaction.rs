//! A transaction by hand: each step as a test wants it.

use std::collections::BTreeMap;
use std::time::Duration;

use aerospike_server::{Cluster, ClusterOptions, Edition, NamespaceOptions};
use aerospike_wire::command::{CommandSpec, RecordCommand};
use aerospike_wire::op::write_op;
use aerospike_wire::transaction::{COMMITTED_BIN, DIGESTS_BIN, ID_BIN, MONITOR_SET, RecordVersion, TransactionFields};
use aerospike_wire::value::{pack_integer, pack_list_header, pack_typed};
use aerospike_wire::{Digest, FieldType, Info1, Info2, Info3, Info4, KeyType, OpCode, ParticleType, ResultCode};
use bytes::BytesMut;

use super::{Answer, Client, digest, op, read_all, write};

/// A cluster with a strongly consistent namespace, `sc`.
pub(crate) async fn strong_cluster(nodes: usize) -> Cluster {
    let mut options = ClusterOptions { nodes, edition: Edition::Enterprise, ..ClusterOptions::default() };
    options.namespaces.push(NamespaceOptions::strong("sc"));
    Cluster::start(options).await.unwrap()
}

/// A transaction.
pub(crate) struct Transaction {
    pub(crate) id: u64,
    /// Seconds it asks for.
    pub(crate) duration: u32,
    pub(crate) deadline: Option<u32>,
    pub(crate) reads: BTreeMap<String, RecordVersion>,
    pub(crate) writes: Vec<String>,
}

impl Transaction {
    pub(crate) fn new(id: u64) -> Self {
        Self { id, duration: 0, deadline: None, reads: BTreeMap::new(), writes: Vec::new() }
    }

    pub(crate) fn fields(&self, key: &str, deadline: bool) -> TransactionFields {
        TransactionFields {
            id: Some(self.id),
            version: self.reads.get(key).copied(),
            deadline: self.deadline.filter(|_| deadline),
        }
    }

    pub(crate) fn monitor(&self) -> Digest {
        Digest::of_key(MONITOR_SET, KeyType::Integer, &self.id.to_be_bytes())
    }

    /// Adds records to the monitor.
    pub(crate) async fn add(&mut self, client: &mut Client, digests: &[Digest]) -> Answer {
        let begins = self.deadline.is_none();
        let answer = self.add_as(client, digests, begins).await;
        if let Some(deadline) = answer.field(FieldType::MRT_DEADLINE) {
            self.deadline = Some(u32::from_le_bytes(deadline.try_into().unwrap()));
        }
        answer
    }

    pub(crate) async fn add_as(&mut self, client: &mut Client, digests: &[Digest], begins: bool) -> Answer {
        const APPEND_ITEMS: i64 = 2;
        const ORDERED: i64 = 1;
        const UNIQUE_NO_FAIL_PARTIAL: i64 = 13;
        let mut payload = BytesMut::new();
        pack_list_header(&mut payload, 4);
        pack_integer(&mut payload, APPEND_ITEMS);
        pack_list_header(&mut payload, digests.len());
        digests.iter().for_each(|digest| pack_typed(&mut payload, ParticleType::BLOB, &digest.0));
        pack_integer(&mut payload, ORDERED);
        pack_integer(&mut payload, UNIQUE_NO_FAIL_PARTIAL);
        let mut ops = BytesMut::new();
        if begins {
            write_op(&mut ops, OpCode::Write as u8, ParticleType::INTEGER, ID_BIN, &self.id.to_be_bytes());
        }
        write_op(&mut ops, OpCode::CdtModify as u8, ParticleType::BLOB, DIGESTS_BIN, &payload);
        let spec = CommandSpec { ttl: self.duration, ..write(&ops, 1 + u16::from(begins)) };
        self.on_monitor(client, spec).await
    }

    /// Says that it is committed.
    pub(crate) async fn mark(&self, client: &mut Client) -> ResultCode {
        let mut ops = BytesMut::new();
        write_op(&mut ops, OpCode::Write as u8, ParticleType::BOOL, COMMITTED_BIN, &[1]);
        self.on_monitor(client, write(&ops, 1)).await.result
    }

    /// Removes the monitor.
    pub(crate) async fn close(&self, client: &mut Client) -> ResultCode {
        let info2 = Info2::WRITE | Info2::DELETE | Info2::DURABLE_DELETE;
        self.on_monitor(client, CommandSpec { info2, ..CommandSpec::default() }).await.result
    }

    async fn on_monitor(&self, client: &mut Client, spec: CommandSpec<'_>) -> Answer {
        let set = std::str::from_utf8(MONITOR_SET).unwrap();
        run(client, set, self.monitor(), spec, TransactionFields::default()).await
    }

    /// Runs a command in it, and notes what it saw and locked.
    pub(crate) async fn run(&mut self, client: &mut Client, key: &str, spec: CommandSpec<'_>) -> Answer {
        let writes = spec.info2.contains(Info2::WRITE);
        let answer = run(client, "s", digest("s", key), spec, self.fields(key, writes)).await;
        match answer.field(FieldType::RECORD_VERSION).map(|version| RecordVersion::from_slice(version).unwrap()) {
            Some(version) => drop(self.reads.insert(key.to_owned(), version)),
            None if writes && answer.result.is_ok() => {
                self.reads.remove(key);
                self.writes.push(key.to_owned());
            }
            None => {}
        }
        answer
    }

    pub(crate) async fn get(&mut self, client: &mut Client, key: &str) -> Answer {
        self.run(client, key, read_all()).await
    }

    /// Adds the record to the monitor, and writes the integer bin `n`.
    pub(crate) async fn put(&mut self, client: &mut Client, key: &str, value: i64) -> Answer {
        assert!(self.add(client, &[digest("s", key)]).await.result.is_ok());
        let ops = op(OpCode::Write, ParticleType::INTEGER, "n", &value.to_be_bytes());
        self.run(client, key, write(&ops, 1)).await
    }

    /// Removes a record durably.
    pub(crate) async fn remove(&mut self, client: &mut Client, key: &str) -> Answer {
        assert!(self.add(client, &[digest("s", key)]).await.result.is_ok());
        self.run(client, key, durable_delete()).await
    }

    /// Compares what was read of a record with what is there.
    pub(crate) async fn verify(&self, client: &mut Client, key: &str) -> ResultCode {
        let spec = CommandSpec {
            info1: Info1::READ | Info1::GET_NO_BINS,
            info3: Info3::SC_READ_TYPE,
            info4: Info4::MRT_VERIFY_READ,
            ..CommandSpec::default()
        };
        let fields = TransactionFields { id: None, ..self.fields(key, false) };
        run(client, "s", digest("s", key), spec, fields).await.result
    }

    /// Rolls a record.
    pub(crate) async fn roll(&self, client: &mut Client, key: &str, way: Info4) -> ResultCode {
        let spec = CommandSpec { info2: Info2::WRITE | Info2::DURABLE_DELETE, info4: way, ..CommandSpec::default() };
        run(client, "s", digest("s", key), spec, self.fields(key, false)).await.result
    }

    /// Verifies, marks, rolls and closes.
    pub(crate) async fn commit(&mut self, client: &mut Client) {
        for key in self.reads.keys() {
            assert_eq!(self.verify(client, key).await, ResultCode::OK);
        }
        if self.deadline.is_some() {
            assert_eq!(self.mark(client).await, ResultCode::OK);
        }
        self.end(client, Info4::MRT_ROLL_FORWARD).await;
    }

    /// Undoes everything.
    pub(crate) async fn abort(&mut self, client: &mut Client) {
        self.end(client, Info4::MRT_ROLL_BACK).await;
    }

    async fn end(&mut self, client: &mut Client, way: Info4) {
        for key in &self.writes {
            assert_eq!(self.roll(client, key, way).await, ResultCode::OK);
        }
        if self.deadline.is_some() {
            assert_eq!(self.close(client).await, ResultCode::OK);
        }
    }

    /// How long it has at most, and a little more.
    pub(crate) async fn outlast(&self) {
        let duration = if self.duration == 0 { 10 } else { self.duration };
        tokio::time::sleep(Duration::from_millis(u64::from(duration) * 1000 + 1100)).await;
    }
}

pub(crate) fn durable_delete() -> CommandSpec<'static> {
    CommandSpec { info2: Info2::WRITE | Info2::DELETE | Info2::DURABLE_DELETE, ..CommandSpec::default() }
}

async fn run(
    client: &mut Client,
    set: &str,
    digest: Digest,
    spec: CommandSpec<'_>,
    transaction: TransactionFields,
) -> Answer {
    let mut fields = BytesMut::new();
    let count = transaction.encode(&mut fields);
    fields.extend_from_slice(spec.fields);
    let spec = CommandSpec { fields: &fields, field_count: count + spec.field_count, ..spec };
    let mut out = BytesMut::new();
    let command = RecordCommand {
        namespace: client.namespace.as_bytes(),
        set: set.as_bytes(),
        digest,
        send_key: None,
        spec,
        timeout: client.timeout,
    };
    command.encode(&mut out);
    client.send(&out).await;
    client.answer().await
}
