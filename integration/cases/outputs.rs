//! What a build leaves: archives, folders, tags, files for scripts, and nothing after a failure.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::harness::image::{Image, string};
use crate::harness::sandbox::{Sandbox, main, repository};

#[test]
fn an_oci_archive_runs() {
    let sandbox = Sandbox::minimal("from an archive");
    let archive = sandbox.out("image.tar");
    sandbox.image().output("oci", &archive).succeeds();
    assert_eq!(
        Image::new(archive.display()).run_default(),
        "from an archive\n"
    );
}

#[test]
fn an_oci_archive_goes_to_standard_output() {
    let sandbox = Sandbox::minimal("from a pipe");
    let run = sandbox
        .image()
        .args(["--output", "type=oci,dest=-"])
        .succeeds();
    let archive = sandbox.out("image.tar");
    fs::write(&archive, &run.bytes).unwrap();
    assert_eq!(Image::new(archive.display()).run_default(), "from a pipe\n");
}

#[test]
fn an_oci_folder_is_a_layout_of_every_platform() {
    let sandbox = Sandbox::minimal("from a folder");
    let folder = sandbox.out("layout");
    let output = format!("type=oci,tar=false,dest={}", folder.display());
    let run = sandbox
        .image()
        .args([
            "--platform",
            "linux/amd64,linux/arm64",
            "--tag",
            "team/app:v1",
        ])
        .args(["--output", &output])
        .succeeds();
    let layout = fs::read_to_string(folder.join("oci-layout")).unwrap();
    assert_eq!(json(&layout)["imageLayoutVersion"], "1.0.0");
    let index = json(&fs::read_to_string(folder.join("index.json")).unwrap());
    let descriptors = index["manifests"].as_array().unwrap();
    assert_eq!(descriptors.len(), 1, "{index:#}");
    let digest = string(&descriptors[0]["digest"]);
    assert!(run.stdout.contains(&digest), "{run}");
    assert_eq!(
        descriptors[0]["annotations"]["org.opencontainers.image.ref.name"],
        "v1"
    );
    let inner = blob(&folder, &digest);
    let platforms: BTreeSet<String> = inner["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|manifest| string(&manifest["platform"]["architecture"]))
        .collect();
    assert_eq!(
        platforms,
        BTreeSet::from(["amd64".to_owned(), "arm64".to_owned()])
    );
    assert_eq!(
        Image::new(folder.display()).run_default(),
        "from a folder\n"
    );
}

#[test]
fn a_folder_takes_a_second_build_beside_the_first() {
    let sandbox = Sandbox::minimal("first");
    let folder = sandbox.out("layout");
    let output = format!("type=oci,tar=false,dest={}", folder.display());
    sandbox
        .image()
        .args(["--tag", "app:one", "--output", &output])
        .succeeds();
    sandbox.write("main.go", &main("second"));
    sandbox
        .image()
        .args(["--tag", "app:two", "--output", &output])
        .succeeds();
    let index = json(&fs::read_to_string(folder.join("index.json")).unwrap());
    let names: Vec<&Value> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|manifest| &manifest["annotations"]["org.opencontainers.image.ref.name"])
        .collect();
    assert_eq!(names, ["one", "two"], "{index:#}");
}

#[test]
fn a_docker_archive_is_what_docker_load_reads() {
    let sandbox = Sandbox::minimal("for docker");
    let archive = sandbox.out("image.tar");
    sandbox
        .image()
        .args([
            "--tag",
            "example.com/team/app:1",
            "--tag",
            "example.com/team/app:2",
        ])
        .output("docker", &archive)
        .succeeds();
    let manifest = json(&member(&archive, "manifest.json").expect("manifest.json"));
    assert_eq!(manifest.as_array().map(Vec::len), Some(1), "{manifest:#}");
    let tags: BTreeSet<String> = manifest[0]["RepoTags"]
        .as_array()
        .unwrap()
        .iter()
        .map(string)
        .collect();
    let expected = ["example.com/team/app:1", "example.com/team/app:2"].map(str::to_owned);
    assert_eq!(tags, expected.into());
    let config = string(&manifest[0]["Config"]);
    let config = json(&member(&archive, &config).expect("config"));
    assert_eq!(config["architecture"], "amd64");
    // Its readers know gzip at best.
    for layer in manifest[0]["Layers"].as_array().unwrap() {
        let bytes = bytes(&archive, &string(layer)).expect("layer");
        assert_eq!(bytes[..2], [0x1f, 0x8b], "{layer}");
    }
}

#[test]
fn a_docker_archive_of_two_platforms_is_refused_before_anything_is_sent() {
    let sandbox = Sandbox::minimal("refused");
    let archive = sandbox.out("image.tar");
    sandbox
        .image()
        .args(["--platform", "linux/amd64,linux/arm64"])
        .output("docker", &archive)
        .fails_with(2)
        .says(&["a docker archive holds one platform"]);
    assert!(!archive.exists());
}

