//! `go.env`: only variables that change what the compiler produces.
//!
//! Where modules come from, who may fetch them and where caches lie must not be part of a
//! compile step's key, and credentials must not be in its environment at all; each refused
//! variable says where it belongs. The list is that of `go help environment`, with
//! pkg-config's search path.

use std::collections::BTreeMap;

use super::{Resolver, alternatives, entries};
use crate::project::manifest::error::{Problem, nearest};
use crate::project::manifest::reader::{Map, Text};

/// Variables that may be set, each with its values if they are few (`go help environment`) or not all
/// of them work.
const ALLOWED: [(&str, &[&str]); 31] = [
    ("AR", &[]),
    ("CC", &[]),
    ("CGO_CFLAGS", &[]),
    ("CGO_CFLAGS_ALLOW", &[]),
    ("CGO_CFLAGS_DISALLOW", &[]),
    ("CGO_CPPFLAGS", &[]),
    ("CGO_CPPFLAGS_ALLOW", &[]),
    ("CGO_CPPFLAGS_DISALLOW", &[]),
    ("CGO_CXXFLAGS", &[]),
    ("CGO_CXXFLAGS_ALLOW", &[]),
    ("CGO_CXXFLAGS_DISALLOW", &[]),
    ("CGO_FFLAGS", &[]),
    ("CGO_LDFLAGS", &[]),
    ("CGO_LDFLAGS_ALLOW", &[]),
    ("CGO_LDFLAGS_DISALLOW", &[]),
    ("CXX", &[]),
    ("FC", &[]),
    ("GO386", &["sse2", "softfloat"]),
    ("GOAMD64", &["v1", "v2", "v3", "v4"]),
    ("GOARM", &[]),
    ("GOARM64", &[]),
    ("GOEXPERIMENT", &[]),
    // Snapshots are unpacked into the module cache, which compile steps only read.
    ("GOFIPS140", &["off", "latest"]),
    ("GOMIPS", &["hardfloat", "softfloat"]),
    ("GOMIPS64", &["hardfloat", "softfloat"]),
    ("GOPPC64", &["power8", "power9", "power10"]),
    ("GORISCV64", &["rva20u64", "rva22u64", "rva23u64"]),
    ("GOWASM", &[]),
    ("GO_EXTLINK_ENABLED", &["0", "1"]),
    ("PKG_CONFIG", &[]),
    ("PKG_CONFIG_PATH", &[]),
];

/// Variables that have another place, and which.
const ELSEWHERE: [(&str, &str); 30] = [
    ("CGO_ENABLED", "use `cgo` of [go]"),
    ("GO111MODULE", "gobuild always builds modules"),
    ("GOARCH", "use `platforms` of [build]"),
    ("GOAUTH", CREDENTIAL),
    ("GOBIN", PLACED),
    ("GOCACHE", PLACED),
    ("GOCACHEPROG", PLACED),
    (
        "GODEBUG",
        "write a `godebug` line in go.mod, or set it in `env` of [[image]]",
    ),
    ("GOENV", PLACED),
    ("GOFLAGS", "use `flags` of [go]"),
    (
        "GOGC",
        "set it in `env` of [[image]] for the running program",
    ),
    ("GOINSECURE", DOWNLOAD),
    ("GOMAXPROCS", "use `jobs` of [build]"),
    (
        "GOMEMLIMIT",
        "set it in `env` of [[image]] for the running program",
    ),
    ("GOMODCACHE", PLACED),
    ("GONOPROXY", "use `private` of [modules]"),
    ("GONOSUMDB", "use `private` of [modules]"),
    ("GOOS", "use `platforms` of [build]"),
    ("GOPATH", PLACED),
    ("GOPRIVATE", "use `private` of [modules]"),
    ("GOPROXY", DOWNLOAD),
    ("GOROOT", "use `toolchain` of [go]"),
    ("GOSUMDB", DOWNLOAD),
    ("GOTMPDIR", PLACED),
    ("GOTOOLCHAIN", "use `version` and `toolchain` of [go]"),
    ("GOVCS", DOWNLOAD),
    ("GOWORK", "gobuild finds go.work beside go.mod or above it"),
    ("HOME", PLACED),
    ("NETRC", CREDENTIAL),
    ("PATH", PLACED),
];

const DOWNLOAD: &str = "set it in the environment that gobuild runs in; \
                        it concerns downloads, not compilation";
const CREDENTIAL: &str = "credentials go into `secrets` of [modules], \
                          which only the download step can read";
const PLACED: &str = "compile steps have their own; gobuild sets it";

/// Parts of names that tell a credential.
const SECRETIVE: [&str; 5] = ["TOKEN", "PASSWORD", "SECRET", "CREDENTIAL", "API_KEY"];

impl Resolver<'_> {
    pub(super) fn go_environment(&mut self, map: Option<&Map>) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        for (name, value) in entries(map) {
            match ALLOWED.iter().find(|(known, _)| known == name.get_ref()) {
                Some((_, values)) => {
                    self.check_value(name, value, values);
                    environment.insert(name.get_ref().clone(), value.get_ref().clone());
                }
                None => self.report(refusal(name)),
            }
        }
        environment
    }

    fn check_value(&mut self, name: &Text, value: &Text, values: &[&str]) {
        let given = value.get_ref();
        if given.contains('\0') {
            self.report(Problem::new(
                format!("`go.env.{}` has a NUL character", name.get_ref()),
                value.span(),
                "no variable can hold it",
            ));
        } else if !values.is_empty() && !values.contains(&given.as_str()) {
            self.report(
                Problem::new(
                    format!("`go.env.{}` cannot be {given:?}", name.get_ref()),
                    value.span(),
                    "not one of its values here",
                )
                .help(format!("write {}", alternatives(values))),
            );
        }
    }
}

fn refusal(name: &Text) -> Problem {
    let given = name.get_ref();
    let upper = given.to_ascii_uppercase();
    let problem = Problem::new(
        format!("`go.env` cannot set {given}"),
        name.span(),
        "not one of the compiler's variables",
    );
    let elsewhere = ELSEWHERE.iter().find(|(known, _)| known == given);
    if let Some((_, place)) = elsewhere {
        return problem.help(*place);
    }
    if SECRETIVE.iter().any(|part| upper.contains(part)) {
        return problem.help(CREDENTIAL);
    }
    match nearest(given, ALLOWED.iter().map(|(known, _)| *known)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(
            "variables of the running program go into `env` of [[image]]; \
             values to compile in go into `stamp` of [go]",
        ),
    }
}
