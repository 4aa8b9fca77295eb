//! Numbers in info commands, as a real server reads each of them. Which reading a parameter has is the command's own affair.

/// Digits, and none at all is 0, with a unit of 1,024s behind them; what is too large for 32 bits goes round.
pub(super) fn unsigned(text: &str) -> Option<u32> {
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let value = digits.bytes().fold(0_u32, |sum, digit| sum.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')));
    let shift = match rest {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        _ => return None,
    };
    Some(value.wrapping_shl(shift))
}

/// The same with a minus before it.
pub(super) fn signed(text: &str) -> Option<i32> {
    match text.strip_prefix('-') {
        Some(text) => unsigned(text).map(|value| value.wrapping_neg().cast_signed()),
        None => unsigned(text).map(u32::cast_signed),
    }
}

/// Digits alone, at least one, within 32 bits.
pub(super) fn digits(text: &str) -> Option<u32> {
    text.starts_with(|first: char| first.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A time in seconds, or in the unit behind it; -1 is one that never comes.
pub(super) fn seconds(text: &str) -> Option<u32> {
    if text == "-1" {
        return Some(u32::MAX);
    }
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let value = digits.bytes().fold(0_u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    let factor = match rest {
        "" | "s" | "S" => 1,
        "m" | "M" => 60,
        "h" | "H" => 60 * 60,
        "d" | "D" => 24 * 60 * 60,
        _ => return None,
    };
    u32::try_from(value.wrapping_mul(factor)).ok()
}

/// A whole text that is a number in the base that its prefix says, within 64 bits.
pub(super) fn in_any_base(text: &str) -> Option<u64> {
    if text.starts_with(|first: char| first.is_ascii_whitespace() || first == '\u{b}') {
        return None;
    }
    match leading(text) {
        (value, "") => value,
        _ => None,
    }
}

/// The number that a text begins with, in the base that its prefix says, and what stands after it. A minus makes a large
/// number of it; no digits are 0; `None` is more than 64 bits have room for.
pub(super) fn leading(text: &str) -> (Option<u64>, &str) {
    let unspaced = text.trim_start_matches(|first: char| first.is_ascii_whitespace() || first == '\u{b}');
    let (is_negative, unsigned) = match unspaced.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, unspaced.strip_prefix('+').unwrap_or(unspaced)),
    };
    let of_hex = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    let (base, digits) = match of_hex.filter(|digits| digits.starts_with(|first: char| first.is_ascii_hexdigit())) {
        Some(digits) => (16, digits),
        None if unsigned.starts_with('0') => (8, unsigned),
        None => (10, unsigned),
    };
    let (digits, rest) = digits.split_at(digits.chars().take_while(|digit| digit.is_digit(base)).count());
    if digits.is_empty() {
        return (Some(0), text);
    }
    let value = u64::from_str_radix(digits, base).ok();
    (value.map(|value| if is_negative { value.wrapping_neg() } else { value }), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reading_has_its_own_rules() {
        assert_eq!(
            [unsigned(""), unsigned("12"), unsigned("1k"), unsigned("2G")],
            [Some(0), Some(12), Some(1024), Some(1 << 31)]
        );
        assert_eq!(
            [unsigned("4294967297"), unsigned("+1"), unsigned("-1"), unsigned("1kk")],
            [Some(1), None, None, None]
        );
        assert_eq!([signed("-1"), signed("-"), signed("--1"), signed("-2k")], [Some(-1), Some(0), None, Some(-2048)]);
        assert_eq!(
            [digits("07"), digits(""), digits("+1"), digits("1k"), digits("4294967296")],
            [Some(7), None, None, None, None]
        );
        assert_eq!(
            [seconds("-1"), seconds(""), seconds("2H"), seconds("1w"), seconds("50000d")],
            [Some(u32::MAX), Some(0), Some(7200), None, None]
        );
    }

    #[test]
    fn a_prefix_says_the_base() {
        assert_eq!(
            [in_any_base("010"), in_any_base("0x1F"), in_any_base("+1"), in_any_base("-1")],
            [Some(8), Some(31), Some(1), Some(u64::MAX)]
        );
        assert_eq!([in_any_base("08"), in_any_base("0x"), in_any_base("0x+1"), in_any_base("-+1")], [None; 4]);
        assert_eq!([in_any_base(" 1"), in_any_base("18446744073709551616")], [None; 2]);
        assert_eq!(in_any_base(""), Some(0));
        assert_eq!(leading(" 12x"), (Some(12), "x"));
        assert_eq!(leading("x"), (Some(0), "x"));
    }
}
