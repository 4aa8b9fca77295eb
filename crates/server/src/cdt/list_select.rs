//! How elements of lists are picked.

use std::cmp::Ordering;
use std::ops::Range;

use aerospike_wire::ResultCode;

use super::answer::{finish, is_range, return_type};
use super::call::{Args, Outcome};
use super::collection::List;
use super::heap;
use super::select::{
    Found, Pick, Places, Selection, Take, complement, count_argument, gaps, outside, place, ranks_of_values, relative,
    run, wanted,
};
use super::value::{Element, compare};

/// Runs a "by" operation on a list.
pub(crate) fn select(list: &List<'_>, pick: Pick, take: Take, args: &Args) -> Result<Outcome, ResultCode> {
    let code = args.required_integer(0);
    if pick == Pick::ValueList {
        // of what can be wrong, ranges are looked at first, then the values
        if is_range(code) {
            return Err(ResultCode::OP_NOT_APPLICABLE);
        }
        wanted(args)?;
    }
    let (kind, inverted) = return_type(code, pick, false)?;
    let selection = if list.is_ordered() {
        pick_ordered(list, pick, inverted, args)
    } else {
        pick_unordered(list, pick, inverted, args)
    }?;
    finish(list, &selection, kind, pick.is_single(), take)
}

fn pick_ordered(list: &List<'_>, pick: Pick, inverted: bool, args: &Args) -> Result<Selection, ResultCode> {
    let n = list.items.len();
    let number = args.integer(1).unwrap_or_default();
    let value = args.element(1);
    let found = match pick {
        Pick::Index | Pick::Rank => {
            let at = place(number, n).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
            at..at + 1
        }
        Pick::IndexRange | Pick::RankRange => run(number, count_argument(args, 2), n),
        Pick::Value => match list.equal_range(value) {
            equal if equal.is_empty() => 0..0,
            equal => equal.start..equal.start + 1,
        },
        Pick::AllByValue => list.equal_range(value),
        Pick::ValueInterval => {
            let start = list.below(value);
            match args.optional_element(2) {
                None => start..n,
                // an end that is a wildcard equals any start
                Some(end) if compare(value, end) != Ordering::Less => start..start,
                Some(end) => start..list.below(end).max(start),
            }
        }
        Pick::ValueRelRankRange => {
            let rank = args.integer(2).unwrap_or_default();
            relative(list.below(value), rank, count_argument(args, 3), n)
        }
        Pick::ValueList => return pick_ordered_list(list, inverted, args),
        _ => return Err(ResultCode::PARAMETER),
    };
    Ok(contiguous(found, n, inverted))
}

/// A run of an ordered list: index and rank are the same.
fn contiguous(found: Range<usize>, n: usize, inverted: bool) -> Selection {
    if found.is_empty() && !inverted {
        return Selection::nothing(Some(found.start as i64), Some(found.start as i64));
    }
    if found.is_empty() {
        return Selection::all(n);
    }
    let runs = if inverted { outside(&found, n) } else { vec![found.clone()] };
    let range = (!inverted).then_some(Found::Run(found));
    Selection {
        picked: runs.iter().cloned().flatten().collect(),
        indexes: Places::Runs(runs.clone()),
        ranks: Places::Runs(runs),
        index_range: range.clone(),
        rank_range: range,
        exists: None,
    }
}

fn pick_ordered_list(list: &List<'_>, inverted: bool, args: &Args) -> Result<Selection, ResultCode> {
    let wanted = wanted(args)?;
    if inverted && wanted.is_empty() {
        return Ok(Selection::all(list.items.len()));
    }
    let runs: Vec<_> = wanted.iter().map(|v| list.equal_range(v)).filter(|r| !r.is_empty()).collect();
    let mut selection = Selection {
        picked: runs.iter().cloned().flatten().collect(),
        indexes: Places::Runs(runs.clone()),
        ranks: Places::Runs(runs),
        index_range: None,
        rank_range: None,
        exists: None,
    };
    if inverted {
        selection.picked = complement(&selection.picked, list.items.len());
        selection.indexes = Places::Picked;
        selection.ranks = Places::Listed(selection.picked.clone());
    }
    Ok(selection)
}

