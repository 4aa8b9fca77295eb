//! What is answered of a selection: the return types of 9.4. Where the server's order of results looks arbitrary, it is
//! what a recorded or live server answers.

use std::cmp::Ordering;

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::call::Outcome;
use super::collection::{Collection, pack_pairs};
use super::normal::ORDERED;
use super::pack::{self, PRESERVE_ORDER};
use super::select::{Found, Pick, Places, Selection, Take};
use super::value::{Element, NIL, compare};

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
