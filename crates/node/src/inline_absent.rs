//! The stand-in for `express` on systems where the event loop cannot watch a socket of ours: every command goes
//! through the runtime.

use std::sync::Arc;

use aerospike_core::{Batch, Client, Command};
use napi::sys;
use tokio::runtime::Handle as Runtime;

use crate::settlement::Shared;

pub(crate) fn open(_: sys::napi_env, _: sys::napi_value, _: &Client, _: Runtime, _: Arc<Shared>) -> Option<usize> {
    None
}

/// There is none.
pub(crate) enum Boarding {}

impl Boarding {
    pub(crate) fn at(_: usize) -> Option<Self> {
        None
    }

    pub(crate) fn most_rows(&self) -> usize {
        match *self {}
    }

    #[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
    pub(crate) fn begin(&self, _: Command, _: u32) -> Result<(), Command> {
        match *self {}
    }

    #[expect(clippy::result_large_err, reason = "the batch is moved on, not reported")]
    pub(crate) fn begin_batch(&self, _: Batch, _: u32, _: bool) -> Result<(), Batch> {
        match *self {}
    }
}

pub(crate) fn close(_: usize) {}
