//! Values that are made once and kept while there is room; then it begins anew.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the module.
pub(super) struct Kept<K, V> {
    max: usize,
    values: Mutex<HashMap<K, Arc<V>>>,
}

impl<K: Eq + Hash, V> Kept<K, V> {
    /// Room for `max` values.
    pub(super) fn new(max: usize) -> Self {
        Self { max, values: Mutex::default() }
    }

    /// The value of `key`; two threads may make it at once, and either's is the same.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn get<E>(&self, key: K, make: impl FnOnce(&K) -> Result<V, E>) -> Result<Arc<V>, E> {
        if let Some(value) = self.lock().get(&key) {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(make(&key)?);
        let mut values = self.lock();
        if values.len() >= self.max {
            values.clear();
        }
        values.insert(key, Arc::clone(&value));
        Ok(value)
    }

    /// As [`Kept::get`] for values that can always be made.
    pub(super) fn of(&self, key: K, make: impl FnOnce(&K) -> V) -> Arc<V> {
        let Ok(value) = self.get(key, |key| Ok::<_, Infallible>(make(key)));
        value
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<V>>> {
        // A value is whole when it is inserted, so a panic elsewhere leaves nothing half done.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().len()
    }
}

#[cfg(test)]
mod tests;
