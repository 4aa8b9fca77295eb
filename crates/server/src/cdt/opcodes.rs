//! The table of list and map operations: code, name, arguments and what runs. Everything else about an operation
//! follows from its row.

use aerospike_wire::ResultCode;
use bytes::BytesMut;

use super::call::{Args, Origin, Outcome, Parameter, Parameter as P};
use super::collection::{List, Map};
use super::context::Target;
use super::list::{self, ListOperation};
use super::map::{self, MapOperation};
use super::select::{Pick, Take};
use super::value::Element;
use super::{list_select, map_select};

/// What runs.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    List(ListOperation),
    ListBy(Pick, Take),
    Map(MapOperation),
    MapBy(Pick, Take),
}

/// What happens when there is no collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing, and the answer is empty.
    Nothing,
    /// An empty collection is worked on.
    Create,
    /// The operation fails.
    Fail(ResultCode),
    /// The operation fails where there is no bin either.
    NoBin(ResultCode),
}

/// One row of the table.
pub(crate) struct Operation {
    pub(crate) code: i64,
    /// The operation's name, for those who read a table of operations.
    #[allow(dead_code)]
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    pub(crate) modifies: bool,
    pub(crate) missing: Missing,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) required: usize,
}

macro_rules! operations {
    ($($code:literal $name:ident $run:expr, $modifies:ident $missing:expr, [$($required:expr),*] [$($optional:expr),*];)*) => {
        /// Every list and map operation, by code.
        pub(crate) static OPERATIONS: &[Operation] = &[$(Operation {
            code: $code,
            name: stringify!($name),
            run: $run,
            modifies: operations!(@$modifies),
            missing: $missing,
            parameters: &[$($required,)* $($optional,)*],
            required: (&[$($required),*] as &[Parameter]).len(),
        },)*];
    };
    (@reads) => { false };
    (@modifies) => { true };
}

use Missing::{Create, Nothing};
use Run::{List as L, ListBy, Map as M, MapBy};
use Take::{Get, Remove};
const NO_LIST: Missing = Missing::NoBin(ResultCode::INCOMPATIBLE_TYPE);
const NO_ELEMENT: Missing = Missing::Fail(ResultCode::ELEMENT_NOT_FOUND);

