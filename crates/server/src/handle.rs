//! The handle of a cluster: what a user starts, stops and tells to misbehave.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::Moment;
use crate::cluster::{Addresses, Ailment, Fault, Garble, Node, NodeIndex, Refusal, State};
use crate::info::{self, NodeStatistics};
use crate::net;
use crate::options::ClusterOptions;
use crate::service;
use crate::store::Store;

/// A cluster of nodes on loopback ports, in this process.
///
/// It runs on the Tokio runtime it was started on and ends when it is dropped.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use aerospike_server::{Cluster, ClusterOptions};
/// let cluster = Cluster::start(ClusterOptions { nodes: 3, ..ClusterOptions::default() }).await?;
/// assert_eq!(cluster.hosts().len(), 3);
/// cluster.stop().await;
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Cluster {
    state: Arc<State>,
    /// What accepts connections for each node; `None` for one that is stopped. Held while nodes start and stop.
    listeners: tokio::sync::Mutex<Vec<Option<JoinHandle<()>>>>,
    /// What goes on in the background as long as the cluster lives.
    chores: Vec<JoinHandle<()>>,
}

impl Cluster {
    /// Starts a cluster and returns once every node accepts connections.
    ///
    /// Fails when a port is taken, and with [`io::ErrorKind::InvalidInput`] when the options make no sense.
    pub async fn start(options: ClusterOptions) -> io::Result<Self> {
        let invalid = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
        options.check().map_err(invalid)?;
        let mut sockets = Vec::with_capacity(options.nodes);
        for index in 0..options.nodes {
            let port = options.port.map_or(0, |first| first + index as u16);
            sockets.push(Sockets::bind(port, options.tls.is_some()).await?);
        }
        let addresses = sockets.iter().map(Sockets::addresses).collect::<io::Result<Vec<_>>>()?;
        let period = Duration::from_secs(options.nsup_period.max(1).into());
        // passwords are hashed, which takes its time
        let state = tokio::task::spawn_blocking(move || State::new(options, &addresses)).await?.map_err(invalid)?;
        let state = Arc::new(state);
        let listeners = sockets.into_iter().enumerate().map(|(index, socket)| Some(listen(&state, index, socket)));
        let listeners = tokio::sync::Mutex::new(listeners.collect());
        let mut chores = vec![tokio::spawn(sweep(Arc::clone(&state), period))];
        let strong = state.namespaces.iter().enumerate().filter(|(_, namespace)| namespace.strong_consistency);
        chores.extend(strong.map(|(number, _)| tokio::spawn(service::end_abandoned(Arc::clone(&state), number))));
        Ok(Self { state, listeners, chores })
    }

    /// The address of every node, stopped ones included: where it takes encrypted connections, if it does.
    pub fn hosts(&self) -> Vec<SocketAddr> {
        self.state.nodes.iter().map(|node| node.tls_address.unwrap_or(node.address)).collect()
    }

    /// Where every node takes plain connections.
    pub fn plain_hosts(&self) -> Vec<SocketAddr> {
        self.state.nodes.iter().map(|node| node.address).collect()
    }

    /// The ids of the nodes, as clients see them.
    pub fn node_ids(&self) -> Vec<String> {
        self.state.nodes.iter().map(|node| node.id.clone()).collect()
    }

    /// What each node tells of itself.
    pub fn statistics(&self) -> Vec<NodeStatistics> {
        self.state.nodes.iter().map(|node| info::statistics_of(&self.state, node)).collect()
    }

    /// Stops every node. All records are gone.
    pub async fn stop(&self) {
        let mut listeners = self.listeners.lock().await;
        for (node, listener) in self.state.nodes.iter().zip(listeners.iter_mut()) {
            node.set_alive(false);
            close(node, listener.take()).await;
            node.faults.clear();
        }
        self.chores.iter().for_each(JoinHandle::abort);
    }

    /// Stops a node as if its process was killed: its sockets close, its records are gone, the other nodes take over.
    pub async fn stop_node(&self, index: usize) -> io::Result<()> {
        let mut listeners = self.listeners.lock().await;
        let node = self.node(index)?;
        node.set_alive(false);
        close(node, listeners.get_mut(index).and_then(Option::take)).await;
        self.state.rebalance();
        node.stores.iter().for_each(Store::clear);
        node.jobs.clear();
        node.faults.clear();
        Ok(())
    }

    /// Starts a stopped node on its old port; it joins the cluster empty and gets its share of the records.
    pub async fn start_node(&self, index: usize) -> io::Result<()> {
        let mut listeners = self.listeners.lock().await;
        let node = self.node(index)?;
        if node.is_alive() {
            return Ok(());
        }
        let sockets = Sockets::bind_again((node.address, node.tls_address)).await?;
        node.set_alive(true);
        self.state.rebalance();
        if let Some(listener) = listeners.get_mut(index) {
            *listener = Some(listen(&self.state, index, sockets));
        }
        Ok(())
    }

