//! Polygons on the sphere, as far as covering them with cells and asking for points in them needs.
//!
//! A polygon is a set of rings: a point is inside when it lies in an odd number of them, so outlines and holes need no
//! telling apart. Of several polygons it has to be inside one.

use s2::cap::Cap;
use s2::cell::Cell;
use s2::edge_crossings::{Crossing, crossing_sign, edge_or_vertex_crossing};
use s2::point::{Point, ordered_ccw, point_area};
use s2::region::Region;

/// A closed line that turns counter-clockwise around its inside.
#[derive(Debug, Clone)]
struct Ring {
    vertices: Vec<Point>,
    /// Whether the inside holds [`Point::origin`], from which every other point is told.
    holds_origin: bool,
}

impl Ring {
    /// Makes a ring around the smaller of the two areas its line divides the sphere into.
    fn new(mut vertices: Vec<Point>) -> Option<Self> {
        if signed_area(&vertices)? < 0.0 {
            vertices.reverse();
        }
        let mut ring = Self { vertices, holds_origin: false };
        // whether the second vertex is inside can be seen from the angle there, and that settles the origin
        let [before, at, after, ..] = ring.vertices.as_slice() else { return None };
        let at_is_inside = ordered_ccw(&at.ortho(), before, after, at);
        let at = *at;
        ring.holds_origin = at_is_inside != ring.contains(&at);
        Some(ring)
    }

    fn edges(&self) -> impl Iterator<Item = (&Point, &Point)> {
        self.vertices.iter().zip(self.vertices.iter().cycle().skip(1))
    }

    fn contains(&self, point: &Point) -> bool {
        let origin = Point::origin();
        let crossings = self.edges().filter(|(a, b)| edge_or_vertex_crossing(&origin, point, a, b)).count();
        self.holds_origin ^ (crossings % 2 == 1)
    }
}

/// The area inside a ring, negative when it turns clockwise.
fn signed_area(vertices: &[Point]) -> Option<f64> {
    let (first, rest) = vertices.split_first()?;
    let triangles = rest.iter().zip(rest.iter().skip(1));
    Some(
        triangles
            .map(|(b, c)| {
                let area = point_area(first, b, c);
                if first.0.dot(&b.0.cross(&c.0)) < 0.0 { -area } else { area }
            })
            .sum(),
    )
}

/// Polygons as their rings, and a circle around them.
#[derive(Debug, Clone)]
pub(crate) struct Polygon {
    parts: Vec<Vec<Ring>>,
    bound: Cap,
}

impl Polygon {
    /// Makes one region of the rings of several polygons.
    pub(crate) fn new(polygons: &[Vec<Vec<Point>>]) -> Option<Self> {
        let part = |rings: &Vec<Vec<Point>>| rings.iter().cloned().map(Ring::new).collect();
        let parts = polygons.iter().map(part).collect::<Option<Vec<Vec<Ring>>>>()?;
        let vertices = || parts.iter().flatten().flat_map(|ring| &ring.vertices);
        let sum = vertices().fold(Point::from_coords(0.0, 0.0, 0.0), |sum, v| Point(sum.0 + v.0));
        let Some(first) = vertices().next() else { return Some(Self { parts, bound: Cap::empty() }) };
        let centre = if sum.norm() > 0.0 { sum.normalize() } else { *first };
        let mut bound = Cap::from(&centre);
        for vertex in vertices() {
            bound = bound.clone() + vertex;
        }
        Some(Self { parts, bound })
    }

    fn rings(&self) -> impl Iterator<Item = &Ring> {
        self.parts.iter().flatten()
    }

    /// Whether it has no rings, and so holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.rings().next().is_none()
    }

    /// Whether a point is inside.
    pub(crate) fn contains_point(&self, point: &Point) -> bool {
        self.parts.iter().any(|rings| rings.iter().filter(|ring| ring.contains(point)).count() % 2 == 1)
    }

    /// Whether a line of the polygon crosses the border of a cell.
    fn crosses(&self, corners: &[Point; 4]) -> bool {
        let sides = || corners.iter().zip(corners.iter().cycle().skip(1));
        let mut edges = self.rings().flat_map(Ring::edges);
        edges.any(|(a, b)| sides().any(|(c, d)| crossing_sign(a, b, c, d) != Crossing::DoNotCross))
    }
}

impl Region for Polygon {
    fn cap_bound(&self) -> Cap {
        self.bound.clone()
    }

    fn contains_cell(&self, cell: &Cell) -> bool {
        let corners = cell.vertices();
        corners.iter().all(|corner| self.contains_point(corner)) && !self.crosses(&corners) && !self.has_vertex_in(cell)
    }

    fn intersects_cell(&self, cell: &Cell) -> bool {
        let corners = cell.vertices();
        corners.iter().any(|corner| self.contains_point(corner)) || self.has_vertex_in(cell) || self.crosses(&corners)
    }
}

impl Polygon {
    fn has_vertex_in(&self, cell: &Cell) -> bool {
        self.rings().flat_map(|ring| &ring.vertices).any(|vertex| cell.contains_point(vertex))
    }
}
