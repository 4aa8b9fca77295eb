//! Paths: selecting, and changing, any number of elements at any depth (protocol 9.7).
//!
//! A path is walked once. Filters, and the expression that computes a new value, belong to the expression evaluator;
//! this file only says which element they look at ([`PathExpressions`]).

use std::cmp::Ordering;
use std::collections::BTreeSet;

use aerospike_wire::ResultCode;
use bytes::{BufMut, BytesMut};

use super::call::Outcome;
use super::collection::{Collection, List, Map, Pair, pack_pairs};
use super::pack;
use super::select::place;
use super::value::{ByValue, Element, Head, as_integer, compare, head, take_element, take_head};

/// Levels of a path.
const MAX_STEPS: usize = 64;

/// An element of a path, as an expression sees it through its built-in variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathElement<'a> {
    /// The key, as MessagePack; elements of lists have none.
    pub key: Option<&'a [u8]>,
    /// The value, as MessagePack.
    pub value: &'a [u8],
    /// The index in its list; pairs of maps have none.
    pub index: Option<usize>,
}

/// What an expression made of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluated {
    /// A value, as MessagePack in stored form.
    Value(Vec<u8>),
    /// The element is to be removed.
    Remove,
    /// There is no telling: a variable is missing or of another type, or an operation failed.
    Unknown,
}

/// The expression evaluator, as far as paths need it. Expressions arrive as the MessagePack of the payload.
pub trait PathExpressions {
    /// Whether an expression is sound before it sees a value; `PARAMETER` if not.
    fn check(&mut self, expression: &[u8]) -> Result<(), ResultCode>;

    /// The expression's value for an element.
    fn evaluate(&mut self, expression: &[u8], element: &PathElement<'_>) -> Evaluated;
}

/// For places where no expression can be: refuses all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoExpressions;

impl PathExpressions for NoExpressions {
    fn check(&mut self, _: &[u8]) -> Result<(), ResultCode> {
        Err(ResultCode::PARAMETER)
    }

    fn evaluate(&mut self, _: &[u8], _: &PathElement<'_>) -> Evaluated {
        Evaluated::Unknown
    }
}

/// What a path operation answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The collections along the path, with nothing in them but what was selected.
    Tree,
    Values,
    Keys,
    KeysAndValues,
    Apply,
}

impl Mode {
    const fn wants_keys(self) -> bool {
        matches!(self, Self::Keys | Self::KeysAndValues)
    }

    const fn wants_values(self) -> bool {
        matches!(self, Self::Values | Self::KeysAndValues)
    }
}

/// Of the flags of a path, the answer; and the one by which what cannot be told counts as false.
const MODE: i64 = 0x0f;
const NO_FAIL: i64 = 0x10;
/// Of the type of a step, how it picks; and what a step into a list or a map may say of what it is into.
const BY: i64 = 0x0f;
const EXPRESSION: i64 = 0x04;
const INSIDE_LIST: (i64, i64) = (0x30, 0x10);
const INSIDE_MAP: (i64, i64) = (0xf0, 0x20);
/// A step that is no step: another condition for the one before.
const AND: i64 = 0x200;

/// How a step picks children.
enum Children {
    Every,
    /// Those an expression is true for.
    Filtered(BytesMut),
    Index(i64),
    Rank(i64),
    Key(BytesMut),
    Value(BytesMut),
    Keys(BytesMut),
}

struct Step {
    kind: i64,
    children: Children,
    /// Another condition. It may be `true`, which is nothing to evaluate.
    and: Option<Condition>,
}

enum Condition {
    True,
    Expression(BytesMut),
}

/// A decoded path operation.
pub(crate) struct Path {
    steps: Vec<Step>,
    mode: Mode,
    no_fail: bool,
    expression: BytesMut,
}

