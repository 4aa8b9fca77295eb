//! Deciding whether an address is a node of this cluster (protocol section 5.2).

use std::sync::Arc;

use aerospike_wire::info::{Endpoint, parse_services};
use base64::Engine as _;

use super::Cluster;
use crate::connection::dial::Dialer;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::node::Build;
use crate::security::Session;
use crate::socket::Connection;
use crate::socket::info::{InfoAnswer, ask};
use crate::tls::Address;

/// A node that passed.
#[derive(Debug)]
pub(crate) struct Validated {
    pub(crate) name: Arc<str>,
    pub(crate) build: Build,
    pub(crate) dialer: Dialer,
    /// Logged in, and to be used for tending from now on.
    pub(crate) connection: Connection,
}

/// How an address became known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// The configuration names it.
    Seed,
    /// Another node announced it, under this id and certificate name.
    Peer { node: &'a str, tls_name: &'a str },
}

/// Connects to an address and checks who answers.
pub(crate) async fn validate(
    cluster: &Cluster,
    endpoint: Endpoint,
    origin: Origin<'_>,
    deadline: Deadline,
) -> Result<Validated, Failure> {
    let tls_name = match origin {
        Origin::Peer { tls_name, .. } if !tls_name.is_empty() => Some(tls_name.to_owned()),
        Origin::Peer { .. } => None,
        Origin::Seed => cluster.config.tls_names.get(&endpoint.to_string()).cloned(),
    };
    let address = Address { endpoint, tls: cluster.tls.clone(), tls_name };
    let login_address = cluster.config.encrypts_logins_only().then(|| address.clone());
    let session = Arc::new(Session::new(cluster.login.clone(), login_address));
    let dialer = Dialer { address, session, timeout: cluster.dial_timeout.clone() };
    let node = deadline.bound(interview(cluster, dialer.clone(), origin)).await;
    let endpoint = &dialer.address.endpoint;
    let node = node.unwrap_or_else(|_| Err(Failure::connection(format!("no answer from {endpoint}"))))?;
    match origin {
        _ if cluster.config.encrypts_logins_only() => at_its_plain_address(cluster, node, deadline).await,
        Origin::Seed => Ok(at_its_own_address(cluster, node, deadline).await),
        Origin::Peer { .. } => Ok(node.0),
    }
}

/// Asks who is there. Seeds, and nodes where only the login is encrypted, also say which addresses they announce.
async fn interview(
    cluster: &Cluster,
    dialer: Dialer,
    origin: Origin<'_>,
) -> Result<(Validated, Vec<Endpoint>), Failure> {
    let service = service_command(cluster);
    let mut connection = dialer.address.open().await?;
    dialer.session.log_in(&mut connection).await?;
    let mut commands = vec!["node", "partition-generation", "build"];
    if cluster.config.cluster_name.is_some() {
        commands.push("cluster-name");
    }
    let asks_addresses = matches!(origin, Origin::Seed) || cluster.config.encrypts_logins_only();
    if asks_addresses {
        commands.push(service);
    }
    let answer = ask(&mut connection, commands).await?;
    let (name, build) = check(cluster, &dialer.address.endpoint, &answer, origin)?;
    let services = if asks_addresses {
        // a server that does not know the command has no other address
        answer.value(service).ok().and_then(|v| parse_services(v).ok()).unwrap_or_default()
    } else {
        Vec::new()
    };
    if build.numbers >= Build::USER_AGENT {
        // a courtesy to the server's operators; whatever it answers changes nothing
        let _ = ask(&mut connection, [user_agent(cluster).as_str()]).await?;
    }
    Ok((Validated { name, build, dialer, connection }, services))
}

