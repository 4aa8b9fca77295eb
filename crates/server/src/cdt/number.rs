//! Adding to the numbers inside collections.

use aerospike_wire::ResultCode;
use bytes::{BufMut, BytesMut};

use super::pack;
use super::value::{Element, Head, NIL, head};

#[derive(Debug, Clone, Copy)]
enum Number {
    Integer(i64),
    Float(f64),
}

fn number(element: Element<'_>) -> Option<Number> {
    Some(match head(element)? {
        Head::Integer(n) => Number::Integer(n),
        Head::Unsigned(n) => Number::Integer(n as i64),
        Head::Float(n) => Number::Float(n),
        Head::Float32(n) => Number::Float(n.into()),
        _ => return None,
    })
}

/// `value + delta`, or minus. The kind of number is the value's: a fraction added to an integer is cut off. No delta, and
/// nil, is 1.
pub(crate) fn add(
    value: Option<Element<'_>>,
    delta: Option<Element<'_>>,
    negative: bool,
) -> Result<BytesMut, ResultCode> {
    let delta =
        delta.filter(|delta| *delta != NIL).map_or(Some(Number::Integer(1)), number).ok_or(ResultCode::PARAMETER)?;
    let base = match (value, delta) {
        (Some(value), _) => number(value).ok_or(ResultCode::PARAMETER)?,
        (None, Number::Integer(_)) => Number::Integer(0),
        (None, Number::Float(_)) => Number::Float(0.0),
    };
    let sign = |n: f64| if negative { -n } else { n };
    let mut out = BytesMut::with_capacity(9);
    let float = |out: &mut BytesMut, n: f64| {
        out.put_u8(0xcb);
        out.put_f64(n);
    };
    match (base, delta) {
        (Number::Integer(n), Number::Integer(by)) if negative => pack::integer(&mut out, n.wrapping_sub(by)),
        (Number::Integer(n), Number::Integer(by)) => pack::integer(&mut out, n.wrapping_add(by)),
        (Number::Integer(n), Number::Float(by)) => pack::integer(&mut out, n.wrapping_add(truncate(sign(by)))),
        (Number::Float(n), Number::Integer(by)) => float(&mut out, n + sign(by as f64)),
        (Number::Float(n), Number::Float(by)) => float(&mut out, n + sign(by)),
    }
    Ok(out)
}

/// The integer part; what does not fit, and NaN, is the least integer.
pub(crate) fn truncate(n: f64) -> i64 {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if (-BOUND..BOUND).contains(&n) { n as i64 } else { i64::MIN }
}
