//! The expressions inside paths: filters of elements, and what takes an element's place (protocol 9.7).

use std::cell::Cell;
use std::rc::Rc;

use aerospike_wire::ResultCode;

use super::Expression;
use super::eval::Run;
use super::value::Value;
use crate::cdt::{Evaluated, PathElement, PathExpressions};

/// Bytes that all paths of an operation may work through, an expression and an element at a time. Paths inside the
/// filters of paths multiply, and this is what keeps an operation from running for ever.
const MAX_WORK: usize = 32 * 1024 * 1024;

/// How many bytes may still be worked through, shared by paths inside one another.
#[derive(Debug, Clone)]
pub(super) struct Budget(Rc<Cell<usize>>);

impl Default for Budget {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MAX_WORK)))
    }
}

impl Budget {
    fn spend(&self, bytes: usize) -> bool {
        let left = self.0.get().saturating_sub(bytes);
        self.0.set(left);
        left > 0
    }
}

/// Evaluates the expressions of a path. They see the element they stand on and nothing else: bins and metadata of the
/// record are unknown to them, and so are the variables of an expression around them.
#[derive(Debug, Default)]
pub struct PathEvaluator {
    budget: Budget,
}

impl PathEvaluator {
    /// For a path inside an expression.
    pub(super) fn within(budget: Budget) -> Self {
        Self { budget }
    }
}

impl PathExpressions for PathEvaluator {
    fn check(&mut self, expression: &[u8]) -> Result<(), ResultCode> {
        Expression::parse(expression).map(|_| ())
    }

    fn evaluate(&mut self, expression: &[u8], element: &PathElement<'_>) -> Evaluated {
        if !self.budget.spend(expression.len() + element.value.len()) {
            return Evaluated::Unknown;
        }
        let Ok(expression) = Expression::parse(expression) else { return Evaluated::Unknown };
        let of = |part: Option<_>| part.map_or(Value::Unknown, Value::of_element);
        let index = element.index.map_or(Value::Unknown, |index| Value::Integer(index as i64));
        let builtins = [of(element.key), of(Some(element.value)), index];
        let value = Run::on_element(builtins, self.budget.clone()).evaluate(&expression.root);
        let mut out = bytes::BytesMut::new();
        match value {
            Value::Remove => Evaluated::Remove,
            value if value.write_element(&mut out) => Evaluated::Value(out.into()),
            _ => Evaluated::Unknown,
        }
    }
}
