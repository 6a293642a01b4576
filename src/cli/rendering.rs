//! From a stage's error to what the user reads: exit code, excerpt, hint.

use std::error::Error as StdError;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::annotations::places;
use crate::builder::{ChoiceError, ManagedError};
use crate::buildkit::error::{Error as WireError, ErrorKind};
use crate::check::faults;
use crate::error::{Error, Kind, Place};
use crate::pipeline::abilities::Unable;
use crate::pipeline::function::FunctionError;
use crate::pipeline::git::CommitError;
use crate::pipeline::lock::LockError;
use crate::pipeline::present::PresentError;
use crate::pipeline::project::ProjectError;
use crate::pipeline::run::RunError;
use crate::pipeline::secrets::LendError;
use crate::plan::PlanError;
use crate::progress::complaint::complaints;
use crate::project::manifest::{Document, KeyPath, ManifestError};
use crate::project::tree::TreePath;
use crate::registry::RegistryError;
use crate::toolchain::ToolchainError;

/// A command line that clap could not know to be wrong.
pub(super) fn usage(error: &(dyn StdError + 'static)) -> Error {
    Error::of(Kind::Usage, error)
}

/// A project that cannot be read.
pub(super) fn project(error: &ProjectError) -> Error {
    match error {
        ProjectError::Manifest(error) | ProjectError::Lock(error) => manifest(error),
        ProjectError::Workspace(inner) => Error::of(Kind::Project, inner)
            .hinted(inner.hint())
            .placed(places(&[faults::workspace(inner)])),
        other => Error::of(Kind::Project, other),
    }
}

/// A manifest with the faulty lines.
fn manifest(error: &ManifestError) -> Error {
    let mut excerpt = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(100);
    // Rendering into a string cannot fail; if it did, the message alone would still be true.
    let _ = handler.render_report(&mut excerpt, error as &dyn Diagnostic);
    Error::new(Kind::Project, error.to_string())
        .showing(excerpt)
        .placed(places(&faults::manifest(error).findings))
}

/// A project that cannot be planned; the manifest's paths are relative to `project`.
pub(super) fn plan(error: &PlanError, document: Option<&Document>, project: &TreePath) -> Error {
    let at = |key: &KeyPath| {
        Some(manifest(&document?.refuse(
            key,
            error.to_string(),
            error.hint(),
        )))
    };
    let shown = match error {
        PlanError::Value(missing) => at(&missing.key),
        PlanError::Name(name) => at(name.key()),
        _ => None,
    };
    let kind = match error {
        PlanError::TagsForSeveral
        | PlanError::NoTarget { .. }
        | PlanError::NotInAnyImage { .. } => Kind::Usage,
        _ => Kind::Project,
    };
    shown.unwrap_or_else(|| {
        Error::of(kind, error)
            .hinted(error.hint())
            .placed(places(&[faults::plan(error, document, project)]))
    })
}

/// A builder that cannot be used.
pub(super) fn choice(error: &ChoiceError) -> Error {
    let (kind, hint) = match error {
        ChoiceError::Unknown { known, .. } if known.is_empty() => {
            (Kind::Usage, "docker buildx create makes one".to_owned())
        }
        ChoiceError::Unknown { known, .. } => (
            Kind::Usage,
            format!("there are {}, and managed", known.join(", ")),
        ),
        ChoiceError::Node(_) | ChoiceError::Store(_) => (
            Kind::Builder,
            "choose another one with --builder or docker buildx use".to_owned(),
        ),
    };
    Error::of(kind, error).hinted(hint)
}

/// A managed daemon that does not come up.
pub(super) fn managed(error: &ManagedError) -> Error {
    let hint = match error {
        ManagedError::NoBinary => Some(
            "install buildkitd, or name a builder with --builder, --addr or BUILDKIT_HOST"
                .to_owned(),
        ),
        ManagedError::NoRootless => Some("install rootlesskit, or run as root".to_owned()),
        ManagedError::LongPath(_) => Some("set XDG_DATA_HOME to a shorter path".to_owned()),
        _ => None,
    };
    Error::of(Kind::Builder, error).hinted(hint)
}

/// A lock file that is not written.
pub(super) fn lock(error: &LockError) -> Error {
    match error {
        LockError::Image { .. } => Error::of(Kind::Registry, error).hinted(Some(
            "log in with docker login; --insecure-registry is for registries without TLS"
                .to_owned(),
        )),
        LockError::Toolchain(inner) => toolchain(inner),
        LockError::Lost | LockError::Write { .. } => Error::of(Kind::Other, error),
    }
}

/// A commit that cannot be read.
pub(super) fn commit(error: &CommitError) -> Error {
    let shallow = matches!(error, CommitError::NoCommit { .. });
    let hint = shallow.then(|| {
        "a shallow clone may lack it: git fetch --unshallow, or fetch-depth: 0 of actions/checkout"
            .to_owned()
    });
    Error::of(Kind::Usage, error).hinted(hint)
}

/// Inputs that cannot be packed.
pub(super) fn present(error: &PresentError) -> Error {
    match error {
        PresentError::Toolchain(inner) => toolchain(inner),
        _ => Error::of(Kind::Project, error),
    }
}

/// Something that builders would be lent and that cannot be found.
pub(super) fn lend(error: &LendError) -> Error {
    match error {
        LendError::Go(inner) => toolchain(inner),
        _ => Error::of(Kind::Project, error),
    }
}

/// A toolchain that is not there.
pub(super) fn toolchain(error: &ToolchainError) -> Error {
    if error.is_cancellation() {
        return Error::new(Kind::Cancelled, "cancelled");
    }
    Error::of(Kind::Project, error).hinted(error.hint())
}

/// An output that the builder cannot make.
pub(super) fn unable(error: &Unable) -> Error {
    let hint = match error.instead {
        Some(instead) => format!("{instead}; {OTHER_BUILDER}"),
        None => OTHER_BUILDER.to_owned(),
    };
    Error::of(Kind::Builder, error).hinted(hint)
}

/// A failure of the wire.
pub(super) fn wire(error: &WireError) -> Error {
    let (kind, hint) = classify(error.kind());
    Error::of(kind, error).hinted(hint.map(str::to_owned))
}

/// A step that failed.
#[derive(Debug)]
pub(super) struct FailedStep {
    /// Its display name.
    pub(super) name: String,
    /// What it printed.
    pub(super) lines: Vec<String>,
}

impl FailedStep {
    /// Returns the places that the compiler points at.
    fn places(&self) -> impl Iterator<Item = Place> {
        let complaints = complaints(&self.lines).into_iter();
        complaints.map(|complaint| Place {
            file: complaint.file.into(),
            line: complaint.line,
            column: complaint.column,
            message: complaint.message,
        })
    }

    /// Tells whether `go` saw a compiler or linker end by SIGKILL.
    fn was_killed(&self) -> bool {
        self.lines
            .iter()
            .any(|line| line.ends_with(": signal: killed"))
    }
}

/// A build that failed, with the step that did. If what steps print was `streamed` already, it is
/// not repeated.
pub(super) fn run(error: &RunError, failed: Option<FailedStep>, streamed: bool) -> Error {
    let Some(cause) = error.wire() else {
        return match error {
            RunError::Function(FunctionError::Present(error)) => present(error),
            RunError::Push { source, .. } => {
                Error::of(Kind::Registry, error).hinted(pushed(source))
            }
            RunError::Cache { .. } => Error::of(Kind::Other, error).hinted(unwritten(error)),
            RunError::Function(_) => Error::of(Kind::Project, error),
            _ => Error::of(Kind::Other, error),
        };
    };
    let was = match &failed {
        // The kernel killed what the step started, so the step itself ended with an exit code.
        Some(step) if step.was_killed() => ErrorKind::OutOfMemory,
        _ => cause.kind(),
    };
    let (kind, hint) = match (error, was) {
        // An image that is not there, or not for the platform, is a mistake of the manifest.
        (RunError::Function(FunctionError::Resolve { .. }), ErrorKind::Other) => {
            (Kind::Project, None)
        }
        (RunError::Cache { .. }, ErrorKind::Other) => (Kind::Registry, None),
        (_, kind) => classify(kind),
    };
    let step = failed.as_ref().map_or("a build step", |step| &step.name);
    let rendered = match was {
        // The step's own lines say it; the daemon's message is a wall of arguments.
        ErrorKind::Exec { exit_code } if failed.is_some() => {
            Error::new(kind, format!("{step} failed with exit code {exit_code}"))
        }
        ErrorKind::Cancelled => Error::new(kind, "cancelled"),
        ErrorKind::OutOfMemory => Error::new(
            kind,
            format!("{step} was killed, most likely for want of memory"),
        ),
        ErrorKind::DiskFull => Error::of(kind, error).under("the builder's disk is full"),
        _ => Error::of(kind, error),
    };
    let rendered = rendered.hinted(unwritten(error).or(hint.map(str::to_owned)));
    let rendered = rendered.placed(failed.iter().flat_map(FailedStep::places));
    match failed {
        Some(step) if kind == Kind::Build && !streamed => rendered.showing(step.lines.join("\n")),
        _ => rendered,
    }
}

/// Returns what can be done about an index that was not pushed.
fn pushed(error: &RegistryError) -> Option<String> {
    let hint = match error {
        RegistryError::Reach { .. } => {
            "the index over several nodes is pushed from this machine, which must reach the registry"
        }
        RegistryError::Refused { status, .. } if !matches!(status.as_u16(), 401 | 403) => {
            return None;
        }
        _ => classify(ErrorKind::RegistryRefused).1?,
    };
    Some(hint.to_owned())
}

/// Returns what can be done about a cache that must be written and was not.
fn unwritten(error: &RunError) -> Option<String> {
    let unwritten = matches!(error, RunError::Cache { .. }) && !error.is_cancellation();
    unwritten.then(|| "without ignore-error=false it would be a warning".to_owned())
}

/// What can be done where a builder lacks something.
pub(super) const OTHER_BUILDER: &str = "docker buildx create --use makes a builder that can; \
    --builder managed is gobuild's own";

/// Returns the exit code's kind and what can be done.
fn classify(kind: ErrorKind) -> (Kind, Option<&'static str>) {
    match kind {
        ErrorKind::Unreachable => (
            Kind::Builder,
            Some(
                "is buildkitd running there? --builder, --addr and BUILDKIT_HOST name another one",
            ),
        ),
        ErrorKind::DaemonGone => (
            Kind::Builder,
            Some("the daemon's log says why it ended; run the build again"),
        ),
        ErrorKind::Cancelled => (Kind::Cancelled, None),
        ErrorKind::Exec { .. } => (Kind::Build, None),
        ErrorKind::OutOfMemory => (
            Kind::Build,
            Some("give the builder more memory, or build fewer platforms at once"),
        ),
        ErrorKind::DiskFull => (
            Kind::Builder,
            Some("free space on the builder's disk: gobuild builder prune, or buildctl prune"),
        ),
        ErrorKind::RegistryUnreachable => (
            Kind::Registry,
            Some("the builder, not this machine, must reach the registry; is the name right?"),
        ),
        ErrorKind::RegistryRefused => (
            Kind::Registry,
            Some("log in with docker login or podman login, and check the name that is pushed"),
        ),
        ErrorKind::Lacking => (Kind::Builder, Some(OTHER_BUILDER)),
        ErrorKind::Other => (Kind::Build, None),
    }
}

#[cfg(test)]
mod tests;
