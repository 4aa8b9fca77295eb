//! The classes of objects that programs meet besides Lua's own types.

use mlua::{AnyUserData, Lua, Table, UserData, UserDataFields, Value};

use crate::bytes::Bytes;
use crate::geojson::GeoJson;
use crate::iterator::Cursor;
use crate::list::List;
use crate::map::Map;
use crate::record::Record;

/// A class of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    List,
    Map,
    Bytes,
    GeoJson,
    Record,
    Iterator,
}

/// Every class.
pub(crate) const ALL: [Class; 6] =
    [Class::List, Class::Map, Class::Bytes, Class::GeoJson, Class::Record, Class::Iterator];

impl Class {
    /// What messages call it; also the key of its metatable among the named values of a state.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::List => "List",
            Self::Map => "Map",
            Self::Bytes => "Bytes",
            Self::GeoJson => "GeoJSON",
            Self::Record => "Record",
            Self::Iterator => "Iterator",
        }
    }
}

/// The class of an object; `None` for objects that are not ours.
pub(crate) fn of(object: &AnyUserData) -> Option<Class> {
    let classes = [
        (Class::List, object.is::<List>()),
        (Class::Map, object.is::<Map>()),
        (Class::Bytes, object.is::<Bytes>()),
        (Class::Record, object.is::<Record>()),
        (Class::GeoJson, object.is::<GeoJson>()),
        (Class::Iterator, object.is::<Cursor>()),
    ];
    classes.into_iter().find(|(_, is)| *is).map(|(class, _)| class)
}

/// Metamethods that are written in Lua.
const METAMETHODS: [&str; 4] = ["__index", "__newindex", "__len", "__tostring"];

/// Gives the objects of a type the metamethods of the table that the prelude keeps for their class.
fn take_metamethods<T: UserData, F: UserDataFields<T>>(fields: &mut F, class: Class) {
    for name in METAMETHODS {
        fields.add_meta_field_with(name, move |lua: &Lua| {
            let metatable: Table = lua.named_registry_value(class.name())?;
            metatable.raw_get::<Value>(name)
        });
    }
    fields.add_meta_field("__name", class.name());
}

macro_rules! objects {
    ($($kind:ty => $class:expr),* $(,)?) => {
        $(impl UserData for $kind {
            fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
                take_metamethods(fields, $class);
            }
        })*
    };
}

objects! {
    List => Class::List,
    Map => Class::Map,
    Bytes => Class::Bytes,
    GeoJson => Class::GeoJson,
    Record => Class::Record,
    Cursor => Class::Iterator,
}
