//! The handle that callers hold.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::admin::{self, AdminCall, AdminReply};
use crate::batch::{self, Batch, BatchReply};
use crate::cluster::Cluster;
use crate::cluster::changes::Changes;
use crate::cluster::reach::UnreachableNode;
use crate::cluster::tend::Tender;
use crate::command::{Command, Reply};
use crate::concurrent::join_all;
use crate::config::Config;
use crate::deadline::Deadline;
use crate::error::{Code, Error, Failure};
use crate::execute::execute;
use crate::inline::InlineIo;
use crate::metrics::{Answer, Events, Kind};
use crate::node::{Node, NodeSummary};
use crate::query::{self, Job, JobReply, Query, QueryStream};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::socket::info;
use crate::tls::TlsConfig;
use crate::transaction::Transaction;

/// A connection to a cluster. Clones share it; the last one to go closes it.
///
/// ```no_run
/// # async fn example() -> Result<(), aerospike_core::Error> {
/// use aerospike_core::{Client, Command, CommandPolicy, Config, Endpoint, Key, Spec, wire::KeyType};
/// let client = Client::connect(Config::new([Endpoint { host: "127.0.0.1".into(), port: 3000 }])).await?;
/// let reply = client
///     .execute(Command {
///         namespace: "test".into(),
///         set: "demo".into(),
///         key: Key::User { kind: KeyType::String, bytes: "user1".into() },
///         send_key: false,
///         spec: Spec::read_all(),
///         policy: CommandPolicy::default(),
///         sent: None,
///         timed: false,
///     })
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    cluster: Arc<Cluster>,
    tending: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tending.abort();
        self.cluster.disconnect();
    }
}

/// Which nodes an info command goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InfoTarget {
    /// Every active node.
    All,
    /// The node of this name.
    Node(String),
    /// Any active node.
    Random,
}

impl Client {
    /// Finds the cluster, learns its nodes and partitions, and goes on watching them on the caller's Tokio runtime.
    /// Fails within [`Config::connect_timeout`].
    pub async fn connect(config: Config) -> Result<Self, Error> {
        let start = Instant::now();
        config.validate()?;
        let deadline = Deadline::within(start, config.connect_timeout);
        let cluster = Arc::new(Cluster::new(config).await?);
        let mut tender = Tender::new(cluster.clone());
        if cluster.config.lazy {
            let tending = cluster.runtime.spawn(tender.run());
            return Ok(Self { inner: Arc::new(Inner { cluster, tending }) });
        }
        if let Err(error) = tender.start(deadline).await {
            cluster.disconnect();
            return Err(error.at(None, 1, start.elapsed()));
        }
        let unreached = cluster.unreached.load_full();
        if let Some(missing) = unreached.describe_nodes().filter(|_| cluster.config.whole_cluster) {
            cluster.disconnect();
            let detail = format!("not the whole cluster can be reached: {missing}");
            let code = unreached.common_refusal().unwrap_or(Code::INVALID_NODE);
            return Err(Error::new(code, detail).at(None, 1, start.elapsed()));
        }
        cluster.last_tend.record();
        cluster.first_look.end();
        let tending = cluster.runtime.spawn(tender.run());
        Ok(Self { inner: Arc::new(Inner { cluster, tending }) })
    }

    /// Carries out a command. A result other than 0 is an error with the server's message attached. Dropping the
    /// future gives the command up; [`Command::sent`] then says whether it may have been carried out.
    pub fn execute(&self, command: Command) -> impl Future<Output = Result<Reply, Error>> + Send + use<> {
        execute(&self.inner.cluster, command, |outcome| outcome)
    }

    /// Carries out a command and gives what became of it to `then`: less memory than a future around
    /// [`execute`](Self::execute), for those who start many.
    pub fn execute_then<F, T>(&self, command: Command, then: F) -> impl Future<Output = T> + Send + use<F, T>
    where
        F: FnOnce(Result<Reply, Error>) -> T + Send,
    {
        execute(&self.inner.cluster, command, then)
    }

    /// Inline I/O, for one thread that has an event loop of its own.
    pub fn inline_io(&self) -> InlineIo {
        InlineIo::new(self.inner.cluster.clone())
    }

    /// Carries out a batch. It never fails as a whole: every row says what became of it.
    pub async fn batch(&self, batch: Batch) -> BatchReply {
        batch::run(&self.inner.cluster, batch, None).await
    }

    /// Carries out a batch whose rows do not wait for one another: outcomes that others keep waiting for more than four
    /// milliseconds are handed to `part`, and the rest is returned.
    pub async fn batch_in_parts(&self, batch: Batch, part: &mut (dyn FnMut(BatchReply) + Send)) -> BatchReply {
        batch::run(&self.inner.cluster, batch, Some(part)).await
    }

    /// Begins a transaction, which costs nothing yet. `timeout` is in seconds, 0 for what the server gives.
    pub fn begin_transaction(&self, timeout: u32) -> Transaction {
        Transaction::begin(&self.inner.cluster, timeout)
    }

