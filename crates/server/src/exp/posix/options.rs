//! The flags of `regcomp`, by name.

/// How a pattern is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) extended: bool,
    pub(super) ignores_case: bool,
    /// A newline ends a line: for `^` and `$`, and for what `.` and negated brackets match.
    pub(super) newline: bool,
}

impl Options {
    /// Reads the flags of `regcomp`. What is reported of a match is of no interest here, so its flag (8) is not either.
    pub(super) const fn from_flags(flags: i64) -> Self {
        Self { extended: flags & 1 != 0, ignores_case: flags & 2 != 0, newline: flags & 4 != 0 }
    }
}
