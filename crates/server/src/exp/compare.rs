//! Comparing values of one type, and looking for a value in a list.

use std::cmp::Ordering;

use super::eval::Run;
use super::parse::Node;
use super::value::Value;
use crate::cdt::value::{Head, Kind, compare, head, kind, take_element, take_flags, take_head};
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
            match compare_ordered(&mut &*a, &mut &*b) {
                Compared::Decided(order) => Some(order),
                Compared::Wildcard => Some(Ordering::Equal),
                Compared::Incomparable => return Value::Unknown,
            }
        }
        _ => return Value::Unknown,
    };
    Value::Bool(comparison.holds(order))
}

/// What a comparison of collections came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    Decided(Ordering),
    /// A wildcard matched all the rest.
    Wildcard,
    /// An unordered map was met before the comparison was decided.
    Incomparable,
}

/// Compares two elements, refusing unordered maps: the order of their pairs means nothing, so neither would the
/// answer. Without such maps this is the order of [`compare`].
fn compare_ordered(a: &mut &[u8], b: &mut &[u8]) -> Compared {
    let (Some(x), Some(y)) = (take_head(a), take_head(b)) else { return Compared::Incomparable };
    if is_unordered_map(&x, a) || is_unordered_map(&y, b) {
        return Compared::Incomparable;
    }
    let kinds = (kind(&x), kind(&y));
    if kinds.0 == Kind::Wildcard || kinds.1 == Kind::Wildcard {
        return Compared::Wildcard;
    }
    let (n, m, values, lengths_first) = match (x, y) {
        (Head::List(n), Head::List(m)) => (take_flags(a, n, false).0, take_flags(b, m, false).0, 1, false),
        (Head::Map(n), Head::Map(m)) => (take_flags(a, n, true).0, take_flags(b, m, true).0, 2, true),
        (Head::String(p), Head::String(q)) if kinds.0 == kinds.1 => return Compared::Decided(p.cmp(q)),
        (Head::Ext(_, p), Head::Ext(_, q)) if kinds.0 == kinds.1 => return Compared::Decided(p.cmp(q)),
        _ if kinds.0 != kinds.1 => return Compared::Decided(kinds.0.cmp(&kinds.1)),
        _ => return Compared::Decided(compare_scalars(&x, &y)),
    };
    if lengths_first && n != m {
        return Compared::Decided(n.cmp(&m));
    }
    for _ in 0..n.min(m) * values {
        match compare_ordered(a, b) {
            Compared::Decided(Ordering::Equal) => {}
            decided => return decided,
        }
    }
    Compared::Decided(n.cmp(&m))
}

fn compare_scalars(a: &Head<'_>, b: &Head<'_>) -> Ordering {
    let float = |head: &Head<'_>| match head {
        Head::Float(n) => *n,
        Head::Float32(n) => f64::from(*n),
        _ => 0.0,
    };
    let integer = |head: &Head<'_>| match head {
        Head::Integer(n) => i128::from(*n),
        Head::Unsigned(n) => i128::from(*n),
        _ => 0,
    };
    let floats = float(a).partial_cmp(&float(b)).unwrap_or(Ordering::Equal);
    floats.then_with(|| integer(a).cmp(&integer(b)))
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
