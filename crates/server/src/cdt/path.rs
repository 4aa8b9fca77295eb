//! Paths: selecting, and changing, any number of elements at any depth (protocol 9.7).
//!
//! A path is walked once. Filters, and the expression that computes a new value, belong to the expression evaluator;
//! this file only says which element they look at ([`PathExpressions`]).

use std::cmp::Ordering;

use aerospike_wire::ResultCode;
use bytes::{BufMut, BytesMut};

use super::collection::{Collection, List, Map, Pair, pack_pairs};
use super::context::{By, MAX_STEPS};
use super::normal::take_match;
use super::pack;
use super::select::place;
use super::value::{Element, Head, as_integer, compare, head, take_element, take_head};

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

const MODE_BITS: i64 = 0x0f;
const NO_FAIL: i64 = 0x10;
const EVERY_CHILD: i64 = 0x04;
const KEY_LIST: i64 = 0x2a;
const AND: i64 = 0x204;

/// How a step picks children.
enum Children {
    Every,
    /// Those an expression is true for.
    Filtered(BytesMut),
    Keys(Vec<BytesMut>),
    By(By, BytesMut),
}

struct Step {
    children: Children,
    /// An expression that must be true as well.
    and: Option<BytesMut>,
}

/// A decoded path operation.
pub(crate) struct Path {
    steps: Vec<Step>,
    mode: Mode,
    no_fail: bool,
    expression: Option<BytesMut>,
}

impl Path {
    /// Reads what follows the code of a path operation; `given` counts the arguments.
    pub(crate) fn parse(
        payload: &mut &[u8],
        given: usize,
        expressions: &mut dyn PathExpressions,
    ) -> Result<Self, ResultCode> {
        let steps = parse_steps(payload, expressions)?;
        let flags = take_element(payload).and_then(as_integer).ok_or(ResultCode::PARAMETER)?;
        let mode = match flags & MODE_BITS {
            0 => Mode::Tree,
            1 => Mode::Values,
            2 => Mode::Keys,
            3 => Mode::KeysAndValues,
            4 => Mode::Apply,
            _ => return Err(ResultCode::PARAMETER),
        };
        let expression = match (mode, given) {
            (Mode::Apply, 3) => {
                let expression = take_match(payload).map_err(|_| ResultCode::PARAMETER)?;
                expressions.check(expression)?;
                Some(expression.into())
            }
            (Mode::Apply, _) => return Err(ResultCode::PARAMETER),
            (_, 2) => None,
            _ => return Err(ResultCode::PARAMETER),
        };
        Ok(Self { steps, mode, no_fail: flags & NO_FAIL != 0, expression })
    }

    /// Whether the path changes what it selects.
    pub(crate) fn modifies(&self) -> bool {
        self.mode == Mode::Apply
    }

    /// The selected elements, in the form that was asked for.
    pub(crate) fn select(
        &self,
        on: Element<'_>,
        expressions: &mut dyn PathExpressions,
    ) -> Result<BytesMut, ResultCode> {
        let mut walk = Walk { path: self, expressions, leaves: BytesMut::new(), count: 0, depth: 0 };
        let tree = walk.select(on, &self.steps)?;
        if self.mode == Mode::Tree {
            return Ok(tree);
        }
        let mut out = BytesMut::with_capacity(walk.leaves.len() + 5);
        pack::list_header(&mut out, walk.count, 0);
        out.put_slice(&walk.leaves);
        Ok(out)
    }

    /// The collection with every selected element replaced; `None` when nothing was selected.
    pub(crate) fn apply(
        &self,
        on: Element<'_>,
        expressions: &mut dyn PathExpressions,
    ) -> Result<Option<BytesMut>, ResultCode> {
        Walk { path: self, expressions, leaves: BytesMut::new(), count: 0, depth: 0 }.apply(on, &self.steps)
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
        let value = take_match(payload).map_err(|_| ResultCode::PARAMETER)?;
        let children = match (kind, head(value)) {
            (EVERY_CHILD, Some(Head::Bool(true))) => Children::Every,
            (EVERY_CHILD, Some(Head::List(_))) => {
                expressions.check(value)?;
                Children::Filtered(value.into())
            }
            (KEY_LIST, Some(Head::List(_))) => {
                let keys = List::parse(value).ok_or(ResultCode::PARAMETER)?;
                Children::Keys(keys.items.into_iter().map(Into::into).collect())
            }
            (AND, Some(_)) => {
                expressions.check(value)?;
                let before = steps.last_mut().filter(|s| s.and.is_none() && !s.children.are_filtered());
                before.ok_or(ResultCode::PARAMETER)?.and = Some(value.into());
                continue;
            }
            _ => match By::from_code(kind) {
                Some(by) if !by.is_numeric() || as_integer(value).is_some() => Children::By(by, value.into()),
                _ => return Err(ResultCode::PARAMETER),
            },
        };
        steps.push(Step { children, and: None });
    }
    Ok(steps)
}

impl Children {
    const fn are_filtered(&self) -> bool {
        matches!(self, Self::Every | Self::Filtered(_))
    }

