//! Operations on the bits of integers.

use super::eval::Run;
use super::parse::Node;
use super::value::Value;

/// A shift; its count is taken modulo 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    Left,
    Right,
    RightSigned,
}

/// Looking for the first bit of a kind. Bits are counted from the most significant one, wherever the search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BitScan {
    Left,
    Right,
}

fn each<'a>(argument: Option<&'a Node<'a>>, run: &mut Run<'a>, of: impl Fn(i64) -> i64) -> Value<'a> {
    argument.and_then(|argument| run.integer(argument)).map_or(Value::Unknown, |n| Value::Integer(of(n)))
}

/// Every bit turned over.
pub(super) fn not<'a>(arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    each(arguments.first(), run, |n| !n)
}

/// How many bits are set.
pub(super) fn count<'a>(arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    each(arguments.first(), run, |n| n.count_ones().into())
}

/// Shifts an integer.
pub(super) fn shift<'a>(operation: Shift, arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let [value, count] = arguments else { return Value::Unknown };
    let (Some(n), Some(count)) = (run.integer(value), run.integer(count)) else { return Value::Unknown };
    let count = count as u32;
    Value::Integer(match operation {
        Shift::Left => n.wrapping_shl(count),
        Shift::Right => (n as u64).wrapping_shr(count) as i64,
        Shift::RightSigned => n.wrapping_shr(count),
    })
}

/// Scans; −1 when there is no such bit.
pub(super) fn scan<'a>(from: BitScan, arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let [value, wanted] = arguments else { return Value::Unknown };
    let Some(n) = run.integer(value) else { return Value::Unknown };
    let Value::Bool(wanted) = run.evaluate(wanted) else { return Value::Unknown };
    let n = if wanted { n } else { !n };
    Value::Integer(match (from, n) {
        (_, 0) => -1,
        (BitScan::Left, n) => n.leading_zeros().into(),
        (BitScan::Right, n) => 63 - i64::from(n.trailing_zeros()),
    })
}
