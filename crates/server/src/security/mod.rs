//! Access control, as an Enterprise cluster has it: who may do what, and from where, and how much of it.
//!
//! | file | subject |
//! |---|---|
//! | `tables` | users and roles as rows, and how they must be |
//! | `directory` | users and roles, which all nodes share |
//! | `permission` | what the privileges of roles allow |
//! | `needs` | what each class of commands and each info command needs |
//! | `session` | the tokens that name sessions |
//! | `guard` | who a connection belongs to, and what is refused it |
//! | `admin` | answers to the admin protocol |
//! | `allowlist` | from where users may come |
//! | `quota` | how much they may do in a second |
//!
//! A change is seen at once by every node and by connections that are open: each command compares a counter of changes
//! with the one its connection knows.

mod admin;
mod allowlist;
mod directory;
mod guard;
pub(crate) mod needs;
mod permission;
mod quota;
mod session;
mod tables;

use std::time::Instant;

use crate::options::SecurityOptions;
use directory::Directory;
pub(crate) use guard::Guard;
pub(crate) use quota::Reservation;
use session::Sessions;

/// What the nodes of a cluster share of its access control.
#[derive(Debug)]
pub(crate) struct Security {
    directory: Directory,
    sessions: Sessions,
    /// Whether quotas are kept.
    quotas: bool,
    started: Instant,
}

impl Security {
    /// Access control for a cluster of so many nodes.
    pub(crate) fn new(options: &SecurityOptions, nodes: usize) -> Result<Self, String> {
        Ok(Self {
            directory: Directory::new(options, nodes)?,
            sessions: Sessions::new(options.session_ttl),
            quotas: options.quotas,
            started: Instant::now(),
        })
    }

    /// The second that runs, for what is counted by second.
    fn second(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}
