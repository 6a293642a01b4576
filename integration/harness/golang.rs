//! Toolchain images, made of this machine's own Go and, for cgo, its own C compiler.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::tool;

/// Debian's packages of the C library and of the kernel's headers.
const LIBRARIES: [&str; 3] = ["libc6", "libc6-dev", "linux-libc-dev"];

/// Pushes an image with Go, for linux/amd64.
pub(crate) fn push(reference: &str) {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go.tar");
    pack_go(&go);
    append(reference, &[&go]);
}

/// The same with a C compiler.
pub(crate) fn push_with_c(reference: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (go, c) = (folder.path().join("go.tar"), folder.path().join("c.tar"));
    pack_go(&go);
    pack_c(&c);
    append(reference, &[&go, &c]);
}

fn append(reference: &str, layers: &[&Path]) {
    let unset = format!("{reference}-unset");
    let mut args = vec!["append", "--new_tag", &unset];
    for layer in layers {
        args.extend(["--new_layer", layer.to_str().unwrap()]);
    }
    tool::run("crane", &args);
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

/// Packs the C compiler: programs, the libraries they are linked to, what they compile and link with.
fn pack_c(archive: &Path) {
    let gcc = |question: &str| tool::run("gcc", &[question]).trim().to_owned();
    let programs = ["/usr/bin/gcc", "/usr/bin/as", "/usr/bin/ld"].map(str::to_owned);
    let mut programs = programs.to_vec();
    programs.extend(["cc1", "collect2"].map(|name| gcc(&format!("-print-prog-name={name}"))));
    let mut files: BTreeSet<PathBuf> = programs.iter().map(PathBuf::from).collect();
    let linked = tool::run("ldd", &programs);
    let words = linked.split_whitespace();
    files.extend(
        words
            .filter(|word| word.starts_with('/') && !word.ends_with(':'))
            .map(PathBuf::from),
    );
    let own = PathBuf::from(gcc("-print-file-name=libgcc.a"));
    let own = own.parent().unwrap();
    for entry in fs::read_dir(own).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".o") || name.starts_with("libgcc") {
            files.insert(path);
        }
    }
    for package in LIBRARIES {
        files.extend(
            tool::run("dpkg", &["-L", package])
                .lines()
                .map(PathBuf::from),
        );
    }
    let mut archive = tar::Builder::new(fs::File::create(archive).unwrap());
    // Everything is below /usr, as systems have it that merged the two.
    for name in ["bin", "lib", "lib64"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive
            .append_link(&mut header, name, format!("usr/{name}"))
            .unwrap();
    }
    let place = |path: &Path| {
        let inside = path.strip_prefix("/").unwrap();
        match inside.starts_with("usr") {
            true => inside.to_owned(),
            false => Path::new("usr").join(inside),
        }
    };
    archive
        .append_dir_all(place(&own.join("include")), own.join("include"))
        .unwrap();
    // Documentation and conversions of other character sets are of no use to a compiler.
    let wanted = |path: &Path| {
        let text = path.to_string_lossy();
        path.is_file() && !text.contains("/share/") && !text.contains("/gconv/")
    };
    let mut packed = BTreeSet::new();
    for file in files.iter().filter(|file| wanted(file)) {
        if packed.insert(place(file)) {
            archive.append_path_with_name(file, place(file)).unwrap();
        }
    }
    archive.finish().unwrap();
}
