//! Users and roles as rows, and what names and privileges of theirs must be like.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aerospike_wire::ResultCode;
use aerospike_wire::admin::{NO_PASSWORD_HASH, Privilege, UserReply};
use aerospike_wire::limits::MAX_USER_SIZE;
use zeroize::Zeroizing;

use super::allowlist::Allowlist;
use super::permission::Permissions;
use super::quota::AtNode;

pub(super) type Outcome = Result<(), ResultCode>;
/// Read and write quota; 0 for any number.
pub(super) type Quotas = [u32; 2];

/// How a user proves to be the one.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// By the hash of a password.
    Password(Zeroizing<String>),
    /// By a certificate.
    Certificate,
    /// By a password that a directory knows.
    External(Zeroizing<String>),
}

impl Proof {
    /// A hash that a client sent; [`NO_PASSWORD_HASH`] says that there is none.
    pub(super) fn of_hash(hash: &str) -> Self {
        if is_same(hash, NO_PASSWORD_HASH) {
            Self::Certificate
        } else {
            Self::Password(Zeroizing::new(hash.to_owned()))
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Password(_) => "password",
            Self::Certificate => "PKI",
            Self::External(_) => "LDAP",
        }
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug)]
pub(super) struct User {
    /// Another user of the same name, later, has another.
    pub(super) id: u64,
    pub(super) proof: Proof,
    pub(super) roles: BTreeSet<String>,
    /// What the user does at each node.
    pub(super) nodes: Arc<[AtNode]>,
}

#[derive(Debug, Default)]
pub(super) struct Role {
    pub(super) privileges: BTreeSet<Privilege>,
    pub(super) allowlist: Allowlist,
    pub(super) quotas: Quotas,
    /// Named as its one privilege, and not to be changed.
    pub(super) is_predefined: bool,
}

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) users: BTreeMap<String, User>,
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) last_id: u64,
}

impl Tables {
    pub(super) fn user(&mut self, name: &str) -> Result<&mut User, ResultCode> {
        self.users.get_mut(name).ok_or(ResultCode::INVALID_USER)
    }

    /// A role that can be changed.
    pub(super) fn role(&mut self, name: &str) -> Result<&mut Role, ResultCode> {
        self.roles.get_mut(name).filter(|role| !role.is_predefined).ok_or(ResultCode::INVALID_ROLE)
    }

    pub(super) fn describe(&self, name: &str, user: &User, node: usize, second: Option<u64>) -> UserReply {
        let roles = || user.roles.iter().filter_map(|role| self.roles.get(role));
        let quota = |which: usize| roles().filter_map(|role| role.quotas.get(which)).copied().max().unwrap_or_default();
        let here = user.nodes.get(node);
        let usage = here
            .zip(second)
            .map(|(here, second)| (here.reads.usage(second, quota(0)), here.writes.usage(second, quota(1))));
        UserReply {
            user: name.to_owned(),
            roles: user.roles.iter().cloned().collect(),
            reads: usage.map(|(reads, _)| reads),
            writes: usage.map(|(_, writes)| writes),
            connections: here.map_or(0, |here| here.connections.load(Ordering::Relaxed)),
            auth_mode: Some(user.proof.name().to_owned()),
        }
    }
}

/// Users can have roles that are not there yet: a real server takes any name, as the official clients' tests show.
pub(super) fn check_roles(roles: &[&str]) -> Outcome {
    if roles.iter().all(|role| name_fits(role)) { Ok(()) } else { Err(ResultCode::INVALID_ROLE) }
}

fn name_fits(name: &str) -> bool {
    (1..=MAX_USER_SIZE).contains(&name.len())
}

/// A scope is of privileges that have one, and a set is of a namespace.
pub(super) fn check_privileges(privileges: &[Privilege]) -> Outcome {
    let is_sound = |privilege: &Privilege| {
        Permissions::of(privilege.code).is_some() && (privilege.set.is_empty() || !privilege.namespace.is_empty())
    };
    if privileges.iter().all(is_sound) { Ok(()) } else { Err(ResultCode::INVALID_PRIVILEGE) }
}

pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name_fits(name) {
        Ok(())
    } else {
        Err(format!("a user or role has a name of 1 to {MAX_USER_SIZE} bytes, not '{name}'"))
    }
}

/// Compares in a time that tells nothing of where they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let differ = one.bytes().zip(other.bytes()).fold(0, |bits, (a, b)| bits | (a ^ b));
    one.len() == other.len() && differ == 0
}