fn pick_unordered(list: &List<'_>, pick: Pick, inverted: bool, args: &Args) -> Result<Selection, ResultCode> {
    let n = list.items.len();
    let number = args.integer(1).unwrap_or_default();
    let value = args.element(1);
    let count_below = |limit: Element<'_>| list.items.iter().filter(|e| compare(e, limit) == Ordering::Less).count();
    let matching =
        |test: &dyn Fn(Element<'_>) -> bool| -> Vec<usize> { (0..n).filter(|&i| test(list.items[i])).collect() };
    match pick {
        Pick::Index => {
            let at = place(number, n).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
            Ok(by_index(at..at + 1, n, false))
        }
        Pick::IndexRange => Ok(by_index(run(number, count_argument(args, 2), n), n, inverted)),
        Pick::Rank => {
            let at = place(number, n).ok_or(ResultCode::OP_NOT_APPLICABLE)?;
            Ok(by_rank(list, at..at + 1, false))
        }
        Pick::RankRange => Ok(by_rank(list, run(number, count_argument(args, 2), n), inverted)),
        Pick::ValueRelRankRange => {
            let rank = args.integer(2).unwrap_or_default();
            Ok(by_rank(list, relative(count_below(value), rank, count_argument(args, 3), n), inverted))
        }
        Pick::Value => {
            let mut found = matching(&|e| compare(e, value) == Ordering::Equal);
            found.truncate(1);
            let rank = count_below(value);
            Ok(by_value(found.clone(), rank..rank + found.len(), n, false))
        }
        Pick::AllByValue => {
            let found = matching(&|e| compare(e, value) == Ordering::Equal);
            let rank = count_below(value);
            Ok(by_value(found.clone(), rank..rank + found.len(), n, inverted))
        }
        Pick::ValueInterval => {
            let end = args.optional_element(2);
            let inside = |e: Element<'_>| {
                compare(e, value) != Ordering::Less && end.is_none_or(|end| compare(e, end) == Ordering::Less)
            };
            let found = matching(&inside);
            let rank = count_below(value);
            Ok(by_value(found.clone(), rank..rank + found.len(), n, inverted))
        }
        Pick::ValueList => pick_unordered_list(list, inverted, args),
        _ => Err(ResultCode::PARAMETER),
    }
}

fn by_index(found: Range<usize>, n: usize, inverted: bool) -> Selection {
    if found.is_empty() && !inverted {
        return Selection::nothing(Some(found.start as i64), Some(found.start as i64));
    }
    if found.is_empty() {
        return Selection::all(n);
    }
    let runs = if inverted { outside(&found, n) } else { vec![found.clone()] };
    let picked: Vec<usize> = runs.iter().cloned().flatten().collect();
    Selection {
        ranks: if picked.len() == n { Places::Runs(runs.clone()) } else { Places::Picked },
        picked,
        indexes: Places::Runs(runs),
        index_range: (!inverted).then_some(Found::Run(found)),
        rank_range: None,
        exists: None,
    }
}

/// Elements picked by value, in index order, whose ranks follow one another.
fn by_value(picked: Vec<usize>, ranks: Range<usize>, n: usize, inverted: bool) -> Selection {
    let nothing = picked.is_empty();
    Selection {
        picked: if inverted { complement(&picked, n) } else { picked },
        indexes: Places::Ascending,
        ranks: Places::Runs(if inverted { outside(&ranks, n) } else { vec![ranks.clone()] }),
        index_range: None,
        rank_range: (!inverted).then_some(Found::Run(ranks)),
        exists: inverted.then_some(nothing),
    }
}

/// A run of ranks.
fn by_rank(list: &List<'_>, ranks: Range<usize>, inverted: bool) -> Selection {
    let n = list.items.len();
    match (ranks.is_empty(), inverted) {
        (_, true) if ranks.len() == n => Selection::nothing(Some(0), Some(0)),
        (true, false) => Selection::nothing(Some(ranks.start as i64), Some(ranks.start as i64)),
        _ => {
            let picked = heap::pick(n, &ranks, &|a, b| compare(list.items[a], list.items[b]));
            by_value(picked, ranks, n, inverted)
        }
    }
}

fn pick_unordered_list(list: &List<'_>, inverted: bool, args: &Args) -> Result<Selection, ResultCode> {
    let n = list.items.len();
    let wanted = wanted(args)?;
    if wanted.is_empty() && inverted {
        return Ok(Selection::all(n));
    }
    let (order, ranks) = ranks_of_values(list, &wanted);
    let mut taken = vec![false; n];
    ranks.iter().for_each(|&rank| taken[order[rank]] = true);
    let picked: Vec<usize> = (0..n).filter(|&i| taken[i] != inverted).collect();
    Ok(Selection {
        picked,
        indexes: Places::Ascending,
        ranks: if inverted { Places::Runs(gaps(ranks, n)) } else { Places::Listed(ranks) },
        index_range: None,
        rank_range: None,
        exists: None,
    })
}
