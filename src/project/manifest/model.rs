//! The resolved manifest: every default filled in, every value checked.
//!
//! Plain data. What depends on the sources (which packages are mains), on the host or on git
//! stays open here: [`Template`]s, and the options that the plan decides (each field says what
//! its `None` means).

use std::collections::BTreeMap;

use serde::Serialize;

use super::template::Template;
use crate::oci::{Platform, Reference};
use crate::project::tree::TreePath;

/// What `goimage.toml` means; [`Default`] is what a project without one gets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Manifest {
    /// How Go compiles.
    pub go: Go,
    /// How modules are fetched.
    pub modules: Modules,
    /// How the build runs.
    pub build: Build,
    /// The images to make, in the order written; never empty.
    pub images: Vec<Image>,
}

/// `[go]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Go {
    /// Exact or minor Go version such as `1.26.3`; `None`: what `go.mod`/`go.work` say.
    pub version: Option<String>,
    /// Where the toolchain comes from.
    pub toolchain: Toolchain,
    /// Whether cgo is on.
    pub cgo: bool,
    /// Build tags.
    pub tags: Vec<String>,
    /// Linker flags, one argument each; `-X` of [`Self::stamp`] comes on top.
    pub ldflags: Vec<String>,
    /// Compiler flags.
    pub gcflags: Vec<String>,
    /// Assembler flags.
    pub asmflags: Vec<String>,
    /// Further flags of `go build`, such as `-trimpath=false`.
    pub flags: Vec<String>,
    /// What kind of executable is linked.
    pub buildmode: BuildMode,
    /// Profile-guided optimization.
    pub pgo: Pgo,
    /// Variables that change what the compiler produces.
    pub env: BTreeMap<String, String>,
    /// String variables set at link time: `importpath.name` → value.
    pub stamp: BTreeMap<String, Template>,
}

/// `go.toolchain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Toolchain {
    /// The proxy's toolchain without cgo, else the `golang` image.
    Auto,
    /// `golang.org/toolchain` from the module proxy.
    Proxy,
    /// The GOROOT of this machine.
    Host,
    /// A container image.
    Image(Reference),
}

/// `go.buildmode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BuildMode {
    /// A position-dependent executable.
    Exe,
    /// A position-independent executable.
    Pie,
}

/// `go.pgo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pgo {
    /// `default.pgo` beside a main, if there is one.
    Auto,
    /// None.
    Off,
    /// One profile for every main.
    File(TreePath),
}

/// `[modules]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Modules {
    /// Patterns of module paths that no public proxy or checksum database may see.
    pub private: Vec<String>,
    /// Secrets of the step that downloads modules, by id.
    pub secrets: Vec<Secret>,
    /// SSH agents forwarded to that step, by id.
    pub ssh: Vec<String>,
    /// Extra certificates that downloads trust.
    pub ca: Vec<TreePath>,
}

/// One of `modules.secrets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// Name under which it is mounted.
    pub id: String,
    /// Where its value is taken from.
    pub source: SecretSource,
}

/// Where a secret's value is taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// Whoever starts the build provides it (`--secret`).
    Caller,
    /// An environment variable of gobuild.
    Env(String),
    /// A file of the machine that gobuild runs on.
    File(String),
}

/// `[build]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Build {
    /// Target platforms; empty: the builder's own.
    pub platforms: Vec<Platform>,
    /// Cap on concurrent compile steps and `go build -p`; `None`: no cap.
    pub jobs: Option<u32>,
    /// Where compiled packages are kept.
    pub cache: CacheMode,
}

/// `build.cache`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheMode {
    /// `layer` when a cache is exported, else `mount`.
    Auto,
    /// In cache mounts of the builder.
    Mount,
    /// In layers, which travel with an exported cache.
    Layer,
}

