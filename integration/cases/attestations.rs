//! What the builder attests of images: how they were built, and what a scanner finds in them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::harness::frontend::{Build, Client};
use crate::harness::image::{Image, string};
use crate::harness::sandbox::{GO_MOD, Sandbox, main, repository};
use crate::harness::tool;

const USAGE: i32 = 2;
const SPDX: &str = "https://spdx.dev/Document";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// A scanner of BuildKit's protocol (`docs/attestations/sbom-protocol.md`): it names the files.
const SCANNER: &str = r#"package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	source := os.Getenv("BUILDKIT_SCAN_SOURCE")
	files := []map[string]string{}
	walk := func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, map[string]string{"fileName": path[len(source):]})
		}
		return err
	}
	if err := filepath.WalkDir(source, walk); err != nil {
		panic(err)
	}
	text, _ := json.Marshal(map[string]any{
		"_type":         "https://in-toto.io/Statement/v0.1",
		"predicateType": "https://spdx.dev/Document",
		"predicate":     map[string]any{"spdxVersion": "SPDX-2.3", "files": files},
	})
	file := filepath.Join(os.Getenv("BUILDKIT_SCAN_DESTINATION"), "sbom.spdx.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		panic(err)
	}
}
"#;

/// Pushes the scanner; returns its name.
fn scanner() -> String {
    let scanner = Sandbox::of(&[("go.mod", GO_MOD), ("main.go", SCANNER)]);
    scanner.write("goimage.toml", "[[image]]\nuser = \"0:0\"\n");
    let generator = format!("{}/scanner:1", repository());
    let pushed = scanner.image().args(["--push", "--tag", &generator]);
    pushed.succeeds();
    generator
}

/// An image in a registry, and what is attested of it.
struct Attested {
    /// Digest of its manifest.
    image: String,
    /// The layers of what is attested.
    layers: Vec<Value>,
    name: String,
}

impl Attested {
    /// Returns all images of an index `NAME:TAG`, each of which something is attested of.
    fn all(reference: &str) -> Vec<Self> {
        let (name, _) = reference.rsplit_once(':').unwrap();
        let index = Image::new(reference).top();
        let manifests = index["manifests"].as_array().unwrap();
        let (about, images): (Vec<_>, Vec<_>) = manifests
            .iter()
            .partition(|listed| listed["annotations"]["vnd.docker.reference.type"].is_string());
        assert_eq!(about.len(), images.len(), "{index:#}");
        let of = |image: &Value| {
            let digest = string(&image["digest"]);
            let is_about = |listed: &&&Value| {
                listed["annotations"]["vnd.docker.reference.digest"] == digest.as_str()
            };
            let about = about.iter().find(is_about);
            let about = about.unwrap_or_else(|| panic!("{index:#}"));
            assert_eq!(about["platform"]["architecture"], "unknown");
            let manifest = format!("{name}@{}", string(&about["digest"]));
            let manifest = Image::new(manifest).top();
            Self {
                image: digest,
                layers: manifest["layers"].as_array().unwrap().clone(),
                name: name.to_owned(),
            }
        };
        images.into_iter().map(of).collect()
    }

    /// Returns the one image of an index.
    fn one(reference: &str) -> Self {
        let mut all = Self::all(reference);
        assert_eq!(all.len(), 1, "{reference}");
        all.swap_remove(0)
    }

    /// Returns the kinds of what is attested.
    fn predicates(&self) -> BTreeSet<String> {
        let layers = self.layers.iter();
        layers
            .map(|layer| string(&layer["annotations"]["in-toto.io/predicate-type"]))
            .collect()
    }

    /// Returns the statement of a kind, which must be about the image.
    fn statement(&self, predicate: &str) -> Value {
        let is_wanted =
            |layer: &&Value| layer["annotations"]["in-toto.io/predicate-type"] == predicate;
        let layer = self.layers.iter().find(is_wanted);
        let layer = layer.unwrap_or_else(|| panic!("{:?}", self.layers));
        let blob = format!("{}@{}", self.name, string(&layer["digest"]));
        let statement = tool::run("crane", &["blob", &blob]);
        let statement: Value = serde_json::from_str(&statement).unwrap();
        let subject = string(&statement["subject"][0]["digest"]["sha256"]);
        assert_eq!(format!("sha256:{subject}"), self.image);
        statement
    }

    /// Checks that the scanner has seen a program, in the layer that it came with.
    fn has_scanned(&self, program: &str) {
        let statement = self.statement(SPDX);
        // The daemon adds which layer a file came with.
        let files = statement["predicate"]["files"].as_array().unwrap();
        let program = files.iter().find(|file| file["fileName"] == program);
        let program = program.unwrap_or_else(|| panic!("{files:?}"));
        let built = Image::new(format!("{}@{}", self.name, self.image)).top();
        let layers = built["layers"].as_array().unwrap();
        let layer = string(&layers.last().unwrap()["digest"]);
        assert_eq!(program["comment"], format!("layerID: {layer}"));
    }
}