    /// Begins a fault of a node, or ends it.
    pub fn set_fault(&self, index: usize, fault: Fault) -> io::Result<()> {
        self.node(index).map(|node| node.faults.set(fault))
    }

    /// Freezes a node as if its process was suspended: the other nodes go on taking it for a member.
    pub fn freeze_node(&self, index: usize) -> io::Result<()> {
        self.set_fault(index, Fault::Frozen(true))
    }

    /// Lets a frozen node go on where it was.
    pub fn thaw_node(&self, index: usize) -> io::Result<()> {
        self.set_fault(index, Fault::Frozen(false))
    }

    /// Delays each answer of a node; zero ends that.
    pub fn slow_node(&self, index: usize, delay: Duration) -> io::Result<()> {
        self.set_fault(index, Fault::Slow(delay))
    }

    /// Closes the connections a node has now.
    pub async fn drop_connections(&self, index: usize) -> io::Result<()> {
        self.node(index)?.drop_connections().await;
        Ok(())
    }

    /// Makes a node close new connections as soon as they are made, or take them again.
    pub fn reject_connections(&self, index: usize, reject: bool) -> io::Result<()> {
        self.set_fault(index, Fault::Rejecting(reject))
    }

    /// Spoils what a node answers; `None` ends that.
    pub fn garble_node(&self, index: usize, garble: Option<Garble>) -> io::Result<()> {
        self.node(index).map(|node| node.faults.set_garble(garble))
    }

    /// Makes a node turn rows of batches away; `None` ends that.
    pub fn refuse_rows(&self, index: usize, refusal: Option<Refusal>) -> io::Result<()> {
        self.node(index).map(|node| node.faults.set_refusal(refusal))
    }

    /// Has something ail a node, although it answers; the default ends that.
    pub fn ail_node(&self, index: usize, ailment: Ailment) -> io::Result<()> {
        self.node(index).map(|node| node.faults.ailing.set(ailment))?;
        // clients look at the peers anew when the generation says so
        self.state.rebalance();
        Ok(())
    }

    /// Delays commands on a set, and batches that have a row in it, at every node; zero ends that.
    pub fn delay_set(&self, set: &str, delay: Duration) {
        self.state.set_delay(set, delay);
    }

    fn node(&self, index: usize) -> io::Result<&Node> {
        let missing = || io::Error::new(io::ErrorKind::InvalidInput, format!("there is no node {index}"));
        self.state.nodes.get(index).ok_or_else(missing)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.chores.iter().for_each(JoinHandle::abort);
        self.listeners.get_mut().iter().flatten().for_each(JoinHandle::abort);
        // connections hold the state that holds them: without this they would keep one another alive
        self.state.nodes.iter().for_each(Node::abort_connections);
        self.state.nodes.iter().for_each(Node::abort_tasks);
    }
}

/// The sockets that a node listens on.
struct Sockets {
    plain: TcpListener,
    encrypted: Option<TcpListener>,
}

impl Sockets {
    /// Binds free ports, or `port` for the connections that clients are told of.
    async fn bind(port: u16, is_encrypted: bool) -> io::Result<Self> {
        let at = |port| (Ipv4Addr::LOCALHOST, port);
        if !is_encrypted {
            return Ok(Self { plain: TcpListener::bind(at(port)).await?, encrypted: None });
        }
        let encrypted = Some(TcpListener::bind(at(port)).await?);
        Ok(Self { plain: TcpListener::bind(at(0)).await?, encrypted })
    }

    /// Binds the ports that a node had.
    async fn bind_again((plain, encrypted): Addresses) -> io::Result<Self> {
        let encrypted = match encrypted {
            Some(address) => Some(TcpListener::bind(address).await?),
            None => None,
        };
        Ok(Self { plain: TcpListener::bind(plain).await?, encrypted })
    }

    fn addresses(&self) -> io::Result<Addresses> {
        Ok((self.plain.local_addr()?, self.encrypted.as_ref().map(TcpListener::local_addr).transpose()?))
    }
}

fn listen(state: &Arc<State>, index: NodeIndex, sockets: Sockets) -> JoinHandle<()> {
    let state = Arc::clone(state);
    tokio::spawn(async move {
        let plain = net::accept(sockets.plain, None, Arc::clone(&state), index);
        let acceptor = state.acceptor.clone();
        match sockets.encrypted {
            Some(socket) => drop(tokio::join!(plain, net::accept(socket, acceptor, state, index))),
            None => plain.await,
        }
    })
}

/// Closes a node's sockets.
async fn close(node: &Node, listener: Option<JoinHandle<()>>) {
    if let Some(listener) = listener {
        listener.abort();
        let _ = listener.await; // it was aborted: there is no other result
    }
    node.abort_tasks();
    node.drop_connections().await;
}

/// Frees the memory of expired records from time to time.
async fn sweep(state: Arc<State>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        state.sweep(Moment::now());
    }
}