    /// Opens a query. It costs nothing yet: work begins with the first step that is asked for.
    pub fn query(&self, query: Query) -> QueryStream {
        QueryStream::new(self.inner.cluster.clone(), query)
    }

    /// Starts a background job on every active node; it is done when each has taken it on.
    pub async fn start_job(&self, job: Job) -> JobReply {
        query::start_job(&self.inner.cluster, job).await
    }

    /// The nodes of the cluster.
    pub fn nodes(&self) -> Vec<NodeSummary> {
        self.inner.cluster.routing.load().nodes.iter().map(|node| NodeSummary::of(node)).collect()
    }

    /// All that is counted, as it is now.
    pub fn metrics(&self) -> Snapshot {
        Snapshot::of(&self.inner.cluster)
    }

    /// What happens at the nodes from now on. There is one watcher at a time.
    pub fn events(&self) -> Events {
        Events::of(&self.inner.cluster.metrics.feed)
    }

    /// The nodes that come and go from now on.
    pub fn changes(&self) -> Changes {
        Changes::new(self.inner.cluster.clone())
    }

    /// Sends an info command, or several separated by newlines, and returns what each node answered: the text as it
    /// came, `command<TAB>value` lines. Fails when any of the nodes does.
    pub async fn info(
        &self,
        target: InfoTarget,
        command: &str,
        timeout: Duration,
    ) -> Result<Vec<(Arc<str>, String)>, Error> {
        let start = Instant::now();
        let _in_flight = self.inner.cluster.enter().map_err(|f| Error::new(f.code, f.detail))?;
        let deadline = Deadline::within(start, timeout);
        if !self.inner.cluster.first_look.is_over() {
            let _ = deadline.bound(self.inner.cluster.first_look.wait()).await;
        }
        let routing = self.inner.cluster.routing.load_full();
        let nodes: Vec<Arc<Node>> = match &target {
            InfoTarget::All => routing.nodes.iter().filter(|n| n.is_active()).cloned().collect(),
            InfoTarget::Node(name) => routing.nodes.iter().filter(|n| *n.name == **name).cloned().collect(),
            InfoTarget::Random => routing.any_node().cloned().into_iter().collect(),
        };
        if nodes.is_empty() {
            let detail = match target {
                InfoTarget::Node(name) => format!("the cluster has no node \"{name}\""),
                _ => "the cluster has no active node".to_owned(),
            };
            return Err(Error::new(Code::INVALID_NODE, detail));
        }
        let answers = join_all(nodes.into_iter().map(async |node| {
            let begun = Instant::now();
            let answer = ask_node(&node, command, deadline).await;
            match &answer {
                Ok(text) => {
                    let (bytes_out, bytes_in) = (command.len() as u64, text.len() as u64);
                    let answer = Answer { took: begun.elapsed(), bytes_out, bytes_in };
                    node.metrics().answered(Kind::Info, answer);
                }
                Err(failure) => node.metrics().failed(Kind::Info, begun.elapsed(), failure.code),
            }
            let failed = |f: Failure| Error::new(f.code, f.detail).at(Some(node.name.clone()), 1, start.elapsed());
            answer.map(|text| (node.name.clone(), text)).map_err(failed)
        }));
        let outcome: Result<Vec<_>, Error> = answers.await.into_iter().collect();
        self.inner.cluster.metrics.called(Kind::Info, start.elapsed(), &outcome);
        outcome
    }

    /// Makes, changes or lists users or roles, at any node. Fails within `timeout`.
    pub async fn admin(&self, call: AdminCall, timeout: Duration) -> Result<AdminReply, Error> {
        let start = Instant::now();
        let outcome = admin::run(&self.inner.cluster, call, timeout).await;
        self.inner.cluster.metrics.called(Kind::Admin, start.elapsed(), &outcome);
        outcome
    }

    /// Takes certificates anew, for connections to come.
    pub fn reload_tls(&self, config: &TlsConfig) -> Result<(), Error> {
        let cluster = &self.inner.cluster;
        if config.login_only != cluster.config.encrypts_logins_only() {
            return Err(Error::new(Code::PARAM, "tls.login_only: what is encrypted stays as it is"));
        }
        match &cluster.tls {
            Some(tls) => tls.reload(config),
            None => Err(Error::new(Code::PARAM, "tls: the client's connections are not encrypted")),
        }
    }

    /// Whether at least one node answers, as far as anybody knows: of a cluster that is frozen as a whole this is known after
    /// a quarter of a second where commands are sent, and otherwise after the second look at the nodes.
    pub fn is_connected(&self) -> bool {
        self.inner.cluster.routing.load().nodes.iter().any(|n| n.is_answering())
    }

    /// How long ago the last look at the nodes ended.
    pub fn tend_age(&self) -> Duration {
        self.inner.cluster.last_tend.age()
    }

