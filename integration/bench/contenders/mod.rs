//! The columns: who builds. One file for each program, one [`Column`] for each way to use it.

mod client;
mod dockerfile;
mod gobuild;
mod helper;
mod ko;
mod native;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{Lab, Toolchain, put_aside, remove};
use crate::projects::Project;

pub(crate) use native::ADDED;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    /// `gobuild image --push`
    Gobuild,
    /// The same with `--force`: the builder is asked for what the registry has, too.
    GobuildForce,
    /// `gobuild image --push` with a remote compile cache.
    GobuildRemote,
    /// A Dockerfile with cache mounts and one `RUN go build` for all binaries; gzip, the default.
    Dockerfile,
    /// The same with zstd.
    DockerfileZstd,
    /// A stage, a target and a build for each binary, side by side.
    DockerfileSplit,
    /// Modules in a layer in place of a cache mount, so that the registry cache holds them; zstd.
    DockerfileLayers,
    /// `ko build`
    Ko,
    /// `go build` on this machine, with the usual flags of a release; nothing is pushed.
    Native,
    /// The same with `gobuild cacheprog` as its build cache.
    Helper,
    /// The same with a remote compile cache; its local one is empty whenever a timed build begins.
    HelperRemote,
    /// `buildctl build` of one file that is cached: what any client of the daemon pays.
    Floor,
    /// `gobuild plan --json`
    Plan,
    /// `gobuild llb` of one image with all binaries.
    Graph,
}

/// What of a registry cache a build uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    /// Nothing.
    None,
    /// It exports to it, all of it (`mode=max`).
    Export,
    /// It imports from it.
    Import,
}

/// One build that a column is to do.
pub(crate) struct Build<'a> {
    /// What is built.
    pub(crate) project: &'a Project,
    /// The column's own copy of the sources.
    pub(crate) tree: PathBuf,
    /// The Go that compiles it.
    pub(crate) toolchain: &'a Toolchain,
    /// Folders of the mains, in the tree.
    pub(crate) mains: Vec<String>,
    /// The first is this machine's.
    pub(crate) platforms: Vec<String>,
    /// Repository that images are pushed to, or below.
    pub(crate) repository: String,
    /// Registry cache.
    pub(crate) cache: Cache,
    /// Repository of the registry cache.
    pub(crate) cache_repository: String,
    /// Where another remote compile cache than the bench's own is.
    pub(crate) compile_cache: Option<&'a str>,
    /// Whether it is there to fill: the remote compile cache is written, and the builder asked whatever
    /// the registry has.
    pub(crate) fills: bool,
    /// Milliseconds each way to the remote compile cache.
    pub(crate) latency: Option<u64>,
    /// A manifest in place of the project's own, for gobuild.
    pub(crate) manifest: Option<PathBuf>,
}

