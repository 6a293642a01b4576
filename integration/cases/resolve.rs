//! `gobuild resolve`: Kubernetes files get the digests of what they name.

use crate::harness::daemon;
use crate::harness::engine::{docker, with_engine};
use crate::harness::image::Image;
use crate::harness::program::Gobuild;
use crate::harness::sandbox::{Sandbox, repository};

const USAGE: i32 = 2;
const PROJECT: i32 = 3;
const BUILD: i32 = 5;

const DEPLOYMENT: &str = "\
# By hand: keep the order.
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      initContainers:
        - {name: wait, image: \"redis:8\"}
      containers:
        - name: one    # the name of an image, but no image
          image: 'one:latest'    # by name
          args: [\"--peer\", ko://example.com/app/two]
";

/// Returns `gobuild resolve` on the shared daemon, pushing below [`repository`].
fn resolve(sandbox: &Sandbox) -> Gobuild {
    resolve_on(sandbox, &daemon::address()).args(["--repository", &repository()])
}

fn resolve_on(sandbox: &Sandbox, address: &str) -> Gobuild {
    sandbox
        .gobuild()
        .args(["resolve", "--addr", address, "--progress", "plain"])
}

/// Returns a pushed image with its digest.
fn pushed(name: &str) -> String {
    let reference = format!("{}/{name}:latest", repository());
    let digest = Image::new(&reference).digest();
    format!("{reference}@{digest}")
}

#[test]
fn files_and_folders_get_the_digests_of_what_was_pushed() {
    let sandbox = Sandbox::pair();
    sandbox.write("k8s/a.yaml", DEPLOYMENT);
    sandbox.write("k8s/b.yml", "---\nimage: two");
    sandbox.write("k8s/deep/c.yaml", "image: one\n");
    sandbox.write("k8s/notes.txt", "image: one\n");
    sandbox.write("in.json", "{\"image\": \"ko://./one\"}\n");
    let run = resolve(&sandbox)
        .args(["-f", "k8s", "-f", "-"])
        .stdin(&sandbox.project().join("in.json"))
        .succeeds();
    let (one, two) = (pushed("one"), pushed("two"));
    let deployment = DEPLOYMENT
        .replace("'one:latest'", &format!("'{one}'"))
        .replace("ko://example.com/app/two", &two);
    let rest = format!("---\nimage: {two}\n---\n{{\"image\": \"{one}\"}}\n");
    assert_eq!(run.stdout, deployment + &rest);
    assert_eq!(Image::new(&two).run_default(), "two\n");

    let run = resolve(&sandbox)
        .args(["-R", "-f", "k8s/deep", "-f", "k8s/b.yml"])
        .succeeds();
    assert_eq!(run.stdout, format!("image: {one}\n---\nimage: {two}\n"));
    run.says(&["unchanged"]).says_nothing_of(&["compile"]);
}

#[test]
fn what_is_not_named_is_not_built() {
    let sandbox = Sandbox::pair();
    sandbox.write("two.yaml", "image: two\n");
    let run = resolve(&sandbox)
        .args(["-f", "two.yaml", "--tag"])
        .arg(format!("{}/named:1", repository()))
        .succeeds();
    let digest = Image::new(format!("{}/named:1", repository())).digest();
    let named = format!("image: {}/named:1@{digest}\n", repository());
    assert_eq!(run.stdout, named);
    run.says(&["compile two"]).says_nothing_of(&["compile one"]);

    sandbox.write("none.yaml", "image: redis:8 # not ours");
    let run = resolve_on(&sandbox, "unix:///nowhere/buildkitd.sock")
        .args(["-f", "none.yaml"])
        .succeeds();
    assert_eq!(run.stdout, "image: redis:8 # not ours\n");
    run.says(&["warning: no image of this project is named; nothing is built"]);
}

#[test]
fn an_image_that_is_only_loaded_has_no_digest() {
    let sandbox = Sandbox::minimal("loaded");
    sandbox.write("goimage.toml", "[[image]]\nname = \"test/resolved\"\n");
    sandbox.write("app.yaml", "image: test/resolved\n");
    let run = with_engine(resolve_on(&sandbox, &daemon::address()))
        .args(["--load=docker", "-f", "app.yaml"])
        .succeeds();
    assert_eq!(run.stdout, "image: test/resolved:latest\n");
    assert_eq!(
        docker(&["run", "--rm", "test/resolved:latest"]).trim(),
        "loaded"
    );
}

#[test]
fn a_mistake_is_told_before_anything_is_built() {
    let sandbox = Sandbox::pair();
    let nowhere = || resolve_on(&sandbox, "unix:///nowhere/buildkitd.sock");
    let refused = |text: &str, says: &[&str]| {
        sandbox.write("app.yaml", text);
        let run = nowhere().args(["-f", "app.yaml"]).fails_with(PROJECT);
        assert_eq!(run.stdout, "", "{run}");
        run.says(says);
    };
    refused(
        "a: b\nx: ko://example.com/app/three\n",
        &[
            "app.yaml:2:4: example.com/app/three is no program of any image",
            "hint: there are example.com/app/one, example.com/app/two",
        ],
    );
    refused("image: [\n", &["app.yaml:", "this is not YAML"]);
    refused(
        "image: |\n  one\n",
        &["app.yaml:2:3: \"one\" is written with escapes"],
    );
    let missing = nowhere().args(["-f", "no.yaml"]).fails_with(USAGE);
    missing.says(&["cannot read no.yaml"]);
    nowhere()
        .args(["-f", "app.yaml", "--output", "-"])
        .fails_with(USAGE)
        .says(&["standard output is where the files go"]);
    nowhere().fails_with(USAGE).says(&["--filename"]);
}

#[test]
fn what_is_no_image_of_the_project_is_no_concern() {
    let sandbox = Sandbox::pair();
    let text =
        "image: |\n  redis:8\nargs: [\n  \"a\"\n]\n---\n{\"image\": \"docker.io\\/redis\"}\n";
    sandbox.write("k8s/other.yaml", text);
    let nowhere = || resolve_on(&sandbox, "unix:///nowhere/buildkitd.sock");
    let run = nowhere().args(["-f", "k8s"]).succeeds();
    assert_eq!(run.stdout, text);
    nowhere()
        .args(["-f", "one"])
        .fails_with(USAGE)
        .says(&["one holds no .yaml, .yml or .json file", "hint: -R"]);
    for flags in [["--target", "one"], ["--output", "out"]] {
        let run = nowhere().args(["-f", "k8s"]).args(flags);
        assert_eq!(run.fails_with(USAGE).stdout, "");
    }
}

#[test]
fn an_image_that_is_not_named_need_not_be_complete() {
    let sandbox = Sandbox::pair();
    sandbox.write(
        "goimage.toml",
        "[[image]]\nname = \"one\"\nbinaries = [\"./one\"]\nlabels = { v = \"{{ env.NOWHERE }}\" }\n\
         files = [{ from = \"gen\", to = \"/gen\" }]\n\
         [[image]]\nname = \"two\"\nbinaries = [\"./two\"]\n",
    );
    sandbox.write("two.json", "{\"image\": \"two\"}");
    sandbox.write("other.json", "{\"image\": \"redis\"}");
    let run = resolve(&sandbox)
        .args(["-f", "two.json", "-f", "other.json"])
        .succeeds();
    // kubectl takes what begins with a brace for one JSON document.
    let text = "---\n{\"image\": \"TWO\"}\n---\n{\"image\": \"redis\"}\n";
    assert_eq!(run.stdout, text.replace("TWO", &pushed("two")));
}

#[test]
fn a_build_that_fails_prints_no_file() {
    let sandbox = Sandbox::pair();
    sandbox.write("app.yaml", "image: one\n");
    sandbox.edit("one/main.go", "os.Stdout", "os.Nowhere");
    let run = resolve(&sandbox).args(["-f", "app.yaml"]).fails_with(BUILD);
    assert_eq!(run.stdout, "", "{run}");
    run.says(&["os.Nowhere"]);
}
