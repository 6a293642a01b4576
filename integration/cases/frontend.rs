//! gobuild as a frontend: other clients' builds have the digest of gobuild's own.

use std::collections::BTreeSet;

use crate::harness::daemon;
use crate::harness::frontend::{Build, Client, said};
use crate::harness::image::Image;
use crate::harness::sandbox::{GO_MOD, Sandbox, main, repository};
use crate::harness::tool;

/// Builds a project with gobuild and with another client; the digests must agree.
fn same(sandbox: &Sandbox, client: Client, options: &[(&str, &str)]) -> Image {
    let own = format!("{}/own:1", repository());
    let mut gobuild = sandbox.image().args(["--push", "--tag", &own]);
    let mut build = Build::new(sandbox, client);
    for (key, value) in options {
        build = build.option(key, value);
        gobuild = gobuild.args([&format!("--{key}"), *value]);
    }
    gobuild.succeeds();
    let reference = format!("{}/frontend:1", repository());
    build.push(&reference);
    let (own, others) = (Image::new(&own), Image::new(&reference));
    assert_eq!(own.config(), others.config(), "{client:?}");
    assert_eq!(own.layers(), others.layers(), "{client:?}");
    assert_eq!(own.digest(), others.digest(), "{client:?}");
    others
}

#[test]
fn buildctl_makes_the_same_image() {
    let image = same(&Sandbox::example("hello"), Client::Gateway, &[]);
    assert!(image.run_default().starts_with("hello from go"));
}

#[test]
fn the_dockerfile_frontend_follows_the_syntax_line_to_the_same_image() {
    same(&Sandbox::example("hello"), Client::Dockerfile, &[]);
}

#[test]
fn buildx_makes_the_same_image() {
    same(&Sandbox::example("hello"), Client::Buildx, &[]);
}

#[test]
fn modules_are_fetched_for_the_same_image() {
    same(
        &Sandbox::example("api"),
        Client::Buildx,
        &[("platform", "linux/amd64")],
    );
}

#[test]
fn several_platforms_are_the_same_index() {
    let both = "linux/amd64,linux/arm64";
    let sandbox = Sandbox::example("platforms");
    let image = same(&sandbox, Client::Buildx, &[("platform", both)]);
    let expected = ["linux/amd64", "linux/arm64"].map(str::to_owned);
    assert_eq!(image.platforms(), BTreeSet::from(expected));
}

#[test]
fn one_of_several_images_is_chosen_by_its_name() {
    let sandbox = Sandbox::example("multi");
    same(&sandbox, Client::Buildx, &[("target", "multi-all")]);
    let refused = Build::new(&sandbox, Client::Buildx).run(&[]);
    assert!(!refused.status.success());
    let said = said(&refused);
    assert!(
        said.contains(
            "makes multi-all, multi-gateway, multi-migrate, multi-worker; choose one with --target"
        ),
        "{said}"
    );
}

#[test]
fn a_workspace_and_embedded_files_make_the_same_image() {
    let target = ("target", "workspace-server");
    same(&Sandbox::example("workspace"), Client::Gateway, &[target]);
    same(&Sandbox::example("embed"), Client::Gateway, &[]);
    same(&Sandbox::example("vendored"), Client::Gateway, &[]);
}

#[test]
fn files_certificates_and_time_zones_make_the_same_layers() {
    let sandbox = Sandbox::of(&[("go.mod", GO_MOD), ("main.go", &main("files"))]);
    sandbox.write("config/a.conf", "a\n");
    sandbox.write("config/deep/b.conf", "b\n");
    let pem = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap();
    let end = pem.find("-----END CERTIFICATE-----").unwrap();
    let start = pem.find("-----BEGIN CERTIFICATE-----").unwrap();
    sandbox.write(
        "corp.pem",
        &format!("{}-----END CERTIFICATE-----\n", &pem[start..end]),
    );
    sandbox.write(
        "goimage.toml",
        "[[image]]\nname = \"files\"\nbase = \"scratch\"\ncerts = [\"corp.pem\"]\ntzdata = true\n\
         files = [{ from = \"config\", to = \"/etc/app\", owner = \"65532:65532\" }]\n",
    );
    let image = same(&sandbox, Client::Gateway, &[]);
    let files = image.files();
    let copied = files.iter().find(|file| file.path == "etc/app/deep/b.conf");
    let copied = copied.unwrap_or_else(|| panic!("{files:?}"));
    assert_eq!(
        (copied.mode.as_str(), copied.owner.as_str()),
        ("0644", "65532:65532")
    );
}

#[test]
fn ignored_files_do_not_exist() {
    let sandbox = Sandbox::minimal("ignored");
    sandbox.write("goimage.toml", "");
    sandbox.write("broken.go", "package main\n\nfunc main() {}\n");
    sandbox.write(".dockerignore", "broken.go\n");
    same(&sandbox, Client::Gateway, &[]);
}

