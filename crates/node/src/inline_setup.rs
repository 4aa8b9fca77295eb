//! What inline I/O begins with.

use std::sync::Arc;

use aerospike_core::Client;
use napi::sys;
use tokio::runtime::Handle as Runtime;

use crate::settlement::Shared;

/// What inline I/O needs of a client.
#[cfg_attr(not(inline_io), expect(dead_code, reason = "there is no inline I/O in this build"))]
pub(crate) struct Setup<'a> {
    pub(crate) env: sys::napi_env,
    /// Called when completions are ready, in place of the client's own function.
    pub(crate) wake: sys::napi_value,
    /// The buffer in which completions are handed over with that call.
    pub(crate) target: sys::napi_value,
    pub(crate) core: &'a Client,
    pub(crate) runtime: Runtime,
    pub(crate) shared: Arc<Shared>,
}
