//! A POSIX pattern as one of the `regex` crate. Every character becomes a set of bytes, so case and the newline rules
//! are settled here.

use super::bracket::{ByteSet, bracket};
use super::options::Options;

/// Groups inside one another.
pub(super) const MAX_NESTING: u32 = 200;

/// The C library's bound of an interval.
const MAX_REPEAT: u32 = 0x7fff;

/// What was read just before: it decides what `*` and `^` mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// The pattern begins here.
    Start,
    /// A group or an alternative begins here.
    Begin,
    /// An anchor, which cannot be repeated.
    Anchor,
    /// Something that can be repeated.
    Item,
}

/// A token of the pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    End,
    Byte(u8),
    Any,
    Set(ByteSet),
    /// `[`, its content still to be read.
    Bracket,
    /// An assertion, in the syntax of the translation.
    Anchor(&'static str),
    Open,
    Close,
    Or,
    /// `*`, `+` or `?`.
    Repeat(u8),
    OpenInterval,
    /// What a group matched, once more.
    BackReference(usize),
}

/// A pattern in the syntax of the `regex` crate.
pub(super) struct Translation {
    pub(super) text: String,
    /// Whether it has a back-reference.
    pub(super) refers_back: bool,
}

/// Translates a pattern; `None` if it is not valid.
pub(super) fn translate(pattern: &[u8], options: Options) -> Option<Translation> {
    let mut translator = Translator {
        rest: pattern,
        options,
        out: String::with_capacity(pattern.len() * 4),
        nesting: 0,
        groups: 0,
        closed: Vec::new(),
        refers_back: false,
    };
    translator.alternatives(Position::Start)?;
    Some(Translation { text: translator.out, refers_back: translator.refers_back })
}

struct Translator<'p> {
    rest: &'p [u8],
    options: Options,
    out: String,
    nesting: u32,
    groups: usize,
    /// The groups that are complete: only to those a pattern can refer.
    closed: Vec<usize>,
    refers_back: bool,
}

