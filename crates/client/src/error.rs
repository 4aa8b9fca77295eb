//! The one error of this crate: what failed, where, after how many attempts and how long, and whether a write may
//! have happened all the same.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::ResultCode;
use bytes::Bytes;

use crate::command::Timing;

/// A result code: what a server answered (0 to 255), or, below zero, why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(transparent)]
pub struct Code(pub i16);

macro_rules! client_codes {
    ($($code:literal $name:ident $text:literal,)*) => {
        impl Code {
            $(#[doc = $text] pub const $name: Self = Self($code);)*
        }

        /// The codes a server never sends, with their names and meanings.
        pub const CLIENT_CODES: &[(Code, &str, &str)] = &[$((Code($code), stringify!($name), $text),)*];
    };
}

client_codes! {
    -1 CLIENT "the client failed",
    -2 PARAM "the command is malformed",
    -3 NO_MORE_RECORDS "there are no more records",
    -4 INVALID_HOST "the host name or address is not valid",
    -5 CLIENT_ABORT "the client gave the command up",
    -6 ASYNC_CONNECTION "the connection could not be prepared",
    -7 NO_MORE_CONNECTIONS "no connection came free in time",
    -8 INVALID_NODE "no node of the cluster holds the partition",
    -9 TLS "the encrypted connection could not be made",
    -10 CONNECTION "the connection failed",
    -11 ASYNC_QUEUE_FULL "too many commands wait",
    -12 MAX_RETRIES_EXCEEDED "every attempt failed",
    -14 MAX_ERROR_RATE "the node failed too often just now and is left alone for a moment",
    -15 NO_RESPONSE "the node did not answer for this row",
    -16 BATCH_FAILED "rows of the batch failed",
    -17 TXN_FAILED "the transaction could not be committed",
    -18 TXN_ALREADY_COMMITTED "the transaction is committed",
    -19 TXN_ALREADY_ABORTED "the transaction was undone",
}

impl Code {
    /// Success.
    pub const OK: Self = Self(0);
    /// Time ran out, here or at the server.
    pub const TIMEOUT: Self = Self(9);

    /// Whether a server sent it.
    pub const fn is_server(self) -> bool {
        self.0 >= 0
    }

    /// A server's result as a code.
    pub(crate) const fn of(result: ResultCode) -> Self {
        Self(result.0 as i16)
    }

    /// Name and meaning, for codes in the tables.
    pub fn describe(self) -> Option<(&'static str, &'static str)> {
        match u8::try_from(self.0) {
            Ok(code) => ResultCode(code).describe(),
            Err(_) => CLIENT_CODES.iter().find(|(code, ..)| *code == self).map(|&(_, name, text)| (name, text)),
        }
    }
}

impl From<ResultCode> for Code {
    fn from(code: ResultCode) -> Self {
        Self::of(code)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.describe() {
            Some((name, _)) => write!(f, "{name}({})", self.0),
            None => write!(f, "Code({})", self.0),
        }
    }
}

/// Why something inside the crate failed, before it is known which command that concerns.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) detail: Cow<'static, str>,
    /// The server's answer, when the code is one.
    pub(crate) message: Option<Bytes>,
}

impl Failure {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), message: None }
    }

    pub(crate) fn connection(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::CONNECTION, detail)
    }

    pub(crate) fn timeout(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::TIMEOUT, detail)
    }

    /// `doing` is the verb and its preposition: "read from".
    pub(crate) fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::connection(format!("could not {doing} the connection: {error}"))
    }

    pub(crate) fn closed_by_peer() -> Self {
        Self::connection("the server closed the connection")
    }

    pub(crate) fn garbage(error: aerospike_wire::DecodeError) -> Self {
        Self::connection(format!("the server sent bytes that are no answer: {error}"))
    }

    pub(crate) fn answer(code: ResultCode, message: Bytes) -> Self {
        Self { code: code.into(), detail: Cow::Borrowed(""), message: Some(message) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.detail.is_empty(), self.code.describe()) {
            (false, _) => f.write_str(&self.detail),
            (true, Some((_, text))) => f.write_str(text),
            (true, None) => write!(f, "result code {}", self.code.0),
        }
    }
}

