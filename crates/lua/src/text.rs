//! The functions of Lua's string library that look for patterns or repeat text.

use std::ops::ControlFlow;
use std::sync::Arc;

use mlua::{Lua, LuaString, MultiValue, Table, Value};

use crate::args::{Args, Fault, Outcome, add};
use crate::limits::{MAX_MEMORY, Watch};
use crate::pattern::{Capture, Matcher, Stop};

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Malformed(text) => Self::Said(text),
            Stop::Ended => Self::Lua(mlua::Error::RuntimeError("UDF Execution Timeout".to_owned())),
        }
    }
}

/// Where a search starts, from 0: places count from 1, or from the end when they are negative.
fn start(init: i64, len: usize) -> usize {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let from = match init {
        1.. => init - 1,
        0 => 0,
        _ => (len + init.max(-len)).max(0),
    };
    usize::try_from(from).unwrap_or(usize::MAX)
}

fn capture(lua: &Lua, text: &[u8], capture: Capture) -> mlua::Result<Value> {
    Ok(match capture {
        Capture::Text(from, to) => Value::String(lua.create_string(text.get(from..to).unwrap_or_default())?),
        Capture::Place(place) => Value::Integer(place as i64 + 1),
    })
}

/// A pattern without its anchor, and whether it had one.
fn unanchored(pattern: &[u8]) -> (&[u8], bool) {
    pattern.strip_prefix(b"^").map_or((pattern, false), |rest| (rest, true))
}

/// Looks for the first match from a place on.
fn search(matcher: &mut Matcher<'_>, len: usize, from: usize, anchored: bool) -> Outcome<Option<(usize, usize)>> {
    let mut place = from;
    while place <= len {
        if let Some(end) = matcher.at(place)? {
            return Ok(Some((place, end)));
        }
        if anchored {
            break;
        }
        place += 1;
    }
    Ok(None)
}

/// `find` and `match`: the places of the match come first in the former.
fn find(lua: &Lua, args: &Args<'_>, watch: &Watch, wants_places: bool) -> Outcome<MultiValue> {
    let none = || MultiValue::from_vec(vec![Value::Nil]);
    let (text, pattern) = (args.text(lua, 1)?, args.text(lua, 2)?);
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let from = start(args.optional_integer(3)?.unwrap_or(1), text.len());
    if from > text.len() {
        return Ok(none());
    }
    let is_plain = !matches!(args.get(4), Value::Nil | Value::Boolean(false));
    let places = |from: usize, to: usize| [Value::Integer(from as i64 + 1), Value::Integer(to as i64)];
    if wants_places && (is_plain || !pattern.iter().any(|byte| b"^$*+?.([%-".contains(byte))) {
        let behind = text.get(from..).unwrap_or_default();
        let found = memchr::memmem::find(behind, &pattern).map(|at| from + at);
        return Ok(found.map_or_else(none, |at| places(at, at + pattern.len()).into_iter().collect()));
    }
    let (pattern, anchored) = unanchored(&pattern);
    let mut matcher = Matcher::new(&text, pattern, watch);
    let Some((at, end)) = search(&mut matcher, text.len(), from, anchored)? else { return Ok(none()) };
    let mut values = if wants_places { places(at, end).to_vec() } else { Vec::new() };
    for found in matcher.captures((!wants_places).then_some((at, end)))? {
        values.push(capture(lua, &text, found)?);
    }
    Ok(MultiValue::from_vec(values))
}

/// One match for `gmatch` and `gsub`: where it starts, where the next search does, what was captured. A match that ends
/// where the last one did is none.
fn scan(lua: &Lua, args: &Args<'_>, watch: &Watch) -> Outcome<MultiValue> {
    let (text, pattern) = (args.text(lua, 1)?, args.text(lua, 2)?);
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let last = usize::try_from(args.integer(4)? - 1).ok();
    // an anchor means something to `gsub` alone
    let takes_anchor = matches!(args.get(5), Value::Boolean(true));
    let (pattern, anchored) = if takes_anchor { unanchored(&pattern) } else { (&*pattern, false) };
    let mut matcher = Matcher::new(&text, pattern, watch);
    let mut place = usize::try_from(args.integer(3)? - 1).unwrap_or(usize::MAX);
    while place <= text.len() {
        if let Some(end) = matcher.at(place)?.filter(|end| Some(*end) != last) {
            let mut values = vec![Value::Integer(place as i64 + 1), Value::Integer(end as i64 + 1)];
            for found in matcher.captures(Some((place, end)))? {
                values.push(capture(lua, &text, found)?);
            }
            return Ok(MultiValue::from_vec(values));
        }
        if anchored {
            break;
        }
        place += 1;
    }
    Ok(MultiValue::from_vec(vec![Value::Nil]))
}

