//! What a second build does again: exactly what an edit makes necessary, wherever the checkout is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::harness::daemon::Private;
use crate::harness::image::Image;
use crate::harness::sandbox::{GO_MOD, Sandbox, main, repository};
use crate::harness::tool;
use crate::harness::vertices::Vertices;

/// Pushes, whatever the registry has, and returns what ran.
fn push(sandbox: &Sandbox) -> Vertices {
    push_with(sandbox, &["--force"])
}

fn push_with(sandbox: &Sandbox, args: &[&str]) -> Vertices {
    let command = sandbox.push().args(["--progress", "rawjson"]).args(args);
    Vertices::of(&command.succeeds())
}

/// Returns a text that no earlier build on the daemon has seen.
fn fresh() -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    format!("{:x}", now.as_nanos())
}

/// Two programs in one image, `./one` with a package that `./two` does not import. They print
/// `NAME one` and `NAME two`.
fn pair(name: &str) -> Sandbox {
    let manifest = "[[image]]\nname = \"pair\"\nbinaries = [\"./one\", \"./two\"]\n\
                    entrypoint = [\"/usr/local/bin/one\"]\n";
    let one = "package main\n\nimport (\n\t\"os\"\n\n\t\"example.com/app/word\"\n)\n\n\
               func main() {\n\tos.Stdout.WriteString(word.Word + \"\\n\")\n}\n";
    Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("goimage.toml", manifest),
        ("one/main.go", one),
        ("two/main.go", &main(&format!("{name} two"))),
        (
            "word/word.go",
            &format!("package word\n\nconst Word = \"{name} one\"\n"),
        ),
    ])
}

#[test]
fn nothing_changed_runs_nothing() {
    let sandbox = pair(&fresh());
    let first = push(&sandbox);
    assert_eq!(
        first.ran("compile "),
        ["compile one linux/amd64", "compile two linux/amd64"]
    );
    let digest = Image::new(format!("{}/pair", repository())).digest();
    let second = push(&sandbox);
    for step in ["compile ", "layer ", "layers ", "modules "] {
        assert_eq!(second.ran(step), Vec::<&str>::new());
    }
    assert_eq!(second.cached("layer ").len(), 2);
    assert_eq!(
        Image::new(format!("{}/pair", repository())).digest(),
        digest
    );
}

#[test]
fn an_edit_compiles_one_binary_and_makes_one_layer() {
    let word = fresh();
    let sandbox = pair(&word);
    let name = format!("{}/pair", repository());
    push(&sandbox);
    let before = Image::new(&name).layer_digests();
    let edited = fresh();
    sandbox.write("two/main.go", &main(&edited));
    let vertices = push(&sandbox);
    assert_eq!(vertices.ran("compile "), ["compile two linux/amd64"]);
    let after = Image::new(&name).layer_digests();
    assert_eq!(after.difference(&before).count(), 1, "{before:?} {after:?}");
    assert_eq!(before.difference(&after).count(), 1, "{before:?} {after:?}");
    assert_eq!(
        Image::new(&name).run(Some("/usr/local/bin/two"), &[]),
        format!("{edited}\n")
    );
    assert_eq!(Image::new(&name).run_default(), format!("{word} one\n"));
}

#[test]
fn an_edit_of_a_package_compiles_only_what_imports_it() {
    let sandbox = pair(&fresh());
    push(&sandbox);
    let edited = format!("package word\n\nconst Word = \"{}\"\n", fresh());
    sandbox.write("word/word.go", &edited);
    assert_eq!(push(&sandbox).ran("compile "), ["compile one linux/amd64"]);
}

/// A main package's folder is a layer of its own upon what it imports.
#[test]
fn an_edit_in_a_main_sends_no_other_package() {
    let sandbox = pair(&fresh());
    let rawjson = || sandbox.push().args(["--progress", "rawjson"]);
    rawjson().succeeds();
    sandbox.edit("one/main.go", "func main() {", "func main() {\n\t_ = 1");
    assert_eq!(Vertices::unpacked(&rawjson().succeeds()).len(), 1);
    let edited = format!("package word\n\nconst Word = \"{}\"\n", fresh());
    sandbox.write("word/word.go", &edited);
    assert_eq!(Vertices::unpacked(&rawjson().succeeds()).len(), 2);
}

/// `go` keeps what it knows of a folder, imports among it, under the names, sizes and times of its
/// files.
#[test]
fn an_edit_that_changes_no_size_is_seen() {
    let word = fresh();
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        (
            "main.go",
            &format!(
                "package main\n\nimport \"log\"\n\nfunc main() {{\n\tlog.Println(\"{word}\")\n}}\n"
            ),
        ),
    ]);
    push(&sandbox);
    sandbox.edit("main.go", "\"log\"", "\"fmt\"");
    sandbox.edit("main.go", "log.", "fmt.");
    push(&sandbox);
    let image = Image::new(format!("{}/app", repository()));
    assert_eq!(image.run(None, &[]), format!("{word}\n"));
}

#[test]
fn what_no_binary_holds_compiles_nothing() {
    let sandbox = pair(&fresh());
    push(&sandbox);
    let digest = Image::new(format!("{}/pair", repository())).digest();
    sandbox.write("README.md", "# Read me\n");
    sandbox.write(
        "one/main_test.go",
        "package main\n\nimport \"testing\"\n\nfunc TestOne(*testing.T) {}\n",
    );
    sandbox.write(
        "word/word_windows.go",
        "package word\n\nconst Windows = true\n",
    );
    sandbox.write("word/testdata/input", "data\n");
    sandbox.write("unused/unused.go", "package unused\n");
    let vertices = push(&sandbox);
    assert_eq!(vertices.ran("compile "), Vec::<&str>::new());
    assert_eq!(
        Image::new(format!("{}/pair", repository())).digest(),
        digest
    );
}

