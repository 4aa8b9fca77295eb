//! Selecting elements by index, rank, key or value, and telling what was selected.
//!
//! The sixty "by" operations of lists and maps are thirteen ways of picking ([`Pick`]) times two things to do with
//! what was picked (get, remove) times the return types of 9.4. A picking gives a [`Selection`]; `answer` turns it
//! into a result. Where the server's order of results looks arbitrary, it is what a recorded or live server answers.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::call::{Args, Outcome};
use super::collection::{Collection, List, pack_pairs};
use super::normal::ORDERED;
use super::pack::{self, PRESERVE_ORDER};
use super::value::{Element, NIL, compare};

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

/// The first argument of a "by" operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReturnType {
    None,
    Index,
    ReverseIndex,
    Rank,
    ReverseRank,
    Count,
    Key,
    Value,
    KeyValue,
    IndexRange,
    ReverseIndexRange,
    RankRange,
    ReverseRankRange,
    Exists,
    UnorderedMap,
    OrderedMap,
}

/// The bit of a return type that asks for everything else.
pub(crate) const INVERTED: i64 = 0x10000;
const RETURN_TYPE_BITS: i64 = 0xffff;

impl ReturnType {
    fn from_code(code: i64) -> Option<Self> {
        use ReturnType as T;
        const LOW: [ReturnType; 14] = [
            T::None,
            T::Index,
            T::ReverseIndex,
            T::Rank,
            T::ReverseRank,
            T::Count,
            T::Key,
            T::Value,
            T::KeyValue,
            T::IndexRange,
            T::ReverseIndexRange,
            T::RankRange,
            T::ReverseRankRange,
            T::Exists,
        ];
        match code {
            16 => Some(Self::UnorderedMap),
            17 => Some(Self::OrderedMap),
            _ => LOW.get(usize::try_from(code).ok()?).copied(),
        }
    }

    const fn is_keyed(self) -> bool {
        matches!(self, Self::Key | Self::KeyValue | Self::UnorderedMap | Self::OrderedMap)
    }
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

/// The return type argument, and whether it asks for everything else. Only pickings of several elements invert.
pub(crate) fn return_type(code: i64, pick: Pick, is_map: bool) -> Result<(ReturnType, bool), ResultCode> {
    let kind = ReturnType::from_code(code & RETURN_TYPE_BITS).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
    let inverted = code & INVERTED != 0;
    if (kind.is_keyed() && !is_map) || (inverted && pick.is_single()) {
        return Err(ResultCode::OP_NOT_APPLICABLE);
    }
    Ok((kind, inverted))
}

/// Whether a return type argument means anything, or asks for an inversion.
pub(crate) fn is_known(code: i64) -> bool {
    code & INVERTED != 0 || ReturnType::from_code(code & RETURN_TYPE_BITS).is_some()
}

/// Whether a return type argument asks for a range of indexes or ranks.
pub(crate) const fn is_range(code: i64) -> bool {
    matches!(code & RETURN_TYPE_BITS, 9..=12)
}

/// Gets or removes what was selected.
pub(crate) fn finish(
    from: &dyn Collection,
    selection: &Selection,
    kind: ReturnType,
    single: bool,
    take: Take,
) -> Result<Outcome, ResultCode> {
    let result = answer(from, selection, kind, single)?;
    if take == Take::Get || selection.picked.is_empty() {
        return Ok(Outcome { stored: None, result });
    }
    let mut gone = selection.picked.clone();
    gone.sort_unstable();
    gone.dedup();
    Ok(Outcome { stored: Some(from.without(&gone)), result })
}

/// The result of a selection.
fn answer(
    from: &dyn Collection,
    selection: &Selection,
    kind: ReturnType,
    single: bool,
) -> Result<Option<BytesMut>, ResultCode> {
    use ReturnType as T;
    let n = from.len();
    let picked = &selection.picked;
    let scalar_or_list = |mut found: Vec<Element<'_>>| match (single, found.pop()) {
        (true, last) => last.unwrap_or(NIL).into(),
        (false, None) => pack::list([].into_iter(), 0),
        (false, Some(last)) => {
            found.push(last);
            pack::list(found.into_iter(), 0)
        }
    };
    Ok(Some(match kind {
        T::None => return Ok(None),
        T::Index => places(from, selection, &selection.indexes, false, single, false)?,
        T::ReverseIndex => places(from, selection, &selection.indexes, false, single, true)?,
        T::Rank => places(from, selection, &selection.ranks, true, single, false)?,
        T::ReverseRank => places(from, selection, &selection.ranks, true, single, true)?,
        T::Count => {
            let mut distinct = picked.clone();
            distinct.sort_unstable();
            distinct.dedup();
            pack::integer_element(distinct.len() as i64)
        }
        T::Key => scalar_or_list(picked.iter().filter_map(|&i| from.key(i)).collect()),
        T::Value => scalar_or_list(picked.iter().map(|&i| from.value(i)).collect()),
        T::KeyValue => pairs(from, picked, PRESERVE_ORDER),
        T::UnorderedMap => pairs(from, picked, 0),
        T::OrderedMap => {
            let mut sorted = picked.clone();
            sorted.sort_unstable();
            pairs(from, &sorted, ORDERED)
        }
        T::IndexRange => range(&selection.index_range, n, false)?,
        T::ReverseIndexRange => range(&selection.index_range, n, true)?,
        T::RankRange => range(&selection.rank_range, n, false)?,
        T::ReverseRankRange => range(&selection.rank_range, n, true)?,
        T::Exists => pack::bool(selection.exists.unwrap_or(!picked.is_empty())).into(),
    }))
}

