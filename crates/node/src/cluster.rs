//! The embedded cluster as a class, for tests and first steps.
//!
//! It runs on a runtime of its own: a client in the same process must not wait because the cluster works, and a test
//! that freezes a node must not freeze the client.

use std::sync::Arc;
use std::time::Duration;

use aerospike_server::{Cluster, ClusterOptions, NamespaceOptions, Refusal};
use napi::{Error, Result};
use napi_derive::napi;
use parking_lot::Mutex;
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
    /// More namespaces, strongly consistent ones.
    pub strong_consistency: Option<Vec<String>>,
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

/// A cluster of nodes on loopback ports in this process.
#[napi]
pub struct NativeCluster {
    cluster: Arc<Cluster>,
    runtime: Handle,
    owned: Mutex<Option<Runtime>>,
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::from_reason(error.to_string())
}

#[napi]
impl NativeCluster {
    /// Starts a cluster; it accepts connections when the promise resolves.
    #[napi(factory)]
    pub async fn start(options: NativeClusterOptions) -> Result<Self> {
        let defaults = ClusterOptions::default();
        let strong = options.strong_consistency.unwrap_or_default();
        let strong = strong.iter().map(|name| NamespaceOptions::strong(name));
        let options = ClusterOptions {
            nodes: options.nodes as usize,
            port: options.port.filter(|port| *port != 0),
            replication_factor: options.replication_factor.map_or(defaults.replication_factor, |n| n as usize),
            cluster_name: options.cluster_name.unwrap_or(defaults.cluster_name.clone()),
            namespaces: defaults.namespaces.iter().cloned().chain(strong).collect(),
            edition: options.edition.as_deref().map_or(Ok(defaults.edition), str::parse).map_err(failed)?,
            ..defaults
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("aerospike-local")
            .enable_all()
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let started = handle.spawn(Cluster::start(options)).await;
        match started.map_err(failed).and_then(|cluster| cluster.map_err(failed)) {
            Ok(cluster) => Ok(Self { cluster: Arc::new(cluster), runtime: handle, owned: Mutex::new(Some(runtime)) }),
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

    /// Stops every node and drops its records. Stopping twice is stopping once.
    #[napi]
    pub async fn stop(&self) -> Result<()> {
        let Some(runtime) = self.owned.lock().take() else { return Ok(()) };
        let cluster = self.cluster.clone();
        let stopped = self.runtime.spawn(async move { cluster.stop().await }).await;
        runtime.shutdown_background();
        stopped.map_err(failed)
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

    /// Makes a node hang: its connections stay open and nothing is answered.
    #[napi]
    pub async fn freeze_node(&self, node: u32) -> Result<()> {
        self.cluster.freeze_node(node as usize).map_err(failed)
    }

    /// Lets a frozen node go on.
    #[napi]
    pub async fn thaw_node(&self, node: u32) -> Result<()> {
        self.cluster.thaw_node(node as usize).map_err(failed)
    }

    /// Delays every answer of a node by `millis`; 0 makes it quick again.
    #[napi]
    pub async fn slow_node(&self, node: u32, millis: u32) -> Result<()> {
        self.cluster.slow_node(node as usize, Duration::from_millis(millis.into())).map_err(failed)
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

impl Drop for NativeCluster {
    fn drop(&mut self) {
        // dropping a runtime waits for its tasks; nobody has time for that while JavaScript collects garbage
        if let Some(runtime) = self.owned.lock().take() {
            runtime.shutdown_background();
        }
    }
}
