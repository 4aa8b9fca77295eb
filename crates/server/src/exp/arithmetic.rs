//! Arithmetic. Integers wrap, and where C leaves a result to the processor this is what x86-64 answers.

use super::eval::Run;
use super::parse::Node;
use super::value::Value;
use crate::cdt::number::truncate;

/// An operation on any number of numbers of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Add,
    Subtract,
    Multiply,
    Divide,
    Least,
    Greatest,
    And,
    Or,
    Xor,
}

/// An operation on one or two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Power,
    Logarithm,
    Modulo,
    Absolute,
    Floor,
    Ceiling,
    ToInteger,
    ToFloat,
}

/// Evaluates an operation on any number of numbers; the first unknown one ends it.
pub(super) fn fold<'a>(fold: Fold, arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let Some((first, rest)) = arguments.split_first() else { return Value::Unknown };
    match run.evaluate(first) {
        Value::Integer(first) => fold_integers(fold, first, rest, run).map_or(Value::Unknown, Value::Integer),
        Value::Float(first) => fold_floats(fold, first, rest, run).map_or(Value::Unknown, Value::Float),
        _ => Value::Unknown,
    }
}

fn fold_integers<'a>(fold: Fold, first: i64, rest: &'a [Node<'a>], run: &mut Run<'a>) -> Option<i64> {
    if fold == Fold::Divide {
        let mut divisor: i64 = 1;
        for argument in rest {
            divisor = divisor.wrapping_mul(run.integer(argument)?);
        }
        let (dividend, divisor) = if rest.is_empty() { (1, first) } else { (first, divisor) };
        return (divisor != 0).then(|| dividend.wrapping_div(divisor));
    }
    if fold == Fold::Subtract && rest.is_empty() {
        return Some(first.wrapping_neg());
    }
    let mut result = first;
    for argument in rest {
        let n = run.integer(argument)?;
        result = match fold {
            Fold::Add => result.wrapping_add(n),
            Fold::Subtract => result.wrapping_sub(n),
            Fold::Multiply | Fold::Divide => result.wrapping_mul(n),
            Fold::Least => result.min(n),
            Fold::Greatest => result.max(n),
            Fold::And => result & n,
            Fold::Or => result | n,
            Fold::Xor => result ^ n,
        };
    }
    Some(result)
}

fn fold_floats<'a>(fold: Fold, first: f64, rest: &'a [Node<'a>], run: &mut Run<'a>) -> Option<f64> {
    if fold == Fold::Divide {
        let mut divisor = 1.0;
        for argument in rest {
            divisor *= run.float(argument)?;
        }
        return Some(if rest.is_empty() { 1.0 / first } else { first / divisor });
    }
    if fold == Fold::Subtract && rest.is_empty() {
        return Some(0.0 - first);
    }
    let mut result = first;
    for argument in rest {
        let n = run.float(argument)?;
        match fold {
            Fold::Add => result += n,
            Fold::Subtract => result -= n,
            Fold::Multiply | Fold::Divide => result *= n,
            // not f64::min: a NaN stays where it stands
            Fold::Least if result > n => result = n,
            Fold::Greatest if result < n => result = n,
            Fold::Least | Fold::Greatest => {}
            Fold::And | Fold::Or | Fold::Xor => return None,
        }
    }
    Some(result)
}

/// Evaluates an operation on one or two numbers.
pub(super) fn function<'a>(function: Function, arguments: &'a [Node<'a>], run: &mut Run<'a>) -> Value<'a> {
    let mut values = [Value::Unknown, Value::Unknown];
    for (value, argument) in values.iter_mut().zip(arguments) {
        *value = run.evaluate(argument);
        if value.is_unknown() {
            return Value::Unknown;
        }
    }
    match (function, values) {
        (Function::Power, [Value::Float(base), Value::Float(exponent)]) => Value::Float(base.powf(exponent)),
        (Function::Logarithm, [Value::Float(n), Value::Float(base)]) => Value::Float(n.ln() / base.ln()),
        (Function::Modulo, [Value::Integer(_), Value::Integer(0)]) => Value::Unknown,
        (Function::Modulo, [Value::Integer(n), Value::Integer(by)]) => Value::Integer(n.wrapping_rem(by)),
        (Function::Absolute, [Value::Integer(n), _]) => Value::Integer(n.wrapping_abs()),
        (Function::Absolute, [Value::Float(n), _]) => Value::Float(n.abs()),
        (Function::Floor, [Value::Float(n), _]) => Value::Float(n.floor()),
        (Function::Ceiling, [Value::Float(n), _]) => Value::Float(n.ceil()),
        (Function::ToInteger, [Value::Float(n), _]) => Value::Integer(truncate(n)),
        (Function::ToFloat, [Value::Integer(n), _]) => Value::Float(n as f64),
        _ => Value::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_truncates_to_the_least_integer() {
        assert_eq!(truncate(-2.9), -2);
        assert_eq!(truncate(1e300), i64::MIN);
        assert_eq!(truncate(f64::NAN), i64::MIN);
        assert_eq!(truncate(-9_223_372_036_854_775_808.0), i64::MIN);
    }
}
