//! Sets of bytes, and bracket expressions, which spell them.

use std::fmt::Write as _;

use super::options::Options;

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteSet([u128; 2]);

impl ByteSet {
    const NONE: Self = Self([0; 2]);
    /// Every byte.
    pub(super) const ALL: Self = Self([u128::MAX; 2]);

    /// A single byte.
    pub(super) fn of(byte: u8) -> Self {
        let mut set = Self::NONE;
        set.insert(byte);
        set
    }

    /// The bytes that a test holds for.
    fn those(test: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::NONE;
        (0..=u8::MAX).filter(|byte| test(*byte)).for_each(|byte| set.insert(byte));
        set
    }

    /// Letters, digits and the underscore.
    pub(super) fn word() -> Self {
        Self::those(|b| b.is_ascii_alphanumeric() || b == b'_')
    }

    /// White space.
    pub(super) fn space() -> Self {
        Self::those(is_space)
    }

    /// The bytes that are not in the set.
    pub(super) fn complement(self) -> Self {
        Self(self.0.map(|half| !half))
    }

    /// The bytes whose capital is in the set, if case is to be ignored.
    pub(super) fn folded(self, ignores_case: bool) -> Self {
        match ignores_case {
            true => Self::those(|b| self.contains(b.to_ascii_uppercase()) || self.contains_folded(b)),
            false => self,
        }
    }

    fn contains_folded(self, byte: u8) -> bool {
        byte.is_ascii_alphabetic() && self.contains(byte.to_ascii_lowercase())
    }

