//! The modules of functions that a cluster knows; all its nodes know the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use aerospike_lua::{CompileError, Libraries, Module};
use parking_lot::RwLock;
use sha1::{Digest as _, Sha1};

/// A module as it was registered.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    /// Its source in base 64, as it came.
    pub(crate) content: String,
    /// What tells versions apart: 40 hex digits.
    pub(crate) hash: String,
    module: Module,
}

/// The modules of a cluster, by file name.
#[derive(Debug, Default)]
pub(crate) struct Modules(Arc<RwLock<BTreeMap<String, Registered>>>);

impl Modules {
    /// Registers a module, in place of one of the same name if there is one.
    pub(crate) fn put(&self, file: &str, content: &str, source: &[u8]) -> Result<(), CompileError> {
        let module = Module::compile_with(file, source, self.libraries())?;
        let hash = hash(file, content);
        self.0.write().insert(file.to_owned(), Registered { content: content.to_owned(), hash, module });
        self.reload();
        Ok(())
    }

    /// What modules may require: each other. They do not keep alive what they are kept in.
    fn libraries(&self) -> Libraries {
        let known = Arc::downgrade(&self.0);
        Libraries::new(move |name| {
            let known = known.upgrade()?;
            let source = known.read().get(&file_of(name))?.module.source().to_vec();
            Some(source)
        })
    }

    /// Modules that were loaded may have required one that is another now.
    fn reload(&self) {
        for registered in self.0.read().values() {
            registered.module.reload();
        }
    }

    /// Forgets a module.
    pub(crate) fn remove(&self, file: &str) {
        self.0.write().remove(file);
        self.reload();
    }

    /// A module by its file name.
    pub(crate) fn get(&self, file: &str) -> Option<Registered> {
        self.0.read().get(file).cloned()
    }

    /// Every module: file name and hash.
    pub(crate) fn list(&self) -> Vec<(String, String)> {
        self.0.read().iter().map(|(file, registered)| (file.clone(), registered.hash.clone())).collect()
    }

    /// A module by the name that calls know it by.
    pub(crate) fn find(&self, name: &str) -> Option<Module> {
        self.0.read().get(&file_of(name)).map(|registered| registered.module.clone())
    }
}

/// The file of a module, by the name that calls know it by.
fn file_of(name: &str) -> String {
    format!("{name}.lua")
}

/// The hash of a module: that of the text a real server keeps it as.
fn hash(file: &str, content: &str) -> String {
    let text = format!(r#"{{"content64": "{content}", "type": "LUA", "name": {}}}"#, serde_json::json!(file));
    Sha1::digest(text.as_bytes()).iter().fold(String::with_capacity(40), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // writing to a string does not fail
        hex
    })
}
