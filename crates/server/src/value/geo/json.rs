//! What the real server's JSON library takes otherwise than others.

use std::borrow::Cow;

/// Text as another library has to see it; `None` for what is refused: a string with a NUL, written as an escape, and an
/// integer of more than 64 bits. A NUL right after a number or a word is taken for a space.
pub(super) fn prepare(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut out = Cow::Borrowed(text);
    let mut overlooked = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        let size = match byte {
            b'"' => string_size(rest)?,
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
                let token = &rest[..rest.iter().take_while(is_part).count()];
                let is_integer = !token.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E' | b'a'..=b'z'));
                if is_integer && std::str::from_utf8(token).ok()?.parse::<i64>().is_err() {
                    return None;
                }
                if rest.get(token.len()) == Some(&0) {
                    overlooked.push(at + token.len());
                }
                token.len()
            }
            _ => 1,
        };
        at += size;
        if overlooked.last() == Some(&at) {
            at += 1;
        }
    }
    for place in overlooked {
        out.to_mut()[place] = b' ';
    }
    Some(out)
}

/// The bytes of the string at the front, with its quotes; all there are if it does not end.
fn string_size(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at..) {
            None | Some([]) => return Some(text.len()),
            Some([b'"', ..]) => return Some(at + 1),
            Some([b'\\', b'u', b'0', b'0', b'0', b'0', ..]) => return None,
            Some([b'\\', ..]) => at += 2,
            Some(_) => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_overlooked_and_what_is_refused() {
        for (text, expected) in [
            ("[1\0,2\0]", Some("[1 ,2 ]")),
            ("[true\0]", Some("[true ]")),
            ("[1\0\0]", Some("[1 \0]")),
            ("[1\02]", Some("[1 2]")),
            ("{\0\"a\":1}", Some("{\0\"a\":1}")),
            (
                "[9223372036854775807,-9223372036854775808,1e400]",
                Some("[9223372036854775807,-9223372036854775808,1e400]"),
            ),
            ("[9223372036854775808]", None),
            (r#"{"a\u0000":1}"#, None),
            (r#"{"a\\u0000":1}"#, Some(r#"{"a\\u0000":1}"#)),
            ("\"1\0", Some("\"1\0")),
        ] {
            assert_eq!(prepare(text.as_bytes()).as_deref(), expected.map(str::as_bytes), "{text:?}");
        }
    }
}
