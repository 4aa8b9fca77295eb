//! GeoJSON values: text that a server indexes by place.

use std::sync::Arc;

use mlua::{AnyUserData, Lua, Table};

use crate::args::{add, add_constructor};
use crate::class::Class;
use crate::limits::Watch;
use crate::print;
use crate::value::up_to_nul;

/// A GeoJSON value. Its text is its user value.
#[derive(Debug)]
pub(crate) struct GeoJson;

/// Makes a value of its text.
pub(crate) fn create(lua: &Lua, text: &[u8]) -> mlua::Result<AnyUserData> {
    let object = lua.create_userdata(GeoJson)?;
    object.set_user_value(lua.create_string(text)?)?;
    Ok(object)
}

/// Adds the functions on GeoJSON values.
pub(crate) fn install(lua: &Lua, host: &Table, watch: &Arc<Watch>) -> mlua::Result<()> {
    add_constructor(lua, host, watch, "geojson_new", |lua, args| {
        let text = args.optional_text(lua, 1)?.filter(|_| args.count() == 1);
        Ok(text.map(|text| create(lua, &up_to_nul(lua, &text)?.as_bytes())).transpose()?)
    })?;
    add(lua, host, watch, "geojson_tostring", |lua, args| {
        Ok(lua.create_string(print::object(lua, args.object::<GeoJson>(1, Class::GeoJson)?)?)?)
    })
}
