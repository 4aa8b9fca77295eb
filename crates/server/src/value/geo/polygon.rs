//! Polygons on the sphere, as far as covering them with cells and asking for points in them needs.
//!
//! A polygon is a set of rings: a point is inside when it lies in an odd number of them, so outlines and holes need no
//! telling apart. Of several polygons it has to be inside one.

use std::cmp::Ordering;
use std::f64::consts::{FRAC_PI_2, PI};

use s2::cap::Cap;
use s2::cell::Cell;
use s2::edge_crossings::{Crossing, angle_contains_vertex, crossing_sign, edge_or_vertex_crossing, robust_cross_prod};
use s2::latlng::LatLng;
use s2::point::{Point, ordered_ccw};
use s2::predicates::{Direction, robust_sign};
use s2::rect::Rect;
use s2::rect_bounder::RectBounder;
use s2::region::Region;
use s2::s1;

use super::sign;

/// A closed line that turns counter-clockwise around its inside. It may cross or touch itself: a point is inside when a
/// way to it from a place that is outside crosses the line an odd number of times.
#[derive(Debug, Clone)]
struct Ring {
    vertices: Vec<Point>,
    /// Whether there is hardly anything between its lines, so that what follows from them has to be decided exactly.
    is_flat: bool,
    /// Whether the inside holds [`Point::origin`], from which every other point is told.
    holds_origin: bool,
    /// Latitudes and longitudes around the inside.
    bound: Rect,
}

impl Ring {
    /// Makes a ring around the smaller of the two areas its line divides the sphere into. Whether the second vertex is
    /// inside can be seen from the angle there, and that settles the origin. Which area is the smaller is told by how
    /// much the line turns, unless it spans less than half of all longitudes: S2's rule, which holds for lines that cross
    /// themselves as well.
    fn new(vertices: Vec<Point>) -> Option<Self> {
        let [before, at, after, ..] = *vertices.as_slice() else { return None };
        let is_flat = is_flat(&vertices);
        let holds = if is_flat { sign::holds_vertex } else { angle_contains_vertex };
        let at_is_inside = before != at && after != at && holds(&before, &at, &after);
        let mut ring = Self { vertices, is_flat, holds_origin: false, bound: Rect::empty() };
        ring.holds_origin = at_is_inside != ring.contains(&at);
        ring.bound = ring.find_bound();
        if ring.bound.lng.len() >= PI && !turns_left(&ring.vertices) {
            ring.invert();
        }
        Some(ring)
    }

    /// Takes the other area for the inside.
    fn invert(&mut self) {
        self.vertices.reverse();
        self.holds_origin = !self.holds_origin;
        let Rect { lat, .. } = self.bound;
        // what is around an area without poles has both
        self.bound = if lat.lo > -FRAC_PI_2 && lat.hi < FRAC_PI_2 { Rect::full() } else { self.find_bound() };
    }

    fn find_bound(&self) -> Rect {
        let mut bounder = RectBounder::new();
        self.vertices.iter().chain(self.vertices.first()).for_each(|vertex| bounder.add_point(vertex));
        let mut bound = bounder.get_bound();
        if self.contains(&Point::from_coords(0.0, 0.0, 1.0)) {
            bound.lat.hi = FRAC_PI_2;
            bound.lng = s1::interval::FULL;
        }
        if bound.lng.is_full() && self.contains(&Point::from_coords(0.0, 0.0, -1.0)) {
            bound.lat.lo = -FRAC_PI_2;
        }
        bound
    }

    fn edges(&self) -> impl Iterator<Item = (&Point, &Point)> {
        self.vertices.iter().zip(self.vertices.iter().cycle().skip(1))
    }

    /// Whether an edge of the ring crosses another, or shares a vertex with it.
    fn meets(&self, a: &Point, b: &Point, c: &Point, d: &Point) -> bool {
        if self.is_flat { sign::meets(a, b, c, d) } else { crossing_sign(a, b, c, d) != Crossing::DoNotCross }
    }

    fn contains(&self, point: &Point) -> bool {
        let origin = Point::origin();
        let crosses = if self.is_flat { sign::crosses } else { edge_or_vertex_crossing };
        let crossings = self.edges().filter(|(a, b)| crosses(&origin, point, a, b)).count();
        self.holds_origin ^ (crossings % 2 == 1)
    }