    fn contains(self, byte: u8) -> bool {
        self.0[usize::from(byte >> 7)] >> (byte & 0x7f) & 1 == 1
    }

    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 7)] |= 1 << (byte & 0x7f);
    }

    /// Takes a byte out.
    pub(super) fn remove(&mut self, byte: u8) {
        self.0[usize::from(byte >> 7)] &= !(1 << (byte & 0x7f));
    }

    fn union(&mut self, other: Self) {
        self.0[0] |= other.0[0];
        self.0[1] |= other.0[1];
    }

    /// Appends the set in the syntax of the `regex` crate.
    pub(super) fn write(self, out: &mut String) {
        if self == Self::NONE {
            out.push_str(r"[^\x00-\xFF]");
            return;
        }
        out.push('[');
        let mut next = 0_u16;
        while let Some(first) = (next..256).find(|b| self.contains(*b as u8)) {
            let last = (first..256).take_while(|b| self.contains(*b as u8)).last().unwrap_or(first);
            let _ = write!(out, r"\x{first:02X}-\x{last:02X}"); // writing to a string does not fail
            next = last + 1;
        }
        out.push(']');
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// A class by its name.
type Class = (&'static [u8], fn(u8) -> bool);

/// The character classes of the C locale.
const CLASSES: &[Class] = &[
    (b"alnum", |b| b.is_ascii_alphanumeric()),
    (b"alpha", |b| b.is_ascii_alphabetic()),
    (b"blank", |b| matches!(b, b' ' | b'\t')),
    (b"cntrl", |b| b.is_ascii_control()),
    (b"digit", |b| b.is_ascii_digit()),
    (b"graph", |b| b.is_ascii_graphic()),
    (b"lower", |b| b.is_ascii_lowercase()),
    (b"print", |b| b.is_ascii_graphic() || b == b' '),
    (b"punct", |b| b.is_ascii_punctuation()),
    (b"space", is_space),
    (b"upper", |b| b.is_ascii_uppercase()),
    (b"xdigit", |b| b.is_ascii_hexdigit()),
];

/// One member of a bracket expression.
enum Member {
    Byte(u8),
    /// A class, or an equivalence class: no end of a range.
    Set(ByteSet),
}

/// Reads a bracket expression after its opening bracket.
pub(super) fn bracket(rest: &mut &[u8], options: Options) -> Option<ByteSet> {
    let negated = skip(rest, b"^");
    let mut set = ByteSet::NONE;
    let mut is_first = true;
    loop {
        if !is_first && skip(rest, b"]") {
            break;
        }
        // after another member, a hyphen is one only at the end
        if !is_first && rest.starts_with(b"-") && !rest.starts_with(b"---") && !rest.starts_with(b"-]") {
            return None;
        }
        let first = member(rest, options)?;
        is_first = false;
        match first {
            Member::Set(class) => set.union(class),
            Member::Byte(first) => {
                let is_range = rest.starts_with(b"-") && !rest.starts_with(b"---") && !rest.starts_with(b"-]");
                let last = if is_range {
                    skip(rest, b"-");
                    match member(rest, options)? {
                        Member::Byte(last) => last,
                        Member::Set(_) => return None,
                    }
                } else {
                    first
                };
                (first <= last).then(|| set.union(ByteSet::those(|b| (first..=last).contains(&b))))?;
            }
        }
    }
    if negated {
        if options.newline {
            set.insert(b'\n');
        }
        set = set.complement();
    }
    Some(match options.ignores_case {
        // patterns and texts are compared in capitals
        true => ByteSet::those(|b| set.contains(b.to_ascii_uppercase())),
        false => set,
    })
}

fn skip(rest: &mut &[u8], prefix: &[u8]) -> bool {
    match rest.strip_prefix(prefix) {
        Some(tail) => {
            *rest = tail;
            true
        }
        None => false,
    }
}

/// Reads a character, a class `[:name:]`, an equivalence class `[=c=]` or a collating element `[.c.]`.
fn member(rest: &mut &[u8], options: Options) -> Option<Member> {
    let (&byte, tail) = rest.split_first()?;
    if let (b'[', [delimiter @ (b':' | b'=' | b'.'), name @ ..]) = (byte, tail) {
        let end = name.windows(2).position(|pair| pair == [*delimiter, b']'])?;
        *rest = &name[end + 2..];
        return named(*delimiter, &name[..end], options);
    }
    *rest = tail;
    if byte == b'-' {
        skip(rest, b"--"); // three hyphens are one
    }
    Some(Member::Byte(if options.ignores_case { byte.to_ascii_uppercase() } else { byte }))
}

fn named(delimiter: u8, name: &[u8], options: Options) -> Option<Member> {
    let capital = |byte: u8| if options.ignores_case { byte.to_ascii_uppercase() } else { byte };
    match (delimiter, name) {
        (b':', name) => {
            let is_case = name == b"upper" || name == b"lower";
            let name: &[u8] = if options.ignores_case && is_case { b"alpha" } else { name };
            let (_, test) = CLASSES.iter().find(|(known, _)| *known == name)?;
            Some(Member::Set(ByteSet::those(test)))
        }
        (b'=', [byte]) => Some(Member::Set(ByteSet::of(capital(*byte)))),
        (b'.', [byte]) => Some(Member::Byte(capital(*byte))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let options = Options::from_flags(1);
        let mut rest = text.as_bytes();
        let set = bracket(&mut rest, options).filter(|_| rest.is_empty())?;
        Some((0..128).filter(|b| set.contains(*b)).map(char::from).collect())
    }

    #[test]
    fn members_are_what_the_c_library_says() {
        assert_eq!(read("]a]").as_deref(), Some("]a"));
        assert_eq!(read("a-c]").as_deref(), Some("abc"));
        assert_eq!(read("a-]").as_deref(), Some("-a"));
        assert_eq!(read("-a]").as_deref(), Some("-a"));
        assert_eq!(read("[:digit:]x]").as_deref(), Some("0123456789x"));
        assert_eq!(read("[.a.]-[.c.]]").as_deref(), Some("abc"));
        assert_eq!(read("[=a=]]").as_deref(), Some("a"));
        assert_eq!(read(r"\]").as_deref(), Some(r"\"));
        for wrong in ["a", "a-c-e]", "[:digit:]-x]", "c-a]", "[:nope:]]", "]"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
