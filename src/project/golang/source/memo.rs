//! A map that computes each value once, however many threads ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Values computed on first use, for good.
#[derive(Debug)]
pub(in crate::project::golang) struct Memo<K, V> {
    cells: Mutex<HashMap<K, Arc<OnceLock<V>>>>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self {
            cells: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Memo<K, V> {
    /// Returns the value of `key`, computing it if nobody has. Threads that ask for a value
    /// in the making wait for it; `compute` must not ask for the same key.
    pub(in crate::project::golang) fn get(&self, key: &K, compute: impl FnOnce() -> V) -> V {
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            match cells.get(key) {
                Some(cell) => Arc::clone(cell),
                None => Arc::clone(cells.entry(key.clone()).or_default()),
            }
        };
        cell.get_or_init(compute).clone()
    }
}
