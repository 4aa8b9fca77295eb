//! An expression in words, as the real server tells of one in lists of indexes. Values are told by their kind and size.
//!
//! It is walked as it was packed, and has been parsed before: what cannot be told ends the text.

use std::fmt::Write as _;

use super::opcodes::{self, Special};
use super::types::Type;
use crate::cdt::value::{Element, Head, as_integer, head, take_element, take_head};

const CONTEXT: i64 = 0xff;
const SELECT: i64 = 0xfe;
const MODIFIES: i64 = 0x40;
/// An HLL among bytes.
const HLL: u8 = 18;
const BLOB: u8 = 4;

/// List and map operations by code. The real server has no names for the oldest ones.
#[rustfmt::skip]
const COLLECTIONS: &[(i64, &str)] = &[
    (1, "list_append"), (2, "list_append_items"), (3, "list_insert"), (4, "list_insert_items"), (9, "list_set"), (11, "list_clear"),
    (12, "list_increment"), (13, "list_sort"), (16, "list_size"), (19, "list_get_by_index"), (20, "list_get_by_value"),
    (21, "list_get_by_rank"), (23, "list_get_by_value_list"), (24, "list_get_by_index_range"), (25, "list_get_by_value_range"),
    (26, "list_get_by_rank_range"), (27, "list_get_by_rel_rank_range"), (32, "list_remove_by_index"), (34, "list_remove_by_rank"),
    (35, "list_remove_by_value"), (36, "list_remove_by_value_list"), (37, "list_remove_by_index_range"),
    (38, "list_remove_by_value_range"), (39, "list_remove_by_rank_range"), (40, "list_remove_by_rel_rank_range"), (67, "map_put"),
    (68, "map_put_items"), (73, "map_increment"), (75, "map_clear"), (76, "map_remove_by_key"), (77, "map_remove_by_index"),
    (78, "map_remove_by_value"), (79, "map_remove_by_rank"), (81, "map_remove_by_key_list"), (83, "map_remove_by_value_list"),
    (84, "map_remove_by_key_range"), (85, "map_remove_by_index_range"), (86, "map_remove_by_value_range"),
    (87, "map_remove_by_rank_range"), (88, "map_remove_by_rel_index_range"), (89, "map_remove_by_rel_rank_range"), (96, "map_size"),
    (97, "map_get_by_key"), (98, "map_get_by_index"), (100, "map_get_by_rank"), (102, "map_get_by_value"), (103, "map_get_by_key_range"),
    (104, "map_get_by_index_range"), (105, "map_get_by_value_range"), (106, "map_get_by_rank_range"), (107, "map_get_by_key_list"),
    (108, "map_get_by_value_list"), (109, "map_get_by_rel_index_range"), (110, "map_get_by_rel_rank_range"), (254, "select"),
];

#[rustfmt::skip]
const BITS: &[(i64, &str)] = &[
    (0, "bit_resize"), (1, "bit_insert"), (2, "bit_remove"), (3, "bit_set"), (4, "bit_or"), (5, "bit_xor"), (6, "bit_and"), (7, "bit_not"),
    (8, "bit_lshift"), (9, "bit_rshift"), (10, "bit_add"), (11, "bit_subtract"), (12, "bit_set_int"), (50, "bit_get"), (51, "bit_count"),
    (52, "bit_lscan"), (53, "bit_rscan"), (54, "bit_get_int"),
];

#[rustfmt::skip]
const SKETCHES: &[(i64, &str)] = &[
    (0, "hll_init"), (1, "hll_add"), (2, "hll_set_union"), (3, "hll_refresh_count"), (4, "hll_fold"), (50, "hll_get_count"),
    (51, "hll_get_union"), (52, "hll_get_union_count"), (53, "hll_get_intersect_count"), (54, "hll_get_similarity"), (55, "hll_describe"),
    (56, "hll_may_contain"),
];

/// Codes of operations that change a bit field or a sketch are below this.
const READS_FROM: i64 = 50;

/// An expression.
pub(crate) fn expression(packed: &[u8]) -> String {
    let mut teller = Teller { rest: packed, out: String::new(), variables: Vec::new() };
    let _ = teller.next(); // what was told until then stands
    teller.out
}

/// A context, with the bracket too many that the real server writes.
pub(crate) fn context(packed: &[u8]) -> String {
    let mut out = String::new();
    let _ = steps(&mut &*packed, &mut out); // was checked when the index was made
    out
}

/// Bytes after which a part of a description is cut off, as a real server cuts it.
const MAX_PART: usize = 100;

