//! The build context: what decides which files take part in a build.
//!
//! Enters: target, tags and toolchain, as the manifest resolved them. Leaves: answers to
//! "is this tag satisfied" (`go/build` `matchTag`, `internal/buildcfg`) and "does this file
//! name match" (`goodOSArchFile`, `internal/syslist`).

use std::collections::BTreeSet;

use serde::Serialize;

use super::toolchain_tags;

/// Every `GOOS` that a file name can end in, past and future ones included.
const SYSTEMS: [&str; 18] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];

/// Systems that the tag `unix` stands for.
const UNIX: [&str; 12] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "linux",
    "netbsd",
    "openbsd",
    "solaris",
];

/// Every `GOARCH` that a file name can end in.
const ARCHITECTURES: [&str; 24] = [
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// What decides which files take part. The compiler is always `gc`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct BuildContext {
    /// Target system, e.g. `linux`.
    pub goos: String,
    /// Target architecture, e.g. `arm64`.
    pub goarch: String,
    /// Whether cgo is on.
    pub cgo: bool,
    /// Tags given with `-tags`.
    pub tags: BTreeSet<String>,
    /// `N` of the toolchain's `go1.N`: it satisfies the tags `go1.1` to `go1.N`.
    pub go_minor: u32,
    /// Value of the architecture's own variable (`GOAMD64`, `GOARM`, …), e.g. `v3`; none for
    /// its default.
    pub arch_level: Option<String>,
    /// Names in `GOEXPERIMENT`, each possibly with a leading `no`.
    pub experiments: Vec<String>,
    /// Sanitizer that is built in, which is a tag too.
    pub sanitizer: Option<Sanitizer>,
    /// Whether a `default.pgo` beside a main package is used (`-pgo=auto`).
    pub pgo_auto: bool,
}

/// A sanitizer of the go command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sanitizer {
    /// `-race`.
    Race,
    /// `-msan`.
    Msan,
    /// `-asan`.
    Asan,
}

impl BuildContext {
    /// Returns the context of a plain build for a target: no cgo, no tags, `-pgo=auto`.
    #[must_use]
    pub fn new(goos: &str, goarch: &str, go_minor: u32) -> Self {
        Self {
            goos: goos.to_owned(),
            goarch: goarch.to_owned(),
            cgo: false,
            tags: BTreeSet::new(),
            go_minor,
            arch_level: None,
            experiments: Vec::new(),
            sanitizer: None,
            pgo_auto: true,
        }
    }

    /// Returns whether a build tag is satisfied.
    #[must_use]
    pub fn satisfies(&self, tag: &str) -> bool {
        let implied = match self.goos.as_str() {
            "android" => "linux",
            "illumos" => "solaris",
            "ios" => "darwin",
            _ => "",
        };
        let sanitizer = match self.sanitizer {
            Some(Sanitizer::Race) => "race",
            Some(Sanitizer::Msan) => "msan",
            Some(Sanitizer::Asan) => "asan",
            None => "",
        };
        // An old name that Go still accepts.
        let tag = match tag {
            "boringcrypto" => "goexperiment.boringcrypto",
            other => other,
        };
        !tag.is_empty()
            && (tag == self.goos
                || tag == self.goarch
                || tag == "gc"
                || tag == "cgo" && self.cgo
                || tag == implied
                || tag == sanitizer
                || tag == "unix" && UNIX.contains(&self.goos.as_str())
                || self.tags.contains(tag)
                || self.is_release(tag)
                || toolchain_tags::is_feature(self, tag)
                || toolchain_tags::is_experiment(self, tag))
    }