operations! {
    0 SET_TYPE L(list::set_type), modifies Create, [P::Order] [];
    1 APPEND L(list::append), modifies Create, [P::Value] [P::Order, P::Flags];
    2 APPEND_ITEMS L(list::append_items), modifies Create, [P::Values] [P::Order, P::Flags];
    3 INSERT L(list::insert), modifies Create, [P::Index, P::Value] [P::Flags];
    4 INSERT_ITEMS L(list::insert_items), modifies Create, [P::Index, P::Values] [P::Flags];
    5 POP L(list::pop), modifies Nothing, [P::Index] [];
    6 POP_RANGE L(list::pop_range), modifies Nothing, [P::Index] [P::Count];
    7 REMOVE L(list::remove), modifies Nothing, [P::Index] [];
    8 REMOVE_RANGE L(list::remove_range), modifies Nothing, [P::Index] [P::Count];
    9 SET L(list::set), modifies Create, [P::Index, P::Value] [P::Flags];
    10 TRIM L(list::trim), modifies Nothing, [P::Index, P::Count] [];
    11 CLEAR L(list::clear), modifies Nothing, [] [];
    12 INCREMENT L(list::increment), modifies Create, [P::Index] [P::Delta, P::Order, P::Flags];
    13 SORT L(list::sort), modifies NO_LIST, [] [P::Flags];
    16 SIZE L(list::length), reads Nothing, [] [];
    17 GET L(list::get), reads Nothing, [P::Index] [];
    18 GET_RANGE L(list::get_range), reads Nothing, [P::Index] [P::Count];
    19 GET_BY_INDEX ListBy(Pick::Index, Get), reads Nothing, [P::ReturnType, P::Index] [];
    20 GET_BY_VALUE ListBy(Pick::Value, Get), reads Nothing, [P::ReturnType, P::Match] [];
    21 GET_BY_RANK ListBy(Pick::Rank, Get), reads Nothing, [P::ReturnType, P::Rank] [];
    22 GET_ALL_BY_VALUE ListBy(Pick::AllByValue, Get), reads Nothing, [P::ReturnType, P::Match] [];
    23 GET_ALL_BY_VALUE_LIST ListBy(Pick::ValueList, Get), reads Nothing, [P::ReturnType, P::Matches] [];
    24 GET_BY_INDEX_RANGE ListBy(Pick::IndexRange, Get), reads Nothing, [P::ReturnType, P::Index] [P::Count];
    25 GET_BY_VALUE_INTERVAL ListBy(Pick::ValueInterval, Get), reads Nothing, [P::ReturnType, P::Match] [P::Match];
    26 GET_BY_RANK_RANGE ListBy(Pick::RankRange, Get), reads Nothing, [P::ReturnType, P::Rank] [P::Count];
    27 GET_BY_VALUE_REL_RANK_RANGE ListBy(Pick::ValueRelRankRange, Get), reads Nothing, [P::ReturnType, P::Match, P::Rank] [P::Count];
    32 REMOVE_BY_INDEX ListBy(Pick::Index, Remove), modifies Nothing, [P::ReturnType, P::Index] [];
    33 REMOVE_BY_VALUE ListBy(Pick::Value, Remove), modifies Nothing, [P::ReturnType, P::Match] [];
    34 REMOVE_BY_RANK ListBy(Pick::Rank, Remove), modifies Nothing, [P::ReturnType, P::Rank] [];
    35 REMOVE_ALL_BY_VALUE ListBy(Pick::AllByValue, Remove), modifies Nothing, [P::ReturnType, P::Match] [];
    36 REMOVE_ALL_BY_VALUE_LIST ListBy(Pick::ValueList, Remove), modifies Nothing, [P::ReturnType, P::Matches] [];
    37 REMOVE_BY_INDEX_RANGE ListBy(Pick::IndexRange, Remove), modifies Nothing, [P::ReturnType, P::Index] [P::Count];
    38 REMOVE_BY_VALUE_INTERVAL ListBy(Pick::ValueInterval, Remove), modifies Nothing, [P::ReturnType, P::Match] [P::Match];
    39 REMOVE_BY_RANK_RANGE ListBy(Pick::RankRange, Remove), modifies Nothing, [P::ReturnType, P::Rank] [P::Count];
    40 REMOVE_BY_VALUE_REL_RANK_RANGE ListBy(Pick::ValueRelRankRange, Remove), modifies Nothing, [P::ReturnType, P::Match, P::Rank] [P::Count];

    64 SET_TYPE M(map::set_type), modifies Create, [P::Order] [];
    65 ADD M(map::add), modifies Create, [P::Key, P::Value] [P::Order];
    66 ADD_ITEMS M(map::add_items), modifies Create, [P::Pairs] [P::Order];
    67 PUT M(map::put), modifies Create, [P::Key, P::Value] [P::Order, P::Flags];
    68 PUT_ITEMS M(map::put_items), modifies Create, [P::Pairs] [P::Order, P::Flags];
    69 REPLACE M(map::replace), modifies Create, [P::Key, P::Value] [];
    70 REPLACE_ITEMS M(map::replace_items), modifies NO_ELEMENT, [P::Pairs] [];
    73 INCREMENT M(map::increment), modifies Create, [P::Key] [P::Delta, P::Order];
    74 DECREMENT M(map::decrement), modifies Create, [P::Key] [P::Delta, P::Order];
    75 CLEAR M(map::clear), modifies Nothing, [] [];
    76 REMOVE_BY_KEY MapBy(Pick::Key, Remove), modifies Nothing, [P::ReturnType, P::Match] [];
    77 REMOVE_BY_INDEX MapBy(Pick::Index, Remove), modifies Nothing, [P::ReturnType, P::Index] [];
    78 REMOVE_BY_VALUE MapBy(Pick::Value, Remove), modifies Nothing, [P::ReturnType, P::Match] [];
    79 REMOVE_BY_RANK MapBy(Pick::Rank, Remove), modifies Nothing, [P::ReturnType, P::Rank] [];
    81 REMOVE_BY_KEY_LIST MapBy(Pick::KeyList, Remove), modifies Nothing, [P::ReturnType, P::Matches] [];
    82 REMOVE_ALL_BY_VALUE MapBy(Pick::AllByValue, Remove), modifies Nothing, [P::ReturnType, P::Match] [];
    83 REMOVE_BY_VALUE_LIST MapBy(Pick::ValueList, Remove), modifies Nothing, [P::ReturnType, P::Matches] [];
    84 REMOVE_BY_KEY_INTERVAL MapBy(Pick::KeyInterval, Remove), modifies Nothing, [P::ReturnType, P::Match] [P::Match];
    85 REMOVE_BY_INDEX_RANGE MapBy(Pick::IndexRange, Remove), modifies Nothing, [P::ReturnType, P::Index] [P::Count];
    86 REMOVE_BY_VALUE_INTERVAL MapBy(Pick::ValueInterval, Remove), modifies Nothing, [P::ReturnType, P::Match] [P::Match];
    87 REMOVE_BY_RANK_RANGE MapBy(Pick::RankRange, Remove), modifies Nothing, [P::ReturnType, P::Rank] [P::Count];
    88 REMOVE_BY_KEY_REL_INDEX_RANGE MapBy(Pick::KeyRelIndexRange, Remove), modifies Nothing, [P::ReturnType, P::Match, P::Index] [P::Count];
    89 REMOVE_BY_VALUE_REL_RANK_RANGE MapBy(Pick::ValueRelRankRange, Remove), modifies Nothing, [P::ReturnType, P::Match, P::Rank] [P::Count];
    96 SIZE M(map::length), reads Nothing, [] [];
    97 GET_BY_KEY MapBy(Pick::Key, Get), reads Nothing, [P::ReturnType, P::Match] [];
    98 GET_BY_INDEX MapBy(Pick::Index, Get), reads Nothing, [P::ReturnType, P::Index] [];
    99 GET_BY_VALUE MapBy(Pick::Value, Get), reads Nothing, [P::ReturnType, P::Match] [];
    100 GET_BY_RANK MapBy(Pick::Rank, Get), reads Nothing, [P::ReturnType, P::Rank] [];
    102 GET_ALL_BY_VALUE MapBy(Pick::AllByValue, Get), reads Nothing, [P::ReturnType, P::Match] [];
    103 GET_BY_KEY_INTERVAL MapBy(Pick::KeyInterval, Get), reads Nothing, [P::ReturnType, P::Match] [P::Match];
    104 GET_BY_INDEX_RANGE MapBy(Pick::IndexRange, Get), reads Nothing, [P::ReturnType, P::Index] [P::Count];
    105 GET_BY_VALUE_INTERVAL MapBy(Pick::ValueInterval, Get), reads Nothing, [P::ReturnType, P::Match] [P::Match];
    106 GET_BY_RANK_RANGE MapBy(Pick::RankRange, Get), reads Nothing, [P::ReturnType, P::Rank] [P::Count];
    107 GET_BY_KEY_LIST MapBy(Pick::KeyList, Get), reads Nothing, [P::ReturnType, P::Matches] [];
    108 GET_BY_VALUE_LIST MapBy(Pick::ValueList, Get), reads Nothing, [P::ReturnType, P::Matches] [];
    109 GET_BY_KEY_REL_INDEX_RANGE MapBy(Pick::KeyRelIndexRange, Get), reads Nothing, [P::ReturnType, P::Match, P::Index] [P::Count];
    110 GET_BY_VALUE_REL_RANK_RANGE MapBy(Pick::ValueRelRankRange, Get), reads Nothing, [P::ReturnType, P::Match, P::Rank] [P::Count];
}

