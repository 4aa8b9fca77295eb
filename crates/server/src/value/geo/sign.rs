//! Which way a line turns at a corner, and what follows from that, decided exactly: corners that lie on one line but for
//! rounding are not rare, and what is the inside of a ring may hang on them. Where a point is on the line even so, all are thought of as moved by
//! amounts too small for numbers (Edelsbrunner and Mücke's simulation of simplicity), so that never three lie on one line.

use s2::edge_crossings::robust_cross_prod;
use s2::point::Point;
use s2::r3::vector::Vector;

/// Coordinates.
type Place = [f64; 3];

fn place(point: &Point) -> Place {
    [point.0.x, point.0.y, point.0.z]
}

/// 1 where three points turn counter-clockwise, -1 where they turn clockwise, 0 where two are one.
pub(super) fn sign(a: &Point, b: &Point, c: &Point) -> i32 {
    /// By how much a determinant of unit vectors is off at most, and more.
    const MAX_ERROR: f64 = 4.0 * f64::EPSILON;
    let determinant = a.0.cross(&b.0).dot(&c.0);
    if determinant.abs() > MAX_ERROR {
        return if determinant > 0.0 { 1 } else { -1 };
    }
    if a == b || b == c || c == a { 0 } else { exact_sign(place(a), place(b), place(c)) }
}

fn exact_sign(a: Place, b: Place, c: Place) -> i32 {
    let mut sorted = [a, b, c];
    let mut turned = 1;
    for (i, j) in [(0, 1), (1, 2), (0, 1)] {
        if sorted[i] > sorted[j] {
            sorted.swap(i, j);
            turned = -turned;
        }
    }
    let [a, b, c] = sorted;
    let volume = sum_sign(&[
        &[a[0], b[1], c[2]],
        &[-a[0], b[2], c[1]],
        &[a[1], b[2], c[0]],
        &[-a[1], b[0], c[2]],
        &[a[2], b[0], c[1]],
        &[-a[2], b[1], c[0]],
    ]);
    turned * if volume == 0 { moved_sign(a, b, c) } else { volume }
}

/// The sign of the determinant of points in one plane when each coordinate is moved a little, those of the later points by
/// far less than those of the earlier, and of one point `z` by more than `y` than `x`.
fn moved_sign(a: Place, b: Place, c: Place) -> i32 {
    let minor = |p: Place, q: Place, i: usize, j: usize| sum_sign(&[&[p[i], q[j]], &[-p[j], q[i]]]);
    let of = |value: f64| sum_sign(&[&[value]]);
    let in_order = [
        minor(b, c, 0, 1),
        minor(b, c, 2, 0),
        minor(b, c, 1, 2),
        minor(c, a, 0, 1),
        of(c[0]),
        of(-c[1]),
        minor(c, a, 2, 0),
        of(c[2]),
        minor(a, b, 0, 1),
        of(-b[0]),
        of(b[1]),
        of(a[0]),
    ];
    in_order.into_iter().find(|sign| *sign != 0).unwrap_or(1)
}

/// The sign of a sum of products, without rounding.
fn sum_sign(products: &[&[f64]]) -> i32 {
    let sum = sum_of(products);
    if sum > 0.0 { 1 } else { -i32::from(sum < 0.0) }
}

/// The greatest part of a sum of products, which has its sign. A number is kept as others that add up to it and do not
/// overlap, the least first (Shewchuk's expansions).
fn sum_of(products: &[&[f64]]) -> f64 {
    let mut sum: Vec<f64> = Vec::with_capacity(24);
    for product in products {
        let mut parts = vec![1.0];
        for factor in *product {
            parts = parts.into_iter().flat_map(|part| two_product(part, *factor)).filter(|part| *part != 0.0).collect();
        }
        parts.into_iter().for_each(|part| add(&mut sum, part));
    }
    sum.last().copied().unwrap_or(0.0)
}

