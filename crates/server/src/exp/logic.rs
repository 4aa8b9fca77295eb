//! Three-valued logic: what is decided by the arguments that are known is known.

use super::eval::Run;
use super::parse::Node;
use super::value::Value;

/// An operation on booleans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
    Not,
    /// Whether exactly one argument is true.
    Exclusive,
}

/// Evaluates a logical operation, and of its arguments no more than needed.
pub(super) fn evaluate<'a>(logic: Logic, arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    match logic {
        Logic::And => until(false, arguments, run),
        Logic::Or => until(true, arguments, run),
        Logic::Exclusive => exclusive(arguments, run),
        Logic::Not => match arguments.first().map(|argument| run.evaluate(argument)) {
            Some(Value::Bool(b)) => Value::Bool(!b),
            _ => Value::Unknown,
        },
    }
}

/// `decisive` if any argument is, unknown if any other is unknown, and else the opposite.
fn until<'a>(decisive: bool, arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let mut result = Value::Bool(!decisive);
    for argument in arguments {
        match run.evaluate(argument) {
            Value::Bool(b) if b == decisive => return Value::Bool(decisive),
            Value::Bool(_) => {}
            _ => result = Value::Unknown,
        }
    }
    result
}

/// An unknown argument makes the result unknown, unless two before it were true already.
fn exclusive<'a>(arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let mut found = false;
    for argument in arguments {
        match run.evaluate(argument) {
            Value::Bool(true) if found => return Value::Bool(false),
            Value::Bool(b) => found |= b,
            _ => return Value::Unknown,
        }
    }
    Value::Bool(found)
}