impl Column {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Self; 14] = [
        Self::Gobuild,
        Self::GobuildForce,
        Self::GobuildRemote,
        Self::Dockerfile,
        Self::DockerfileZstd,
        Self::DockerfileSplit,
        Self::DockerfileLayers,
        Self::Ko,
        Self::Native,
        Self::Helper,
        Self::HelperRemote,
        Self::Floor,
        Self::Plan,
        Self::Graph,
    ];

    /// Returns the name that selects it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gobuild => "gobuild",
            Self::GobuildForce => "gobuild-force",
            Self::GobuildRemote => "gobuild-remote",
            Self::Dockerfile => "dockerfile",
            Self::DockerfileZstd => "dockerfile-zstd",
            Self::DockerfileSplit => "dockerfile-split",
            Self::DockerfileLayers => "dockerfile-layers",
            Self::Ko => "ko",
            Self::Native => "native",
            Self::Helper => "helper",
            Self::HelperRemote => "helper-remote",
            Self::Floor => "floor",
            Self::Plan => "plan",
            Self::Graph => "graph",
        }
    }

    /// Returns what it is, for the report.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Gobuild => "`gobuild image --push`, its defaults (zstd)",
            Self::GobuildForce => {
                "the same with `--force`: the builder is asked for what the registry has, too"
            }
            Self::GobuildRemote => {
                "`gobuild image --push` with a remote compile cache: the bench's own S3 server on \
                 loopback, or `COMPILE_CACHE`"
            }
            Self::Dockerfile => {
                "Dockerfile: cache mounts for modules and GOCACHE, bind mounts, `go mod download`, \
                 one `go build` of all binaries, `COPY --link`; gzip, the default"
            }
            Self::DockerfileZstd => "the same with zstd",
            Self::DockerfileSplit => {
                "the same with a stage and a target for each binary, built side by side"
            }
            Self::DockerfileLayers => "the same with modules in a layer instead of a mount; zstd",
            Self::Ko => "`ko build`, its defaults",
            Self::Native => "`go build` on the machine with gobuild's flags; no image, no push",
            Self::Helper => "the same with `gobuild cacheprog` as its build cache",
            Self::HelperRemote => {
                "the same with the bench's S3 server as remote compile cache, and an empty local \
                 cache whenever a timed build begins"
            }
            Self::Floor => "`buildctl build` of one cached file",
            Self::Plan => "`gobuild plan --json`",
            Self::Graph => {
                "`gobuild llb` of one image with all binaries: planning, packing the sources, \
                 marshalling"
            }
        }
    }

    /// Tells whether `gobuild image` builds.
    pub(crate) fn is_gobuild(self) -> bool {
        matches!(
            self,
            Self::Gobuild | Self::GobuildForce | Self::GobuildRemote
        )
    }

    /// Tells whether it can take part; if not, why.
    pub(crate) fn missing(self, cache: Cache) -> Option<String> {
        match self.is_gobuild() {
            true => gobuild::missing(self, cache),
            false => None,
        }
    }

    /// Tells whether it makes sense for a project.
    pub(crate) fn fits(self, project: &Project) -> bool {
        // One client per main is no way to build fifty.
        self != Self::DockerfileSplit || (2..10).contains(&project.mains().len())
    }

    /// Returns the commands of a build, which run side by side.
    pub(crate) fn commands(self, lab: &Lab, build: &Build<'_>) -> Vec<Command> {
        match self {
            Self::Gobuild | Self::GobuildForce | Self::GobuildRemote => {
                vec![gobuild::command(self, lab, build)]
            }
            Self::Dockerfile
            | Self::DockerfileZstd
            | Self::DockerfileSplit
            | Self::DockerfileLayers => dockerfile::commands(self, lab, build),
            Self::Ko => vec![ko::command(lab, build)],
            Self::Native => vec![native::command(lab, build, self.name(), &self.out(lab))],
            Self::Helper | Self::HelperRemote => vec![helper::command(self, lab, build)],
            Self::Floor => vec![dockerfile::floor(lab)],
            Self::Plan => vec![client::plan(lab, build)],
            Self::Graph => vec![client::graph(lab, build)],
        }
    }

    /// Returns where a host compiler's binaries are put.
    pub(crate) fn out(self, lab: &Lab) -> PathBuf {
        lab.place(&format!("{}-out", self.name()))
    }

    /// Tells whether gobuild has a part in what it makes, so that it has to be what `go build` makes.
    pub(crate) fn is_checked(self) -> bool {
        match self {
            Self::Gobuild
            | Self::GobuildForce
            | Self::GobuildRemote
            | Self::Helper
            | Self::HelperRemote => true,
            Self::Dockerfile
            | Self::DockerfileZstd
            | Self::DockerfileSplit
            | Self::DockerfileLayers
            | Self::Ko
            | Self::Native
            | Self::Floor
            | Self::Plan
            | Self::Graph => false,
        }
    }

    /// Forgets what a warm build of this column must not find.
    pub(crate) fn forget(self, lab: &Lab) {
        if self == Self::HelperRemote {
            put_aside(&lab.place(&format!("{}/build", self.name())));
        }
    }

    /// Forgets what earlier builds left: the builder's state, or the caches of a compiler.
    pub(crate) fn empty(self, lab: &mut Lab) {
        match self {
            Self::Gobuild | Self::GobuildForce | Self::GobuildRemote => {
                lab.builder.empty();
                remove(&lab.gobuild_cache());
            }
            Self::Dockerfile
            | Self::DockerfileZstd
            | Self::DockerfileSplit
            | Self::DockerfileLayers
            | Self::Floor => lab.builder.empty(),
            Self::Ko | Self::Native | Self::Helper | Self::HelperRemote => {
                lab.empty_caches(self.name());
            }
            Self::Plan | Self::Graph => remove(&lab.gobuild_cache()),
        }
    }
}

/// Returns the names of binaries: the last elements of the mains' folders.
pub(crate) fn binary(main: &str) -> &str {
    main.rsplit('/').next().unwrap_or(main)
}

/// Compiles a build's mains for one platform into a folder, with gobuild's flags and caches of this
/// name.
pub(crate) fn compile(
    lab: &Lab,
    build: &Build<'_>,
    platform: &str,
    caches: &str,
    out: &Path,
    flags: &[&str],
) -> Command {
    native::compile(lab, build, platform, caches, out, flags)
}

/// Returns the name of the image that gobuild pushes for a main.
pub(crate) fn gobuild_image(lab: &Lab, build: &Build<'_>, main: &str) -> String {
    let host = lab.registry.host();
    format!("{host}/{}/{}:latest", build.repository, binary(main))
}
