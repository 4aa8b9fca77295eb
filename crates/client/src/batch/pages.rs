//! Where the bytes of a batch's answers end up: large frames, and a lone one, as they are, small ones merged, so that a
//! page is worth its index and a record that someone keeps pins no more than a page.

use bytes::{Bytes, BytesMut};

/// Frames from this size on become pages without copying.
const KEEP_FRAME: usize = 32 * 1024;
/// Small frames are merged up to this size.
const PAGE_SIZE: usize = 256 * 1024;
/// From this many pages on everything is merged: rows name their page in 16 bits, and 0xffff means none.
const MERGE_ALL_FROM: usize = 60_000;

/// The pages of a reply while they are filled.
#[derive(Debug, Default)]
pub(super) struct Pages {
    done: Vec<Bytes>,
    /// The page that small frames go to; its place in `done` is held by an empty page.
    open: Option<(u16, Open)>,
}

/// A page that takes more frames.
#[derive(Debug)]
enum Open {
    /// As long as it is one frame, that is not copied.
    Frame(Bytes),
    Merged(BytesMut),
}

impl Open {
    fn len(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.len(),
            Self::Merged(page) => page.len(),
        }
    }

    fn add(&mut self, frame: &Bytes) {
        if let Self::Frame(first) = self {
            let mut page = BytesMut::with_capacity(first.len() + frame.len());
            page.extend_from_slice(first);
            *self = Self::Merged(page);
        }
        if let Self::Merged(page) = self {
            page.extend_from_slice(frame);
        }
    }

    fn close(self) -> Bytes {
        match self {
            Self::Frame(frame) => frame,
            Self::Merged(page) => page.freeze(),
        }
    }
}

impl Pages {
    /// Adds a frame. Returns its page, and where in the page it starts.
    pub(super) fn add(&mut self, frame: &Bytes) -> (u16, u32) {
        let merge_all = self.done.len() >= MERGE_ALL_FROM;
        if frame.len() >= KEEP_FRAME && !merge_all {
            let page = self.done.len() as u16;
            self.done.push(frame.clone());
            return (page, 0);
        }
        if self.open.as_ref().is_some_and(|(_, page)| !merge_all && page.len() + frame.len() > PAGE_SIZE) {
            self.close();
        }
        if let Some((index, page)) = &mut self.open {
            let offset = page.len() as u32;
            page.add(frame);
            return (*index, offset);
        }
        let index = self.done.len() as u16;
        self.done.push(Bytes::new());
        self.open = Some((index, Open::Frame(frame.clone())));
        (index, 0)
    }

    /// All pages, in order.
    pub(super) fn finish(mut self) -> Vec<Bytes> {
        self.close();
        self.done
    }

    fn close(&mut self) {
        if let Some((index, page)) = self.open.take()
            && let Some(place) = self.done.get_mut(usize::from(index))
        {
            *place = page.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_share_a_page_and_large_or_lone_ones_are_not_copied() {
        let (small, large) = (Bytes::from(vec![1; 1000]), Bytes::from(vec![2; KEEP_FRAME]));
        let mut lone = Pages::default();
        assert_eq!(lone.add(&small), (0, 0));
        assert_eq!(lone.finish()[0].as_ptr(), small.as_ptr());
        let mut pages = Pages::default();
        assert_eq!(pages.add(&small), (0, 0));
        assert_eq!(pages.add(&large), (1, 0));
        assert_eq!(pages.add(&small), (0, 1000));
        let pages = pages.finish();
        assert_eq!(pages.iter().map(Bytes::len).collect::<Vec<_>>(), [2000, KEEP_FRAME]);
        assert_eq!(pages[1].as_ptr(), large.as_ptr());
    }

    #[test]
    fn a_full_page_is_followed_by_another() {
        let frame = Bytes::from(vec![0; 30_000]);
        let mut pages = Pages::default();
        let places: Vec<_> = (0..17).map(|_| pages.add(&frame)).collect();
        assert_eq!(places[7], (0, 210_000));
        assert_eq!(places[8], (1, 0));
        assert_eq!(pages.finish().len(), 3);
    }
}