/// Steps of a context; `None` when they cannot be told.
fn steps(packed: &mut &[u8], out: &mut String) -> Option<()> {
    const INTO_LIST: i64 = 0x10;
    const INTO_MAP: i64 = 0x20;
    let name = |kind: i64| match kind & 0x0f {
        0 => Some("index"),
        1 => Some("rank"),
        2 => Some("key"),
        3 => Some("value"),
        4 => Some("exp"),
        8 => Some("index_list"),
        9 => Some("rank_list"),
        10 => Some("key_list"),
        11 => Some("value_list"),
        _ => None,
    };
    out.push_str("[[");
    let Some(Head::List(count)) = take_head(packed) else { return None };
    for i in 0..count / 2 {
        let kind = take_element(packed).and_then(as_integer)?;
        let inside = if kind & INTO_LIST != 0 {
            "list_"
        } else if kind & INTO_MAP != 0 {
            "map_"
        } else {
            ""
        };
        out.push_str(if i == 0 { "" } else { ", " });
        let value = format!("({})", step_value(take_element(packed)?)?);
        let _ = write!(out, "{inside}{}{}", name(kind)?, value.get(..MAX_PART).unwrap_or(&value));
    }
    out.push(']');
    Some(())
}

/// What a step is to find.
fn step_value(value: Element<'_>) -> Option<String> {
    Some(match head(value)? {
        Head::Nil => "nil".to_owned(),
        Head::List(n) => format!("<list#{n}>"),
        Head::Map(n) => format!("<map#{n}>"),
        Head::Ext(0xff, [0]) => "*".to_owned(),
        Head::Ext(0xff, [1]) => "inf".to_owned(),
        Head::Ext(_, data) => format!("<ext#{}>", data.len()),
        Head::String([]) => "<blob#_>".to_owned(),
        Head::String([kind, rest @ ..]) => match kind {
            3 => format!("<string#{}>", rest.len()),
            0x17 => format!("<geojson#{}>", rest.len()),
            &BLOB => format!("<blob#{}>", rest.len()),
            other => format!("<blob{other}#{}>", rest.len()),
        },
        other => number(&other)?,
    })
}

fn number(head: &Head<'_>) -> Option<String> {
    Some(match *head {
        Head::Bool(b) => b.to_string(),
        Head::Integer(n) => n.to_string(),
        Head::Unsigned(n) => (n as i64).to_string(),
        Head::Float32(x) => float(x.into()),
        Head::Float(x) => float(x),
        _ => return None,
    })
}

/// A number with six digits after the point, as C writes it.
fn float(x: f64) -> String {
    if x.is_nan() { if x.is_sign_negative() { "-nan" } else { "nan" }.to_owned() } else { format!("{x:.6}") }
}

/// Tells an expression from front to back.
struct Teller<'e> {
    rest: &'e [u8],
    out: String,
    variables: Vec<&'e [u8]>,
}

impl<'e> Teller<'e> {
    fn next(&mut self) -> Option<()> {
        let Head::List(count) = head(self.rest)? else { return self.literal() };
        take_head(&mut self.rest)?;
        let opcode = self.integer().and_then(|code| opcodes::find(code as u64))?;
        let opcodes::Arguments::Special(special) = opcode.arguments else {
            self.open(opcode.name);
            self.list(count - 1)?;
            self.out.push(')');
            return Some(());
        };
        self.special(special, opcode.name, count - 1)
    }

    fn special(&mut self, special: Special, name: &str, given: usize) -> Option<()> {
        match special {
            Special::Quote => {
                let Head::List(n) = head(take_element(&mut self.rest)?)? else { return None };
                self.write(format_args!("<list#{n}>"));
                return Some(());
            }
            Special::Bin => {
                let kind = type_name(self.integer()?)?;
                let bin = self.text()?;
                self.write(format_args!("{name}_{kind}(\"{}\")", String::from_utf8_lossy(bin)));
                return Some(());
            }
            Special::Call => return self.call(),
            _ => self.open(name),
        }
        match special {
            Special::Regex => {
                let flags = self.integer()? as u32;
                let size = self.text()?.len();
                self.write(format_args!("<string#{size}>, {flags}, "));
                self.next()?;
            }
            Special::DigestModulo => {
                let divisor = self.integer()? as u32;
                self.write(format_args!("{divisor}"));
            }
            // the type of the key is not told
            Special::Key => self.integer().map(|_| ())?,
            Special::BinType => {
                let bin = self.text()?;
                self.write(format_args!("\"{}\"", String::from_utf8_lossy(bin)));
            }
            Special::Builtin => {
                self.integer()?;
                let which = self.integer()?;
                self.write(format_args!("{which}"));
            }
            Special::Cond => self.list(given)?,
            Special::Var => {
                let name = self.text()?;
                let place = self.variables.iter().rposition(|known| *known == name)?;
                self.write(format_args!("\"var_{place}\""));
            }
            Special::Let => {
                let outer = self.variables.len();
                for _ in 0..given / 2 {
                    let name = self.text()?;
                    let place = self.variables.len();
                    self.write(format_args!("def(var_{place}, "));
                    self.variables.push(name);
                    self.next()?;
                    self.out.push_str("), ");
                }
                self.next()?;
                self.variables.truncate(outer);
            }
            Special::Quote | Special::Bin | Special::Call => return None,
        }
        self.out.push(')');
        Some(())
    }