#[test]
fn frontends_have_provenance_and_an_index_if_they_are_asked_for() {
    let sandbox = Sandbox::minimal("attested");
    sandbox.write("goimage.toml", "[[image]]\nname = \"app\"\n");
    let reference = format!("{}/app:1", repository());
    Build::new(&sandbox, Client::Gateway)
        .option("attest:provenance", "mode=max")
        .option("multi-platform", "true")
        .push(&reference);
    let attested = Attested::one(&reference);
    assert_eq!(
        attested.predicates(),
        BTreeSet::from([PROVENANCE.to_owned()])
    );
}

#[test]
fn frontends_have_a_scanner_run_over_what_was_built() {
    let generator = scanner();
    let sandbox = Sandbox::minimal("scanned");
    sandbox.write("goimage.toml", "[[image]]\nname = \"app\"\n");
    let reference = format!("{}/app:1", repository());
    let clients = [(Client::Gateway, "attest:sbom"), (Client::Buildx, "sbom")];
    for (client, option) in clients {
        Build::new(&sandbox, client)
            .option(option, &format!("generator={generator}"))
            .push(&reference);
        Attested::one(&reference).has_scanned("/usr/local/bin/app");
    }
}

#[test]
fn images_of_several_platforms_are_attested() {
    let generator = scanner();
    let sandbox = Sandbox::of(&[("go.mod", GO_MOD), ("main.go", &main("attested"))]);
    sandbox.write("goimage.toml", "[[image]]\nname = \"app\"\n");
    let reference = format!("{}/app:1", repository());
    let push = || {
        let push = sandbox.image().args(["--push", "--tag", &reference]);
        push.args(["--platform", "linux/amd64,linux/arm64"])
    };
    let plain = push().succeeds();
    let sbom = format!("generator={generator}");
    let run = push()
        .args(["--provenance", "mode=max", "--sbom", &sbom])
        .succeeds();
    assert_ne!(
        run.stdout, plain.stdout,
        "attestations are part of the index"
    );
    assert_eq!(
        run.stdout,
        format!("{reference}@{}\n", Image::new(&reference).digest())
    );
    let all = Attested::all(&reference);
    assert_eq!(all.len(), 2);
    for attested in &all {
        attested.has_scanned("/usr/local/bin/app");
        let statement = attested.statement(PROVENANCE);
        let steps = statement["predicate"]["buildDefinition"]["internalParameters"]["buildConfig"]
            ["llbDefinition"]
            .as_array()
            .unwrap();
        assert!(!steps.is_empty(), "mode=max has the graph");
    }
    // What is attested is part of what is pushed: nothing is unchanged that lacks it.
    push().args(["--provenance", "mode=max"]).succeeds();
    let kinds = Attested::all(&reference)[0].predicates();
    assert_eq!(kinds, BTreeSet::from([PROVENANCE.to_owned()]));
    push()
        .args(["--provenance", "mode=max"])
        .succeeds()
        .says(&["unchanged "]);
    let last = push().args(["--attest", "type=provenance", "--provenance", "false"]);
    assert_eq!(last.succeeds().stdout, plain.stdout);
}

#[test]
fn archives_and_folders_hold_what_is_attested_where_they_can() {
    let sandbox = Sandbox::of(&[("go.mod", GO_MOD), ("main.go", &main("kept"))]);
    sandbox.write("goimage.toml", "[[image]]\nname = \"app\"\n");
    let attested = || sandbox.image().arg("--provenance=true");
    let layout = sandbox.out("layout");
    attested().output("oci,tar=false", &layout).succeeds();
    let index = Image::top_of_layout(&layout);
    let kind = |number: usize| {
        index["manifests"][number]["annotations"]["vnd.docker.reference.type"].clone()
    };
    assert_eq!(kind(0), Value::Null, "{index:#}");
    assert_eq!(kind(1), "attestation-manifest", "{index:#}");

    let folder = sandbox.out("bin");
    attested().output("local", &folder).succeeds();
    let provenance = fs::read_to_string(folder.join("provenance.json")).unwrap();
    let provenance: Value = serde_json::from_str(&provenance).unwrap();
    assert_eq!(provenance["predicateType"], PROVENANCE);

    attested()
        .output("docker", &sandbox.out("docker.tar"))
        .fails_with(USAGE)
        .says(&[
            "a docker archive cannot hold attestations; type=registry, image, oci and local can",
        ]);
    assert!(!sandbox.out("docker.tar").exists());
    sandbox
        .image()
        .args(["--push", "--sbom", "generator"])
        .fails_with(USAGE)
        .says(&["--sbom generator: \"generator\" is not of the form key=value"]);
}
