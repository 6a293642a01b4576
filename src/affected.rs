//! Which images differ from what they were, and why.
//!
//! Two plans of a project are compared, of now and of some earlier state: what they say of each image
//! is taken apart into facts with names, and the files it is made from. What is planned alike from the
//! same files is built alike.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::plan::{CompileStep, FilesLayer, ImageStep, Plan, PlatformImage};
use crate::project::tree::TreePath;

/// An image that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// Its name in the plan: what `--target` selects.
    pub image: String,
    /// Every `name:tag` it is to have.
    pub references: Vec<String>,
    /// What is different, in words; files by their paths.
    pub because: Vec<String>,
}

/// Compares the plan of `now` with that of `before`; none if there was no project that could be planned.
/// `is_changed` tells of a file of both whether it has other content.
#[must_use]
pub fn affected(
    now: &Plan,
    before: Option<&Plan>,
    is_changed: &dyn Fn(&TreePath) -> bool,
) -> Vec<Affected> {
    let earlier = before.iter().flat_map(|plan| &plan.images);
    let earlier: BTreeMap<&str, &ImageStep> =
        earlier.map(|image| (image.name.as_str(), image)).collect();
    let images = now.images.iter().filter_map(|image| {
        let was = earlier.get(image.name.as_str()).copied();
        let because = match before.zip(was) {
            Some((before, was)) => {
                Made::of(image, now).differences(&Made::of(was, before), is_changed)
            }
            None => vec!["it is new".to_owned()],
        };
        (!because.is_empty()).then(|| Affected {
            image: image.name.clone(),
            references: image.references.clone(),
            because,
        })
    });
    images.collect()
}

/// What an image is made from.
struct Made<'a> {
    facts: BTreeMap<String, Value>,
    files: BTreeSet<&'a TreePath>,
}

impl<'a> Made<'a> {
    fn of(image: &'a ImageStep, plan: &'a Plan) -> Self {
        let mut made = Self {
            facts: BTreeMap::from([
                ("its names".to_owned(), json!(image.references)),
                ("its annotations".to_owned(), json!(image.annotations)),
                ("its compression".to_owned(), json!(image.compression)),
            ]),
            files: BTreeSet::new(),
        };
        if image
            .platforms
            .iter()
            .any(|image| !image.binaries.is_empty())
        {
            let go = json!([plan.toolchain, plan.build_platform]);
            made.facts.insert("Go".to_owned(), go);
        }
        for platform in &image.platforms {
            made.platform(platform, plan);
        }
        made
    }

    fn platform(&mut self, image: &'a PlatformImage, plan: &'a Plan) {
        let platform = &image.platform;
        let compiles: Vec<&CompileStep> = image
            .binaries
            .iter()
            .map(|binary| &plan.compiles[binary.compile])
            .collect();
        let places = image.binaries.iter().map(|binary| &binary.path);
        let layers = json!([
            places.collect::<Vec<_>>(),
            compiles
                .iter()
                .map(|step| &step.import_path)
                .collect::<Vec<_>>(),
            image.files.iter().map(layer).collect::<Vec<_>>(),
            image.certs,
            image.tzdata,
        ]);
        for (fact, value) in [
            ("base", json!(image.base)),
            ("config", json!(image.config)),
            ("layers", layers),
        ] {
            self.facts
                .insert(format!("its {fact} for {platform}"), value);
        }
        for step in compiles {
            let how = json!([step.binary, step.directory, step.args, step.env]);
            let name = format!("how {} is compiled for {platform}", step.import_path);
            self.facts.insert(name, how);
            self.files.extend(&step.inputs);
        }
        self.files
            .extend(image.files.iter().flat_map(|files| &files.inputs));
        self.files.extend(&image.certs);
    }

    fn differences(&self, was: &Self, is_changed: &dyn Fn(&TreePath) -> bool) -> Vec<String> {
        let names: BTreeSet<&String> = self.facts.keys().chain(was.facts.keys()).collect();
        let facts = names.into_iter();
        let facts = facts.filter(|name| self.facts.get(*name) != was.facts.get(*name));
        let files = self.files.union(&was.files).filter_map(|path| {
            match (self.files.contains(path), was.files.contains(path)) {
                (true, false) => Some(format!("{path} (new)")),
                (false, _) => Some(format!("{path} (gone)")),
                (true, true) => is_changed(path).then(|| path.to_string()),
            }
        });
        facts.cloned().chain(files).collect()
    }
}

