//! The socket under a connection: plain TCP, or TLS on top of it. The only place that knows which.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connected byte stream.
#[derive(Debug)]
pub(crate) enum Transport {
    /// Plain TCP.
    Plain(TcpStream),
    /// TLS.
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Transport {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Whether nothing waits to be read, not even the end of the stream. An idle connection that is not quiet was
    /// closed by its peer, or answers what nobody asked. TLS may have housekeeping of its own to deliver.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        let mut room = ReadBuf::new(&mut byte);
        match self.socket().poll_peek(&mut Context::from_waker(Waker::noop()), &mut room) {
            Poll::Pending => true,
            Poll::Ready(Ok(n)) => n > 0 && !matches!(self, Self::Plain(_)),
            Poll::Ready(Err(_)) => false,
        }
    }
}

/// What the node says against an encrypted connection, where that is why it failed. Whoever expects an answer is told as well
/// as whoever shakes hands: since TLS 1.3 the client's certificate is looked at when the client believes that it is done.
#[cfg(feature = "tls")]
pub(crate) fn refusal(error: &io::Error) -> Option<String> {
    use tokio_rustls::rustls::{AlertDescription, Error};

    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())?;
    let Error::AlertReceived(alert) = inner else { return None };
    Some(match alert {
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => {
            format!("no version or cipher suite in common ({inner})")
        }
        AlertDescription::CertificateRequired => {
            "the node wants a certificate of the client (tls.cert and tls.key)".to_owned()
        }
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "the node does not know the authority that signed the client's certificate (tls.cert)".to_owned()
        }
        AlertDescription::CertificateExpired => "the client's certificate (tls.cert) has expired".to_owned(),
        AlertDescription::CertificateRevoked => "the client's certificate (tls.cert) was revoked".to_owned(),
        alert => format!("the node refused: {alert:?}"),
    })
}

/// Without TLS there is nothing to say.
#[cfg(not(feature = "tls"))]
pub(crate) fn refusal(_: &io::Error) -> Option<String> {
    None
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
