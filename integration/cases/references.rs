//! Which images are built, what they are called, and the files that tell scripts so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::image::{Image, string};
use crate::harness::sandbox::{Sandbox, repository};

#[test]
fn several_tags_and_repositories_at_once() {
    let sandbox = Sandbox::minimal("tagged");
    let (first, second) = (
        format!("{}/first", repository()),
        format!("{}/second", repository()),
    );
    let references = [
        format!("{first}:1"),
        format!("{first}:latest"),
        format!("{second}:1"),
    ];
    let mut command = sandbox.image().arg("--push");
    for reference in &references {
        command = command.args(["--tag", reference]);
    }
    let run = command.succeeds();
    let digests: BTreeSet<String> = references
        .iter()
        .map(|reference| Image::new(reference).digest())
        .collect();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let digest = digests.first().unwrap();
    let lines: BTreeSet<String> = run.stdout.lines().map(str::to_owned).collect();
    let expected = references
        .iter()
        .map(|reference| format!("{reference}@{digest}"))
        .collect();
    assert_eq!(lines, expected, "{run}");
    assert_eq!(Image::new(&references[2]).run_default(), "tagged\n");
}

#[test]
fn files_for_scripts_hold_what_the_registry_says() {
    let sandbox = Sandbox::minimal("described");
    let [metadata, id, references] = ["metadata.json", "id", "references"].map(|n| sandbox.out(n));
    let name = format!("{}:1", repository());
    sandbox
        .image()
        .args(["--push", "--tag", &name])
        .arg("--metadata-file")
        .arg(&metadata)
        .arg("--iidfile")
        .arg(&id)
        .arg("--image-refs")
        .arg(&references)
        .succeeds();
    let image = Image::new(&name);
    let metadata = read_json(&metadata);
    assert_eq!(string(&metadata["containerimage.digest"]), image.digest());
    assert_eq!(string(&metadata["image.name"]), name);
    let descriptor = &metadata["containerimage.descriptor"];
    assert_eq!(string(&descriptor["digest"]), image.digest());
    assert_eq!(descriptor["mediaType"], image.top()["mediaType"]);
    let config = string(&image.manifest()["config"]["digest"]);
    assert_eq!(string(&metadata["containerimage.config.digest"]), config);
    assert_eq!(fs::read_to_string(id).unwrap().trim(), config);
    let pinned = format!("{name}@{}\n", image.digest());
    assert_eq!(fs::read_to_string(references).unwrap(), pinned);
}

#[test]
fn metadata_of_several_images_is_by_name() {
    let sandbox = Sandbox::pair();
    let metadata = sandbox.out("metadata.json");
    sandbox
        .push()
        .arg("--metadata-file")
        .arg(&metadata)
        .succeeds();
    let metadata = read_json(&metadata);
    for name in ["one", "two"] {
        let reference = format!("{}/{name}", repository());
        let digest = string(&metadata[&reference]["containerimage.digest"]);
        assert_eq!(digest, Image::new(&reference).digest(), "{metadata:#}");
    }
}

#[test]
fn an_image_of_several_outputs_is_one_image() {
    let sandbox = Sandbox::minimal("thrice");
    let files = ["metadata.json", "id", "docker.tar", "binaries"];
    let [metadata, id, archive, binaries] = files.map(|name| sandbox.out(name));
    let name = format!("{}:1", repository());
    let run = sandbox
        .image()
        .args(["--push", "--tag", &name])
        .output("docker", &archive)
        .output("local", &binaries)
        .arg("--metadata-file")
        .arg(&metadata)
        .arg("--iidfile")
        .arg(&id)
        .succeeds();
    let image = Image::new(&name);
    assert_eq!(run.stdout, format!("{name}@{}\n", image.digest()), "{run}");
    let metadata = read_json(&metadata);
    assert_eq!(string(&metadata["containerimage.digest"]), image.digest());
    let config = string(&image.manifest()["config"]["digest"]);
    assert_eq!(fs::read_to_string(id).unwrap(), config);
}

#[test]
fn an_id_of_several_images_is_refused_before_they_are_built() {
    let sandbox = Sandbox::pair();
    let image = sandbox.image().arg("--iidfile").arg(sandbox.out("id"));
    let run = image.fails_with(2);
    run.says(&["--iidfile holds one image id, and there are 2"])
        .says_nothing_of(&["compile"]);
}

#[test]
fn a_target_selects_one_image() {
    let sandbox = Sandbox::pair();
    let run = sandbox.push().args(["--target", "one"]).succeeds();
    assert_eq!(run.stdout.lines().count(), 1, "{run}");
    assert!(
        run.stdout
            .starts_with(&format!("{}/one:latest@sha256:", repository())),
        "{run}"
    );
    sandbox
        .push()
        .args(["--target", "three"])
        .fails_with(2)
        .says(&["three", "hint: "]);
}

#[test]
fn a_path_selects_one_main_package() {
    let sandbox = Sandbox::pair();
    let run = sandbox.push().arg("./two").succeeds();
    assert_eq!(run.stdout.lines().count(), 1, "{run}");
    assert!(
        run.stdout
            .starts_with(&format!("{}/two:latest@sha256:", repository())),
        "{run}"
    );
}

fn read_json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
