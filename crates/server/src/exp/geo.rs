//! Whether a point lies in a region.

use super::eval::Run;
use super::parse::Node;
use super::value::Value;
use crate::value::geo::Geometry;

/// Whether text is GeoJSON of a kind the server takes.
pub(super) fn is_valid(text: &[u8]) -> bool {
    Geometry::parse(text).is_some()
}

/// Whether one of two geometries is a point inside the other, which is a region.
pub(super) fn evaluate<'a>(arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let [a, b] = arguments else { return Value::Unknown };
    let Value::GeoJson(a) = run.evaluate(a) else { return Value::Unknown };
    let Value::GeoJson(b) = run.evaluate(b) else { return Value::Unknown };
    match (Geometry::parse(&a), Geometry::parse(&b)) {
        (Some(a), Some(b)) => Value::Bool(a.matches(&b)),
        _ => Value::Unknown,
    }
}
