//! FileOp: changes to a filesystem that need no process: mkdir, mkfile, symlink, rm, copy.
//!
//! An op is a chain of actions, each on the result of the one before, with one output after the
//! last. Actions address op inputs as `0..n` and results of earlier actions as `n+i`; zero is a
//! value in these messages, so whatever is not set is written as -1. Source: BuildKit
//! `client/llb/fileop.go`, `solver/llbsolver/ops/file.go`, `solver/llbsolver/file/backend.go`.

mod actions;
mod copy;
mod owner;
pub(super) mod path;

pub use actions::{Mkdir, Mkfile, Remove, Symlink};
pub use copy::CopyFrom;
pub use owner::{Account, Owner, Timestamp};

use buildkit_proto::pb;

use crate::llb::caps;
use crate::llb::error::Error;
use crate::llb::metadata::Metadata;
use crate::llb::vertex::{Draft, EMPTY_INPUT, Inputs, Output};

/// The output number of an action whose result only the next action sees.
const INTERMEDIATE: i64 = -1;

/// One step of a [`FileOp`].
#[derive(Clone, Debug)]
pub enum Action {
    /// Makes a directory.
    Mkdir(Mkdir),
    /// Writes a file.
    Mkfile(Mkfile),
    /// Makes a symbolic link.
    Symlink(Symlink),
    /// Removes a path.
    Remove(Remove),
    /// Copies from another filesystem.
    Copy(CopyFrom),
}

/// A chain of actions on a filesystem.
#[derive(Clone, Debug)]
#[must_use]
pub struct FileOp {
    base: Output,
    actions: Vec<Action>,
    metadata: Metadata,
}

impl FileOp {
    /// Returns a chain that starts with `first` on `base`.
    pub fn new(base: &Output, first: impl Into<Action>) -> Self {
        Self {
            base: base.clone(),
            actions: vec![first.into()],
            metadata: Metadata::default(),
        }
    }

    /// Appends an action.
    pub fn then(mut self, action: impl Into<Action>) -> Self {
        self.actions.push(action.into());
        self
    }

    /// Sets name, progress group and the like.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Builds the vertex.
    ///
    /// # Errors
    /// An owner is given by name, and the chain starts on scratch, which has no passwd file.
    pub fn build(self) -> Result<Output, Error> {
        let mut inputs = Inputs::default();
        let base = inputs.intern(&self.base);
        let secondary: Vec<i64> = self
            .actions
            .iter()
            .map(|action| match action {
                Action::Copy(copy) => inputs.intern(copy.source()),
                _ => EMPTY_INPUT,
            })
            .collect();
        let last = self.actions.len() - 1;
        let mut capabilities = vec![caps::FILE_BASE];
        let mut actions = Vec::new();
        for (position, (action, secondary_input)) in
            self.actions.into_iter().zip(secondary).enumerate()
        {
            action.require(&mut capabilities);
            actions.push(pb::FileAction {
                input: match position.checked_sub(1) {
                    Some(previous) => (inputs.len() + previous) as i64,
                    None => base,
                },
                secondary_input,
                output: if position == last { 0 } else { INTERMEDIATE },
                action: Some(action.into_pb(base)?),
            });
        }
        let op = pb::op::Op::File(pb::FileOp { actions });
        let mut draft = Draft::new(op, inputs, self.metadata);
        draft.capabilities = capabilities;
        Ok(draft.finish())
    }
}

impl Action {
    /// Encodes the action; names of owners are looked up in the input at `base`.
    fn into_pb(self, base: i64) -> Result<pb::file_action::Action, Error> {
        use pb::file_action::Action as Message;
        Ok(match self {
            Self::Mkdir(mkdir) => Message::Mkdir(mkdir.into_pb(base)?),
            Self::Mkfile(mkfile) => Message::Mkfile(mkfile.into_pb(base)?),
            Self::Symlink(symlink) => Message::Symlink(symlink.into_pb(base)?),
            Self::Remove(remove) => Message::Rm(remove.into_pb()),
            Self::Copy(copy) => Message::Copy(copy.into_pb(base)?),
        })
    }

    /// Adds the capabilities that the action needs.
    ///
    /// The Go client means to ask for these too but looks at its actions before it has collected
    /// them; asking makes an old daemon refuse instead of ignoring the option.
    fn require(&self, capabilities: &mut Vec<&'static str>) {
        match self {
            Self::Mkdir(_) | Self::Mkfile(_) => {}
            Self::Symlink(_) => capabilities.push(caps::FILE_SYMLINK),
            Self::Remove(remove) => remove.require(capabilities),
            Self::Copy(copy) => copy.require(capabilities),
        }
    }
}

impl From<Mkdir> for Action {
    fn from(action: Mkdir) -> Self {
        Self::Mkdir(action)
    }
}

impl From<Mkfile> for Action {
    fn from(action: Mkfile) -> Self {
        Self::Mkfile(action)
    }
}

impl From<Symlink> for Action {
    fn from(action: Symlink) -> Self {
        Self::Symlink(action)
    }
}

impl From<Remove> for Action {
    fn from(action: Remove) -> Self {
        Self::Remove(action)
    }
}

impl From<CopyFrom> for Action {
    fn from(action: CopyFrom) -> Self {
        Self::Copy(action)
    }
}
