//! `vendor/modules.txt`: what `go mod vendor` and `go work vendor` copied.
//!
//! The go command writes this file and reads it leniently; so does this: lines that it would
//! pass over are passed over.

use std::collections::{BTreeMap, BTreeSet};

use super::{At, check_import_path, semver};

/// The content of a `vendor/modules.txt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModulesTxt {
    /// Whether `go work vendor` wrote it.
    pub workspace: bool,
    /// What it says of modules, by `(path, version)`; the version of a replacement of all
    /// versions is empty.
    pub modules: BTreeMap<(String, String), VendoredModule>,
    /// Packages, and the module each belongs to.
    pub packages: BTreeMap<String, (String, String)>,
}

/// What is said of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendoredModule {
    /// Whether a main module requires it by name.
    pub explicit: bool,
    /// What replaces it: a module path and version, or a folder and nothing.
    pub replacement: Option<(String, Option<String>)>,
    /// Its `go` line.
    pub go: Option<At<String>>,
}

impl ModulesTxt {
    /// Reads a `vendor/modules.txt`.
    #[must_use]
    pub fn parse(content: &[u8]) -> Self {
        let text = String::from_utf8_lossy(content);
        let mut file = Self {
            workspace: annotations(text.split('\n').next().unwrap_or_default())
                .any(|entry| entry == "workspace"),
            ..Self::default()
        };
        let mut module: Option<(String, String)> = None;
        for (index, line) in text.split('\n').enumerate() {
            if line.starts_with("# ") {
                file.add_module(line, &mut module);
                continue;
            }
            let Some(module) = &module else {
                continue;
            };
            if line.starts_with("## ") {
                let described = file.modules.entry(module.clone()).or_default();
                describe(described, line, index + 1);
                continue;
            }
            let mut fields = line.split_whitespace();
            if let (Some(package), None) = (fields.next(), fields.next())
                && check_import_path(package).is_ok()
            {
                file.packages.insert(package.to_owned(), module.clone());
            }
        }
        file
    }

    /// Reads `# path version [=> replacement]` or `# path => replacement`.
    fn add_module(&mut self, line: &str, module: &mut Option<(String, String)>) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (path, version, rest) = match fields.as_slice() {
            ["#", path, version, rest @ ..] if semver::is_valid(version) => (*path, *version, rest),
            ["#", path, "=>", ..] => (*path, "", &fields[2..]),
            ["#", _, _, ..] => {
                *module = None;
                return;
            }
            _ => return,
        };
        let key = (path.to_owned(), version.to_owned());
        let replacement = match rest {
            ["=>", folder] => Some(((*folder).to_owned(), None)),
            ["=>", new, version] if semver::is_valid(version) => {
                Some(((*new).to_owned(), Some((*version).to_owned())))
            }
            _ => None,
        };
        if replacement.is_some() {
            self.modules.entry(key.clone()).or_default().replacement = replacement;
        }
        *module = Some(key);
    }
}

/// Reads `## explicit; go 1.26`.
fn describe(module: &mut VendoredModule, line: &str, number: usize) {
    for entry in annotations(line) {
        if entry == "explicit" {
            module.explicit = true;
        }
        if let Some(version) = entry.strip_prefix("go ") {
            module.go = Some(At {
                value: version.to_owned(),
                line: number,
            });
        }
    }
}

/// Returns the entries of a `## a; b` line; none of any other.
fn annotations(line: &str) -> impl Iterator<Item = &str> {
    line.strip_prefix("## ")
        .into_iter()
        .flat_map(|rest| rest.split(';').map(str::trim))
}

impl ModulesTxt {
    /// Returns the modules that have packages here.
    #[must_use]
    pub fn providers(&self) -> BTreeSet<&(String, String)> {
        self.packages.values().collect()
    }
}
