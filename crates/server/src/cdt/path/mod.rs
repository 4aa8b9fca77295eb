//! Paths: selecting, and changing, any number of elements at any depth (protocol 9.7).
//!
//! A path is walked once. Filters, and the expression that computes a new value, belong to the expression evaluator;
//! this folder only says which element they look at ([`PathExpressions`]).
//!
//! | module | subject |
//! |---|---|
//! | `expressions` | the evaluator, as far as paths need it |
//! | `steps` | a path as a request spells it |
//! | `node` | a list or map on the path |
//! | `walk` | going along it |

mod expressions;
mod node;
mod steps;
mod walk;

pub use expressions::{Evaluated, NoExpressions, PathElement, PathExpressions};
pub(crate) use steps::Path;
