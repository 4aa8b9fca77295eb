//! How a cluster is set up; in `security`, how its access control begins.

mod security;

use aerospike_wire::limits::MAX_NAMESPACE_SIZE;

use crate::edition::Edition;
use crate::tls::TlsOptions;
pub use security::{RoleOptions, SecurityOptions, UserOptions};

/// What a cluster is made of.
///
/// ```
/// use aerospike_server::ClusterOptions;
/// let options = ClusterOptions { nodes: 3, port: Some(3900), ..ClusterOptions::default() };
/// assert_eq!(options.replication_factor, 2);
/// ```
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// How many nodes start; 1 to [`MAX_NODES`](Self::MAX_NODES).
    pub nodes: usize,
    /// The port of the first node; the others follow one by one. `None` takes free ports.
    pub port: Option<u16>,
    /// Copies of a record, as far as there are nodes.
    pub replication_factor: usize,
    /// The namespaces.
    pub namespaces: Vec<NamespaceOptions>,
    /// Which edition the nodes are of.
    pub edition: Edition,
    /// Who may do what; `None` for anyone everything. Enterprise only.
    pub security: Option<SecurityOptions>,
    /// How connections are encrypted; `None` for plain ones alone. Enterprise only. The nodes then listen on two ports
    /// each, and `port` is for the encrypted ones.
    pub tls: Option<TlsOptions>,
    /// What `cluster-name` answers.
    pub cluster_name: String,
    /// Rows a batch may have; 0 for any number.
    pub batch_max_requests: u32,
    /// Seconds between sweeps for expired records. A record that expired is gone at once for every command but a removal;
    /// the sweep only frees its memory.
    pub nsup_period: u32,
}

impl ClusterOptions {
    /// Nodes a cluster can have, as many as a Community one.
    pub const MAX_NODES: usize = 8;

    /// Makes namespaces strongly consistent: those of these names, which are added where they are missing.
    ///
    /// ```
    /// use aerospike_server::ClusterOptions;
    /// let options = ClusterOptions::default().with_strong(["test", "sc"]);
    /// let strong = options.namespaces.iter().filter(|namespace| namespace.strong_consistency);
    /// assert_eq!(strong.map(|namespace| namespace.name.as_str()).collect::<Vec<_>>(), ["test", "sc"]);
    /// ```
    #[must_use]
    pub fn with_strong<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        for name in names {
            match self.namespaces.iter_mut().find(|namespace| namespace.name == name && !namespace.strong_consistency) {
                Some(namespace) => namespace.strong_consistency = true,
                // a name that comes twice stays in the list twice, for the check to refuse
                None => self.namespaces.push(NamespaceOptions::strong(name)),
            }
        }
        self
    }

    /// What is wrong with the options, if anything is.
    pub(crate) fn check(&self) -> Result<(), String> {
        let last_port = self.port.map_or(0, usize::from) + self.nodes.saturating_sub(1);
        let name_fits = |name: &str| (1..=MAX_NAMESPACE_SIZE).contains(&name.len()) && !name.contains([':', ';', ',']);
        let is_enterprise = self.edition.is_enterprise();
        if !(1..=Self::MAX_NODES).contains(&self.nodes) {
            Err(format!("a cluster has 1 to {} nodes, not {}", Self::MAX_NODES, self.nodes))
        } else if last_port > usize::from(u16::MAX) {
            Err(format!("the last node's port would be {last_port}"))
        } else if self.security.is_some() && !self.edition.is_enterprise() {
            Err("only an Enterprise cluster has access control".to_owned())
        } else if self.tls.is_some() && !self.edition.is_enterprise() {
            Err("only an Enterprise cluster encrypts".to_owned())
        } else if self.replication_factor == 0 {
            Err("the replication factor is at least 1".to_owned())
        } else if let Some(bad) = self.namespaces.iter().find(|namespace| !name_fits(&namespace.name)) {
            Err(format!("a namespace cannot be called '{}'", bad.name))
        } else if let Some(name) = self.repeated_namespace() {
            Err(format!("the namespace '{name}' is named twice"))
        } else if let Some(strong) = self.namespaces.iter().find(|ns| ns.strong_consistency && !is_enterprise) {
            Err(format!("'{}' cannot be strongly consistent in the Community edition", strong.name))
        } else if self.namespaces.is_empty() {
            Err("a cluster has at least one namespace".to_owned())
        } else {
            Ok(())
        }
    }

    fn repeated_namespace(&self) -> Option<&str> {
        let names = self.namespaces.iter().map(|namespace| namespace.name.as_str());
        names
            .clone()
            .enumerate()
            .find(|(place, name)| names.clone().take(*place).any(|other| other == *name))
            .map(|(_, name)| name)
    }
}

impl Default for ClusterOptions {
    fn default() -> Self {
        const MONTH: u32 = 30 * 24 * 3600;
        Self {
            nodes: 1,
            port: None,
            replication_factor: 2,
            namespaces: vec![NamespaceOptions::new("test", 0), NamespaceOptions::new("bar", MONTH)],
            edition: Edition::default(),
            security: None,
            tls: None,
            cluster_name: "local".to_owned(),
            batch_max_requests: 0,
            nsup_period: 10,
        }
    }
}

/// A namespace.
#[derive(Debug, Clone)]
pub struct NamespaceOptions {
    /// Its name, at most 31 bytes.
    pub name: String,
    /// Seconds a record lives whose writer does not say; 0 for ever.
    pub default_ttl: u32,
    /// Whether it is strongly consistent, as only a namespace of the Enterprise edition can be: then it has transactions,
    /// linearizable reads, and partitions that are unavailable while too many nodes are missing.
    pub strong_consistency: bool,
}

impl NamespaceOptions {
    /// A namespace of a name and a default TTL in seconds.
    pub fn new(name: &str, default_ttl: u32) -> Self {
        Self { name: name.to_owned(), default_ttl, strong_consistency: false }
    }

    /// A strongly consistent namespace of a name, whose records live for ever.
    pub fn strong(name: &str) -> Self {
        Self { strong_consistency: true, ..Self::new(name, 0) }
    }
}
