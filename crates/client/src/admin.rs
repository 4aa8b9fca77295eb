//! The calls that make, change and list users and roles. Each goes to one node, which tells the others.

use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::ResultCode;
use aerospike_wire::admin::{AdminMessage, AdminRequest, NO_PASSWORD_HASH, Privilege, RoleReply, UserReply};
use aerospike_wire::limits::MAX_USER_SIZE;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::{Code, Error, Failure};
use crate::metrics::{Answer, Kind};
use crate::node::Node;
use crate::security::exchange::{exchange, list};
use crate::security::login::{Hash, Login, Password};
use crate::socket::Connection;

/// A call. Names of users and roles have 1 to 63 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the fields say what they are
pub enum AdminCall {
    /// Makes a user; one without a password logs in by certificate.
    CreateUser { user: String, password: Option<Password>, roles: Vec<String> },
    /// Removes a user.
    DropUser { user: String },
    /// Gives another user a password.
    SetPassword { user: String, password: Password },
    /// Gives the user who is logged in another password. The one until now is that of the login unless it is given.
    ChangePassword { user: String, old: Option<Password>, password: Password },
    /// Adds roles to a user.
    GrantRoles { user: String, roles: Vec<String> },
    /// Takes roles from a user.
    RevokeRoles { user: String, roles: Vec<String> },
    /// Lists one user or all.
    QueryUsers { user: Option<String> },
    /// Makes a role. Quotas are read and write.
    CreateRole { role: String, privileges: Vec<Privilege>, allowlist: String, quotas: [Option<u32>; 2] },
    /// Removes a role.
    DropRole { role: String },
    /// Adds privileges to a role.
    GrantPrivileges { role: String, privileges: Vec<Privilege> },
    /// Takes privileges from a role.
    RevokePrivileges { role: String, privileges: Vec<Privilege> },
    /// Says from where users of a role may come; from everywhere when empty.
    SetAllowlist { role: String, allowlist: String },
    /// Sets the quotas that are given, read and write; 0 for none.
    SetQuotas { role: String, quotas: [Option<u32>; 2] },
    /// Lists one role or all.
    QueryRoles { role: Option<String> },
}

/// What a call answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminReply {
    /// It is done.
    Done,
    /// Users, by name.
    Users(Vec<UserReply>),
    /// Roles, by name.
    Roles(Vec<RoleReply>),
}

/// Hashes of the passwords of a call: the new one and the old one.
struct Hashes {
    new: Option<Hash>,
    old: Option<Hash>,
}

