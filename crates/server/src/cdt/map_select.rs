//! How pairs of maps are picked.

use std::cmp::Ordering;
use std::ops::Range;

use aerospike_wire::ResultCode;

use super::answer::{INVERTED, finish, is_known, return_type};
use super::call::{Args, Outcome};
use super::collection::{Collection, Map};
use super::normal::MAP_ORDER;
use super::select::{
    Found, Pick, Places, Selection, Take, complement, count_argument, gaps, last_occurrences, outside, place,
    ranks_of_values, relative, run, wanted,
};
use super::value::{Element, compare};

/// Runs a "by" operation on a map.
pub(crate) fn select(map: &Map<'_>, pick: Pick, take: Take, args: &Args) -> Result<Outcome, ResultCode> {
    let code = args.required_integer(0);
    if matches!(pick, Pick::KeyList | Pick::ValueList) && wanted(args)?.is_empty() && !is_known(code) {
        return Ok(Outcome::NOTHING); // where nothing is looked for, what it would be answered as is not looked at
    }
    let absent = pick == Pick::Key && map.flags & MAP_ORDER != 0 && map.find(args.element(1)).is_err();
    // a key that an ordered map does not have is reported before anybody looks at the inversion
    let (kind, inverted) = return_type(if absent { code & !INVERTED } else { code }, pick, true)?;
    let selection = pick_from(map, pick, inverted, args)?;
    finish(map, &selection, kind, pick.is_single(), take)
}

