//! A path as a request spells it: its steps, how each picks, and what is answered.

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::super::value::{Element, Head, as_integer, head, take_element, take_head};
use super::expressions::PathExpressions;

/// Levels of a path.
const MAX_STEPS: usize = 64;

/// What a path operation answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The collections along the path, with nothing in them but what was selected.
    Tree,
    Values,
    Keys,
    KeysAndValues,
    Apply,
}

impl Mode {
    pub(super) const fn wants_keys(self) -> bool {
        matches!(self, Self::Keys | Self::KeysAndValues)
    }

    pub(super) const fn wants_values(self) -> bool {
        matches!(self, Self::Values | Self::KeysAndValues)
    }
}

/// Of the flags of a path, the answer; and the one by which what cannot be told counts as false.
const MODE: i64 = 0x0f;
const NO_FAIL: i64 = 0x10;
/// Of the type of a step, how it picks; and what a step into a list or a map may say of what it is into.
const BY: i64 = 0x0f;
const EXPRESSION: i64 = 0x04;
pub(super) const INSIDE_LIST: (i64, i64) = (0x30, 0x10);
pub(super) const INSIDE_MAP: (i64, i64) = (0xf0, 0x20);
/// A step that is no step: another condition for the one before.
const AND: i64 = 0x200;

/// How a step picks children.
pub(super) enum Children {
    Every,
    /// Those an expression is true for.
    Filtered(BytesMut),
    Index(i64),
    Rank(i64),
    Key(BytesMut),
    Value(BytesMut),
    Keys(BytesMut),
}

pub(super) struct Step {
    pub(super) kind: i64,
    pub(super) children: Children,
    /// Another condition. It may be `true`, which is nothing to evaluate.
    pub(super) and: Option<Condition>,
}

pub(super) enum Condition {
    True,
    Expression(BytesMut),
}

/// A decoded path operation.
pub(crate) struct Path {
    pub(super) steps: Vec<Step>,
    pub(super) mode: Mode,
    pub(super) no_fail: bool,
    pub(super) expression: BytesMut,
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
