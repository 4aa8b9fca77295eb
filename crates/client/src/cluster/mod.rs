//! The cluster: its nodes, and who holds which partition.
//!
//! | file | subject |
//! |---|---|
//! | `mod.rs` | what commands share: configuration, routing, and the way to ask for a look at the nodes |
//! | `validate.rs` | deciding whether an address is a node of this cluster |
//! | `peers.rs` | finding nodes through other nodes |
//! | `partitions.rs` | the partition map, as nodes report it |
//! | `member.rs` | what tending remembers of a node |
//! | `tend.rs` | keeping all of that up to date |
//! | `reach.rs` | what of the cluster cannot be reached |
//! | `looks.rs` | the first look at the nodes, and the last |
//! | `changes.rs` | telling which nodes come and go |

pub(crate) mod changes;
pub(crate) mod looks;
pub(crate) mod member;
pub(crate) mod partitions;
pub(crate) mod peers;
pub(crate) mod reach;
pub(crate) mod tend;
pub(crate) mod validate;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aerospike_wire::PartitionId;
use aerospike_wire::info::Endpoint;
use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use self::looks::{FirstLook, LastTend};
use self::reach::{UnreachableNode, Unreached};
use crate::config::Config;
use crate::deadline::{Deadline, SharedTimeout};
use crate::error::{Code, Error, Failure};
use crate::hedge::Budget;
use crate::metrics::Metrics;
use crate::routing::Routing;
use crate::routing::replica::Turn;
use crate::security::Login;
use crate::settings::Settings;
use crate::tls::Tls;

/// What every command of a client shares.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    /// What of the configuration may have changed since.
    pub(crate) settings: ArcSwap<Settings>,
    pub(crate) dial_timeout: SharedTimeout,
    pub(crate) login: Option<Arc<Login>>,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) runtime: Handle,
    pub(crate) routing: ArcSwap<Routing>,
    pub(crate) unreached: ArcSwap<Unreached>,
    /// Says that `routing`, or what is unreachable, was replaced.
    pub(crate) published: watch::Sender<()>,
    pub(crate) turn: Turn,
    /// What is left for second copies of reads.
    pub(crate) hedges: Budget,
    /// Notified to have the nodes looked at before the next tend is due.
    pub(crate) tend_now: Arc<Notify>,
    pub(crate) first_look: FirstLook,
    pub(crate) last_tend: LastTend,
    in_flight: AtomicUsize,
    is_closing: AtomicBool,
    /// Notified when the last command in flight ends while the client closes.
    drained: Notify,
}

impl Cluster {
    pub(crate) async fn new(mut config: Config) -> Result<Self, Error> {
        // the password is hashed and then forgotten
        let login = match config.credentials.take() {
            Some(credentials) => Some(Arc::new(Login::prepare(credentials, config.login_timeout).await?)),
            None if config.encrypts_logins_only() => {
                return Err(Error::new(Code::PARAM, "tls.login_only: there is no login (credentials)"));
            }
            None => None,
        };
        let tls = config.tls.as_ref().map(Tls::new).transpose()?.map(Arc::new);
        Ok(Self {
            metrics: Metrics::new(config.metrics),
            settings: ArcSwap::from_pointee(Settings::of(&config)),
            dial_timeout: SharedTimeout::new(config.dial_timeout),
            first_look: FirstLook::default(),
            last_tend: LastTend::default(),
            config,
            login,
            tls,
            runtime: Handle::current(),
            routing: ArcSwap::default(),
            unreached: ArcSwap::default(),
            published: watch::Sender::new(()),
            turn: Turn::default(),
            hedges: Budget::default(),
            tend_now: Arc::default(),
            in_flight: AtomicUsize::new(0),
            is_closing: AtomicBool::new(false),
            drained: Notify::new(),
        })
    }

    /// The address to use for an announced one.
    pub(crate) fn translate(&self, endpoint: &Endpoint) -> Endpoint {
        match self.config.address_map.get(&endpoint.host) {
            Some(host) => Endpoint { host: host.clone(), port: endpoint.port },
            None => endpoint.clone(),
        }
    }

