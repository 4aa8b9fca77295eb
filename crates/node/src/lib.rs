//! The binding: the only crate that knows JavaScript exists, and the only one with `unsafe` code.
//!
//! Bytes cross here, not objects. `docs/internal/boundary.md` describes every byte and says why.
//!
//! | module | subject |
//! |---|---|
//! | `entry` | request entries from TypeScript to commands of the client core |
//! | `handing_over` | what was submitted and has not begun, for which a close waits |
//! | `completion` | outcomes of commands to completions for TypeScript |
//! | `layout` | the numbers of both by name, for comparison with those of TypeScript |
//! | `queue` | completions on their way to the JavaScript thread, and the one wake-up for all of them |
//! | `settlement` | what becomes of each command: settled once, or cancelled |
//! | `notifier` | the wake-up itself |
//! | `inline`, `inline_setup` | inline I/O: few commands, on the JavaScript thread itself |
//! | `driver` | inline I/O of one client, driven by the event loop of Node.js |
//! | `loop_events` | from the callbacks of that loop to who they are for |
//! | `uv` | the loop itself, by way of libuv: sockets, timers, wake-ups |
//! | `callback` | calling JavaScript from the loop |
//! | `event_loop`, `loop_services` | turns of that loop and a guard over ticks, whatever is done to JavaScript's functions for them |
//! | `time` | clocks and pauses, likewise |
//! | `client` | the class that TypeScript drives |
//! | `transaction` | transactions as a class |
//! | `query` | queries and background jobs |
//! | `aggregation` | the last steps of aggregations, in Lua |
//! | `security` | users and roles |
//! | `config` | connect options and the plain objects of the control plane |
//! | `memory` | what is freed is given back |
//! | `metrics` | what is counted, as plain objects |
//! | `cluster` | the embedded cluster as a class |
//!
//! No panic may cross into JavaScript: commands run in Tokio tasks whose tickets settle even when the task dies, and the
//! calls that do the core's work on the JavaScript thread turn a panic into an exception.

mod aggregation;
#[cfg(inline_io)]
mod callback;
mod client;
mod cluster;
mod completion;
mod config;
#[cfg(inline_io)]
mod driver;
mod entry;
pub mod event_loop;
mod handing_over;
mod inline;
mod inline_setup;
mod layout;
#[cfg(inline_io)]
mod loop_events;
#[cfg_attr(not(inline_io), path = "loop_services_absent.rs")]
mod loop_services;
mod memory;
mod metrics;
mod notifier;
mod query;
mod queue;
mod security;
mod settlement;
pub mod time;
mod transaction;
#[cfg(inline_io)]
mod uv;

use aerospike_core::wire::{Digest, KeyType};
use napi::bindgen_prelude::{Buffer, create_custom_tokio_runtime};
use napi_derive::napi;

/// Threads that do the network work. Two keep a fast network busy; a machine with fewer cores has better use for them.
const MAX_THREADS: usize = 4;

/// Replaces the runtime of napi-rs, which would take a thread per core, before anything runs on it.
#[napi_derive::module_init]
fn init() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores / 2).clamp(1, MAX_THREADS))
        .thread_name("aerospike")
        .enable_all()
        .build();
    // without a runtime of ours, napi-rs makes its own at the first asynchronous call
    if let Ok(runtime) = runtime {
        create_custom_tokio_runtime(runtime);
    }
}

/// The digest of a user key in a set: `keyType` is 1 (integer, eight bytes big-endian), 3 (string) or 4 (bytes).
#[napi]
pub fn digest(set: String, key_type: u8, key: &[u8]) -> napi::Result<Buffer> {
    let kind = KeyType::from_code(key_type)
        .ok_or_else(|| napi::Error::new(napi::Status::InvalidArg, format!("{key_type} is no key type")))?;
    Ok(Digest::of_key(set.as_bytes(), kind, key).0.to_vec().into())
}