impl AdminCall {
    /// Which user or role it is about, for messages.
    fn subject(&self) -> String {
        match self {
            Self::CreateUser { user, .. }
            | Self::DropUser { user }
            | Self::SetPassword { user, .. }
            | Self::ChangePassword { user, .. }
            | Self::GrantRoles { user, .. }
            | Self::RevokeRoles { user, .. }
            | Self::QueryUsers { user: Some(user) } => format!("user \"{user}\""),
            Self::CreateRole { role, .. }
            | Self::DropRole { role }
            | Self::GrantPrivileges { role, .. }
            | Self::RevokePrivileges { role, .. }
            | Self::SetAllowlist { role, .. }
            | Self::SetQuotas { role, .. }
            | Self::QueryRoles { role: Some(role) } => format!("role \"{role}\""),
            Self::QueryUsers { user: None } => "all users".to_owned(),
            Self::QueryRoles { role: None } => "all roles".to_owned(),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let fits = |name: &str| (1..=MAX_USER_SIZE).contains(&name.len());
        let (name, names): (Option<&str>, &[String]) = match self {
            Self::CreateUser { user, roles, .. }
            | Self::GrantRoles { user, roles }
            | Self::RevokeRoles { user, roles } => (Some(user), roles),
            Self::DropUser { user } | Self::SetPassword { user, .. } | Self::ChangePassword { user, .. } => {
                (Some(user), &[])
            }
            Self::QueryUsers { user } => (user.as_deref(), &[]),
            Self::CreateRole { role, .. }
            | Self::DropRole { role }
            | Self::GrantPrivileges { role, .. }
            | Self::RevokePrivileges { role, .. }
            | Self::SetAllowlist { role, .. }
            | Self::SetQuotas { role, .. } => (Some(role), &[]),
            Self::QueryRoles { role } => (role.as_deref(), &[]),
        };
        let refuse = |detail: String| Err(Error::new(Code::PARAM, detail));
        if name.is_some_and(|name| !fits(name)) || !names.iter().all(|name| fits(name)) {
            return refuse(format!("names of users and roles have 1 to {MAX_USER_SIZE} bytes"));
        }
        let (Self::CreateRole { privileges, .. }
        | Self::GrantPrivileges { privileges, .. }
        | Self::RevokePrivileges { privileges, .. }) = self
        else {
            let most = usize::from(u8::MAX);
            return if names.len() > most { refuse(format!("at most {most} roles at once")) } else { Ok(()) };
        };
        let most = usize::from(u8::MAX);
        if privileges.len() > most {
            return refuse(format!("at most {most} privileges at once"));
        }
        match privileges.iter().find(|privilege| !privilege.set.is_empty() && privilege.namespace.is_empty()) {
            Some(privilege) => refuse(format!("the set \"{}\" of a privilege needs a namespace", privilege.set)),
            None => Ok(()),
        }
    }

    async fn hashes(&self, login: Option<&Login>) -> Result<Hashes, Error> {
        let (new, old) = match self {
            Self::CreateUser { password, .. } => (password.as_ref(), None),
            Self::SetPassword { password, .. } => (Some(password), None),
            Self::ChangePassword { old, password, .. } => (Some(password), old.as_ref()),
            _ => (None, None),
        };
        let hash = async |password: Option<&Password>| match password {
            Some(password) => password.hash().await.map(Some),
            None => Ok(None),
        };
        let mut hashes = Hashes { new: hash(new).await?, old: hash(old).await? };
        if matches!(self, Self::ChangePassword { .. }) && hashes.old.is_none() {
            let own = login.map(Login::hash).ok_or_else(|| Error::new(Code::PARAM, "the client is not logged in"))?;
            hashes.old = Some(own);
        }
        Ok(hashes)
    }

    fn request<'a>(&'a self, hashes: &'a Hashes) -> AdminRequest<'a> {
        let new = hashes.new.as_ref().map_or(NO_PASSWORD_HASH, Hash::as_str);
        let names = |names: &'a [String]| names.iter().map(String::as_str).collect();
        match self {
            Self::CreateUser { user, roles, .. } => {
                AdminRequest::CreateUser { user, password: new, roles: names(roles) }
            }
            Self::DropUser { user } => AdminRequest::DropUser { user },
            Self::SetPassword { user, .. } => AdminRequest::SetPassword { user, password: new },
            Self::ChangePassword { user, .. } => {
                let old = hashes.old.as_ref().map_or(NO_PASSWORD_HASH, Hash::as_str);
                AdminRequest::ChangePassword { user, old, password: new }
            }
            Self::GrantRoles { user, roles } => AdminRequest::GrantRoles { user, roles: names(roles) },
            Self::RevokeRoles { user, roles } => AdminRequest::RevokeRoles { user, roles: names(roles) },
            Self::QueryUsers { user } => AdminRequest::QueryUsers { user: user.as_deref() },
            Self::CreateRole { role, privileges, allowlist, quotas } => {
                AdminRequest::CreateRole { role, privileges: privileges.clone(), allowlist, quotas: *quotas }
            }
            Self::DropRole { role } => AdminRequest::DropRole { role },
            Self::GrantPrivileges { role, privileges } => {
                AdminRequest::GrantPrivileges { role, privileges: privileges.clone() }
            }
            Self::RevokePrivileges { role, privileges } => {
                AdminRequest::RevokePrivileges { role, privileges: privileges.clone() }
            }
            Self::SetAllowlist { role, allowlist } => AdminRequest::SetAllowlist { role, allowlist },
            Self::SetQuotas { role, quotas } => AdminRequest::SetQuotas { role, quotas: *quotas },
            Self::QueryRoles { role } => AdminRequest::QueryRoles { role: role.as_deref() },
        }
    }
}

/// Carries out a call at any node.
pub(crate) async fn run(cluster: &Arc<Cluster>, call: AdminCall, timeout: Duration) -> Result<AdminReply, Error> {
    let start = Instant::now();
    let _in_flight = cluster.enter().map_err(|f| Error::new(f.code, f.detail))?;
    call.check()?;
    let hashes = call.hashes(cluster.login.as_deref()).await?;
    let deadline = Deadline::within(start, timeout);
    if !cluster.first_look.is_over() {
        let _ = deadline.bound(cluster.first_look.wait()).await;
    }
    let Some(node) = cluster.routing.load().any_node().cloned() else {
        return Err(Error::new(Code::INVALID_NODE, "the cluster has no active node"));
    };
    let begun = Instant::now();
    let answer = deadline.bound(ask(&node, &call, &hashes, deadline)).await;
    let timed_out = |_| Err(Failure::timeout("the node did not answer in time"));
    let reply = answer.unwrap_or_else(timed_out).and_then(|answered| {
        answered.map_err(|code| {
            // what the code means is said by whoever shows it
            Failure::new(code.into(), call.subject())
        })
    });
    match &reply {
        Ok(_) => node.metrics().answered(Kind::Admin, Answer { took: begun.elapsed(), bytes_out: 0, bytes_in: 0 }),
        Err(failure) => node.metrics().failed(Kind::Admin, begun.elapsed(), failure.code),
    }
    let reply = reply.map_err(|f| Error::new(f.code, f.detail).at(Some(node.name.clone()), 1, start.elapsed()))?;
    if let (Some(login), Some(hash)) = (&cluster.login, &hashes.new)
        && let AdminCall::SetPassword { user, password } | AdminCall::ChangePassword { user, password, .. } = &call
    {
        login.password_changed(user, hash, password);
    }
    Ok(reply)
}

async fn ask(
    node: &Node,
    call: &AdminCall,
    hashes: &Hashes,
    deadline: Deadline,
) -> Result<Result<AdminReply, ResultCode>, Failure> {
    if let Some(dialer) = node.pool.dialer().for_secrets() {
        return ask_on(&mut dialer.dial().await?, call, hashes).await;
    }
    let mut has_renewed = false;
    loop {
        let begun = Instant::now();
        let mut lease = node.pool.lease(deadline).await?;
        let reply = ask_on(lease.connection()?, call, hashes).await?;
        lease.done();
        match reply {
            Err(code) if Code::from(code).is_session_over() && !has_renewed => {
                node.pool.renounce(begun);
                has_renewed = true;
            }
            reply => return Ok(reply),
        }
    }
}

async fn ask_on(
    connection: &mut Connection,
    call: &AdminCall,
    hashes: &Hashes,
) -> Result<Result<AdminReply, ResultCode>, Failure> {
    let request = call.request(hashes);
    Ok(match call {
        AdminCall::QueryUsers { .. } => list(connection, &request, UserReply::of).await?.map(AdminReply::Users),
        AdminCall::QueryRoles { .. } => list(connection, &request, RoleReply::of).await?.map(AdminReply::Roles),
        _ => {
            let body = exchange(connection, &request).await?;
            let result = AdminMessage::decode_exact(&body).map_err(Failure::garbage)?.result;
            if result.is_ok() { Ok(AdminReply::Done) } else { Err(result) }
        }
    })
}
