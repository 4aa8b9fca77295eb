//! Inline I/O: while few calls are in flight, the JavaScript thread itself writes their requests and reads their answers,
//! and no other thread has to be woken.
//!
//! This needs an event loop that can watch a socket of ours, which the build decides (`inline_io`, see `build.rs`), and
//! libuv in the running program, which [`open`] finds out. Without either every command goes through the runtime.

use aerospike_core::{Batch, Command};

#[cfg(inline_io)]
use crate::driver::{self, Driver};
use crate::inline_setup::Setup;

/// Opens inline I/O for a client. Returns the id of its driver; `None` where there is no inline I/O.
pub(crate) fn open(setup: Setup<'_>) -> Option<usize> {
    #[cfg(inline_io)]
    return driver::open(setup);
    #[cfg(not(inline_io))]
    {
        let _ = setup;
        None
    }
}

/// Closes a driver. A command in flight still gets its answer.
pub(crate) fn close(id: usize) {
    #[cfg(inline_io)]
    driver::close(id);
    #[cfg(not(inline_io))]
    let _ = id;
}

/// Collects the commands of one call from JavaScript. They are written together when this is dropped.
pub(crate) struct Submission {
    #[cfg(inline_io)]
    driver: std::rc::Rc<Driver>,
    #[cfg(not(inline_io))]
    none: std::convert::Infallible,
}

impl Submission {
    /// A submission to a driver; `None` once that is gone.
    pub(crate) fn to(id: usize) -> Option<Self> {
        #[cfg(inline_io)]
        return driver::find(id).map(|driver| Self { driver });
        #[cfg(not(inline_io))]
        {
            let _ = id;
            None
        }
    }

    /// Most rows of a batch that would be accepted now.
    pub(crate) fn max_rows(&self) -> usize {
        #[cfg(inline_io)]
        return self.driver.max_rows();
        #[cfg(not(inline_io))]
        match self.none {}
    }

    /// Adds a command, or returns one that cannot be sent inline.
    #[expect(clippy::result_large_err, reason = "the command is moved on, not reported")]
    pub(crate) fn begin(&self, command: Command, ticket: u32) -> Result<(), Command> {
        #[cfg(inline_io)]
        return self.driver.begin(command, ticket);
        #[cfg(not(inline_io))]
        {
            let _ = (command, ticket);
            match self.none {}
        }
    }

    /// Adds a batch, or returns one that cannot be sent inline; `in_parts` if its rows do not wait for one another.
    #[expect(clippy::result_large_err, reason = "the batch is moved on, not reported")]
    pub(crate) fn begin_batch(&self, batch: Batch, ticket: u32, in_parts: bool) -> Result<(), Batch> {
        #[cfg(inline_io)]
        return self.driver.begin_batch(batch, ticket, in_parts);
        #[cfg(not(inline_io))]
        {
            let _ = (batch, ticket, in_parts);
            match self.none {}
        }
    }
}

#[cfg(inline_io)]
impl Drop for Submission {
    fn drop(&mut self) {
        self.driver.flush();
    }
}
