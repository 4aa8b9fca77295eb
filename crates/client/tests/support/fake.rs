//! A node that does as it is told: it answers info commands as a cluster of one would, and everything else as the
//! test says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use aerospike_core::wire::info::PartitionBitmap;
use aerospike_core::wire::proto::write_frame;
use aerospike_core::wire::{MessageHeader, PartitionId, ProtoHeader, ProtoType, ResultCode};
use aerospike_core::{Config, Endpoint};
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the test says to a frame that is no info command: bytes to send, or `None` to close the connection.
pub type Answer = Arc<dyn Fn(ProtoType, &[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// A fake node.
pub struct Fake {
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// Starts a node that answers frames with `answer`.
    pub async fn start(answer: impl Fn(ProtoType, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::start_with(None, answer).await
    }

    /// The same, behind TLS.
    pub async fn start_with(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(ProtoType, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::serving(tls, 0, answer).await
    }

    /// A node that says the first `asks` times that it is still starting.
    pub async fn starting(asks: u32) -> Self {
        Self::serving(None, asks, |_, _| None).await
    }

    async fn serving(
        tls: Option<TlsAcceptor>,
        asks: u32,
        answer: impl Fn(ProtoType, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let starting = Arc::new(AtomicU32::new(asks));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer: Answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (tls, answer, starting) = (tls.clone(), answer.clone(), starting.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(socket, address, answer, &starting).await,
                        Some(tls) => serve(tls.accept(socket).await.ok()?, address, answer, &starting).await,
                    }
                });
            }
        });
        Self { address, task }
    }

    pub fn config(&self) -> Config {
        Config::new([Endpoint { host: self.address.ip().to_string(), port: self.address.port() }])
    }
}

async fn serve(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    address: SocketAddr,
    answer: Answer,
    starting: &AtomicU32,
) -> Option<()> {
    loop {
        let mut header = [0; 8];
        socket.read_exact(&mut header).await.ok()?;
        let header = ProtoHeader::decode(&header).ok()?;
        let mut body = vec![0; header.size];
        socket.read_exact(&mut body).await.ok()?;
        let bytes = match header.kind {
            ProtoType::Info => info(&String::from_utf8(body).ok()?, address, starting),
            kind => answer(kind, &body)?,
        };
        socket.write_all(&bytes).await.ok()?;
        socket.flush().await.ok()?;
    }
}

fn info(request: &str, address: SocketAddr, starting: &AtomicU32) -> Vec<u8> {
    let mut out = BytesMut::new();
    write_frame(&mut out, ProtoType::Info, |out| {
        for name in request.lines() {
            let value = match name {
                "node" => "FA1".to_owned(),
                "build" => "8.1.2.0".to_owned(),
                "cluster-name" => "fake".to_owned(),
                "partition-generation" => {
                    let is_starting = starting.fetch_update(Relaxed, Relaxed, |asks| asks.checked_sub(1)).is_ok();
                    if is_starting { "-1".to_owned() } else { "1".to_owned() }
                }
                "peers-generation" => "1".to_owned(),
                "peers-clear-std" => "1,3000,[]".to_owned(),
                "peers-tls-std" => "1,3000,[]".to_owned(),
                "service-clear-std" | "service-tls-std" => address.to_string(),
                "replicas" => {
                    let mut all = PartitionBitmap::empty();
                    PartitionId::all().for_each(|id| all.insert(id));
                    format!("test:0,1,{}", all.to_base64())
                }
                _ => "ERROR:4:unrecognized command".to_owned(),
            };
            out.extend_from_slice(format!("{name}\t{value}\n").as_bytes());
        }
    });
    out.to_vec()
}

/// A message without fields and operations, framed.
pub fn message(header: MessageHeader) -> Vec<u8> {
    let mut out = BytesMut::new();
    write_frame(&mut out, ProtoType::Message, |out| header.encode(out));
    out.to_vec()
}

/// The answer "done".
pub fn done() -> Vec<u8> {
    message(MessageHeader { result: ResultCode::OK, generation: 1, ..MessageHeader::default() })
}
