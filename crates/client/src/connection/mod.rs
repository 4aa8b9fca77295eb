//! The connections to one node, and how commands share them.
//!
//! | file | subject |
//! |---|---|
//! | `dial.rs` | opening a connection |
//! | `health.rs` | what its connections say about a node |
//! | `probe.rs` | asking a node that answers nothing whether it is there |
//! | `request.rs` | one attempt of a command: a request, and the response that waits for its outcome |
//! | `pipeline.rs` | requests on a connection, and the order of their answers |
//! | `pipelined.rs` | a pipelined connection: many commands in flight |
//! | `exclusive.rs` | a connection for one command |
//! | `direct.rs` | a connection taken off Tokio, for inline I/O |
//! | `window.rs` | how many commands may be in flight on one |
//! | `overload.rs` | refusing early what cannot be sent in time |
//! | `lease.rs` | the right to a connection of one's own |
//! | `pool_state.rs` | who has which connection, who waits, and who gets the next |
//! | `pool.rs` | all connections of a node |

pub(crate) mod dial;
pub(crate) mod direct;
pub(crate) mod exclusive;
pub(crate) mod health;
pub(crate) mod lease;
mod overload;
pub(crate) mod pipeline;
pub(crate) mod pipelined;
pub(crate) mod pool;
pub(crate) mod pool_state;
pub(crate) mod probe;
pub(crate) mod request;
pub(crate) mod window;
