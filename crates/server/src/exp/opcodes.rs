//! The one table of what expressions are made of: code, name, arguments, result, and what evaluates it.
//!
//! The parser reads its static checks from here and the evaluator its dispatch, so an operation is one row.

use super::arithmetic::{Fold, Function};
use super::bits::{BitScan, Shift};
use super::compare::Comparison;
use super::logic::Logic;
use super::metadata::Metadata;
use super::types::Type;

/// What the arguments of an operation must be. All are expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arguments {
    /// Exactly these.
    Exactly(&'static [Wanted]),
    /// At least so many, all alike.
    AtLeast(usize, Wanted),
    /// Read by a function of their own, because they are not all expressions.
    Special(Special),
}

/// What one argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Anything.
    Any,
    /// Of this type.
    Is(Type),
    /// Integers or floats, but of one kind.
    Numbers,
    /// Anything that can be compared, of one type.
    Comparable,
}

/// The type of an operation's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// Always this.
    Is(Type),
    /// That of the first argument.
    ArgumentType,
}

/// Operations whose arguments are not all expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    Regex,
    DigestModulo,
    Key,
    Bin,
    BinType,
    Builtin,
    Cond,
    Var,
    Let,
    Quote,
    Call,
}

/// What evaluates an operation whose arguments are all expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Unknown,
    Compare(Comparison),
    CompareGeo,
    InList,
    Logic(Logic),
    /// Numbers of one kind, one after another.
    Fold(Fold),
    /// One or two numbers.
    Function(Function),
    Shift(Shift),
    BitNot,
    BitCount,
    BitScan(BitScan),
    Metadata(Metadata),
    ResultRemove,
    MapKeys,
    MapValues,
    /// [`Special`] operations make nodes of their own.
    Special,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opcode {
    pub(super) code: u8,
    pub(super) name: &'static str,
    pub(super) arguments: Arguments,
    pub(super) gives: Gives,
    pub(super) action: Action,
    /// Bytes the operation takes of the 1 MiB a parsed expression may need on a real server.
    pub(super) weight: usize,
}

/// The weight of operations that carry nothing but their arguments.
const PLAIN: usize = 8;
/// The weight of one more case of COND.
pub(super) const CASE_WEIGHT: usize = 8;

use Type as T;
use Wanted as W;
const NONE: Arguments = Arguments::Exactly(&[]);
const COMPARABLES: Arguments = Arguments::Exactly(&[W::Comparable, W::Comparable]);
const BOOLS: Arguments = Arguments::AtLeast(2, W::Is(T::Bool));
const NUMBERS: Arguments = Arguments::AtLeast(1, W::Numbers);
const INTEGERS: Arguments = Arguments::AtLeast(1, W::Is(T::Integer));
const INTEGER: Arguments = Arguments::Exactly(&[W::Is(T::Integer)]);
const TWO_INTEGERS: Arguments = Arguments::Exactly(&[W::Is(T::Integer), W::Is(T::Integer)]);
const FLOAT: Arguments = Arguments::Exactly(&[W::Is(T::Float)]);
const TWO_FLOATS: Arguments = Arguments::Exactly(&[W::Is(T::Float), W::Is(T::Float)]);
const INTEGER_AND_BOOL: Arguments = Arguments::Exactly(&[W::Is(T::Integer), W::Is(T::Bool)]);
const BOOL: Gives = Gives::Is(T::Bool);
const INT: Gives = Gives::Is(T::Integer);
const DOUBLE: Gives = Gives::Is(T::Float);
const SAME: Gives = Gives::ArgumentType;

const fn row(code: u8, name: &'static str, arguments: Arguments, gives: Gives, action: Action) -> Opcode {
    Opcode { code, name, arguments, gives, action, weight: PLAIN }
}

const fn special(code: u8, name: &'static str, special: Special, gives: Gives, weight: usize) -> Opcode {
    Opcode { code, name, arguments: Arguments::Special(special), gives, action: Action::Special, weight }
}

