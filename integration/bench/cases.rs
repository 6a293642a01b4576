//! What is timed: a table of cases.

use crate::contenders::{Cache, Column};
use crate::edits::Edit;
use crate::projects::Project;

/// The state in which a timed build begins. Nothing of bringing it about is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// This column has built the project a moment ago.
    Warm,
    /// The builder is empty, or the host compiler's GOCACHE and GOMODCACHE are. gobuild has forgotten
    /// what it remembers. The golang image waits in the registry, Go's module in gobuild's module
    /// cache, GOROOT on the disk: all sides have a toolchain on the machine, and a builder has none.
    Empty,
    /// The same, and another project of the same toolchain was built since.
    AfterNeighbour,
}

/// The mains that are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of the project.
    All,
    /// The first one alone.
    First,
}

/// A case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Selects it.
    pub(crate) name: &'static str,
    /// What it is, for the report.
    pub(crate) title: &'static str,
    /// Where a timed build begins.
    pub(crate) start: Start,
    /// What was edited since the last build.
    pub(crate) edit: Option<Edit>,
    /// What is built.
    pub(crate) scope: Scope,
    /// Whether a platform is added to this machine's, another one each round.
    pub(crate) second_platform: bool,
    /// Registry cache.
    pub(crate) cache: Cache,
    /// Milliseconds each way to the remote compile cache.
    pub(crate) latency: Option<u64>,
    /// Who takes part.
    pub(crate) columns: &'static [Column],
    /// What is built; empty: every project that has what is edited.
    pub(crate) projects: &'static [&'static str],
}

use Column::{
    Dockerfile, DockerfileLayers, DockerfileSplit, DockerfileZstd, Floor, Gobuild, GobuildForce,
    GobuildRemote, Graph, Helper, HelperRemote, Ko, Native, Plan,
};

const EVERYONE: &[Column] = &[
    Gobuild,
    Dockerfile,
    DockerfileZstd,
    DockerfileSplit,
    Ko,
    Native,
];
const SINGLE: [&str; 4] = ["gh", "heavy", "small-one", "small-three"];
const THREE: &[&str] = &["heavy", "small-three"];
const LOCAL: &[&str] = &["gh", "heavy", "small-one"];
const MONOREPOS: &[&str] = &[
    "monorepo",
    "monorepo-4x",
    "small-monorepo",
    "small-monorepo-4x",
];

const WARM: Case = Case {
    name: "no-op",
    title: "nothing changed",
    start: Start::Warm,
    edit: None,
    scope: Scope::All,
    second_platform: false,
    cache: Cache::None,
    latency: None,
    columns: EVERYONE,
    projects: &[],
};

const COLD: Case = Case {
    name: "cold",
    title: "everything empty",
    start: Start::Empty,
    projects: &[
        "gh",
        "heavy",
        "workspace",
        "small-one",
        "small-three",
        "small-workspace",
    ],
    ..WARM
};

const REMOTE: Case = Case {
    edit: Some(Edit::Main),
    scope: Scope::First,
    columns: &[Native, HelperRemote],
    projects: LOCAL,
    ..WARM
};

/// All cases, in the order in which they run: the last cold one leaves the least to warm up.
pub(crate) const CASES: [Case; 17] = [
    COLD,
    Case {
        name: "cold-export",
        title: "the same, and all results exported to a registry cache",
        cache: Cache::Export,
        columns: &[Gobuild, Dockerfile, DockerfileZstd],
        projects: THREE,
        ..COLD
    },
    Case {
        name: "second-project",
        title: "everything empty, then another project of the same toolchain built",
        start: Start::AfterNeighbour,
        columns: &[Gobuild, Dockerfile, Native],
        projects: THREE,
        ..COLD
    },
    Case {
        name: "fresh-runner",
        title: "fresh runner: builder emptied, registry cache, one line in one main",
        edit: Some(Edit::Main),
        cache: Cache::Import,
        columns: &[
            Gobuild,
            GobuildRemote,
            Dockerfile,
            DockerfileZstd,
            DockerfileLayers,
        ],
        projects: THREE,
        ..COLD
    },
    Case {
        columns: &[
            Gobuild,
            GobuildForce,
            Dockerfile,
            DockerfileZstd,
            DockerfileSplit,
            Ko,
            Native,
            Floor,
        ],
        projects: &[
            "gh",
            "heavy",
            "monorepo",
            "monorepo-4x",
            "small-one",
            "small-three",
            "small-monorepo",
            "small-monorepo-4x",
        ],
        ..WARM
    },
    Case {
        name: "edit-main",
        title: "one line in one main",
        edit: Some(Edit::Main),
        projects: &SINGLE,
        ..WARM
    },
    Case {
        name: "edit-deep",
        title: "one line in a package that all mains import",
        edit: Some(Edit::Deep),
        ..WARM
    },
    Case {
        name: "edit-readme",
        title: "README edited",
        edit: Some(Edit::Readme),
        projects: &SINGLE,
        ..WARM
    },
    Case {
        name: "edit-test",
        title: "a test file edited",
        edit: Some(Edit::Test),
        projects: &SINGLE,
        ..WARM
    },
    Case {
        name: "edit-other",
        title: "one binary built, a package edited that only another one has",
        edit: Some(Edit::Other),
        scope: Scope::First,
        columns: &[Gobuild, Dockerfile, DockerfileZstd, Ko, Native],
        ..WARM
    },
    Case {
        name: "edit-leaf",
        title: "a package edited that three mains reach",
        edit: Some(Edit::Leaf),
        ..WARM
    },
    Case {
        name: "bump",
        title: "go.mod: another version of one small module",
        edit: Some(Edit::Bump),
        ..WARM
    },
    Case {
        name: "second-platform",
        title: "a platform added, another one each round (native: that platform alone)",
        second_platform: true,
        columns: &[Gobuild, Dockerfile, DockerfileZstd, Ko, Native],
        projects: &SINGLE,
        ..WARM
    },
    Case {
        name: "client",
        title: "planning, and planning and marshalling; no builder",
        columns: &[Plan, Graph],
        projects: MONOREPOS,
        ..WARM
    },
    Case {
        name: "helper",
        title: "one line in one main, `go build` of it on this machine",
        edit: Some(Edit::Main),
        scope: Scope::First,
        columns: &[Native, Helper],
        projects: LOCAL,
        ..WARM
    },
    Case {
        name: "remote-20ms",
        title: "the same; remote: local cache emptied, 20 ms to the compile cache",
        latency: Some(20),
        ..REMOTE
    },
    Case {
        name: "remote-100ms",
        title: "the same; remote: local cache emptied, 100 ms to the compile cache",
        latency: Some(100),
        ..REMOTE
    },
];

impl Case {
    /// Tells whether a project has this case.
    pub(crate) fn fits(&self, project: &Project) -> bool {
        let named = self.projects.is_empty() || self.projects.contains(&project.name);
        named && self.edit.is_none_or(|edit| edit.possible(project))
    }

    /// Tells whether its builds take long.
    pub(crate) fn is_long(&self) -> bool {
        self.start != Start::Warm || self.second_platform
    }
}