/// Appends a replacement, with `%0` to `%9` filled in.
fn replace(
    out: &mut Vec<u8>,
    replacement: &[u8],
    text: &[u8],
    whole: (usize, usize),
    captures: &[Capture],
) -> Outcome<()> {
    let mut rest = replacement.iter();
    while let Some(byte) = rest.next() {
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        match rest.next() {
            Some(b'%') => out.push(b'%'),
            Some(b'0') => out.extend_from_slice(text.get(whole.0..whole.1).unwrap_or_default()),
            Some(digit @ b'1'..=b'9') => match captures.get(usize::from(digit - b'1')) {
                Some(Capture::Text(from, to)) => out.extend_from_slice(text.get(*from..*to).unwrap_or_default()),
                Some(Capture::Place(place)) => out.extend_from_slice((place + 1).to_string().as_bytes()),
                None => {
                    let text = format!("invalid capture index %{}", char::from(*digit));
                    return Err(Fault::Said(text));
                }
            },
            _ => return Err(Fault::Said("invalid use of '%' in replacement string".to_owned())),
        }
    }
    Ok(())
}

/// `gsub` with a text to put in.
fn substitute(lua: &Lua, args: &Args<'_>, watch: &Watch) -> Outcome<(LuaString, i64)> {
    let (text, pattern, replacement) = (args.text(lua, 1)?, args.text(lua, 2)?, args.text(lua, 3)?);
    let (text, pattern, replacement) = (text.as_bytes(), pattern.as_bytes(), replacement.as_bytes());
    let most = args.optional_integer(4)?.unwrap_or(i64::MAX);
    let (pattern, anchored) = unanchored(&pattern);
    let mut matcher = Matcher::new(&text, pattern, watch);
    let (mut out, mut count, mut place, mut last) = (Vec::new(), 0, 0, None);
    while count < most {
        let step = match matcher.at(place)?.filter(|end| Some(*end) != last) {
            Some(end) => {
                let captures = matcher.captures(Some((place, end)))?;
                replace(&mut out, &replacement, &text, (place, end), &captures)?;
                count += 1;
                (place, last) = (end, Some(end));
                ControlFlow::Continue(())
            }
            None => match text.get(place) {
                Some(byte) => {
                    out.push(*byte);
                    place += 1;
                    ControlFlow::Continue(())
                }
                None => ControlFlow::Break(()),
            },
        };
        if out.len() > MAX_MEMORY {
            watch.exhaust();
            return Err(Fault::Said("not enough memory".to_owned()));
        }
        if anchored || step.is_break() {
            break;
        }
    }
    out.extend_from_slice(text.get(place..).unwrap_or_default());
    Ok((lua.create_string(out)?, count))
}

fn repeat(lua: &Lua, args: &Args<'_>) -> Outcome<LuaString> {
    let (text, count) = (args.text(lua, 1)?, args.integer(2)?);
    let separator = args.optional_text(lua, 3)?;
    let separator = separator.as_ref().map(LuaString::as_bytes);
    let separator: &[u8] = separator.as_deref().unwrap_or_default();
    let count = usize::try_from(count).unwrap_or(0);
    let (text, unit) = (text.as_bytes(), text.as_bytes().len() + separator.len());
    if unit == 0 || count == 0 {
        return Ok(lua.create_string("")?);
    }
    let size = unit.checked_mul(count).filter(|size| *size <= MAX_MEMORY);
    let Some(size) = size else { return Err(Fault::Said("resulting string too large".to_owned())) };
    let mut out = Vec::with_capacity(size);
    for i in 0..count {
        out.extend_from_slice(if i > 0 { separator } else { &[] });
        out.extend_from_slice(&text);
    }
    Ok(lua.create_string(out)?)
}

/// Adds the functions on text.
pub(crate) fn install(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    let own = Arc::clone(watch);
    add(lua, host, watch, "find", move |lua, args| find(lua, args, &own, true))?;
    let own = Arc::clone(watch);
    add(lua, host, watch, "match", move |lua, args| find(lua, args, &own, false))?;
    let own = Arc::clone(watch);
    add(lua, host, watch, "scan", move |lua, args| scan(lua, args, &own))?;
    let own = Arc::clone(watch);
    add(lua, host, watch, "substitute", move |lua, args| substitute(lua, args, &own))?;
    add(lua, host, watch, "rep", repeat)?;
    add(lua, host, watch, "start", |lua, args| {
        Ok(start(args.optional_integer(2)?.unwrap_or(1), args.text(lua, 1)?.as_bytes().len()) + 1)
    })?;
    add(lua, host, watch, "text", |lua, args| {
        let place = args.integer(2)?;
        match args.text(lua, 1) {
            Err(Fault::Argument(_, text)) => Err(Fault::Argument(usize::try_from(place).unwrap_or(1), text)),
            other => other,
        }
    })
}
