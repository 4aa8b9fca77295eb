//! A node's share of a namespace, as commands name it.

use aerospike_wire::ResultCode;

use super::ask::{Ask, Refusal};
use crate::store::{Namespace, Store};

/// The node's share of a namespace, by name.
pub(super) fn find<'a>(ask: &Ask<'a>, name: &str) -> Option<(&'a Namespace, &'a Store)> {
    let index = ask.state.find_namespace(name.as_bytes())?;
    ask.state.namespaces.get(index).zip(ask.node.stores.get(index))
}

/// The node's share of a namespace that must be named, in so many bytes at most, and be there.
pub(super) fn find_required<'a>(
    ask: &Ask<'a>,
    names: &[&'static str],
    most: usize,
) -> Result<(&'a Namespace, &'a Store), Refusal> {
    let name = ask.required_as(names, most)?;
    find(ask, name).ok_or(Refusal::new(ResultCode::NAMESPACE_NOT_FOUND, "namespace not found on node"))
}
