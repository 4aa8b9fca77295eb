//! What is asked of literals before they are used.

use aerospike_wire::ParticleType;

use crate::cdt::value::{Head, head, take_head};

/// Whether lists and maps in an element are at most `depth` deep, the outermost included: what walks through values
/// later recurses.
pub(super) fn is_shallow(mut element: &[u8], depth: usize) -> bool {
    // elements still to come at each level
    let mut open: Vec<usize> = Vec::new();
    while let Some(head) = take_head(&mut element) {
        match head {
            Head::List(n) => open.push(n),
            Head::Map(n) => open.push(n.saturating_mul(2)),
            _ => {}
        }
        if open.len() > depth {
            return false;
        }
        let enters = matches!(head, Head::List(1..) | Head::Map(1..));
        if enters {
            continue;
        }
        if matches!(head, Head::List(_) | Head::Map(_)) {
            open.pop();
        }
        while let Some(left) = open.last_mut() {
            *left -= 1;
            if *left > 0 {
                break;
            }
            open.pop();
        }
    }
    true
}

/// The weight of a literal by its kind; `None` for what no literal may be: blobs of other types, untyped strings.
pub(super) fn weight(element: &[u8]) -> Option<usize> {
    const NIL: usize = 8;
    const NUMBER: usize = 16;
    const GEOMETRY: usize = 40;
    const BYTES: usize = 24;
    Some(match head(element)? {
        Head::Nil => NIL,
        Head::Integer(_) | Head::Unsigned(_) | Head::Float32(_) | Head::Float(_) => NUMBER,
        Head::String([kind, ..]) => match ParticleType(*kind) {
            ParticleType::GEOJSON => GEOMETRY,
            ParticleType::STRING | ParticleType::BLOB | ParticleType::HLL => BYTES,
            _ => return None,
        },
        Head::String([]) => return None,
        _ => BYTES,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_containers_inside_one_another() {
        for (bytes, depth) in [
            (&[0x05][..], 0),
            (&[0x90], 1),
            (&[0x92, 0x90, 0x90], 2),
            (&[0x92, 0x91, 0x01, 0x91, 0x91, 0x01], 3),
            (&[0x81, 0x01, 0x91, 0x80], 3),
        ] {
            assert!(is_shallow(bytes, depth), "{bytes:x?}");
            assert!(depth == 0 || !is_shallow(bytes, depth - 1), "{bytes:x?}");
        }
    }
}
