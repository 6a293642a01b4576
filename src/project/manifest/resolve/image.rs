//! `[[image]]`: what an image is called, holds and stands on.

use std::collections::BTreeMap;

use super::{Resolver, elements, entries, strings};
use crate::oci::Platform;
use crate::project::manifest::error::Problem;
use crate::project::manifest::key::KeyPath;
use crate::project::manifest::model::{Base, Bases, Compression, FileCopy, Image};
use crate::project::manifest::names::{check_repository, check_tag};
use crate::project::manifest::reader::{List, Map, Text, TextOrMap};
use crate::project::manifest::schema;
use crate::project::manifest::template::{Scope, Template};

impl Resolver<'_> {
    pub(super) fn image(
        &mut self,
        written: &schema::Image,
        key: &KeyPath,
        build: &schema::Build,
    ) -> Image {
        let default = Image::default();
        Image {
            name: self.name(written.name.as_ref(), key.key("name")),
            tags: self.tags(written.tags.as_ref(), &key.key("tags"), default.tags),
            binaries: self.binaries(written.binaries.as_ref(), &key.key("binaries")),
            base: self.bases(written.base.as_ref(), &key.key("base"), build),
            user: self.user(written.user.as_ref(), &key.key("user")),
            entrypoint: written.entrypoint.as_ref().map(strings),
            cmd: written.cmd.as_ref().map(strings).unwrap_or_default(),
            env: self.environment(written.env.as_ref(), &key.key("env")),
            workdir: self.workdir(written.workdir.as_ref(), &key.key("workdir")),
            expose: self.ports(written.expose.as_ref(), &key.key("expose")),
            volumes: self.volumes(written.volumes.as_ref(), &key.key("volumes")),
            stop_signal: self.signal(written.stop_signal.as_ref(), &key.key("stop-signal")),
            labels: self.named(written.labels.as_ref(), Scope::Platform, &key.key("labels")),
            annotations: self.named(
                written.annotations.as_ref(),
                Scope::Image,
                &key.key("annotations"),
            ),
            files: self.files(written, &key.key("files")),
            certs: self.project_paths(written.certs.as_ref(), &key.key("certs")),
            tzdata: written.tzdata,
            compression: self.choice(
                written.compression.as_ref(),
                &key.key("compression"),
                &[
                    ("zstd", Compression::Zstd),
                    ("gzip", Compression::Gzip),
                    ("uncompressed", Compression::Uncompressed),
                ],
                default.compression,
            ),
        }
    }

    fn name(&mut self, text: Option<&Text>, key: KeyPath) -> Option<Template> {
        let text = text?;
        let template = self.template(text, Scope::Image, key.clone())?;
        if let Err(problem) = check_repository(&template.sample()) {
            self.report(
                Problem::new(
                    format!("`{key}` is not the name of a repository"),
                    text.span(),
                    problem.to_string(),
                )
                .help("write it as \"registry.example.com/team/app\"; tags go into `tags`"),
            );
        }
        Some(template)
    }

    fn tags(
        &mut self,
        list: Option<&List>,
        key: &KeyPath,
        default: Vec<Template>,
    ) -> Vec<Template> {
        let Some(list) = list else {
            return default;
        };
        if list.get_ref().is_empty() {
            self.report(
                Problem::new(format!("`{key}` is empty"), list.span(), "no tag")
                    .help("leave it out for \"latest\""),
            );
        }
        let mut tags: Vec<Template> = Vec::new();
        for (index, text) in list.get_ref().iter().enumerate() {
            let key = key.index(index);
            let Some(template) = self.template(text, Scope::Image, key.clone()) else {
                continue;
            };
            let refused = |what: &str, label: String| {
                Problem::new(format!("`{key}` {what}"), text.span(), label)
            };
            if let Err(problem) = check_tag(&template.sample()) {
                let problem = refused("is not a tag", problem.to_string());
                self.report(problem.help("registry and repository go into `name`"));
            } else if tags.contains(&template) {
                let problem = refused("is there twice", "the tag again".to_owned());
                self.report(problem.help("remove one of them"));
            } else {
                tags.push(template);
            }
        }
        tags
    }

    /// Reads package patterns; whether mains match them is known with the sources only.
    fn binaries(&mut self, list: Option<&List>, key: &KeyPath) -> Option<Vec<String>> {
        let list = list?;
        if list.get_ref().is_empty() {
            self.report(
                Problem::new(format!("`{key}` is empty"), list.span(), "no binary")
                    .help("leave it out to make an image of every main package"),
            );
        }
        Some(self.checked(
            Some(list),
            key,
            "a package pattern",
            "write a folder as \"./cmd/api\", folders as \"./cmd/...\", \
             or an import path such as \"example.com/app/cmd/api\"",
            package_pattern,
        ))
    }

    fn bases(
        &mut self,
        written: Option<&TextOrMap>,
        key: &KeyPath,
        build: &schema::Build,
    ) -> Bases {
        let map = match written {
            None => return Bases::default(),
            Some(TextOrMap::Text(text)) => {
                return Bases {
                    default: self.base(text, key),
                    platforms: BTreeMap::new(),
                };
            }
            Some(TextOrMap::Map(map)) => map,
        };
        let mut bases = Bases {
            default: None,
            platforms: BTreeMap::new(),
        };
        for (name, value) in entries(Some(map)) {
            let base = self.base(value, &key.key(name.get_ref()));
            if name.get_ref() == "default" {
                bases.default = base;
                continue;
            }
            let platform = self.base_platform(name, key);
            if let (Some(platform), Some(base)) = (platform, base) {
                let known = bases.platforms.insert(platform.clone(), base).is_some();
                if known {
                    self.report(
                        Problem::new(
                            format!("`{key}` names two bases for {platform}"),
                            name.span(),
                            "the same platform again",
                        )
                        .help("keep one of them"),
                    );
                }
            }
        }
        self.require_bases(&bases, map, key, build);
        bases
    }

    fn base_platform(&mut self, name: &Text, key: &KeyPath) -> Option<Platform> {
        if name.get_ref().contains('/') {
            return self.platform(name, &key.key(name.get_ref()));
        }
        self.report(
            Problem::new(
                format!("unknown key `{}`", key.key(name.get_ref())),
                name.span(),
                "neither a platform nor `default`",
            )
            .help("write it as `{ \"linux/arm64\" = \"…\", default = \"…\" }`"),
        );
        None
    }

    /// Refuses a table of bases that leaves out one of the project's platforms.
    fn require_bases(&mut self, bases: &Bases, map: &Map, key: &KeyPath, build: &schema::Build) {
        let complete = map.get_ref().len() == bases.platforms.len();
        if bases.default.is_some() || !complete {
            return;
        }
        if map.get_ref().is_empty() {
            let problem = Problem::new(format!("`{key}` is empty"), map.span(), "no base");
            self.report(problem.help("leave it out for the built-in base"));
            return;
        }
        for text in elements(build.platforms.as_ref()) {
            let Ok(platform) = text.get_ref().parse::<Platform>() else {
                continue;
            };
            if bases.of(&platform).is_none() {
                self.report(
                    Problem::new(
                        format!("`{key}` has no base for {platform}"),
                        map.span(),
                        "no entry for it, and no default",
                    )
                    .also(text.span(), "is to be built")
                    .help("add `default = \"static\"`"),
                );
            }
        }
    }

    fn base(&mut self, text: &Text, key: &KeyPath) -> Option<Base> {
        match text.get_ref().as_str() {
            "static" => Some(Base::Static),
            "scratch" => Some(Base::Scratch),
            _ => self
                .reference(text, key, &["static", "scratch"])
                .map(Base::Image),
        }
    }

    /// Reads labels or annotations.
    fn named(
        &mut self,
        map: Option<&Map>,
        scope: Scope,
        key: &KeyPath,
    ) -> BTreeMap<String, Template> {
        for (name, _) in entries(map) {
            if name.get_ref().is_empty() {
                self.report(
                    Problem::new(
                        format!("`{key}` has a key without a name"),
                        name.span(),
                        "empty",
                    )
                    .help("write it as \"org.opencontainers.image.source\""),
                );
            }
        }
        self.templates(map, scope, key)
    }

    fn files(&mut self, written: &schema::Image, key: &KeyPath) -> Vec<FileCopy> {
        let all = written.files.as_ref().map(|files| files.get_ref());
        let mut copies = Vec::new();
        for (index, file) in all.into_iter().flatten().enumerate() {
            let key = key.index(index);
            let fields = file.get_ref();
            let (Some(from), Some(to)) = (&fields.from, &fields.to) else {
                let missing = if fields.from.is_none() { "from" } else { "to" };
                self.report(
                    Problem::new(
                        format!("`{key}` has no `{missing}`"),
                        super::first_line(self.text, file.span()),
                        "not a whole copy",
                    )
                    .help("write it as `{ from = \"config\", to = \"/etc/app\" }`"),
                );
                continue;
            };
            let from = self.project_path(from, &key.key("from"));
            let to = self.absolute(to, &key.key("to"));
            let mode = self.mode(fields.mode.as_ref(), &key.key("mode"));
            let owner = self.user(fields.owner.as_ref(), &key.key("owner"));
            if let (Some(from), Some(to)) = (from, to) {
                copies.push(FileCopy {
                    from,
                    to,
                    mode,
                    owner: owner.unwrap_or_else(|| "0:0".to_owned()),
                });
            }
        }
        copies
    }
}

/// Checks a pattern's form as `go help packages` describes it.
fn package_pattern(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() {
        return Err("empty");
    }
    if pattern.starts_with('/') {
        return Err("an absolute path");
    }
    if pattern.contains('\\') {
        return Err("has a backslash");
    }
    if pattern.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("has a space");
    }
    if pattern.contains('@') {
        return Err("has a version; only packages of the project can be built");
    }
    if pattern.starts_with('-') {
        return Err("a flag");
    }
    if pattern.ends_with(".go") {
        return Err("a file, not a package");
    }
    let relative =
        matches!(pattern, "." | "..") || pattern.starts_with("./") || pattern.starts_with("../");
    if pattern.split('/').any(str::is_empty) && !pattern.ends_with('/') {
        return Err("has an empty element");
    }
    if relative {
        return Ok(());
    }
    match pattern.split('/').next() {
        Some("...") => Err("would match every package there is"),
        Some("cmd" | "internal" | "pkg" | "std" | "all") => {
            Err("the standard library's; a folder of the project starts with `./`")
        }
        _ => Ok(()),
    }
}
