//! Projects of every shape: modules elsewhere, bases from registries, other toolchains.

use std::fs;

use serde_json::Value;

use crate::harness::image::{Image, string};
use crate::harness::sandbox::{GO_MOD, Sandbox, main, repository};
use crate::harness::{golang, registry, tool};

const LIBRARY: &str = "module example.com/library\n\ngo 1.26.0\n";

/// A program that prints what `example.com/library` says.
const READER: &str = "package main

import (
\t\"os\"

\t\"example.com/library\"
)

func main() {
\tos.Stdout.WriteString(library.Word + \"\\n\")
}
";

fn library(word: &str) -> String {
    format!("package library\n\nconst Word = \"{word}\"\n")
}

/// Pushes and returns the image `app`.
fn push(sandbox: &Sandbox, args: &[&str]) -> Image {
    sandbox.push().args(args).succeeds();
    Image::new(format!("{}/app", repository()))
}

#[test]
fn a_replaced_module_outside_the_project() {
    let module = format!(
        "{GO_MOD}\nrequire example.com/library v0.0.0\n\nreplace example.com/library => ../library\n"
    );
    let sandbox = Sandbox::of(&[("go.mod", &module), ("main.go", READER)]);
    sandbox.write("../library/go.mod", LIBRARY);
    sandbox.write("../library/library.go", &library("from outside"));
    sandbox.write("../library/unrelated/secret.go", "package unrelated\n");
    assert_eq!(push(&sandbox, &[]).run_default(), "from outside\n");
}

#[test]
fn a_workspace_applies_unless_it_is_switched_off() {
    let module = format!(
        "{GO_MOD}\nrequire example.com/library v0.0.0\n\nreplace example.com/library => ./fork\n"
    );
    let sandbox = Sandbox::of(&[
        (
            "go.work",
            "go 1.26.0\n\ntoolchain go1.26.8\n\nuse (\n\t./app\n\t./library\n)\n",
        ),
        ("app/go.mod", &module),
        ("app/main.go", READER),
        ("app/fork/go.mod", LIBRARY),
        ("app/fork/library.go", &library("from the fork")),
        ("library/go.mod", LIBRARY),
        ("library/library.go", &library("from the workspace")),
    ]);
    for (go_work, expected) in [("off", "from the fork\n"), ("", "from the workspace\n")] {
        let command = sandbox.push().env("GOWORK", go_work);
        command
            .current_dir(&sandbox.project().join("app"))
            .succeeds();
        let image = Image::new(format!("{}/app", repository()));
        assert_eq!(image.run_default(), expected, "GOWORK={go_work}");
    }
}

#[test]
fn an_ignored_file_is_not_embedded() {
    let text = "package main

import (
\t\"embed\"
\t\"os\"
)

//go:embed data
var data embed.FS

func main() {
\tentries, _ := data.ReadDir(\"data\")
\tfor _, entry := range entries {
\t\tos.Stdout.WriteString(entry.Name() + \"\\n\")
\t}
}
";
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("main.go", text),
        (".dockerignore", "data/*.key\n"),
        ("data/public.txt", ""),
        ("data/private.key", ""),
    ]);
    assert_eq!(push(&sandbox, &[]).run_default(), "public.txt\n");
}

#[test]
fn a_manifest_that_is_named_has_its_own_ignore_file() {
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("main.go", &main("whole")),
        ("broken.go", "package other\n"),
        ("release.toml", ""),
        ("release.toml.dockerignore", "broken.go\n"),
        ("ci/release.toml", ""),
    ]);
    let plan = |manifest: &str| sandbox.gobuild().args(["plan", "--file", manifest]);
    plan("release.toml").succeeds();
    plan("ci/release.toml").fails_with(3).says(&["broken.go"]);
    sandbox.write("ci/release.toml.dockerignore", "broken.go\n");
    plan("ci/release.toml").succeeds();
}

#[test]
fn stamps_come_from_git_and_reach_only_the_link() {
    let text = "package main\n\nimport \"os\"\n\nvar version = \"unset\"\n\n\
                func main() {\n\tos.Stdout.WriteString(version + \"\\n\")\n}\n";
    let manifest = "[go]\nstamp = { \"main.version\" = \"{{ git.describe }}\" }\n\n\
                    [[image]]\nname = \"app\"\ntags = [\"{{ git.tag }}\"]\n";
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("main.go", text),
        ("goimage.toml", manifest),
    ]);
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
        tool::run_in(sandbox.project(), "git", &[&identity[..], args].concat())
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    git(&["tag", "v1.2.3"]);
    sandbox.push().succeeds();
    let image = Image::new(format!("{}/app:v1.2.3", repository()));
    assert_eq!(image.run_default(), "v1.2.3\n");
}

#[test]
fn the_time_of_everything_added_is_the_one_asked_for() {
    let sandbox = Sandbox::minimal("dated");
    sandbox.write(
        "goimage.toml",
        "[[image]]\nname = \"app\"\nbase = \"scratch\"\n",
    );
    sandbox
        .push()
        .env("SOURCE_DATE_EPOCH", "1000000000")
        .succeeds();
    let image = Image::new(format!("{}/app", repository()));
    assert_eq!(string(&image.config()["created"]), "2001-09-09T01:46:40Z");
    let files = image.files();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].time, "1000000000");
}