    /// Whether another ring is inside, given that their lines do not cross.
    fn holds(&self, other: &Self) -> bool {
        /// Radians that are added on each side, for errors of computing.
        const TOLERANCE: f64 = 9.0 * f64::EPSILON;
        let margin = LatLng { lat: s1::Angle::from(s1::Rad(TOLERANCE)), lng: s1::Angle::from(s1::Rad(0.0)) };
        if !self.bound.expanded(&margin).polar_closure().contains(&other.bound) {
            return false;
        }
        let [before, at, after, ..] = other.vertices.as_slice() else { return false };
        let n = self.vertices.len();
        // the first vertex is looked at last
        match (1..=n).find(|place| self.vertices[place % n] == *at) {
            None => self.contains(at),
            Some(place) => {
                let (from, to) = (&self.vertices[(place - 1) % n], &self.vertices[(place + 1) % n]);
                ordered_ccw(to, after, before, at) && ordered_ccw(before, from, to, at)
            }
        }
    }
}

/// Whether a closed line is one from a point to the opposite one and back, but for rounding, as from pole to pole.
fn is_flat(vertices: &[Point]) -> bool {
    const ROUNDING: f64 = 8.0 * f64::EPSILON;
    let edges = || vertices.iter().zip(vertices.iter().cycle().skip(1));
    let returns = edges().any(|(a, b)| a != b && (a.0 - b.0).norm() < ROUNDING);
    returns && edges().any(|(a, b)| (a.0 + b.0).norm() < ROUNDING)
}

/// Whether a closed line turns to the left on the whole, or so nearly neither way that it cannot be told.
fn turns_left(vertices: &[Point]) -> bool {
    const MAX_ERROR: f64 = 11.25 * f64::EPSILON;
    turning(vertices) >= -MAX_ERROR * vertices.len() as f64
}

/// By how much a closed line turns to the left, in radians: 2π around a small area, -2π around all but a small one.
fn turning(vertices: &[Point]) -> f64 {
    let Some(line) = without_returns(vertices) else { return 2.0 * PI };
    let (n, is_flat) = (line.len(), is_flat(&line));
    let turn = |[a, b, c]: [usize; 3]| {
        let (a, b, c) = (&line[a % n], &line[b % n], &line[c % n]);
        if is_flat {
            let angle = sign::normal(a, b).0.angle(&sign::normal(b, c).0).rad();
            return if sign::sign(a, b, c) > 0 { angle } else { -angle };
        }
        let angle = robust_cross_prod(a, b).0.angle(&robust_cross_prod(b, c).0).rad();
        if robust_sign(a, b, c) == Direction::CounterClockwise { angle } else { -angle }
    };
    let Walk { from, forwards } = first_walk(&line);
    // the sum with its rounding errors (Kahan)
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for step in 0..n {
        let angle = if forwards {
            turn([from + step + n - 1, from + step, from + step + 1])
        } else {
            turn([from + 2 * n - step + 1, from + 2 * n - step, from + 2 * n - step - 1])
        };
        let (term, before) = (angle + lost, sum);
        sum += term;
        lost = (before - sum) + term;
    }
    let most = 2.0 * PI - 4.0 * f64::EPSILON;
    let total = sum + lost;
    (if forwards { total } else { -total }).clamp(-most, most)
}

/// A way along a closed line: the corner it begins at, and its direction.
#[derive(Clone, Copy)]
struct Walk {
    from: usize,
    forwards: bool,
}

/// Of all ways along a closed line, the one whose corners come first in order, so that it does not matter where the line
/// begins. Where a line goes back the way it came, it turns to the right seen along this way.
fn first_walk(line: &[Point]) -> Walk {
    let n = line.len();
    let corners = |walk: Walk| {
        let step = if walk.forwards { 1 } else { n - 1 };
        (0..n).map(move |count| line[(walk.from + count * step) % n].0).map(|v| (v.x, v.y, v.z))
    };
    let walks = (0..n).flat_map(|from| [true, false].map(|forwards| Walk { from, forwards }));
    let first = walks.min_by(|a, b| corners(*a).partial_cmp(corners(*b)).unwrap_or(Ordering::Equal));
    first.unwrap_or(Walk { from: 0, forwards: true })
}

/// A closed line without the ways that it goes back at once; `None` when nothing is left of it.
fn without_returns(vertices: &[Point]) -> Option<Vec<Point>> {
    let mut line: Vec<Point> = Vec::with_capacity(vertices.len());
    for vertex in vertices {
        match line.as_slice() {
            [.., last] if last == vertex => {}
            [.., before, _] if before == vertex => {
                line.pop();
            }
            _ => line.push(*vertex),
        }
    }
    if line.len() < 3 {
        return None;
    }
    if line.first() == line.last() {
        line.pop();
    }
    let returns = (0..line.len() / 2).take_while(|k| line[k + 1] == line[line.len() - 1 - k]).count();
    Some(line[returns..line.len() - returns].to_vec())
}

