//! Adding to the numbers inside collections.

use aerospike_wire::ResultCode;
use bytes::{BufMut, BytesMut};

use super::pack;
use super::value::{Element, Head, head};

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

/// `value + delta`, or minus. The kind of number is the value's: a fraction added to an integer is cut off.
pub(crate) fn add(
    value: Option<Element<'_>>,
    delta: Option<Element<'_>>,
    negative: bool,
) -> Result<BytesMut, ResultCode> {
    let delta = delta.map_or(Some(Number::Integer(1)), number).ok_or(ResultCode::PARAMETER)?;
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
        (Number::Integer(n), Number::Float(by)) => pack::integer(&mut out, n.wrapping_add(sign(by) as i64)),
        (Number::Float(n), Number::Integer(by)) => float(&mut out, n + sign(by as f64)),
        (Number::Float(n), Number::Float(by)) => float(&mut out, n + sign(by)),
    }
    Ok(out)
}
