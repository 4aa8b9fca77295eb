//! Which edition of the server a cluster speaks for. Whoever does something that only one of them does asks here.

use std::str::FromStr;

use aerospike_wire::ResultCode;

/// The edition of a cluster.
///
/// ```
/// use aerospike_server::Edition;
/// assert_eq!("enterprise".parse(), Ok(Edition::Enterprise));
/// assert_eq!(Edition::default().as_str(), "community");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    /// What is free: no access control, no encryption, no strong consistency.
    #[default]
    Community,
    /// Everything.
    Enterprise,
}

impl Edition {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Community, Self::Enterprise];

    /// How options name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Community => "community",
            Self::Enterprise => "enterprise",
        }
    }

    /// What a server says it is.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Community => "Aerospike Community Edition",
            Self::Enterprise => "Aerospike Enterprise Edition",
        }
    }

    /// Whether this is the Enterprise edition.
    pub(crate) const fn is_enterprise(self) -> bool {
        matches!(self, Self::Enterprise)
    }

    /// What a command is answered that only the Enterprise edition does.
    pub(crate) fn require_enterprise(self) -> Result<(), ResultCode> {
        if self.is_enterprise() { Ok(()) } else { Err(ResultCode::ENTERPRISE_ONLY) }
    }
}

impl FromStr for Edition {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|edition| edition.as_str() == name);
        found.ok_or_else(|| format!("an edition is 'community' or 'enterprise', not '{name}'"))
    }
}