/// One polygon: outlines and holes.
#[derive(Debug, Clone)]
struct Part {
    rings: Vec<Ring>,
    /// Around the rings that lie in no other one.
    bound: Rect,
}

impl Part {
    fn new(rings: Vec<Ring>) -> Self {
        // of two rings that hold each other, since they are one line, the first holds the second
        let is_in = |at: usize, other: usize| {
            other != at && rings[other].holds(&rings[at]) && (other < at || !rings[at].holds(&rings[other]))
        };
        let outer = |at: usize| !(0..rings.len()).any(|other| is_in(at, other));
        let outlines = (0..rings.len()).filter(|at| rings.len() == 1 || outer(*at));
        let bound = outlines.fold(Rect::empty(), |bound, at| bound.union(&rings[at].bound));
        Self { rings, bound }
    }

    fn contains(&self, point: &Point) -> bool {
        self.rings.iter().filter(|ring| ring.contains(point)).count() % 2 == 1
    }
}

/// A circle around rings: around their vertices, unless one of them holds a pole.
fn around<'r>(rings: impl Iterator<Item = &'r Ring> + Clone) -> Cap {
    let vertices = || rings.clone().flat_map(|ring| &ring.vertices);
    let sum = vertices().fold(Point::from_coords(0.0, 0.0, 0.0), |sum, v| Point(sum.0 + v.0));
    let Some(first) = vertices().next() else { return Cap::empty() };
    let centre = if sum.norm() > 0.0 { sum.normalize() } else { *first };
    let around_vertices = vertices().fold(Cap::from(&centre), |cap, vertex| cap + vertex);
    let with_poles = rings.clone().filter(|ring| ring.bound.lng.is_full());
    with_poles.fold(around_vertices, |cap, ring| cap.union(&ring.bound.cap_bound()))
}

/// Polygons, and a circle around them.
#[derive(Debug, Clone)]
pub(crate) struct Polygon {
    parts: Vec<Part>,
    bound: Cap,
}

impl Polygon {
    /// Makes one region of the rings of several polygons.
    pub(crate) fn new(polygons: &[Vec<Vec<Point>>]) -> Option<Self> {
        let part =
            |rings: &Vec<Vec<Point>>| rings.iter().cloned().map(Ring::new).collect::<Option<Vec<_>>>().map(Part::new);
        let parts = polygons.iter().map(part).collect::<Option<Vec<Part>>>()?;
        let bound = around(parts.iter().flat_map(|part| &part.rings));
        Some(Self { parts, bound })
    }

    fn rings(&self) -> impl Iterator<Item = &Ring> {
        self.parts.iter().flat_map(|part| &part.rings)
    }

    /// Whether it has no rings, and so holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.rings().next().is_none()
    }

    /// Whether a point is inside.
    pub(crate) fn contains_point(&self, point: &Point) -> bool {
        self.parts.iter().any(|part| part.bound.contains_point(point) && part.contains(point))
    }

    /// The same for corners and centres of cells, without a look at the bounds.
    fn holds(&self, point: &Point) -> bool {
        self.parts.iter().any(|part| part.contains(point))
    }

    /// Whether a line of the polygon crosses the border of a cell.
    fn crosses(&self, corners: &[Point; 4]) -> bool {
        let sides = || corners.iter().zip(corners.iter().cycle().skip(1));
        self.rings().any(|ring| ring.edges().any(|(a, b)| sides().any(|(c, d)| ring.meets(a, b, c, d))))
    }
}

impl Region for Polygon {
    fn cap_bound(&self) -> Cap {
        self.bound.clone()
    }

    fn contains_cell(&self, cell: &Cell) -> bool {
        let corners = cell.vertices();
        corners.iter().all(|corner| self.holds(corner)) && !self.crosses(&corners) && !self.has_vertex_in(cell)
    }

    fn intersects_cell(&self, cell: &Cell) -> bool {
        let corners = cell.vertices();
        corners.iter().any(|corner| self.holds(corner)) || self.has_vertex_in(cell) || self.crosses(&corners)
    }
}

impl Polygon {
    fn has_vertex_in(&self, cell: &Cell) -> bool {
        self.rings().flat_map(|ring| &ring.vertices).any(|vertex| cell.contains_point(vertex))
    }
}