fn check(
    cluster: &Cluster,
    endpoint: &Endpoint,
    answer: &InfoAnswer,
    origin: Origin<'_>,
) -> Result<(Arc<str>, Build), Failure> {
    let name: Arc<str> = answer.value("node")?.into();
    if name.is_empty() {
        return Err(Failure::new(Code::CLIENT, format!("{endpoint} does not say which node it is")));
    }
    if let Origin::Peer { node, .. } = origin
        && node != &*name
    {
        return Err(Failure::new(Code::CLIENT, format!("{endpoint} is node {name}, not {node} as its peers say")));
    }
    if answer.number("partition-generation")? == -1 {
        return Err(Failure::new(Code::INVALID_NODE, format!("node {name} at {endpoint} is still starting")));
    }
    let build = Build::parse(answer.value("build")?);
    if build.numbers < Build::OLDEST {
        let build = build.as_str();
        return Err(Failure::new(Code::CLIENT, format!("node {name} at {endpoint} is too old: version {build}")));
    }
    if let Some(expected) = &cluster.config.cluster_name {
        let actual = answer.value("cluster-name")?;
        if actual != expected {
            let detail = format!("node {name} at {endpoint} belongs to cluster \"{actual}\", not \"{expected}\"");
            return Err(Failure::new(Code::CLIENT, detail));
        }
    }
    Ok((name, build))
}

/// A seed may be a load balancer in front of the node. When the node announces another address and answers there,
/// that one is used.
async fn at_its_own_address(
    cluster: &Cluster,
    (node, services): (Validated, Vec<Endpoint>),
    deadline: Deadline,
) -> Validated {
    let services: Vec<Endpoint> = services.iter().map(|s| cluster.translate(s)).collect();
    if services.is_empty() || services.contains(&node.dialer.address.endpoint) {
        return node;
    }
    for endpoint in services {
        let address = Address { endpoint, ..node.dialer.address.clone() };
        let dialer = Dialer { address, ..node.dialer.clone() };
        let origin = Origin::Peer { node: &node.name, tls_name: "" };
        // half of what is left: an address that is silent must not use up the time of the one that is not
        let now = tokio::time::Instant::now();
        let timeout = cluster.dial_timeout.get();
        let read_timeout = deadline.remaining(now).map_or(timeout, |left| timeout.min(left / 2));
        let probe = Deadline::within(now, read_timeout).bound(interview(cluster, dialer, origin)).await;
        if let Ok(Ok((found, _))) = probe {
            return found;
        }
    }
    node
}

/// The node that a login was for, at the address where it takes plain connections. They join the session of that login.
async fn at_its_plain_address(
    cluster: &Cluster,
    (node, services): (Validated, Vec<Endpoint>),
    deadline: Deadline,
) -> Result<Validated, Failure> {
    let name = node.name.clone();
    let mut failure = Failure::connection(format!(
        "node {name} announces no address for plain connections ({}), which tls.login_only needs",
        service_command(cluster)
    ));
    for endpoint in &services {
        let dialer = Dialer { address: Address::plain(cluster.translate(endpoint)), ..node.dialer.clone() };
        let asked = async {
            let mut connection = dialer.dial().await?;
            let answer = ask(&mut connection, ["node"]).await?;
            match answer.value("node")? {
                found if *found == *name => Ok(connection),
                other => {
                    let endpoint = &dialer.address.endpoint;
                    Err(Failure::new(Code::CLIENT, format!("{endpoint} is node {other}, not {name} as that one says")))
                }
            }
        };
        match deadline.bound(asked).await.unwrap_or_else(|_| Err(dialer.too_slow())) {
            Ok(connection) => return Ok(Validated { dialer, connection, ..node }),
            Err(why) => failure = why,
        }
    }
    Err(failure)
}

/// The info command for the addresses a node announces: those that connections are to go to.
fn service_command(cluster: &Cluster) -> &'static str {
    let is_encrypted = cluster.tls.is_some() && !cluster.config.encrypts_logins_only();
    match (is_encrypted, cluster.settings.load().use_alternate_services) {
        (false, false) => "service-clear-std",
        (false, true) => "service-clear-alt",
        (true, false) => "service-tls-std",
        (true, true) => "service-tls-alt",
    }
}

/// Bytes a server takes as a user agent.
const MAX_USER_AGENT: usize = 63;

fn user_agent(cluster: &Cluster) -> String {
    let settings = cluster.settings.load();
    let app = settings.app_id.as_deref().unwrap_or("-");
    let agent = format!("1,napi-{},{app}", env!("CARGO_PKG_VERSION"));
    let agent = agent.as_bytes();
    let agent = agent.get(..MAX_USER_AGENT).unwrap_or(agent);
    format!("user-agent-set:value={}", base64::engine::general_purpose::STANDARD.encode(agent))
}
