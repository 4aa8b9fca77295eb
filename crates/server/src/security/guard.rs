//! Who a connection belongs to, and what is refused it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aerospike_wire::ResultCode;

use super::directory::Account;
use super::permission::Permissions;
use super::quota::Reservation;
use super::{Security, needs};
use crate::command::QueryKind;
use crate::command::Request;

/// Stands between a connection and what it asks for. Where there is no access control it lets everything pass.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(super) security: Option<Arc<Security>>,
    /// The node the connection came to.
    pub(super) node: usize,
    pub(super) peer: IpAddr,
    /// Who the connection's certificate names.
    pub(super) certified: Option<String>,
    account: Option<Account>,
}

impl Guard {
    /// For a connection to a node, from an address, and with a certificate that names someone or without.
    pub(crate) fn new(security: Option<Arc<Security>>, node: usize, peer: IpAddr, certified: Option<String>) -> Self {
        Self { security, node, peer, certified, account: None }
    }

    /// Whether the connection may do anything at all: whoever it belongs to is known, and still there.
    pub(crate) fn admit(&mut self) -> Result<(), ResultCode> {
        let Some(security) = &self.security else { return Ok(()) };
        let Some(account) = &self.account else { return Err(ResultCode::NOT_AUTHENTICATED) };
        if account.changes == security.directory.changes() {
            return Ok(());
        }
        let account = security.directory.account(&account.name, Some(account.id));
        let is_known = account.is_some();
        self.belong_to(account);
        if is_known { Ok(()) } else { Err(ResultCode::NOT_AUTHENTICATED) }
    }

    /// Whether what is needed is allowed in a set of a namespace.
    pub(crate) fn check(&mut self, needed: Permissions, namespace: &[u8], set: &[u8]) -> Result<(), ResultCode> {
        self.admit()?;
        let Some(account) = &self.account else { return Ok(()) };
        if account.grants.allow(needed, namespace, set) { Ok(()) } else { Err(ResultCode::ROLE_VIOLATION) }
    }

    /// Whether a command on one record may run.
    pub(crate) fn check_record(&mut self, request: &Request<'_>, namespace: &[u8]) -> Result<(), ResultCode> {
        if self.security.is_none() {
            return Ok(());
        }
        self.check(needs::of_record(request), namespace, request.set)
    }

    /// Counts a command on one record, unless its user has done too much in this second.
    pub(crate) fn count_record(&self, is_write: bool) -> Result<(), ResultCode> {
        let (Some(security), Some(account)) = (&self.security, &self.account) else { return Ok(()) };
        if !security.quotas {
            return Ok(());
        }
        let Some(here) = account.nodes.get(self.node) else { return Ok(()) };
        let [read_quota, write_quota] = account.quotas;
        let (meter, quota) = if is_write { (&here.writes, write_quota) } else { (&here.reads, read_quota) };
        if meter.count(security.second(), quota) { Ok(()) } else { Err(ResultCode::QUOTA_EXCEEDED) }
    }

    /// Whether a query may run.
    pub(crate) fn check_query(&mut self, kind: QueryKind, namespace: &[u8], set: &[u8]) -> Result<(), ResultCode> {
        self.check(needs::of_query(kind), namespace, set)
    }

    /// Sets aside what a query will take in a second while it runs, where quotas are kept.
    pub(crate) fn reserve(&self, kind: QueryKind, per_second: u32) -> Result<Option<Reservation>, ResultCode> {
        let (Some(security), Some(account)) = (&self.security, &self.account) else { return Ok(None) };
        let Some(here) = account.nodes.get(self.node).filter(|_| security.quotas) else { return Ok(None) };
        let [read_quota, write_quota] = account.quotas;
        let (meter, quota) = match kind {
            QueryKind::Basic { .. } | QueryKind::Aggregation => (&here.reads, read_quota),
            QueryKind::Operations | QueryKind::Calls => (&here.writes, write_quota),
        };
        meter.reserve(per_second, quota).map(Some).ok_or(ResultCode::QUOTA_EXCEEDED)
    }

    /// Whose the connection is.
    pub(super) fn user(&self) -> Option<&str> {
        self.account.as_ref().map(|account| account.name.as_str())
    }

    /// Makes the connection one of a user's, or of none.
    pub(super) fn belong_to(&mut self, account: Option<Account>) {
        self.count_connection(false);
        self.account = account;
        self.count_connection(true);
    }

    fn count_connection(&self, comes: bool) {
        let Some(here) = self.account.as_ref().and_then(|account| account.nodes.get(self.node)) else { return };
        if comes {
            here.connections.fetch_add(1, Ordering::Relaxed);
        } else {
            here.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.count_connection(false);
    }
}
