//! The admin protocol (frame type 2): logging in, users, roles. Both sides of it.
//!
//! | file | subject |
//! |---|---|
//! | `message` | a header of 16 bytes and its fields |
//! | `counted` | names and lists whose length is a byte |
//! | `privilege` | what a role may do, and where |
//! | `request` | what clients ask |
//! | `reply` | what servers answer: results, sessions, lists of users and roles |
//!
//! Passwords travel as text that bcrypt makes of them with a salt that all clients share: see [`PASSWORD_SALT`].

mod counted;
mod message;
mod privilege;
mod reply;
mod request;

pub use message::{AdminMessage, AdminWriter, HEADER_SIZE};
pub use privilege::{PRIVILEGES, Privilege, PrivilegeCode};
pub use reply::{LoginReply, RoleReply, Usage, UserReply, write_result};
pub use request::{AdminRequest, Credential};

/// The salt that every client hashes passwords with: `7EqJtq98hPqEX7fNZaFWoO` in bcrypt's base64.
pub const PASSWORD_SALT: [u8; 16] =
    [0xf4, 0x6b, 0x0b, 0xbe, 0xcf, 0xfe, 0x8d, 0x1b, 0x06, 0x67, 0xd8, 0x4f, 0x6d, 0xc1, 0xd8, 0xa9];
/// The cost of those hashes.
pub const PASSWORD_COST: u32 = 10;
/// Bytes of such a hash as text.
pub const PASSWORD_HASH_SIZE: usize = 60;
/// The password that a user has who logs in by certificate.
pub const NO_PASSWORD: &str = "nopassword";
/// Its hash, which is sent where one is required, and opens nothing.
pub const NO_PASSWORD_HASH: &str = "$2a$10$7EqJtq98hPqEX7fNZaFWoOePA2sZy..tlOF99W2N0g5KZ3dLaw8WO";

macro_rules! codes {
    ($(#[$doc:meta])* $type:ident { $($code:literal $name:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $type { $(#[doc = $text] $name = $code,)* }

        impl $type {
            /// The one of a code, if there is one.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// What is asked.
    AdminCommand {
        0 Authenticate "Join a connection to a session.",
        1 CreateUser "Make a user.",
        2 DropUser "Remove a user.",
        3 SetPassword "Give another user a password.",
        4 ChangePassword "Give oneself a password.",
        5 GrantRoles "Add roles to a user.",
        6 RevokeRoles "Take roles from a user.",
        9 QueryUsers "List one user or all.",
        10 CreateRole "Make a role.",
        11 DropRole "Remove a role.",
        12 GrantPrivileges "Add privileges to a role.",
        13 RevokePrivileges "Take privileges from a role.",
        14 SetAllowlist "Say from where users of a role may come.",
        15 SetQuotas "Say how much users of a role may do.",
        16 QueryRoles "List one role or all.",
        20 Login "Begin a session.",
    }
}

codes! {
    /// What a field holds.
    AdminField {
        0 User "The name of a user.",
        1 Password "The hash of a password.",
        2 OldPassword "The hash of the password until now.",
        3 Credential "The hash of the password that logs in.",
        4 ClearPassword "A password as it is, for a server that asks a directory.",
        5 SessionToken "What names a session.",
        6 SessionTtl "Seconds a session lives.",
        7 AuthMode "How a user may log in.",
        10 Roles "Names of roles.",
        11 Role "The name of a role.",
        12 Privileges "Privileges with their scopes.",
        13 Allowlist "Addresses and networks, comma separated.",
        14 ReadQuota "Records read in a second, at most.",
        15 WriteQuota "Records written in a second, at most.",
        16 ReadInfo "What a user reads now.",
        17 WriteInfo "What a user writes now.",
        18 Connections "Connections of a user.",
    }
}
