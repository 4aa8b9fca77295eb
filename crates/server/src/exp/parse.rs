//! From MessagePack to a tree that is known to be well typed.
//!
//! Whatever is wrong with an expression is found here and nowhere later: an unknown operation, a wrong number of
//! arguments or a wrong type among them, a variable that is not there, bytes past the end.

use std::collections::HashMap;

use aerospike_wire::limits::{MAX_BIN_NAME_SIZE, MAX_VALUE_DEPTH};

use super::call::Call;
use super::geo;
use super::literal;
use super::opcodes::{self, Action, Arguments, CASE_WEIGHT, Gives, Opcode, Special, Wanted};
use super::posix::Pattern;
use super::types::Type;
use super::value::Value;
use crate::cdt::value::{Head, as_integer, head, take_element, take_head};

/// What the weights of all operations must stay below, as on a real server.
const MAX_WEIGHT: usize = 1024 * 1024;

/// A step of an expression.
#[derive(Debug)]
pub(super) enum Node<'e> {
    Literal(Value<'e>),
    Apply(Action, Vec<Node<'e>>),
    Regex(Pattern, Box<Node<'e>>),
    DigestModulo(i32),
    Key(Type),
    Bin(Type, &'e [u8]),
    BinType(&'e [u8]),
    /// What a path expression stands on: key, value or index.
    Builtin(Type, usize),
    /// Tests with their values, and the value when no test is true.
    Cond(Vec<(Node<'e>, Node<'e>)>, Box<Node<'e>>),
    /// The place of a variable among those that are defined.
    Var(usize),
    Let(Vec<Node<'e>>, Box<Node<'e>>),
    Call(Box<Call<'e>>),
}

/// A step and what is known about it.
pub(super) struct Typed<'e> {
    pub(super) node: Node<'e>,
    pub(super) kind: Type,
    /// Whether it is UNKNOWN itself, which stands for a value of any type in COND.
    is_unknown: bool,
}

impl<'e> Typed<'e> {
    const fn new(node: Node<'e>, kind: Type) -> Self {
        Self { node, kind, is_unknown: false }
    }
}

/// What of a record an expression looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sees {
    bins: bool,
    key: bool,
    metadata: bool,
    digest: bool,
}

impl Sees {
    /// Whether its values can be indexed: they come from what a write changes, and from nothing that changes without one.
    pub(super) const fn can_be_indexed(self) -> bool {
        (self.bins || self.digest) && !self.key && !self.metadata
    }
}

/// Reads an expression that fills `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Option<(Typed<'_>, Sees)> {
    // one limit for operations, literals and paths inside one another; the real server has none but its stack
    literal::is_shallow(bytes, MAX_VALUE_DEPTH).then_some(())?;
    let mut parser = Parser { rest: bytes, weight: 0, variables: HashMap::new(), defined: 0, sees: Sees::default() };
    let typed = parser.next()?;
    (parser.rest.is_empty() && typed.kind != Type::Extension).then_some((typed, parser.sees))
}

/// Reads an expression from front to back.
pub(super) struct Parser<'e> {
    pub(super) rest: &'e [u8],
    weight: usize,
    /// The place and type of each variable that can be used; no type while it is being defined.
    variables: HashMap<&'e [u8], (usize, Option<Type>)>,
    defined: usize,
    sees: Sees,
}

impl<'e> Parser<'e> {
    /// Reads one expression.
    pub(super) fn next(&mut self) -> Option<Typed<'e>> {
        match head(self.rest)? {
            Head::List(0) => None,
            Head::List(count) => {
                take_head(&mut self.rest)?;
                let opcode = self.integer().and_then(|code| opcodes::find(code as u64))?;
                self.weigh(opcode.weight)?;
                self.operation(opcode, count - 1)
            }
            _ => self.literal(),
        }
    }

    fn operation(&mut self, opcode: &'static Opcode, given: usize) -> Option<Typed<'e>> {
        match opcode.arguments {
            Arguments::Exactly(wanted) => (given == wanted.len()).then(|| self.apply(opcode, given, |i| wanted[i]))?,
            Arguments::AtLeast(least, wanted) => (given >= least).then(|| self.apply(opcode, given, |_| wanted))?,
            Arguments::Special(special) => self.special(special, given),
        }
    }

    fn apply(&mut self, opcode: &'static Opcode, given: usize, wanted: impl Fn(usize) -> Wanted) -> Option<Typed<'e>> {
        self.sees.metadata |= matches!(opcode.action, Action::Metadata(_));
        let mut arguments = Vec::with_capacity(given.min(self.rest.len()));
        let mut first = None;
        for i in 0..given {
            let argument = self.next()?;
            let kind = argument.kind;
            let same = *first.get_or_insert(kind) == kind;
            let fits = match wanted(i) {
                Wanted::Any => true,
                Wanted::Is(wanted) => kind == wanted,
                Wanted::Numbers => same && kind.is_number(),
                Wanted::Comparable => same && kind.is_comparable(),
            };
            fits.then(|| arguments.push(argument.node))?;
        }
        let kind = match opcode.gives {
            Gives::Is(kind) => kind,
            Gives::ArgumentType => first?,
        };
        let is_unknown = opcode.action == Action::Unknown;
        Some(Typed { node: Node::Apply(opcode.action, arguments), kind, is_unknown })
    }

    fn special(&mut self, special: Special, given: usize) -> Option<Typed<'e>> {
        let parse: fn(&mut Self) -> Option<Typed<'e>> = match special {
            Special::Cond => return self.cond(given),
            Special::Let => return self.define(given),
            Special::Call if given == 4 => Self::call,
            Special::Regex if given == 3 => Self::regex,
            Special::Bin if given == 2 => Self::bin,
            Special::Builtin if given == 2 => Self::builtin,
            Special::DigestModulo if given == 1 => Self::digest_modulo,
            Special::Key if given == 1 => Self::key,
            Special::BinType if given == 1 => Self::bin_type,
            Special::Var if given == 1 => Self::variable,
            Special::Quote if given == 1 => Self::quote,
            _ => return None,
        };
        parse(self)
    }

    fn regex(&mut self) -> Option<Typed<'e>> {
        let flags = self.integer()?;
        let pattern = self.text()?;
        let subject = self.next()?;
        (subject.kind == Type::String).then_some(())?;
        let pattern = Pattern::compile(pattern, flags)?;
        Some(Typed::new(Node::Regex(pattern, Box::new(subject.node)), Type::Bool))
    }

    fn digest_modulo(&mut self) -> Option<Typed<'e>> {
        self.sees.digest = true;
        let divisor = self.integer()? as i32;
        (divisor != 0).then_some(Typed::new(Node::DigestModulo(divisor), Type::Integer))
    }

    fn key(&mut self) -> Option<Typed<'e>> {
        self.sees.key = true;
        let kind = Type::from_number((self.integer()? as u32).into())?;
        let is_key = matches!(kind, Type::Integer | Type::String | Type::Blob);
        is_key.then_some(Typed::new(Node::Key(kind), kind))
    }

    fn bin(&mut self) -> Option<Typed<'e>> {
        self.sees.bins = true;
        let kind = self.kind()?;
        Some(Typed::new(Node::Bin(kind, self.bin_name()?), kind))
    }

    fn bin_type(&mut self) -> Option<Typed<'e>> {
        self.sees.bins = true;
        Some(Typed::new(Node::BinType(self.bin_name()?), Type::Integer))
    }

    fn builtin(&mut self) -> Option<Typed<'e>> {
        const INDEX: usize = 2;
        // after the types that can be asked for come one that is never anything, and that of RESULT_REMOVE
        let (kind, is_unknown) = match self.integer()? as u32 {
            10 => (Type::Bool, true),
            11 => (Type::Remove, false),
            number => (Type::from_number(number.into())?, false),
        };
        let which = usize::try_from(self.integer()?).ok().filter(|which| *which <= INDEX)?;
        if which == INDEX && kind != Type::Integer {
            return None;
        }
        let node = if is_unknown { Node::Literal(Value::Unknown) } else { Node::Builtin(kind, which) };
        Some(Typed { node, kind, is_unknown })
    }

    fn variable(&mut self) -> Option<Typed<'e>> {
        let name = self.text()?;
        let (place, kind) = *self.variables.get(name)?;
        Some(Typed::new(Node::Var(place), kind?))
    }

    fn quote(&mut self) -> Option<Typed<'e>> {
        let list = take_element(&mut self.rest)?;
        matches!(head(list)?, Head::List(_)).then_some(())?;
        Some(Typed::new(Node::Literal(Value::Collection(list.into())), Type::List))
    }

    fn call(&mut self) -> Option<Typed<'e>> {
        let declared = self.kind()?;
        let (call, kind) = Call::parse(declared, self)?;
        Some(Typed::new(Node::Call(Box::new(call)), kind))
    }

    /// Values of all cases have one type; UNKNOWN goes with any.
    fn cond(&mut self, given: usize) -> Option<Typed<'e>> {
        (given >= 3 && given % 2 == 1).then_some(())?;
        self.weigh(given / 2 * CASE_WEIGHT)?;
        let mut kind = None;
        let mut cases = Vec::with_capacity((given / 2).min(self.rest.len()));
        for _ in 0..given / 2 {
            let test = self.next()?;
            (test.kind == Type::Bool).then_some(())?;
            let value = self.next()?;
            (value.is_unknown || agrees(&mut kind, value.kind)).then(|| cases.push((test.node, value.node)))?;
        }
        let default = self.next()?;
        (default.is_unknown || agrees(&mut kind, default.kind)).then_some(())?;
        let node = Node::Cond(cases, Box::new(default.node));
        Some(Typed::new(node, kind.unwrap_or(Type::Bool)))
    }

    /// Defines variables, each of which the following ones may use, for a body.
    fn define(&mut self, given: usize) -> Option<Typed<'e>> {
        (given >= 3 && given % 2 == 1).then_some(())?;
        let mut names = Vec::with_capacity((given / 2).min(self.rest.len()));
        let mut values = Vec::with_capacity(names.capacity());
        for _ in 0..given / 2 {
            let name = self.text()?;
            let place = self.defined;
            (is_variable_name(name) && self.variables.insert(name, (place, None)).is_none()).then_some(())?;
            self.defined += 1;
            names.push(name);
            let value = self.next()?;
            let known = (value.kind != Type::Extension).then_some(value.kind);
            self.variables.insert(name, (place, known));
            values.push(value.node);
        }
        let body = self.next()?;
        for name in &names {
            self.variables.remove(name);
        }
        self.defined -= names.len();
        Some(Typed { node: Node::Let(values, Box::new(body.node)), ..body })
    }

    /// Reads a literal.
    pub(super) fn literal(&mut self) -> Option<Typed<'e>> {
        let element = take_element(&mut self.rest)?;
        self.weigh(literal::weight(element)?)?;
        let value = Value::of_element(element);
        let kind = value.kind()?;
        let is_good = match &value {
            Value::GeoJson(text) => geo::is_valid(text),
            _ => true,
        };
        is_good.then_some(Typed::new(Node::Literal(value), kind))
    }

    /// Reads an argument of a call that is neither an expression nor checked for what it says.
    pub(super) fn literal_argument(&mut self) -> Option<()> {
        let element = take_element(&mut self.rest)?;
        self.weigh(literal::weight(element)?)
    }

    fn weigh(&mut self, weight: usize) -> Option<()> {
        self.weight += weight;
        (self.weight < MAX_WEIGHT).then_some(())
    }

    /// Reads an integer that is not an expression; unsigned ones wrap.
    pub(super) fn integer(&mut self) -> Option<i64> {
        take_element(&mut self.rest).and_then(as_integer)
    }

    /// Reads a type.
    fn kind(&mut self) -> Option<Type> {
        Type::from_number(self.integer()? as u64)
    }

    /// Reads a string without a type byte.
    fn text(&mut self) -> Option<&'e [u8]> {
        match take_head(&mut self.rest)? {
            Head::String(text) => Some(text),
            _ => None,
        }
    }

    fn bin_name(&mut self) -> Option<&'e [u8]> {
        self.text().filter(|name| name.len() <= MAX_BIN_NAME_SIZE && !name.contains(&0))
    }
}

/// Whether a value may stand beside those before it.
fn agrees(expected: &mut Option<Type>, kind: Type) -> bool {
    kind != Type::Extension && *expected.get_or_insert(kind) == kind
}

fn is_variable_name(name: &[u8]) -> bool {
    let Some((first, rest)) = name.split_first() else { return false };
    (first.is_ascii_alphabetic() || *first == b'_') && rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}
