//! Asking a node for its state: one info request, one answer.

use aerospike_wire::ProtoType;
use aerospike_wire::info::{self, InfoError};
use bytes::BytesMut;

use crate::error::{Code, Failure};
use crate::socket::Connection;

/// The answer to an info request.
#[derive(Debug)]
pub(crate) struct InfoAnswer(String);

impl InfoAnswer {
    /// The value of a command, or why there is none.
    pub(crate) fn value(&self, command: &str) -> Result<&str, Failure> {
        let value = info::value(&self.0, command)
            .ok_or_else(|| Failure::new(Code::CLIENT, format!("the node did not answer \"{command}\"")))?;
        match info::error(value) {
            None => Ok(value),
            Some(InfoError { code, message }) => {
                Err(Failure::new(Code(code.into()), format!("the node answered \"{command}\" with: {message}")))
            }
        }
    }

    /// The value of a command as a number.
    pub(crate) fn number(&self, command: &str) -> Result<i64, Failure> {
        let value = self.value(command)?;
        let bad =
            |_| Failure::new(Code::CLIENT, format!("the node answered \"{command}\" with \"{value}\", no number"));
        value.trim().parse().map_err(bad)
    }

    /// All of it, as the node sent it.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// Asks for several commands at once.
pub(crate) async fn ask<'a>(
    connection: &mut Connection,
    commands: impl IntoIterator<Item = &'a str>,
) -> Result<InfoAnswer, Failure> {
    let mut request = BytesMut::new();
    info::write_request(&mut request, commands);
    connection.send(&request).await?;
    let frame = connection.receive().await?;
    connection.incoming.shrink();
    if frame.kind != ProtoType::Info {
        return Err(Failure::connection("the server sent a frame that is no info answer"));
    }
    let text = std::str::from_utf8(&frame.body)
        .map_err(|_| Failure::connection("the server sent an info answer that is no text"))?;
    // to whom a server does not know it gives one line, whatever was asked
    if let Some(InfoError { code, message }) = info::error(text)
        && Code(code.into()).is_session_over()
    {
        return Err(Failure::new(Code(code.into()), format!("the node answered: {}", message.trim_end())));
    }
    Ok(InfoAnswer(text.to_owned()))
}
