//! Projects held in memory, checked, for tests.

use std::collections::BTreeMap;

use super::{Options, Planned, Report, Subject, check, faults};
use crate::oci::Platform;
use crate::plan::{Caching, Naming, Request, plan, programs};
use crate::project::golang::workspace::{GoWork, Workspace};
use crate::project::ignore;
use crate::project::lock::Lock;
use crate::project::manifest::{Document, FILE_NAME, Values};
use crate::project::tree::TreePath;
use crate::project::tree::filtered::FilteredTree;
use crate::project::tree::memory::MemoryTree;

/// A project with a program, `example.com/m`.
pub(super) struct Checked {
    files: BTreeMap<String, String>,
    lock: Option<Lock>,
    values: Values,
}

impl Checked {
    /// Returns a project with this manifest.
    pub(super) fn of(manifest: &str) -> Self {
        let files = [
            ("go.mod", "module example.com/m\n\ngo 1.26.0\n"),
            ("main.go", "package main\n\nfunc main() {}\n"),
            (FILE_NAME, manifest),
        ];
        let owned = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
        Self {
            files: files.into_iter().map(owned).collect(),
            lock: None,
            values: Values::default(),
        }
    }

    /// Returns a project whose manifest has one image with these keys, from line 4 on.
    pub(super) fn image(keys: &str) -> Self {
        Self::of(&format!("version = 1\n\n[[image]]\n{keys}\n"))
    }

    /// Adds or replaces a file.
    pub(super) fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// Removes a file.
    pub(super) fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    /// Gives it a lock file.
    pub(super) fn locked(mut self, text: &str) -> Self {
        self.lock = Some(Lock::parse("goimage.lock", text).expect("a lock file"));
        self
    }

    /// Gives an environment variable that templates use.
    pub(super) fn value(mut self, name: &str, value: &str) -> Self {
        self.values.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Checks it, for linux/amd64.
    pub(super) fn report(&self) -> Report {
        let files = self.files.iter();
        let whole = MemoryTree::new(files.map(|(path, text)| (path.as_str(), text.as_str())));
        let project = TreePath::root();
        let document = Document::new(FILE_NAME, &self.files[FILE_NAME]);
        let manifest = match document.parse() {
            Ok(manifest) => manifest,
            Err(error) => return faults::manifest(&error),
        };
        let matcher = ignore::load(&whole, &TreePath::new(FILE_NAME), &TreePath::root()).unwrap();
        let tree = FilteredTree::new(whole, project.clone(), matcher);
        let workspace = Workspace::load(&tree, &project, GoWork::Auto).unwrap();
        let request = Request {
            tree: &tree,
            project: &project,
            manifest: &manifest,
            workspace: &workspace,
            values: &self.values,
            selection: &[],
            platforms: &[],
            build_platform: &Platform::linux("amd64"),
            naming: &Naming::default(),
            caching: &Caching::default(),
        };
        let planned = plan(request);
        let programs = planned
            .as_ref()
            .map(|plan| programs(request, plan).unwrap());
        let subject = Subject {
            document: Some(&document),
            manifest: &manifest,
            project: &project,
            tree: &tree,
            whole_tree: tree.inner(),
            workspace: &workspace,
            lock: self.lock.as_ref(),
            planned: planned.as_ref().ok().map(|plan| Planned {
                plan,
                programs: programs.as_deref().unwrap_or_default(),
                whole: true,
            }),
        };
        let faults = planned.as_ref().err().map(|error| {
            (
                error.misses_file(),
                faults::plan(error, Some(&document), &project),
            )
        });
        let faults = faults.into_iter().filter(|(missing, _)| !missing);
        let faults = faults.map(|(_, fault)| fault).collect();
        check(&subject, &Options::of_manifest(document.text()), faults)
    }

    /// Panics unless these are the findings, as `RULE FILE:LINE:COLUMN MESSAGE`.
    #[track_caller]
    pub(super) fn finds(&self, expected: &[&str]) {
        let report = self.report();
        let found: Vec<String> = report
            .findings
            .iter()
            .map(|finding| {
                let rule = finding.rule.map_or("-", |rule| rule.name);
                let place = finding.place().map_or("-".to_owned(), |place| {
                    format!("{}:{}:{}", place.file, place.start.line, place.start.column)
                });
                format!("{rule} {place} {}", finding.message)
            })
            .collect();
        assert_eq!(found, expected);
    }

    /// Panics if something is found.
    #[track_caller]
    pub(super) fn is_clean(&self) {
        self.finds(&[]);
    }
}
