//! A client with nothing in between: frames as they are, for tests that look at bytes and codes.

#![allow(dead_code)] // each test file uses its own part

pub(crate) mod query;
pub(crate) mod transaction;

use std::net::SocketAddr;
use std::time::Duration;

use aerospike_server::{Cluster, ClusterOptions};
use aerospike_wire::command::{CommandSpec, RecordCommand, UserKey};
use aerospike_wire::message::{Message, Messages};
use aerospike_wire::op::write_op;
use aerospike_wire::{
    Digest, FieldType, Info1, Info2, KeyType, OpCode, ParticleType, ProtoHeader, ProtoType, ResultCode, info,
};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything a healthy server does.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A cluster on free ports.
pub(crate) async fn cluster(nodes: usize) -> Cluster {
    Cluster::start(ClusterOptions { nodes, ..ClusterOptions::default() }).await.unwrap()
}

/// An operation of an answer: code, particle type, bin, value.
pub(crate) type AnswerOp = (u8, u8, Vec<u8>, Vec<u8>);

/// A message of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) result: ResultCode,
    pub(crate) generation: u32,
    pub(crate) ttl: u32,
    pub(crate) index: u32,
    pub(crate) last: bool,
    pub(crate) ops: Vec<AnswerOp>,
    pub(crate) fields: Vec<(FieldType, Vec<u8>)>,
}

impl From<Message<'_>> for Answer {
    fn from(message: Message<'_>) -> Self {
        let header = &message.header;
        let ops = message.ops().map(|op| (op.code, op.particle.0, op.name.to_vec(), op.value.to_vec()));
        Self {
            result: header.result,
            generation: header.generation,
            ttl: header.ttl,
            index: header.timeout,
            last: header.is_last(),
            ops: ops.collect(),
            fields: message.fields().map(|field| (field.kind, field.data.to_vec())).collect(),
        }
    }
}

impl Answer {
    /// The data of a field.
    pub(crate) fn field(&self, kind: FieldType) -> Option<&[u8]> {
        self.fields.iter().find(|field| field.0 == kind).map(|field| field.1.as_slice())
    }

    /// The value of an integer bin.
    pub(crate) fn integer(&self, bin: &str) -> Option<i64> {
        let (.., value) = self.ops.iter().find(|op| op.2 == bin.as_bytes())?;
        value.as_slice().try_into().ok().map(i64::from_be_bytes)
    }
}

/// One connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) timeout: u32,
    pub(crate) namespace: &'static str,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream, timeout: 1000, namespace: "test" }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next frame, or the error that ended the connection.
    pub(crate) async fn try_frame(&mut self) -> std::io::Result<(ProtoType, Vec<u8>)> {
        let read = async {
            let mut header = [0; 8];
            self.stream.read_exact(&mut header).await?;
            let header = ProtoHeader::decode(&header).map_err(std::io::Error::other)?;
            let mut body = vec![0; header.size];
            self.stream.read_exact(&mut body).await?;
            Ok((header.kind, body))
        };
        tokio::time::timeout(TIME_LIMIT, read).await.expect("an answer in time")
    }

    pub(crate) async fn frame(&mut self) -> (ProtoType, Vec<u8>) {
        self.try_frame().await.unwrap()
    }

    /// Whether nothing comes within a time.
    pub(crate) async fn is_silent_for(&mut self, time: Duration) -> bool {
        let mut byte = [0];
        tokio::time::timeout(time, self.stream.peek(&mut byte)).await.is_err()
    }

    /// Whether the server closes the connection without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = self.stream.read(&mut byte);
        matches!(tokio::time::timeout(TIME_LIMIT, read).await.expect("an end in time"), Ok(0) | Err(_))
    }

    /// The next frame as one message.
    pub(crate) async fn answer(&mut self) -> Answer {
        let (kind, body) = self.frame().await;
        assert_eq!(kind, ProtoType::Message);
        Message::decode_exact(&body).unwrap().into()
    }

    /// Every message up to the one that ends a batch, without that one, and its result.
    pub(crate) async fn rows(&mut self) -> (Vec<Answer>, ResultCode) {
        let mut rows = Vec::new();
        loop {
            let (_, body) = self.frame().await;
            for message in Messages::new(&body) {
                let row = Answer::from(message.unwrap().1);
                if row.last {
                    return (rows, row.result);
                }
                rows.push(row);
            }
        }
    }

    /// Sends a command and reads its answer.
    pub(crate) async fn run(&mut self, set: &str, key: &str, spec: CommandSpec<'_>) -> Answer {
        let frame = self.encode(set, key, spec);
        self.send(&frame).await;
        self.answer().await
    }

    /// The frame of a command.
    pub(crate) fn encode(&self, set: &str, key: &str, spec: CommandSpec<'_>) -> BytesMut {
        let mut out = BytesMut::new();
        let command = RecordCommand {
            namespace: self.namespace.as_bytes(),
            set: set.as_bytes(),
            digest: digest(set, key),
            send_key: None,
            spec,
            timeout: self.timeout,
        };
        command.encode(&mut out);
        out
    }

    pub(crate) async fn put(&mut self, set: &str, key: &str, value: i64) -> Answer {
        self.put_for(set, key, value, 0).await
    }

    /// Writes the integer bin `n` with a TTL directive.
    pub(crate) async fn put_for(&mut self, set: &str, key: &str, value: i64, ttl: u32) -> Answer {
        let ops = op(OpCode::Write, ParticleType::INTEGER, "n", &value.to_be_bytes());
        self.run(set, key, CommandSpec { ttl, ..write(&ops, 1) }).await
    }

    pub(crate) async fn get(&mut self, set: &str, key: &str) -> Answer {
        self.run(set, key, read_all()).await
    }

    pub(crate) async fn remove(&mut self, set: &str, key: &str) -> Answer {
        self.run(set, key, CommandSpec { info2: Info2::WRITE | Info2::DELETE, ..CommandSpec::default() }).await
    }

    /// The body of an answer to info commands.
    pub(crate) async fn info(&mut self, names: &[&str]) -> String {
        let mut out = BytesMut::new();
        info::write_request(&mut out, names.iter().copied());
        self.send(&out).await;
        let (kind, body) = self.frame().await;
        assert_eq!(kind, ProtoType::Info);
        String::from_utf8(body).unwrap()
    }

    /// The value of one info command.
    pub(crate) async fn info_value(&mut self, name: &str) -> String {
        let body = self.info(&[name]).await;
        let value = body.strip_prefix(name).and_then(|rest| rest.strip_prefix('\t'));
        value.and_then(|value| value.strip_suffix('\n')).expect("name, tab, value, line feed").to_owned()
    }
}

pub(crate) fn digest(set: &str, key: &str) -> Digest {
    Digest::of_key(set.as_bytes(), KeyType::String, key.as_bytes())
}

pub(crate) fn user_key(key: &str) -> UserKey<'_> {
    UserKey { kind: KeyType::String, bytes: key.as_bytes() }
}

/// One operation in wire form.
pub(crate) fn op(code: OpCode, particle: ParticleType, name: &str, value: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    write_op(&mut out, code as u8, particle, name.as_bytes(), value);
    out
}

pub(crate) fn write(ops: &[u8], op_count: u16) -> CommandSpec<'_> {
    CommandSpec { info2: Info2::WRITE, ops, op_count, ..CommandSpec::default() }
}

pub(crate) fn read_all() -> CommandSpec<'static> {
    CommandSpec { info1: Info1::READ | Info1::GET_ALL, ..CommandSpec::default() }
}
