//! How to reach a cluster: every option of [`Client::connect`](crate::Client::connect), its default and its limits.

use std::collections::HashMap;
use std::time::Duration;

use aerospike_wire::info::Endpoint;

use crate::error::{Code, Error};
use crate::security::{AuthMode, Credentials};
use crate::tls::TlsConfig;

/// How to reach a cluster and how many connections to keep.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to look for the cluster first; one that answers is enough.
    pub hosts: Vec<Endpoint>,
    /// The names that the certificates of some of these must carry, by `host:port`; the others' that of the host.
    pub tls_names: HashMap<String, String>,
    /// Nodes of a cluster with another name are refused.
    pub cluster_name: Option<String>,
    /// Who to log in as.
    pub credentials: Option<Credentials>,
    /// The whole of `connect()`: 5 s.
    pub connect_timeout: Duration,
    /// Opening one connection, and any question about the state of a node: 1 s. A login comes on top.
    pub dial_timeout: Duration,
    /// Do not wait for the cluster: commands wait for the first look at it, which ends within `connect_timeout`.
    pub lazy: bool,
    /// How long one login may take: 5 s.
    pub login_timeout: Duration,
    /// How often every node is asked for its state: 1 s, at least 10 ms.
    pub tend_interval: Duration,
    /// Connections kept open to every node: 0.
    pub min_connections_per_node: u32,
    /// Most connections to one node: 100. Commands above that wait inside their deadline.
    pub max_connections_per_node: u32,
    /// A connection unused for this long is closed: 55 s. Servers and firewalls drop silent ones at 60 s.
    pub max_idle: Duration,
    /// Use the alternate addresses that nodes announce.
    pub use_alternate_services: bool,
    /// Fail to connect when a node of the cluster cannot be reached.
    pub whole_cluster: bool,
    /// Announced address to the address to use instead.
    pub address_map: HashMap<String, String>,
    /// Failures within a window after which a node is left alone until the next window: 100; 0 never.
    pub max_error_rate: u32,
    /// The length of that window in tends: 1.
    pub error_rate_window: u32,
    /// The application's name, shown in the server's list of clients.
    pub app_id: Option<String>,
    /// Racks to read from with [`Replica::PreferRack`](crate::Replica::PreferRack), best first.
    pub preferred_racks: Vec<u32>,
    /// Encrypt every connection.
    pub tls: Option<TlsConfig>,
    /// Count and time what is done: on.
    pub metrics: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            tls_names: HashMap::new(),
            cluster_name: None,
            credentials: None,
            connect_timeout: Duration::from_secs(5),
            dial_timeout: Duration::from_secs(1),
            lazy: false,
            login_timeout: Duration::from_secs(5),
            tend_interval: Duration::from_secs(1),
            min_connections_per_node: 0,
            max_connections_per_node: 100,
            max_idle: Duration::from_secs(55),
            use_alternate_services: false,
            whole_cluster: false,
            address_map: HashMap::new(),
            max_error_rate: 100,
            error_rate_window: 1,
            app_id: None,
            preferred_racks: Vec::new(),
            tls: None,
            metrics: true,
        }
    }
}

/// Most connections to one node that an option may ask for: what a server takes from all its clients together.
const MAX_CONNECTIONS: u32 = 15_000;
/// Bytes of a user name or password.
const MAX_CREDENTIAL_SIZE: usize = 63;

impl Config {
    /// Defaults for a cluster that can be found at `hosts`.
    ///
    /// ```
    /// use aerospike_core::{Config, Endpoint};
    /// let config = Config::new([Endpoint { host: "127.0.0.1".into(), port: 3000 }]);
    /// assert!(config.validate().is_ok());
    /// ```
    pub fn new(hosts: impl IntoIterator<Item = Endpoint>) -> Self {
        Self { hosts: hosts.into_iter().collect(), ..Self::default() }
    }

    /// Checks every option; the error names the first that cannot be.
    pub fn validate(&self) -> Result<(), Error> {
        let refuse = |detail: String| Err(Error::new(Code::PARAM, detail));
        if self.hosts.is_empty() {
            return refuse("hosts is empty: name at least one node of the cluster".into());
        }
        if let Some(host) = self.hosts.iter().find(|h| h.host.is_empty() || h.port == 0) {
            return refuse(format!("hosts: \"{host}\" needs a name or address and a port from 1 to 65535"));
        }
        if self.max_connections_per_node == 0 || self.max_connections_per_node > MAX_CONNECTIONS {
            let given = self.max_connections_per_node;
            return refuse(format!("max_connections_per_node must be 1 to {MAX_CONNECTIONS}, not {given}"));
        }
        if self.min_connections_per_node > self.max_connections_per_node {
            return refuse(format!(
                "min_connections_per_node ({}) is above max_connections_per_node ({})",
                self.min_connections_per_node, self.max_connections_per_node
            ));
        }
        if self.tend_interval < Duration::from_millis(10) {
            return refuse(format!("tend_interval must be at least 10 ms, not {:?}", self.tend_interval));
        }
        if self.dial_timeout.is_zero() {
            return refuse("dial_timeout must be more than 0".into());
        }
        if self.connect_timeout.is_zero() {
            return refuse("connect_timeout must be more than 0".into());
        }
        if self.max_idle.is_zero() {
            return refuse("max_idle must be more than 0".into());
        }
        if self.error_rate_window == 0 {
            return refuse("error_rate_window must be at least 1 tend".into());
        }
        if self.login_timeout.is_zero() {
            return refuse("login_timeout must be more than 0".into());
        }
        if let Some(credentials) = &self.credentials {
            self.validate_credentials(credentials)?;
        }
        Ok(())
    }

    /// Whether logins are encrypted and all else is plain.
    pub(crate) fn encrypts_logins_only(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.login_only)
    }

    fn validate_credentials(&self, Credentials { mode, user, password }: &Credentials) -> Result<(), Error> {
        let refuse = |detail: String| Err(Error::new(Code::PARAM, detail));
        let is_certified = *mode == AuthMode::Certificate;
        if self.tls.is_none() && matches!(mode, AuthMode::External | AuthMode::Certificate) {
            return refuse(format!("credentials: {mode:?} logins need encrypted connections (tls)"));
        }
        if is_certified && self.tls.as_ref().is_some_and(|tls| tls.certificate.is_none()) {
            return refuse("credentials: a login by certificate needs one (tls.certificate)".into());
        }
        if is_certified && (!user.is_empty() || password.len() > 0) {
            return refuse("credentials: the certificate names the user, who has no password".into());
        }
        if !is_certified && !(1..=MAX_CREDENTIAL_SIZE).contains(&user.len()) {
            return refuse(format!("credentials: the user must be 1 to {MAX_CREDENTIAL_SIZE} bytes"));
        }
        if password.len() > MAX_CREDENTIAL_SIZE {
            return refuse(format!("credentials: the password must be at most {MAX_CREDENTIAL_SIZE} bytes"));
        }
        Ok(())
    }
}