/// Why one attempt of a command failed.
#[derive(Debug, Clone)]
pub struct SubError {
    /// The result code.
    pub code: Code,
    /// What happened, in words; empty when the code says it all.
    pub detail: Cow<'static, str>,
    /// The node that was asked, if it came that far.
    pub node: Option<Arc<str>>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Whether the command may have been carried out all the same.
    pub in_doubt: bool,
    /// How long it took, without the pause before it; zero where that is not known.
    pub elapsed: Duration,
}

/// Why a command failed. One pointer wide: most commands succeed, and should not carry room for this.
#[derive(Clone)]
pub struct Error(Box<Report>);

#[derive(Clone)]
struct Report {
    code: Code,
    detail: Cow<'static, str>,
    node: Option<Arc<str>>,
    attempts: u32,
    elapsed: Duration,
    in_doubt: bool,
    sub_errors: Vec<SubError>,
    message: Option<Bytes>,
    timing: Option<Box<Timing>>,
}

impl Error {
    /// An error of a code; `detail` says in words what the code does not.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Report {
            code,
            detail: detail.into(),
            node: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            in_doubt: false,
            sub_errors: Vec::new(),
            message: None,
            timing: None,
        }))
    }

    /// The same error of the node that was asked last, after so many attempts and so long.
    #[must_use]
    pub fn at(mut self, node: Option<Arc<str>>, attempts: u32, elapsed: Duration) -> Self {
        self.0.node = node;
        self.0.attempts = attempts;
        self.0.elapsed = elapsed;
        self
    }

    /// The same error, of a command that may have been carried out all the same.
    #[must_use]
    pub fn in_doubt_if(mut self, in_doubt: bool) -> Self {
        self.0.in_doubt = in_doubt;
        self
    }

    /// The same error with those of the attempts before.
    #[must_use]
    pub fn with_sub_errors(mut self, sub_errors: Vec<SubError>) -> Self {
        self.0.sub_errors = sub_errors;
        self
    }

    /// The same error with the message of the server that it came with.
    #[must_use]
    pub fn with_message(mut self, message: Option<Bytes>) -> Self {
        self.0.message = message;
        self
    }

    pub(crate) fn with_timing(mut self, timing: Option<Box<Timing>>) -> Self {
        self.0.timing = timing;
        self
    }

    /// When the command was sent, and when it failed, if the caller asked for it.
    pub fn timing(&self) -> Option<&Timing> {
        self.0.timing.as_deref()
    }

    /// The result code: the server's, or a negative one of the client.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened, in words; empty when the code says it all.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The node of the last attempt.
    pub fn node(&self) -> Option<&Arc<str>> {
        self.0.node.as_ref()
    }

    /// How often the command was tried.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// From the call to the failure.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// Whether a write may have been carried out all the same. Always false for reads.
    pub fn in_doubt(&self) -> bool {
        self.0.in_doubt
    }

    /// All attempts, each with why it failed, where there was more than one.
    pub fn sub_errors(&self) -> &[SubError] {
        &self.0.sub_errors
    }

    /// The server's message, from its header on, when the code is the server's answer: it carries the record's
    /// generation, and the text of a UDF's failure.
    pub fn message(&self) -> Option<&Bytes> {
        self.0.message.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &*self.0;
        match (report.code.describe(), report.detail.is_empty()) {
            (Some((_, text)), true) => f.write_str(text)?,
            (Some((name, _)), false) => write!(f, "{} ({name})", report.detail)?,
            (None, true) => write!(f, "result code {}", report.code.0)?,
            (None, false) => write!(f, "{} (result code {})", report.detail, report.code.0)?,
        }
        if let Some(node) = &report.node {
            write!(f, ", at node {node}")?;
        }
        if report.attempts > 0 {
            let plural = if report.attempts == 1 { "" } else { "s" };
            write!(f, ", after {} attempt{plural} and {} ms", report.attempts, report.elapsed.as_millis())?;
        }
        if report.in_doubt {
            f.write_str("; the write may have been carried out")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &*self.0;
        f.debug_struct("Error")
            .field("code", &report.code)
            .field("detail", &report.detail)
            .field("node", &report.node)
            .field("attempts", &report.attempts)
            .field("elapsed", &report.elapsed)
            .field("in_doubt", &report.in_doubt)
            .field("sub_errors", &report.sub_errors)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {}