/// Every operation (protocol 10.2), by code.
#[rustfmt::skip]
pub(super) const OPCODES: &[Opcode] = &[
    row(0, "unknown", NONE, BOOL, Action::Unknown),
    row(1, "eq", COMPARABLES, BOOL, Action::Compare(Comparison::Equal)),
    row(2, "ne", COMPARABLES, BOOL, Action::Compare(Comparison::NotEqual)),
    row(3, "gt", COMPARABLES, BOOL, Action::Compare(Comparison::Greater)),
    row(4, "ge", COMPARABLES, BOOL, Action::Compare(Comparison::GreaterOrEqual)),
    row(5, "lt", COMPARABLES, BOOL, Action::Compare(Comparison::Less)),
    row(6, "le", COMPARABLES, BOOL, Action::Compare(Comparison::LessOrEqual)),
    special(7, "cmp_regex", Special::Regex, BOOL, 80),
    row(8, "cmp_geo", Arguments::Exactly(&[W::Is(T::GeoJson), W::Is(T::GeoJson)]), BOOL, Action::CompareGeo),
    row(9, "in_list", Arguments::Exactly(&[W::Any, W::Is(T::List)]), BOOL, Action::InList),
    row(16, "and", BOOLS, BOOL, Action::Logic(Logic::And)),
    row(17, "or", BOOLS, BOOL, Action::Logic(Logic::Or)),
    row(18, "not", Arguments::Exactly(&[W::Is(T::Bool)]), BOOL, Action::Logic(Logic::Not)),
    row(19, "exclusive", BOOLS, BOOL, Action::Logic(Logic::Exclusive)),
    row(20, "add", NUMBERS, SAME, Action::Fold(Fold::Add)),
    row(21, "sub", NUMBERS, SAME, Action::Fold(Fold::Subtract)),
    row(22, "mul", NUMBERS, SAME, Action::Fold(Fold::Multiply)),
    row(23, "div", NUMBERS, SAME, Action::Fold(Fold::Divide)),
    row(24, "pow", TWO_FLOATS, DOUBLE, Action::Function(Function::Power)),
    row(25, "log", TWO_FLOATS, DOUBLE, Action::Function(Function::Logarithm)),
    row(26, "mod", TWO_INTEGERS, INT, Action::Function(Function::Modulo)),
    row(27, "abs", Arguments::Exactly(&[W::Numbers]), SAME, Action::Function(Function::Absolute)),
    row(28, "floor", FLOAT, DOUBLE, Action::Function(Function::Floor)),
    row(29, "ceil", FLOAT, DOUBLE, Action::Function(Function::Ceiling)),
    row(30, "to_int", FLOAT, INT, Action::Function(Function::ToInteger)),
    row(31, "to_float", INTEGER, DOUBLE, Action::Function(Function::ToFloat)),
    row(32, "int_and", INTEGERS, INT, Action::Fold(Fold::And)),
    row(33, "int_or", INTEGERS, INT, Action::Fold(Fold::Or)),
    row(34, "int_xor", INTEGERS, INT, Action::Fold(Fold::Xor)),
    row(35, "int_not", INTEGER, INT, Action::BitNot),
    row(36, "int_lshift", TWO_INTEGERS, INT, Action::Shift(Shift::Left)),
    row(37, "int_rshift", TWO_INTEGERS, INT, Action::Shift(Shift::Right)),
    row(38, "int_arshift", TWO_INTEGERS, INT, Action::Shift(Shift::RightSigned)),
    row(39, "int_count", INTEGER, INT, Action::BitCount),
    row(40, "int_lscan", INTEGER_AND_BOOL, INT, Action::BitScan(BitScan::Left)),
    row(41, "int_rscan", INTEGER_AND_BOOL, INT, Action::BitScan(BitScan::Right)),
    row(50, "min", NUMBERS, SAME, Action::Fold(Fold::Least)),
    row(51, "max", NUMBERS, SAME, Action::Fold(Fold::Greatest)),
    special(64, "digest_modulo", Special::DigestModulo, INT, 12),
    row(65, "device_size", NONE, INT, Action::Metadata(Metadata::DeviceSize)),
    row(66, "last_update", NONE, INT, Action::Metadata(Metadata::LastUpdate)),
    row(67, "since_update", NONE, INT, Action::Metadata(Metadata::SinceUpdate)),
    row(68, "void_time", NONE, INT, Action::Metadata(Metadata::VoidTime)),
    row(69, "ttl", NONE, INT, Action::Metadata(Metadata::Ttl)),
    row(70, "set_name", NONE, Gives::Is(T::String), Action::Metadata(Metadata::SetName)),
    row(71, "key_exists", NONE, BOOL, Action::Metadata(Metadata::KeyExists)),
    row(72, "is_tombstone", NONE, BOOL, Action::Metadata(Metadata::IsTombstone)),
    row(73, "memory_size", NONE, INT, Action::Metadata(Metadata::MemorySize)),
    row(74, "record_size", NONE, INT, Action::Metadata(Metadata::RecordSize)),
    special(80, "key", Special::Key, SAME, 12),
    special(81, "bin", Special::Bin, SAME, 24),
    special(82, "bin_type", Special::BinType, INT, 24),
    row(100, "result_remove", NONE, Gives::Is(T::Remove), Action::ResultRemove),
    row(101, "map_keys", Arguments::Exactly(&[W::Any]), Gives::Is(T::List), Action::MapKeys),
    row(102, "map_values", Arguments::Exactly(&[W::Any]), Gives::Is(T::List), Action::MapValues),
    special(122, "var_builtin", Special::Builtin, SAME, 16),
    special(123, "cond", Special::Cond, SAME, 12),
    special(124, "var", Special::Var, SAME, 16),
    special(125, "let", Special::Let, SAME, 20),
    special(126, "quote", Special::Quote, Gives::Is(T::List), 24),
    special(127, "call", Special::Call, SAME, 344),
];

/// Codes are below this.
const CODES: usize = 128;

/// Place of each code in [`OPCODES`], one more than the index; 0 for codes that mean nothing.
const PLACES: [u8; CODES] = {
    let mut places = [0; CODES];
    let mut i = 0;
    while i < OPCODES.len() {
        places[OPCODES[i].code as usize] = i as u8 + 1;
        i += 1;
    }
    places
};

/// The row of a code.
pub(super) fn find(code: u64) -> Option<&'static Opcode> {
    let place = *PLACES.get(usize::try_from(code).ok()?)?;
    OPCODES.get(usize::from(place).checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_codes() {
        assert!(OPCODES.windows(2).all(|pair| pair[0].code < pair[1].code));
        for row in OPCODES {
            assert_eq!(find(row.code.into()).unwrap().name, row.name);
        }
        assert!(find(10).is_none() && find(128).is_none() && find(u64::MAX).is_none());
    }
}
