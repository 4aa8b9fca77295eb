//! Users and roles: calls of the control plane, checked by TypeScript.

use std::time::Duration;

use aerospike_core::Password;
use aerospike_core::admin::{AdminCall, AdminReply};
use aerospike_core::security::{Privilege, PrivilegeCode, RoleReply, Usage, UserReply};
use napi::{Error, Result, Status};
use napi_derive::napi;

use crate::client::NativeClient;
use crate::completion::rejection;
use crate::config::NativeTls;

/// A privilege, by its code.
#[napi(object)]
pub struct NativePrivilege {
    /// Its code.
    pub code: u8,
    /// The namespace it is limited to; empty for all.
    pub namespace: String,
    /// The set it is limited to; empty for all.
    pub set: String,
}

/// A call on users or roles. What a verb does not need is absent.
#[napi(object, object_to_js = false)]
pub struct NativeAdminCall {
    /// What to do.
    pub verb: String,
    /// The user or role; absent to list all.
    pub name: Option<String>,
    /// The new password; absent for a user who logs in by certificate.
    pub password: Option<String>,
    /// The password until now.
    pub old_password: Option<String>,
    /// Roles of a user.
    pub roles: Option<Vec<String>>,
    /// Privileges of a role.
    pub privileges: Option<Vec<NativePrivilege>>,
    /// Addresses and networks, comma separated.
    pub allowlist: Option<String>,
    /// Records read in a second.
    pub read_quota: Option<u32>,
    /// Records written in a second.
    pub write_quota: Option<u32>,
}

/// What a user does at one node.
#[napi(object, object_from_js = false)]
pub struct NativeUsage {
    /// Records in a second that are allowed; 0 for any number.
    pub quota: u32,
    /// Records in a second by commands on single records and batches.
    pub single_record_tps: u32,
    /// Records in a second that queries with a limit may take.
    pub query_rps_limited: u32,
    /// Queries without a limit.
    pub query_limitless: u32,
}

/// A user.
#[napi(object, object_from_js = false)]
pub struct NativeUser {
    /// The name.
    pub user: String,
    /// Names of roles.
    pub roles: Vec<String>,
    /// What the user reads.
    pub reads: Option<NativeUsage>,
    /// What the user writes.
    pub writes: Option<NativeUsage>,
    /// Connections in use.
    pub connections: u32,
}

/// A role.
#[napi(object, object_from_js = false)]
pub struct NativeRole {
    /// The name.
    pub role: String,
    /// What it may do.
    pub privileges: Vec<NativePrivilege>,
    /// From where; from everywhere when empty.
    pub allowlist: String,
    /// Records read in a second; 0 for any number.
    pub read_quota: u32,
    /// Records written in a second; 0 for any number.
    pub write_quota: u32,
}

/// What a call on users or roles answers.
#[napi(object, object_from_js = false)]
pub struct NativeAdminReply {
    /// Users, for a call that lists them.
    pub users: Vec<NativeUser>,
    /// Roles, for a call that lists them.
    pub roles: Vec<NativeRole>,
}

impl From<NativePrivilege> for Privilege {
    fn from(privilege: NativePrivilege) -> Self {
        let NativePrivilege { code, namespace, set } = privilege;
        Self { code: PrivilegeCode(code), namespace, set }
    }
}

impl From<Privilege> for NativePrivilege {
    fn from(privilege: Privilege) -> Self {
        let Privilege { code, namespace, set } = privilege;
        Self { code: code.0, namespace, set }
    }
}

impl From<Usage> for NativeUsage {
    fn from(usage: Usage) -> Self {
        let Usage { quota, single_record_tps, query_rps_limited, query_limitless } = usage;
        Self { quota, single_record_tps, query_rps_limited, query_limitless }
    }
}

impl From<UserReply> for NativeUser {
    fn from(reply: UserReply) -> Self {
        Self {
            user: reply.user,
            roles: reply.roles,
            reads: reply.reads.map(Into::into),
            writes: reply.writes.map(Into::into),
            connections: reply.connections,
        }
    }
}

impl From<RoleReply> for NativeRole {
    fn from(reply: RoleReply) -> Self {
        Self {
            role: reply.role,
            privileges: reply.privileges.into_iter().map(Into::into).collect(),
            allowlist: reply.allowlist,
            read_quota: reply.read_quota,
            write_quota: reply.write_quota,
        }
    }
}

impl NativeAdminCall {
    fn into_core(self) -> Result<AdminCall> {
        let missing = |what: &str| Error::new(Status::InvalidArg, format!("the call needs {what}"));
        let named = |name: Option<String>| name.ok_or_else(|| missing("a name"));
        let secret = |password: Option<String>| password.map(Password::from).ok_or_else(|| missing("a password"));
        let roles = self.roles.unwrap_or_default();
        let privileges = self.privileges.unwrap_or_default().into_iter().map(Into::into).collect();
        let allowlist = self.allowlist.unwrap_or_default();
        let quotas = [self.read_quota, self.write_quota];
        Ok(match self.verb.as_str() {
            "createUser" => {
                AdminCall::CreateUser { user: named(self.name)?, password: self.password.map(Password::from), roles }
            }
            "dropUser" => AdminCall::DropUser { user: named(self.name)? },
            "setPassword" => AdminCall::SetPassword { user: named(self.name)?, password: secret(self.password)? },
            "changePassword" => AdminCall::ChangePassword {
                user: named(self.name)?,
                old: self.old_password.map(Password::from),
                password: secret(self.password)?,
            },
            "grantRoles" => AdminCall::GrantRoles { user: named(self.name)?, roles },
            "revokeRoles" => AdminCall::RevokeRoles { user: named(self.name)?, roles },
            "queryUsers" => AdminCall::QueryUsers { user: self.name },
            "createRole" => AdminCall::CreateRole { role: named(self.name)?, privileges, allowlist, quotas },
            "dropRole" => AdminCall::DropRole { role: named(self.name)? },
            "grantPrivileges" => AdminCall::GrantPrivileges { role: named(self.name)?, privileges },
            "revokePrivileges" => AdminCall::RevokePrivileges { role: named(self.name)?, privileges },
            "setAllowlist" => AdminCall::SetAllowlist { role: named(self.name)?, allowlist },
            "setQuotas" => AdminCall::SetQuotas { role: named(self.name)?, quotas },
            "queryRoles" => AdminCall::QueryRoles { role: self.name },
            verb => return Err(Error::new(Status::InvalidArg, format!("there is no call '{verb}'"))),
        })
    }
}

#[napi]
impl NativeClient {
    /// Takes certificates anew, for connections to come.
    #[napi]
    pub fn reload_tls(&self, tls: NativeTls) -> Result<()> {
        self.core.reload_tls(&tls.into_core()).map_err(rejection)
    }

    /// Makes, changes or lists users or roles, within `timeout` milliseconds.
    #[napi]
    pub async fn admin(&self, call: NativeAdminCall, timeout: u32) -> Result<NativeAdminReply> {
        let reply = self.core.admin(call.into_core()?, Duration::from_millis(timeout.into())).await;
        let (mut users, mut roles) = (Vec::new(), Vec::new());
        match reply.map_err(rejection)? {
            AdminReply::Done => {}
            AdminReply::Users(found) => users = found.into_iter().map(Into::into).collect(),
            AdminReply::Roles(found) => roles = found.into_iter().map(Into::into).collect(),
        }
        Ok(NativeAdminReply { users, roles })
    }
}
