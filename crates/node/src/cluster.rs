//! The embedded cluster as a class, for tests and first steps.
//!
//! It runs on a runtime of its own: a client in the same process must not wait because the cluster works, and a test
//! that freezes a node must not freeze the client.
//!
//! It runs until it is stopped or its JavaScript environment ends, not until its object is collected: whoever knows one
//! of its addresses can reach it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use aerospike_core::Code;
use aerospike_server::{
    Ailment, Authority, Cluster, ClusterOptions, Fault, NodeStatistics, Refusal, SecurityOptions, TlsOptions,
    UserOptions,
};
use napi::bindgen_prelude::{Env, PromiseRaw, Uint8Array};
use napi::{Error, Result};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::completion::rejection;
use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that all nodes share.
const THREADS: usize = 2;

/// How a cluster starts.
#[napi(object, object_to_js = false)]
pub struct NativeClusterOptions {
    /// Nodes, 1 to 8.
    pub nodes: u32,
    /// The port of the first node, the others follow; free ports when absent.
    pub port: Option<u16>,
    /// Copies of every record.
    pub replication_factor: Option<u32>,
    /// What `cluster-name` answers.
    pub cluster_name: Option<String>,
    /// `community` or `enterprise`.
    pub edition: Option<String>,
    /// Access control; none when absent.
    pub security: Option<NativeSecurity>,
    /// Encryption; none when absent.
    pub tls: Option<NativeLocalTls>,
    /// Names of namespaces that are strongly consistent.
    pub strong_consistency: Option<Vec<String>>,
}

/// A user that a cluster begins with.
#[napi(object, object_to_js = false)]
pub struct NativeLocalUser {
    /// The name.
    pub name: String,
    /// The password; absent for one who logs in by certificate.
    pub password: Option<String>,
    /// Names of roles.
    pub roles: Vec<String>,
}

/// How the access control of a cluster begins.
#[napi(object, object_to_js = false)]
pub struct NativeSecurity {
    /// Users; `admin` alone when absent.
    pub users: Option<Vec<NativeLocalUser>>,
    /// Users that a directory knows.
    pub external: Vec<NativeLocalUser>,
    /// Whether quotas are kept.
    pub quotas: bool,
    /// Seconds that a session lives; a day when absent.
    pub session_ttl: Option<u32>,
}

/// How a cluster encrypts. Without a certificate it makes one, and an authority that signs it.
#[napi(object, object_to_js = false)]
pub struct NativeLocalTls {
    /// The name that nodes announce.
    pub name: String,
    /// The certificate, in PEM.
    pub cert: Option<Uint8Array>,
    /// Its key, in PEM.
    pub key: Option<Uint8Array>,
    /// Who signs certificates of clients, in PEM.
    pub client_ca: Option<Uint8Array>,
    /// `none`, `optional` or `required`.
    pub client_certificates: String,
}

impl NativeLocalTls {
    /// The options, and the authority if one was made.
    fn into_options(self) -> std::result::Result<(TlsOptions, Option<Authority>), String> {
        let clients = self.client_certificates.parse()?;
        let (Some(cert), Some(key)) = (self.cert, self.key) else {
            let authority = Authority::new()?;
            return Ok((TlsOptions::signed_by(&authority, &self.name, clients)?, Some(authority)));
        };
        let options = TlsOptions {
            name: self.name,
            certificate: cert.to_vec(),
            key: key.to_vec().into(),
            client_certificates: clients,
            client_authorities: self.client_ca.map(|pem| pem.to_vec()).unwrap_or_default(),
        };
        Ok((options, None))
    }
}