// an operation is looked up by halving the table: a row out of its place would never be found
const _: () = {
    let mut at = 1;
    while at < OPERATIONS.len() {
        assert!(OPERATIONS[at - 1].code < OPERATIONS[at].code, "rows stand in the order of their codes");
        at += 1;
    }
};

impl Operation {
    /// The operation of a code.
    pub(crate) fn find(code: i64) -> Option<&'static Self> {
        OPERATIONS.binary_search_by_key(&code, |op| op.code).ok().map(|at| &OPERATIONS[at])
    }

    /// Whether the operation is one of maps.
    pub(crate) const fn is_map(&self) -> bool {
        matches!(self.run, Run::Map(_) | Run::MapBy(..))
    }

    /// Runs on a collection, or on the lack of one; `nested` ones are inside others.
    pub(crate) fn run(&self, on: Target<'_>, nested: bool, args: &Args) -> Result<Outcome, ResultCode> {
        const EMPTY_LIST: Element<'static> = &[0x90];
        const EMPTY_MAP: Element<'static> = &[0x80];
        let (on, origin) = match (on, self.missing) {
            (Target::There(on), _) => (on, Origin::Stored),
            (Target::Created { .. }, Missing::Nothing) => return Ok(Outcome::NOTHING),
            (Target::Created { with_bin: true }, Missing::NoBin(code)) => return Err(code),
            (Target::Created { .. }, Missing::Fail(code)) => return Err(code),
            (Target::Created { with_bin }, _) => {
                (if self.is_map() { EMPTY_MAP } else { EMPTY_LIST }, Origin::Created { indexed: with_bin && nested })
            }
        };
        let list = || List::parse(on).ok_or(ResultCode::INCOMPATIBLE_TYPE);
        let map = || Map::parse(on).ok_or(ResultCode::INCOMPATIBLE_TYPE);
        match self.run {
            Run::List(run) => list().and_then(|list| run(list, origin, args.check()?)),
            Run::ListBy(pick, take) => list_select::select(&list()?, pick, take, args.check()?),
            Run::Map(run) => map().and_then(|map| run(map, origin, args.check()?)),
            Run::MapBy(pick, take) => map_select::select(&map()?, pick, take, args.check()?),
        }
    }

    /// An empty collection with the order that the arguments ask for.
    pub(crate) fn empty(&self, args: &Args) -> BytesMut {
        let order = self.parameters.iter().position(|p| *p == P::Order).map_or(0, |at| args.flags(at));
        let origin = Origin::Created { indexed: false };
        if self.is_map() {
            Map::empty(map::order(order, origin)).pack()
        } else {
            List::empty(list::order(order, origin)).pack()
        }
    }
}