    /// Takes other settings for the time that comes.
    pub(crate) fn configure(&self, settings: Settings) -> Result<(), Error> {
        settings.clone().into_config(&self.config).validate()?;
        self.dial_timeout.set(settings.dial_timeout);
        let (limits, max_errors) = (settings.limits(), settings.max_error_rate);
        self.settings.store(Arc::new(settings));
        for node in &self.routing.load().nodes {
            node.pool.set_limits(limits);
            node.health.set_max_errors(max_errors);
        }
        self.tend_now.notify_one();
        Ok(())
    }

    /// Registers a command, unless the client is closed.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<InFlight, Failure> {
        // counted first, so that a close that begins now waits for it or is seen by it
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let guard = InFlight(self.clone());
        if self.is_closing.load(Ordering::SeqCst) { Err(closed()) } else { Ok(guard) }
    }

    /// Commands in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::SeqCst)
    }

    /// Takes no more commands and waits for those in flight.
    pub(crate) async fn drain(&self, wait: Duration) {
        self.is_closing.store(true, Ordering::SeqCst);
        let deadline = Deadline::within(tokio::time::Instant::now(), wait);
        let drained = async {
            loop {
                let drained = self.drained.notified();
                if self.in_flight.load(Ordering::SeqCst) == 0 {
                    return;
                }
                drained.await;
            }
        };
        let _ = deadline.bound(drained).await;
    }

    /// Drops every connection. Commands still in flight end with [`Code::CLIENT_ABORT`].
    pub(crate) fn disconnect(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
        for node in &self.routing.load().nodes {
            node.leave(closed());
        }
        self.publish(Routing::default());
    }

    /// Keeps which nodes cannot be reached, and tells those who listen for changes when they are others than before.
    pub(crate) fn note_unreachable(&self, mut nodes: Vec<UnreachableNode>) {
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        if self.unreached.load().nodes != nodes {
            self.unreached.store(Arc::new(Unreached { nodes, hosts: Vec::new() }));
            self.published.send_replace(());
        }
    }

    /// Keeps why no host answers, while there is no node.
    pub(crate) fn note_silent_hosts(&self, hosts: Vec<Failure>) {
        self.unreached.store(Arc::new(Unreached { nodes: Vec::new(), hosts }));
    }

    /// Why no node can be asked for a partition.
    pub(crate) fn no_holder(&self, partition: PartitionId) -> Failure {
        if self.routing.load().nodes.is_empty() {
            return self.no_node();
        }
        let nobody = format!("no active node holds partition {}", partition.index());
        let detail = match self.unreached.load().describe_nodes() {
            Some(why) => format!("{nobody}: {why}"),
            None => nobody,
        };
        Failure::new(Code::INVALID_NODE, detail)
    }

    fn no_node(&self) -> Failure {
        let detail = match self.unreached.load().describe_hosts() {
            Some(why) => format!("the cluster has no active node: {why}"),
            None => "the cluster has no active node".to_owned(),
        };
        Failure::new(Code::INVALID_NODE, detail)
    }

    /// Why there is no partition table for a namespace.
    pub(crate) fn no_namespace(&self, namespace: &[u8]) -> Failure {
        if self.routing.load().nodes.is_empty() {
            return self.no_node();
        }
        let namespace = String::from_utf8_lossy(namespace);
        let code = aerospike_wire::ResultCode::NAMESPACE_NOT_FOUND.into();
        Failure::new(code, format!("the cluster has no namespace \"{namespace}\""))
    }

    /// Shows commands, and those who listen for changes, a new state.
    pub(crate) fn publish(&self, routing: Routing) {
        self.routing.store(Arc::new(routing));
        self.published.send_replace(());
    }
}

/// Why a closed client does nothing.
pub(crate) fn closed() -> Failure {
    Failure::new(Code::CLIENT_ABORT, "the client is closed")
}

/// A command in flight.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Cluster>);

impl InFlight {
    pub(crate) fn cluster(&self) -> &Arc<Cluster> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 && self.0.is_closing() {
            self.0.drained.notify_waiters();
        }
    }
}