/// Returns what a layer of files is, apart from the files.
fn layer(files: &FilesLayer) -> Value {
    json!([
        files.from,
        files.to,
        files.directory,
        files.mode,
        files.owner
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture::Project;

    const FILES: [(&str, &str); 9] = [
        ("go.mod", "module example.com/m\n\ngo 1.26.0\n"),
        ("goimage.toml", MANIFEST),
        (
            "a/main.go",
            "package main\nimport _ \"example.com/m/lib\"\nfunc main() {}\n",
        ),
        ("b/main.go", "package main\nfunc main() {}\n"),
        ("lib/lib.go", "package lib\n"),
        ("lib/lib_test.go", "package lib\n"),
        ("etc/b.conf", "x"),
        ("etc/c.conf", "x"),
        ("README.md", "x"),
    ];
    const MANIFEST: &str = "[[image]]\nname = \"a\"\nbinaries = [\"./a\"]\n\
                            [[image]]\nname = \"b\"\nbinaries = [\"./b\"]\n\
                            files = [{ from = \"etc\", to = \"/etc/b\" }]\n";

    /// Returns what an edit affects: text that replaces another one in a file, which is new if it is
    /// empty there, and gone if it becomes so.
    fn edit(path: &str, from: &str, to: &str) -> Vec<(String, Vec<String>)> {
        let plan = |edited: bool| {
            let mut files: BTreeMap<&str, String> =
                FILES.map(|(path, text)| (path, text.to_owned())).into();
            if edited {
                let text = files.remove(path).unwrap_or_default();
                assert!(text.contains(from), "{from} is not in {path}");
                let text = match from {
                    "" => to.to_owned(),
                    _ => text.replacen(from, to, 1),
                };
                if !text.is_empty() {
                    files.insert(path, text);
                }
            }
            let files = files.iter().map(|(path, text)| (*path, text.as_str()));
            Project::new(files).plan()
        };
        let changed = TreePath::new(path);
        let affected = affected(&plan(true), Some(&plan(false)), &|path| *path == changed);
        let affected = affected.into_iter();
        affected.map(|one| (one.image, one.because)).collect()
    }

    #[test]
    fn an_edit_affects_the_images_that_see_it() {
        let because = |path: &str| path.to_owned();
        let main = edit("b/main.go", "main()", "main( )");
        assert_eq!(main, [("b".to_owned(), vec![because("b/main.go")])]);
        let lib = edit("lib/lib.go", "lib", "lib // edited");
        assert_eq!(lib, [("a".to_owned(), vec![because("lib/lib.go")])]);
        let copied = edit("etc/b.conf", "x", "y");
        assert_eq!(copied, [("b".to_owned(), vec![because("etc/b.conf")])]);
        for unseen in ["README.md", "lib/lib_test.go"] {
            assert_eq!(edit(unseen, "", "package lib\n").len(), 0, "{unseen}");
        }
    }

    #[test]
    fn files_come_and_go() {
        let new = edit("lib/more.go", "", "package lib\n");
        assert_eq!(
            new,
            [("a".to_owned(), vec!["lib/more.go (new)".to_owned()])]
        );
        let gone = edit("etc/b.conf", "x", "");
        assert_eq!(gone[0].0, "b");
        assert!(
            gone[0].1.contains(&"etc/b.conf (gone)".to_owned()),
            "{gone:?}"
        );
    }

    #[test]
    fn what_the_manifest_says_is_told_apart() {
        let first = |from: &str, to: &str| {
            let mut affected = edit("goimage.toml", from, to);
            assert_eq!(affected.len(), 1, "{affected:?}");
            affected.remove(0)
        };
        let (image, because) = first("name = \"a\"\n", "name = \"a\"\nuser = \"7\"\n");
        assert_eq!(image, "a");
        assert!(
            because.iter().all(|one| one.starts_with("its config for ")),
            "{because:?}"
        );
        let (image, because) = first("name = \"b\"\n", "name = \"c\"\n");
        assert_eq!(
            (image.as_str(), because),
            ("c", vec!["it is new".to_owned()])
        );
        let flags = edit("goimage.toml", "[[image]]", "[go]\nldflags = []\n[[image]]");
        let because = |because: &Vec<String>| because[0].starts_with("how example.com/m/");
        assert_eq!(flags.len(), 2);
        assert!(flags.iter().all(|(_, list)| because(list)), "{flags:?}");
        let go = edit("go.mod", "go 1.26.0", "go 1.26.0\n\ntoolchain go1.26.1");
        assert!(go.iter().all(|(_, list)| list[0] == "Go"), "{go:?}");
        assert_eq!(go.len(), 2);
    }

    #[test]
    fn without_an_earlier_plan_everything_is_new() {
        let plan = Project::new(FILES).plan();
        assert_eq!(affected(&plan, None, &|_| false).len(), 2);
        assert_eq!(affected(&plan, Some(&plan), &|_| false), []);
    }
}
