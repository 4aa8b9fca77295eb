//! Answers to the admin protocol.

use std::sync::Arc;

use aerospike_wire::ResultCode;
use aerospike_wire::admin::{AdminRequest, AdminWriter, Credential, LoginReply, RoleReply, UserReply, write_result};
use aerospike_wire::proto::{ProtoType, write_frame};
use bytes::BytesMut;

use super::permission::Permissions;
use super::session::{Closed, Owner};
use super::{Guard, Security};
use crate::edition::Edition;

/// Bytes of a list that go into one frame.
const BLOCK_SIZE: usize = 64 * 1024;

/// What is answered to a request.
enum Answer {
    Done,
    Session([u8; super::session::TOKEN_SIZE], u32),
    Users(Vec<UserReply>),
    Roles(Vec<RoleReply>),
}

impl Guard {
    /// Answers a request of the admin protocol.
    pub(crate) fn answer(&mut self, edition: Edition, body: &[u8], out: &mut BytesMut) {
        let Some(security) = self.security.clone() else {
            let community = ResultCode::SECURITY_NOT_SUPPORTED;
            return write_result(
                out,
                if edition.is_enterprise() { ResultCode::SECURITY_NOT_ENABLED } else { community },
            );
        };
        match AdminRequest::decode(body).and_then(|request| self.run(&security, &request)) {
            Ok(Answer::Done) => write_result(out, ResultCode::OK),
            Ok(Answer::Session(token, ttl)) => LoginReply { token: &token, ttl: Some(ttl) }.encode(out),
            Ok(Answer::Users(users)) => write_list(out, &users, UserReply::encode),
            Ok(Answer::Roles(roles)) => write_list(out, &roles, RoleReply::encode),
            Err(code) => write_result(out, code),
        }
    }

    fn run(&mut self, security: &Arc<Security>, request: &AdminRequest<'_>) -> Result<Answer, ResultCode> {
        let directory = &security.directory;
        match request {
            AdminRequest::Login(credential) => return self.log_in(security, *credential),
            AdminRequest::Authenticate { user, token } => return self.join(security, *user, token),
            _ => self.admit()?,
        }
        let of_itself = |user: &str| self.user() == Some(user);
        match request {
            AdminRequest::ChangePassword { user, old, password } => {
                directory.check_password(user, old).map_err(|code| match code {
                    ResultCode::INVALID_CREDENTIAL => ResultCode::INVALID_PASSWORD,
                    other => other,
                })?;
                if !of_itself(user) {
                    return Err(ResultCode::ROLE_VIOLATION);
                }
                return directory.set_password(user, password).map(|()| Answer::Done);
            }
            AdminRequest::QueryUsers { user: Some(user) } if of_itself(user) => {}
            _ => self.check(Permissions::USER_ADMIN, b"", b"")?,
        }
        match request {
            AdminRequest::CreateUser { user, password, roles } => directory.create_user(user, password, roles)?,
            AdminRequest::DropUser { user } => directory.drop_user(user)?,
            AdminRequest::SetPassword { user, password } => directory.set_password(user, password)?,
            AdminRequest::GrantRoles { user, roles } => directory.grant_roles(user, roles)?,
            AdminRequest::RevokeRoles { user, roles } => directory.revoke_roles(user, roles)?,
            AdminRequest::QueryUsers { user } => {
                let second = security.quotas.then(|| security.second());
                return directory.users(*user, self.node, second).map(Answer::Users);
            }
            AdminRequest::CreateRole { role, privileges, allowlist, quotas } => {
                let quotas = quotas.map(Option::unwrap_or_default);
                security.check_quotas(quotas.iter().any(|quota| *quota != 0))?;
                directory.create_role(role, privileges, allowlist, quotas)?;
            }
            AdminRequest::DropRole { role } => directory.drop_role(role)?,
            AdminRequest::GrantPrivileges { role, privileges } => directory.grant_privileges(role, privileges)?,
            AdminRequest::RevokePrivileges { role, privileges } => directory.revoke_privileges(role, privileges)?,
            AdminRequest::SetAllowlist { role, allowlist } => directory.set_allowlist(role, allowlist)?,
            AdminRequest::SetQuotas { role, quotas } => {
                security.check_quotas(true)?;
                directory.set_quotas(role, *quotas)?;
            }
            AdminRequest::QueryRoles { role } => return directory.roles(*role).map(Answer::Roles),
            AdminRequest::Login(_) | AdminRequest::Authenticate { .. } | AdminRequest::ChangePassword { .. } => {}
        }
        Ok(Answer::Done)
    }

    fn log_in(&mut self, security: &Security, credential: Credential<'_>) -> Result<Answer, ResultCode> {
        let directory = &security.directory;
        let certified = self.certified.clone();
        let user = match credential {
            Credential::Internal { user, hash } => directory.check_password(user, hash).map(|()| user),
            Credential::External { user, hash, password } => {
                directory.check_external(user, hash, password).map(|()| user)
            }
            Credential::Certificate => certified.as_deref().ok_or(ResultCode::INVALID_CREDENTIAL),
        }?;
        let id = self.become_user(security, user, None)?;
        let token = security.sessions.begin(Owner { user: user.to_owned(), id }).ok_or(ResultCode::SERVER_ERROR)?;
        Ok(Answer::Session(token, security.sessions.ttl()))
    }

    fn join(&mut self, security: &Security, user: Option<&str>, token: &[u8]) -> Result<Answer, ResultCode> {
        let owner = security.sessions.owner(token).map_err(|closed| match closed {
            Closed::Expired => ResultCode::EXPIRED_SESSION,
            Closed::Unknown => ResultCode::INVALID_CREDENTIAL,
        })?;
        if user.is_some_and(|user| user != owner.user) {
            return Err(ResultCode::INVALID_CREDENTIAL);
        }
        self.become_user(security, &owner.user, Some(owner.id)).map(|_| Answer::Done)
    }

    /// Makes the connection a user's, if the user may come from where it comes.
    fn become_user(&mut self, security: &Security, user: &str, id: Option<u64>) -> Result<u64, ResultCode> {
        let account = security.directory.account(user, id).ok_or(ResultCode::INVALID_USER)?;
        if !account.may_come_from(self.peer) {
            return Err(ResultCode::NOT_WHITELISTED);
        }
        let id = account.id;
        self.belong_to(Some(account));
        Ok(id)
    }
}

impl Security {
    /// Quotas can be set where they are kept.
    fn check_quotas(&self, are_set: bool) -> Result<(), ResultCode> {
        if are_set && !self.quotas { Err(ResultCode::QUOTAS_NOT_ENABLED) } else { Ok(()) }
    }
}

/// Writes a list as frames of many entries, and the entry that ends it.
fn write_list<T>(out: &mut BytesMut, entries: &[T], write: impl Fn(&T, &mut BytesMut)) {
    let mut rest = entries.iter().peekable();
    while rest.peek().is_some() {
        write_frame(out, ProtoType::Security, |out| {
            let start = out.len();
            while let Some(entry) = rest.next_if(|_| out.len() - start < BLOCK_SIZE) {
                write(entry, out);
            }
        });
    }
    write_frame(out, ProtoType::Security, |out| {
        AdminWriter::reply(out, ResultCode::QUERY_END);
    });
}
