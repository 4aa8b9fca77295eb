//! Names, and lists, whose length is a byte.

use bytes::{BufMut, BytesMut};

/// What a single byte can count, of roles and of the bytes of a name.
const MAX_BYTE: usize = u8::MAX as usize;

/// A count in a byte, then what was counted.
pub(super) fn counted<T>(
    out: &mut BytesMut,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut BytesMut, T),
) {
    let at = out.len();
    out.put_u8(0);
    for item in items.into_iter().take(MAX_BYTE) {
        write(out, item);
        out[at] += 1;
    }
}

/// A length in a byte, then a name.
pub(super) fn put_name(out: &mut BytesMut, name: &[u8]) {
    let name = name.get(..MAX_BYTE).unwrap_or(name);
    out.put_u8(name.len() as u8);
    out.put_slice(name);
}
