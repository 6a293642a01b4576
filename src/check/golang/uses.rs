//! Where a program uses functions and types of the standard library.

use std::collections::BTreeMap;

use super::tokens::{Token, Tokens};
use crate::check::{Point, Subject};
use crate::project::golang::graph::Closure;
use crate::project::golang::source::{FileKind, Package};
use crate::project::tree::TreePath;

/// Names of a package, by import path.
pub(in crate::check) type Names<'a> = &'a [(&'a str, &'a [&'a str])];

/// A name of another package in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::check) struct Use {
    /// The file.
    pub(in crate::check) file: TreePath,
    /// Where in it.
    pub(in crate::check) point: Point,
    /// As it reads in Go: `http.Get`.
    pub(in crate::check) name: String,
    /// Whether it is a call whose first argument is `""`.
    pub(in crate::check) with_empty_text: bool,
}

impl std::fmt::Display for Use {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Point { line, column } = self.point;
        write!(f, "{}:{line}:{column} uses {}", self.file, self.name)
    }
}

/// Returns the first use, in the project's own packages of a program, of one of the names that
/// `counts`.
pub(in crate::check) fn first_use(
    subject: &Subject<'_>,
    closure: &Closure,
    names: Names<'_>,
    counts: impl Fn(&Use) -> bool,
) -> Option<Use> {
    let packages = closure.packages.values();
    let importing = packages.filter(|package| {
        let imports = |(path, _): &(&str, _)| package.imports.contains_key(*path);
        names.iter().any(imports) && subject.is_own(&package.directory)
    });
    importing
        .flat_map(|package| sources(subject, package))
        .flat_map(|(file, text)| uses(&file, &text, names))
        .find(counts)
}

/// Returns the Go files of a package that can be read.
pub(in crate::check) fn sources<'a>(
    subject: &'a Subject<'_>,
    package: &'a Package,
) -> impl Iterator<Item = (TreePath, String)> + 'a {
    let files = package.files.iter();
    let files = files.filter(|(_, kind)| matches!(kind, FileKind::Go | FileKind::Cgo));
    files.filter_map(|(name, _)| {
        let path = package.directory.join(name);
        let bytes = subject.tree.read(&path).ok().flatten()?;
        let text = std::str::from_utf8(&bytes).ok()?.to_owned();
        Some((path, text))
    })
}

/// Returns the uses in one file, in its order.
fn uses(file: &TreePath, text: &str, names: Names<'_>) -> Vec<Use> {
    let tokens: Vec<(usize, Token<'_>)> = Tokens::new(text).collect();
    let imports = imports(&tokens, names);
    let token = |at: usize| tokens.get(at).map(|(_, token)| *token);
    let mut found = Vec::new();
    for (at, (offset, current)) in tokens.iter().enumerate() {
        let (Token::Word(package), Some(Token::Symbol(b'.')), Some(Token::Word(name))) =
            (current, token(at + 1), token(at + 2))
        else {
            continue;
        };
        let selected = at > 0 && token(at - 1) == Some(Token::Symbol(b'.'));
        let wanted = imports
            .get(package)
            .is_some_and(|names| names.contains(&name));
        if selected || !wanted {
            continue;
        }
        let first = (token(at + 3), token(at + 4));
        found.push(Use {
            file: file.clone(),
            point: Point::of(text, *offset),
            name: format!("{package}.{name}"),
            with_empty_text: first == (Some(Token::Symbol(b'(')), Some(Token::Text("\"\""))),
        });
    }
    found
}

/// Returns the names that are asked about by what their package is called in this file.
fn imports<'a>(
    tokens: &[(usize, Token<'a>)],
    names: Names<'a>,
) -> BTreeMap<&'a str, &'a [&'a str]> {
    let mut imports = BTreeMap::new();
    let mut open = false;
    let mut importing = false;
    let mut alias = None;
    for (_, token) in tokens {
        match token {
            Token::Word("import") => importing = true,
            Token::Symbol(b'(') if importing => open = true,
            Token::Symbol(b')') if open => (open, importing) = (false, false),
            Token::Word(word) if importing => alias = Some(*word),
            Token::Text(text) if importing => {
                let path = text.trim_matches(['"', '`']);
                let wanted = names.iter().find(|(wanted, _)| *wanted == path);
                if let Some((path, names)) = wanted {
                    let last = path.rsplit('/').next().unwrap_or(path);
                    imports.insert(alias.unwrap_or(last), *names);
                }
                alias = None;
                importing = open;
            }
            // Nothing is imported after the first declaration.
            Token::Word("func" | "var" | "const" | "type") => break,
            _ => {}
        }
    }
    imports
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'static> = &[("net/http", &["Get", "Client"]), ("os", &["CreateTemp"])];

    fn found(text: &str) -> Vec<String> {
        let file = TreePath::new("a.go");
        let uses = uses(&file, text, NAMES);
        uses.iter().map(Use::to_string).collect()
    }

    #[test]
    fn a_package_is_known_by_the_name_it_has_in_the_file() {
        let text = "package a\nimport (\n\tweb \"net/http\"\n\t\"os\"\n)\nfunc f() {\n\tweb.Get(u)\n\thttp.Get(u)\n\tos.CreateTemp(\"\", x)\n}\n";
        assert_eq!(
            found(text),
            ["a.go:7:2 uses web.Get", "a.go:9:2 uses os.CreateTemp"]
        );
    }

    #[test]
    fn fields_comments_strings_and_other_names_do_not_count() {
        let text = "package a\nimport \"net/http\"\n// http.Get\nvar s = \"http.Get\" // http.Get\nvar t = x.http.Get\nvar h http.Handler\n";
        assert!(found(text).is_empty());
    }

    #[test]
    fn a_first_argument_that_is_empty_text_is_seen() {
        let empty = |call: &str| {
            let text = format!("package a\nimport \"os\"\nvar f = {call}\n");
            uses(&TreePath::new("a.go"), &text, NAMES)[0].with_empty_text
        };
        assert!(empty("os.CreateTemp(\"\", \"x\")"));
        assert!(!empty("os.CreateTemp(dir, \"\")"));
    }
}
