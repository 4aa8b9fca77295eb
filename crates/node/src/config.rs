//! Connect options, resolved and validated by TypeScript, and the plain objects of the control plane.

use std::collections::HashMap;
use std::time::Duration;

use aerospike_core::{
    AuthMode, Change, Config, Credentials, Endpoint, NodeSummary, Password, PrivateKey, Settings, TlsConfig,
    TlsVersion, UnreachableNode,
};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

/// How to encrypt connections; PEM as bytes.
#[napi(object, object_to_js = false)]
pub struct NativeTls {
    /// Certificates to trust instead of the system's.
    pub ca: Option<Uint8Array>,
    /// The client's own certificate chain.
    pub cert: Option<Uint8Array>,
    /// Its private key.
    pub key: Option<Uint8Array>,
    /// The name the servers' certificates must carry, when it is not the one that peers announce.
    pub server_name: Option<String>,
    /// The least version: `TLSv1.2` or `TLSv1.3`.
    pub min_version: Option<String>,
    /// Cipher suites to offer.
    pub ciphers: Option<Vec<String>>,
    /// Lists of revoked certificates.
    pub crl: Option<Uint8Array>,
    /// Whether all certificates of a chain must be covered by one.
    pub crl_chain: Option<bool>,
    /// Serial numbers of certificates that are not believed.
    pub denylist: Option<Uint8Array>,
    /// Encrypt logins alone.
    pub login_only: Option<bool>,
}

impl NativeTls {
    pub(crate) fn into_core(self) -> TlsConfig {
        let bytes = |pem: Option<Uint8Array>| pem.map(|pem| pem.to_vec());
        TlsConfig {
            ca: bytes(self.ca).unwrap_or_default(),
            certificate: bytes(self.cert),
            private_key: bytes(self.key).map(PrivateKey::from),
            server_name: self.server_name,
            min_version: if self.min_version.as_deref() == Some("TLSv1.3") {
                TlsVersion::Tls13
            } else {
                TlsVersion::Tls12
            },
            ciphers: self.ciphers.unwrap_or_default(),
            crl: bytes(self.crl).unwrap_or_default(),
            crl_chain: self.crl_chain.unwrap_or_default(),
            denylist: bytes(self.denylist).unwrap_or_default(),
            login_only: self.login_only.unwrap_or_default(),
        }
    }
}

/// How to reach a cluster. Every option is present unless it may be absent altogether.
#[napi(object, object_to_js = false)]
pub struct NativeConfig {
    /// `host:port`, IPv6 addresses in brackets.
    pub hosts: Vec<String>,
    /// Names that certificates of hosts must carry, by `host:port`.
    pub tls_names: HashMap<String, String>,
    /// Nodes of other clusters are refused.
    pub cluster_name: Option<String>,
    /// Who to log in as.
    pub user: Option<String>,
    /// The password that goes with it.
    pub password: Option<String>,
    /// How the user logs in: `internal`, `external`, `externalInsecure` or `pki`; not at all when absent.
    pub auth_mode: Option<String>,
    /// Milliseconds for one login.
    pub login_timeout: u32,
    /// Milliseconds for the whole of connect.
    pub connect_timeout: u32,
    /// Milliseconds for opening one connection.
    pub dial_timeout: u32,
    /// Do not wait for the cluster.
    pub lazy: bool,
    /// Milliseconds between two looks at every node.
    pub tend_interval: u32,
    /// Connections kept open to every node.
    pub min_connections_per_node: u32,
    /// Most connections to one node.
    pub max_connections_per_node: u32,
    /// Milliseconds after which an unused connection is closed.
    pub max_idle: u32,
    /// Use the alternate addresses of nodes.
    pub use_alternate_services: bool,
    /// Fail when a node of the cluster cannot be reached.
    pub whole_cluster: bool,
    /// Announced address to the address to use instead.
    pub address_map: Option<HashMap<String, String>>,
    /// Failures in a window after which a node is left alone.
    pub max_error_rate: u32,
    /// Length of that window in tends.
    pub error_rate_window: u32,
    /// Shown in the server's list of clients.
    pub app_id: Option<String>,
    /// Racks to read from, best first.
    pub rack_ids: Option<Vec<u32>>,
    /// Encrypt connections.
    pub tls: Option<NativeTls>,
    /// Count and time what is done.
    pub metrics: bool,
}

fn auth_mode(name: &str) -> napi::Result<AuthMode> {
    Ok(match name {
        "internal" => AuthMode::Internal,
        "external" => AuthMode::External,
        "externalInsecure" => AuthMode::ExternalInsecure,
        "pki" => AuthMode::Certificate,
        _ => return Err(napi::Error::new(napi::Status::InvalidArg, format!("there is no authMode '{name}'"))),
    })
}

impl NativeConfig {
    /// The options in the core's terms.
    pub(crate) fn into_core(self) -> napi::Result<Config> {
        let millis = |n: u32| Duration::from_millis(n.into());
        let mode = self.auth_mode.as_deref().map(auth_mode).transpose()?;
        let (user, password) = (self.user.unwrap_or_default(), self.password.map(Password::from).unwrap_or_default());
        let credentials = mode.map(|mode| Credentials { mode, user, password });
        let hosts = self.hosts.iter().map(|host| Endpoint::parse(host, 3000)).collect::<Result<Vec<_>, _>>();
        Ok(Config {
            hosts: hosts.map_err(|e| napi::Error::new(napi::Status::InvalidArg, format!("hosts: {e}")))?,
            tls_names: self.tls_names,
            cluster_name: self.cluster_name,
            credentials,
            connect_timeout: millis(self.connect_timeout),
            login_timeout: millis(self.login_timeout),
            dial_timeout: millis(self.dial_timeout),
            lazy: self.lazy,
            tend_interval: millis(self.tend_interval),
            min_connections_per_node: self.min_connections_per_node,
            max_connections_per_node: self.max_connections_per_node,
            max_idle: millis(self.max_idle),
            use_alternate_services: self.use_alternate_services,
            whole_cluster: self.whole_cluster,
            address_map: self.address_map.unwrap_or_default(),
            max_error_rate: self.max_error_rate,
            error_rate_window: self.error_rate_window,
            app_id: self.app_id,
            preferred_racks: self.rack_ids.unwrap_or_default(),
            tls: self.tls.map(NativeTls::into_core),
            metrics: self.metrics,
        })
    }
}

