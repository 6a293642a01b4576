//! What becomes of graphs on their way to a daemon that does not know all of their ops.

use std::fmt;
use std::sync::Arc;

use buildkit_proto::pb;

/// A graph that cannot be put into a daemon's terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Untranslatable(pub String);

type Rewrite = dyn Fn(pb::Definition) -> Result<pb::Definition, Untranslatable> + Send + Sync;

/// Rewrites every graph of a build; by default graphs stay as they are.
#[derive(Clone, Default)]
pub struct Translation(Option<Arc<Rewrite>>);

impl Translation {
    /// Returns the translation that `rewrite` makes.
    pub fn new(
        rewrite: impl Fn(pb::Definition) -> Result<pb::Definition, Untranslatable>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Some(Arc::new(rewrite)))
    }

    pub(super) fn apply(&self, graph: pb::Definition) -> Result<pb::Definition, Untranslatable> {
        match &self.0 {
            Some(rewrite) => rewrite(graph),
            None => Ok(graph),
        }
    }
}

impl fmt::Debug for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Translation(rewriting)",
            None => "Translation(none)",
        })
    }
}