impl Path {
    /// Reads what follows the code of a path operation; `given` counts the arguments.
    pub(crate) fn parse(
        payload: &mut &[u8],
        given: usize,
        modifies: bool,
        expressions: &mut dyn PathExpressions,
    ) -> Result<Self, ResultCode> {
        let steps = parse_steps(payload, expressions)?;
        let flags = take_element(payload).and_then(as_integer).ok_or(ResultCode::PARAMETER)?;
        let mode = match flags & MODE {
            0 => Mode::Tree,
            1 => Mode::Values,
            2 => Mode::Keys,
            3 => Mode::KeysAndValues,
            4 => Mode::Apply,
            _ => return Err(ResultCode::PARAMETER),
        };
        let wanted = if mode == Mode::Apply { 3 } else { 2 };
        if given != wanted || mode == Mode::Apply && !modifies {
            return Err(ResultCode::PARAMETER);
        }
        let mut expression = BytesMut::new();
        if mode == Mode::Apply {
            let given = take_element(payload).ok_or(ResultCode::PARAMETER)?;
            expressions.check(given)?;
            expression = given.into();
        }
        Ok(Self { steps, mode, no_fail: flags & NO_FAIL != 0, expression })
    }

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

fn parse_steps(payload: &mut &[u8], expressions: &mut dyn PathExpressions) -> Result<Vec<Step>, ResultCode> {
    let Some(Head::List(n)) = take_head(payload) else { return Err(ResultCode::PARAMETER) };
    if n == 0 || n % 2 == 1 || n / 2 > MAX_STEPS {
        return Err(ResultCode::PARAMETER);
    }
    let mut steps: Vec<Step> = Vec::with_capacity(n / 2);
    for _ in 0..n / 2 {
        let kind = take_element(payload).and_then(as_integer).ok_or(ResultCode::PARAMETER)?;
        let value = take_element(payload).ok_or(ResultCode::PARAMETER)?;
        if kind & AND != 0 {
            let condition = condition(value, expressions)?;
            let before = steps.last_mut().filter(|step| step.and.is_none() && step.kind & BY != EXPRESSION);
            before.filter(|_| kind == AND | EXPRESSION).ok_or(ResultCode::PARAMETER)?.and = Some(condition);
            continue;
        }
        let number = || as_integer(value).ok_or(ResultCode::PARAMETER);
        let children = match kind & BY {
            0 => Children::Index(number()?),
            1 => Children::Rank(number()?),
            2 => Children::Key(value.into()),
            3 => Children::Value(value.into()),
            EXPRESSION => match condition(value, expressions)? {
                Condition::True => Children::Every,
                Condition::Expression(expression) => Children::Filtered(expression),
            },
            10 => Children::Keys(value.into()),
            _ => return Err(ResultCode::PARAMETER),
        };
        steps.push(Step { kind, children, and: None });
    }
    Ok(steps)
}

fn condition(value: Element<'_>, expressions: &mut dyn PathExpressions) -> Result<Condition, ResultCode> {
    match head(value) {
        Some(Head::Bool(true)) => Ok(Condition::True),
        Some(Head::List(_)) => {
            expressions.check(value)?;
            Ok(Condition::Expression(value.into()))
        }
        _ => Err(ResultCode::PARAMETER),
    }
}

/// A list or map on the path.
enum Node<'a> {
    List(List<'a>),
    Map(Map<'a>),
}

impl<'a> Node<'a> {
    fn parse(element: Element<'a>) -> Option<Self> {
        List::parse(element).map(Node::List).or_else(|| Map::parse(element).map(Node::Map))
    }

    fn as_collection(&self) -> &dyn Collection {
        match self {
            Self::List(list) => list,
            Self::Map(map) => map,
        }
    }

    const fn flags(&self) -> u8 {
        match self {
            Self::List(list) => list.flags,
            Self::Map(map) => map.flags,
        }
    }

    const fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }

    /// What is left of it when it is empty: its flags.
    fn emptied(&self) -> BytesMut {
        match self {
            Self::List(list) => List::empty(list.flags).pack(),
            Self::Map(map) => Map::empty(map.flags).pack(),
        }
    }

    fn element(&self, at: usize) -> PathElement<'_> {
        let all = self.as_collection();
        let key = all.key(at);
        PathElement { key, value: all.value(at), index: key.is_none().then_some(at) }
    }

    /// Another collection of the kind, without flags: the children with their keys.
    fn pruned(&self, children: &[(usize, BytesMut)]) -> BytesMut {
        match self {
            Self::List(_) => pack::list(children.iter().map(|(_, child)| &child[..]), 0),
            Self::Map(map) => {
                let pairs: Vec<Pair<'_>> = children.iter().map(|(at, child)| (map.pairs[*at].0, &child[..])).collect();
                pack_pairs(pairs.into_iter(), 0)
            }
        }
    }

    /// The collection with some children replaced, or removed where there is none.
    fn replaced(&self, changes: &[(usize, Option<BytesMut>)]) -> BytesMut {
        let mut changes = changes.iter().peekable();
        let mut next = |at: usize, old| match changes.next_if(|(changed, _)| *changed == at) {
            Some((_, new)) => new.as_deref(),
            None => Some(old),
        };
        match self {
            Self::List(list) => {
                let mut items: Vec<_> = list.items.iter().enumerate().filter_map(|(at, old)| next(at, *old)).collect();
                if list.is_ordered() {
                    items.sort_by(|a, b| compare(a, b));
                }
                List { flags: list.flags, items }.pack()
            }
            Self::Map(map) => {
                let pairs = map.pairs.iter().enumerate().filter_map(|(at, (key, old))| Some((*key, next(at, *old)?)));
                let pairs = pairs.collect();
                Map { flags: map.flags, pairs }.pack()
            }
        }
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
