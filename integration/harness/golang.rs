//! Toolchain images, made of this machine's own Go.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{debian, tool};

/// Pushes an image with Go, for linux/amd64.
pub(crate) fn push(reference: &str) {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go.tar");
    pack_go(&go);
    push_layers(reference, &[&go]);
}

/// Pushes an image with Go and a C compiler, for linux/amd64.
pub(crate) fn push_with_c(reference: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (c, go) = (folder.path().join("c.tar"), folder.path().join("go.tar"));
    debian::pack(&["gcc", "libc6-dev"], &c);
    pack_go(&go);
    push_layers(reference, &[&c, &go]);
}

/// Pushes an image with a C library, for linux/amd64.
pub(crate) fn push_c_library(reference: &str) {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("library.tar");
    debian::pack(&["libc6"], &library);
    push_layers(reference, &[&library]);
}

fn push_layers(reference: &str, layers: &[&Path]) {
    let unset = format!("{reference}-unset");
    let mut command = Command::new("crane");
    command.args(["append", "--new_tag", &unset]);
    for layer in layers {
        command.arg("--new_layer").arg(layer);
    }
    tool::output(command);
    let set = ["mutate", "--set-platform", "linux/amd64", "--tag"];
    tool::run("crane", &[&set[..], &[reference, &unset]].concat());
}

/// Packs what compiling needs of the host's Go, where the official image has it.
fn pack_go(archive: &Path) {
    let root = tool::run("go", &["env", "GOROOT"]);
    let root = Path::new(root.trim());
    let mut archive = tar::Builder::new(fs::File::create(archive).unwrap());
    let place = Path::new("usr/local/go");
    for file in ["VERSION", "go.env", "bin/go", "src/go.mod"] {
        archive
            .append_path_with_name(root.join(file), place.join(file))
            .unwrap();
    }
    for folder in ["pkg/include", "pkg/tool"] {
        archive
            .append_dir_all(place.join(folder), root.join(folder))
            .unwrap();
    }
    // Go's own commands and tests are most of its sources.
    for entry in fs::read_dir(root.join("src")).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() && entry.file_name() != "cmd" {
            let name = place.join("src").join(entry.file_name());
            archive.append_dir_all(name, entry.path()).unwrap();
        }
    }
    archive.finish().unwrap();
}
