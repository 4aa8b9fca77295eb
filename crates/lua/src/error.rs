//! Why a module or a call of it failed.

use thiserror::Error;

/// Source that is no module: it does not parse, or it failed while it was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {message}")]
pub struct CompileError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; 0 when Lua does not say.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// What kind of failure a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The module could not be loaded.
    Module,
    /// The module has no such function.
    NoFunction,
    /// The function raised an error.
    Raised,
    /// The function raised something that is not text.
    NotText,
    /// There are more arguments than Lua's stack has room for.
    Arguments,
    /// The time was over.
    Timeout,
    /// The caller wanted it to end.
    Cancelled,
    /// The memory limit was met.
    Memory,
    /// Its output is nested too deeply or too large.
    Output,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{module}.{function}: {message}")]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The module that was called.
    pub module: String,
    /// The function that was called.
    pub function: String,
    /// The line of the module, from 1, as far as the message says.
    pub line: Option<u32>,
    /// The text, in a server's words.
    pub message: String,
}

impl Failure {
    /// A failure whose line is read from its text: Lua puts `file:line:` in front.
    pub(crate) fn new(kind: FailureKind, module: &str, function: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let line = message.split_once(".lua:").and_then(|(_, rest)| leading_number(rest));
        Self { kind, module: module.to_owned(), function: function.to_owned(), line, message }
    }

    /// What a server says of a failed stream: the number of Lua's status, then the text.
    #[must_use]
    pub fn stream_text(&self) -> String {
        match self.kind {
            FailureKind::Module => "UDF: Execution Error 1".to_owned(),
            FailureKind::Arguments | FailureKind::NotText => "UDF: Execution Error 2".to_owned(),
            FailureKind::Memory => format!("UDF: Execution Error 4 : {}", self.message),
            _ => format!("UDF: Execution Error 2 : {}", self.message),
        }
    }
}

/// An error of the binding.
pub(crate) fn failed(error: mlua::Error) -> (FailureKind, String) {
    match error {
        mlua::Error::MemoryError(_) => (FailureKind::Memory, "not enough memory".to_owned()),
        mlua::Error::StackError => (FailureKind::Arguments, "too many arguments".to_owned()),
        mlua::Error::CallbackError { cause, .. } => failed(cause.as_ref().clone()),
        mlua::Error::SyntaxError { message, .. } | mlua::Error::RuntimeError(message) => (FailureKind::Raised, message),
        other => (FailureKind::Raised, other.to_string()),
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    text.get(..end)?.parse().ok()
}

impl CompileError {
    /// Reads Lua's message: `[string "file"]:line: what`. Other messages keep their first line.
    pub(crate) fn parse(file: &str, message: &str) -> Self {
        /// Bytes of a message without a place that are kept.
        const KEPT: usize = 256;
        let placed = message.strip_prefix("[string \"").and_then(|rest| {
            let (file, rest) = rest.split_once("\"]:")?;
            let (line, text) = rest.split_once(": ")?;
            Some(Self { file: file.to_owned(), line: line.parse().ok()?, message: text.to_owned() })
        });
        placed
            .unwrap_or_else(|| {
                let first = message.lines().next().unwrap_or_default();
                let end = (0..=KEPT.min(first.len())).rev().find(|end| first.is_char_boundary(*end)).unwrap_or(0);
                Self { file: String::new(), line: 0, message: first.get(..end).unwrap_or_default().to_owned() }
            })
            .or_file(file)
    }

    fn or_file(mut self, file: &str) -> Self {
        if self.line != 0 && self.file.is_empty() {
            file.clone_into(&mut self.file);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_lua_is_taken_apart() {
        let error = CompileError::parse("a.lua", "[string \"a.lua\"]:3: '=' expected near 'end'");
        assert_eq!((error.file.as_str(), error.line, error.message.as_str()), ("a.lua", 3, "'=' expected near 'end'"));
        assert_eq!(CompileError::parse("a.lua", "not enough memory\nmore").message, "not enough memory");
    }

    #[test]
    fn the_line_of_a_failure_is_that_of_its_message() {
        let failure = Failure::new(FailureKind::Raised, "m", "f", "/opt/m.lua:15: no");
        assert_eq!((failure.line, failure.to_string().as_str()), (Some(15), "m.f: /opt/m.lua:15: no"));
        assert_eq!(Failure::new(FailureKind::Raised, "m", "f", "no").line, None);
    }
}
