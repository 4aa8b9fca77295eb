//! How the access control of a cluster begins.

use aerospike_wire::admin::Privilege;
use zeroize::Zeroizing;

/// Users, roles, and what is watched.
///
/// It begins with `admin`, whose password is `admin`, and who may do everything. That of a real cluster may administer
/// users alone until it gives itself other roles.
///
/// ```
/// use aerospike_server::SecurityOptions;
/// assert_eq!(SecurityOptions::default().users[0].name, "admin");
/// ```
#[derive(Debug, Clone)]
pub struct SecurityOptions {
    /// Users that there are from the start.
    pub users: Vec<UserOptions>,
    /// Users that a directory knows instead: they log in as external ones, with their password as it is.
    pub external: Vec<UserOptions>,
    /// Roles besides those that are named as the one privilege they have.
    pub roles: Vec<RoleOptions>,
    /// Whether quotas can be set, and are kept.
    pub quotas: bool,
    /// Seconds that a session lives: 86,400. A real server takes 120 at least.
    pub session_ttl: u32,
}

/// A user.
#[derive(Clone)]
pub struct UserOptions {
    /// The name, 1 to 63 bytes.
    pub name: String,
    /// The password; `None` for one who logs in by certificate.
    pub password: Option<Zeroizing<String>>,
    /// Names of roles.
    pub roles: Vec<String>,
}

impl std::fmt::Debug for UserOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserOptions").field("name", &self.name).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// A role.
#[derive(Debug, Clone)]
pub struct RoleOptions {
    /// The name, 1 to 63 bytes.
    pub name: String,
    /// What it may do.
    pub privileges: Vec<Privilege>,
}

impl Default for SecurityOptions {
    fn default() -> Self {
        const DAY: u32 = 24 * 3600;
        let roles = ["read-write-udf", "sys-admin", "user-admin"];
        Self {
            users: vec![UserOptions {
                name: "admin".to_owned(),
                password: Some(Zeroizing::new("admin".to_owned())),
                roles: roles.map(str::to_owned).to_vec(),
            }],
            external: Vec::new(),
            roles: Vec::new(),
            quotas: false,
            session_ttl: DAY,
        }
    }
}
