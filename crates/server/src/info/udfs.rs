//! Modules of functions (protocol 4.9). What is wrong with a command is told in words of its own, not as elsewhere.

use aerospike_lua::{MAX_NAME_SIZE, MAX_SOURCE_SIZE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ask::Ask;
use super::{Answer, number};

fn error(what: &str) -> String {
    format!("error={what}")
}

fn file<'a>(ask: &Ask<'a>) -> Result<&'a str, String> {
    ask.parameter("filename").filter(|name| name.len() <= MAX_NAME_SIZE).ok_or_else(|| error("invalid_filename"))
}

/// Registers a module.
pub(super) fn put(ask: &Ask<'_>) -> Answer {
    Ok(register(ask).unwrap_or_else(|refusal| refusal))
}

fn register(ask: &Ask<'_>) -> Result<String, String> {
    let file = file(ask)?;
    if !file.find('.').is_some_and(|dot| dot > 0 && dot + 1 < file.len()) {
        return Err(error("invalid_filename"));
    }
    let size = ask.parameter("content-len").ok_or_else(|| error("invalid_content_len"))?;
    if ask.parameter("udf-type").is_some_and(|kind| kind != "LUA") {
        return Err(error("invalid_udf_type"));
    }
    let size = number::unsigned(size).filter(|size| size % 4 == 0).ok_or_else(|| error("invalid_content_len"))?;
    let content = ask.parameter("content").filter(|content| content.len() == size as usize);
    let content = content.ok_or_else(|| error("invalid_content"))?;
    if content.len() / 4 * 3 > MAX_SOURCE_SIZE {
        return Err(error("invalid_udf_content_len,>1M"));
    }
    // a module of nothing is refused as well
    let source = STANDARD.decode(content).ok().filter(|source| !source.is_empty());
    let source = source.ok_or_else(|| error("invalid_base64_content"))?;
    match ask.state.modules.put(file, content, &source) {
        Ok(()) => Ok("ok".to_owned()),
        Err(wrong) => {
            let message = STANDARD.encode(&wrong.message);
            Err(format!("error=compile_error;file={};line={};message={message}", wrong.file, wrong.line))
        }
    }
}

/// The source of a module.
pub(super) fn get(ask: &Ask<'_>) -> Answer {
    Ok(match file(ask) {
        Err(refusal) => refusal,
        Ok(file) => match ask.state.modules.get(file) {
            Some(module) => format!("type=LUA;content={};", module.content),
            None => error("not_found"),
        },
    })
}

/// Every module.
pub(super) fn list(ask: &Ask<'_>) -> Answer {
    let modules = ask.state.modules.list();
    Ok(modules.iter().map(|(file, hash)| format!("filename={file},hash={hash},type=LUA;")).collect())
}

/// Forgets a module; one that is not there is forgotten already.
pub(super) fn remove(ask: &Ask<'_>) -> Answer {
    Ok(match file(ask) {
        Err(refusal) => refusal,
        Ok(file) => {
            ask.state.modules.remove(file);
            "ok".to_owned()
        }
    })
}
