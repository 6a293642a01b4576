//! From the manifest as written to what it means.
//!
//! Enters: a [`Schema`]. Leaves: a [`Manifest`] with every default filled in, and the
//! problems that were met; with problems, the manifest is of no use. One file per section;
//! what several of them check is here.

mod build;
mod environment;
mod go;
mod image;
mod modules;
mod runtime;

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::error::{Problem, nearest};
use super::key::KeyPath;
use super::model::{Image, Manifest};
use super::reader::{List, Map, Text};
use super::schema::{self, Schema};
use super::template::{Scope, Template, Variable};
use crate::oci::Reference;
use crate::project::tree::TreePath;

/// Resolves a schema; `text` is the document it was read from.
pub(super) fn resolve(schema: &Schema, text: &str, problems: &mut Vec<Problem>) -> Manifest {
    let mut resolver = Resolver { text, problems };
    let root = KeyPath::root();
    Manifest {
        go: resolver.go(&schema.go, &root.key("go")),
        modules: resolver.modules(&schema.modules, &root.key("modules")),
        build: resolver.build(&schema.build, &root.key("build")),
        images: resolver.images(schema, &root.key("image")),
    }
}

/// Collects problems on the way from schema to manifest.
struct Resolver<'a> {
    text: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl Resolver<'_> {
    fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn images(&mut self, schema: &Schema, key: &KeyPath) -> Vec<Image> {
        let Some(written) = &schema.images else {
            return vec![Image::default()];
        };
        if written.get_ref().is_empty() {
            self.report(
                Problem::new("`image` is empty", written.span(), "no image")
                    .help("leave it out to make an image of every main package"),
            );
        }
        let images: Vec<Image> = written
            .get_ref()
            .iter()
            .enumerate()
            .map(|(index, image)| self.image(image.get_ref(), &key.index(index), &schema.build))
            .collect();
        self.refuse_twins(&images, written.get_ref());
        images
    }

    /// Refuses two images that would be pushed under one name and tag.
    fn refuse_twins(&mut self, images: &[Image], written: &[Spanned<schema::Image>]) {
        let place = |index: usize| {
            let image = &written[index];
            let name = image.get_ref().name.as_ref();
            name.map_or_else(|| first_line(self.text, image.span()), Spanned::span)
        };
        let mut twins = Vec::new();
        for (later, image) in images.iter().enumerate() {
            let earlier = images[..later].iter().position(|other| {
                same_name(image, other) && image.tags.iter().any(|tag| other.tags.contains(tag))
            });
            if let Some(earlier) = earlier {
                twins.push((place(earlier), place(later)));
            }
        }
        for (earlier, later) in twins {
            self.report(
                Problem::new(
                    "two images have the same name and tag",
                    later,
                    "and again here",
                )
                .also(earlier, "first here")
                .help("give one of them another `name`, or other `tags`"),
            );
        }
    }

    fn template(&mut self, text: &Text, scope: Scope, key: KeyPath) -> Option<Template> {
        match Template::parse(text.get_ref(), scope, key) {
            Ok(template) => Some(template),
            Err(error) => {
                let span = within(self.text, text, error.range);
                self.report(Problem::new(error.message, span, error.label).help(error.help));
                None
            }
        }
    }

    fn templates(
        &mut self,
        map: Option<&Map>,
        scope: Scope,
        key: &KeyPath,
    ) -> BTreeMap<String, Template> {
        entries(map)
            .filter_map(|(name, value)| {
                let template = self.template(value, scope, key.key(name.get_ref()))?;
                Some((name.get_ref().clone(), template))
            })
            .collect()
    }

    /// Reads one of a fixed set of words.
    fn choice<T: Copy>(
        &mut self,
        text: Option<&Text>,
        key: &KeyPath,
        choices: &[(&str, T)],
        default: T,
    ) -> T {
        let Some(text) = text else {
            return default;
        };
        let known = choices.iter().find(|(word, _)| word == text.get_ref());
        if let Some((_, value)) = known {
            return *value;
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.report(
            Problem::new(
                format!("`{key}` cannot be {:?}", text.get_ref()),
                text.span(),
                "not one of the choices",
            )
            .help(format!("write {}", alternatives(&words))),
        );
        default
    }

    /// Reads an image reference where some words have a meaning of their own.
    fn reference(&mut self, text: &Text, key: &KeyPath, words: &[&str]) -> Option<Reference> {
        let given = text.get_ref();
        let bare = !given.contains(['/', ':', '@', '.']);
        let near = nearest(given, words.iter().copied()).filter(|_| bare);
        if let Some(near) = near {
            self.report(
                Problem::new(
                    format!("`{key}` cannot be {given:?}"),
                    text.span(),
                    "neither a known word nor clearly an image",
                )
                .help(format!(
                    "did you mean {near:?}? an image of that name is written \"{given}:latest\""
                )),
            );
            return None;
        }
        match given.parse::<Reference>() {
            Ok(reference) => Some(reference),
            Err(error) => {
                self.report(
                    Problem::new(
                        format!("`{key}` is not an image reference"),
                        text.span(),
                        error.problem.to_string(),
                    )
                    .help(format!("write {}, or an image", alternatives(words))),
                );
                None
            }
        }
    }

    /// Reads a path that stays inside the project.
    fn project_path(&mut self, text: &Text, key: &KeyPath) -> Option<TreePath> {
        let given = text.get_ref();
        let label = if given.is_empty() {
            "empty"
        } else if given.starts_with('/') {
            "an absolute path"
        } else if given.contains(['\\', '\0']) {
            "has a backslash or NUL"
        } else if TreePath::new(given).climbs() > 0 {
            "leads out of the project"
        } else {
            return Some(TreePath::new(given));
        };
        self.report(
            Problem::new(
                format!("`{key}` must be a path inside the project"),
                text.span(),
                label,
            )
            .help("paths are relative to the folder of goimage.toml, with `/` between names"),
        );
        None
    }

    fn project_paths(&mut self, list: Option<&List>, key: &KeyPath) -> Vec<TreePath> {
        elements(list)
            .enumerate()
            .filter_map(|(index, text)| self.project_path(text, &key.index(index)))
            .collect()
    }

    /// Keeps the strings that pass `check`, which returns a label for those that do not.
    fn checked(
        &mut self,
        list: Option<&List>,
        key: &KeyPath,
        what: &str,
        help: &str,
        check: impl Fn(&str) -> Result<(), &'static str>,
    ) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        for (index, text) in elements(list).enumerate() {
            let given = text.get_ref();
            let verdict = if kept.contains(given) {
                Err("is there twice")
            } else {
                check(given)
            };
            match verdict {
                Ok(()) => kept.push(given.clone()),
                Err(label) => self.report(
                    Problem::new(
                        format!("`{}` is not {what}", key.index(index)),
                        text.span(),
                        label,
                    )
                    .help(help),
                ),
            }
        }
        kept
    }
}