    /// Returns whether a file's name admits it: `x_GOOS`, `x_GOARCH`, `x_GOOS_GOARCH` before
    /// the first dot, each with an optional `_test`, restrict it.
    #[must_use]
    pub fn admits_name(&self, name: &str) -> bool {
        let stem = name.split('.').next().unwrap_or(name);
        let Some((_, suffixes)) = stem.split_once('_') else {
            return true;
        };
        let mut words: Vec<&str> = suffixes.split('_').collect();
        words.pop_if(|last| *last == "test");
        match words.as_slice() {
            [.., system, architecture]
                if SYSTEMS.contains(system) && ARCHITECTURES.contains(architecture) =>
            {
                self.satisfies(system) && self.satisfies(architecture)
            }
            [.., last] if SYSTEMS.contains(last) || ARCHITECTURES.contains(last) => {
                self.satisfies(last)
            }
            _ => true,
        }
    }

    fn is_release(&self, tag: &str) -> bool {
        let Some(minor) = tag.strip_prefix("go1.") else {
            return false;
        };
        // `go1.01` is not a release.
        minor
            .parse::<u32>()
            .is_ok_and(|n| (1..=self.go_minor).contains(&n) && n.to_string() == minor)
    }
}

#[cfg(test)]
mod tests {
    use super::{BuildContext, Sanitizer};

    fn satisfied<'a>(context: &BuildContext, tags: &[&'a str]) -> Vec<&'a str> {
        let mut tags = tags.to_vec();
        tags.retain(|tag| context.satisfies(tag));
        tags
    }

    #[test]
    fn systems_imply_others() {
        let tags = [
            "linux", "android", "darwin", "ios", "unix", "solaris", "windows",
        ];
        for (goos, expected) in [
            ("linux", vec!["linux", "unix"]),
            ("android", vec!["linux", "android", "unix"]),
            ("ios", vec!["darwin", "ios", "unix"]),
            ("illumos", vec!["unix", "solaris"]),
            ("windows", vec!["windows"]),
            ("js", vec![]),
        ] {
            let context = BuildContext::new(goos, "amd64", 26);
            assert_eq!(satisfied(&context, &tags), expected, "{goos}");
        }
    }

    #[test]
    fn releases_end_at_the_toolchain() {
        let context = BuildContext::new("linux", "amd64", 21);
        let tags = [
            "go1.1", "go1.21", "go1.22", "go1.0", "go1.01", "go1", "go1.20.1", "go1.+5",
        ];
        assert_eq!(satisfied(&context, &tags), ["go1.1", "go1.21"]);
    }

    #[test]
    fn switches_are_tags() {
        let mut context = BuildContext::new("linux", "amd64", 26);
        let tags = [
            "cgo",
            "race",
            "msan",
            "gc",
            "gccgo",
            "mine",
            "",
            "boringcrypto",
        ];
        assert_eq!(satisfied(&context, &tags), ["gc"]);
        context.cgo = true;
        context.sanitizer = Some(Sanitizer::Race);
        context.tags.insert("mine".to_owned());
        context.experiments.push("boringcrypto".to_owned());
        assert_eq!(
            satisfied(&context, &tags),
            ["cgo", "race", "gc", "mine", "boringcrypto"]
        );
    }

    #[test]
    fn names_are_matched_by_suffix() {
        let context = BuildContext::new("linux", "amd64", 26);
        for (name, admitted) in [
            ("a.go", true),
            ("linux.go", true),
            ("windows.go", true),
            ("a_linux.go", true),
            ("a_windows.go", false),
            ("a_amd64.s", true),
            ("a_arm64.s", false),
            ("a_linux_amd64.go", true),
            ("a_windows_amd64.go", false),
            ("a_linux_arm64.go", false),
            ("a_windows_test.go", false),
            ("a_windows_b.go", true),
            ("a_unix.go", true),
            ("_windows.go", false),
            ("a_darwin.pb.go", false),
            ("a.b_windows.go", true),
            ("a_amd64_linux.go", true),
            ("a_arm64_linux.go", true),
            ("a_zos.go", false),
        ] {
            assert_eq!(context.admits_name(name), admitted, "{name}");
        }
    }
}