/// The options that may change while a client runs.
#[napi(object, object_to_js = false)]
pub struct NativeSettings {
    /// Milliseconds for opening one connection.
    pub dial_timeout: u32,
    /// Milliseconds between two looks at every node.
    pub tend_interval: u32,
    /// Connections kept open to every node.
    pub min_connections_per_node: u32,
    /// Most connections to one node.
    pub max_connections_per_node: u32,
    /// Milliseconds after which an unused connection is closed.
    pub max_idle: u32,
    /// Use the alternate addresses of nodes.
    pub use_alternate_services: bool,
    /// Failures in a window after which a node is left alone.
    pub max_error_rate: u32,
    /// Length of that window in tends.
    pub error_rate_window: u32,
    /// Shown in the server's list of clients.
    pub app_id: Option<String>,
    /// Racks to read from, best first.
    pub rack_ids: Vec<u32>,
}

impl From<NativeSettings> for Settings {
    fn from(settings: NativeSettings) -> Self {
        let millis = |n: u32| Duration::from_millis(n.into());
        Self {
            dial_timeout: millis(settings.dial_timeout),
            tend_interval: millis(settings.tend_interval),
            min_connections_per_node: settings.min_connections_per_node,
            max_connections_per_node: settings.max_connections_per_node,
            max_idle: millis(settings.max_idle),
            use_alternate_services: settings.use_alternate_services,
            max_error_rate: settings.max_error_rate,
            error_rate_window: settings.error_rate_window,
            app_id: settings.app_id,
            preferred_racks: settings.rack_ids,
        }
    }
}

/// What of the cluster is not reached.
#[napi(object, object_from_js = false)]
pub struct NativeReach {
    /// Milliseconds since the last look at the nodes.
    pub tend_age: f64,
    /// Nodes that others list.
    pub unreachable: Vec<NativeUnreachable>,
    /// Why the hosts do not answer, while there is no node.
    pub hosts: Vec<String>,
}

/// Connections to one node.
#[napi(object, object_from_js = false)]
pub struct NativeConnections {
    /// Open ones.
    pub open: u32,
    /// Those with commands on them.
    pub in_use: u32,
}

/// A node, as the client sees it now.
#[napi(object, object_from_js = false)]
pub struct NativeNode {
    /// The node's id.
    pub name: String,
    /// The address in use.
    pub host: String,
    /// The port in use.
    pub port: u16,
    /// Whether commands are sent to it.
    pub active: bool,
    /// Whether it answers, as far as is known.
    pub answering: bool,
    /// Its connections.
    pub connections: NativeConnections,
    /// The server's version.
    pub build: String,
}

impl From<NodeSummary> for NativeNode {
    fn from(node: NodeSummary) -> Self {
        Self {
            name: node.name.as_ref().into(),
            host: node.host,
            port: node.port,
            active: node.active,
            answering: node.answering,
            connections: NativeConnections { open: node.connections_open, in_use: node.connections_in_use },
            build: node.build,
        }
    }
}

/// A change of the cluster.
#[napi(object, object_from_js = false)]
pub struct NativeChange {
    /// The name of the event.
    pub kind: &'static str,
    /// The node that came or went.
    pub node: Option<NativeNode>,
    /// The node that cannot be reached.
    pub unreachable: Option<NativeUnreachable>,
}

/// A node that others list, and to which none of its addresses leads.
#[napi(object, object_from_js = false)]
pub struct NativeUnreachable {
    /// The node's name.
    pub name: String,
    /// What was tried.
    pub tried: Vec<NativeTried>,
}

/// An address that was tried.
#[napi(object, object_from_js = false)]
pub struct NativeTried {
    /// `host:port`.
    pub address: String,
    /// What happened there.
    pub reason: String,
}

impl From<UnreachableNode> for NativeUnreachable {
    fn from(UnreachableNode { name, tried, .. }: UnreachableNode) -> Self {
        let tried = tried.into_iter().map(|(address, reason)| NativeTried { address, reason }).collect();
        Self { name, tried }
    }
}

impl From<Change> for NativeChange {
    fn from(change: Change) -> Self {
        let (kind, node) = match change {
            Change::NodeUnreachable(node) => {
                return Self { kind: "nodeUnreachable", node: None, unreachable: Some(node.into()) };
            }
            Change::NodeAdded(node) => ("nodeAdded", Some(node)),
            Change::NodeRemoved(node) => ("nodeRemoved", Some(node)),
            Change::Connected => ("connected", None),
            Change::Disconnected => ("disconnected", None),
        };
        Self { kind, node: node.map(NativeNode::from), unreachable: None }
    }
}

/// What one node answered to an info command.
#[napi(object, object_from_js = false)]
pub struct NativeInfo {
    /// The node.
    pub node: String,
    /// Its answer.
    pub response: String,
}
