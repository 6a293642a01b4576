//! What logs in to one registry.

use std::fmt;

/// A login; its secret is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// No login.
    #[default]
    Anonymous,
    /// A user and a password.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: String,
    },
    /// A token to be exchanged for others.
    IdentityToken(String),
    /// A token that the registry takes as it is.
    RegistryToken(String),
}

impl Credentials {
    /// Returns the user of a password.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::Password { username, .. } => Some(username),
            _ => None,
        }
    }

    /// Returns what has to be kept secret and can be exchanged for a token: a password or an
    /// identity token.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Password { password, .. } => Some(password),
            Self::IdentityToken(token) => Some(token),
            Self::Anonymous | Self::RegistryToken(_) => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Password { username, .. } => f
                .debug_struct("Password")
                .field("username", username)
                .finish_non_exhaustive(),
            Self::IdentityToken(_) => f.write_str("IdentityToken(…)"),
            Self::RegistryToken(_) => f.write_str("RegistryToken(…)"),
        }
    }
}
