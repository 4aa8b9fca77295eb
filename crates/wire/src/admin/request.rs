//! What clients ask of the admin protocol, as one type that both sides share.

use bytes::BytesMut;

use super::message::{AdminMessage, AdminWriter};
use super::privilege::Privilege;
use super::{AdminCommand, AdminField, PASSWORD_HASH_SIZE};
use crate::ResultCode;
use crate::limits::MAX_USER_SIZE;
use crate::proto::{ProtoType, write_frame};

/// A quota that a request leaves as it is, in place of leaving the field out.
const UNCHANGED: u32 = u32::MAX;

/// How a user proves to be one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// By a password that the server knows: its hash.
    Internal {
        /// The user.
        user: &'a str,
        /// The hash.
        hash: &'a str,
    },
    /// By a password that a directory knows, which must see it as it is.
    External {
        /// The user.
        user: &'a str,
        /// The hash, for servers that know the user themselves.
        hash: &'a str,
        /// The password.
        password: &'a str,
    },
    /// By the certificate of the connection.
    Certificate,
}

/// A request. It is never printed with what it holds.
#[derive(Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are named as those of the protocol, which `AdminField` explains
pub enum AdminRequest<'a> {
    Authenticate { user: Option<&'a str>, token: &'a [u8] },
    Login(Credential<'a>),
    CreateUser { user: &'a str, password: &'a str, roles: Vec<&'a str> },
    DropUser { user: &'a str },
    SetPassword { user: &'a str, password: &'a str },
    ChangePassword { user: &'a str, old: &'a str, password: &'a str },
    GrantRoles { user: &'a str, roles: Vec<&'a str> },
    RevokeRoles { user: &'a str, roles: Vec<&'a str> },
    QueryUsers { user: Option<&'a str> },
    CreateRole { role: &'a str, privileges: Vec<Privilege>, allowlist: &'a str, quotas: [Option<u32>; 2] },
    DropRole { role: &'a str },
    GrantPrivileges { role: &'a str, privileges: Vec<Privilege> },
    RevokePrivileges { role: &'a str, privileges: Vec<Privilege> },
    SetAllowlist { role: &'a str, allowlist: &'a str },
    SetQuotas { role: &'a str, quotas: [Option<u32>; 2] },
    QueryRoles { role: Option<&'a str> },
}

impl std::fmt::Debug for AdminRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}(..)", self.command())
    }
}

impl<'a> AdminRequest<'a> {
    /// Which command it is.
    pub fn command(&self) -> AdminCommand {
        match self {
            Self::Authenticate { .. } => AdminCommand::Authenticate,
            Self::Login(_) => AdminCommand::Login,
            Self::CreateUser { .. } => AdminCommand::CreateUser,
            Self::DropUser { .. } => AdminCommand::DropUser,
            Self::SetPassword { .. } => AdminCommand::SetPassword,
            Self::ChangePassword { .. } => AdminCommand::ChangePassword,
            Self::GrantRoles { .. } => AdminCommand::GrantRoles,
            Self::RevokeRoles { .. } => AdminCommand::RevokeRoles,
            Self::QueryUsers { .. } => AdminCommand::QueryUsers,
            Self::CreateRole { .. } => AdminCommand::CreateRole,
            Self::DropRole { .. } => AdminCommand::DropRole,
            Self::GrantPrivileges { .. } => AdminCommand::GrantPrivileges,
            Self::RevokePrivileges { .. } => AdminCommand::RevokePrivileges,
            Self::SetAllowlist { .. } => AdminCommand::SetAllowlist,
            Self::SetQuotas { .. } => AdminCommand::SetQuotas,
            Self::QueryRoles { .. } => AdminCommand::QueryRoles,
        }
    }

    /// Appends it as a frame. Names longer than a byte can count are cut; who asks has checked them.
    pub fn encode(&self, out: &mut BytesMut) {
        write_frame(out, ProtoType::Security, |out| {
            let mut to = AdminWriter::request(out, self.command());
            self.write_fields(&mut to);
        });
    }

    fn write_fields(&self, to: &mut AdminWriter<'_>) {
        use AdminField as F;
        match self {
            Self::Authenticate { user, token } => {
                if let Some(user) = user {
                    to.bytes(F::User, user.as_bytes());
                }
                to.bytes(F::SessionToken, token);
            }
            Self::Login(Credential::Certificate) => {}
            Self::Login(Credential::Internal { user, hash }) => {
                to.bytes(F::User, user.as_bytes()).bytes(F::Credential, hash.as_bytes());
            }
            Self::Login(Credential::External { user, hash, password }) => {
                to.bytes(F::User, user.as_bytes()).bytes(F::Credential, hash.as_bytes());
                to.bytes(F::ClearPassword, password.as_bytes());
            }
            Self::CreateUser { user, password, roles } => {
                to.bytes(F::User, user.as_bytes()).bytes(F::Password, password.as_bytes());
                to.names(F::Roles, roles.iter().copied());
            }
            Self::DropUser { user } => {
                to.bytes(F::User, user.as_bytes());
            }
            Self::SetPassword { user, password } => {
                to.bytes(F::User, user.as_bytes()).bytes(F::Password, password.as_bytes());
            }
            Self::ChangePassword { user, old, password } => {
                to.bytes(F::User, user.as_bytes()).bytes(F::OldPassword, old.as_bytes());
                to.bytes(F::Password, password.as_bytes());
            }
            Self::GrantRoles { user, roles } | Self::RevokeRoles { user, roles } => {
                to.bytes(F::User, user.as_bytes()).names(F::Roles, roles.iter().copied());
            }
            Self::QueryUsers { user } => {
                user.map(|user| to.bytes(F::User, user.as_bytes()));
            }
            Self::CreateRole { role, privileges, allowlist, quotas } => {
                to.bytes(F::Role, role.as_bytes());
                if !privileges.is_empty() {
                    to.privileges(privileges);
                }
                if !allowlist.is_empty() {
                    to.bytes(F::Allowlist, allowlist.as_bytes());
                }
                write_quotas(to, quotas);
            }
            Self::DropRole { role } => {
                to.bytes(F::Role, role.as_bytes());
            }
            Self::GrantPrivileges { role, privileges } | Self::RevokePrivileges { role, privileges } => {
                to.bytes(F::Role, role.as_bytes()).privileges(privileges);
            }
            Self::SetAllowlist { role, allowlist } => {
                to.bytes(F::Role, role.as_bytes());
                if !allowlist.is_empty() {
                    to.bytes(F::Allowlist, allowlist.as_bytes());
                }
            }
            Self::SetQuotas { role, quotas } => {
                to.bytes(F::Role, role.as_bytes());
                write_quotas(to, quotas);
            }
            Self::QueryRoles { role } => {
                role.map(|role| to.bytes(F::Role, role.as_bytes()));
            }
        }
    }

    /// Reads what a client asks; what is wrong with it is a result code to answer.
    pub fn decode(body: &'a [u8]) -> Result<Self, ResultCode> {
        let message = AdminMessage::decode_exact(body).map_err(|_| ResultCode::INVALID_FIELD)?;
        if message.scheme != 0 {
            return Err(ResultCode::SECURITY_SCHEME_NOT_SUPPORTED);
        }
        let asked = Asked(message);
        Ok(match AdminCommand::from_code(message.command).ok_or(ResultCode::INVALID_COMMAND)? {
            AdminCommand::Authenticate => Self::Authenticate { user: asked.optional_user()?, token: asked.token()? },
            AdminCommand::Login => Self::Login(asked.credential()?),
            AdminCommand::CreateUser => Self::CreateUser {
                user: asked.user()?,
                password: asked.password(AdminField::Password)?,
                roles: asked.roles()?,
            },
            AdminCommand::DropUser => Self::DropUser { user: asked.user()? },
            AdminCommand::SetPassword => {
                Self::SetPassword { user: asked.user()?, password: asked.password(AdminField::Password)? }
            }
            AdminCommand::ChangePassword => Self::ChangePassword {
                user: asked.user()?,
                old: asked.password(AdminField::OldPassword)?,
                password: asked.password(AdminField::Password)?,
            },
            AdminCommand::GrantRoles => Self::GrantRoles { user: asked.user()?, roles: asked.roles()? },
            AdminCommand::RevokeRoles => Self::RevokeRoles { user: asked.user()?, roles: asked.roles()? },
            AdminCommand::QueryUsers => Self::QueryUsers { user: asked.optional_user()? },
            AdminCommand::CreateRole => Self::CreateRole {
                role: asked.role()?,
                privileges: asked.privileges()?,
                allowlist: asked.allowlist()?,
                quotas: asked.quotas()?,
            },
            AdminCommand::DropRole => Self::DropRole { role: asked.role()? },
            AdminCommand::GrantPrivileges => {
                Self::GrantPrivileges { role: asked.role()?, privileges: asked.privileges()? }
            }
            AdminCommand::RevokePrivileges => {
                Self::RevokePrivileges { role: asked.role()?, privileges: asked.privileges()? }
            }
            AdminCommand::SetAllowlist => Self::SetAllowlist { role: asked.role()?, allowlist: asked.allowlist()? },
            AdminCommand::SetQuotas => Self::SetQuotas { role: asked.role()?, quotas: asked.quotas()? },
            AdminCommand::QueryRoles => Self::QueryRoles { role: asked.optional_role()? },
        })
    }
}

fn write_quotas(to: &mut AdminWriter<'_>, [read, write]: &[Option<u32>; 2]) {
    read.map(|quota| to.number(AdminField::ReadQuota, quota));
    write.map(|quota| to.number(AdminField::WriteQuota, quota));
}

/// A request whose fields are yet to be read.
struct Asked<'a>(AdminMessage<'a>);

impl<'a> Asked<'a> {
    fn name(&self, field: AdminField, refusal: ResultCode) -> Result<Option<&'a str>, ResultCode> {
        let name = self.0.text(field).map_err(|_| refusal)?;
        if name.is_some_and(|name| name.is_empty() || name.len() > MAX_USER_SIZE) {
            return Err(refusal);
        }
        Ok(name)
    }

    fn optional_user(&self) -> Result<Option<&'a str>, ResultCode> {
        self.name(AdminField::User, ResultCode::INVALID_USER)
    }

    fn user(&self) -> Result<&'a str, ResultCode> {
        self.optional_user()?.ok_or(ResultCode::INVALID_USER)
    }

    fn optional_role(&self) -> Result<Option<&'a str>, ResultCode> {
        self.name(AdminField::Role, ResultCode::INVALID_ROLE)
    }

    fn role(&self) -> Result<&'a str, ResultCode> {
        self.optional_role()?.ok_or(ResultCode::INVALID_ROLE)
    }

    fn roles(&self) -> Result<Vec<&'a str>, ResultCode> {
        self.0.names(AdminField::Roles).map_err(|_| ResultCode::INVALID_ROLE)
    }

    fn password(&self, field: AdminField) -> Result<&'a str, ResultCode> {
        let hash = self.0.text(field).map_err(|_| ResultCode::INVALID_PASSWORD)?;
        hash.filter(|hash| hash.len() == PASSWORD_HASH_SIZE).ok_or(ResultCode::INVALID_PASSWORD)
    }

    fn credential(&self) -> Result<Credential<'a>, ResultCode> {
        let Some(user) = self.optional_user()? else { return Ok(Credential::Certificate) };
        let refused = ResultCode::INVALID_CREDENTIAL;
        let hash = self.0.text(AdminField::Credential).map_err(|_| refused)?.ok_or(refused)?;
        Ok(match self.0.text(AdminField::ClearPassword).map_err(|_| refused)? {
            None => Credential::Internal { user, hash },
            Some(password) => Credential::External { user, hash, password },
        })
    }

    fn token(&self) -> Result<&'a [u8], ResultCode> {
        self.0.field(AdminField::SessionToken).ok_or(ResultCode::INVALID_CREDENTIAL)
    }

    fn privileges(&self) -> Result<Vec<Privilege>, ResultCode> {
        let Some(data) = self.0.field(AdminField::Privileges) else { return Ok(Vec::new()) };
        Privilege::decode_list(data).map_err(|_| ResultCode::INVALID_PRIVILEGE)
    }

    fn allowlist(&self) -> Result<&'a str, ResultCode> {
        Ok(self.0.text(AdminField::Allowlist).map_err(|_| ResultCode::INVALID_WHITELIST)?.unwrap_or_default())
    }

    fn quotas(&self) -> Result<[Option<u32>; 2], ResultCode> {
        let quota = |field| match self.0.number(field) {
            Ok(quota) => Ok(quota.filter(|quota| *quota != UNCHANGED)),
            Err(_) => Err(ResultCode::INVALID_QUOTA),
        };
        Ok([quota(AdminField::ReadQuota)?, quota(AdminField::WriteQuota)?])
    }
}