#[test]
fn a_base_behind_a_mirror_and_one_on_a_port_are_the_same() {
    let base = base("mirrored");
    let digest = Image::new(&base).digest();
    let sandbox = Sandbox::minimal("on a base");
    let mut digests = Vec::new();
    let name = base
        .strip_prefix(&format!("{}/", registry::shared()))
        .unwrap();
    for reference in [
        format!("docker.io/{name}"),
        base.clone(),
        format!("{base}@{digest}"),
    ] {
        sandbox.write("goimage.toml", &on(&reference));
        digests.push(push(&sandbox, &[]).digest());
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
}

#[test]
fn a_base_s_config_is_inherited() {
    let base = base("inherited");
    let sandbox = Sandbox::minimal("inherits");
    let manifest = format!(
        "{}env = {{ OWN = \"yes\", SHARED = \"app\" }}\nlabels = {{ own = \"label\" }}\n\
         files = [{{ from = \"config\", to = \"/etc/app\", owner = \"app\", mode = \"0600\" }}]\n",
        on(&base)
    );
    sandbox.write("goimage.toml", &manifest);
    sandbox.write("config/app.conf", "key = value\n");
    let image = push(&sandbox, &[]);
    let config = image.config();
    let settings = &config["config"];
    let env: Vec<String> = settings["Env"]
        .as_array()
        .unwrap()
        .iter()
        .map(string)
        .collect();
    for variable in ["BASE=yes", "OWN=yes", "SHARED=app"] {
        assert!(env.contains(&variable.to_owned()), "{variable} in {env:?}");
    }
    assert!(!env.contains(&"SHARED=base".to_owned()), "{env:?}");
    assert_eq!(settings["Labels"]["base"], "label");
    assert_eq!(settings["Labels"]["own"], "label");
    assert_eq!(settings["User"], "1234:1234");
    assert_eq!(settings["WorkingDir"], "/srv");
    assert_eq!(
        settings["Entrypoint"],
        serde_json::json!(["/usr/local/bin/app"])
    );
    // The base's arguments were meant for its own entrypoint.
    assert_eq!(settings["Cmd"], Value::Null);

    let files = image.files();
    let copied = files
        .iter()
        .find(|file| file.path == "etc/app/app.conf")
        .unwrap();
    assert_eq!(
        (copied.owner.as_str(), copied.mode.as_str()),
        ("1234:5678", "0600")
    );
    assert_eq!(image.read("etc/base-release"), b"the base\n");
    assert_eq!(image.run_default(), "inherits\n");
    // The base's layer is the base's own, not a copy.
    let own = Image::new(&base).layer_digests();
    assert!(own.is_subset(&image.layer_digests()), "{own:?}");
}

#[test]
fn a_base_without_the_platform_is_refused() {
    let base = base("narrow");
    let sandbox = Sandbox::minimal("too wide");
    sandbox.write("goimage.toml", &on(&base));
    let both = ["--platform", "linux/amd64,linux/arm64"];
    sandbox
        .push()
        .args(both)
        .fails_with(3)
        .says(&[&base, "linux/arm64"]);

    let index = format!("{base}-index");
    tool::run(
        "crane",
        &["index", "append", "--manifest", &base, "--tag", &index],
    );
    sandbox.write("goimage.toml", &on(&index));
    sandbox
        .push()
        .args(both)
        .fails_with(3)
        .says(&[&index, "linux/arm64"]);
}

#[test]
fn a_base_that_is_not_there_is_named() {
    let missing = format!("{}/nobody/nothing:1", registry::shared());
    let sandbox = Sandbox::minimal("baseless");
    sandbox.write("goimage.toml", &on(&missing));
    sandbox.push().fails_with(3).says(&[&missing]);
}

#[test]
fn the_host_s_toolchain() {
    let sandbox = Sandbox::minimal("by the host's own Go");
    sandbox.write(
        "goimage.toml",
        "[go]\ntoolchain = \"host\"\n\n[[image]]\nname = \"app\"\n",
    );
    assert_eq!(push(&sandbox, &[]).run_default(), "by the host's own Go\n");
}

#[test]
fn a_toolchain_image() {
    let reference = format!("{}/golang:1.26.8", repository());
    golang::push(&reference);
    let sandbox = Sandbox::minimal("by an image's Go");
    let manifest = format!(
        "[go]\ntoolchain = \"{reference}\"\n\n[[image]]\nname = \"app\"\nbase = \"scratch\"\n"
    );
    sandbox.write("goimage.toml", &manifest);
    assert_eq!(push(&sandbox, &[]).run_default(), "by an image's Go\n");
}

fn on(base: &str) -> String {
    format!("[[image]]\nname = \"app\"\nbase = \"{base}\"\n")
}

/// Pushes a base image for linux/amd64 alone, made by crane, and returns its reference, which
/// lies where a mirror of docker.io has it.
fn base(name: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("layer.tar");
    let mut archive = tar::Builder::new(fs::File::create(&layer).unwrap());
    for (path, content) in [
        ("etc/base-release", "the base\n"),
        ("etc/passwd", "root:x:0:0::/:\napp:x:1234:5678::/srv:\n"),
        ("etc/group", "root:x:0:\napp:x:5678:\n"),
        ("srv/keep", ""),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    archive.finish().unwrap();
    let reference = format!("{}/library/gobuild-case-{name}:1", registry::shared());
    let bare = format!("{reference}-bare");
    let layer = layer.to_str().unwrap();
    tool::run(
        "crane",
        &["append", "--new_layer", layer, "--new_tag", &bare],
    );
    #[rustfmt::skip]
    tool::run("crane", &[
        "mutate", "--set-platform", "linux/amd64", "--env", "BASE=yes", "--env", "SHARED=base",
        "--label", "base=label", "--user", "1234:1234", "--workdir", "/srv",
        "--entrypoint", "/bin/base", "--cmd", "serve", "--tag", &reference, &bare,
    ]);
    reference
}
