//! How `go build` comes by what was compiled before: its cache folder alone, or gobuild as the
//! program that it asks (`GOCACHEPROG`, since Go 1.24).
//!
//! The program is in the way only where it has a use: it collects what a step used, so that a layer
//! holds nothing else, or it asks the client, whose store other machines have filled.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::tools;
use crate::oci::Platform;
use crate::plan::container::paths;
use crate::plan::{Caching, Keep};
use crate::project::golang::version::GoVersion;
use crate::project::manifest::Go;

/// Id of the socket that the session forwards to the relay.
pub const RELAY: &str = "gobuild.relay";

/// First release whose `go` asks a program for cached packages.
const CACHE_PROGRAMS: &str = "1.24";

/// The flag before what a step builds; it is the last one.
const SCOPE: &str = "--scope";

/// Returns what a step builds, if it asks the client.
pub(crate) fn scope_of(env: &BTreeMap<String, String>) -> Option<&str> {
    let program = env.get("GOCACHEPROG")?;
    Some(program.rsplit_once(SCOPE)?.1.trim_start())
}

/// What steps keep, and whom they ask, with one toolchain.
#[derive(Clone, Copy)]
pub(crate) struct Policy<'a> {
    go: &'a Go,
    version: &'a GoVersion,
    caching: &'a Caching,
}

impl<'a> Policy<'a> {
    pub(crate) fn new(go: &'a Go, version: &'a GoVersion, caching: &'a Caching) -> Self {
        Self {
            go,
            version,
            caching,
        }
    }

    /// Returns the command that is gobuild, if this `go` can ask it.
    fn program(&self) -> Option<&'a [String]> {
        let first = GoVersion::parse(CACHE_PROGRAMS)?;
        let helper = self.caching.helper.as_deref();
        helper.filter(|_| *self.version >= first)
    }

    /// Tells whether compiled packages are kept in layers.
    pub(crate) fn layers(&self) -> bool {
        self.caching.layers
    }

    /// Tells whether steps ask the client.
    pub(crate) fn relay(&self) -> bool {
        self.caching.relay && self.program().is_some()
    }

    /// Returns where packages steps keep what they compile.
    pub(crate) fn keep(&self) -> Keep {
        match (self.caching.layers, self.program()) {
            (false, _) => Keep::Mount,
            (true, Some(_)) => Keep::Used,
            (true, None) => Keep::Layer,
        }
    }

    /// Returns `GOCACHEPROG` for a step that builds `what`; none if its folder is all it needs.
    pub(crate) fn cache_program(
        &self,
        what: &str,
        platform: &Platform,
        collect: bool,
    ) -> Option<String> {
        let mut words = self.program()?.to_vec();
        words.extend(["cacheprog", "--dir", paths::BUILD_CACHE].map(str::to_owned));
        if collect {
            words.extend(["--collect", paths::USED].map(str::to_owned));
        }
        if self.relay() {
            let scope = self.scope(what, platform);
            let socket = format!("unix://{}", paths::RELAY);
            let remote = [
                "--remote",
                &socket,
                "--remote-mode",
                "read-write",
                "--summary",
            ];
            words.extend(remote.map(str::to_owned));
            words.extend([SCOPE.to_owned(), scope]);
        }
        (collect || self.relay()).then(|| words.join(" "))
    }

    /// Names builds that have most of their packages in common. Stamps and linker flags are no
    /// part of it: they change with every commit, and no package with them.
    fn scope(&self, what: &str, platform: &Platform) -> String {
        let Go {
            cgo,
            tags,
            flags,
            buildmode,
            pgo,
            env,
            ..
        } = self.go;
        let tools = tools::arguments(self.go, tools::For::Main);
        let decisive = format!("{cgo} {tags:?} {tools:?} {flags:?} {buildmode:?} {pgo:?} {env:?}");
        let digest = Sha256::digest(decisive);
        let digest: String = digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let version = self.version.as_str();
        format!("{what}@{platform}@go{version}@{digest}").replace(char::is_whitespace, "_")
    }
}
