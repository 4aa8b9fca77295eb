//! Users and roles, which all nodes share.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aerospike_wire::ResultCode;
use aerospike_wire::admin::{PASSWORD_COST, PASSWORD_SALT, PRIVILEGES, Privilege, RoleReply, UserReply};
use parking_lot::RwLock;
use zeroize::Zeroizing;

use super::allowlist::Allowlist;
use super::permission::Grants;
use super::quota::AtNode;
use super::tables::{Outcome, Proof, Quotas, Role, Tables, User, check_name, check_privileges, check_roles, is_same};
use crate::options::{SecurityOptions, UserOptions};

#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) id: u64,
    pub(super) grants: Grants,
    pub(super) quotas: Quotas,
    pub(super) nodes: Arc<[AtNode]>,
    /// Networks, of the roles that name any.
    allowed: Vec<Allowlist>,
    /// The count of changes it is as of.
    pub(super) changes: u64,
}

impl Account {
    /// Whether the user may come from an address.
    pub(super) fn may_come_from(&self, address: IpAddr) -> bool {
        self.allowed.is_empty() || self.allowed.iter().any(|list| list.contains(address))
    }
}

/// Users and roles.
#[derive(Debug)]
pub(crate) struct Directory {
    tables: RwLock<Tables>,
    changes: AtomicU64,
    node_count: usize,
    /// Whether users outside of it may log in.
    has_external: bool,
}

impl Directory {
    pub(super) fn new(options: &SecurityOptions, node_count: usize) -> Result<Self, String> {
        let directory = Self {
            tables: RwLock::default(),
            changes: AtomicU64::new(0),
            node_count,
            has_external: !options.external.is_empty(),
        };
        {
            let mut tables = directory.tables.write();
            for (code, name) in PRIVILEGES {
                let privileges = BTreeSet::from([Privilege::everywhere(*code)]);
                tables.roles.insert((*name).to_owned(), Role { privileges, is_predefined: true, ..Role::default() });
            }
            for role in &options.roles {
                check_name(&role.name)?;
                check_privileges(&role.privileges)
                    .map_err(|_| format!("the role '{}' has no such privilege", role.name))?;
                let privileges = role.privileges.iter().cloned().collect();
                tables.roles.insert(role.name.clone(), Role { privileges, ..Role::default() });
            }
        }
        for user in &options.users {
            let proof = match &user.password {
                Some(password) => Proof::Password(Zeroizing::new(hash(password)?)),
                None => Proof::Certificate,
            };
            directory.begin_with(user, proof)?;
        }
        for user in &options.external {
            let password = user.password.clone().ok_or_else(|| format!("'{}' needs a password", user.name))?;
            directory.begin_with(user, Proof::External(password))?;
        }
        Ok(directory)
    }

    fn begin_with(&self, user: &UserOptions, proof: Proof) -> Result<(), String> {
        check_name(&user.name)?;
        let roles: Vec<_> = user.roles.iter().map(String::as_str).collect();
        self.add_user(&user.name, proof, &roles).map_err(|code| format!("the user '{}': {code}", user.name))
    }

    /// How often anything changed.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    fn change(&self, change: impl FnOnce(&mut Tables) -> Outcome) -> Outcome {
        let mut tables = self.tables.write();
        change(&mut tables)?;
        self.changes.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// What a user may do, by name; only the one of a number, if one is given.
    pub(super) fn account(&self, name: &str, id: Option<u64>) -> Option<Account> {
        let tables = self.tables.read();
        let user = tables.users.get(name).filter(|user| id.is_none_or(|id| id == user.id))?;
        let roles = || user.roles.iter().filter_map(|role| tables.roles.get(role));
        let quota = |which: usize| roles().filter_map(|role| role.quotas.get(which)).copied().max().unwrap_or_default();
        Some(Account {
            name: name.to_owned(),
            id: user.id,
            grants: Grants::of(roles().flat_map(|role| &role.privileges)),
            quotas: [quota(0), quota(1)],
            nodes: Arc::clone(&user.nodes),
            allowed: roles().map(|role| &role.allowlist).filter(|list| !list.is_empty()).cloned().collect(),
            changes: self.changes(),
        })
    }

    /// Whether a hash is that of a user's password.
    pub(super) fn check_password(&self, name: &str, credential: &str) -> Outcome {
        match self.tables.read().users.get(name).map(|user| &user.proof) {
            None => Err(ResultCode::INVALID_USER),
            Some(Proof::Certificate) => Err(ResultCode::FORBIDDEN_PASSWORD),
            Some(Proof::Password(own)) if is_same(own, credential) => Ok(()),
            Some(_) => Err(ResultCode::INVALID_CREDENTIAL),
        }
    }

    /// Whether a user is who the hash or the password says: the directory is asked for those who are not known here.
    pub(super) fn check_external(&self, name: &str, credential: &str, password: &str) -> Outcome {
        let known = match self.tables.read().users.get(name).map(|user| &user.proof) {
            Some(Proof::External(own)) => Some(is_same(own, password)),
            Some(_) => return self.check_password(name, credential),
            None => None,
        };
        match known {
            Some(true) => Ok(()),
            _ if self.has_external => Err(ResultCode::LDAP_AUTHENTICATION),
            _ => Err(ResultCode::LDAP_NOT_CONFIGURED),
        }
    }

    /// Makes a user with the hash of a password.
    pub(super) fn create_user(&self, name: &str, hash: &str, roles: &[&str]) -> Outcome {
        self.add_user(name, Proof::of_hash(hash), roles)
    }

