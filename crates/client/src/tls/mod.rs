//! Encrypted connections, through rustls.
//!
//! | file | subject |
//! |---|---|
//! | `config` | what a user says of them |
//! | `connect` | reading certificates, shaking hands, and why that failed |
//! | `verifier` | whom to believe to be a node: its chain, and its name as Aerospike has names |
//!
//! A build without the feature `tls` has the first alone, and refuses what is configured.

mod config;
#[cfg_attr(not(feature = "tls"), path = "absent.rs")]
mod connect;
#[cfg(feature = "tls")]
mod verifier;

pub use config::{PrivateKey, TlsConfig, TlsVersion};
pub(crate) use connect::Tls;
