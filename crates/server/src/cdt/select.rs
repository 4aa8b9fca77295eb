//! Selecting elements by index, rank, key or value.
//!
//! The sixty "by" operations of lists and maps are thirteen ways of picking ([`Pick`]) times two things to do with
//! what was picked (get, remove) times the return types of 9.4. A picking gives a [`Selection`]; `answer` turns it
//! into a result.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use aerospike_wire::ResultCode;

use super::call::Args;
use super::collection::{Collection, List};
use super::value::{Element, compare};

/// How elements are picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    Key,
    Index,
    Value,
    Rank,
    KeyList,
    AllByValue,
    ValueList,
    KeyInterval,
    IndexRange,
    ValueInterval,
    RankRange,
    KeyRelIndexRange,
    ValueRelRankRange,
}

impl Pick {
    /// Whether at most one element is picked, and the result is a scalar.
    pub(crate) const fn is_single(self) -> bool {
        matches!(self, Self::Key | Self::Index | Self::Value | Self::Rank)
    }
}

/// What to do with what was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    Get,
    Remove,
}

/// How the indexes or the ranks of a selection are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Places {
    /// As runs; counted from the end, a run still ascends.
    Runs(Vec<Range<usize>>),
    /// One by one, in the order of the picked elements.
    Picked,
    /// One by one, ascending.
    Ascending,
    /// One by one, in an order of their own.
    Listed(Vec<usize>),
    /// The server does not tell.
    Untold,
}

/// What was picked, after inversion.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Indexes, in the order in which values are answered; an index may come twice.
    pub(crate) picked: Vec<usize>,
    pub(crate) indexes: Places,
    pub(crate) ranks: Places,
    /// What the range return types answer; `None` where they do not apply.
    pub(crate) index_range: Option<Found>,
    pub(crate) rank_range: Option<Found>,
    /// What EXISTS answers, where that is not whether anything was picked.
    pub(crate) exists: Option<bool>,
}

/// A run of indexes or ranks, or the place where nothing was found: that one is not counted from the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Run(Range<usize>),
    Nothing(i64),
}

/// The runs of `0..n` outside a run.
pub(crate) fn outside(run: &Range<usize>, n: usize) -> Vec<Range<usize>> {
    [0..run.start, run.end..n].into_iter().filter(|r| !r.is_empty()).collect()
}

/// The indexes below `n` that are not in `picked`, ascending.
pub(crate) fn complement(picked: &[usize], n: usize) -> Vec<usize> {
    let mut inside = vec![false; n];
    picked.iter().for_each(|&i| inside[i] = true);
    (0..n).filter(|&i| !inside[i]).collect()
}

/// The runs of `0..n` between ranks that were found.
pub(crate) fn gaps(mut found: Vec<usize>, n: usize) -> Vec<Range<usize>> {
    found.sort_unstable();
    let mut runs = Vec::new();
    let mut start = 0;
    for rank in found.into_iter().chain([n]) {
        if start < rank {
            runs.push(start..rank);
        }
        start = rank + 1;
    }
    runs
}

/// Without repetitions, of which the last stays.
pub(crate) fn last_occurrences(places: &[usize]) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<usize> = places.iter().rev().copied().filter(|place| seen.insert(*place)).collect();
    kept.reverse();
    kept
}

/// The index of every rank, and the ranks of wanted values in the order of the last mention of each value.
pub(crate) fn ranks_of_values(from: &dyn Collection, wanted: &[Element<'_>]) -> (Vec<usize>, Vec<usize>) {
    let order = from.by_rank();
    let mut taken = vec![false; order.len()];
    let mut runs = Vec::new();
    for value in wanted.iter().rev() {
        let start = order.partition_point(|&i| compare(from.value(i), value) == Ordering::Less);
        let end = order.partition_point(|&i| compare(from.value(i), value) != Ordering::Greater);
        runs.push((start..end).filter(|&rank| !std::mem::replace(&mut taken[rank], true)).collect::<Vec<_>>());
    }
    (order, runs.into_iter().rev().flatten().collect())
}

impl Selection {
    /// Nothing found, at a place that the range types answer.
    pub(crate) const fn nothing(index: Option<i64>, rank: Option<i64>) -> Self {
        const fn found(at: Option<i64>) -> Option<Found> {
            match at {
                Some(at) => Some(Found::Nothing(at)),
                None => None,
            }
        }
        Self {
            picked: Vec::new(),
            indexes: Places::Picked,
            ranks: Places::Picked,
            index_range: found(index),
            rank_range: found(rank),
            exists: None,
        }
    }

    /// Everything. The range types are for the caller to allow.
    pub(crate) fn all(n: usize) -> Self {
        let runs = || Places::Runs(outside(&(0..0), n));
        Self {
            picked: (0..n).collect(),
            indexes: runs(),
            ranks: runs(),
            index_range: None,
            rank_range: None,
            exists: None,
        }
    }
}

/// The run that an index (or rank) and a count mean among `n`: negative places count from the end, and what lies
/// before the start or past the end is cut off.
pub(crate) fn run(place: i64, count: u64, n: usize) -> Range<usize> {
    let size = n as i128;
    let start = if place < 0 { i128::from(place) + size } else { place.into() };
    let end = start.saturating_add(count.into());
    let clip = |at: i128| at.clamp(0, size) as usize;
    let start_at = clip(start);
    start_at..clip(end).max(start_at)
}

/// The place of a single element among `n`.
pub(crate) fn place(place: i64, n: usize) -> Option<usize> {
    let at = if place < 0 { place.checked_add(n as i64)? } else { place };
    usize::try_from(at).ok().filter(|&at| at < n)
}

/// The run that starts a number of places from another place: `base` is where the value or key is or would be.
pub(crate) fn relative(base: usize, offset: i64, count: u64, n: usize) -> Range<usize> {
    match offset.wrapping_add(base as i64) {
        start @ 0.. => run(start, count, n),
        before => run(0, count.saturating_sub(before.unsigned_abs()), n),
    }
}

/// A count argument. A negative one means "to the end", as the server reads counts unsigned.
pub(crate) fn count_argument(args: &Args, at: usize) -> u64 {
    const TO_THE_END: u64 = u32::MAX as u64;
    args.integer(at).map_or(TO_THE_END, |n| n as u64)
}

/// The elements of the list argument of by-list pickings.
pub(crate) fn wanted(args: &Args) -> Result<Vec<Element<'_>>, ResultCode> {
    List::parse(args.element(1)).map(|list| list.items).ok_or(ResultCode::PARAMETER)
}
