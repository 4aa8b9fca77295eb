//! What a server can answer, as one table.

/// The result code of an answer, as the server sent it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ResultCode(pub u8);

macro_rules! result_codes {
    ($($code:literal $name:ident $text:literal,)*) => {
        #[allow(missing_docs)] // each constant's meaning is the text beside it in the table
        impl ResultCode {
            $(#[doc = $text] pub const $name: Self = Self($code);)*
        }

        /// Every known code with its name and its meaning.
        pub const RESULT_CODES: &[(ResultCode, &str, &str)] = &[$((ResultCode($code), stringify!($name), $text),)*];
    };
}

result_codes! {
    0 OK "done",
    1 SERVER_ERROR "the server failed, or a collection it was sent is malformed",
    2 NOT_FOUND "there is no such record",
    3 GENERATION "the record's generation is not the expected one",
    4 PARAMETER "the request is malformed or combines what cannot be combined",
    5 RECORD_EXISTS "the record exists already",
    6 BIN_EXISTS "the bin exists already",
    7 CLUSTER_KEY_MISMATCH "the cluster changed meanwhile",
    8 OUT_OF_SPACE "the namespace takes no more writes",
    9 TIMEOUT "the server did not finish in time",
    10 ALWAYS_FORBIDDEN "the operation is not allowed in this configuration",
    11 UNAVAILABLE "the partition is not available",
    12 INCOMPATIBLE_TYPE "the bin holds a value of another type",
    13 RECORD_TOO_BIG "the record would be larger than the server allows",
    14 KEY_BUSY "too many commands wait for this record",
    15 QUERY_ABORTED "the query was aborted",
    16 UNSUPPORTED_FEATURE "the server does not support this",
    17 BIN_NOT_FOUND "there is no such bin",
    18 DEVICE_OVERLOAD "the storage device cannot keep up",
    19 KEY_MISMATCH "the record is stored under another user key",
    20 NAMESPACE_NOT_FOUND "there is no such namespace",
    21 BIN_NAME "the bin name is too long, or the record has too many bins",
    22 FORBIDDEN "the operation is not allowed now",
    23 ELEMENT_NOT_FOUND "there is no such element",
    24 ELEMENT_EXISTS "the element exists already",
    25 ENTERPRISE_ONLY "only the Enterprise edition does this",
    26 OP_NOT_APPLICABLE "the operation does not apply to the value",
    27 FILTERED_OUT "the filter expression was not true",
    28 LOST_CONFLICT "a newer write won",
    32 XDR_KEY_BUSY "the record is being shipped",
    50 QUERY_END "the list ends here",
    51 SECURITY_NOT_SUPPORTED "this edition has no access control",
    52 SECURITY_NOT_ENABLED "access control is not enabled",
    53 SECURITY_SCHEME_NOT_SUPPORTED "the security scheme is not supported",
    54 INVALID_COMMAND "there is no such security command",
    55 INVALID_FIELD "a field of the security command is not valid",
    56 ILLEGAL_STATE "the security protocol was not followed",
    60 INVALID_USER "there is no such user",
    61 USER_ALREADY_EXISTS "the user exists already",
    62 INVALID_PASSWORD "the password is wrong",
    63 EXPIRED_PASSWORD "the password has expired",
    64 FORBIDDEN_PASSWORD "the password may not be used",
    65 INVALID_CREDENTIAL "the credential is wrong",
    66 EXPIRED_SESSION "the session has expired",
    70 INVALID_ROLE "there is no such role",
    71 ROLE_ALREADY_EXISTS "the role exists already",
    72 INVALID_PRIVILEGE "there is no such privilege",
    73 INVALID_WHITELIST "the whitelist is not valid",
    74 QUOTAS_NOT_ENABLED "quotas are not enabled",
    75 INVALID_QUOTA "the quota is not valid",
    80 NOT_AUTHENTICATED "the connection is not authenticated",
    81 ROLE_VIOLATION "the user lacks the privilege",
    82 NOT_WHITELISTED "the address is not on the user's whitelist",
    83 QUOTA_EXCEEDED "the user's quota is used up",
    90 LDAP_NOT_CONFIGURED "no directory of users is configured",
    91 LDAP_SETUP "the directory of users is not set up",
    92 LDAP_TLS_SETUP "encryption to the directory of users is not set up",
    93 LDAP_AUTHENTICATION "the directory of users refused the user",
    94 LDAP_QUERY "the directory of users could not be asked",
    100 UDF_EXECUTION "the UDF failed",
    120 MRT_BLOCKED "another transaction holds the record",
    121 MRT_VERSION_MISMATCH "the record changed since the transaction read it",
    122 MRT_EXPIRED "the transaction's deadline passed",
    123 MRT_TOO_MANY_WRITES "the transaction wrote too many records",
    124 MRT_COMMITTED "the transaction was committed",
    125 MRT_ABORTED "the transaction was aborted",
    126 MRT_ALREADY_LOCKED "the transaction holds the record already",
    127 MRT_MONITOR_EXISTS "the transaction was started already",
    150 BATCH_DISABLED "batches are disabled",
    151 BATCH_MAX_REQUESTS "the batch has more rows than the server allows",
    152 BATCH_QUEUES_FULL "the server's batch queues are full",
    160 GEO_INVALID_GEOJSON "the GeoJSON is not valid",
    200 INDEX_FOUND "the index exists already",
    201 INDEX_NOT_FOUND "there is no such index",
    202 INDEX_OUT_OF_MEMORY "the index does not fit in memory",
    203 INDEX_NOT_READABLE "the index is still being built",
    204 INDEX_ERROR "the index failed",
    205 INDEX_NAME_TOO_LONG "the index name is too long",
    206 INDEX_MAX_COUNT "the namespace has too many indexes",
    210 LEGACY_QUERY_ABORTED "the query was aborted",
    211 QUERY_QUEUE_FULL "the server's query queue is full",
    212 QUERY_TIMEOUT "the query did not finish in time",
    213 QUERY_ERROR "the query failed",
}

impl ResultCode {
    /// Whether this is [`ResultCode::OK`].
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// Name and meaning, for codes in the table.
    pub fn describe(self) -> Option<(&'static str, &'static str)> {
        RESULT_CODES.iter().find(|(code, ..)| *code == self).map(|&(_, name, text)| (name, text))
    }

    /// Whether a batch goes on after a row that ended so.
    pub const fn keeps_batch_going(self) -> bool {
        matches!(self, Self::OK | Self::NOT_FOUND | Self::FILTERED_OUT)
    }
}

impl std::fmt::Display for ResultCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.describe() {
            Some((name, text)) => write!(f, "{name} ({}): {text}", self.0),
            None => write!(f, "result code {}", self.0),
        }
    }
}

impl std::fmt::Debug for ResultCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.describe() {
            Some((name, _)) => write!(f, "{name}({})", self.0),
            None => write!(f, "ResultCode({})", self.0),
        }
    }
}
