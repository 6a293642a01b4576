//! What `go build` printed inside the build, as it would read in the user's own checkout.
//!
//! Enters: the lines of a compile step. Leaves: the same lines with the paths of project files
//! relative to the project. Nothing is left out: `# import/path` headers, notes and the
//! `too many errors` line stay as `go` printed them, and so do paths outside the project.
//!
//! `go` prints paths relative to its working directory where that is shorter and absolute ones
//! elsewhere (`cmd/go/internal/base`, `ShortPath`); positions are `file:line[:column]: text`.

/// Where the project was while `go` ran, and where it is for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Absolute directory of the project in the build, e.g. `/src`.
    pub root: String,
    /// Absolute working directory of `go` in the build, e.g. `/src/server`.
    pub workdir: String,
    /// What to put before a path relative to the project, e.g. `../app`; may be empty.
    pub prefix: String,
}

/// Rewrites the paths of project files in lines of `go`.
#[must_use]
pub fn rewrite_go_paths(lines: &[String], mapping: &Mapping) -> Vec<String> {
    lines.iter().map(|line| mapping.rewrite(line)).collect()
}

impl Mapping {
    fn rewrite(&self, line: &str) -> String {
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        match position(text).and_then(|path| Some((path, self.locate(path)?))) {
            Some((path, located)) => {
                let rest = self.rewrite_absolute(&text[path.len()..]);
                format!("{indent}{located}{rest}")
            }
            None => self.rewrite_absolute(line),
        }
    }

    /// Returns the user's path of a file that `go` named; none if it is not in the project.
    fn locate(&self, path: &str) -> Option<String> {
        let absolute = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.workdir)
        };
        let absolute = cleaned(&absolute)?;
        let root = cleaned(&self.root)?;
        let relative = absolute.strip_prefix(root.as_slice())?;
        let prefix = self.prefix.trim_end_matches('/');
        let prefix = (!prefix.is_empty()).then_some(prefix);
        let parts: Vec<&str> = prefix.into_iter().chain(relative.iter().copied()).collect();
        if parts.is_empty() {
            return Some(".".to_owned());
        }
        Some(parts.join("/"))
    }

    /// Replaces the absolute paths of the project within prose.
    fn rewrite_absolute(&self, text: &str) -> String {
        let root = self.root.trim_end_matches('/');
        if root.is_empty() {
            return text.to_owned();
        }
        let mut rewritten = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(root) {
            let (before, found) = rest.split_at(start);
            rewritten.push_str(before);
            let end = found.find(is_delimiter).unwrap_or(found.len());
            let path = &found[..end];
            let starts = before.chars().next_back().is_none_or(is_delimiter);
            match self.locate(path).filter(|_| starts) {
                Some(located) => rewritten.push_str(&located),
                None => rewritten.push_str(path),
            }
            rest = &found[end..];
        }
        rewritten.push_str(rest);
        rewritten
    }
}

/// Returns the path that a line starts with if it is followed by a line number.
fn position(text: &str) -> Option<&str> {
    let (path, rest) = text.split_once(':')?;
    let is_path = !path.is_empty() && !path.contains(char::is_whitespace);
    let numbered = rest.starts_with(|c: char| c.is_ascii_digit());
    (is_path && numbered).then_some(path)
}

fn is_delimiter(character: char) -> bool {
    character.is_whitespace() || "\"'`()[]{}<>,;:=".contains(character)
}

/// Splits an absolute path into its parts without `.` and `..`; none if it leaves the root.
fn cleaned(path: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(workdir: &str, prefix: &str, line: &str) -> String {
        let mapping = Mapping {
            root: "/src".to_owned(),
            workdir: workdir.to_owned(),
            prefix: prefix.to_owned(),
        };
        let lines = rewrite_go_paths(&[line.to_owned()], &mapping);
        lines.into_iter().next().unwrap()
    }

    #[test]
    fn positions_become_relative_to_the_project() {
        for (line, wanted) in [
            (
                "/src/cmd/api/main.go:12:3: undefined: x",
                "cmd/api/main.go:12:3: undefined: x",
            ),
            ("./main.go:1:2: bad", "cmd/api/main.go:1:2: bad"),
            ("../../lib/a.go:7: bad", "lib/a.go:7: bad"),
            (
                "\t/src/lib/a.go:3:6: other declaration of f",
                "\tlib/a.go:3:6: other declaration of f",
            ),
            (
                "\t./b.go:3:6: other declaration of f",
                "\tcmd/api/b.go:3:6: other declaration of f",
            ),
            (
                "go: errors parsing /src/go.mod:",
                "go: errors parsing go.mod:",
            ),
            (
                "main.go:3:8: package a/b is not in std (/src/a/b)",
                "cmd/api/main.go:3:8: package a/b is not in std (a/b)",
            ),
            (
                "pattern x: open \"/src/x\": denied in /src",
                "pattern x: open \"x\": denied in .",
            ),
        ] {
            assert_eq!(rewrite("/src/cmd/api", "", line), wanted);
        }
    }

    #[test]
    fn what_is_not_of_the_project_stays() {
        for line in [
            "# example.com/app/cmd/api",
            "/usr/local/go/src/fmt/print.go:3:1: note",
            "/srcs/a.go:1:1: not ours",
            "x /other/src/a.go y",
            "../../../etc/x.go:1:1: outside",
            "too many errors",
            "note: module requires Go 1.99",
            "",
        ] {
            assert_eq!(rewrite("/src/cmd/api", "", line), line);
        }
    }

    #[test]
    fn a_prefix_leads_to_the_project() {
        assert_eq!(
            rewrite("/src", "../app/", "./main.go:1:2: bad"),
            "../app/main.go:1:2: bad"
        );
        assert_eq!(rewrite("/src/", "app", "in /src/go.mod"), "in app/go.mod");
    }
}
