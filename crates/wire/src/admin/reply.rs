//! What servers answer to the admin protocol.

use bytes::BytesMut;

use super::AdminField;
use super::message::{AdminMessage, AdminWriter};
use super::privilege::Privilege;
use crate::ResultCode;
use crate::error::{DecodeError, Result};
use crate::limits::MAX_SESSION_TOKEN_SIZE;
use crate::proto::{ProtoType, write_frame};

/// Appends a frame with a result and nothing else.
pub fn write_result(out: &mut BytesMut, result: ResultCode) {
    write_frame(out, ProtoType::Security, |out| {
        AdminWriter::reply(out, result);
    });
}

/// A session that was begun. The token is never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LoginReply<'a> {
    /// What names the session to other connections of the same node.
    pub token: &'a [u8],
    /// Seconds until it ends; it does not when absent.
    pub ttl: Option<u32>,
}

impl std::fmt::Debug for LoginReply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginReply").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl<'a> LoginReply<'a> {
    /// Reads the session out of a reply that says that all is well.
    pub fn of(message: &AdminMessage<'a>) -> Result<Self> {
        let token = message.field(AdminField::SessionToken).filter(|token| !token.is_empty());
        let token = token.ok_or(DecodeError::Invalid("login reply without a session"))?;
        if token.len() > MAX_SESSION_TOKEN_SIZE {
            let (size, limit) = (token.len() as u64, MAX_SESSION_TOKEN_SIZE as u64);
            return Err(DecodeError::TooLarge { what: "session token", size, limit });
        }
        Ok(Self { token, ttl: message.number(AdminField::SessionTtl)? })
    }

    /// Appends it as a frame.
    pub fn encode(&self, out: &mut BytesMut) {
        write_frame(out, ProtoType::Security, |out| {
            let mut to = AdminWriter::reply(out, ResultCode::OK);
            to.bytes(AdminField::SessionToken, self.token);
            self.ttl.map(|ttl| to.number(AdminField::SessionTtl, ttl));
        });
    }
}

/// What a user does at one node at the moment, of reads or of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Records in a second that are allowed; 0 for any number.
    pub quota: u32,
    /// Records in a second by commands on single records and batches.
    pub single_record_tps: u32,
    /// Records in a second that queries with a limit may take together.
    pub query_rps_limited: u32,
    /// Queries without a limit.
    pub query_limitless: u32,
}

impl Usage {
    fn of(numbers: &[u32]) -> Self {
        let at = |place: usize| numbers.get(place).copied().unwrap_or_default();
        Self { quota: at(0), single_record_tps: at(1), query_rps_limited: at(2), query_limitless: at(3) }
    }

    fn numbers(self) -> [u32; 4] {
        [self.quota, self.single_record_tps, self.query_rps_limited, self.query_limitless]
    }
}

/// A user in a list of users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserReply {
    /// The name.
    pub user: String,
    /// The roles, as the server sorts them.
    pub roles: Vec<String>,
    /// What the user reads, where the server counts it.
    pub reads: Option<Usage>,
    /// What the user writes, where the server counts it.
    pub writes: Option<Usage>,
    /// Connections in use.
    pub connections: u32,
    /// How the user may log in, of servers that say so.
    pub auth_mode: Option<String>,
}

impl UserReply {
    /// Reads a user.
    pub fn of(message: &AdminMessage<'_>) -> Result<Self> {
        let usage = |field| {
            let numbers = message.numbers(field)?;
            Ok((!numbers.is_empty()).then(|| Usage::of(&numbers)))
        };
        Ok(Self {
            user: message.text(AdminField::User)?.unwrap_or_default().to_owned(),
            roles: message.names(AdminField::Roles)?.into_iter().map(str::to_owned).collect(),
            reads: usage(AdminField::ReadInfo)?,
            writes: usage(AdminField::WriteInfo)?,
            connections: message.number(AdminField::Connections)?.unwrap_or_default(),
            auth_mode: message.text(AdminField::AuthMode)?.map(str::to_owned),
        })
    }

    /// Appends it, without a frame.
    pub fn encode(&self, out: &mut BytesMut) {
        let mut to = AdminWriter::reply(out, ResultCode::OK);
        to.bytes(AdminField::User, self.user.as_bytes());
        to.names(AdminField::Roles, self.roles.iter().map(String::as_str));
        for (field, usage) in [(AdminField::ReadInfo, self.reads), (AdminField::WriteInfo, self.writes)] {
            usage.map(|usage| to.numbers(field, &usage.numbers()));
        }
        to.number(AdminField::Connections, self.connections);
        self.auth_mode.as_ref().map(|mode| to.bytes(AdminField::AuthMode, mode.as_bytes()));
    }
}

/// A role in a list of roles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleReply {
    /// The name.
    pub role: String,
    /// What it may do.
    pub privileges: Vec<Privilege>,
    /// From where, comma separated; from everywhere when empty.
    pub allowlist: String,
    /// Records read in a second, at most; 0 for any number.
    pub read_quota: u32,
    /// Records written in a second, at most; 0 for any number.
    pub write_quota: u32,
}

impl RoleReply {
    /// Reads a role.
    pub fn of(message: &AdminMessage<'_>) -> Result<Self> {
        let privileges = message.field(AdminField::Privileges).map(Privilege::decode_list).transpose()?;
        Ok(Self {
            role: message.text(AdminField::Role)?.unwrap_or_default().to_owned(),
            privileges: privileges.unwrap_or_default(),
            allowlist: message.text(AdminField::Allowlist)?.unwrap_or_default().to_owned(),
            read_quota: message.number(AdminField::ReadQuota)?.unwrap_or_default(),
            write_quota: message.number(AdminField::WriteQuota)?.unwrap_or_default(),
        })
    }

    /// Appends it, without a frame.
    pub fn encode(&self, out: &mut BytesMut) {
        let mut to = AdminWriter::reply(out, ResultCode::OK);
        to.bytes(AdminField::Role, self.role.as_bytes()).privileges(&self.privileges);
        if !self.allowlist.is_empty() {
            to.bytes(AdminField::Allowlist, self.allowlist.as_bytes());
        }
        to.number(AdminField::ReadQuota, self.read_quota).number(AdminField::WriteQuota, self.write_quota);
    }
}
