//! What a role may do, and where.

use bytes::{BufMut, BytesMut};

use super::counted::{counted, put_name};
use crate::error::{DecodeError, Result, take, take_u8};
use crate::limits::{MAX_NAMESPACE_SIZE, MAX_SET_SIZE};

/// What a role may do. A newtype: servers to come have privileges that this crate does not know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrivilegeCode(pub u8);

macro_rules! privileges {
    ($($code:literal $name:ident $word:literal $text:literal,)*) => {
        impl PrivilegeCode {
            $(#[doc = $text] pub const $name: Self = Self($code);)*
        }

        /// Every known privilege with its name, which is also that of the role that has just it.
        pub const PRIVILEGES: &[(PrivilegeCode, &str)] = &[$((PrivilegeCode($code), $word),)*];
    };
}

privileges! {
    0 USER_ADMIN "user-admin" "Users and roles.",
    1 SYS_ADMIN "sys-admin" "Settings, and what data-admin may.",
    2 DATA_ADMIN "data-admin" "Indexes, modules of functions, truncation, jobs.",
    3 UDF_ADMIN "udf-admin" "Modules of functions.",
    4 SINDEX_ADMIN "sindex-admin" "Indexes.",
    10 READ "read" "Read records, one by one and by queries.",
    11 READ_WRITE "read-write" "Read and write records.",
    12 READ_WRITE_UDF "read-write-udf" "Read and write records, and call functions on them.",
    13 WRITE "write" "Write and remove records.",
    14 TRUNCATE "truncate" "Truncate sets and namespaces.",
    15 MASKING_ADMIN "masking-admin" "Rules that mask what is read.",
    16 READ_MASKED "read-masked" "Read what is masked as it is.",
    17 WRITE_MASKED "write-masked" "Write what is masked.",
}

impl PrivilegeCode {
    /// The first code that is limited to a namespace or set, or can be.
    const FIRST_SCOPED: u8 = 10;

    /// The privilege of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        PRIVILEGES.iter().find(|(_, known)| *known == name).map(|(code, _)| *code)
    }

    /// Its name, if it is known.
    pub fn name(self) -> Option<&'static str> {
        PRIVILEGES.iter().find(|(code, _)| *code == self).map(|(_, name)| *name)
    }

    /// Whether it can be limited to a namespace or set.
    pub const fn is_scoped(self) -> bool {
        self.0 >= Self::FIRST_SCOPED
    }
}

impl std::fmt::Debug for PrivilegeCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name}({})", self.0),
            None => write!(f, "PrivilegeCode({})", self.0),
        }
    }
}

/// A privilege and where it holds: everywhere, in a namespace, or in a set of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Privilege {
    /// What may be done.
    pub code: PrivilegeCode,
    /// The namespace; empty for all.
    pub namespace: String,
    /// The set; empty for all.
    pub set: String,
}

impl Privilege {
    /// A privilege that holds everywhere.
    pub const fn everywhere(code: PrivilegeCode) -> Self {
        Self { code, namespace: String::new(), set: String::new() }
    }

    /// Reads a list of privileges, known or not.
    pub fn decode_list(mut data: &[u8]) -> Result<Vec<Self>> {
        const WHAT: &str = "list of privileges";
        let count = take_u8(&mut data, WHAT)?;
        let mut privileges = Vec::with_capacity(usize::from(count).min(data.len()));
        for _ in 0..count {
            let code = PrivilegeCode(take_u8(&mut data, WHAT)?);
            let mut privilege = Self::everywhere(code);
            if code.is_scoped() {
                privilege.namespace = scope(&mut data, MAX_NAMESPACE_SIZE)?;
                privilege.set = scope(&mut data, MAX_SET_SIZE)?;
            }
            privileges.push(privilege);
        }
        if data.is_empty() { Ok(privileges) } else { Err(DecodeError::Trailing(WHAT)) }
    }
}

fn scope(data: &mut &[u8], limit: usize) -> Result<String> {
    const WHAT: &str = "scope of a privilege";
    let size = usize::from(take_u8(data, WHAT)?);
    if size > limit {
        return Err(DecodeError::TooLarge { what: WHAT, size: size as u64, limit: limit as u64 });
    }
    let name = take(data, size, WHAT)?;
    Ok(std::str::from_utf8(name).map_err(|_| DecodeError::Invalid(WHAT))?.to_owned())
}

pub(super) fn write_privileges(out: &mut BytesMut, privileges: &[Privilege]) {
    counted(out, privileges, |out, Privilege { code, namespace, set }| {
        out.put_u8(code.0);
        if code.is_scoped() {
            put_name(out, namespace.as_bytes());
            put_name(out, set.as_bytes());
        }
    });
}
