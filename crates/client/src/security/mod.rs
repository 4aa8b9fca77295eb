//! Access control as a client meets it (protocol section 11).
//!
//! | file | subject |
//! |---|---|
//! | `login` | who logs in, and by what |
//! | `session` | what a node gave for a login, which all connections to it join |
//! | `exchange` | one request of the admin protocol and its answer |

pub(crate) mod exchange;
pub(crate) mod login;
mod session;

pub use aerospike_wire::admin::{PRIVILEGES, Privilege, PrivilegeCode, RoleReply, Usage, UserReply};
pub(crate) use login::Login;
pub use login::{AuthMode, Credentials, Password};
pub(crate) use session::Session;
