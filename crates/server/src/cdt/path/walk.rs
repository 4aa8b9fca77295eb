//! The walk along a path, which collects or changes what its steps pick.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use aerospike_wire::ResultCode;
use bytes::{BufMut, BytesMut};

use super::super::call::Outcome;
use super::super::collection::{Collection, List};
use super::super::pack;
use super::super::select::place;
use super::super::value::{ByValue, Element, compare};
use super::expressions::{Evaluated, PathElement, PathExpressions};
use super::node::Node;
use super::steps::{Children, Condition, INSIDE_LIST, INSIDE_MAP, Mode, Path, Step};

impl Path {
    /// Runs on a list or map.
    pub(crate) fn run(&self, on: Element<'_>, expressions: &mut dyn PathExpressions) -> Result<Outcome, ResultCode> {
        let mut walk = Walk { path: self, expressions, leaves: BytesMut::new(), count: 0, depth: 0, at_end: false };
        if self.mode == Mode::Apply {
            return Ok(Outcome { stored: walk.apply(on, &self.steps)?, result: None });
        }
        let tree = walk.select(on, &self.steps)?;
        if self.mode == Mode::Tree {
            return Ok(Outcome { stored: None, result: Some(tree) });
        }
        let mut out = BytesMut::with_capacity(walk.leaves.len() + 5);
        pack::list_header(&mut out, walk.count, 0);
        out.put_slice(&walk.leaves);
        Ok(Outcome { stored: None, result: Some(out) })
    }
}

struct Walk<'p> {
    path: &'p Path,
    expressions: &'p mut dyn PathExpressions,
    leaves: BytesMut,
    count: usize,
    /// Collections around the one that is looked at.
    depth: usize,
    /// A real server reads a collection from its start to its end. Having looked something up by rank, or by an index
    /// of a map, it goes on at the end of all bytes, which for a collection inside others is too far: what would come
    /// then is not there.
    at_end: bool,
}