#[test]
fn labels_epoch_and_arguments_come_from_the_client() {
    let sandbox = Sandbox::minimal("labelled");
    sandbox.write(
        "goimage.toml",
        "[[image]]\nname = \"app\"\ntags = [\"{{ git.short }}\"]\n\
         labels = { a = \"{{ env.TEAM }}\", b = \"{{ git.commit }}\", c = \"{{ date }}\" }\n",
    );
    let reference = format!("{}/app:1", repository());
    let build = Build::new(&sandbox, Client::Buildx)
        .option("build-arg:TEAM", "x")
        .option("build-arg:GOBUILD_GIT_COMMIT", "abc")
        .option("build-arg:SOURCE_DATE_EPOCH", "60");
    // buildx has a flag for labels, not an option of the form label:KEY.
    let refused = Build::new(&sandbox, Client::Buildx).run(&[]);
    let refusal = said(&refused);
    assert!(!refused.status.success());
    assert!(refusal.contains("goimage.toml:5"), "{refusal}");
    assert!(refusal.contains("--build-arg"), "{refusal}");
    build.option("label", "d=e").push(&reference);
    let config = Image::new(&reference).config();
    let labels = &config["config"]["Labels"];
    assert_eq!(labels["a"], "x", "{config:#}");
    assert_eq!(labels["b"], "abc");
    assert_eq!(labels["c"], "1970-01-01T00:01:00Z");
    assert_eq!(labels["d"], "e");
    assert_eq!(config["created"], "1970-01-01T00:01:00Z");
}

#[test]
fn a_named_context_replaces_a_base() {
    let sandbox = Sandbox::minimal("replaced");
    sandbox.write("goimage.toml", "[[image]]\nname = \"app\"\n");
    let base = format!("{}/base:1", repository());
    Build::new(&sandbox, Client::Gateway).push(&base);
    let manifest = "[[image]]\nname = \"app\"\nbase = \"base.example.com/none:1\"\n";
    sandbox.write("goimage.toml", manifest);
    let reference = format!("{}/app:1", repository());
    let replacement = format!("docker-image://{base}");
    Build::new(&sandbox, Client::Gateway)
        .option("context:base.example.com/none:1", &replacement)
        .push(&reference);
    let (base, image) = (Image::new(&base), Image::new(&reference));
    assert_eq!(image.layers().len(), base.layers().len() + 1);
    assert_eq!(image.layers()[0], base.layers()[0]);
}

#[test]
fn an_edit_elsewhere_leaves_a_program_as_it_is() {
    let sandbox = Sandbox::pair();
    sandbox.write("goimage.toml", "[[image]]\nname = \"{{ binary }}\"\n");
    let build = Build::new(&sandbox, Client::Gateway).option("target", "one");
    build.run(&[]);
    sandbox.write("two/more.go", "package main\n\nvar more = 1\n");
    sandbox.write("README.md", "words\n");
    let output = said(&build.run(&[]));
    let vertex = output
        .lines()
        .find_map(|line| line.strip_suffix(" compile one linux/amd64"))
        .unwrap_or_else(|| panic!("{output}"));
    assert!(output.contains(&format!("{vertex} CACHED")), "{output}");
}

#[test]
fn programs_for_other_platforms_make_an_index() {
    let sandbox = Sandbox::of(&[("go.mod", GO_MOD), ("main.go", &main("stands in"))]);
    let program = sandbox.out("arm64");
    let mut go = std::process::Command::new("go");
    go.args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(sandbox.project())
        .envs([("GOARCH", "arm64"), ("CGO_ENABLED", "0")]);
    tool::output(go);
    let reference = format!("{}/frontend:both", repository());
    let pack = |platform: &str| {
        let program = format!("{platform}={}", program.display());
        let address = daemon::address();
        let command = sandbox
            .gobuild()
            .args(["frontend", "pack", "--push", "--addr", &address]);
        command.args(["--tag", &reference, "--program", &program])
    };
    pack("linux/arm64").succeeds();
    let image = Image::new(&reference);
    let expected = ["linux/amd64", "linux/arm64"].map(str::to_owned);
    assert_eq!(image.platforms(), BTreeSet::from(expected));
    let foreign = image.platform("linux/arm64");
    assert_eq!(foreign.read("gobuild"), std::fs::read(&program).unwrap());
    assert_eq!(foreign.config()["config"]["Entrypoint"][0], "/gobuild");
    pack("linux/riscv64")
        .fails_with(2)
        .says(&["is no static program for linux/riscv64: it is for ELF machine 183, not 243"]);
}