fn pairs(from: &dyn Collection, picked: &[usize], flags: u8) -> BytesMut {
    pack_pairs(
        picked.iter().map(|&i| (from.key(i).unwrap_or(NIL), from.value(i))).collect::<Vec<_>>().into_iter(),
        flags,
    )
}

fn range(found: &Option<Found>, n: usize, reverse: bool) -> Result<BytesMut, ResultCode> {
    let (start, count) = match found {
        Some(Found::Run(run)) if reverse => ((n - run.end) as i64, run.len()),
        Some(Found::Run(run)) => (run.start as i64, run.len()),
        Some(Found::Nothing(at)) => (*at, 0),
        None => return Err(ResultCode::OP_NOT_APPLICABLE),
    };
    Ok(pack::integer_list([start, count as i64].into_iter()))
}

/// Indexes or ranks, counted from the start or from the end.
fn places(
    from: &dyn Collection,
    selection: &Selection,
    places: &Places,
    ranks: bool,
    single: bool,
    reverse: bool,
) -> Result<BytesMut, ResultCode> {
    let n = from.len();
    let each = || if ranks { ranks_of(from, &selection.picked) } else { selection.picked.clone() };
    let mut listed = match places {
        Places::Runs(runs) if reverse => runs.iter().flat_map(|run| n - run.end..n - run.start).collect(),
        Places::Runs(runs) => runs.iter().cloned().flatten().collect(),
        Places::Listed(listed) => listed.clone(),
        Places::Picked | Places::Ascending => each(),
        Places::Untold => return Err(ResultCode::OP_NOT_APPLICABLE),
    };
    if *places == Places::Ascending {
        listed.sort_unstable();
    }
    if reverse && !matches!(places, Places::Runs(_)) {
        listed.iter_mut().for_each(|place| *place = n - 1 - *place);
    }
    Ok(if single {
        pack::integer_element(listed.first().map_or(-1, |&place| place as i64))
    } else {
        pack::integer_list(listed.into_iter().map(|place| place as i64))
    })
}

/// The rank of each picked element. One is counted; for more the whole collection is sorted once.
fn ranks_of(from: &dyn Collection, picked: &[usize]) -> Vec<usize> {
    let ties = from.ties_rank_by_index();
    if let &[only] = picked {
        let value = from.value(only);
        let lower = |i: &usize| match compare(from.value(*i), value) {
            Ordering::Less => true,
            Ordering::Equal => ties && *i < only,
            Ordering::Greater => false,
        };
        return vec![(0..from.len()).filter(lower).count()];
    }
    let order = from.by_rank();
    let mut ranks = vec![0; from.len()];
    for (at, &index) in order.iter().enumerate() {
        let tied = !ties && at > 0 && compare(from.value(order[at - 1]), from.value(index)) == Ordering::Equal;
        ranks[index] = if tied { ranks[order[at - 1]] } else { at };
    }
    picked.iter().map(|&i| ranks[i]).collect()
}

/// The run that an index (or rank) and a count mean among `n`: negative places count from the end, and what lies
/// before the start or behind the end is cut off.
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
