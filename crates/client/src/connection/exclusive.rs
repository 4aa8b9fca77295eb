//! A command with a connection of its own: the ones that may be slow, or are large.

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::health::Health;
use super::lease::{Closing, Lease, unless_closed};
use super::request::Request;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::socket::Connection;

/// Runs one command to its end. When nobody waits for it any more, the answer is still read, for as long as the
/// command's own limits allow: a connection is worth more than the bytes.
pub(crate) async fn run(lease: Result<Lease, Failure>, request: Request, health: &Health, closing: Closing) {
    let outcome = match lease {
        Ok(_) if request.is_abandoned() => return,
        Ok(lease) => exchange(lease, &request, health, closing).await,
        Err(failure) => Err(failure),
    };
    request.settle(outcome);
}

async fn exchange(mut lease: Lease, request: &Request, health: &Health, closing: Closing) -> Result<Bytes, Failure> {
    let now = Instant::now();
    let mut bytes = BytesMut::new();
    request.encode(now, &mut bytes);
    let read_timeout = request.read_timeout(now);
    let connection = lease.connection()?;
    let answer = unless_closed(closing, ask(connection, &bytes, read_timeout)).await;
    close_or_keep(lease, answer, health)
}

async fn ask(connection: &mut Connection, request: &[u8], read_timeout: Deadline) -> Result<Bytes, Failure> {
    let exchange = async {
        connection.send(request).await?;
        connection.receive().await?.into_message()
    };
    read_timeout.bound(exchange).await.unwrap_or_else(|_| Err(TOO_SLOW))
}

/// The connection is kept when the command on it was answered.
fn close_or_keep(lease: Lease, answer: Result<Bytes, Failure>, health: &Health) -> Result<Bytes, Failure> {
    match &answer {
        Ok(_) => {
            health.record_answer(Instant::now());
            lease.done();
        }
        Err(_) => health.record_connection_error(),
    }
    answer
}

const TOO_SLOW: Failure = Failure {
    code: Code::TIMEOUT,
    detail: std::borrow::Cow::Borrowed("the server did not answer in time"),
    message: None,
};
