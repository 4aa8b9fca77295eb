//! Where modules are kept, and those that a module may `require`.

use std::fmt;
use std::sync::Arc;

use crate::limits::MAX_SOURCE_SIZE;

/// Where a server keeps modules. Errors name them by it, and clients look for it in texts, so it is the place that a real
/// server named (`query.jsonl` of the recorded cases), wherever this one runs.
pub const DIRECTORY: &str = "/opt/aerospike/work/usr/udf/lua";

/// The modules that a module may `require`, by the names that calls know them by.
#[derive(Clone)]
pub struct Libraries(Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>);

impl Libraries {
    /// Libraries whose source a function has.
    pub fn new(find: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// The source of one of them.
    pub(crate) fn find(&self, name: &str) -> Option<Vec<u8>> {
        (self.0)(name).filter(|source| source.len() <= MAX_SOURCE_SIZE)
    }
}

impl Default for Libraries {
    /// None at all.
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for Libraries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Libraries")
    }
}
