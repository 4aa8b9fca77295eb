//! The order in which the server picks a few elements by rank off an unsorted list.
//!
//! It builds a binary heap of the indexes and takes from it, the smallest first or the greatest first, whichever end
//! is nearer. Which of several equal elements comes first is an accident of that heap, but one that shows: in the
//! indexes it answers and in what is left after a removal. So this is the same heap.

use std::cmp::Ordering;
use std::ops::Range;

/// The indexes that hold the ranks `ranks` among `n` elements, in the order the server leaves them: highest rank first
/// when taken from the low end, lowest first when taken from the high end.
pub(crate) fn pick(n: usize, ranks: &Range<usize>, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let behind = n - ranks.end;
    let (first, skipped) =
        if ranks.start <= behind { (Ordering::Less, ranks.start) } else { (Ordering::Greater, behind) };
    let mut heap = Heap { slots: (0..n).collect(), filled: n, first, compare };
    (0..n / 2).rev().for_each(|at| heap.sink(at));
    let taken = skipped + ranks.len();
    (0..taken).for_each(|_| heap.take());
    heap.slots[n - taken..n - skipped].to_vec()
}

struct Heap<'a> {
    slots: Vec<usize>,
    filled: usize,
    first: Ordering,
    compare: &'a dyn Fn(usize, usize) -> Ordering,
}

impl Heap<'_> {
    /// Lets the element at a slot sink below every child that comes before it.
    fn sink(&mut self, mut at: usize) {
        loop {
            let mut best = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.filled && (self.compare)(self.slots[child], self.slots[best]) == self.first {
                    best = child;
                }
            }
            if best == at {
                return;
            }
            self.slots.swap(at, best);
            at = best;
        }
    }

    /// Moves the first element past those that are still in the heap.
    fn take(&mut self) {
        self.filled -= 1;
        self.slots.swap(0, self.filled);
        self.sink(0);
    }
}
