//! One request of the admin protocol and its answer.

use aerospike_wire::admin::{AdminMessage, AdminRequest};
use aerospike_wire::{ProtoType, ResultCode};
use bytes::{Bytes, BytesMut};
use zeroize::Zeroize;

use crate::error::Failure;
use crate::socket::Connection;

/// Bytes that all frames of a list may have together: some hundred thousand users. In memory they may take six times as much.
const MAX_LIST_SIZE: usize = 16 * 1024 * 1024;
/// Bytes of a single answer: a login's, with its token.
const MAX_ANSWER_SIZE: usize = 1024 * 1024;

/// Sends a request and reads the frame that answers it.
pub(crate) async fn exchange(connection: &mut Connection, request: &AdminRequest<'_>) -> Result<Bytes, Failure> {
    send(connection, request).await?;
    receive_answer(connection).await
}

/// Reads the frame that answers a request.
pub(crate) async fn receive_answer(connection: &mut Connection) -> Result<Bytes, Failure> {
    let body = receive(connection).await?;
    if body.len() > MAX_ANSWER_SIZE {
        return Err(Failure::connection(format!("the server's security answer has {} bytes", body.len())));
    }
    Ok(body)
}

/// Sends a request and takes all entries of the list that answers it.
pub(crate) async fn list<T>(
    connection: &mut Connection,
    request: &AdminRequest<'_>,
    read: impl Fn(&AdminMessage<'_>) -> Result<T, aerospike_wire::DecodeError>,
) -> Result<Result<Vec<T>, ResultCode>, Failure> {
    send(connection, request).await?;
    let mut entries = Vec::new();
    let mut size = 0;
    loop {
        let body = receive(connection).await?;
        size += body.len();
        if size > MAX_LIST_SIZE {
            return Err(Failure::connection("the server's list does not end"));
        }
        let mut rest = &body[..];
        if rest.is_empty() {
            return Err(Failure::connection("the server's list has an empty part"));
        }
        while !rest.is_empty() {
            let message = AdminMessage::decode(&mut rest).map_err(Failure::garbage)?;
            match message.result {
                ResultCode::OK => entries.push(read(&message).map_err(Failure::garbage)?),
                ResultCode::QUERY_END => return Ok(Ok(entries)),
                code => return Ok(Err(code)),
            }
        }
    }
}

async fn send(connection: &mut Connection, request: &AdminRequest<'_>) -> Result<(), Failure> {
    let mut out = BytesMut::with_capacity(512);
    request.encode(&mut out);
    let sent = connection.send(&out).await;
    out.as_mut().zeroize();
    sent
}

async fn receive(connection: &mut Connection) -> Result<Bytes, Failure> {
    let frame = connection.receive().await?;
    if frame.kind != ProtoType::Security {
        return Err(Failure::connection("the server sent bytes that are no security answer"));
    }
    Ok(frame.body)
}
