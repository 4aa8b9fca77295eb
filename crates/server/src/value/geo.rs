//! GeoJSON values: which geometries a server takes, and the S2 cells it keeps beside the text.
//!
//! A stored value is one byte of flags, a count, the cells, and the text as it came. The cells a client sends are
//! ignored: the server works them out.

use s2::cap::Cap;
use s2::cellid::CellID;
use s2::latlng::LatLng;
use s2::point::Point;
use s2::region::{Region, RegionCoverer};
use s2::s1::{Angle, Rad};
use serde_json::Value as Json;

mod json;
mod polygon;
mod sign;

use polygon::Polygon;

/// Bytes of a value in front of its cells: flags and the count.
const HEADER: usize = 3;
/// Flag of a value that is a region and not a point.
const REGION: u8 = 1;
/// Metres of the earth's radius, as the real server's settings have it.
const EARTH_RADIUS: f64 = 6_371_000.0;
/// Most cells that cover a region. One that takes more, a third of the earth or so, is refused.
const MAX_CELLS: usize = 12;
/// How regions are covered, as the real server's settings have it.
const COVERER: RegionCoverer = RegionCoverer { min_level: 1, max_level: 30, level_mod: 1, max_cells: MAX_CELLS };

/// A geometry.
pub(crate) enum Geometry {
    /// A point.
    Point(Point),
    /// A circle on the sphere.
    Circle(Cap),
    /// Polygons with holes.
    Polygon(Polygon),
}

impl Geometry {
    /// Reads GeoJSON; `None` when it is none, or none the server takes.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(&json::prepare(text)?).ok()?;
        // a feature has one geometry, and that is no feature
        if json.get("type")? == "Feature" { Self::of(json.get("geometry")?) } else { Self::of(&json) }
    }

    fn of(json: &Json) -> Option<Self> {
        let coordinates = json.get("coordinates")?;
        match json.get("type")?.as_str()? {
            "Point" => point(coordinates).map(Self::Point),
            "AeroCircle" => circle(coordinates).map(Self::Circle),
            "Polygon" => Polygon::new(&[rings(coordinates)?]).map(Self::Polygon),
            "MultiPolygon" => {
                let polygons: Option<Vec<_>> = coordinates.as_array()?.iter().map(rings).collect();
                Polygon::new(&polygons?).map(Self::Polygon)
            }
            _ => None,
        }
    }

    /// The cells kept beside the text: a point's own, or those that cover a region.
    fn cells(&self) -> Vec<CellID> {
        match self {
            Self::Point(point) => vec![leaf(point)],
            Self::Circle(cap) if cap.is_empty() => Vec::new(),
            Self::Polygon(polygon) if polygon.is_empty() => Vec::new(),
            Self::Circle(cap) => cover(cap),
            Self::Polygon(polygon) => cover(polygon),
        }
    }
}

impl Geometry {
    /// The numbers of the cells kept beside the text.
    pub(crate) fn cell_numbers(&self) -> Vec<u64> {
        self.cells().iter().map(|cell| cell.0).collect()
    }

    /// The ranges of cells that hold all that could match: for a region the points in it, for a point the regions
    /// around it. They do not overlap. `None` for a region that takes too many cells.
    pub(crate) fn search_ranges(&self) -> Option<Vec<(u64, u64)>> {
        if let Self::Point(point) = self {
            let leaf = leaf(point);
            return Some((0..=leaf.level()).map(|level| leaf.parent(level).0).map(|cell| (cell, cell)).collect());
        }
        let cells = self.cells();
        let ranges = cells.iter().map(|cell| (cell.range_min().0, cell.range_max().0));
        (cells.len() <= MAX_CELLS).then(|| ranges.collect())
    }

    /// Whether a point lies in this region, or this point in the other region. Points are kept as the leaf cell they
    /// lie in, so it is that cell's centre that counts.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.holds(other) || other.holds(self)
    }

    fn holds(&self, point: &Self) -> bool {
        let Self::Point(point) = point else { return false };
        let point = Point::from(leaf(point));
        match self {
            Self::Point(_) => false,
            Self::Circle(cap) => cap.contains_point(&point),
            Self::Polygon(polygon) => polygon.contains_point(&point),
        }
    }
}

/// The leaf cell of a point. On the edge between two faces of the cube, as at longitudes of 45 and 135 degrees, the
/// server's S2 library takes the face of the later axis and this one that of the earlier. The point is moved off the
/// edge, by much less than a leaf cell.
fn leaf(point: &Point) -> CellID {
    const INWARDS: f64 = 1.0 - f64::EPSILON;
    let (mut place, abs) = (point.0, point.0.abs());
    if abs.x == abs.y.max(abs.z) {
        place.x *= INWARDS;
    }
    if abs.y == abs.z {
        place.y *= INWARDS;
    }
    CellID::from(Point(place))
}

