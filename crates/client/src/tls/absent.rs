//! In place of `connect` in a build without TLS: what is configured is refused.

use tokio::net::TcpStream;

use super::config::TlsConfig;
use crate::error::{Code, Error, Failure};
use crate::socket::transport::Transport;

/// What turns a socket into an encrypted one: nothing does.
#[derive(Debug)]
pub(crate) struct Tls;

impl Tls {
    pub(crate) fn new(_: &TlsConfig) -> Result<Self, Error> {
        Err(Error::new(Code::PARAM, "tls: this build has no TLS"))
    }

    pub(crate) fn reload(&self, config: &TlsConfig) -> Result<(), Error> {
        Self::new(config).map(drop)
    }

    pub(crate) async fn encrypt(&self, _: TcpStream, _: &str) -> Result<Transport, Failure> {
        Err(Failure::new(Code::TLS, "this build has no TLS"))
    }
}