/// What is done with a child that a step picked.
type Include<'w, 'p> = dyn FnMut(&mut Walk<'p>, usize) -> Result<(), ResultCode> + 'w;

impl<'p> Walk<'p> {
    /// Collects the leaves below an element and returns the tree that leads to them. A scalar in the middle of the
    /// path stays in the tree, but is no leaf.
    fn select(&mut self, element: Element<'_>, steps: &[Step]) -> Result<BytesMut, ResultCode> {
        let (Some((step, deeper)), Some(node)) = (steps.split_first(), Node::parse(element)) else {
            return Ok(element.into());
        };
        if node.as_collection().len() == 0 && node.flags() == 0 {
            return Ok(node.emptied());
        }
        if node.is_list() && deeper.is_empty() && self.path.mode.wants_keys() {
            return if self.path.no_fail { Ok(BytesMut::new()) } else { Err(ResultCode::INCOMPATIBLE_TYPE) };
        }
        if node.as_collection().len() == 0 {
            return Ok(node.emptied());
        }
        let mut children = Vec::new();
        self.each(&node, step, &mut |walk, at| {
            let child = node.element(at);
            let tree = if deeper.is_empty() {
                walk.leaf(&child);
                child.value.into()
            } else {
                walk.below(|walk| walk.select(child.value, deeper))?
            };
            children.push((at, tree));
            Ok(())
        })?;
        children.sort_by_key(|(at, _)| *at);
        Ok(node.pruned(&children))
    }

    /// Goes on one level deeper.
    fn below<T>(&mut self, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.depth += 1;
        let result = walk(self);
        self.depth -= 1;
        result
    }

    fn leaf(&mut self, element: &PathElement<'_>) {
        let key = element.key.filter(|_| self.path.mode.wants_keys());
        let value = Some(element.value).filter(|_| self.path.mode.wants_values());
        for part in [key, value].into_iter().flatten() {
            self.leaves.put_slice(part);
            self.count += 1;
        }
    }

    fn apply(&mut self, element: Element<'_>, steps: &[Step]) -> Result<Option<BytesMut>, ResultCode> {
        let (Some((step, deeper)), Some(node)) = (steps.split_first(), Node::parse(element)) else { return Ok(None) };
        if node.as_collection().len() == 0 {
            return Ok(None);
        }
        let mut changes = Vec::new();
        self.each(&node, step, &mut |walk, at| {
            let child = node.element(at);
            if !deeper.is_empty() {
                let new = walk.below(|walk| walk.apply(child.value, deeper))?;
                changes.extend(new.map(|new| (at, Some(new))));
                return Ok(());
            }
            match walk.expressions.evaluate(&walk.path.expression, &child) {
                Evaluated::Value(new) => changes.push((at, Some(BytesMut::from(&new[..])))),
                Evaluated::Remove => changes.push((at, None)),
                Evaluated::Unknown if walk.path.no_fail => {}
                Evaluated::Unknown => return Err(ResultCode::SERVER_ERROR),
            }
            Ok(())
        })?;
        Ok((!changes.is_empty()).then(|| node.replaced(&changes)))
    }

    /// Gives `include` the children that a step picks, one after another.
    fn each(&mut self, node: &Node<'_>, step: &Step, include: &mut Include<'_, 'p>) -> Result<(), ResultCode> {
        let (mask, inside) = if node.is_list() { INSIDE_LIST } else { INSIDE_MAP };
        if ![0, inside].contains(&(step.kind & mask)) {
            return Err(ResultCode::PARAMETER);
        }
        let all = node.as_collection();
        let one = match &step.children {
            Children::Index(index) => place(*index, all.len()),
            Children::Rank(rank) => place(*rank, all.len()).map(|rank| at_rank(all, rank)),
            _ => return self.each_of_all(node, step, include),
        };
        let Some(at) = one else { return Ok(()) };
        if step.and.is_none() || self.holds(step.and.as_ref(), &node.element(at)) == Some(true) {
            include(self, at)?;
        }
        if !(node.is_list() && matches!(step.children, Children::Index(_))) {
            self.at_end = self.depth > 0;
        } else if self.at_end && at + 1 < all.len() {
            return Err(ResultCode::SERVER_ERROR);
        }
        Ok(())
    }

    fn each_of_all(&mut self, node: &Node<'_>, step: &Step, include: &mut Include<'_, 'p>) -> Result<(), ResultCode> {
        let keys = match (&step.children, node) {
            (Children::Keys(keys), Node::Map(_)) => {
                let keys = List::parse(keys).filter(is_sorted_if_it_says_so).ok_or(ResultCode::PARAMETER)?;
                keys.items.into_iter().map(ByValue).collect()
            }
            _ => BTreeSet::new(),
        };
        let mut found_key = false;
        for at in 0..node.as_collection().len() {
            let mut element = node.element(at);
            if self.at_end {
                if !node.is_list() {
                    return Err(ResultCode::SERVER_ERROR);
                }
                element.value = &[];
            }
            let picked = match (&step.children, element.key) {
                _ if found_key => Some(false),
                (Children::Every, _) => Some(true),
                (Children::Filtered(expression), _) => self.is_true(expression, &element),
                (Children::Value(_), _) if self.at_end => return Err(ResultCode::SERVER_ERROR),
                (Children::Value(value), _) => Some(compare(element.value, value) == Ordering::Equal),
                (Children::Key(key), Some(of)) => {
                    found_key = compare(of, key) == Ordering::Equal;
                    Some(found_key)
                }
                (Children::Keys(_), Some(of)) => Some(keys.contains(&ByValue(of))),
                _ => None,
            };
            let picked = match picked {
                Some(true) if step.and.is_some() => self.holds(step.and.as_ref(), &element),
                picked => picked,
            };
            match picked {
                None if !self.path.no_fail => return Err(ResultCode::PARAMETER),
                _ if self.at_end => return Err(ResultCode::SERVER_ERROR),
                Some(true) => include(self, at)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn holds(&mut self, condition: Option<&Condition>, element: &PathElement<'_>) -> Option<bool> {
        match condition {
            Some(Condition::Expression(expression)) => self.is_true(expression, element),
            _ => Some(true),
        }
    }

    /// `None` where there is no telling.
    fn is_true(&mut self, expression: &[u8], element: &PathElement<'_>) -> Option<bool> {
        match self.expressions.evaluate(expression, element) {
            Evaluated::Value(verdict) if verdict == pack::bool(true) => Some(true),
            Evaluated::Value(verdict) if verdict == pack::bool(false) => Some(false),
            _ => None,
        }
    }
}

/// The index of a rank. Which of equal elements that is depends on how the server looks for it: it narrows down the
/// part that the rank is in, around the element in the middle.
fn at_rank(all: &dyn Collection, rank: usize) -> usize {
    if all.is_sorted_by_value() {
        return rank;
    }
    let mut order: Vec<usize> = (0..all.len()).collect();
    let compare_at = |a: usize, b: usize| compare(all.value(a), all.value(b));
    let (mut first, mut last) = (0, order.len() - 1);
    while first < last {
        order.swap(first, first + (last - first) / 2);
        let pivot = order[first];
        let (mut low, mut high) = (first + 1, last);
        loop {
            while low < high && compare_at(order[low], pivot) == Ordering::Less {
                low += 1;
            }
            while low <= high && high != first && compare_at(pivot, order[high]) == Ordering::Less {
                high -= 1;
            }
            if low >= high {
                break;
            }
            order.swap(low, high);
            low += 1;
            high -= 1;
        }
        order.swap(first, high);
        match high.cmp(&rank) {
            Ordering::Equal => return pivot,
            Ordering::Less => first = high + 1,
            Ordering::Greater => last = high - 1,
        }
    }
    order[first]
}

fn is_sorted_if_it_says_so(list: &List<'_>) -> bool {
    !list.is_ordered() || list.items.is_sorted_by(|a, b| compare(a, b) != Ordering::Greater)
}
