//! Logins that registries have asked for, so that they need not ask for each question anew.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::buildkit::session::auth::Credentials;

/// A server, and what the login allows there.
pub(super) type Place = (String, String);

/// Logins by place; a token is one that the registry takes as it is.
#[derive(Debug, Default)]
pub(super) struct Logins(Mutex<HashMap<Place, Credentials>>);

impl Logins {
    /// Returns what is known; nothing at first.
    pub(super) fn get(&self, place: &Place) -> Credentials {
        self.known().get(place).cloned().unwrap_or_default()
    }

    /// Keeps a login.
    pub(super) fn remember(&self, place: Place, login: Credentials) {
        self.known().insert(place, login);
    }

    /// Drops a login that is not taken any more.
    pub(super) fn forget(&self, place: &Place) {
        self.known().remove(place);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Place, Credentials>> {
        // Each change is a single call, after which the map is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
