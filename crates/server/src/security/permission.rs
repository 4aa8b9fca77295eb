//! What a user may do: the permissions behind each privilege, and how they are called (protocol 2, section 2.6).

use aerospike_wire::admin::{Privilege, PrivilegeCode};
use bitflags::bitflags;

bitflags! {
    /// What is allowed, or needed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct Permissions: u64 {
        const READ = 1;
        const QUERY = 1 << 1;
        const WRITE = 1 << 2;
        const DELETE = 1 << 3;
        const UDF_APPLY = 1 << 4;
        const UDF_QUERY = 1 << 5;
        const OPS_QUERY = 1 << 6;
        const MASKING_ADMIN = 1 << 7;
        const READ_MASKED = 1 << 8;
        const WRITE_MASKED = 1 << 9;
        const UDF_ADMIN = 1 << 16;
        const SINDEX_ADMIN = 1 << 17;
        const QUERY_ADMIN = 1 << 18;
        const TRUNCATE = 1 << 19;
        const EVICT_ADMIN = 1 << 20;
        const RECORD_INFO = 1 << 21;
        const SET_CONFIG = 1 << 24;
        const LOGGING_CTRL = 1 << 25;
        const SERVICE_CTRL = 1 << 26;
        const XDR_SET_FILTER = 1 << 27;
        const USER_ADMIN = 1 << 44;
    }
}

impl Permissions {
    const READS: Self = Self::READ.union(Self::QUERY);
    const WRITES: Self = Self::WRITE.union(Self::DELETE).union(Self::OPS_QUERY);
    const CALLS: Self = Self::UDF_APPLY.union(Self::UDF_QUERY);
    const DATA: Self = Self::UDF_ADMIN
        .union(Self::SINDEX_ADMIN)
        .union(Self::QUERY_ADMIN)
        .union(Self::TRUNCATE)
        .union(Self::EVICT_ADMIN);
    const SYSTEM: Self = Self::DATA
        .union(Self::SET_CONFIG)
        .union(Self::LOGGING_CTRL)
        .union(Self::SERVICE_CTRL)
        .union(Self::XDR_SET_FILTER)
        .union(Self::RECORD_INFO);

    /// What a privilege allows; `None` for one that there is not.
    pub(crate) fn of(code: PrivilegeCode) -> Option<Self> {
        PRIVILEGES.iter().find(|(known, _)| *known == code).map(|(_, allowed)| *allowed)
    }

    /// How the first of them is called in refusals: in lower case, with hyphens.
    pub(crate) fn first_name(self) -> String {
        self.iter_names().next().map(|(name, _)| name.to_lowercase().replace('_', "-")).unwrap_or_default()
    }
}

/// What each privilege allows.
const PRIVILEGES: &[(PrivilegeCode, Permissions)] = &[
    (PrivilegeCode::USER_ADMIN, Permissions::USER_ADMIN),
    (PrivilegeCode::SYS_ADMIN, Permissions::SYSTEM),
    (PrivilegeCode::DATA_ADMIN, Permissions::DATA),
    (PrivilegeCode::UDF_ADMIN, Permissions::UDF_ADMIN),
    (PrivilegeCode::SINDEX_ADMIN, Permissions::SINDEX_ADMIN),
    (PrivilegeCode::READ, Permissions::READS),
    (PrivilegeCode::READ_WRITE, Permissions::READS.union(Permissions::WRITES)),
    (PrivilegeCode::READ_WRITE_UDF, Permissions::READS.union(Permissions::WRITES).union(Permissions::CALLS)),
    (PrivilegeCode::WRITE, Permissions::WRITES),
    (PrivilegeCode::TRUNCATE, Permissions::TRUNCATE),
    (PrivilegeCode::MASKING_ADMIN, Permissions::MASKING_ADMIN),
    (PrivilegeCode::READ_MASKED, Permissions::READ_MASKED),
    (PrivilegeCode::WRITE_MASKED, Permissions::WRITE_MASKED),
];

/// What all roles of a user allow together, ready to be asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grants {
    everywhere: Permissions,
    /// Namespace, set (empty for all of them), and what is allowed there.
    scoped: Vec<(Box<[u8]>, Box<[u8]>, Permissions)>,
}

impl Grants {
    /// What a list of privileges allows.
    pub(crate) fn of<'p>(privileges: impl Iterator<Item = &'p Privilege>) -> Self {
        let mut grants = Self::default();
        for privilege in privileges {
            let Some(allowed) = Permissions::of(privilege.code) else { continue };
            if privilege.namespace.is_empty() {
                grants.everywhere |= allowed;
            } else {
                let bytes = |text: &str| text.as_bytes().into();
                grants.scoped.push((bytes(&privilege.namespace), bytes(&privilege.set), allowed));
            }
        }
        grants
    }

    /// Whether all that is needed is allowed in a set of a namespace. Nothing is named for what concerns the whole
    /// cluster, and no set for what concerns all of a namespace.
    pub(crate) fn allow(&self, needed: Permissions, namespace: &[u8], set: &[u8]) -> bool {
        if self.everywhere.contains(needed) {
            return true;
        }
        let here =
            self.scoped.iter().filter(|(ns, within, _)| **ns == *namespace && (within.is_empty() || **within == *set));
        here.fold(self.everywhere, |allowed, (.., more)| allowed | *more).contains(needed)
    }
}

#[cfg(test)]
mod tests {
    use aerospike_wire::admin::PRIVILEGES as NAMES;

    use super::*;

    #[test]
    fn every_privilege_allows_something() {
        for (code, name) in NAMES {
            assert!(Permissions::of(*code).is_some_and(|allowed| !allowed.is_empty()), "{name}");
        }
    }

    #[test]
    fn a_refusal_names_what_is_missing() {
        assert_eq!(Permissions::SINDEX_ADMIN.first_name(), "sindex-admin");
        assert_eq!(Permissions::XDR_SET_FILTER.first_name(), "xdr-set-filter");
    }

    #[test]
    fn scopes_add_up_and_stay_apart() {
        let privilege =
            |code, namespace: &str, set: &str| Privilege { code, namespace: namespace.into(), set: set.into() };
        let list = [
            privilege(PrivilegeCode::READ, "test", ""),
            privilege(PrivilegeCode::WRITE, "test", "demo"),
            privilege(PrivilegeCode::TRUNCATE, "", ""),
        ];
        let grants = Grants::of(list.iter());
        let both = Permissions::READ | Permissions::WRITE;
        assert!(grants.allow(both, b"test", b"demo"));
        assert!(!grants.allow(both, b"test", b"other"));
        assert!(grants.allow(Permissions::READ, b"test", b""));
        assert!(!grants.allow(Permissions::READ, b"bar", b"demo"));
        assert!(!grants.allow(Permissions::READ, b"", b""));
        assert!(grants.allow(Permissions::TRUNCATE, b"bar", b""));
        assert!(!grants.allow(Permissions::WRITE, b"test", b""), "a set's grant is not the namespace's");
    }
}