    /// Whether such children can be in a map, or else in a list.
    const fn fit(&self, is_map: bool) -> bool {
        match self {
            Self::Every | Self::Filtered(_) => true,
            Self::Keys(_) => is_map,
            Self::By(by, _) => by.is_map() == is_map,
        }
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

    /// The collection with some children replaced, or removed where there is none; its order is not looked after.
    fn replaced(&self, changes: &[(usize, Option<BytesMut>)]) -> BytesMut {
        let mut changes = changes.iter().peekable();
        let mut next = |at: usize, old| match changes.next_if(|(changed, _)| *changed == at) {
            Some((_, new)) => new.as_deref(),
            None => Some(old),
        };
        match self {
            Self::List(list) => {
                let items = list.items.iter().enumerate().filter_map(|(at, old)| next(at, *old)).collect();
                List { ordered: list.ordered, items }.pack()
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
}

impl Walk<'_> {
    /// Collects the leaves below an element and returns the tree that leads to them. A scalar in the middle of the
    /// path stays in the tree, but is no leaf.
    fn select(&mut self, element: Element<'_>, steps: &[Step]) -> Result<BytesMut, ResultCode> {
        let (Some((step, deeper)), Some(node)) = (steps.split_first(), Node::parse(element)) else {
            return Ok(element.into());
        };
        let keyless = matches!(node, Node::List(_)) && matches!(self.path.mode, Mode::Keys | Mode::KeysAndValues);
        if keyless && deeper.is_empty() && node.as_collection().len() > 0 {
            return Err(ResultCode::INCOMPATIBLE_TYPE);
        }
        let mut children = Vec::new();
        for at in self.pick(&node, step)? {
            let child = node.element(at);
            let tree = if deeper.is_empty() {
                self.leaf(&child);
                child.value.into()
            } else {
                self.below(|walk| walk.select(child.value, deeper))?
            };
            children.push((at, tree));
        }
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
        let key = element.key.filter(|_| matches!(self.path.mode, Mode::Keys | Mode::KeysAndValues));
        let value = Some(element.value).filter(|_| matches!(self.path.mode, Mode::Values | Mode::KeysAndValues));
        for part in [key, value].into_iter().flatten() {
            self.leaves.put_slice(part);
            self.count += 1;
        }
    }

    fn apply(&mut self, element: Element<'_>, steps: &[Step]) -> Result<Option<BytesMut>, ResultCode> {
        let (Some((step, deeper)), Some(node)) = (steps.split_first(), Node::parse(element)) else { return Ok(None) };
        let mut changes = Vec::new();
        for at in self.pick(&node, step)? {
            let child = node.element(at);
            if !deeper.is_empty() {
                let new = self.below(|walk| walk.apply(child.value, deeper))?;
                changes.extend(new.map(|new| (at, Some(new))));
                continue;
            }
            let expression = self.path.expression.as_deref().unwrap_or_default();
            match self.expressions.evaluate(expression, &child) {
                Evaluated::Value(new) => changes.push((at, Some(BytesMut::from(&new[..])))),
                Evaluated::Remove => changes.push((at, None)),
                Evaluated::Unknown if self.path.no_fail => {}
                Evaluated::Unknown => return Err(ResultCode::SERVER_ERROR),
            }
        }
        Ok((!changes.is_empty()).then(|| node.replaced(&changes)))
    }

    /// The indexes of the children that a step picks, ascending.
    fn pick(&mut self, node: &Node<'_>, step: &Step) -> Result<Vec<usize>, ResultCode> {
        let all = node.as_collection();
        if all.len() == 0 {
            return Ok(Vec::new()); // an empty collection does not tell whether the step would fit it
        }
        if !step.children.fit(matches!(node, Node::Map(_))) {
            return Err(ResultCode::PARAMETER);
        }
        let mut picked = match &step.children {
            Children::Every => (0..all.len()).collect(),
            Children::Filtered(expression) => self.filter(node, (0..all.len()).collect(), expression)?,
            Children::Keys(keys) => keys.iter().filter_map(|key| find(node, key)).collect(),
            Children::By(by, value) => {
                let number = as_integer(value).unwrap_or_default();
                match by {
                    // a server of this version looks these up in the outermost collection only
                    By::MapIndex | By::ListRank | By::MapRank
                        if self.depth > 0 && all.len() > 1 && place(number, all.len()).is_some() =>
                    {
                        return Err(ResultCode::SERVER_ERROR);
                    }
                    By::ListIndex | By::MapIndex => place(number, all.len()).into_iter().collect(),
                    By::ListRank | By::MapRank => {
                        place(number, all.len()).map(|rank| all.by_rank()[rank]).into_iter().collect()
                    }
                    By::MapKey => find(node, value).into_iter().collect(),
                    By::ListValue | By::MapValue => {
                        (0..all.len()).filter(|&i| compare(all.value(i), value) == Ordering::Equal).collect()
                    }
                    By::Unknown => return Err(ResultCode::PARAMETER),
                }
            }
        };
        picked.sort_unstable();
        picked.dedup();
        match &step.and {
            Some(expression) => self.filter(node, picked, expression),
            None => Ok(picked),
        }
    }

    fn filter(&mut self, node: &Node<'_>, from: Vec<usize>, expression: &[u8]) -> Result<Vec<usize>, ResultCode> {
        let mut kept = Vec::new();
        for at in from {
            match self.expressions.evaluate(expression, &node.element(at)) {
                Evaluated::Unknown if !self.path.no_fail => return Err(ResultCode::PARAMETER),
                Evaluated::Value(verdict) if verdict == pack::bool(true) => kept.push(at),
                _ => {}
            }
        }
        Ok(kept)
    }
}

fn find(node: &Node<'_>, key: Element<'_>) -> Option<usize> {
    match node {
        Node::Map(map) => map.find(key).ok(),
        Node::List(_) => None,
    }
}
