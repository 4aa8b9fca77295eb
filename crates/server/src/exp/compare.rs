//! Comparing values of one type, and looking for a value in a list.

use std::cmp::Ordering;

use super::eval::Run;
use super::parse::Node;
use super::value::Value;
use crate::cdt::value::{Head, compare, compare_if, head, take_element, take_head};
use bytes::BytesMut;

/// What is asked of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Comparison {
    /// The answer; values without an order, NaN, are only not equal.
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        }
    }
}

/// Compares two values of one type.
pub(super) fn evaluate<'a>(comparison: Comparison, arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let [a, b] = arguments else { return Value::Unknown };
    let a = run.evaluate(a);
    if a.is_unknown() {
        return Value::Unknown;
    }
    let order = match (a, run.evaluate(b)) {
        (Value::Nil, Value::Nil) => Some(Ordering::Equal),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(&b)),
        (Value::Integer(a), Value::Integer(b)) => Some(a.cmp(&b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(&b),
        (Value::String(a), Value::String(b)) | (Value::Blob(a), Value::Blob(b)) => Some(a.cmp(&b)),
        (Value::Collection(a), Value::Collection(b)) | (Value::Extension(a), Value::Extension(b)) => {
            // the order of the pairs of an unordered map means nothing, so neither would the answer
            match compare_if(&a, &b, |head, rest| !is_unordered_map(head, rest)) {
                Some(order) => Some(order),
                None => return Value::Unknown,
            }
        }
        _ => return Value::Unknown,
    };
    Value::Bool(comparison.holds(order))
}

/// An empty map without flags is not asked for its order.
fn is_unordered_map(map: &Head<'_>, rest: &[u8]) -> bool {
    const KEY_ORDERED: u8 = 1;
    match (map, head(rest)) {
        (Head::Map(1..), Some(Head::Ext(flags, _))) => flags & KEY_ORDERED == 0,
        (Head::Map(1..), _) => true,
        _ => false,
    }
}

/// Whether a list has an element that equals a value.
pub(super) fn in_list<'a>(arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let [value, list] = arguments else { return Value::Unknown };
    let value = run.evaluate(value);
    if value.is_unknown() {
        return Value::Unknown;
    }
    let Value::Collection(list) = run.evaluate(list) else { return Value::Unknown };
    let mut wanted = BytesMut::new();
    if !value.write_element(&mut wanted) {
        return Value::Unknown;
    }
    let mut rest = &*list;
    let Some(Head::List(count)) = take_head(&mut rest) else { return Value::Unknown };
    // the flags of an ordered list are looked at like an element; no value equals them
    for _ in 0..count {
        match take_element(&mut rest) {
            None => return Value::Unknown,
            Some(element) if compare(&wanted, element) == Ordering::Equal => return Value::Bool(true),
            Some(_) => {}
        }
    }
    Value::Bool(false)
}