fn same_name(one: &Image, other: &Image) -> bool {
    let by_binary = match &one.name {
        None => true,
        Some(name) => name
            .variables()
            .any(|variable| *variable == Variable::Binary),
    };
    one.name == other.name && (!by_binary || one.binaries == other.binaries)
}

fn elements(list: Option<&List>) -> impl Iterator<Item = &Text> {
    list.into_iter().flat_map(|list| list.get_ref())
}

fn entries(map: Option<&Map>) -> impl Iterator<Item = (&Text, &Text)> {
    map.into_iter()
        .flat_map(|map| map.get_ref())
        .map(|(key, value)| (key, value))
}

fn strings(list: &List) -> Vec<String> {
    list.get_ref()
        .iter()
        .map(|text| text.get_ref().clone())
        .collect()
}

/// Writes `"a", "b" or "c"`.
fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

/// Narrows a string's span to a part of its content, where the string has no escapes.
fn within(document: &str, text: &Text, part: Range<usize>) -> Range<usize> {
    let span = text.span();
    let content = text.get_ref();
    let written = document.get(span.start + 1..span.end.saturating_sub(1));
    if written == Some(content.as_str()) {
        span.start + 1 + part.start..span.start + 1 + part.end
    } else {
        span
    }
}

/// Cuts a span to its first line: a whole table is too much to show.
fn first_line(document: &str, span: Range<usize>) -> Range<usize> {
    let length = document
        .get(span.clone())
        .and_then(|text| text.find('\n'))
        .unwrap_or(span.len());
    span.start..span.start + length
}