    /// An operation on a list, a map, a blob or a sketch.
    fn call(&mut self) -> Option<()> {
        self.integer()?;
        let system = self.integer()?;
        let modifies = system & MODIFIES != 0;
        let Head::List(mut given) = take_head(&mut self.rest)? else { return None };
        let mut code = self.integer()?;
        match system & !MODIFIES {
            0 if code == CONTEXT => {
                let mut context = take_element(&mut self.rest)?;
                let Head::List(inner) = take_head(&mut self.rest)? else { return None };
                given = inner;
                code = self.integer()?;
                self.open(named(COLLECTIONS, code).unwrap_or("INVALID_CDT_OP"));
                let _ = steps(&mut context, &mut self.out); // one that leads nowhere is told as far as it goes
                self.out.push_str(", ");
            }
            0 if code == SELECT => {
                self.open("select");
                let _ = steps(&mut take_element(&mut self.rest)?, &mut self.out);
                let flags = self.integer()? as u32;
                self.write(format_args!(", {flags:#x}, "));
                if given > 3 {
                    let size = take_element(&mut self.rest)?.len();
                    self.write(format_args!("<mod_exp/{size}>, "));
                }
                given = 1;
            }
            0 => {
                self.open(named(COLLECTIONS, code).unwrap_or("INVALID_CDT_OP"));
                self.out.push_str("NULL, ");
            }
            other => {
                let table = if other == 1 { BITS } else { SKETCHES };
                let name = named(table, code).filter(|_| modifies == (code < READS_FROM));
                self.open(name.unwrap_or("INVALID_BITS_OP"));
            }
        }
        for _ in 1..given {
            self.argument()?;
            self.out.push_str(", ");
        }
        self.next()?;
        self.out.push(')');
        Some(())
    }

    /// An argument of a call: every list is an expression.
    fn argument(&mut self) -> Option<()> {
        if matches!(head(self.rest)?, Head::List(_)) {
            return self.next();
        }
        // numbers of kinds of values as the real server counts them
        const MAP: u8 = 8;
        const EXTENSION: u8 = 12;
        const WILDCARD: u8 = 13;
        const INFINITY: u8 = 14;
        let text = match head(take_element(&mut self.rest)?)? {
            Head::Map(_) => format!("<msgpack/{MAP}>"),
            Head::Ext(0xff, [0]) => format!("<msgpack/{WILDCARD}>"),
            Head::Ext(0xff, [1]) => format!("<msgpack/{INFINITY}>"),
            Head::Ext(..) => format!("<msgpack/{EXTENSION}>"),
            other => value(&other)?,
        };
        self.out.push_str(&text);
        Some(())
    }

    fn literal(&mut self) -> Option<()> {
        let element = take_element(&mut self.rest)?;
        let text = match head(element)? {
            Head::Map(n) => format!("<map#{n}>"),
            Head::Ext(..) => format!("<ext#{}>", element.len()),
            other => value(&other)?,
        };
        self.out.push_str(&text);
        Some(())
    }

    /// Expressions, one after another.
    fn list(&mut self, count: usize) -> Option<()> {
        for i in 0..count {
            self.out.push_str(if i == 0 { "" } else { ", " });
            self.next()?;
        }
        Some(())
    }

    fn open(&mut self, name: &str) {
        self.out.push_str(name);
        self.out.push('(');
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(text); // writing to a string cannot fail
    }

    fn integer(&mut self) -> Option<i64> {
        take_element(&mut self.rest).and_then(as_integer)
    }

    fn text(&mut self) -> Option<&'e [u8]> {
        match take_head(&mut self.rest)? {
            Head::String(text) => Some(text),
            _ => None,
        }
    }
}

fn value(head: &Head<'_>) -> Option<String> {
    Some(match head {
        Head::Nil => "nil".to_owned(),
        Head::String([]) => "<blob#_>".to_owned(),
        Head::String([kind, rest @ ..]) => match *kind {
            3 => format!("<string#{}>", rest.len()),
            0x17 => format!("<geojson#{}>", rest.len()),
            HLL => format!("<hll#{}>", rest.len()),
            _ => format!("<blob#{}>", rest.len()),
        },
        other => number(other)?,
    })
}

fn named(table: &[(i64, &'static str)], code: i64) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

fn type_name(number: i64) -> Option<&'static str> {
    Some(match Type::from_number(number as u64)? {
        Type::Nil => "nil",
        Type::Bool => "bool",
        Type::Integer => "int",
        Type::String => "str",
        Type::List => "list",
        Type::Map => "map",
        Type::Blob => "blob",
        Type::Float => "float",
        Type::GeoJson => "geojson",
        Type::Hll => "hll",
        Type::Remove | Type::Extension => return None,
    })
}
