//! What the attempts of rows ran into, for the errors of those that had several. Rows that went together share what is kept,
//! and nothing is kept of rows that were answered at once.

use std::collections::HashMap;

use super::plan::RowId;
use crate::error::SubError;

/// An attempt of a row, and those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Try {
    /// Index into [`TryReport::tries`] of the attempt before, plus 1; 0 for none.
    pub before: u32,
    /// Index into [`TryReport::failures`].
    pub failure: u16,
}

/// The attempts of the rows of a reply that failed after several. Whether a write is in doubt by one of them depends on the row
/// as well: reads never are.
#[derive(Debug, Clone, Default)]
pub struct TryReport {
    /// Why attempts failed, each of many rows.
    pub failures: Vec<SubError>,
    /// The attempts.
    pub tries: Vec<Try>,
    /// Rows, and the index into `tries` of the last attempt of each.
    pub rows: Vec<(u32, u32)>,
}

/// The attempts of a batch's rows.
#[derive(Debug, Default)]
pub(super) struct Tries {
    failures: Vec<SubError>,
    tries: Vec<Try>,
    known: HashMap<Try, u32>,
    /// For each row its last attempt, plus 1; empty before any failed.
    last: Vec<u32>,
}

impl Tries {
    /// Keeps why an attempt of some rows failed; `None` when there are too many to keep.
    pub(super) fn note(&mut self, failure: SubError) -> Option<u16> {
        let at = u16::try_from(self.failures.len()).ok()?;
        self.failures.push(failure);
        Some(at)
    }

    /// An attempt of a row failed so; the first reason counts, of one that is given up and fails for good later.
    pub(super) fn add(&mut self, row: RowId, failure: u16, rows: usize) {
        if self.last.is_empty() {
            self.last = vec![0; rows];
        }
        let attempt = |failure: u16| self.failures.get(usize::from(failure)).map(|failure| failure.attempt);
        let Some(last) = self.last.get_mut(row as usize) else { return };
        let known = last.checked_sub(1).and_then(|at| self.tries.get(at as usize));
        if known.is_some_and(|known| attempt(known.failure) >= attempt(failure)) {
            return;
        }
        let new = Try { before: *last, failure };
        *last = *self.known.entry(new).or_insert_with(|| {
            self.tries.push(new);
            self.tries.len() as u32
        });
    }

    /// Whether an attempt of a row failed.
    pub(super) fn has(&self, row: RowId) -> bool {
        self.last.get(row as usize).is_some_and(|last| *last > 0)
    }

    /// What there is to tell of these rows; `None` when that is nothing.
    pub(super) fn report(&self, rows: impl Iterator<Item = RowId>) -> Option<Box<TryReport>> {
        if self.last.is_empty() {
            return None;
        }
        let last = |row: RowId| Some((row, self.last.get(row as usize)?.checked_sub(1)?));
        let rows: Vec<(u32, u32)> = rows.filter_map(last).collect();
        let (failures, tries) = (self.failures.clone(), self.tries.clone());
        (!rows.is_empty()).then(|| Box::new(TryReport { failures, tries, rows }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Code;

    fn failure(attempt: u32) -> SubError {
        let elapsed = Duration::from_millis(5);
        SubError { code: Code::TIMEOUT, detail: "".into(), node: None, attempt, in_doubt: false, elapsed }
    }

    #[test]
    fn rows_that_went_together_share_their_attempts() {
        let mut tries = Tries::default();
        assert!(tries.report(0..4).is_none());
        let (first, second) = (tries.note(failure(1)).unwrap(), tries.note(failure(2)).unwrap());
        (0..3).for_each(|row| tries.add(row, first, 4));
        (0..2).for_each(|row| tries.add(row, second, 4));
        tries.add(0, second, 4); // of the same attempt the first reason counts
        let report = tries.report(0..4).unwrap();
        assert_eq!(report.rows, [(0, 1), (1, 1), (2, 0)]);
        assert_eq!(report.tries, [Try { before: 0, failure: 0 }, Try { before: 1, failure: 1 }]);
        assert!(tries.has(2) && !tries.has(3));
    }
}
