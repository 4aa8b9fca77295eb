//! Walking through a parsed expression.

use super::opcodes::Action;
use super::parse::Node;
use super::path::Budget;
use super::record::RecordView;
use super::types::Type;
use super::value::Value;
use super::{arithmetic, bits, compare, geo, logic, maps, metadata};

/// What an evaluation has at hand.
pub(super) struct Run<'a> {
    /// The record; `None` where an expression is evaluated on a value alone.
    record: Option<&'a dyn RecordView>,
    variables: Vec<Value<'a>>,
    /// Key, value and index of the element that a path expression stands on.
    builtins: [Value<'a>; 3],
    budget: Budget,
}

impl<'a> Run<'a> {
    /// An evaluation on a record.
    pub(super) fn new(record: &'a dyn RecordView) -> Self {
        let nowhere = [Value::Unknown, Value::Unknown, Value::Unknown];
        Self { record: Some(record), ..Self::on_element(nowhere, Budget::default()) }
    }

    /// An evaluation on an element: its key, its value and its index.
    pub(super) fn on_element(builtins: [Value<'a>; 3], budget: Budget) -> Self {
        Self { record: None, variables: Vec::new(), builtins, budget }
    }

    /// What paths inside the expression may spend.
    pub(super) fn budget(&self) -> Budget {
        self.budget.clone()
    }

    /// Evaluates a step.
    pub(super) fn evaluate(&mut self, node: &'a Node<'a>) -> Value<'a> {
        match node {
            Node::Literal(value) => value.clone(),
            Node::Apply(action, arguments) => self.apply(*action, arguments),
            Node::Regex(pattern, subject) => match self.evaluate(subject) {
                Value::String(text) => pattern.is_match(&text).map_or(Value::Unknown, Value::Bool),
                _ => Value::Unknown,
            },
            Node::Bin(kind, name) => self.bin(*kind, name),
            Node::BinType(name) => self
                .bins()
                .map_or(Value::Unknown, |record| Value::Integer(record.bin(name).map_or(0, |(kind, _)| kind.0.into()))),
            Node::Key(kind) => self.key(*kind),
            Node::DigestModulo(n) => self.record.map_or(Value::Unknown, |record| metadata::digest_modulo(*n, record)),
            Node::Builtin(kind, which) => match self.builtins.get(*which) {
                Some(value) if value.kind() == Some(*kind) => value.clone(),
                _ => Value::Unknown,
            },
            Node::Cond(cases, default) => self.cond(cases, default),
            Node::Var(place) => self.variables.get(*place).cloned().unwrap_or(Value::Unknown),
            Node::Let(values, body) => self.define(values, body),
            Node::Call(call) => call.evaluate(self),
        }
    }

    fn apply(&mut self, action: Action, arguments: &'a [Node<'a>]) -> Value<'a> {
        match action {
            Action::Unknown | Action::Special => Value::Unknown,
            Action::Compare(comparison) => compare::evaluate(comparison, arguments, self),
            Action::CompareGeo => geo::evaluate(arguments, self),
            Action::InList => compare::in_list(arguments, self),
            Action::Logic(logic) => logic::evaluate(logic, arguments, self),
            Action::Fold(fold) => arithmetic::fold(fold, arguments, self),
            Action::Function(function) => arithmetic::function(function, arguments, self),
            Action::Shift(shift) => bits::shift(shift, arguments, self),
            Action::BitNot => bits::not(arguments, self),
            Action::BitCount => bits::count(arguments, self),
            Action::BitScan(from) => bits::scan(from, arguments, self),
            Action::Metadata(question) => {
                self.record.map_or(Value::Unknown, |record| metadata::evaluate(question, record))
            }
            Action::ResultRemove => Value::Remove,
            Action::MapKeys => maps::part(maps::Part::Keys, arguments, self),
            Action::MapValues => maps::part(maps::Part::Values, arguments, self),
        }
    }

    /// Evaluates a step that is an integer if it is known.
    pub(super) fn integer(&mut self, node: &'a Node<'a>) -> Option<i64> {
        match self.evaluate(node) {
            Value::Integer(n) => Some(n),
            _ => None,
        }
    }

    /// Evaluates a step that is a float if it is known.
    pub(super) fn float(&mut self, node: &'a Node<'a>) -> Option<f64> {
        match self.evaluate(node) {
            Value::Float(n) => Some(n),
            _ => None,
        }
    }

    fn bins(&self) -> Option<&'a dyn RecordView> {
        self.record.filter(|record| record.has_bins())
    }

    fn bin(&self, kind: Type, name: &[u8]) -> Value<'a> {
        match self.bins().and_then(|record| record.bin(name)) {
            Some((particle, bytes)) if particle == kind.particle() => Value::of_particle(particle, bytes.into()),
            _ => Value::Unknown,
        }
    }

    /// The user key, if the record stores one of this type.
    fn key(&self, kind: Type) -> Value<'a> {
        match self.bins().and_then(|record| record.key()).and_then(<[u8]>::split_first) {
            Some((particle, key)) if *particle == kind.particle().0 => Value::of_particle(kind.particle(), key.into()),
            _ => Value::Unknown,
        }
    }

    /// The value of the first test that is true; one that is unknown before it makes all unknown.
    fn cond(&mut self, cases: &'a [(Node<'a>, Node<'a>)], default: &'a Node<'a>) -> Value<'a> {
        for (test, value) in cases {
            match self.evaluate(test) {
                Value::Bool(true) => return self.evaluate(value),
                Value::Bool(false) => {}
                _ => return Value::Unknown,
            }
        }
        self.evaluate(default)
    }

    fn define(&mut self, values: &'a [Node<'a>], body: &'a Node<'a>) -> Value<'a> {
        let before = self.variables.len();
        for value in values {
            // its place is taken before those of variables inside the value, as in the parser
            let place = self.variables.len();
            self.variables.push(Value::Unknown);
            self.variables[place] = self.evaluate(value);
        }
        let result = self.evaluate(body);
        self.variables.truncate(before);
        result
    }
}
