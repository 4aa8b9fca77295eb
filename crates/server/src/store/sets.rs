//! The set names of a namespace. Records carry a number; the names are kept once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Moment;

/// Sets a namespace can have.
const MAX_SETS: usize = 4095;

/// The number of a set in its namespace; 0 for records without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct SetId(u16);

impl SetId {
    /// No set.
    pub(crate) const NONE: Self = Self(0);
}

/// A set.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    /// Its name.
    pub(crate) name: Arc<[u8]>,
    /// The moment of its last truncation.
    pub(crate) truncated: Moment,
}

/// The sets of a namespace, in the order they were first written to.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    sets: Vec<Set>,
    ids: HashMap<Arc<[u8]>, SetId>,
}

impl Sets {
    /// The number of a name; `None` for a set nothing was written to.
    pub(crate) fn find(&self, name: &[u8]) -> Option<SetId> {
        if name.is_empty() { Some(SetId::NONE) } else { self.ids.get(name).copied() }
    }

    /// The number of a name, a new one if need be; `None` when there are too many sets, and for a name with a zero byte.
    pub(crate) fn find_or_add(&mut self, name: &[u8]) -> Option<SetId> {
        if let Some(id) = self.find(name) {
            return Some(id);
        }
        if self.sets.len() == MAX_SETS || name.contains(&0) {
            return None;
        }
        let name: Arc<[u8]> = name.into();
        self.sets.push(Set { name: name.clone(), truncated: Moment::default() });
        let id = SetId(self.sets.len() as u16);
        self.ids.insert(name, id);
        Some(id)
    }

    /// A set by number.
    pub(crate) fn get(&self, id: SetId) -> Option<&Set> {
        self.sets.get(usize::from(id.0).checked_sub(1)?)
    }

    /// Remembers a truncation.
    pub(crate) fn set_truncated(&mut self, id: SetId, at: Moment) {
        if let Some(set) = usize::from(id.0).checked_sub(1).and_then(|i| self.sets.get_mut(i)) {
            set.truncated = set.truncated.max(at);
        }
    }

    /// Every set with its number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SetId, &Set)> {
        self.sets.iter().enumerate().map(|(i, set)| (SetId(i as u16 + 1), set))
    }
}
