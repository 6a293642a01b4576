//! The images that Dockerfiles and ko start from, made on this machine: no registry is asked.
//!
//! `golang:VERSION` is the whole Go tree of the version that gobuild uses, a static busybox for the
//! shell that `RUN` needs, and this machine's CA certificates: about what the Alpine variant of the
//! official image holds. `base:latest` is what a static base holds: certificates, time zones, users.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use crate::tool;

/// Where systems keep their CA certificates in one file.
const BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];
const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";
const PASSWD: &str =
    "root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/home/nonroot:/bin/false\n";

/// Platforms of the base: all that cases build for.
pub(crate) const PLATFORMS: [&str; 6] = [
    "linux/amd64",
    "linux/arm64",
    "linux/ppc64le",
    "linux/s390x",
    "linux/riscv64",
    "linux/loong64",
];

/// Pushes `library/golang:VERSION` for the platform that steps run on.
pub(crate) fn push_golang(
    folder: &Path,
    registry: &str,
    version: &str,
    goroot: &Path,
    platform: &str,
) {
    let archive = folder.join("golang.tar.gz");
    let mut layer = Layer::create(&archive);
    layer.file("bin/busybox", 0o755, &fs::read(busybox()).unwrap());
    for applet in ["sh", "cat", "cp", "env", "ls", "mkdir", "rm"] {
        layer.link(&format!("bin/{applet}"), "busybox");
    }
    layer.file("etc/passwd", 0o644, PASSWD.as_bytes());
    layer.file(BUNDLE, 0o644, &certificates());
    layer.folder("tmp", 0o1777);
    layer.folder("root", 0o700);
    layer.tar.follow_symlinks(false);
    layer.tar.append_dir_all("usr/local/go", goroot).unwrap();
    layer.finish();
    let name = format!("{registry}/library/golang:{version}");
    let path = "PATH=/go/bin:/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin";
    push(
        &archive,
        &name,
        platform,
        &[path, "GOPATH=/go", "GOTOOLCHAIN=local"],
    );
    fs::remove_file(archive).unwrap();
}

/// Pushes `library/base:latest`, an index of all platforms, and returns its name.
pub(crate) fn push_base(folder: &Path, registry: &str) -> String {
    let archive = folder.join("base.tar.gz");
    let mut layer = Layer::create(&archive);
    layer.file("etc/passwd", 0o644, PASSWD.as_bytes());
    layer.file(BUNDLE, 0o644, &certificates());
    layer.folder("tmp", 0o1777);
    layer.folder("home/nonroot", 0o755);
    let zones = Path::new("/usr/share/zoneinfo");
    if zones.is_dir() {
        layer.tar.follow_symlinks(false);
        layer
            .tar
            .append_dir_all("usr/share/zoneinfo", zones)
            .unwrap();
    }
    layer.finish();
    let name = format!("{registry}/library/base:latest");
    let mut args = vec!["index".to_owned(), "append".to_owned()];
    for platform in PLATFORMS {
        let one = format!("{registry}/library/base:{}", platform.replace('/', "-"));
        push(&archive, &one, platform, &["PATH=/usr/local/bin"]);
        args.extend(["-m".to_owned(), one]);
    }
    args.extend(["-t".to_owned(), name.clone()]);
    tool::run("crane", &args);
    fs::remove_file(archive).unwrap();
    name
}

/// Pushes an image of one layer.
fn push(archive: &Path, name: &str, platform: &str, variables: &[&str]) {
    let layer = archive.display().to_string();
    tool::run("crane", &["append", "-f", &layer, "-t", name]);
    let mut args = vec!["mutate", "--set-platform", platform];
    for variable in variables {
        args.extend(["--env", variable]);
    }
    args.extend(["-t", name, name]);
    tool::run("crane", &args);
}

/// Returns this machine's CA certificates.
pub(crate) fn certificates() -> Vec<u8> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let places = named.into_iter().chain(BUNDLES.map(PathBuf::from));
    places
        .filter_map(|place| fs::read(place).ok())
        .next()
        .expect("a CA bundle must be where systems keep it, or in SSL_CERT_FILE")
}

/// Returns the path of a static busybox.
fn busybox() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("busybox"))
        .find(|file| file.is_file())
        .expect("busybox must be on PATH (make bench installs it)")
}

/// A layer that is being written.
struct Layer {
    tar: Builder<GzEncoder<File>>,
}

impl Layer {
    fn create(path: &Path) -> Self {
        let encoder = GzEncoder::new(File::create(path).unwrap(), Compression::default());
        Self {
            tar: Builder::new(encoder),
        }
    }

    fn entry(&mut self, path: &str, kind: EntryType, mode: u32, content: &[u8], target: &str) {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        if kind == EntryType::Symlink {
            header.set_link_name(target).unwrap();
        }
        self.tar.append_data(&mut header, path, content).unwrap();
    }

    fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entry(path, EntryType::Regular, mode, content, "");
    }

    fn folder(&mut self, path: &str, mode: u32) {
        self.entry(&format!("{path}/"), EntryType::Directory, mode, &[], "");
    }

    fn link(&mut self, path: &str, target: &str) {
        self.entry(path, EntryType::Symlink, 0o777, &[], target);
    }

    fn finish(self) {
        let encoder = self.tar.into_inner().unwrap();
        encoder.finish().unwrap().flush().unwrap();
    }
}
