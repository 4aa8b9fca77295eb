//! Expressions, as far as paths know them: which element they look at, and what they make of it.

use aerospike_wire::ResultCode;

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