/// The normal of the plane that an edge lies in, in its direction even where its ends are nearly one or nearly opposite.
pub(super) fn normal(a: &Point, b: &Point) -> Point {
    /// Below this length a normal of unit vectors is more rounding than direction.
    const MIN_LENGTH: f64 = 1e-14;
    let quick = (a.0 - b.0).cross(&(a.0 + b.0));
    if quick.norm() >= MIN_LENGTH {
        return Point(quick);
    }
    let (p, q) = (place(a), place(b));
    let minor = |i: usize, j: usize| sum_of(&[&[p[i], q[j]], &[-p[j], q[i]]]);
    let exact = Vector { x: minor(1, 2), y: minor(2, 0), z: minor(0, 1) };
    if exact.norm() > 0.0 { Point(exact.normalize()) } else { robust_cross_prod(a, b) }
}

/// Two numbers that add up to a product.
fn two_product(a: f64, b: f64) -> [f64; 2] {
    let product = a * b;
    [a.mul_add(b, -product), product]
}

/// Adds a number to an expansion.
fn add(sum: &mut Vec<f64>, value: f64) {
    let mut carried = value;
    let mut rest = Vec::with_capacity(sum.len() + 1);
    for part in sum.iter() {
        let total = carried + part;
        let virtual_part = total - carried;
        let lost = (carried - (total - virtual_part)) + (part - virtual_part);
        rest.extend((lost != 0.0).then_some(lost));
        carried = total;
    }
    rest.extend((carried != 0.0).then_some(carried));
    *sum = rest;
}

/// Whether the edges from `o` to `a`, `b` and `c` come in this order counter-clockwise.
fn is_ordered(a: &Point, b: &Point, c: &Point, o: &Point) -> bool {
    [sign(b, o, a) >= 0, sign(c, o, b) >= 0, sign(a, o, c) > 0].into_iter().filter(|holds| *holds).count() >= 2
}

/// Whether the vertex of an angle belongs to its inside: of the angles around a vertex it belongs to one.
pub(super) fn holds_vertex(a: &Point, b: &Point, c: &Point) -> bool {
    !is_ordered(&b.ortho(), c, a, b)
}

/// Whether two edges cross or share a vertex.
pub(super) fn meets(a: &Point, b: &Point, c: &Point, d: &Point) -> bool {
    [a, b].iter().any(|end| *end == c || *end == d) || crosses(a, b, c, d)
}

/// Whether two edges cross; where they share a vertex, so that a way past it counts once.
pub(super) fn crosses(a: &Point, b: &Point, c: &Point, d: &Point) -> bool {
    if a == b || c == d {
        false
    } else if a == c {
        b == d || is_ordered(&a.ortho(), d, b, a)
    } else if b == d {
        is_ordered(&b.ortho(), c, a, b)
    } else if a == d {
        b == c || is_ordered(&a.ortho(), c, b, a)
    } else if b == c {
        is_ordered(&b.ortho(), d, a, b)
    } else {
        let side = -sign(a, b, c);
        sign(a, b, d) == side && -sign(c, d, b) == side && sign(c, d, a) == side
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, y: f64, z: f64) -> Point {
        Point(Vector { x, y, z })
    }

    #[test]
    fn what_is_on_one_line_but_for_rounding_is_told_exactly() {
        let (e, f) = (6.1e-17, 7.5e-33);
        let (a, b, c) = (point(-e, -f, -1.0), point(-e, f, -1.0), point(-e, f, 1.0));
        assert_eq!([sign(&a, &b, &c), sign(&b, &a, &c), sign(&c, &a, &b)], [-1, 1, -1]);
        assert_eq!(sign(&a, &a, &c), 0);
    }

    #[test]
    fn no_three_points_lie_on_one_line() {
        let points = [point(1.0, 0.0, 0.0), point(0.6, 0.8, 0.0), point(0.0, 1.0, 0.0)];
        let [a, b, c] = &points;
        let turn = sign(a, b, c);
        assert_ne!(turn, 0);
        assert_eq!([sign(b, c, a), sign(c, a, b)], [turn; 2]);
        assert_eq!([sign(b, a, c), sign(c, b, a)], [-turn; 2]);
    }
}
