//! What each class of commands and each info command needs, as tables (protocol 2, section 2.6).

use aerospike_wire::{Info1, Info2};

use super::permission::Permissions;
use crate::command::QueryKind;
use crate::command::Request;

/// The classes of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Read,
    Write,
    ReadAndWrite,
    Delete,
    Call,
    Query,
    QueryThatWrites,
    QueryThatCalls,
}

/// What each class needs in the namespace and set it is on.
const CLASSES: &[(Class, Permissions)] = &[
    (Class::Read, Permissions::READ),
    (Class::Write, Permissions::WRITE),
    (Class::ReadAndWrite, Permissions::READ.union(Permissions::WRITE)),
    (Class::Delete, Permissions::DELETE),
    (Class::Call, Permissions::UDF_APPLY),
    (Class::Query, Permissions::QUERY),
    (Class::QueryThatWrites, Permissions::OPS_QUERY),
    (Class::QueryThatCalls, Permissions::UDF_QUERY),
];

/// What info commands need; the others need nothing but a session.
const INFO: &[(Permissions, &[&str])] = &[
    (Permissions::SET_CONFIG, &["config-set", "set-config"]),
    (
        Permissions::LOGGING_CTRL,
        &[
            "log-set",
            "set-log",
            "log-message",
            "dump-cluster",
            "dump-fabric",
            "dump-hb",
            "dump-hlc",
            "dump-migrates",
            "dump-skew",
            "dump-wb-summary",
            "jem-stats",
        ],
    ),
    (
        Permissions::SERVICE_CTRL,
        &["quiesce", "quiesce-undo", "recluster", "revive", "roster-set", "services-alumni-reset", "tip", "tip-clear"],
    ),
    (Permissions::SINDEX_ADMIN, &["sindex-create", "sindex-delete", "sindex-exists"]),
    (Permissions::TRUNCATE, &["truncate", "truncate-undo", "truncate-namespace", "truncate-namespace-undo"]),
    (Permissions::UDF_ADMIN, &["udf-put", "udf-remove", "udf-clear-cache"]),
    (Permissions::QUERY_ADMIN, &["query-abort", "query-abort-all"]),
    (Permissions::EVICT_ADMIN, &["eviction-reset"]),
    (Permissions::RECORD_INFO, &["debug-record", "debug-record-meta"]),
    (Permissions::XDR_SET_FILTER, &["xdr-set-filter"]),
    (Permissions::MASKING_ADMIN, &["masking"]),
];

fn of_class(class: Class) -> Permissions {
    CLASSES.iter().find(|(known, _)| *known == class).map_or(Permissions::all(), |(_, needed)| *needed)
}

/// What a command on one record needs.
pub(crate) fn of_record(request: &Request<'_>) -> Permissions {
    of_class(if request.udf.is_some() {
        Class::Call
    } else if request.info2.contains(Info2::WRITE | Info2::DELETE) {
        Class::Delete
    } else if !request.is_write() {
        Class::Read
    } else if request.info1.contains(Info1::READ) {
        Class::ReadAndWrite
    } else {
        Class::Write
    })
}

/// What a query needs.
pub(crate) fn of_query(kind: QueryKind) -> Permissions {
    of_class(match kind {
        QueryKind::Basic { .. } | QueryKind::Aggregation => Class::Query,
        QueryKind::Operations => Class::QueryThatWrites,
        QueryKind::Calls => Class::QueryThatCalls,
    })
}

/// What an info command needs; nothing for most.
pub(crate) fn of_info(name: &str) -> Permissions {
    INFO.iter().find(|(_, names)| names.contains(&name)).map_or(Permissions::empty(), |(needed, _)| *needed)
}
