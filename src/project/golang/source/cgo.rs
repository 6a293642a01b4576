//! `#cgo` lines, as far as they name files.
//!
//! Enters: the comments that document `import "C"`. Leaves: the folders and files of the
//! project that the C compiler or linker will be pointed at. Grammar of `go/build` `saveCgo`.

use super::constraint::Expression;
use super::context::BuildContext;
use crate::project::tree::TreePath;

/// Paths that `#cgo` lines name. They may lie anywhere, or nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CgoPaths {
    /// Folders to look for headers in (`-I` and its kin).
    pub(super) includes: Vec<TreePath>,
    /// Files to link, and folders to look for libraries in (`-L`).
    pub(super) links: Vec<TreePath>,
}

impl CgoPaths {
    /// Adds what the `#cgo` lines of a comment group name under `context`.
    ///
    /// # Errors
    /// The first line that is malformed.
    pub(super) fn read(
        &mut self,
        comments: &str,
        directory: &TreePath,
        context: &BuildContext,
    ) -> Result<(), String> {
        for line in comment_lines(comments) {
            let Some(rest) = line.trim().strip_prefix("#cgo") else {
                continue;
            };
            if rest.starts_with([' ', '\t']) {
                self.directive(rest, directory, context)
                    .ok_or_else(|| line.trim().to_owned())?;
            }
        }
        Ok(())
    }

    /// Reads one directive after `#cgo`; `None` if it is malformed.
    fn directive(
        &mut self,
        text: &str,
        directory: &TreePath,
        context: &BuildContext,
    ) -> Option<()> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let ["nocallback" | "noescape", _] = words.as_slice() {
            return Some(());
        }
        let (head, arguments) = text.split_once(':')?;
        let words: Vec<&str> = head.split_whitespace().collect();
        let (verb, conditions) = words.split_last()?;
        let holds = |condition: &&str| {
            Expression::parse_either(condition).is_some_and(|expression| expression.holds(context))
        };
        if !conditions.is_empty() && !conditions.iter().any(holds) {
            return Some(());
        }
        let arguments = split_quoted(arguments)?;
        match *verb {
            "CFLAGS" | "CPPFLAGS" | "CXXFLAGS" | "FFLAGS" | "LDFLAGS" => {
                self.flags(&arguments, directory);
                Some(())
            }
            "pkg-config" => Some(()),
            _ => None,
        }
    }

    fn flags(&mut self, arguments: &[String], directory: &TreePath) {
        const INCLUDE: [&str; 4] = ["-I", "-iquote", "-isystem", "-include"];
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let flag = INCLUDE
                .iter()
                .chain(&["-L"])
                .find(|flag| argument.starts_with(**flag));
            match flag {
                Some(flag) => {
                    let joined = argument[flag.len()..].to_owned();
                    let value = if joined.is_empty() {
                        arguments.next().cloned().unwrap_or_default()
                    } else {
                        joined
                    };
                    let target = if *flag == "-L" || *flag == "-include" {
                        &mut self.links
                    } else {
                        &mut self.includes
                    };
                    target.extend(in_tree(&value, directory));
                }
                // Libraries and linker scripts can stand in any flag, e.g. `-Wl,x,${SRCDIR}/y`.
                None => {
                    let named = argument.split([',', '=']).filter(|p| p.contains(SRCDIR));
                    self.links
                        .extend(named.filter_map(|path| in_tree(path, directory)));
                }
            }
        }
    }
}

const SRCDIR: &str = "${SRCDIR}";

/// Returns a flag's path as one of the tree; `None` for absolute ones.
fn in_tree(path: &str, directory: &TreePath) -> Option<TreePath> {
    let relative = match path.split_once(SRCDIR) {
        Some((_, rest)) => rest.trim_start_matches('/'),
        None if path.starts_with('/') || path.is_empty() => return None,
        None => path,
    };
    Some(directory.join(relative))
}

/// Returns the lines of a comment group without their comment markers.
fn comment_lines(mut comments: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    loop {
        comments = comments.trim_start();
        if let Some(rest) = comments.strip_prefix("//") {
            let (line, rest) = rest.split_once('\n').unwrap_or((rest, ""));
            lines.push(line);
            comments = rest;
        } else if let Some(rest) = comments.strip_prefix("/*") {
            let (block, rest) = rest.split_once("*/").unwrap_or((rest, ""));
            lines.extend(block.split('\n'));
            comments = rest;
        } else {
            return lines;
        }
    }
}

/// Returns the C text that a comment group holds.
pub(super) fn preamble_text(comments: &str) -> String {
    comment_lines(comments).join("\n")
}

/// Splits at white space; quotes of both kinds group, a backslash escapes. `None` if a quote
/// or an escape is left open.
fn split_quoted(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) => word.get_or_insert_default().push(characters.next()?),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::{BuildContext, CgoPaths, TreePath, split_quoted};

    fn read(comments: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let mut paths = CgoPaths::default();
        let context = BuildContext::new("linux", "amd64", 26);
        paths.read(comments, &TreePath::new("a/b"), &context)?;
        let text = |paths: &[TreePath]| paths.iter().map(ToString::to_string).collect();
        Ok((text(&paths.includes), text(&paths.links)))
    }

    #[test]
    fn named_paths_are_those_of_the_target() {
        let comments = "/*\n#cgo CFLAGS: -Iinclude -I ${SRCDIR}/../c -O2\n\
            #cgo windows CFLAGS: -Iwindows\n#cgo linux,amd64 LDFLAGS: -L${SRCDIR}/lib -lx\n\
            #cgo linux&&!arm LDFLAGS: ${SRCDIR}/libz.a -L/usr/lib\n#cgo pkg-config: foo\n\
            #cgo noescape f\n#include <x.h>\n*/";
        let (includes, links) = read(comments).unwrap();
        assert_eq!(includes, ["a/b/include", "a/c"]);
        assert_eq!(links, ["a/b/lib", "a/b/libz.a"]);
    }

    #[test]
    fn line_comments_work_and_commented_lines_do_not() {
        assert_eq!(
            read("// #cgo CFLAGS: -Ix\n//#cgo CFLAGS: -Iy").unwrap().0,
            ["a/b/x", "a/b/y"]
        );
        assert!(read("/*\n// #cgo CFLAGS: -Ix\n*/").unwrap().0.is_empty());
    }

    #[test]
    fn malformed_lines_are_named() {
        for line in ["#cgo CFLAGS", "#cgo : x", "#cgo FOO: x", "#cgo CFLAGS: 'x"] {
            assert_eq!(read(&format!("// {line}")), Err(line.to_owned()));
        }
    }

    #[test]
    fn words_split_as_in_go() {
        let words = split_quoted(r#"a b:"c d" 'e''f'  "g\"" "" \ "#).unwrap();
        assert_eq!(words, ["a", "b:c d", "ef", "g\"", "", " "]);
        assert_eq!(split_quoted("a\\"), None);
    }
}
