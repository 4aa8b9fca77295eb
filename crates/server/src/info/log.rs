//! The log of a node: nothing is written, but levels are set and told as on a real one.

use super::ask::{Ask, Refusal};
use super::{Answer, number};

const LEVELS: [&str; 5] = ["CRITICAL", "WARNING", "INFO", "DEBUG", "DETAIL"];
/// Level of what was not set.
const DEFAULT: &str = "INFO";

/// What a server writes about, in the order it tells.
#[rustfmt::skip]
const CONTEXTS: &[&str] = &[
    "misc", "alloc", "arenax", "hardware", "msg", "os", "secrets", "socket", "tls", "vault", "vmapx", "xmem", "aggr", "appeal", "as",
    "audit", "batch", "batch-sub", "bin", "config", "clustering", "deprecation", "drv-mem", "drv_pmem", "drv_ssd", "exchange", "exp",
    "fabric", "flat", "geo", "hb", "health", "hlc", "index", "info", "info-command", "key-busy", "migrate", "mrt-audit", "mrt-monitor",
    "namespace", "nsup", "particle", "partition", "proto", "proxy", "proxy-divert", "query", "record", "roster", "rw", "rw-client",
    "security", "service", "service-list", "sindex", "skew", "smd", "storage", "truncate", "tsvc", "udf", "xdr", "xdr-client", "masking",
];

/// The only sink there is.
const SINK: u32 = 0;
const SINK_NAME: &str = "stderr";

/// Every sink.
pub(super) fn sinks(_: &Ask<'_>) -> Answer {
    Ok(format!("{SINK}:{SINK_NAME}"))
}

fn level(ask: &Ask<'_>, context: &str) -> &'static str {
    ask.node.log_levels.lock().get(context).copied().unwrap_or(DEFAULT)
}

/// `log/<sink>` or `log/<sink>/<context>`.
pub(super) fn levels(ask: &Ask<'_>) -> Answer {
    let (sink, context) = match ask.text().split_once('/') {
        Some((sink, context)) => (sink, Some(context)),
        None => (ask.text(), None),
    };
    let sink = number::signed(sink).ok_or(Refusal::parameter("bad sink-id"))?;
    if sink.cast_unsigned() != SINK {
        return Ok("ERROR::bad-id".to_owned());
    }
    Ok(match context {
        Some(context) if CONTEXTS.contains(&context) => format!("{context}:{}", level(ask, context)),
        Some(_) => "ERROR::bad-context".to_owned(),
        None => {
            let lines: Vec<_> = CONTEXTS.iter().map(|context| format!("{context}:{}", level(ask, context))).collect();
            lines.join(";")
        }
    })
}

/// What stands before the next separator; separators in front of it count for nothing, and nothing but those is nothing.
fn token<'a>(rest: &mut &'a str, separator: char) -> Option<&'a str> {
    let text = rest.trim_start_matches(separator);
    let (token, after) = text.split_once(separator).unwrap_or((text, ""));
    *rest = after;
    (!token.is_empty()).then_some(token)
}

/// `log-set:id=<sink>;<context>=<level>`.
pub(super) fn set(ask: &Ask<'_>) -> Answer {
    let mut rest = ask.text();
    let id = token(&mut rest, '=').filter(|name| *name == "id");
    id.ok_or(Refusal::parameter("missing id"))?;
    let sink = token(&mut rest, ';').and_then(number::digits).ok_or(Refusal::parameter("bad id"))?;
    let wanted = token(&mut rest, '=').ok_or(Refusal::parameter("missing context"))?;
    let level = token(&mut rest, ';').ok_or(Refusal::parameter("bad level"))?;
    let bad = Refusal::parameter("bad parameter");
    let level = LEVELS.iter().find(|known| known.eq_ignore_ascii_case(level)).ok_or(bad.clone())?;
    let contexts: Vec<_> = CONTEXTS.iter().filter(|context| wanted == "any" || **context == wanted).collect();
    if sink != SINK || contexts.is_empty() {
        return Err(bad);
    }
    ask.node.log_levels.lock().extend(contexts.into_iter().map(|context| (*context, *level)));
    Ok("ok".to_owned())
}

/// A message for the log, which answers nothing.
pub(super) fn message(ask: &Ask<'_>) -> Answer {
    const MAX_WHO_SIZE: usize = 127;
    const MAX_MESSAGE_SIZE: usize = 2047;
    ask.optional("who", MAX_WHO_SIZE)?;
    ask.required("message", MAX_MESSAGE_SIZE)?;
    Ok(String::new())
}
