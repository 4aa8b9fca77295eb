//! Regular expressions as the C library reads them: POSIX basic and extended syntax with its GNU additions, in the C
//! locale, where a character is a byte.
//!
//! A pattern is translated into one of the `regex` crate, which takes time in proportion to the text. Back-references
//! need a search without such a bound: a pattern with one goes to the `fancy-regex` crate, which gives up after so many
//! steps.

mod bracket;
mod options;
mod translate;

use fancy_regex::{Regex as Backtracking, RegexBuilder as BacktrackingBuilder};
use regex::bytes::{Regex, RegexBuilder};

use options::Options;
use translate::{MAX_NESTING, translate};

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Linear(Regex),
    /// With back-references; works on text whose characters are the bytes.
    Backtracking(Box<Backtracking>),
}

/// Bytes the compiled form of a pattern may take.
const MAX_COMPILED_SIZE: usize = 4 * 1024 * 1024;
/// Steps a search with back-references may take.
const MAX_STEPS: usize = 100_000;

impl Pattern {
    /// Compiles a pattern; `None` if it is not valid. Like every C string, it ends at a zero byte.
    pub(super) fn compile(pattern: &[u8], flags: i64) -> Option<Self> {
        let translation = translate(c_string(pattern), Options::from_flags(flags))?;
        if translation.refers_back {
            return BacktrackingBuilder::new(&translation.text)
                .backtrack_limit(MAX_STEPS)
                .delegate_size_limit(MAX_COMPILED_SIZE)
                .build()
                .ok()
                .map(|regex| Self::Backtracking(Box::new(regex)));
        }
        RegexBuilder::new(&translation.text)
            .unicode(false)
            .size_limit(MAX_COMPILED_SIZE)
            .nest_limit(4 * MAX_NESTING)
            .build()
            .ok()
            .map(Self::Linear)
    }

    /// Whether the pattern matches somewhere in a text, which ends at a zero byte. `None` when it takes too long to tell.
    pub(super) fn is_match(&self, text: &[u8]) -> Option<bool> {
        match self {
            Self::Linear(regex) => Some(regex.is_match(c_string(text))),
            Self::Backtracking(regex) => {
                let text: String = c_string(text).iter().map(|byte| char::from(*byte)).collect();
                regex.is_match(&text).ok()
            }
        }
    }
}

fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASIC: i64 = 0;
    const EXTENDED: i64 = 1;
    const ICASE: i64 = 2;
    const NEWLINE: i64 = 4;

    fn matches(pattern: &str, flags: i64, text: &str) -> Option<bool> {
        Pattern::compile(pattern.as_bytes(), flags).map(|p| p.is_match(text.as_bytes()).unwrap())
    }

    #[test]
    fn operators_need_a_backslash_in_basic_syntax() {
        for (basic, extended) in [(r"a\|b", "a|b"), (r"^\(ab\)\{2\}$", "^(ab){2}$"), (r"^xa\+$", "^xa+$")] {
            for text in ["a", "b", "abab", "xaa", "x", "", "{", "|"] {
                assert_eq!(matches(basic, BASIC, text), matches(extended, EXTENDED, text), "{basic} {text}");
            }
        }
        assert_eq!(matches("a|b", BASIC, "a"), Some(false));
        assert_eq!(matches("*a", BASIC, "*a"), Some(true));
        assert_eq!(matches("^*a", BASIC, "*a"), Some(true));
        assert_eq!(matches("a^b", BASIC, "a^b"), Some(true));
        assert_eq!(matches("a$b", BASIC, "a$b"), Some(true));
    }

    #[test]
    fn what_the_c_library_refuses_is_refused() {
        for pattern in
            ["*a", "a|*b", "(a", "[a", "a{2", "a{2,1}", "a{x}", "{1}", "^*", "a\\", "[[:nope:]]", "[b-a]", "a{32768}"]
        {
            assert_eq!(matches(pattern, EXTENDED, ""), None, "{pattern}");
        }
        for pattern in [r"\(a", r"a\)", r"\{1\}", r"a\{1", "a**", r"a\{1\}*"] {
            assert_eq!(matches(pattern, BASIC, ""), None, "{pattern}");
        }
        assert_eq!(matches("a)", EXTENDED, "a)"), Some(true));
        assert_eq!(matches("a||b", EXTENDED, ""), Some(true));
    }

    #[test]
    fn a_group_can_be_referred_to_once_it_is_complete() {
        for (pattern, flags) in [(r"^(.)(.)\2\1$", EXTENDED), (r"^\(.\)\(.\)\2\1$", BASIC)] {
            assert_eq!(matches(pattern, flags, "abba"), Some(true));
            assert_eq!(matches(pattern, flags, "abab"), Some(false));
        }
        assert_eq!(matches(r"(a)\1", EXTENDED | ICASE, "aA"), Some(true));
        assert_eq!(matches(r"(\xff)\1", EXTENDED, "xffxff"), Some(true));
        for pattern in [r"\1", r"(a\1)", r"\1(a)", r"(a)\2"] {
            assert_eq!(matches(pattern, EXTENDED, ""), None, "{pattern}");
        }
    }

    #[test]
    fn a_search_that_takes_too_long_is_given_up() {
        let pattern = Pattern::compile(br"^(a*)*(a*)*(a*)*\1b$", EXTENDED).unwrap();
        assert_eq!(pattern.is_match(&[b'a'; 200]), None);
    }

    #[test]
    fn lines_end_at_newlines_when_asked() {
        assert_eq!(matches("^b$", EXTENDED, "a\nb\nc"), Some(false));
        assert_eq!(matches("^b$", EXTENDED | NEWLINE, "a\nb\nc"), Some(true));
        assert_eq!(matches("a.b", EXTENDED, "a\nb"), Some(true));
        assert_eq!(matches("a.b", EXTENDED | NEWLINE, "a\nb"), Some(false));
        assert_eq!(matches("a[^x]b", EXTENDED | NEWLINE, "a\nb"), Some(false));
    }

    #[test]
    fn case_is_ignored_when_asked() {
        assert_eq!(matches("^HeL[k-m]o$", EXTENDED | ICASE, "hELLO"), Some(true));
        assert_eq!(matches("[^a]", EXTENDED | ICASE, "A"), Some(false));
        assert_eq!(matches("[[:upper:]]", EXTENDED | ICASE, "a"), Some(true));
        assert_eq!(matches("hello", EXTENDED, "HELLO"), Some(false));
    }

    #[test]
    fn repetitions_can_follow_one_another() {
        assert_eq!(matches("^a*?b$", EXTENDED, "aaab"), Some(true));
        assert_eq!(matches("^(a{2}){2}$", EXTENDED, "aaaa"), Some(true));
        assert_eq!(matches("^a{,2}$", EXTENDED, "aaa"), Some(false));
        assert_eq!(matches("^a{2,}$", EXTENDED, "aaa"), Some(true));
    }
}