impl Translator<'_> {
    /// Reads alternatives up to the end of the group, or of the pattern.
    fn alternatives(&mut self, start: Position) -> Option<()> {
        let mut position = start;
        loop {
            match self.token(position)? {
                Token::End => return (self.nesting == 0).then_some(()),
                Token::Close if self.nesting > 0 => return Some(()),
                Token::Or => {
                    self.out.push('|');
                    position = Position::Begin;
                }
                token => position = self.item(token, position)?,
            }
        }
    }

    /// Reads an item and what repeats it.
    fn item(&mut self, token: Token, position: Position) -> Option<Position> {
        let start = self.out.len();
        match token {
            Token::Anchor(assertion) => {
                self.out.push_str(assertion);
                return Some(Position::Anchor);
            }
            Token::Byte(byte) => self.byte(byte),
            Token::Any => {
                let mut any = ByteSet::ALL;
                if self.options.newline {
                    any.remove(b'\n');
                }
                any.write(&mut self.out);
            }
            Token::Set(set) => set.write(&mut self.out),
            Token::Bracket => bracket(&mut self.rest, self.options)?.write(&mut self.out),
            Token::Open => self.group()?,
            Token::BackReference(group) => {
                self.closed.contains(&group).then_some(())?;
                self.refers_back = true;
                let reference = if self.options.ignores_case { "(?i:" } else { "(?:" };
                self.out.push_str(&format!("{reference}\\{group})"));
            }
            // an unmatched parenthesis stands for itself, in extended syntax
            Token::Close if self.options.extended => self.byte(b')'),
            // with nothing to repeat, a repetition stands for itself, in basic syntax
            Token::Repeat(byte) if !self.options.extended && position != Position::Item => self.byte(byte),
            _ => return None,
        }
        self.repetitions(start)?;
        Some(Position::Item)
    }

    fn group(&mut self) -> Option<()> {
        self.nesting += 1;
        self.groups += 1;
        let group = self.groups;
        (self.nesting <= MAX_NESTING).then_some(())?;
        self.out.push('(');
        self.alternatives(Position::Begin)?;
        self.out.push(')');
        self.nesting -= 1;
        self.closed.push(group);
        Some(())
    }

    /// Puts the repetitions that follow around what was written from `start` on.
    fn repetitions(&mut self, start: usize) -> Option<()> {
        let mut suffixes = Vec::new();
        loop {
            let before = self.rest;
            let token = self.token(Position::Item)?;
            // in basic syntax only GNU's own repetitions may follow another
            if !self.options.extended
                && !suffixes.is_empty()
                && matches!(token, Token::Repeat(b'*') | Token::OpenInterval)
            {
                return None;
            }
            let suffix = match token {
                Token::Repeat(byte) => char::from(byte).to_string(),
                Token::OpenInterval => self.interval()?,
                _ => {
                    self.rest = before;
                    break;
                }
            };
            suffixes.push(suffix);
            (suffixes.len() <= MAX_NESTING as usize).then_some(())?;
        }
        // each around a group of its own: a suffix right after a suffix would mean something else
        self.out.insert_str(start, &"(?:".repeat(suffixes.len()));
        for suffix in suffixes {
            self.out.push(')');
            self.out.push_str(&suffix);
        }
        Some(())
    }

    /// Reads an interval after its opening: `m`, `m,`, `m,n` or `,n`, and what closes it.
    fn interval(&mut self) -> Option<String> {
        let closing: &[u8] = if self.options.extended { b"}" } else { br"\}" };
        let least = self.number()?;
        let mut most = least;
        if let Some(rest) = self.rest.strip_prefix(b",") {
            self.rest = rest;
            most = self.number()?;
        } else {
            least?; // a bound, or at least a comma
        }
        self.rest = self.rest.strip_prefix(closing)?;
        let least = least.unwrap_or(0);
        match most {
            None => Some(format!("{{{least},}}")),
            Some(most) => (least <= most).then(|| format!("{{{least},{most}}}")),
        }
    }

    /// Reads digits, if there are any; `None` when they are too large a number.
    fn number(&mut self) -> Option<Option<u32>> {
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        if number.is_empty() {
            return Some(None);
        }
        let value = number.iter().fold(0_u32, |n, b| n.saturating_mul(10).saturating_add((b - b'0').into()));
        (value <= MAX_REPEAT).then_some(Some(value))
    }

    fn byte(&mut self, byte: u8) {
        ByteSet::of(byte).folded(self.options.ignores_case).write(&mut self.out);
    }

    /// Reads a token. What stands before it decides what `^` is in basic syntax.
    fn token(&mut self, position: Position) -> Option<Token> {
        let Some((&byte, rest)) = self.rest.split_first() else { return Some(Token::End) };
        self.rest = rest;
        let extended = self.options.extended;
        Some(match byte {
            b'\\' => return self.escape(),
            b'.' => Token::Any,
            b'[' => Token::Bracket,
            b'*' => Token::Repeat(b'*'),
            b'+' | b'?' if extended => Token::Repeat(byte),
            b'{' if extended => Token::OpenInterval,
            b'(' if extended => Token::Open,
            b')' if extended => Token::Close,
            b'|' if extended => Token::Or,
            b'^' if extended || position != Position::Item => {
                Token::Anchor(if self.options.newline { "(?m:^)" } else { r"\A" })
            }
            b'$' if extended || rest.is_empty() || rest.starts_with(br"\|") || rest.starts_with(br"\)") => {
                Token::Anchor(if self.options.newline { "(?m:$)" } else { r"\z" })
            }
            _ => Token::Byte(byte),
        })
    }

    /// Reads what follows a backslash: in basic syntax most operators, in both those that are GNU's own.
    fn escape(&mut self) -> Option<Token> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        let basic = !self.options.extended;
        Some(match byte {
            b'w' => Token::Set(ByteSet::word()),
            b'W' => Token::Set(ByteSet::word().complement()),
            b's' => Token::Set(ByteSet::space()),
            b'S' => Token::Set(ByteSet::space().complement()),
            b'b' => Token::Anchor(r"\b"),
            b'B' => Token::Anchor(r"\B"),
            b'<' => Token::Anchor(r"\b{start}"),
            b'>' => Token::Anchor(r"\b{end}"),
            b'`' => Token::Anchor(r"\A"),
            b'\'' => Token::Anchor(r"\z"),
            b'1'..=b'9' => Token::BackReference((byte - b'0').into()),
            b'+' | b'?' if basic => Token::Repeat(byte),
            b'{' if basic => Token::OpenInterval,
            b'(' if basic => Token::Open,
            b')' if basic => Token::Close,
            b'|' if basic => Token::Or,
            _ => Token::Byte(byte),
        })
    }
}
