//! Bytes: `bytes`, counted from 1.
//!
//! A value has a size and, apart from it, a capacity: room that is there without being part of the value. Writing
//! makes room where there is none. Only what was written takes memory.

use std::sync::Arc;

use aerospike_wire::ParticleType;
use mlua::{AnyUserData, Lua};

use crate::limits::Watch;

/// A value of bytes.
#[derive(Debug)]
pub(crate) struct Bytes {
    /// What was written; past its end there are zeros.
    buffer: Vec<u8>,
    size: usize,
    capacity: usize,
    kind: ParticleType,
    watch: Option<Arc<Watch>>,
}

impl Bytes {
    pub(crate) fn new(capacity: usize, watch: Option<Arc<Watch>>) -> Self {
        Self { buffer: Vec::new(), size: 0, capacity, kind: ParticleType::BLOB, watch }
    }

    /// What it holds.
    pub(crate) fn content(&self) -> &[u8] {
        self.buffer.get(..self.size).unwrap_or(&self.buffer)
    }

    pub(crate) fn kind(&self) -> ParticleType {
        self.kind
    }

    pub(crate) fn set_kind(&mut self, kind: ParticleType) {
        self.kind = kind;
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn has_room(&self, size: usize) -> bool {
        size <= self.capacity
    }

    /// Bytes that were written, whether they are part of the value or not.
    pub(crate) fn written(&self, at: usize) -> &[u8] {
        self.buffer.get(at..).unwrap_or_default()
    }

    /// Writes bytes and makes room for them; `false` when there is no memory for that.
    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) -> bool {
        if !self.write_beside(at, bytes) {
            return false;
        }
        self.size = self.size.max(at + bytes.len());
        true
    }

    /// Writes bytes that do not count as part of the value until something after them does.
    pub(crate) fn write_beside(&mut self, at: usize, bytes: &[u8]) -> bool {
        let Some(end) = at.checked_add(bytes.len()) else { return false };
        if end > self.buffer.len() {
            let more = end - self.buffer.len();
            if self.watch.as_ref().is_some_and(|watch| !watch.hold(more)) {
                return false;
            }
            self.buffer.resize(end, 0);
        }
        self.capacity = self.capacity.max(end);
        match self.buffer.get_mut(at..end) {
            Some(place) => place.copy_from_slice(bytes),
            None => return false,
        }
        true
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.release(self.buffer.len());
        }
    }
}

/// Makes a value of bytes that came from outside.
pub(crate) fn create(lua: &Lua, kind: ParticleType, content: &[u8]) -> mlua::Result<AnyUserData> {
    let watch = lua.app_data_ref::<Arc<Watch>>().map(|watch| Arc::clone(&watch));
    let mut bytes = Bytes::new(0, watch);
    if !bytes.write(0, content) {
        return Err(mlua::Error::MemoryError("not enough memory".to_owned()));
    }
    bytes.kind = kind;
    lua.create_userdata(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_written_beside_the_value_show_when_it_grows_past_them() {
        let mut bytes = Bytes::new(0, None);
        assert!(bytes.write_beside(1, &[7]));
        assert_eq!(bytes.content(), []);
        assert!(bytes.write(3, &[9]));
        assert_eq!(bytes.content(), [0, 7, 0, 9]);
        assert!(bytes.has_room(4) && !bytes.has_room(5));
    }

    #[test]
    fn memory_is_given_back_with_the_value() {
        let watch = Arc::new(Watch::default());
        let mut bytes = Bytes::new(0, Some(Arc::clone(&watch)));
        assert!(bytes.write(crate::limits::MAX_MEMORY - 1, &[1]));
        assert!(!bytes.write(crate::limits::MAX_MEMORY, &[1]));
        drop(bytes);
        assert!(watch.hold(crate::limits::MAX_MEMORY));
    }
}
