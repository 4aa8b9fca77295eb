//! The grammar of info commands: `name/argument/…:key=value;…`, and `ERROR:code:message`.

use std::fmt;

use aerospike_wire::ResultCode;

use crate::cluster::{Node, State};

/// A command, and where it is asked.
pub(super) struct Ask<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What stands after it: parameters, or arguments after slashes.
    text: &'a str,
    /// The cluster.
    pub(super) state: &'a State,
    /// The node that is asked.
    pub(super) node: &'a Node,
}

impl<'a> Ask<'a> {
    /// Takes a line apart. Any line can be taken apart; whether it makes sense is seen later.
    pub(super) fn parse(line: &'a str, state: &'a State, node: &'a Node) -> Self {
        let (name, text) = line.split_once(['/', ':', ';']).unwrap_or((line, ""));
        Self { name, text, state, node }
    }

    /// All that is said after the name.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// A parameter, whatever it is.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.text.split(';').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// A parameter that may be missing, but not be empty or have more than `most` bytes.
    pub(super) fn optional(&self, name: &'static str, most: usize) -> Result<Option<&'a str>, Refusal> {
        self.optional_as(&[name], most)
    }

    /// The same for one that has older names as well.
    pub(super) fn optional_as(&self, names: &[&'static str], most: usize) -> Result<Option<&'a str>, Refusal> {
        let name = names.first().copied().unwrap_or_default();
        let code = Self::code_of(name);
        match names.iter().find_map(|name| self.parameter(name)) {
            Some("") => Err(Refusal::new(code, format!("missing '{name}' value"))),
            Some(value) if value.len() > most => Err(Refusal::new(code, format!("'{name}' value too long"))),
            value => Ok(value),
        }
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &'static str, most: usize) -> Result<&'a str, Refusal> {
        self.required_as(&[name], most)
    }

    /// The same for one that has older names as well.
    pub(super) fn required_as(&self, names: &[&'static str], most: usize) -> Result<&'a str, Refusal> {
        let name = names.first().copied().unwrap_or_default();
        let missing = || Refusal::new(Self::code_of(name), format!("missing '{name}'"));
        self.optional_as(names, most)?.ok_or_else(missing)
    }

    /// One of the words that a parameter of so many bytes at most may be.
    pub(super) fn flag(&self, name: &'static str, most: usize, refusal: &'static str) -> Result<bool, Refusal> {
        match self.optional(name, most)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::parameter(refusal)),
        }
    }

    fn code_of(name: &str) -> ResultCode {
        if name == "namespace" { ResultCode::NAMESPACE_NOT_FOUND } else { ResultCode::PARAMETER }
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

    /// A parameter that is wrong, in words that never change.
    pub(super) const fn constant(message: &'static str) -> Self {
        Self { code: ResultCode::PARAMETER, message: std::borrow::Cow::Borrowed(message) }
    }

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
