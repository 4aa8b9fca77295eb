//! Encrypted connections, as nodes take them.
//!
//! | file | subject |
//! |---|---|
//! | `options` | which certificates a cluster has, and whether clients need one |
//! | `authority` | certificates for a test, signed by an authority of their own |
//! | `acceptor` | shaking hands, and whom a client's certificate names |

mod acceptor;
mod authority;
mod options;

pub(crate) use acceptor::Acceptor;
pub use authority::{Authority, Identity};
pub use options::{ClientCertificates, TlsOptions};
