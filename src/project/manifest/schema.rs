//! The manifest as written: every key of version 1, optional, with its place in the text.
//!
//! Only the shape is checked here (keys and types); what the values mean is
//! [`resolve`](super::resolve)'s business.

use toml::Spanned;
use toml::de::DeTable;

use super::error::Problem;
use super::key::KeyPath;
use super::reader::{List, Map, Section, Text, TextOrMap};

/// A whole `goimage.toml`.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) version: Option<Spanned<i64>>,
    pub(super) go: Go,
    pub(super) modules: Modules,
    pub(super) build: Build,
    pub(super) images: Option<Spanned<Vec<Spanned<Image>>>>,
}

/// `[go]`.
#[derive(Debug, Default)]
pub(super) struct Go {
    pub(super) version: Option<Text>,
    pub(super) toolchain: Option<Text>,
    pub(super) cgo: Option<bool>,
    pub(super) tags: Option<List>,
    pub(super) ldflags: Option<List>,
    pub(super) gcflags: Option<List>,
    pub(super) asmflags: Option<List>,
    pub(super) flags: Option<List>,
    pub(super) buildmode: Option<Text>,
    pub(super) pgo: Option<Text>,
    pub(super) env: Option<Map>,
    pub(super) stamp: Option<Map>,
}

/// `[modules]`.
#[derive(Debug, Default)]
pub(super) struct Modules {
    pub(super) private: Option<List>,
    pub(super) secrets: Option<Spanned<Vec<Spanned<Secret>>>>,
    pub(super) ssh: Option<List>,
    pub(super) ca: Option<List>,
}

/// One of `modules.secrets`.
#[derive(Debug)]
pub(super) struct Secret {
    pub(super) id: Option<Text>,
    pub(super) env: Option<Text>,
    pub(super) file: Option<Text>,
}

/// `[build]`.
#[derive(Debug, Default)]
pub(super) struct Build {
    pub(super) platforms: Option<List>,
    pub(super) jobs: Option<Spanned<i64>>,
    pub(super) cache: Option<Text>,
}

/// One `[[image]]`.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) name: Option<Text>,
    pub(super) tags: Option<List>,
    pub(super) binaries: Option<List>,
    pub(super) base: Option<TextOrMap>,
    pub(super) user: Option<Text>,
    pub(super) entrypoint: Option<List>,
    pub(super) cmd: Option<List>,
    pub(super) env: Option<Map>,
    pub(super) workdir: Option<Text>,
    pub(super) expose: Option<List>,
    pub(super) volumes: Option<List>,
    pub(super) stop_signal: Option<Text>,
    pub(super) labels: Option<Map>,
    pub(super) annotations: Option<Map>,
    pub(super) files: Option<Spanned<Vec<Spanned<File>>>>,
    pub(super) certs: Option<List>,
    pub(super) tzdata: Option<bool>,
    pub(super) compression: Option<Text>,
}

/// One of `image.files`.
#[derive(Debug)]
pub(super) struct File {
    pub(super) from: Option<Text>,
    pub(super) to: Option<Text>,
    pub(super) mode: Option<Text>,
    pub(super) owner: Option<Text>,
}

impl Schema {
    /// Reads a parsed document.
    pub(super) fn read<'d>(document: &'d DeTable<'d>, problems: &mut Vec<Problem>) -> Self {
        let mut section = Section::new(document, KeyPath::root(), problems);
        let schema = Self {
            version: section.integer("version"),
            go: section.section("go", Go::read).unwrap_or_default(),
            modules: section
                .section("modules", Modules::read)
                .unwrap_or_default(),
            build: section.section("build", Build::read).unwrap_or_default(),
            images: section.sections("image", Image::read),
        };
        section.finish();
        schema
    }
}

impl Go {
    fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            version: section.text("version"),
            toolchain: section.text("toolchain"),
            cgo: section.boolean("cgo"),
            tags: section.list("tags"),
            ldflags: section.list("ldflags"),
            gcflags: section.list("gcflags"),
            asmflags: section.list("asmflags"),
            flags: section.list("flags"),
            buildmode: section.text("buildmode"),
            pgo: section.text("pgo"),
            env: section.map("env"),
            stamp: section.map("stamp"),
        }
    }
}

impl Modules {
    fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            private: section.list("private"),
            secrets: section.sections("secrets", |secret| Secret {
                id: secret.text("id"),
                env: secret.text("env"),
                file: secret.text("file"),
            }),
            ssh: section.list("ssh"),
            ca: section.list("ca"),
        }
    }
}

impl Build {
    fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            platforms: section.list("platforms"),
            jobs: section.integer("jobs"),
            cache: section.text("cache"),
        }
    }
}

impl Image {
    fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            name: section.text("name"),
            tags: section.list("tags"),
            binaries: section.list("binaries"),
            base: section.text_or_map("base"),
            user: section.text("user"),
            entrypoint: section.list("entrypoint"),
            cmd: section.list("cmd"),
            env: section.map("env"),
            workdir: section.text("workdir"),
            expose: section.list("expose"),
            volumes: section.list("volumes"),
            stop_signal: section.text("stop-signal"),
            labels: section.map("labels"),
            annotations: section.map("annotations"),
            files: section.sections("files", |file| File {
                from: file.text("from"),
                to: file.text("to"),
                mode: file.text("mode"),
                owner: file.text("owner"),
            }),
            certs: section.list("certs"),
            tzdata: section.boolean("tzdata"),
            compression: section.text("compression"),
        }
    }
}