fn cover<R: Region + 'static>(region: &R) -> Vec<CellID> {
    COVERER.covering(region).0
}

/// The cells of a stored value.
pub(crate) fn stored_cells(value: &[u8]) -> impl Iterator<Item = u64> {
    let size = text(value).map_or(HEADER, |text| value.len() - text.len());
    let (cells, _) = value.get(HEADER..size).unwrap_or_default().as_chunks::<8>();
    cells.iter().map(|cell| u64::from_be_bytes(*cell))
}

/// The text of a value, after its header and cells.
pub(crate) fn text(value: &[u8]) -> Option<&[u8]> {
    let [_, high, low, ..] = *value else { return None };
    value.get(HEADER + 8 * usize::from(u16::from_be_bytes([high, low]))..)
}

/// The stored form of a value as a client sent it.
pub(crate) fn normalise(value: &[u8]) -> Option<Vec<u8>> {
    let text = text(value)?;
    let geometry = Geometry::parse(text)?;
    let cells = geometry.cells();
    if cells.len() > MAX_CELLS {
        return None;
    }
    let flags = if matches!(geometry, Geometry::Point(_)) { 0 } else { REGION };
    let mut stored = Vec::with_capacity(HEADER + 8 * cells.len() + text.len());
    stored.push(flags);
    stored.extend_from_slice(&(cells.len() as u16).to_be_bytes());
    for cell in &cells {
        stored.extend_from_slice(&cell.0.to_be_bytes());
    }
    stored.extend_from_slice(text);
    Some(stored)
}

/// Longitude and latitude, in degrees; a place with an altitude is refused.
fn point(json: &Json) -> Option<Point> {
    let [longitude, latitude] = json.as_array()?.as_slice() else { return None };
    let place = LatLng::from_degrees(latitude.as_f64()?, longitude.as_f64()?);
    place.is_valid().then(|| Point::from(place))
}

/// A centre, and a radius in metres; nothing lies within a negative one.
fn circle(json: &Json) -> Option<Cap> {
    let [centre, radius] = json.as_array()?.as_slice() else { return None };
    let (centre, radius) = (point(centre)?, radius.as_f64()?);
    if radius < 0.0 {
        return Some(Cap::empty());
    }
    Some(Cap::from_center_angle(&centre, &Angle::from(Rad(radius / EARTH_RADIUS))))
}

/// The rings of a polygon: its outline, then its holes. A polygon without any holds nothing.
fn rings(json: &Json) -> Option<Vec<Vec<Point>>> {
    json.as_array()?.iter().map(ring).collect()
}

