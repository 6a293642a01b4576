//! Why a project cannot be planned.

use std::sync::Arc;

use super::steps::compile::UnquotableStamp;
use super::steps::files::FilesError;
use super::steps::image::ImageError;
use super::steps::toolchain::NotAVersion;
use crate::oci::Platform;
use crate::project::Spot;
use crate::project::golang::graph::GraphError;
use crate::project::golang::workspace::{ResolveError, WorkspaceError};
use crate::project::manifest::names::NameError;
use crate::project::manifest::{KeyPath, MissingValue};
use crate::project::tree::{TreeError, TreePath};

/// Why a project cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The Go version is none.
    #[error(transparent)]
    Version(#[from] NotAVersion),
    /// The module files do not fit the build.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// An import leads nowhere.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The import graph has a fault.
    #[error(transparent)]
    Graph(#[from] Arc<GraphError>),
    /// The import graph has a fault on one of several platforms.
    #[error("{fault}, for {platform}")]
    OnPlatform {
        /// The platform.
        platform: Platform,
        /// The fault.
        fault: Arc<GraphError>,
    },
    /// A template needs a value that cannot be had.
    #[error(transparent)]
    Value(#[from] MissingValue),
    /// An image cannot be named.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A stamp cannot be passed on.
    #[error(transparent)]
    Stamp(#[from] UnquotableStamp),
    /// The project cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// An image has a fault.
    #[error("image {name}")]
    Image {
        /// Its name.
        name: String,
        /// The fault.
        source: ImageError,
    },
    /// The profile is not there.
    #[error("the profile {path} does not exist")]
    NoProfile {
        /// Where it should be.
        path: TreePath,
    },
    /// Two images have one name.
    #[error("two images are named {name}: of {first}, and of {second}")]
    SameName {
        /// The name.
        name: String,
        /// Programs in the first.
        first: String,
        /// Programs in the second.
        second: String,
    },
    /// Two programs of an image have one name.
    #[error("two programs of one image are named {name}: {first} and {second}")]
    SameBinary {
        /// The name.
        name: String,
        /// Import path of the first.
        first: String,
        /// Import path of the second.
        second: String,
    },
    /// `--tag` names one image, and there are several.
    #[error("--tag names a whole image, and this project makes several")]
    TagsForSeveral,
    /// `--target` names images that there are not.
    #[error("no image is named {}", targets.join(" or "))]
    NoTarget {
        /// Those of the names that no image has.
        targets: Vec<String>,
    },
    /// Programs that were named are in no image.
    #[error("no [[image]] holds {}", selection.join(" or "))]
    NotInAnyImage {
        /// Those of the package patterns of which no image has a program.
        selection: Vec<String>,
    },
}

impl PlanError {
    /// Returns where in the manifest it shows; the root if the faulty value is a default.
    #[must_use]
    pub fn key(&self) -> Option<&KeyPath> {
        match self {
            Self::Value(missing)
            | Self::Image {
                source: ImageError::Value(missing),
                ..
            } => Some(&missing.key),
            Self::Name(name) => Some(name.key()),
            _ => None,
        }
    }

    /// Returns where in the module files or the sources it shows.
    #[must_use]
    pub fn spot(&self) -> Option<Spot> {
        match self {
            Self::Workspace(error) => error.spot(),
            Self::Graph(fault) | Self::OnPlatform { fault, .. } => fault.spot(),
            _ => None,
        }
    }

    /// Returns the pattern, import path or folder of a program that it is about as such.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        match self {
            Self::Graph(fault) | Self::OnPlatform { fault, .. } => fault.program(),
            _ => None,
        }
    }

    /// Tells whether a file that the manifest names is not there.
    #[must_use]
    pub fn misses_file(&self) -> bool {
        match self {
            Self::NoProfile { .. } => true,
            Self::Image {
                source: ImageError::Files(fault),
                ..
            } => matches!(fault, FilesError::Missing { .. }),
            _ => false,
        }
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Workspace(error) => error.hint(),
            Self::Resolve(error) => error.hint(),
            Self::Graph(fault) => fault.hint(),
            Self::OnPlatform { fault, .. } => fault.hint().or_else(|| hint_of_hidden(fault)),
            Self::SameName { .. } => {
                Some("name them in goimage.toml with an [[image]] each".to_owned())
            }
            Self::SameBinary { .. } => {
                Some("rename one folder, or put them in separate images".to_owned())
            }
            Self::TagsForSeveral => Some(
                "choose one with --target NAME or a package path, or prefix all with --repository"
                    .to_owned(),
            ),
            Self::NoTarget { .. } | Self::NotInAnyImage { .. } => {
                Some("gobuild plan lists the images of a project".to_owned())
            }
            _ => None,
        }
    }
}

/// Returns what can be done about a program that build constraints hide on a platform.
fn hint_of_hidden(fault: &GraphError) -> Option<String> {
    let hidden = matches!(fault, GraphError::Package(fault) if fault.is_empty_folder());
    hidden.then(|| {
        "a pattern, such as \"./cmd/...\", builds it for the platforms that have it".to_owned()
    })
}
