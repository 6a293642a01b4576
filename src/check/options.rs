//! Which rules speak: `# check=skip=RootUser;error=true` at the top of the manifest.
//!
//! The line is that of Dockerfiles (BuildKit's `frontend/dockerfile/parser/directives.go` and
//! `linter`): among the comments that open the file, before anything that is not such a line;
//! `skip` and `experimental` take names or `all`, `error` makes warnings fail.

use std::collections::BTreeSet;

use super::{RULES, Rule};
use crate::project::manifest::nearest;

/// Lines that may stand before the one looked for.
const DIRECTIVES: [&str; 3] = ["syntax", "escape", "check"];

/// Which rules speak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Rules that are left out.
    pub skip: BTreeSet<String>,
    /// Whether all rules are left out.
    pub skip_all: bool,
    /// Rules that speak only on demand, and are asked to.
    pub experimental: BTreeSet<String>,
    /// Whether all rules of that kind are asked to.
    pub experimental_all: bool,
    /// Whether warnings are errors.
    pub error: bool,
}

/// A line that sets options.
pub(super) struct Directive<'a> {
    /// Its number, from 1.
    pub(super) line: u32,
    /// What follows `check=`.
    pub(super) value: &'a str,
}

/// What an option cannot be, and what to do.
pub(super) struct Unknown {
    pub(super) message: String,
    pub(super) help: String,
}

impl Options {
    /// Returns the options of a manifest's text.
    #[must_use]
    pub fn of_manifest(text: &str) -> Self {
        directive(text).map_or_else(Self::default, |directive| Self::parse(directive.value))
    }

    /// Returns the options of a text such as `skip=A,B;error=true`. What is not known has no
    /// effect; the rule `UnknownCheck` speaks of it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::parse_noting(text, &mut Vec::new())
    }

    /// As [`Self::parse`]; also notes what is not known.
    pub(super) fn parse_noting(text: &str, unknown: &mut Vec<Unknown>) -> Self {
        let mut options = Self::default();
        for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match name.trim() {
                "skip" if value == "all" => options.skip_all = true,
                "skip" => options.skip.extend(names(value, unknown)),
                "experimental" if value == "all" => options.experimental_all = true,
                "experimental" => options.experimental.extend(names(value, unknown)),
                "error" => match value {
                    "true" | "1" => options.error = true,
                    "false" | "0" => options.error = false,
                    _ => unknown.push(Unknown {
                        message: format!("`error` of the check line cannot be {value:?}"),
                        help: "write error=true or error=false".to_owned(),
                    }),
                },
                other => unknown.push(Unknown {
                    message: format!("the check line has no option {other:?}"),
                    help: "options are skip, experimental and error".to_owned(),
                }),
            }
        }
        options
    }

    /// Returns whether a rule speaks.
    #[must_use]
    pub fn admits(&self, rule: &Rule) -> bool {
        if rule.opt_in {
            self.experimental_all || self.experimental.contains(rule.name)
        } else {
            !self.skip_all && !self.skip.contains(rule.name)
        }
    }
}

/// Splits names of rules.
fn names(value: &str, unknown: &mut Vec<Unknown>) -> Vec<String> {
    let names = value.split(',').map(str::trim).filter(|n| !n.is_empty());
    names
        .map(|name| {
            let known = || RULES.iter().map(|rule| rule.name);
            if known().all(|rule| rule != name) {
                unknown.push(Unknown {
                    message: format!("there is no rule {name:?}"),
                    help: match nearest(name, known()) {
                        Some(near) => format!("did you mean {near}?"),
                        None => "docs/checks.md lists the rules".to_owned(),
                    },
                });
            }
            name.to_owned()
        })
        .collect()
}

/// Finds the check line.
pub(super) fn directive(text: &str) -> Option<Directive<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        if number == 1 && line.starts_with("#!") {
            continue;
        }
        let (key, value) = line.strip_prefix('#')?.split_once('=')?;
        let key = key.trim().to_ascii_lowercase();
        if key == "check" {
            let value = value.trim();
            return Some(Directive {
                line: number,
                value,
            });
        }
        if !DIRECTIVES.contains(&key.as_str()) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(u32, &str)> {
        directive(text).map(|directive| (directive.line, directive.value))
    }

    #[test]
    fn the_line_stands_at_the_top() {
        assert_eq!(
            found("# check=skip=A;error=true\n"),
            Some((1, "skip=A;error=true"))
        );
        assert_eq!(
            found("# syntax=r.test/g:1\n#CHECK = skip=all \n"),
            Some((2, "skip=all"))
        );
        assert_eq!(
            found("\u{feff}#!/x\n# check=error=true"),
            Some((2, "error=true"))
        );
        for other in [
            "",
            "version = 1\n# check=skip=all\n",
            "# A comment\n# check=skip=all\n",
            "\n# check=skip=all\n",
            "# other=1\n# check=skip=all\n",
        ] {
            assert_eq!(found(other), None, "{other:?}");
        }
    }

    #[test]
    fn options_are_those_of_a_dockerfile() {
        let options = Options::parse("skip=RootUser, SecretInImage;experimental=all;error=true");
        assert!(options.error && options.experimental_all && !options.skip_all);
        let spoken: Vec<bool> = RULES.iter().map(|rule| options.admits(rule)).collect();
        assert_eq!(spoken.iter().filter(|spoken| !**spoken).count(), 2);
        let silent = Options::parse("skip=all");
        assert!(RULES.iter().all(|rule| !silent.admits(rule)));
    }

    #[test]
    fn what_is_not_known_is_noted() {
        let mut unknown = Vec::new();
        Options::parse_noting("skip=RootUsr;errors=1;error=maybe", &mut unknown);
        let notes: Vec<String> = unknown
            .iter()
            .map(|unknown| format!("{}: {}", unknown.message, unknown.help))
            .collect();
        insta::assert_snapshot!(notes.join("\n"), @r#"
        there is no rule "RootUsr": did you mean RootUser?
        the check line has no option "errors": options are skip, experimental and error
        `error` of the check line cannot be "maybe": write error=true or error=false
        "#);
    }
}
