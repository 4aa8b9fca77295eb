//! What an operation is given and what it leaves: its arguments, decoded by the signature in the table, and its outcome.

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::normal::{is_key, normalise};
use super::pack::PERSIST_INDEX;
use super::value::{Head, NIL, as_integer, head, take_element};

/// What an operation did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The new bytes of the collection; `None` when it stays as it is.
    pub(crate) stored: Option<BytesMut>,
    /// The result as an element; `None` for operations that answer nothing.
    pub(crate) result: Option<BytesMut>,
}

/// Where the collection that an operation works on came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was stored.
    Stored,
    /// It was made for the operation. What is made inside a collection that is made with its bin keeps the flag of an
    /// index, of which nothing else comes.
    Created { indexed: bool },
}

impl Origin {
    /// The order flags of a created collection: an argument as far as `known` goes; with anything else in it, none.
    pub(crate) const fn order(self, argument: i64, known: u8) -> u8 {
        let flags = self.kept(argument as u8);
        if flags & !(known | PERSIST_INDEX) == 0 { flags } else { 0 }
    }

    /// Order flags without that of an index, unless it is kept.
    pub(crate) const fn kept(self, flags: u8) -> u8 {
        if matches!(self, Self::Created { indexed: true }) { flags } else { flags & !PERSIST_INDEX }
    }
}

impl Outcome {
    /// Nothing changed, nothing to say.
    pub(crate) const NOTHING: Self = Self { stored: None, result: None };
}

/// The kind of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// A return type of 9.4.
    ReturnType,
    /// An index, counted from the end when negative.
    Index,
    /// A rank, counted from the end when negative.
    Rank,
    /// How many; negative for "to the end".
    Count,
    /// Order attributes of a container that the operation may create.
    Order,
    /// Write or sort flags.
    Flags,
    /// A value that is stored.
    Value,
    /// A map key that is stored.
    Key,
    /// A value or key to compare with; may hold wildcards.
    Match,
    /// What is added to a number.
    Delta,
    /// A list of values that are stored.
    Values,
    /// A list of values or keys to compare with; that it is a list is looked at later.
    Matches,
    /// A map that is stored.
    Pairs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Argument {
    Integer(i64),
    Element(BytesMut),
    /// One that the operation cannot use.
    Wrong,
}

/// The arguments of an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Args(Vec<Argument>);

impl Args {
    /// Reads `given` arguments by a signature. That they do not fit it is for [`Args::check`] to say: the server looks at
    /// the collection first.
    pub(crate) fn parse(payload: &mut &[u8], given: usize, signature: &[Parameter], required: usize) -> Self {
        if given < required || given > signature.len() {
            return Self(vec![Argument::Wrong]);
        }
        Self(signature[..given].iter().map(|&kind| parse_one(payload, kind).unwrap_or(Argument::Wrong)).collect())
    }

    /// The arguments, if the operation can use them all.
    pub(crate) fn check(&self) -> Result<&Self, ResultCode> {
        if self.0.contains(&Argument::Wrong) { Err(ResultCode::PARAMETER) } else { Ok(self) }
    }

    /// The integer argument at a place, if it was given.
    pub(crate) fn integer(&self, at: usize) -> Option<i64> {
        match self.0.get(at) {
            Some(Argument::Integer(n)) => Some(*n),
            _ => None,
        }
    }

    /// An integer argument that the signature requires.
    pub(crate) fn required_integer(&self, at: usize) -> i64 {
        self.integer(at).unwrap_or_default()
    }

    /// Flags, or none.
    pub(crate) fn flags(&self, at: usize) -> i64 {
        self.integer(at).unwrap_or(0)
    }

    /// The element argument at a place, if it was given.
    pub(crate) fn optional_element(&self, at: usize) -> Option<&[u8]> {
        match self.0.get(at) {
            Some(Argument::Element(element)) => Some(element),
            _ => None,
        }
    }

    /// An element argument; nil where there is none.
    pub(crate) fn element(&self, at: usize) -> &[u8] {
        self.optional_element(at).unwrap_or(NIL)
    }
}

fn parse_one(payload: &mut &[u8], kind: Parameter) -> Option<Argument> {
    use Parameter as P;
    let given = match kind {
        P::ReturnType | P::Index | P::Rank | P::Count | P::Order | P::Flags => {
            return take_element(payload).and_then(as_integer).map(Argument::Integer);
        }
        _ => take_element(payload)?,
    };
    let is_right = match kind {
        P::Values => matches!(head(given), Some(Head::List(_))),
        P::Pairs => matches!(head(given), Some(Head::Map(_))),
        _ => true,
    };
    if !is_right {
        return None;
    }
    if matches!(kind, P::Match | P::Matches | P::Delta) {
        // as it came: the server brings no order into the maps of what it compares with, so an unsorted one matches nothing
        return Some(Argument::Element(given.into()));
    }
    let stored = normalise(given).ok().filter(|element| kind != P::Key || is_key(element));
    stored.map(Argument::Element)
}
