//! SourceOp: filesystems that come from outside the graph, one scheme per module.
//!
//! An identifier says what is fetched, attributes how. Source: BuildKit `client/llb/source.go`,
//! `solver/pb/attr.go`.

mod git;
mod http;
mod image;
mod local;
mod oci_layout;

pub use git::Git;
pub use http::Http;
pub use image::{Image, ResolveMode};
pub use local::{Differ, Local};
pub use oci_layout::OciLayout;

use std::collections::BTreeMap;

use buildkit_proto::pb;

use crate::llb::error::Error;
use crate::llb::metadata::Metadata;
use crate::llb::vertex::{Draft, Inputs, Output};
use crate::oci::Platform;

/// Attributes and capabilities of a source under construction.
#[derive(Default)]
struct Attributes {
    values: BTreeMap<String, String>,
    capabilities: Vec<&'static str>,
}

impl Attributes {
    /// Returns no attributes, and the capability that the scheme needs.
    fn of(capability: &'static str) -> Self {
        Self {
            values: BTreeMap::new(),
            capabilities: vec![capability],
        }
    }

    /// Sets an attribute unless `value` is empty, and returns whether it did.
    ///
    /// An empty value means the same as none to every source, and Go and prost encode it
    /// differently, so it must never reach the op.
    fn set(&mut self, key: &str, value: impl Into<String>) -> bool {
        let value = value.into();
        if value.is_empty() {
            return false;
        }
        self.values.insert(key.to_owned(), value);
        true
    }

    /// Sets an attribute that needs a capability of its own.
    fn require(&mut self, key: &str, value: impl Into<String>, capability: &'static str) {
        if self.set(key, value) {
            self.capabilities.push(capability);
        }
    }

    /// Builds the vertex; only sources that resolve per platform name one.
    fn finish(self, identifier: String, platform: Option<Platform>, metadata: Metadata) -> Output {
        let op = pb::SourceOp {
            identifier,
            attrs: self.values,
        };
        let mut draft = Draft::new(pb::op::Op::Source(op), Inputs::default(), metadata);
        draft.platform = platform;
        draft.capabilities = self.capabilities;
        draft.finish()
    }
}

/// Checks a content digest.
fn check_digest(source_kind: &'static str, given: &str) -> Result<(), Error> {
    match given.parse::<crate::llb::digest::Digest>() {
        Ok(_) => Ok(()),
        Err(source) => Err(Error::Digest {
            source_kind,
            source,
        }),
    }
}

/// Returns a URL without the user information that may hold a password.
fn without_user(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}