#[test]
fn an_edit_in_one_main_downloads_no_module_again() {
    let sandbox = Sandbox::example("workspace");
    let push = || push_with(&sandbox, &["--target", "workspace-seed"]);
    push();
    let edited = format!("const edit = \"{}\"\n\nfunc main() {{ fmt", fresh());
    sandbox.edit("tool/cmd/seed/main.go", "func main() { fmt", &edited);
    let vertices = push();
    assert_eq!(vertices.ran("modules "), Vec::<&str>::new());
    assert_eq!(vertices.cached("modules ").len(), 1);
    assert_eq!(vertices.ran("compile "), ["compile seed linux/amd64"]);
}

#[test]
fn another_platform_changes_nothing_for_the_first() {
    let sandbox = Sandbox::example("workspace");
    push_with(&sandbox, &["--platform", "linux/amd64"]);
    let vertices = push_with(&sandbox, &["--platform", "linux/amd64,linux/arm64"]);
    for step in ["modules ", "standard ", "dependencies ", "compile "] {
        let ran = vertices.ran(step);
        assert!(
            ran.iter().all(|name| name.ends_with("linux/arm64")),
            "{ran:?}"
        );
    }
    let cached = vertices.cached("compile ");
    let first = cached.iter().filter(|name| name.ends_with("linux/amd64"));
    assert_eq!(first.count(), 2, "{cached:?}");
}

#[test]
fn two_checkouts_give_one_definition() {
    let first = Sandbox::example("embed");
    let second = Sandbox::example("embed");
    touch(&second, "templates/page.html");
    let definition = |sandbox: &Sandbox| sandbox.gobuild().arg("llb").succeeds().bytes;
    assert!(
        definition(&first) == definition(&second),
        "the definitions differ"
    );
}

/// The other daemon is one that has built nothing: `--no-cache` on the shared daemon would take
/// the cache away from the builds of other tests too.
#[tokio::test(flavor = "multi_thread")]
async fn another_checkout_daemon_and_client_come_to_the_same() {
    let here = Sandbox::minimal("wherever");
    here.push().succeeds();
    let ours = Image::new(format!("{}/app", repository()));

    let there = Sandbox::minimal("wherever");
    touch(&there, "main.go");
    let daemon = Private::start();
    daemon.connect(None).await;
    let address = daemon.address().to_string();
    let content = there.out("content");
    let llb = there.gobuild().arg("llb").arg("--content").arg(&content);
    let by_buildctl = Image::new(format!("{}/by-buildctl", repository()));
    buildctl(&address, &llb.succeeds().bytes, &content, &by_buildctl);
    assert_eq!(by_buildctl.layers(), ours.layers());

    let name = format!("{}/there:1", repository());
    let command = there
        .push()
        .args(["--addr", &address, "--insecure-registry", "--tag", &name]);
    command.succeeds();
    assert_eq!(Image::new(&name).digest(), ours.digest());
}

/// Gives a file another time and mode: they depend on when and with which umask it was checked out.
fn touch(sandbox: &Sandbox, path: &str) {
    let path = sandbox.project().join(path);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(long_ago).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
}

/// Has buildctl build a definition whose layouts are in `content`, and push it.
fn buildctl(address: &str, definition: &[u8], content: &Path, image: &Image) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("definition");
    fs::write(&path, definition).unwrap();
    let layouts = format!("gobuild={}", content.display());
    let output = format!(
        "type=image,name={},push=true,registry.insecure=true,compression=zstd,oci-mediatypes=true",
        image.source()
    );
    let mut command = std::process::Command::new("buildctl");
    command
        .args(["--addr", address, "build", "--progress", "plain"])
        .args(["--oci-layout", &layouts, "--output", &output])
        .stdin(fs::File::open(&path).unwrap());
    tool::output(command);
}

#[test]
fn a_definition_is_readable_as_json_and_dot() {
    let sandbox = Sandbox::minimal("shown");
    let json = sandbox
        .gobuild()
        .args(["llb", "--format", "json"])
        .succeeds()
        .stdout;
    let graph: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(graph.is_object() || graph.is_array(), "{json}");
    assert!(json.contains("/usr/local/bin/app"), "{json}");
    let dot = sandbox
        .gobuild()
        .args(["llb", "--format", "dot"])
        .succeeds()
        .stdout;
    assert!(
        dot.starts_with("digraph {") && dot.contains("compile app linux/amd64"),
        "{dot}"
    );
}

#[test]
fn a_plan_is_printed_without_a_builder() {
    let sandbox = Sandbox::example("multi");
    let plan = sandbox.gobuild().args(["plan", "--json"]).succeeds().stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(
        plan["compiles"].as_array().map(Vec::len),
        Some(3),
        "{plan:#}"
    );
    assert_eq!(plan["images"].as_array().map(Vec::len), Some(4), "{plan:#}");
    let text = sandbox.gobuild().arg("plan").succeeds().stdout;
    for word in ["gateway", "worker", "migrate", "multi-all", "linux/amd64"] {
        assert!(text.contains(word), "{word} in {text}");
    }
}
