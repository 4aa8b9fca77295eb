//! Values as text, for `tostring`: the forms of a server, `[1, "a"]` and `{"k":1}`.

use mlua::{AnyUserData, Lua, LuaString, Value};

use crate::bytes::Bytes;
use crate::class::{self, Class};
use crate::limits::Steps;
use crate::list;
use crate::map;

/// An object as text.
pub(crate) fn object(lua: &Lua, object: &AnyUserData) -> mlua::Result<Vec<u8>> {
    let mut out = Vec::new();
    match class::of(object) {
        Some(Class::Bytes) if object.borrow::<Bytes>()?.size() == 0 => out.extend_from_slice(b"Bytes()"),
        _ => write_object(lua, object, &mut out, &mut Steps::of(lua), 0)?,
    }
    Ok(out)
}

fn write(lua: &Lua, value: &Value, out: &mut Vec<u8>, steps: &mut Steps, depth: usize) -> mlua::Result<()> {
    steps.count(out.len(), depth)?;
    match value {
        Value::Boolean(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::Integer(n) => out.extend_from_slice(n.to_string().as_bytes()),
        Value::Number(n) => out.extend_from_slice(float(*n).as_bytes()),
        Value::String(text) => quote(&text.as_bytes(), out),
        Value::UserData(object) => write_object(lua, object, out, steps, depth)?,
        _ => out.extend_from_slice(b"NIL"),
    }
    Ok(())
}

fn write_object(
    lua: &Lua,
    object: &AnyUserData,
    out: &mut Vec<u8>,
    steps: &mut Steps,
    depth: usize,
) -> mlua::Result<()> {
    match class::of(object) {
        Some(Class::List) => {
            let (_, items) = list::open(object)?;
            out.push(b'[');
            for i in 1..=list::len(object)? {
                if i > 1 {
                    out.extend_from_slice(b", ");
                }
                write(lua, &items.raw_get(i)?, out, steps, depth + 1)?;
            }
            out.push(b']');
        }
        Some(Class::Map) => {
            out.push(b'{');
            for (i, key) in map::keys(object)?.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                write(lua, &key.show(lua)?, out, steps, depth + 1)?;
                out.push(b':');
                write(lua, &map::get(lua, object, key)?.unwrap_or_default(), out, steps, depth + 1)?;
            }
            out.push(b'}');
        }
        Some(Class::Bytes) => {
            let bytes = object.borrow::<Bytes>()?;
            if bytes.size() == 0 {
                out.extend_from_slice(b"<NULL>");
            }
            let hex: Vec<String> = bytes.content().iter().map(|byte| format!("{byte:02X}")).collect();
            out.extend_from_slice(hex.join(" ").as_bytes());
        }
        Some(Class::GeoJson) => quote(&object.user_value::<LuaString>()?.as_bytes(), out),
        _ => out.extend_from_slice(b"[ REC ]"),
    }
    Ok(())
}

fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// A double as C writes it with `%.16g`: 16 significant digits, without zeros at the end.
fn float(n: f64) -> String {
    const DIGITS: i32 = 16;
    if !n.is_finite() {
        return if n.is_nan() {
            "nan"
        } else if n > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let scientific = format!("{n:.15e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..DIGITS).contains(&exponent) {
        return trim(&format!("{n:.*}", usize::try_from(DIGITS - 1 - exponent).unwrap_or(0)));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_c_writes_them() {
        let cases = [
            (1.5, "1.5"),
            (4.0, "4"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000"),
            (1e-5, "1e-05"),
            (-2.25e300, "-2.25e+300"),
            (0.0, "0"),
        ];
        for (n, text) in cases {
            assert_eq!(float(n), text);
        }
    }
}