    fn add_user(&self, name: &str, proof: Proof, roles: &[&str]) -> Outcome {
        self.change(|tables| {
            if tables.users.contains_key(name) {
                return Err(ResultCode::USER_ALREADY_EXISTS);
            }
            check_roles(roles)?;
            tables.last_id += 1;
            let user = User {
                id: tables.last_id,
                proof,
                roles: roles.iter().map(|role| (*role).to_owned()).collect(),
                nodes: (0..self.node_count).map(|_| AtNode::default()).collect(),
            };
            tables.users.insert(name.to_owned(), user);
            Ok(())
        })
    }

    pub(super) fn drop_user(&self, name: &str) -> Outcome {
        self.change(|tables| tables.users.remove(name).map(drop).ok_or(ResultCode::INVALID_USER))
    }

    /// Gives a user another password. Who has none keeps none.
    pub(super) fn set_password(&self, name: &str, hash: &str) -> Outcome {
        self.change(|tables| match &mut tables.user(name)?.proof {
            Proof::Password(own) => {
                *own = Zeroizing::new(hash.to_owned());
                Ok(())
            }
            Proof::Certificate | Proof::External(_) => Err(ResultCode::FORBIDDEN_PASSWORD),
        })
    }

    pub(super) fn grant_roles(&self, name: &str, roles: &[&str]) -> Outcome {
        self.change(|tables| {
            check_roles(roles)?;
            tables.user(name)?.roles.extend(roles.iter().map(|role| (*role).to_owned()));
            Ok(())
        })
    }

    pub(super) fn revoke_roles(&self, name: &str, roles: &[&str]) -> Outcome {
        self.change(|tables| {
            check_roles(roles)?;
            tables.user(name)?.roles.retain(|role| !roles.contains(&role.as_str()));
            Ok(())
        })
    }

    /// Makes a role.
    pub(super) fn create_role(&self, name: &str, privileges: &[Privilege], allowlist: &str, quotas: Quotas) -> Outcome {
        check_privileges(privileges)?;
        let allowlist = Allowlist::parse(allowlist).ok_or(ResultCode::INVALID_WHITELIST)?;
        self.change(|tables| {
            if tables.roles.contains_key(name) {
                return Err(ResultCode::ROLE_ALREADY_EXISTS);
            }
            let privileges = privileges.iter().cloned().collect();
            tables.roles.insert(name.to_owned(), Role { privileges, allowlist, quotas, is_predefined: false });
            Ok(())
        })
    }

    /// Removes a role, also from the users who have it.
    pub(super) fn drop_role(&self, name: &str) -> Outcome {
        self.change(|tables| {
            tables.role(name)?;
            tables.roles.remove(name);
            tables.users.values_mut().for_each(|user| user.roles.retain(|role| role != name));
            Ok(())
        })
    }

    pub(super) fn grant_privileges(&self, name: &str, privileges: &[Privilege]) -> Outcome {
        check_privileges(privileges)?;
        self.change(|tables| {
            tables.role(name)?.privileges.extend(privileges.iter().cloned());
            Ok(())
        })
    }

    /// Takes privileges from a role that it has with just that scope.
    pub(super) fn revoke_privileges(&self, name: &str, privileges: &[Privilege]) -> Outcome {
        check_privileges(privileges)?;
        self.change(|tables| {
            tables.role(name)?.privileges.retain(|privilege| !privileges.contains(privilege));
            Ok(())
        })
    }

    pub(super) fn set_allowlist(&self, name: &str, allowlist: &str) -> Outcome {
        let allowlist = Allowlist::parse(allowlist).ok_or(ResultCode::INVALID_WHITELIST);
        self.change(|tables| {
            tables.role(name)?.allowlist = allowlist?;
            Ok(())
        })
    }

    /// Sets the quotas that are given, and leaves the others.
    pub(super) fn set_quotas(&self, name: &str, quotas: [Option<u32>; 2]) -> Outcome {
        self.change(|tables| {
            let own = &mut tables.role(name)?.quotas;
            own.iter_mut().zip(quotas).for_each(|(own, quota)| *own = quota.unwrap_or(*own));
            Ok(())
        })
    }

    /// One user, or all by name, as a node sees them. What is counted is told where `second` is given.
    pub(super) fn users(
        &self,
        name: Option<&str>,
        node: usize,
        second: Option<u64>,
    ) -> Result<Vec<UserReply>, ResultCode> {
        let tables = self.tables.read();
        let asked = tables.users.iter().filter(|(known, _)| name.is_none_or(|name| name == *known));
        let users: Vec<_> = asked.map(|(name, user)| tables.describe(name, user, node, second)).collect();
        if name.is_some() && users.is_empty() { Err(ResultCode::INVALID_USER) } else { Ok(users) }
    }

    /// One role, or all by name.
    pub(super) fn roles(&self, name: Option<&str>) -> Result<Vec<RoleReply>, ResultCode> {
        let tables = self.tables.read();
        let asked = tables.roles.iter().filter(|(known, _)| name.is_none_or(|name| name == *known));
        let roles: Vec<_> = asked
            .map(|(name, role)| RoleReply {
                role: name.clone(),
                privileges: role.privileges.iter().cloned().collect(),
                allowlist: role.allowlist.as_str().to_owned(),
                read_quota: role.quotas[0],
                write_quota: role.quotas[1],
            })
            .collect();
        if name.is_some() && roles.is_empty() { Err(ResultCode::INVALID_ROLE) } else { Ok(roles) }
    }
}

/// What clients send in place of a password.
fn hash(password: &str) -> Result<String, String> {
    bcrypt::hash_with_salt(password, PASSWORD_COST, PASSWORD_SALT)
        .map(|parts| parts.format_for_version(bcrypt::Version::TwoA))
        .map_err(|_| "a password cannot be hashed".to_owned())
}
