//! Encrypted connections, through rustls.
//!
//! | file | subject |
//! |---|---|
//! | `config` | what a user says of them |
//! | `connect` | reading certificates, shaking hands, and why that failed |
//! | `address` | an address, and what connections to it are like |
//! | `denied` | certificates that are not believed, by their numbers |
//! | `verifier` | whom to believe to be a node: its chain, and its name as Aerospike has names |
//!
//! A build without the feature `tls` has `config` and `address` alone, and refuses what is configured.

mod address;
mod config;
#[cfg_attr(not(feature = "tls"), path = "absent.rs")]
mod connect;
#[cfg(feature = "tls")]
mod denied;
#[cfg(feature = "tls")]
mod verifier;

pub(crate) use address::Address;
pub use config::{PrivateKey, TlsConfig, TlsVersion};
pub(crate) use connect::Tls;
