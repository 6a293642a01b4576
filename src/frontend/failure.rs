//! Why a frontend gives no result, with places in the caller's files.

use super::environment::EnvironmentError;
use super::options::OptionError;
use super::own::OwnError;
use crate::buildkit::error::{Error as WireError, SourceExcerpt};
use crate::buildkit::transport::ConnectCause;
use crate::llb;
use crate::pipeline::function::FunctionError;
use crate::pipeline::present::PresentError;
use crate::plan::{Lacking, PlanError};
use crate::project::golang::workspace::WorkspaceError;
use crate::project::ignore::IgnoreError;
use crate::project::manifest::{Document, KeyPath, ManifestError, MissingValue, Variable};
use crate::project::tree::TreeError;

/// Why a frontend gives no result.
#[derive(Debug, thiserror::Error)]
pub enum FrontendError {
    /// Nobody started this process as a frontend.
    #[error("a frontend is started by buildkitd, not by hand")]
    NotStarted(#[from] EnvironmentError),
    /// Nobody is at the other end of the standard streams.
    #[error("a frontend speaks to buildkitd on its standard streams")]
    NoDaemon(#[source] ConnectCause),
    /// The daemon refused or failed.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// An option cannot be obeyed.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Steps cannot run this program.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// The named manifest is not there.
    #[error("{0} does not exist")]
    NoManifest(String),
    /// A file is not text.
    #[error("{0} is not UTF-8")]
    NotText(String),
    /// What the project was packed into cannot be read.
    #[error("the packed project cannot be read")]
    Archive(#[source] std::io::Error),
    /// The worker that steps run on is not known.
    #[error("the daemon has no worker to run steps on")]
    NoWorker,
    /// A thread died.
    #[error("reading the project was interrupted")]
    Died,
    /// An ignore file is wrong.
    #[error(transparent)]
    Ignore(#[from] IgnoreError),
    /// A file cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Something is wrong with the project, and what can be done is said.
    #[error("{text}")]
    Project {
        /// What is wrong.
        text: String,
        /// Where.
        places: Vec<SourceExcerpt>,
    },
    /// One result is one image, and the project makes several.
    #[error("{manifest} makes {}; choose one with --target", names.join(", "))]
    SeveralImages {
        /// The manifest.
        manifest: String,
        /// Names of the images.
        names: Vec<String>,
    },
    /// The lock file is to be whole and is not.
    #[error("{0}; {hint}", hint = Lacking::HINT)]
    Unlocked(#[from] Lacking),
    /// The GOROOT of another machine cannot be had.
    #[error(
        "go.toolchain = \"host\" is not possible in a frontend: there is no Go of this machine; \
         write \"auto\" or \"proxy\""
    )]
    HostToolchain,
    /// The build function failed.
    #[error(transparent)]
    Function(#[from] FunctionError),
    /// Inputs cannot be presented.
    #[error(transparent)]
    Present(#[from] PresentError),
    /// A name does not fit a source.
    #[error("a source of the build graph")]
    Llb(#[from] llb::Error),
    /// The request is none that this frontend knows.
    #[error("the frontend knows no request {0}")]
    Request(String),
}

impl FrontendError {
    /// Returns a manifest's problems, a line each.
    pub(super) fn manifest(error: &ManifestError) -> Self {
        let mut lines = Vec::new();
        let mut ranges = Vec::new();
        for (problem, place) in error.problems().iter().zip(error.lines()) {
            let mut line = error.name().to_owned();
            if let Some((first, last)) = place {
                line = format!("{line}:{first}");
                ranges.push((first, last));
            }
            line = format!("{line}: {}", problem.message);
            if let Some(help) = &problem.help {
                line = format!("{line} ({help})");
            }
            lines.push(line);
        }
        let excerpt = SourceExcerpt::lines(error.name(), error.text(), "TOML", &ranges);
        Self::Project {
            text: lines.join("\n"),
            places: if ranges.is_empty() {
                Vec::new()
            } else {
                vec![excerpt]
            },
        }
    }

    pub(super) fn workspace(error: &WorkspaceError) -> Self {
        Self::hinted(&chain(error), error.hint())
    }

    /// Returns why a project cannot be planned, at the manifest's line if one is to blame.
    pub(super) fn plan(error: &PlanError, document: Option<&Document>) -> Self {
        let at = |key: &KeyPath, hint: Option<String>| {
            let refused = document?.refuse(key, error.to_string(), hint);
            Some(Self::manifest(&refused))
        };
        let found = match error {
            PlanError::Value(missing) => at(&missing.key, argument(missing)),
            PlanError::Name(name) => at(name.key(), None),
            PlanError::Image { source, .. } => source
                .missing_value()
                .and_then(|missing| at(&missing.key, argument(missing))),
            _ => None,
        };
        let hint = match error {
            PlanError::NoTarget { .. } => {
                Some("docker buildx build --call=targets lists them".to_owned())
            }
            error => error.hint(),
        };
        found.unwrap_or_else(|| Self::hinted(&chain(error), hint))
    }

    fn hinted(text: &str, hint: Option<String>) -> Self {
        let hint = hint.map(|hint| format!("; {hint}"));
        Self::Project {
            text: format!("{text}{}", hint.unwrap_or_default()),
            places: Vec::new(),
        }
    }

    /// Returns the places that the error is about.
    #[must_use]
    pub fn places(&self) -> &[SourceExcerpt] {
        match self {
            Self::Project { places, .. } => places,
            _ => &[],
        }
    }
}

/// Says which build argument gives a value: a frontend sees neither `.git` nor the caller's
/// environment.
fn argument(missing: &MissingValue) -> Option<String> {
    let name = match &missing.variable {
        Variable::Git(_) => {
            let fact = missing.variable.to_string();
            let fact = fact.trim_start_matches("git.").to_ascii_uppercase();
            format!("GOBUILD_GIT_{fact}")
        }
        Variable::Env(name) => name.clone(),
        Variable::Date => "SOURCE_DATE_EPOCH".to_owned(),
        _ => return None,
    };
    Some(format!("pass it with --build-arg {name}=..."))
}

/// Returns an error and its sources in one line, each once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut link = error.source();
    while let Some(cause) = link {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        link = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifests_problems_have_their_lines() {
        let text = "version = 1\n\n[go]\nversoin = \"1.26\"\n";
        let error = Document::new("goimage.toml", text).parse().unwrap_err();
        let error = FrontendError::manifest(&error);
        assert!(
            error.to_string().starts_with("goimage.toml:4: unknown key"),
            "{error}"
        );
        let [place] = error.places() else {
            panic!("{error:?}")
        };
        assert_eq!(place.info.filename, "goimage.toml");
        assert_eq!(place.ranges[0].start.line, 4);
    }
}
