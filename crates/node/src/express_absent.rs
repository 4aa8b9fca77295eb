//! The stand-in for `express` on systems where the event loop cannot watch a socket of ours: every command goes
//! through the runtime.

use std::sync::Arc;

use aerospike_core::{Client, Command};
use napi::sys;
use tokio::runtime::Handle as Runtime;

use crate::client::Shared;

pub(crate) fn open(_: sys::napi_env, _: sys::napi_value, _: &Client, _: Runtime, _: Arc<Shared>) -> Option<usize> {
    None
}

#[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
pub(crate) fn begin(_: usize, command: Command, _: u32) -> Result<(), Command> {
    Err(command)
}

pub(crate) fn close(_: usize) {}
