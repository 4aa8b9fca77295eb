//! Access control as a client meets it (protocol section 11).
//!
//! | file | subject |
//! |---|---|
//! | `login` | who logs in, and by what |
//! | `session` | what a node gave for a login, which all connections to it join |
//! | `calls` | the calls that make, change and list users and roles |
//! | `exchange` | one request of the admin protocol and its answer |

mod calls;
mod exchange;
mod login;
mod session;

pub use aerospike_wire::admin::{PRIVILEGES, Privilege, PrivilegeCode, RoleReply, Usage, UserReply};
pub(crate) use calls::run;
pub use calls::{AdminCall, AdminReply};
pub(crate) use login::Login;
pub use login::{AuthMode, Credentials, Password};
pub(crate) use session::Session;