/// A ring: closed in the text, its end dropped here, of at least three points that do not follow themselves.
fn ring(json: &Json) -> Option<Vec<Point>> {
    let mut points: Vec<Point> = json.as_array()?.iter().map(point).collect::<Option<_>>()?;
    points.dedup();
    let is_closed = points.len() >= 4 && points.first() == points.last();
    points.pop();
    is_closed.then_some(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> Option<Vec<u8>> {
        normalise(&[&[0, 0, 0], text.as_bytes()].concat())
    }

    #[test]
    fn a_point_has_its_leaf_cell() {
        let text = r#"{"type":"Point","coordinates":[1,2]}"#;
        let value = stored(text).unwrap();
        assert_eq!(value[..11], [0, 0, 1, 0x10, 0x03, 0x6e, 0x17, 0xca, 0x9f, 0xb7, 0x09]);
        assert_eq!(&value[11..], text.as_bytes());
    }

    #[test]
    fn a_point_between_two_faces_has_the_cell_of_a_real_server() {
        let cell = |longitude: i32, latitude: i32| {
            let text = format!(r#"{{"type":"Point","coordinates":[{longitude},{latitude}]}}"#);
            stored_cells(&stored(&text).unwrap()).next().unwrap()
        };
        for (longitude, latitude, expected) in [
            (45, 19, 0x3e1d_5f58_a820_09e3),
            (-45, 19, 0x8b4d_4b4c_ad35_4cb3),
            (135, -20, 0x2b4b_54cc_ccb3_4d2d),
            (-135, 3, 0x82a0_82a9_fe01_d57d),
            (45, 0, 0x17ff_ffff_ffff_ffff), // rounded, not quite between them
        ] {
            assert_eq!(cell(longitude, latitude), expected, "[{longitude},{latitude}]");
        }
    }

    #[test]
    fn a_region_has_at_most_twelve_cells() {
        for text in [
            r#"{"type":"AeroCircle","coordinates":[[4,-2],100000]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,0],[0,10],[10,10],[10,0],[0,0]]]}"#,
            r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[0,1],[1,1],[0,0]]],[[[5,5],[6,5],[6,6],[5,5]]]]}"#,
        ] {
            let value = stored(text).unwrap();
            assert_eq!(value[0], 1, "{text}");
            assert!((1..=12).contains(&value[2]), "{text}");
        }
    }

    #[test]
    fn a_region_of_more_than_twelve_cells_is_refused() {
        // where a real server draws the line around this place is 6,945,127 m
        let circle = |radius: u32| format!(r#"{{"type":"AeroCircle","coordinates":[[1,50],{radius}]}}"#);
        for (radius, is_taken) in [(6_945_127, true), (6_945_128, false), (20_000_000, false)] {
            let text = circle(radius);
            assert_eq!(stored(&text).is_some(), is_taken, "{text}");
            assert_eq!(Geometry::parse(text.as_bytes()).unwrap().search_ranges().is_some(), is_taken, "{text}");
        }
    }

    #[test]
    fn a_region_of_nothing_is_taken_and_holds_nothing() {
        let point = Geometry::parse(br#"{"type":"Point","coordinates":[1,50]}"#).unwrap();
        for text in [
            r#"{"type":"AeroCircle","coordinates":[[1,50],-5]}"#,
            r#"{"type":"Polygon","coordinates":[]}"#,
            r#"{"type":"MultiPolygon","coordinates":[]}"#,
            r#"{"type":"MultiPolygon","coordinates":[[]]}"#,
        ] {
            assert!(stored(text).is_some(), "{text}");
            let region = Geometry::parse(text.as_bytes()).unwrap();
            assert_eq!(region.search_ranges(), Some(Vec::new()), "{text}");
            assert!(!region.matches(&point), "{text}");
        }
    }

    #[test]
    fn a_place_in_two_parts_of_a_region_is_in_it_and_one_in_a_hole_is_not() {
        let point = Geometry::parse(br#"{"type":"Point","coordinates":[7,7]}"#).unwrap();
        let holds = |coordinates: &str| {
            let text = format!(r#"{{"type":"MultiPolygon","coordinates":{coordinates}}}"#);
            Geometry::parse(text.as_bytes()).unwrap().matches(&point)
        };
        let (wide, narrow) = ("[[0,0],[10,0],[10,10],[0,10],[0,0]]", "[[5,5],[15,5],[15,15],[5,15],[5,5]]");
        assert!(holds(&format!("[[{wide}],[{narrow}]]")));
        assert!(!holds(&format!("[[{wide},{narrow}]]")));
        assert!(holds(&format!("[[{wide},{narrow}],[{narrow}]]")));
        let back = "[[0,0],[0,10],[10,10],[10,0],[0,0]]";
        assert!(!holds(&format!("[[{wide},{back}]]")), "one line twice holds nothing");
        assert!(holds(&format!("[[[[6,6],[8,6],[8,8],[6,8],[6,6]],{wide},{back}]]")), "and three lines what is in all");
    }

    #[test]
    fn a_polygon_around_the_whole_world_is_a_line_from_pole_to_pole() {
        let world = r#"{"type":"Polygon","coordinates":[[[-180,-90],[180,-90],[180,90],[-180,90],[-180,-90]]]}"#;
        let value = stored(world).unwrap();
        let cells: Vec<u64> = stored_cells(&value).collect();
        for face in [0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0xa4, 0xac_u64] {
            assert!(cells.contains(&(face << 56)), "{face:x}");
        }
    }

    #[test]
    fn other_geometries_are_refused() {
        for text in [
            "",
            "{",
            r#"{"type":"LineString","coordinates":[[0,0],[1,1]]}"#,
            r#"{"type":"Point","coordinates":[1]}"#,
            r#"{"type":"Point","coordinates":[1,91]}"#,
            r#"{"type":"Point","coordinates":[1,2,3]}"#,
            r#"{"type":"Feature","geometry":{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}}}"#,
            r#"{"type":"AeroCircle","coordinates":[[4,-2,1],10]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1,5],[0,1],[0,0]]]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0],[0,0]]]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,0],[0,10],[10,10],[10,0]]]}"#,
            r#"{"type":"Polygon","coordinates":[[]]}"#,
            r#"{"type":"Polygon","coordinates":[[[0,0],[0,0],[0,0],[0,0]]]}"#,
        ] {
            assert_eq!(stored(text), None, "{text}");
        }
        assert_eq!(normalise(&[0, 0]), None);
        assert_eq!(normalise(&[0, 0xff, 0xff, 1]), None);
    }
}