/// A certificate and its key, in PEM.
#[napi(object, object_from_js = false)]
pub struct NativeIdentity {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

/// The statistics of a node: `name=value;…`.
#[napi(object, object_from_js = false)]
pub struct NativeStatistics {
    /// The node's id.
    pub name: String,
    /// Of the node.
    pub node: String,
    /// Of each namespace, by name.
    pub namespaces: HashMap<String, String>,
}

impl From<NodeStatistics> for NativeStatistics {
    fn from(statistics: NodeStatistics) -> Self {
        let NodeStatistics { id, node, namespaces } = statistics;
        Self { name: id, node, namespaces: namespaces.into_iter().collect() }
    }
}

impl From<NativeLocalUser> for UserOptions {
    fn from(user: NativeLocalUser) -> Self {
        Self { name: user.name, password: user.password.map(Into::into), roles: user.roles }
    }
}

impl From<NativeSecurity> for SecurityOptions {
    fn from(security: NativeSecurity) -> Self {
        let defaults = Self::default();
        let options = |users: Vec<NativeLocalUser>| users.into_iter().map(Into::into).collect();
        Self {
            users: security.users.map_or(defaults.users, options),
            external: options(security.external),
            quotas: security.quotas,
            session_ttl: security.session_ttl.unwrap_or(defaults.session_ttl),
            ..defaults
        }
    }
}

/// Rows of batches that a node turns away.
#[napi(object)]
pub struct NativeRefusal {
    /// The result code it answers.
    pub code: u8,
    /// How likely a row is turned away, 0 to 1.
    pub probability: f64,
    /// Rows of each request that run in any case.
    pub room: u32,
    /// Rows to turn away until the node is well again; no end when not given.
    pub rows: Option<u32>,
}

/// What ails a node although it answers.
#[napi(object)]
pub struct NativeAilment {
    /// The version it says it has.
    pub build: Option<String>,
    /// The `host:port` it announces in place of its own.
    pub announced: Option<String>,
    /// Milliseconds that its clock is ahead.
    pub clock_ahead: i64,
    /// Partitions that it says are still to be moved, in each namespace.
    pub migrating: u32,
    /// Its namespaces take no writes.
    pub stops_writes: bool,
}

/// A cluster of nodes on loopback ports in this process.
#[napi]
pub struct NativeCluster {
    cluster: Arc<Cluster>,
    runtime: Handle,
    owned: Arc<Owned>,
    /// Who signed the certificates, if they were made here.
    authority: Option<Authority>,
}

/// The threads of a cluster, until it is stopped, and the cluster: dropping it ends its nodes.
struct Owned {
    runtime: Mutex<Option<Runtime>>,
    _cluster: Arc<Cluster>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // dropping a runtime waits for its tasks; nobody has time for that while an environment ends
        if let Some(runtime) = self.runtime.get_mut().take() {
            runtime.shutdown_background();
        }
    }
}

thread_local! {
    /// The clusters that run for the environment of this thread.
    static RUNNING: RefCell<HashMap<usize, Arc<Owned>>> = RefCell::default();
    static ENDS_WITH_ENVIRONMENT: Cell<bool> = const { Cell::new(false) };
}

/// Has a cluster run until it is stopped, or until the environment ends.
fn keep(env: &Env, owned: &Arc<Owned>) -> Result<()> {
    if !ENDS_WITH_ENVIRONMENT.get() {
        env.add_env_cleanup_hook((), |()| drop(RUNNING.take()))?;
        ENDS_WITH_ENVIRONMENT.set(true);
    }
    RUNNING.with_borrow_mut(|running| running.insert(Arc::as_ptr(owned).addr(), owned.clone()));
    Ok(())
}

fn let_go(owned: &Arc<Owned>) {
    drop(RUNNING.with_borrow_mut(|running| running.remove(&Arc::as_ptr(owned).addr())));
}

fn failed(error: impl std::fmt::Display) -> Error {
    rejection(aerospike_core::Error::new(Code::CLIENT, error.to_string()))
}