#[test]
fn a_folder_of_binaries_has_subfolders_only_for_several_platforms() {
    let sandbox = Sandbox::pair();
    let single = sandbox.out("single");
    sandbox
        .image()
        .args(["--target", "two"])
        .output("local", &single)
        .succeeds();
    assert_eq!(listing(&single), ["two"]);
    let printed = std::process::Command::new(single.join("two"))
        .output()
        .unwrap();
    assert_eq!(printed.stdout, b"two\n");

    let several = sandbox.out("several");
    let run = sandbox
        .image()
        .args(["--platform", "linux/amd64,linux/arm64"])
        .output("local", &several)
        .succeeds();
    assert_eq!(
        listing(&several),
        [
            "linux_amd64/one",
            "linux_amd64/two",
            "linux_arm64/one",
            "linux_arm64/two"
        ],
        "{run}"
    );
    let bytes = fs::read(several.join("linux_arm64/one")).unwrap();
    assert_eq!(bytes[18], 183, "e_machine of arm64");
}

#[test]
fn an_archive_and_a_push_in_one_go_are_one_image() {
    let sandbox = Sandbox::minimal("both");
    let archive = sandbox.out("image.tar");
    let name = format!("{}:1", repository());
    sandbox
        .image()
        .args(["--push", "--tag", &name])
        .output("oci", &archive)
        .succeeds();
    let index = json(&member(&archive, "index.json").unwrap());
    assert_eq!(
        string(&index["manifests"][0]["digest"]),
        Image::new(&name).digest()
    );
}

#[test]
fn layers_are_compressed_as_asked() {
    let sandbox = Sandbox::minimal("compressed");
    let manifest = "[[image]]\nname = \"app\"\ncompression = \"gzip\"\n";
    sandbox.write("goimage.toml", manifest);
    for (args, media_type) in [
        (&[][..], "application/vnd.oci.image.layer.v1.tar+gzip"),
        (
            &["--compression", "uncompressed"],
            "application/vnd.oci.image.layer.v1.tar",
        ),
        (
            &["--compression", "zstd"],
            "application/vnd.oci.image.layer.v1.tar+zstd",
        ),
    ] {
        sandbox.push().args(args).succeeds();
        let image = Image::new(format!("{}/app", repository()));
        let types: BTreeSet<String> = image.layers().into_iter().map(|(_, kind)| kind).collect();
        assert_eq!(types, BTreeSet::from([media_type.to_owned()]), "{args:?}");
        assert_eq!(image.run_default(), "compressed\n");
    }
}

#[test]
fn a_failed_build_leaves_no_output() {
    let sandbox = Sandbox::minimal("broken");
    sandbox.write(
        "main.go",
        "package main\n\nfunc main() {\n\tundefined()\n}\n",
    );
    let outputs = [
        "image.tar",
        "layout",
        "binaries",
        "metadata.json",
        "id",
        "references",
    ];
    let [archive, layout, binaries, metadata, id, references] =
        outputs.map(|name| sandbox.out(name));
    sandbox
        .image()
        .output("oci", &archive)
        .args([
            "--output",
            &format!("type=oci,tar=false,dest={}", layout.display()),
        ])
        .output("local", &binaries)
        .arg("--metadata-file")
        .arg(&metadata)
        .arg("--iidfile")
        .arg(&id)
        .arg("--image-refs")
        .arg(&references)
        .fails_with(5);
    let left: Vec<_> = fs::read_dir(sandbox.out(""))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    let files: Vec<_> = left
        .iter()
        .filter(|path| path.is_file() || !listing(path).is_empty())
        .collect();
    assert!(files.is_empty(), "{files:?}");
}

#[test]
fn an_earlier_archive_survives_a_failed_build() {
    let sandbox = Sandbox::minimal("kept");
    let archive = sandbox.out("image.tar");
    sandbox.image().output("oci", &archive).succeeds();
    let before = fs::read(&archive).unwrap();
    sandbox.write(
        "main.go",
        "package main\n\nfunc main() {\n\tundefined()\n}\n",
    );
    sandbox.image().output("oci", &archive).fails_with(5);
    assert!(fs::read(&archive).unwrap() == before, "the archive changed");
}

#[test]
fn a_full_disk_of_this_machine_is_not_the_builder_s() {
    let sandbox = Sandbox::minimal("too much");
    let output = ["--output", "type=oci,dest=/dev/full"];
    let run = sandbox.image().args(output).fails_with(1);
    let text = "error: cannot write \"/dev/full\": No space left on device";
    run.says(&[text]).says_nothing_of(&["the builder's disk"]);
}

/// Returns the files below a folder, sorted, relative to it.
fn listing(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, prefix: &str, files: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{name}/"), files);
            } else {
                files.push(name);
            }
        }
    }
    let mut files = Vec::new();
    walk(folder, "", &mut files);
    files.sort();
    files
}

fn blob(folder: &Path, digest: &str) -> Value {
    let path = folder
        .join("blobs/sha256")
        .join(digest.trim_start_matches("sha256:"));
    json(&fs::read_to_string(path).unwrap())
}

fn member(archive: &Path, name: &str) -> Option<String> {
    bytes(archive, name).map(|bytes| String::from_utf8(bytes).unwrap())
}

/// Returns a member of a tar archive.
fn bytes(archive: &Path, name: &str) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(fs::File::open(archive).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().to_str() == Some(name) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            return Some(bytes);
        }
    }
    None
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
