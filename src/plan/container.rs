//! Where things stand inside the containers that steps run in.
//!
//! Project files keep their places relative to each other. The project's root is [`ROOT`], or,
//! where a `replace` reaches out of the project with `../`, as many folders below it as the
//! longest climb, so that the same relative path leads to the same file. No name of a folder
//! above the project enters: the same project gives the same steps in any checkout.

use crate::project::tree::TreePath;

/// Fixed paths in step containers.
pub mod paths {
    /// Where project files are mounted.
    pub const ROOT: &str = "/src";
    /// The `go` command (both in the packed toolchain and in the `golang` images).
    pub const GO: &str = "/usr/local/go/bin/go";
    /// `GOROOT`, as above.
    pub const GOROOT: &str = "/usr/local/go";
    /// `GOPATH`.
    pub const GOPATH: &str = "/go";
    /// `GOMODCACHE`, or the folder of one that holds selected packages alone.
    pub const MODULES: &str = "/go/pkg/mod";
    /// The builder's own module cache, whole; a cache mount.
    pub const MODULE_CACHE: &str = "/cache/go-mod";
    /// `GOCACHE`.
    pub const BUILD_CACHE: &str = "/cache/go-build";
    /// Where a step leaves the cache entries that it used.
    pub const USED: &str = "/cache/used";
    /// Folder of gobuild itself.
    pub const HELPER: &str = "/run/gobuild/bin";
    /// Socket of the relay that the client serves.
    pub const RELAY: &str = "/run/gobuild/relay.sock";
    /// Where a step mounts an output that it waits for and does not read.
    pub const AFTER: &str = "/run/gobuild/after";
    /// Scratch space, a tmpfs.
    pub const TEMPORARY: &str = "/tmp";
    /// Where a compile step leaves its binary.
    pub const OUTPUT: &str = "/out";
    /// Folder of the certificates that the session lends to steps with network.
    pub const TRUST: &str = "/run/gobuild/ca";
    /// Folder of the project's own certificates, where the session does not lend them.
    pub const EXTRA_TRUST: &str = "/run/gobuild/trust";
    /// The session's netrc.
    pub const NETRC: &str = "/run/gobuild/netrc";
    /// Variables of the session, as `GOENV` has them, where a builder has no secret variables.
    pub const VARIABLES: &str = "/run/gobuild/go.env";
    /// Folder of user-named secrets.
    pub const SECRETS: &str = "/run/secrets";
}

/// Name of each stand-in folder above the project.
const ABOVE: &str = "_";

/// Maps project paths to container paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    climbs: usize,
}

impl Layout {
    /// Returns the layout that has room for all of `files`.
    #[must_use]
    pub fn of<'a>(files: impl IntoIterator<Item = &'a TreePath>) -> Self {
        Self {
            climbs: files.into_iter().map(TreePath::climbs).max().unwrap_or(0),
        }
    }

    /// Returns a file's place relative to [`paths::ROOT`].
    #[must_use]
    pub fn relative(&self, path: &TreePath) -> TreePath {
        let above = vec![ABOVE; self.climbs].join("/");
        TreePath::new(&above).join(path.as_str())
    }

    /// Returns a file's absolute path in the container.
    #[must_use]
    pub fn absolute(&self, path: &TreePath) -> String {
        let relative = self.relative(path);
        if relative.is_root() {
            paths::ROOT.to_owned()
        } else {
            format!("{}/{relative}", paths::ROOT)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_keep_leading_to_the_same_file() {
        let files = ["go.mod", "cmd/main.go", "../../shared/lib/go.mod"].map(TreePath::new);
        let layout = Layout::of(&files);
        assert_eq!(layout.absolute(&TreePath::root()), "/src/_/_");
        assert_eq!(layout.absolute(&files[1]), "/src/_/_/cmd/main.go");
        assert_eq!(layout.absolute(&files[2]), "/src/shared/lib/go.mod");
        assert_eq!(layout.absolute(&TreePath::new("../x")), "/src/_/x");
    }

    #[test]
    fn a_project_that_stays_inside_is_at_the_root() {
        let layout = Layout::of(&[TreePath::new("go.mod")]);
        assert_eq!(layout.absolute(&TreePath::root()), "/src");
        assert_eq!(layout.absolute(&TreePath::new("a/b.go")), "/src/a/b.go");
    }
}