#[napi]
impl NativeCluster {
    /// Starts a cluster; it accepts connections when the promise resolves.
    #[napi(ts_return_type = "Promise<NativeCluster>")]
    pub fn start<'env>(env: &'env Env, options: NativeClusterOptions) -> Result<PromiseRaw<'env, NativeCluster>> {
        env.spawn_future_with_callback(Self::begin(options), |env, cluster| {
            keep(env, &cluster.owned)?;
            Ok(cluster)
        })
    }

    async fn begin(options: NativeClusterOptions) -> Result<Self> {
        let defaults = ClusterOptions::default();
        let tls = options.tls.map(NativeLocalTls::into_options).transpose().map_err(failed)?;
        let (tls, authority) = tls.map_or((None, None), |(tls, authority)| (Some(tls), authority));
        let strong = options.strong_consistency.unwrap_or_default();
        let options = ClusterOptions {
            tls,
            nodes: options.nodes as usize,
            port: options.port.filter(|port| *port != 0),
            replication_factor: options.replication_factor.map_or(defaults.replication_factor, |n| n as usize),
            cluster_name: options.cluster_name.unwrap_or(defaults.cluster_name.clone()),
            edition: options.edition.as_deref().map_or(Ok(defaults.edition), str::parse).map_err(failed)?,
            security: options.security.map(Into::into),
            ..defaults
        }
        .with_strong(strong.iter().map(String::as_str));
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("aerospike-local")
            .enable_all()
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let started = handle.spawn(Cluster::start(options)).await;
        match started.map_err(failed).and_then(|cluster| cluster.map_err(failed)) {
            Ok(cluster) => {
                let cluster = Arc::new(cluster);
                let owned = Arc::new(Owned { runtime: Mutex::new(Some(runtime)), _cluster: cluster.clone() });
                Ok(Self { cluster, runtime: handle, owned, authority })
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// `host:port` of every node.
    #[napi(getter)]
    pub fn hosts(&self) -> Vec<String> {
        self.cluster.hosts().iter().map(ToString::to_string).collect()
    }

    /// `host:port` of every node, of plain connections.
    #[napi(getter)]
    pub fn plain_hosts(&self) -> Vec<String> {
        self.cluster.plain_hosts().iter().map(ToString::to_string).collect()
    }

    /// What each node tells of itself, in the text of info commands.
    #[napi]
    pub fn statistics(&self) -> Vec<NativeStatistics> {
        self.cluster.statistics().into_iter().map(NativeStatistics::from).collect()
    }

    /// The certificate of the authority that signed those that were made here.
    #[napi(getter)]
    pub fn authority(&self) -> Option<String> {
        self.authority.as_ref().map(Authority::certificate)
    }

    /// A certificate for a client whose user has a name.
    #[napi]
    pub fn client_certificate(&self, user: String) -> Result<NativeIdentity> {
        let authority = self.authority.as_ref().ok_or_else(|| failed("the cluster has no authority of its own"))?;
        let identity = authority.client(&user).map_err(failed)?;
        Ok(NativeIdentity { cert: identity.certificate, key: identity.key.to_string() })
    }

    /// Stops every node and drops its records. Stopping twice is stopping once.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn stop<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let_go(&self.owned);
        let (owned, cluster, handle) = (self.owned.clone(), self.cluster.clone(), self.runtime.clone());
        env.spawn_future(async move {
            let Some(runtime) = owned.runtime.lock().take() else { return Ok(()) };
            let stopped = handle.spawn(async move { cluster.stop().await }).await;
            runtime.shutdown_background();
            stopped.map_err(failed)
        })
    }

    /// Ends a node as a crash would: its connections break, its records are gone, its replicas take over.
    #[napi]
    pub async fn stop_node(&self, node: u32) -> Result<()> {
        let cluster = self.cluster.clone();
        self.on_runtime(async move { cluster.stop_node(node as usize).await }).await
    }

    /// Starts a stopped node again, on the port it had; its partitions come back to it.
    #[napi]
    pub async fn start_node(&self, node: u32) -> Result<()> {
        let cluster = self.cluster.clone();
        self.on_runtime(async move { cluster.start_node(node as usize).await }).await
    }

    /// Begins a fault of a node, one of those of the server that have a name and an amount, or ends it with 0.
    #[napi]
    pub async fn set_fault(&self, node: u32, name: String, amount: u32) -> Result<()> {
        let fault = Fault::named(&name, amount).ok_or_else(|| failed(format!("there is no fault '{name}'")))?;
        self.cluster.set_fault(node as usize, fault).map_err(failed)
    }

    /// Makes a node turn rows of batches away; without a refusal it runs them all again.
    #[napi]
    pub async fn refuse_rows(&self, node: u32, refusal: Option<NativeRefusal>) -> Result<()> {
        let refusal = refusal.map(|NativeRefusal { code, probability, room, rows }| Refusal {
            code,
            probability,
            room,
            rows: rows.map(u64::from),
        });
        self.cluster.refuse_rows(node as usize, refusal).map_err(failed)
    }

    /// Has something ail a node, although it answers.
    #[napi]
    pub async fn ail_node(&self, node: u32, ailment: NativeAilment) -> Result<()> {
        let NativeAilment { build, announced, clock_ahead, migrating, stops_writes } = ailment;
        let ailment = Ailment { build, announced, clock_ahead, migrating, stops_writes };
        let cluster = self.cluster.clone();
        self.on_runtime(async move { cluster.ail_node(node as usize, ailment) }).await
    }

    /// Closes every client connection of a node; it accepts new ones.
    #[napi]
    pub async fn drop_connections(&self, node: u32) -> Result<()> {
        self.cluster.drop_connections(node as usize).await.map_err(failed)
    }
}

impl NativeCluster {
    async fn on_runtime<E: std::fmt::Display + Send + 'static>(
        &self,
        work: impl Future<Output = std::result::Result<(), E>> + Send + 'static,
    ) -> Result<()> {
        self.runtime.spawn(work).await.map_err(failed)?.map_err(failed)
    }
}
