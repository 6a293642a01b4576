//! Which files of a Go tree a build needs. Pure.
//!
//! What enters is a path below a `GOROOT` or toolchain module; what leaves is its path and
//! mode in the layer, or nothing. The rules, measured on Go 1.26.3 for linux/amd64 (240 MB,
//! 118 MB kept), are those under which `go build std` for several platforms and ordinary
//! programs still succeed:
//!
//! - `src/cmd` goes: the tools are there compiled, and nothing imports their sources.
//! - `pkg/include` stays: assembly in the runtime and elsewhere includes `textflag.h`.
//! - Tests, `testdata` and folders the go command skips (`_asm`) go.
//! - `lib/fips140` stays: `GOFIPS140` selects a module snapshot from it.
//! - Of the tools those that a build runs stay, and those not known here, which a later
//!   release may need: `preprofile` reads PGO profiles, `cover` serves `go build -cover`.
//!
//! Modules cannot hold other modules or executable bits: `go.mod` travels as `_go.mod`, and
//! modes are given by place, as the go command itself does when it switches toolchains
//! (cmd/go `internal/toolchain/select.go`, cmd/distpack `pack.go`).

use crate::content::Attributes;
use crate::oci::Platform;

/// Tools that no build runs.
const UNUSED_TOOLS: [&str; 17] = [
    "addr2line",
    "api",
    "buildid",
    "cgo",
    "covdata",
    "dist",
    "distpack",
    "doc",
    "fix",
    "nm",
    "objdump",
    "oldlink",
    "pack",
    "pprof",
    "test2json",
    "trace",
    "vet",
];

/// Files without which a tree is no toolchain.
pub(super) const REQUIRED: [&str; 4] =
    ["VERSION", "bin/go", "pkg/include/textflag.h", "src/go.mod"];

/// Tells whether the folder `path`, relative with slashes, can hold files to keep.
pub(super) fn descends(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == "testdata" || name.starts_with(['_', '.']) {
        return false;
    }
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["bin" | "lib" | "pkg" | "src"] | ["lib", "fips140", ..] => true,
        ["pkg", "include" | "tool", ..] => true,
        ["src", "cmd", ..] => false,
        ["src", ..] => true,
        _ => false,
    }
}

/// Returns the path below `GOROOT` and the attributes that the file `path` gets in the layer;
/// none if it is left out. Its folder is one that [`descends`].
pub(super) fn keep(path: &str, platform: &Platform) -> Option<(String, Attributes)> {
    let parts: Vec<&str> = path.split('/').collect();
    let attributes = match parts.as_slice() {
        ["VERSION" | "LICENSE" | "PATENTS" | "go.env"] => Attributes::FILE,
        ["bin", "go"] => Attributes::EXECUTABLE,
        ["pkg", "include", ..] | ["lib", "fips140", ..] => Attributes::FILE,
        ["pkg", "tool", target, tool] => {
            let ours = format!("{}_{}", platform.os, platform.architecture);
            if *target != ours || UNUSED_TOOLS.contains(tool) {
                return None;
            }
            Attributes::EXECUTABLE
        }
        ["src", .., name] if is_source(name) => Attributes::FILE,
        _ => return None,
    };
    let kept = match path.strip_suffix("/_go.mod") {
        Some(folder) => format!("{folder}/go.mod"),
        None => path.to_owned(),
    };
    Some((kept, attributes))
}

fn is_source(name: &str) -> bool {
    let script = [".bash", ".bat", ".rc", ".pl"];
    name == "_go.mod"
        || !(name.starts_with(['_', '.'])
            || name.ends_with("_test.go")
            || script.iter().any(|end| name.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(path: &str) -> Option<(String, u32)> {
        let in_kept_folder = path.match_indices('/').all(|(at, _)| descends(&path[..at]));
        let platform = Platform::linux("amd64");
        let kept = keep(path, &platform).filter(|_| in_kept_folder);
        kept.map(|(path, attributes)| (path, attributes.mode))
    }

    #[test]
    fn builds_keep_what_they_run_and_read() {
        for (path, to, mode) in [
            ("VERSION", "VERSION", 0o644),
            ("go.env", "go.env", 0o644),
            ("bin/go", "bin/go", 0o755),
            (
                "pkg/tool/linux_amd64/compile",
                "pkg/tool/linux_amd64/compile",
                0o755,
            ),
            (
                "pkg/tool/linux_amd64/preprofile",
                "pkg/tool/linux_amd64/preprofile",
                0o755,
            ),
            ("pkg/include/textflag.h", "pkg/include/textflag.h", 0o644),
            ("lib/fips140/v1.0.0.zip", "lib/fips140/v1.0.0.zip", 0o644),
            ("src/_go.mod", "src/go.mod", 0o644),
            ("src/go.mod", "src/go.mod", 0o644),
            ("src/vendor/modules.txt", "src/vendor/modules.txt", 0o644),
            ("src/runtime/asm_amd64.s", "src/runtime/asm_amd64.s", 0o644),
            (
                "src/runtime/race/internal/amd64v1/race_linux.syso",
                "src/runtime/race/internal/amd64v1/race_linux.syso",
                0o644,
            ),
        ] {
            assert_eq!(kept(path), Some((to.to_owned(), mode)), "{path}");
        }
    }

    #[test]
    fn builds_leave_out_the_rest() {
        for path in [
            "README.md",
            "bin/gofmt",
            "test/fixedbugs/bug000.go",
            "api/go1.txt",
            "lib/time/zoneinfo.zip",
            "pkg/obj/go-build/00/x-d",
            "pkg/tool/linux_arm64/compile",
            "pkg/tool/linux_amd64/vet",
            "src/all.bash",
            "src/cmd/go/main.go",
            "src/cmd/_go.mod",
            "src/net/http/serve_test.go",
            "src/go/types/testdata/a.go",
            "src/crypto/md5/_asm/_go.mod",
            "src/crypto/md5/_asm/md5block_amd64_asm.go",
        ] {
            assert_eq!(kept(path), None, "{path}");
        }
    }
}
