//! The binding: the only crate that knows JavaScript exists, and the only one with `unsafe` code.
//!
//! Bytes cross here, not objects. `docs/internal/boundary.md` describes every byte and says why.
//!
//! | module | subject |
//! |---|---|
//! | `entry` | request entries from TypeScript to commands of the client core |
//! | `completion` | outcomes of commands to completions for TypeScript |
//! | `queue` | completions on their way to the JavaScript thread, and the one wake-up for all of them |
//! | `settlement` | what becomes of each command: settled once, or cancelled |
//! | `notifier` | the wake-up itself |
//! | `inline` | commands on the JavaScript thread itself, while they are few |
//! | `uv` | watching sockets and time on the event loop of Node.js, and waking it |
//! | `callback` | calling JavaScript from that loop |
//! | `client` | the class that TypeScript drives |
//! | `query` | queries and background jobs |
//! | `aggregation` | the last steps of aggregations, in Lua |
//! | `config` | connect options and the plain objects of the control plane |
//! | `cluster` | the embedded cluster as a class |
//!
//! No panic may cross into JavaScript: commands run in Tokio tasks whose tickets settle even when the task dies, and the
//! calls that do the core's work on the JavaScript thread turn a panic into an exception.

mod aggregation;
#[cfg(unix)]
mod callback;
mod client;
mod cluster;
mod completion;
mod config;
mod entry;
#[cfg_attr(not(unix), path = "inline_absent.rs")]
mod inline;
mod notifier;
mod query;
mod queue;
mod settlement;
#[cfg(unix)]
mod uv;

use aerospike_core::wire::{Digest, KeyType};
use napi::bindgen_prelude::{Buffer, create_custom_tokio_runtime};
use napi_derive::napi;

/// Threads that do the network work. Two keep a fast network busy; a machine with fewer cores has better use for them.
const MOST_THREADS: usize = 4;

/// Replaces the runtime of napi-rs, which would take a thread per core, before anything runs on it.
#[napi_derive::module_init]
fn init() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores / 2).clamp(1, MOST_THREADS))
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
