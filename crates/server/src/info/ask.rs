//! The grammar of info commands: `name/argument/…:key=value;…`, and `ERROR:code:message`.

use std::fmt;

use aerospike_wire::ResultCode;

use crate::cluster::{Node, State};

/// Names of parameters that changed, each with its old name, which still works.
const OLD_NAMES: &[(&str, &str)] = &[("namespace", "ns"), ("id", "trid")];

/// A command, and where it is asked.
pub(super) struct Ask<'a> {
    /// Its name.
    pub(super) name: &'a str,
    arguments: &'a str,
    parameters: &'a str,
    /// The cluster.
    pub(super) state: &'a State,
    /// The node that is asked.
    pub(super) node: &'a Node,
}

impl<'a> Ask<'a> {
    /// Takes a line apart. Any line can be taken apart; whether it makes sense is seen later.
    pub(super) fn parse(line: &'a str, state: &'a State, node: &'a Node) -> Self {
        let (command, parameters) = line.split_once(':').unwrap_or((line, ""));
        let (name, arguments) = command.split_once('/').unwrap_or((command, ""));
        Self { name, arguments, parameters, state, node }
    }

    /// Whether anything is said behind the name.
    pub(super) fn has_parameters(&self) -> bool {
        !self.parameters.is_empty()
    }

    /// An argument behind a slash, by place.
    pub(super) fn argument(&self, place: usize) -> Option<&'a str> {
        self.arguments.split('/').nth(place).filter(|argument| !argument.is_empty())
    }

    /// A parameter, under its name or its old name.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let old = OLD_NAMES.iter().find(|(new, _)| *new == name).map(|(_, old)| *old);
        let mut pairs = self.parameters.split(';').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name || Some(*key) == old).map(|(_, value)| value)
    }

    /// A parameter that must be there and must not be empty.
    pub(super) fn required(&self, name: &str) -> Result<&'a str, Refusal> {
        let code = if name == "namespace" { ResultCode::NAMESPACE_NOT_FOUND } else { ResultCode::PARAMETER };
        match self.parameter(name) {
            None => Err(Refusal::new(code, format!("missing '{name}'"))),
            Some("") => Err(Refusal::new(code, format!("missing '{name}' value"))),
            Some(value) => Ok(value),
        }
    }
}

/// Why a command is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    code: ResultCode,
    message: std::borrow::Cow<'static, str>,
}

impl Refusal {
    /// There is no such command.
    pub(super) const UNRECOGNIZED: Self =
        Self { code: ResultCode::PARAMETER, message: std::borrow::Cow::Borrowed("unrecognized command") };
    /// There is one, elsewhere.
    pub(super) const ENTERPRISE: Self =
        Self { code: ResultCode::ENTERPRISE_ONLY, message: std::borrow::Cow::Borrowed("enterprise only") };

    /// An error of a code and a text.
    pub(super) fn new(code: ResultCode, message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// A parameter that is wrong.
    pub(super) fn parameter(message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::new(ResultCode::PARAMETER, message)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the general error has no number
        match self.code {
            ResultCode::SERVER_ERROR => write!(f, "ERROR::{}", self.message),
            code => write!(f, "ERROR:{}:{}", code.0, self.message),
        }
    }
}
