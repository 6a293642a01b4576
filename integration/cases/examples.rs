//! Every example, built, pushed, inspected with crane and run with runc, as its `test.toml` says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::harness::expectations::{Expectations, ExpectedImage};
use crate::harness::image::{Image, string};
use crate::harness::sandbox::{Sandbox, examples, repository};
use crate::harness::tool;

const EXAMPLES: [&str; 7] = [
    "api",
    "embed",
    "hello",
    "multi",
    "platforms",
    "vendored",
    "workspace",
];

#[test]
fn no_example_is_forgotten() {
    let entries = fs::read_dir(examples()).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.map(|entry| entry.file_name().into_string().unwrap());
    assert_eq!(
        names.collect::<BTreeSet<_>>(),
        EXAMPLES.map(str::to_owned).into()
    );
}

#[test]
fn api() {
    check("api");
}

#[test]
fn embed() {
    check("embed");
}

#[test]
fn hello() {
    check("hello");
}

#[test]
fn multi() {
    check("multi");
}

#[test]
fn platforms() {
    check("platforms");
}

#[test]
fn vendored() {
    check("vendored");
}

#[test]
fn workspace() {
    check("workspace");
}

fn check(example: &str) {
    let expectations = Expectations::read(&examples().join(example));
    let sandbox = Sandbox::example(example);
    let run = sandbox.push().succeeds();

    let printed: BTreeMap<String, String> = run
        .stdout
        .lines()
        .map(|line| line.split_once('@').unwrap_or_else(|| panic!("{run}")))
        .map(|(reference, digest)| (reference.to_owned(), digest.to_owned()))
        .collect();
    let reference = |image: &ExpectedImage| format!("{}/{}:latest", repository(), image.name);
    let expected: BTreeSet<String> = expectations.image.iter().map(reference).collect();
    assert_eq!(
        printed.keys().cloned().collect::<BTreeSet<_>>(),
        expected,
        "{run}"
    );

    for expected in &expectations.image {
        let reference = reference(expected);
        let image = Image::new(&reference);
        assert_eq!(image.digest(), printed[&reference]);
        assert_eq!(image.platforms(), expected.platforms);
        for platform in &expected.platforms {
            check_platform(expected, &image.platform(platform), platform);
        }
        for run in &expected.run {
            let entrypoint = run.entrypoint.first().map(String::as_str);
            let stdout = image.run(entrypoint, &run.args);
            // A multi-line text in TOML may begin with a line end, for looks.
            assert_eq!(stdout, run.stdout, "{} {run:?}", expected.name);
        }
    }
}

fn check_platform(expected: &ExpectedImage, image: &Image, platform: &str) {
    check_config(expected, &image.config());
    for (digest, media_type) in image.layers() {
        assert_eq!(
            media_type, "application/vnd.oci.image.layer.v1.tar+zstd",
            "{digest}"
        );
    }
    let files = image.files();
    for file in &files {
        assert_eq!(file.time, "0", "{file:?} of {}", expected.name);
    }
    if let Some(expected) = &expected.files {
        let paths: Vec<&String> = files.iter().map(|file| &file.path).collect();
        assert_eq!(paths, expected.iter().collect::<Vec<_>>());
    }
    let path = expected.entrypoint[0].trim_start_matches('/');
    let binary = files
        .iter()
        .find(|file| file.path == path)
        .unwrap_or_else(|| panic!("{files:?}"));
    assert_eq!(
        (binary.mode.as_str(), binary.owner.as_str()),
        ("0755", "0:0")
    );
    check_binary(&image.read(path), platform);
}

fn check_config(expected: &ExpectedImage, config: &Value) {
    let settings = &config["config"];
    assert_eq!(
        settings["User"].as_str().unwrap_or_default(),
        expected.user,
        "{config:#}"
    );
    assert_eq!(
        texts(&settings["Entrypoint"]),
        expected.entrypoint,
        "{config:#}"
    );
    let env = texts(&settings["Env"]);
    for (name, value) in &expected.env {
        assert!(
            env.contains(&format!("{name}={value}")),
            "{name} in {config:#}"
        );
    }
    let keys = |value: &Value| -> BTreeSet<String> {
        value
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys().cloned())
            .collect()
    };
    assert_eq!(
        keys(&settings["ExposedPorts"]),
        expected.expose,
        "{config:#}"
    );
    let labels = settings["Labels"].as_object().into_iter().flatten();
    let labels: BTreeMap<String, String> = labels
        .map(|(name, value)| (name.clone(), string(value)))
        .collect();
    assert_eq!(labels, expected.labels, "{config:#}");
    assert_eq!(string(&config["created"]), "1970-01-01T00:00:00Z");
    let layers = config["rootfs"]["diff_ids"].as_array().unwrap().len();
    let histories = config["history"].as_array().unwrap();
    let filled = histories
        .iter()
        .filter(|entry| entry["empty_layer"] != true)
        .count();
    assert_eq!(filled, layers, "a line of history per layer: {config:#}");
}

/// Checks what the binary itself says of its making.
fn check_binary(bytes: &[u8], platform: &str) {
    let (os, architecture) = platform.split_once('/').unwrap();
    let machine = u16::from_le_bytes([bytes[18], bytes[19]]);
    let expected = match architecture {
        "amd64" => 62,
        "arm64" => 183,
        other => panic!("e_machine of {other}?"),
    };
    assert_eq!(
        (&bytes[..4], machine),
        (&b"\x7fELF"[..], expected),
        "{platform}"
    );

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("binary"), bytes).unwrap();
    let facts = tool::run_in(folder.path(), "go", &["version", "-m", "binary"]);
    let settings: BTreeSet<&str> = facts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("build\t"))
        .collect();
    let goos = format!("GOOS={os}");
    let goarch = format!("GOARCH={architecture}");
    for setting in ["-trimpath=true", "CGO_ENABLED=0", &goos, &goarch] {
        assert!(settings.contains(setting), "{setting} in {facts}");
    }
    assert!(facts.starts_with("binary: go1.26.8\n"), "{facts}");
    assert!(!facts.contains("vcs."), "{facts}");
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(string).collect()
}
