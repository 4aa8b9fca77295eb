//! Lua's patterns, matched with an eye on the time: a pattern of a few bytes can ask for more steps than there are
//! atoms, and Lua's own matcher cannot be interrupted.

use crate::limits::Watch;

/// Captures a pattern may have.
const MAX_CAPTURES: usize = 32;
/// How deep a match may recurse.
const MAX_DEPTH: usize = 200;
/// Steps between two looks at the time.
const STEPS: u32 = 4096;

/// Why matching stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The pattern is wrong.
    Malformed(String),
    /// The call has to end.
    Ended,
}

type Step<T> = Result<T, Stop>;

fn malformed<T>(text: &str) -> Step<T> {
    Err(Stop::Malformed(text.to_owned()))
}

/// What a capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    /// From one place to another, counted from 0.
    Text(usize, usize),
    /// A place, counted from 0.
    Place(usize),
}

#[derive(Debug, Clone, Copy)]
enum Length {
    Unclosed,
    Place,
    Size(usize),
}

/// A match of a pattern at one place of a text.
pub(crate) struct Matcher<'a> {
    text: &'a [u8],
    pattern: &'a [u8],
    watch: &'a Watch,
    captures: Vec<(usize, Length)>,
    depth: usize,
    steps: u32,
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(text: &'a [u8], pattern: &'a [u8], watch: &'a Watch) -> Self {
        Self { text, pattern, watch, captures: Vec::new(), depth: 0, steps: 0 }
    }

    /// Matches at a place; where the match ends. An anchor is not looked at.
    pub(crate) fn at(&mut self, place: usize) -> Step<Option<usize>> {
        self.captures.clear();
        self.depth = 0;
        self.run(place, 0)
    }

    /// What was captured; the whole match when nothing was asked for and `whole` is given.
    pub(crate) fn captures(&self, whole: Option<(usize, usize)>) -> Step<Vec<Capture>> {
        if self.captures.is_empty() {
            return Ok(whole.map(|(from, to)| Capture::Text(from, to)).into_iter().collect());
        }
        let read = |(start, length): &(usize, Length)| match length {
            Length::Unclosed => malformed("unfinished capture"),
            Length::Place => Ok(Capture::Place(*start)),
            Length::Size(size) => Ok(Capture::Text(*start, start + size)),
        };
        self.captures.iter().map(read).collect()
    }

    fn tick(&mut self) -> Step<()> {
        self.steps += 1;
        if self.steps >= STEPS {
            self.steps = 0;
            if self.watch.check(String::new).is_some() {
                return Err(Stop::Ended);
            }
        }
        Ok(())
    }

    fn run(&mut self, place: usize, pattern: usize) -> Step<Option<usize>> {
        if self.depth >= MAX_DEPTH {
            return malformed("pattern too complex");
        }
        self.depth += 1;
        let result = self.run_on(place, pattern);
        self.depth -= 1;
        result
    }

    fn run_on(&mut self, mut place: usize, mut p: usize) -> Step<Option<usize>> {
        loop {
            self.tick()?;
            let Some(&head) = self.pattern.get(p) else { return Ok(Some(place)) };
            match (head, self.pattern.get(p + 1)) {
                (b'(', Some(b')')) => return self.open(place, p + 2, Length::Place),
                (b'(', _) => return self.open(place, p + 1, Length::Unclosed),
                (b')', _) => return self.close(place, p + 1),
                (b'$', None) => return Ok(Some(place).filter(|place| *place == self.text.len())),
                (b'%', Some(b'b')) => match self.balanced(place, p + 2)? {
                    Some(end) => (place, p) = (end, p + 4),
                    None => return Ok(None),
                },
                (b'%', Some(b'f')) => {
                    let Some(b'[') = self.pattern.get(p + 2) else {
                        return malformed("missing '[' after '%f' in pattern");
                    };
                    let end = self.class_end(p + 2)?;
                    let byte = |at: usize| self.text.get(at).copied().unwrap_or(0);
                    let before = place.checked_sub(1).map_or(0, byte);
                    if self.in_set(before, p + 2, end - 1) || !self.in_set(byte(place), p + 2, end - 1) {
                        return Ok(None);
                    }
                    p = end;
                }
                (b'%', Some(digit @ b'0'..=b'9')) => match self.repeat(place, *digit)? {
                    Some(end) => (place, p) = (end, p + 2),
                    None => return Ok(None),
                },
                _ => {
                    let end = self.class_end(p)?;
                    let matches = self.single(place, p, end);
                    match self.pattern.get(end) {
                        Some(b'?') => {
                            if matches && let Some(found) = self.run(place + 1, end + 1)? {
                                return Ok(Some(found));
                            }
                            p = end + 1;
                        }
                        Some(b'+') => return if matches { self.most(place + 1, p, end) } else { Ok(None) },
                        Some(b'*') => return self.most(place, p, end),
                        Some(b'-') => return self.least(place, p, end),
                        _ if !matches => return Ok(None),
                        _ => (place, p) = (place + 1, end),
                    }
                }
            }
        }
    }

    fn most(&mut self, place: usize, p: usize, end: usize) -> Step<Option<usize>> {
        let mut count = 0;
        while self.single(place + count, p, end) {
            self.tick()?;
            count += 1;
        }
        for taken in (0..=count).rev() {
            if let Some(found) = self.run(place + taken, end + 1)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn least(&mut self, mut place: usize, p: usize, end: usize) -> Step<Option<usize>> {
        loop {
            if let Some(found) = self.run(place, end + 1)? {
                return Ok(Some(found));
            }
            if !self.single(place, p, end) {
                return Ok(None);
            }
            place += 1;
        }
    }

    fn open(&mut self, place: usize, p: usize, length: Length) -> Step<Option<usize>> {
        if self.captures.len() >= MAX_CAPTURES {
            return malformed("too many captures");
        }
        self.captures.push((place, length));
        let count = self.captures.len();
        let found = self.run(place, p)?;
        if found.is_none() {
            self.captures.truncate(count - 1);
        }
        Ok(found)
    }

    fn close(&mut self, place: usize, p: usize) -> Step<Option<usize>> {
        let open = self.captures.iter().rposition(|(_, length)| matches!(length, Length::Unclosed));
        let Some(open) = open else { return malformed("invalid pattern capture") };
        if let Some((start, length)) = self.captures.get_mut(open) {
            *length = Length::Size(place - *start);
        }
        let found = self.run(place, p)?;
        if let (None, Some((_, length))) = (found, self.captures.get_mut(open)) {
            *length = Length::Unclosed;
        }
        Ok(found)
    }

    /// `%bxy`.
    fn balanced(&mut self, place: usize, p: usize) -> Step<Option<usize>> {
        let (Some(&begin), Some(&end)) = (self.pattern.get(p), self.pattern.get(p + 1)) else {
            return malformed("malformed pattern (missing arguments to '%b')");
        };
        if self.text.get(place) != Some(&begin) {
            return Ok(None);
        }
        let mut depth = 1_usize;
        let mut at = place + 1;
        while let Some(&byte) = self.text.get(at) {
            self.tick()?;
            if byte == end {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(at + 1));
                }
            } else if byte == begin {
                depth += 1;
            }
            at += 1;
        }
        Ok(None)
    }

    /// `%1`: what a capture holds, again.
    fn repeat(&mut self, place: usize, digit: u8) -> Step<Option<usize>> {
        let number = usize::from(digit).wrapping_sub(usize::from(b'1'));
        let Some((start, Length::Size(size))) = self.captures.get(number).copied() else {
            return malformed(&format!("invalid capture index %{}", number.wrapping_add(1)));
        };
        let again = self.text.get(start..start + size);
        let here = self.text.get(place..place + size);
        self.steps = self.steps.saturating_add(u32::try_from(size / 16).unwrap_or(u32::MAX));
        Ok((again.is_some() && again == here).then_some(place + size))
    }

    /// Where the class at a place of the pattern ends.
    fn class_end(&self, p: usize) -> Step<usize> {
        match self.pattern.get(p) {
            Some(b'%') if self.pattern.get(p + 1).is_none() => malformed("malformed pattern (ends with '%')"),
            Some(b'%') => Ok(p + 2),
            Some(b'[') => {
                let mut at = p + 1 + usize::from(self.pattern.get(p + 1) == Some(&b'^'));
                loop {
                    let Some(byte) = self.pattern.get(at) else {
                        return malformed("malformed pattern (missing ']')");
                    };
                    at += 1 + usize::from(*byte == b'%');
                    if self.pattern.get(at) == Some(&b']') {
                        return Ok(at + 1);
                    }
                }
            }
            _ => Ok(p + 1),
        }
    }

    /// Whether the byte at a place is of the class between two places of the pattern.
    fn single(&self, place: usize, p: usize, end: usize) -> bool {
        let Some(&byte) = self.text.get(place) else { return false };
        match self.pattern.get(p) {
            Some(b'.') => true,
            Some(b'%') => self.pattern.get(p + 1).is_some_and(|class| in_class(byte, *class)),
            Some(b'[') => self.in_set(byte, p, end - 1),
            other => other == Some(&byte),
        }
    }

    /// Whether a byte is in a set that starts with `[` at one place and ends with `]` at another.
    fn in_set(&self, byte: u8, p: usize, end: usize) -> bool {
        let is_negated = self.pattern.get(p + 1) == Some(&b'^');
        let mut at = p + 1 + usize::from(is_negated);
        while at < end {
            let (one, two, three) = (self.pattern.get(at), self.pattern.get(at + 1), self.pattern.get(at + 2));
            let found = match (one, two, three) {
                (Some(b'%'), Some(class), _) => {
                    at += 2;
                    in_class(byte, *class)
                }
                (Some(from), Some(b'-'), Some(to)) if at + 2 < end => {
                    at += 3;
                    (*from..=*to).contains(&byte)
                }
                (one, ..) => {
                    at += 1;
                    one == Some(&byte)
                }
            };
            if found {
                return !is_negated;
            }
        }
        is_negated
    }
}

/// Whether a byte is of a class like `%a`; classes in capitals are the others' opposite.
fn in_class(byte: u8, class: u8) -> bool {
    let is_in = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == 0x0b,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        _ => return class == byte,
    };
    is_in != class.is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(text: &str, pattern: &str) -> Step<Option<usize>> {
        Matcher::new(text.as_bytes(), pattern.as_bytes(), &Watch::default()).at(0)
    }

    #[test]
    fn patterns_that_are_wrong_are_refused() {
        for pattern in ["%", "[a", "(a", ")", "%b", "%f", "%1", "[%"] {
            let watch = Watch::default();
            let mut matcher = Matcher::new(b"aaa", pattern.as_bytes(), &watch);
            let end = matcher.at(0);
            let fails = end.clone().is_err() || end.is_ok_and(|_| matcher.captures(None).is_err());
            assert!(fails, "{pattern}");
        }
    }

    #[test]
    fn a_match_that_recurses_too_deeply_is_refused() {
        let pattern = "(a?)".repeat(20) + &"a?".repeat(300) + "b";
        assert!(matched(&"a".repeat(400), &pattern).is_err());
    }
}