/// One `[[image]]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Image {
    /// Repository; `None`: the binary's name (see [`super::names`]).
    pub name: Option<Template>,
    /// Tags; never empty.
    pub tags: Vec<Template>,
    /// Package patterns of the mains inside; `None`: one image for each main.
    pub binaries: Option<Vec<String>>,
    /// What the image stands on.
    pub base: Bases,
    /// `user[:group]`; `None`: the base's own.
    pub user: Option<String>,
    /// `None`: the first binary.
    pub entrypoint: Option<Vec<String>>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// Variables of the running container.
    pub env: BTreeMap<String, String>,
    /// Absolute path; `None`: the base's own.
    pub workdir: Option<String>,
    /// Ports as `number/protocol`.
    pub expose: Vec<String>,
    /// Absolute paths of anonymous volumes.
    pub volumes: Vec<String>,
    /// A signal's name or number.
    pub stop_signal: Option<String>,
    /// Labels of the image config.
    pub labels: BTreeMap<String, Template>,
    /// Annotations of the image manifest.
    pub annotations: BTreeMap<String, Template>,
    /// Project files that go into the image.
    pub files: Vec<FileCopy>,
    /// Certificates added to the image's bundle.
    pub certs: Vec<TreePath>,
    /// Whether time zones are in; `None`: as the base has it.
    pub tzdata: Option<bool>,
    /// How layers are compressed.
    pub compression: Compression,
}

/// `image.base`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bases {
    /// Base of platforms that [`Self::platforms`] does not name.
    pub default: Option<Base>,
    /// Bases by platform.
    pub platforms: BTreeMap<Platform, Base>,
}

/// What an image of one platform stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// The built-in base: certificates, time zones, users, `/tmp`, a home.
    Static,
    /// Nothing.
    Scratch,
    /// A container image.
    Image(Reference),
}

/// One of `image.files`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileCopy {
    /// File or folder of the project.
    pub from: TreePath,
    /// Absolute path in the image; with a trailing `/`, the folder to copy into.
    pub to: String,
    /// Permission bits; `None`: as in the project.
    pub mode: Option<u32>,
    /// `user[:group]`, by name or number.
    pub owner: String,
}

/// `image.compression`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Zstandard.
    Zstd,
    /// Gzip, for registries and runtimes that know no other.
    Gzip,
    /// Plain tar.
    Uncompressed,
}

impl Bases {
    /// Returns the base of a platform; `None` if the manifest names none for it.
    #[must_use]
    pub fn of(&self, platform: &Platform) -> Option<&Base> {
        self.platforms.get(platform).or(self.default.as_ref())
    }
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            go: Go::default(),
            modules: Modules::default(),
            build: Build::default(),
            images: vec![Image::default()],
        }
    }
}

impl Default for Go {
    fn default() -> Self {
        Self {
            version: None,
            toolchain: Toolchain::Auto,
            cgo: false,
            tags: Vec::new(),
            ldflags: vec!["-s".to_owned(), "-w".to_owned()],
            gcflags: Vec::new(),
            asmflags: Vec::new(),
            flags: Vec::new(),
            buildmode: BuildMode::Exe,
            pgo: Pgo::Auto,
            env: BTreeMap::new(),
            stamp: BTreeMap::new(),
        }
    }
}

impl Default for Build {
    fn default() -> Self {
        Self {
            platforms: Vec::new(),
            jobs: None,
            cache: CacheMode::Auto,
        }
    }
}

impl Default for Bases {
    fn default() -> Self {
        Self {
            default: Some(Base::Static),
            platforms: BTreeMap::new(),
        }
    }
}

impl Default for Image {
    fn default() -> Self {
        Self {
            name: None,
            tags: vec![Template::literal("latest")],
            binaries: None,
            base: Bases::default(),
            user: None,
            entrypoint: None,
            cmd: Vec::new(),
            env: BTreeMap::new(),
            workdir: None,
            expose: Vec::new(),
            volumes: Vec::new(),
            stop_signal: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            files: Vec::new(),
            certs: Vec::new(),
            tzdata: None,
            compression: Compression::Zstd,
        }
    }
}