    /// The nodes that others list and to which no address leads, and why the hosts do not answer while there is no node.
    pub fn unreached(&self) -> (Vec<UnreachableNode>, Vec<String>) {
        let unreached = self.inner.cluster.unreached.load();
        (unreached.nodes.clone(), unreached.hosts.iter().map(ToString::to_string).collect())
    }

    /// The settings as they are now.
    pub fn settings(&self) -> Settings {
        Settings::clone(&self.inner.cluster.settings.load())
    }

    /// Takes other settings, for what comes from now on.
    pub fn configure(&self, settings: Settings) -> Result<(), Error> {
        self.inner.cluster.configure(settings)
    }

    /// Takes no more commands, waits up to `wait` for those in flight, then drops every connection. Closing twice
    /// is closing once.
    pub async fn close(&self, wait: Duration) {
        let cluster = &self.inner.cluster;
        cluster.drain(wait).await;
        self.inner.tending.abort();
        cluster.disconnect();
    }
}

async fn ask_node(node: &Node, command: &str, deadline: Deadline) -> Result<String, Failure> {
    let begun = Instant::now();
    match ask_once(node, command, deadline).await {
        Err(failure) if failure.code.is_session_over() => {
            node.pool.renounce(begun);
            ask_once(node, command, deadline).await
        }
        answer => answer,
    }
}

async fn ask_once(node: &Node, command: &str, deadline: Deadline) -> Result<String, Failure> {
    let mut lease = node.pool.lease(deadline).await?;
    let asking = async {
        let answer = info::ask(lease.connection()?, command.lines()).await?;
        Ok(answer.into_text())
    };
    let answer = deadline.bound(node.pool.unless_closed(asking)).await;
    let text = answer.unwrap_or_else(|_| Err(Failure::timeout("the node did not answer the info command in time")))?;
    lease.done();
    Ok(text)
}

#[cfg(test)]
mod tests {
    use aerospike_wire::admin::{AdminMessage, LoginReply, write_result};
    use aerospike_wire::info::{Endpoint, PartitionBitmap};
    use aerospike_wire::proto::write_frame;
    use aerospike_wire::{PartitionId, ProtoHeader, ProtoType, ResultCode};
    use bytes::BytesMut;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::security::login::hashed;
    use crate::security::{AuthMode, Credentials};

    /// A node that lets everybody in for a second.
    async fn serve(mut socket: TcpStream, number: usize, peers: Arc<str>) -> Option<()> {
        let address = socket.local_addr().ok()?;
        loop {
            let mut header = [0; 8];
            socket.read_exact(&mut header).await.ok()?;
            let header = ProtoHeader::decode(&header).ok()?;
            let mut body = vec![0; header.size];
            socket.read_exact(&mut body).await.ok()?;
            let mut out = BytesMut::new();
            if header.kind == ProtoType::Security {
                match AdminMessage::decode_exact(&body).ok()?.command {
                    20 => LoginReply { token: b"token", ttl: Some(1) }.encode(&mut out),
                    _ => write_result(&mut out, ResultCode::OK),
                }
            } else {
                let request = String::from_utf8(body).ok()?;
                write_frame(&mut out, ProtoType::Info, |out| {
                    for name in request.lines() {
                        let value = match name {
                            "node" => format!("N{number}"),
                            "build" => "8.0.0.0".to_owned(),
                            "partition-generation" | "peers-generation" => "1".to_owned(),
                            "peers-clear-std" => peers.to_string(),
                            "service-clear-std" => address.to_string(),
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
            }
            socket.write_all(&out).await.ok()?;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn thirty_nodes_log_in_again_and_again_and_the_password_is_hashed_once() {
        const PASSWORD: &str = "hashed for thirty nodes";
        let (mut listeners, mut hosts) = (Vec::new(), Vec::new());
        for _ in 0..30 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            hosts.push(Endpoint { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() });
            listeners.push(listener);
        }
        for (number, listener) in listeners.into_iter().enumerate() {
            // a node that sees none of the others has not joined them yet
            let others = hosts.iter().enumerate().filter(|(other, _)| *other != number);
            let others: Vec<_> = others.map(|(other, host)| format!("[N{other},,[{host}]]")).collect();
            let peers: Arc<str> = format!("1,3000,[{}]", others.join(",")).into();
            tokio::spawn(async move {
                while let Ok((socket, _)) = listener.accept().await {
                    tokio::spawn(serve(socket, number, peers.clone()));
                }
            });
        }
        let credentials = Credentials { mode: AuthMode::Internal, user: "ann".into(), password: PASSWORD.into() };
        let client = Client::connect(Config {
            credentials: Some(credentials),
            tend_interval: Duration::from_millis(100),
            ..Config::new(hosts)
        })
        .await
        .unwrap();
        // sessions end after a second and are renewed after half of it
        tokio::time::sleep(Duration::from_millis(1600)).await;
        assert_eq!(client.nodes().len(), 30);
        assert_eq!(hashed(PASSWORD), 1);
    }
}