fn pick_from(map: &Map<'_>, pick: Pick, inverted: bool, args: &Args) -> Result<Selection, ResultCode> {
    let n = map.pairs.len();
    let number = args.integer(1).unwrap_or_default();
    let given = args.element(1);
    let count_below =
        |limit: Element<'_>| map.pairs.iter().filter(|(_, v)| compare(v, limit) == Ordering::Less).count();
    let matching =
        |test: &dyn Fn(Element<'_>) -> bool| -> Vec<usize> { (0..n).filter(|&i| test(map.pairs[i].1)).collect() };
    let equal = |v: Element<'_>| compare(v, given) == Ordering::Equal;
    Ok(match pick {
        Pick::Key => match map.find(given) {
            Ok(at) => by_index(map, at..at + 1, false),
            Err(_) => Selection::nothing(Some(-1), None),
        },
        Pick::Index => {
            let at = place(number, n).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
            by_index(map, at..at + 1, false)
        }
        Pick::Rank => {
            let at = place(number, n).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
            by_rank(map, at..at + 1, false)
        }
        Pick::Value => {
            let mut found = matching(&equal);
            found.truncate(1);
            by_value(found.clone(), ranks_from(count_below(given), &found), n, false)
        }
        Pick::AllByValue => {
            let found = matching(&equal);
            by_value(found.clone(), ranks_from(count_below(given), &found), n, inverted)
        }
        Pick::ValueInterval => {
            let end = args.optional_element(2);
            let found = matching(&|v| {
                compare(v, given) != Ordering::Less && end.is_none_or(|end| compare(v, end) == Ordering::Less)
            });
            by_value(found.clone(), ranks_from(count_below(given), &found), n, inverted)
        }
        Pick::IndexRange => by_index(map, run(number, count_argument(args, 2), n), inverted),
        Pick::KeyInterval => {
            let start = map.below(given);
            let end = args.optional_element(2).map_or(n, |end| map.below(end));
            by_key_interval(map, start..end, inverted)
        }
        Pick::KeyRelIndexRange => {
            let place = args.integer(2).unwrap_or_default();
            by_index(map, relative(map.below(given), place, count_argument(args, 3), n), inverted)
        }
        Pick::RankRange => by_rank(map, run(number, count_argument(args, 2), n), inverted),
        Pick::ValueRelRankRange => {
            let rank = args.integer(2).unwrap_or_default();
            by_rank(map, relative(count_below(given), rank, count_argument(args, 3), n), inverted)
        }
        Pick::KeyList => by_key_list(map, inverted, args)?,
        Pick::ValueList => by_value_list(map, inverted, args)?,
    })
}

/// What value pickings answer as the rank of nothing in an empty map.
const RANK_IN_EMPTY: i64 = -1;

fn ranks_from(below: usize, found: &[usize]) -> Range<usize> {
    below..below + found.len()
}

/// A run of keys. What an inversion leaves in one piece is a run again; what it leaves in two of an unordered map
/// does not exist to the server.
fn by_index(map: &Map<'_>, found: Range<usize>, inverted: bool) -> Selection {
    let n = map.pairs.len();
    let is_ordered = map.flags & MAP_ORDER != 0;
    if found.is_empty() && !inverted {
        return Selection::nothing(Some(found.start as i64), None);
    }
    if found.is_empty() {
        return Selection { index_range: Some(Found::Run(0..n)), ..Selection::all(n) };
    }
    let runs = if inverted { outside(&found, n) } else { vec![found.clone()] };
    let index_range = match runs.as_slice() {
        [] => Some(Found::Nothing(n as i64)),
        [one] => Some(Found::Run(one.clone())),
        _ => None,
    };
    let picked: Vec<usize> = runs.iter().cloned().flatten().collect();
    Selection {
        exists: (runs.len() > 1).then_some(is_ordered),
        ranks: if picked.len() == n && !inverted { Places::Runs(runs.clone()) } else { Places::Picked },
        picked,
        indexes: Places::Runs(runs),
        index_range,
        rank_range: None,
    }
}

/// Keys between two others. An unordered map, where the server has to look at every key, forgets that what it found is
/// a run: ranks are told one by one, and there is no index range for everything else.
fn by_key_interval(map: &Map<'_>, keys: Range<usize>, inverted: bool) -> Selection {
    let n = map.pairs.len();
    let turned = keys.start > keys.end;
    if map.flags & MAP_ORDER != 0 {
        let none = if inverted { 0..0 } else { keys.start..keys.start };
        return by_index(map, if turned { none } else { keys }, inverted);
    }
    let found = if turned { keys.start..keys.start } else { keys };
    let runs = if inverted { outside(&found, n) } else { vec![found.clone()] };
    Selection {
        picked: runs.iter().cloned().flatten().collect(),
        indexes: Places::Runs(runs),
        ranks: Places::Picked,
        index_range: (!inverted).then(|| Found::Run(found.clone())),
        rank_range: None,
        exists: inverted.then_some(found.is_empty()),
    }
}

/// Pairs picked by value, in index order, whose ranks follow one another.
fn by_value(picked: Vec<usize>, ranks: Range<usize>, n: usize, inverted: bool) -> Selection {
    if n == 0 {
        return Selection::nothing(None, Some(RANK_IN_EMPTY));
    }
    if picked.is_empty() {
        return match inverted {
            true => Selection { rank_range: Some(Found::Run(0..n)), ..Selection::all(n) },
            false => Selection::nothing(None, Some(ranks.start as i64)),
        };
    }
    Selection {
        picked: if inverted { complement(&picked, n) } else { picked },
        indexes: Places::Picked,
        ranks: Places::Runs(if inverted { outside(&ranks, n) } else { vec![ranks.clone()] }),
        index_range: None,
        rank_range: (!inverted).then_some(Found::Run(ranks)),
        exists: inverted.then_some(false),
    }
}

/// A run of ranks, in rank order. What an inversion leaves in one piece is a run of ranks again.
fn by_rank(map: &Map<'_>, ranks: Range<usize>, inverted: bool) -> Selection {
    let n = map.pairs.len();
    let order = map.by_rank();
    let ranks = match outside(&ranks, n).as_slice() {
        _ if inverted && ranks.is_empty() => 0..n,
        [one] if inverted => one.clone(),
        [] if inverted => n..n,
        [_, _] if inverted => {
            return by_value(order[ranks.clone()].to_vec(), ranks, n, true);
        }
        _ => ranks,
    };
    Selection {
        picked: order[ranks.clone()].to_vec(),
        indexes: Places::Picked,
        ranks: Places::Runs(vec![ranks.clone()]),
        index_range: None,
        rank_range: Some(if ranks.is_empty() { Found::Nothing(ranks.start as i64) } else { Found::Run(ranks) }),
        exists: None,
    }
}

/// Pairs come in key order and once; indexes in the order of the argument, and of an ordered map as often as asked for.
/// Everything else is told one by one of an ordered map, unless no key was asked for.
fn by_key_list(map: &Map<'_>, inverted: bool, args: &Args) -> Result<Selection, ResultCode> {
    let n = map.pairs.len();
    let wanted = wanted(args)?;
    let is_ordered = map.flags & MAP_ORDER != 0;
    let found: Vec<usize> = wanted.iter().filter_map(|key| map.find(key).ok()).collect();
    let mut picked = found.clone();
    picked.sort_unstable();
    picked.dedup();
    let indexes = match inverted {
        true if is_ordered && !wanted.is_empty() => Places::Picked,
        true => Places::Runs(gaps(picked.clone(), n)),
        false if is_ordered => Places::Listed(found),
        false => Places::Listed(last_occurrences(&found)),
    };
    Ok(Selection {
        picked: if inverted { complement(&picked, n) } else { picked },
        indexes,
        ranks: Places::Untold,
        index_range: None,
        rank_range: None,
        exists: None,
    })
}

fn by_value_list(map: &Map<'_>, inverted: bool, args: &Args) -> Result<Selection, ResultCode> {
    let n = map.pairs.len();
    let wanted = wanted(args)?;
    let (order, mut ranks) = ranks_of_values(map, &wanted);
    let mut taken = vec![false; n];
    ranks.iter().for_each(|&rank| taken[order[rank]] = true);
    if n == 1 && !ranks.is_empty() {
        ranks = vec![0; wanted.iter().filter(|v| compare(map.pairs[0].1, v) == Ordering::Equal).count()];
    }
    let indexes = match inverted {
        true if wanted.is_empty() => Places::Runs(outside(&(0..0), n)),
        false if n == 1 => Places::Listed(vec![0; ranks.len()]),
        _ => Places::Picked,
    };
    Ok(Selection {
        picked: (0..n).filter(|&i| taken[i] != inverted).collect(),
        indexes,
        ranks: if inverted { Places::Runs(gaps(ranks, n)) } else { Places::Listed(ranks) },
        index_range: None,
        rank_range: None,
        exists: None,
    })
}
