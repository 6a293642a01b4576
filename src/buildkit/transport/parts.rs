//! The parts of an address that is a URL, and how its query is written.
//!
//! What a scheme has no use for is refused: a misspelt parameter would otherwise silently name
//! another daemon.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use super::AddressError;

/// An address taken apart.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    url: Url,
    given: &'a str,
    form: &'static str,
}

impl<'a> Parts<'a> {
    /// Takes `given` apart, which should look like `form`.
    pub(super) fn of(given: &'a str, form: &'static str) -> Result<Self, AddressError> {
        match Url::parse(given) {
            Ok(url) => Ok(Self { url, given, form }),
            Err(error) => Err(AddressError::Malformed {
                given: given.to_owned(),
                form,
                why: error.to_string(),
            }),
        }
    }

    /// Returns the refusal of this address.
    pub(super) fn refuse(&self, why: impl Into<String>) -> AddressError {
        AddressError::Malformed {
            given: self.given.to_owned(),
            form: self.form,
            why: why.into(),
        }
    }

    /// Returns the host, an IPv6 one without its brackets. It must not look like a flag.
    pub(super) fn host(&self) -> Result<String, AddressError> {
        let host = self.url.host_str().unwrap_or_default();
        let bare = host
            .strip_prefix('[')
            .and_then(|open| open.strip_suffix(']'));
        match bare.unwrap_or(host) {
            "" => Err(self.refuse("the name is missing")),
            name if name.starts_with('-') => Err(self.refuse("the name begins with a dash")),
            name if name.contains('%') => Err(self.refuse("the name has characters of no name")),
            name => Ok(name.to_owned()),
        }
    }

    /// Returns the user; none without one.
    pub(super) fn user(&self) -> Result<Option<String>, AddressError> {
        if self.url.password().is_some() {
            return Err(self.refuse("a password cannot be part of it"));
        }
        match self.url.username() {
            "" => Ok(None),
            user if user.contains('%') => Err(self.refuse("the user has characters of no user")),
            user => Ok(Some(user.to_owned())),
        }
    }

    /// Returns the port; none without one.
    pub(super) fn port(&self) -> Option<u16> {
        self.url.port()
    }

    /// Returns the path; empty without one.
    pub(super) fn path(&self) -> &str {
        match self.url.path() {
            "/" => "",
            path => path,
        }
    }

    /// Returns the parameters that are not empty; all of them must be among `known`.
    pub(super) fn query(&self, known: &[&str]) -> Result<BTreeMap<String, String>, AddressError> {
        if self.url.fragment().is_some() {
            return Err(self.refuse("a #fragment has no meaning"));
        }
        let mut query = BTreeMap::new();
        for (key, value) in self.url.query_pairs() {
            if !known.contains(&&*key) {
                return Err(self.refuse(format!("the parameter {key:?} has no meaning")));
            }
            if !value.is_empty() {
                query.insert(key.into_owned(), value.into_owned());
            }
        }
        Ok(query)
    }

    /// Refuses a user and a port, which names of containers and pods do not have.
    pub(super) fn name_only(&self) -> Result<(), AddressError> {
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return Err(self.refuse("a user has no meaning"));
        }
        match self.url.port() {
            Some(_) => Err(self.refuse("a port has no meaning")),
            None => Ok(()),
        }
    }
}

/// Writes the parameters that are there as a URL's query.
pub(super) fn write_query(
    f: &mut fmt::Formatter<'_>,
    pairs: &[(&str, &Option<String>)],
) -> fmt::Result {
    let mut separator = '?';
    for (key, value) in pairs {
        let Some(value) = value else { continue };
        write!(f, "{separator}{key}=")?;
        separator = '&';
        for byte in value.bytes() {
            if byte.is_ascii_graphic() && !b"%&+#".contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
    }
    Ok(())
}
