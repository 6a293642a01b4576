//! Preparation against a go command and trees of the test's own making.

mod locked;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const VERSION: &str = "1.26.3";

/// A machine whose go command is the shell script `answer`.
struct Machine {
    folder: TempDir,
    host: Host,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host {
            go: folder.path().join("go").into(),
            cache: folder.path().join("cache"),
        };
        Self { folder, host }
    }

    fn answering(answer: &str) -> Self {
        let machine = Self::new();
        machine.script(answer);
        machine
    }

    fn script(&self, answer: &str) {
        // Linux runs no file that is open for writing, and a child that another test starts
        // at this moment would inherit our handle; cp has no children.
        let text = self.folder.path().join("go.sh");
        fs::write(&text, format!("#!/bin/sh\n{answer}\n")).unwrap();
        fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).unwrap();
        let mut copy = std::process::Command::new("cp");
        copy.args(["-p", "--remove-destination"])
            .arg(&text)
            .arg(&self.host.go);
        assert!(copy.status().unwrap().success());
    }

    fn tree(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Answers `go mod download` with the tree `name`, counting the calls.
    fn serves(&self, name: &str) {
        let (tree, calls) = (self.tree(name), self.tree("calls"));
        self.script(&format!(
            "echo \"$PWD $GOFLAGS $GOWORK $GOTOOLCHAIN $*\" >> {}\necho '{{\"Dir\": \"{}\"}}'",
            calls.display(),
            tree.display()
        ));
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.tree("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    fn prepare(&self, kind: Kind) -> Result<Layout, ToolchainError> {
        prepare(kind, VERSION, &Platform::linux("amd64"), &self.host, None)
    }

    fn fails(&self, kind: Kind) -> ToolchainError {
        self.prepare(kind).unwrap_err()
    }
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn toolchain(root: &Path, go_mod: &str) {
    for (path, text) in [
        ("VERSION", "go1.26.3\n"),
        ("bin/go", "binary"),
        ("bin/gofmt", "binary"),
        ("pkg/include/textflag.h", "#define X\n"),
        ("pkg/tool/linux_amd64/compile", "binary"),
        ("src/fmt/print.go", "package fmt\n"),
        ("src/fmt/print_test.go", "package fmt\n"),
        (go_mod, "module std\n"),
    ] {
        write(root, path, text);
    }
}

fn layer_of(layout: &Layout) -> Result<Vec<u8>, std::io::Error> {
    let manifest = layout.blobs()[layout.digest()].open(0)?;
    let manifest: serde_json::Value = serde_json::from_reader(manifest)?;
    let digest = manifest["layers"][0]["digest"].as_str().unwrap();
    let mut bytes = Vec::new();
    layout.blobs()[digest].open(0)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn listing(layout: &Layout) -> String {
    let tar = layer_of(layout).unwrap();
    let mut archive = tar::Archive::new(tar.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        let mode = entry.header().mode().unwrap();
        format!("{mode:04o} {}\n", entry.path().unwrap().display())
    });
    entries.collect()
}

#[test]
fn a_module_and_an_installed_tree_give_one_layout() {
    let machine = Machine::new();
    toolchain(&machine.tree("module"), "src/_go.mod");
    write(
        &machine.tree("module"),
        "go.env",
        "GOPROXY=x\nGOTOOLCHAIN=auto\n",
    );
    machine.serves("module");
    let proxy = machine.prepare(Kind::Proxy).unwrap();
    insta::assert_snapshot!(listing(&proxy), @r"
    0700 root/
    1777 tmp/
    0755 usr/
    0755 usr/local/
    0755 usr/local/go/
    0644 usr/local/go/VERSION
    0755 usr/local/go/bin/
    0755 usr/local/go/bin/go
    0644 usr/local/go/go.env
    0755 usr/local/go/pkg/
    0755 usr/local/go/pkg/include/
    0644 usr/local/go/pkg/include/textflag.h
    0755 usr/local/go/pkg/tool/
    0755 usr/local/go/pkg/tool/linux_amd64/
    0755 usr/local/go/pkg/tool/linux_amd64/compile
    0755 usr/local/go/src/
    0755 usr/local/go/src/fmt/
    0644 usr/local/go/src/fmt/print.go
    0644 usr/local/go/src/go.mod
    ");

    let root = machine.tree("goroot");
    toolchain(&root, "src/go.mod");
    write(&root, "go.env", "GOPROXY=x\nGOTOOLCHAIN=local\n");
    write(&root, "src/cmd/go/main.go", "package main\n");
    machine.script(&format!(
        "[ $1 = list ] && exit 0\necho '{{\"GOROOT\": \"{}\", \"GOVERSION\": \"go1.26.3\", \
         \"GOHOSTOS\": \"linux\", \"GOHOSTARCH\": \"amd64\"}}'",
        root.display()
    ));
    let host = machine.prepare(Kind::Host).unwrap();
    assert_eq!(host.identifier(), proxy.identifier());
    // From the memo, then from a tree that someone wrote to.
    assert_eq!(
        machine.prepare(Kind::Host).unwrap().identifier(),
        proxy.identifier()
    );
    write(&root, "src/fmt/scan.go", "package fmt\n");
    assert_ne!(
        machine.prepare(Kind::Host).unwrap().identifier(),
        proxy.identifier()
    );
}

#[test]
fn the_module_is_fetched_outside_the_project() {
    let machine = Machine::new();
    toolchain(&machine.tree("module"), "src/_go.mod");
    machine.serves("module");
    machine.prepare(Kind::Proxy).unwrap();
    let call = machine.calls().remove(0);
    let (folder, rest) = call.split_once(' ').unwrap();
    assert!(!Path::new(folder).exists(), "{folder} is temporary");
    assert_eq!(
        rest,
        "-mod=mod off local mod download -json golang.org/toolchain@v0.0.1-go1.26.3.linux-amd64"
    );
}

#[test]
fn a_remembered_digest_needs_neither_go_nor_the_tree_until_bytes_are_asked_for() {
    let machine = Machine::new();
    toolchain(&machine.tree("module"), "src/_go.mod");
    machine.serves("module");
    let first = machine.prepare(Kind::Proxy).unwrap();
    let bytes = layer_of(&first).unwrap();
    fs::rename(machine.tree("module"), machine.tree("gone")).unwrap();
    fs::remove_file(&machine.host.go).unwrap();

    let second = machine.prepare(Kind::Proxy).unwrap();
    assert_eq!(second.identifier(), first.identifier());
    let error = layer_of(&second).unwrap_err();
    assert!(error.to_string().contains("no go command"), "{error}");

    machine.serves("gone");
    assert_eq!(layer_of(&second).unwrap(), bytes);
    assert_eq!(layer_of(&second).unwrap(), bytes);
    assert_eq!(machine.calls().len(), 2, "fetched once for both readers");
}

#[test]
fn another_tree_under_a_remembered_digest_is_refused_once() {
    let machine = Machine::new();
    toolchain(&machine.tree("module"), "src/_go.mod");
    machine.serves("module");
    machine.prepare(Kind::Proxy).unwrap();
    let remembered = machine.prepare(Kind::Proxy).unwrap();
    write(
        &machine.tree("module"),
        "src/fmt/print.go",
        "package fmt // altered\n",
    );
    let error = layer_of(&remembered).unwrap_err();
    assert!(
        error.to_string().contains("is not the one packed before"),
        "{error}"
    );
    let packed_anew = machine.prepare(Kind::Proxy).unwrap();
    assert_ne!(packed_anew.identifier(), remembered.identifier());
    assert!(layer_of(&packed_anew).is_ok());
}

#[test]
fn a_damaged_memo_is_packed_over() {
    let machine = Machine::new();
    toolchain(&machine.tree("module"), "src/_go.mod");
    machine.serves("module");
    let first = machine.prepare(Kind::Proxy).unwrap();
    let memo = machine.host.memo_path("go1.26.3.linux-amd64");
    fs::write(&memo, "{").unwrap();
    assert_eq!(
        machine.prepare(Kind::Proxy).unwrap().identifier(),
        first.identifier()
    );
    assert!(fs::read_to_string(&memo).unwrap().contains("diff_id"));
}

#[test]
fn a_tree_without_a_compiler_is_refused() {
    let machine = Machine::new();
    toolchain(&machine.tree("module"), "src/_go.mod");
    fs::remove_file(machine.tree("module").join("pkg/tool/linux_amd64/compile")).unwrap();
    machine.serves("module");
    let error = machine.fails(Kind::Proxy).to_string();
    assert!(
        error.ends_with("pkg/tool/linux_amd64/compile is missing"),
        "{error}"
    );
}

#[test]
fn failures_of_the_go_command_are_told_apart() {
    type Matches = fn(&ToolchainError) -> bool;
    let cases: [(&str, Matches); 8] = [
        ("reading https://p.test/x.info: 404 Not Found", |e| {
            matches!(e, ToolchainError::NoSuchRelease { .. })
        }),
        ("reading https://p.test/x.info: 401 Unauthorized", |e| {
            matches!(e, ToolchainError::Refused { .. })
        }),
        (
            "Get \\\"https://p.test/x\\\": dial tcp: lookup p.test: no such host",
            |e| matches!(e, ToolchainError::Network { .. }),
        ),
        (
            "Get \\\"https://p.test/x\\\": tls: failed to verify certificate: x509: unknown authority",
            |e| matches!(e, ToolchainError::Network { .. }),
        ),
        (
            "verifying module: checksum mismatch\\n\\tdownloaded: h1:a\\n\\tsum.test: h1:b",
            |e| matches!(e, ToolchainError::Checksum { .. }),
        ),
        ("module lookup disabled by GOPROXY=off", |e| {
            matches!(e, ToolchainError::Off { .. })
        }),
        ("write /m/x: no space left on device", |e| {
            matches!(e, ToolchainError::Download { .. })
        }),
        (
            "reading https://p.test/x.zip: 503 Service Unavailable",
            |e| matches!(e, ToolchainError::Network { .. }),
        ),
    ];
    for (message, matches) in cases {
        let machine = Machine::answering(&format!(
            "cat <<'END'\n{{\"Error\": \"golang.org/toolchain@v0.0.1-go1.26.3.linux-amd64: {message}\"}}\nEND\nexit 1"
        ));
        let error = machine.fails(Kind::Proxy);
        assert!(matches(&error), "{message}: {error:?}");
        assert!(
            !error.to_string().contains("golang.org/toolchain"),
            "{error}"
        );
    }
    let machine = Machine::answering("echo 'go: something else' >&2; exit 2");
    let error = machine.fails(Kind::Proxy);
    assert_eq!(
        error.to_string(),
        "cannot download Go 1.26.3: go: something else"
    );
}

#[test]
fn the_host_must_be_new_enough_and_of_the_build_platform() {
    let env = |arch: &str| {
        format!(
            "echo '{{\"GOROOT\": \"/none\", \"GOVERSION\": \"go1.25.1\", \
             \"GOHOSTOS\": \"linux\", \"GOHOSTARCH\": \"{arch}\"}}'"
        )
    };
    let refusal = "go: go.mod requires go >= 1.26.3 (running go 1.25.1; GOTOOLCHAIN=local)";
    let old = Machine::answering(&format!(
        "[ $1 = list ] && {{ grep -q '^go 1.26.3$' go.mod && echo '{refusal}' >&2; exit 1; }}\n{}",
        env("amd64")
    ));
    assert_eq!(
        old.fails(Kind::Host).to_string(),
        "the host's Go is 1.25.1, the project needs 1.26.3"
    );
    let other = Machine::answering(&format!("[ $1 = list ] && exit 0\n{}", env("arm64")));
    assert_eq!(
        other.fails(Kind::Host).to_string(),
        "the host's Go runs on linux/arm64, the builder on linux/amd64"
    );
}

#[test]
fn without_go_the_error_names_an_image() {
    let machine = Machine::new();
    for kind in [Kind::Proxy, Kind::Host] {
        let error = machine.fails(kind);
        assert!(matches!(error, ToolchainError::GoMissing), "{error:?}");
        assert!(
            error
                .hint()
                .unwrap()
                .contains("toolchain = \"golang:1.26\"")
        );
    }
}

#[test]
fn versions_that_could_name_another_module_are_refused() {
    let machine = Machine::new();
    for version in [
        "",
        "latest",
        "go1.26.3",
        "1.26.3 x",
        "1.26.3/../x",
        "1.26.3@v1",
        "1.26.3\nx",
    ] {
        for kind in [Kind::Proxy, Kind::Host] {
            let error = prepare(
                kind,
                version,
                &Platform::linux("amd64"),
                &machine.host,
                None,
            )
            .unwrap_err();
            assert!(
                matches!(error, ToolchainError::Version { .. }),
                "{version:?}: {error:?}"
            );
        }
    }
}

#[test]
fn go_settings_come_from_go_or_from_the_process() {
    use super::goenv::GoEnv;
    let machine =
        Machine::answering("echo '{\"GOPROXY\": \"https://p.test\", \"GOPRIVATE\": \"\"}'");
    let settings = GoEnv::read(&machine.host, machine.folder.path()).unwrap();
    assert_eq!(settings.get("GOPROXY"), Some("https://p.test"));
    assert_eq!(settings.get("GOPRIVATE"), None);
    assert!(settings.from_go());
    machine.script("echo 'go: errors parsing go.work' >&2; exit 1");
    let error = GoEnv::read(&machine.host, machine.folder.path()).unwrap_err();
    assert_eq!(error.to_string(), "cannot run go env -json");
    let lookup = |name: &str| (name == "GOPRIVATE").then(|| "git.test/*".to_owned());
    let settings = GoEnv::from_lookup(lookup);
    assert_eq!(settings.get("GOPRIVATE"), Some("git.test/*"));
    assert_eq!(settings.get("GOPROXY"), None);
    assert!(!settings.from_go());
}
