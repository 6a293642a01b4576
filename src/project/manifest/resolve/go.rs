//! `[go]`: what the compiler is told.

use std::collections::BTreeMap;

use super::{Resolver, elements, entries, strings, within};
use crate::project::manifest::error::Problem;
use crate::project::manifest::key::KeyPath;
use crate::project::manifest::model::{BuildMode, Go, Pgo, Toolchain};
use crate::project::manifest::reader::{List, Text};
use crate::project::manifest::schema;
use crate::project::manifest::template::{Scope, Template};

/// Flags of `go build` that `go.flags` may not hold, and what to do instead.
const OWN_FLAGS: [(&str, &str); 20] = [
    ("C", "gobuild runs go in the module's folder"),
    ("a", "use `--no-cache` to build everything again"),
    ("asmflags", "use the key `asmflags`"),
    ("buildmode", "use the key `buildmode`"),
    ("buildvcs", "stamp git facts with the key `stamp`"),
    ("gcflags", "use the key `gcflags`"),
    ("ldflags", "use the key `ldflags`"),
    ("mod", "gobuild chooses between readonly and vendor"),
    ("modcacherw", "gobuild mounts the module cache"),
    ("modfile", "gobuild reads the go.mod of the project"),
    ("n", "`gobuild plan` shows what would be run"),
    ("o", "gobuild names the binary after its package"),
    (
        "overlay",
        "gobuild compiles the files of the project as they are",
    ),
    ("p", "use `jobs` of [build]"),
    ("pgo", "use the key `pgo`"),
    ("pkgdir", "gobuild keeps compiled packages itself"),
    ("tags", "use the key `tags`"),
    ("toolexec", "compile steps run no other program"),
    ("work", "compile steps keep no work folder"),
    ("x", "`gobuild plan` shows what is run"),
];

impl Resolver<'_> {
    pub(super) fn go(&mut self, written: &schema::Go, key: &KeyPath) -> Go {
        let default = Go::default();
        if let Some(version) = &written.version {
            self.go_version(version, &key.key("version"));
        }
        Go {
            version: written.version.as_ref().map(|v| v.get_ref().clone()),
            toolchain: self.toolchain(written.toolchain.as_ref(), &key.key("toolchain")),
            cgo: written.cgo.unwrap_or(default.cgo),
            tags: self.checked(
                written.tags.as_ref(),
                &key.key("tags"),
                "a build tag",
                "a tag is made of letters, digits, _ and .; each is an element of its own",
                build_tag,
            ),
            ldflags: self
                .tool_flags(written.ldflags.as_ref(), &key.key("ldflags"))
                .unwrap_or(default.ldflags),
            gcflags: self
                .tool_flags(written.gcflags.as_ref(), &key.key("gcflags"))
                .unwrap_or_default(),
            asmflags: self
                .tool_flags(written.asmflags.as_ref(), &key.key("asmflags"))
                .unwrap_or_default(),
            flags: self.build_flags(written.flags.as_ref(), &key.key("flags")),
            buildmode: self.choice(
                written.buildmode.as_ref(),
                &key.key("buildmode"),
                &[("exe", BuildMode::Exe), ("pie", BuildMode::Pie)],
                default.buildmode,
            ),
            pgo: self.pgo(written.pgo.as_ref(), &key.key("pgo")),
            env: self.go_environment(written.env.as_ref()),
            stamp: self.stamps(written, &key.key("stamp")),
        }
    }

    fn go_version(&mut self, text: &Text, key: &KeyPath) {
        let given = text.get_ref();
        if is_go_version(given) {
            return;
        }
        let help = match given.strip_prefix("go").or_else(|| given.strip_prefix('v')) {
            Some(rest) if is_go_version(rest) => format!("write {rest:?}"),
            _ => "write it as \"1.26.3\", \"1.26\" or \"1.27rc1\"; \
                  leave it out to follow go.mod"
                .to_owned(),
        };
        self.report(
            Problem::new(
                format!("`{key}` is not a Go version"),
                text.span(),
                "no release has this name",
            )
            .help(help),
        );
    }

    fn toolchain(&mut self, text: Option<&Text>, key: &KeyPath) -> Toolchain {
        let Some(text) = text else {
            return Toolchain::Auto;
        };
        match text.get_ref().as_str() {
            "auto" => Toolchain::Auto,
            "proxy" => Toolchain::Proxy,
            "host" => Toolchain::Host,
            _ => self
                .reference(text, key, &["auto", "proxy", "host"])
                .map_or(Toolchain::Auto, Toolchain::Image),
        }
    }

    fn pgo(&mut self, text: Option<&Text>, key: &KeyPath) -> Pgo {
        let Some(text) = text else {
            return Pgo::Auto;
        };
        match text.get_ref().as_str() {
            "auto" => Pgo::Auto,
            "off" => Pgo::Off,
            _ => self.project_path(text, key).map_or(Pgo::Auto, Pgo::File),
        }
    }

    /// Reads flags for one of go's tools: any text, but none that is empty.
    fn tool_flags(&mut self, list: Option<&List>, key: &KeyPath) -> Option<Vec<String>> {
        for (index, text) in elements(list).enumerate() {
            if text.get_ref().trim().is_empty() {
                self.report(
                    Problem::new(
                        format!("`{}` is empty", key.index(index)),
                        text.span(),
                        "no flag",
                    )
                    .help("remove it"),
                );
            }
        }
        list.map(strings)
    }

    fn build_flags(&mut self, list: Option<&List>, key: &KeyPath) -> Vec<String> {
        for (index, text) in elements(list).enumerate() {
            let given = text.get_ref();
            let name = given
                .trim_start_matches('-')
                .split('=')
                .next()
                .unwrap_or("");
            let problem = |label: &str| {
                Problem::new(
                    format!("`{}` is not a flag for here", key.index(index)),
                    text.span(),
                    label,
                )
            };
            let own = OWN_FLAGS.iter().find(|(flag, _)| *flag == name);
            if !given.starts_with('-') || name.is_empty() {
                let help = "each element is one whole flag, such as \"-trimpath=false\"";
                self.report(problem("does not start with `-`").help(help));
            } else if given.contains(char::is_whitespace) {
                let help = "each element is one whole flag; put a value after `=`";
                self.report(problem("has a space").help(help));
            } else if let Some((_, instead)) = own
                && given != "-buildvcs=false"
            {
                self.report(problem("gobuild sets this itself").help(*instead));
            }
        }
        list.map(strings).unwrap_or_default()
    }

    fn stamps(&mut self, written: &schema::Go, key: &KeyPath) -> BTreeMap<String, Template> {
        for (name, value) in entries(written.stamp.as_ref()) {
            if !is_variable_path(name.get_ref()) {
                self.report(
                    Problem::new(
                        format!("`{}` does not name a variable", key.key(name.get_ref())),
                        name.span(),
                        "not of the form importpath.name",
                    )
                    .help("write it as \"main.version\" or \"example.com/app/build.Commit\""),
                );
            }
            if let Some(at) = value.get_ref().find(['\n', '\0']) {
                let span = within(self.text, value, at..at + 1);
                self.report(
                    Problem::new(
                        format!("`{}` has more than one line", key.key(name.get_ref())),
                        span,
                        "the linker takes one line",
                    )
                    .help("stamp a single line"),
                );
            }
        }
        self.templates(written.stamp.as_ref(), Scope::Platform, key)
    }
}

fn build_tag(tag: &str) -> Result<(), &'static str> {
    if tag.contains([',', ' ']) {
        return Err("more than one tag");
    }
    let valid = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    if tag.is_empty() || !tag.chars().all(valid) {
        return Err("cannot be a build tag");
    }
    Ok(())
}

/// Accepts `1.N`, `1.N.P` and `1.NrcP`/`1.NbetaP`, as release names are made.
fn is_go_version(version: &str) -> bool {
    let number = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let Some(rest) = version.strip_prefix("1.") else {
        return false;
    };
    for separator in [".", "rc", "beta"] {
        if let Some((minor, patch)) = rest.split_once(separator) {
            return number(minor) && number(patch);
        }
    }
    number(rest)
}

fn is_variable_path(name: &str) -> bool {
    let Some((package, variable)) = name.rsplit_once('.') else {
        return false;
    };
    let mut letters = variable.chars();
    let starts = letters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_');
    let package_valid = !package.is_empty()
        && !package.ends_with('/')
        && !package.contains(|c: char| c.is_whitespace() || c.is_control() || "'\"=".contains(c));
    starts && letters.all(|c| c.is_alphanumeric() || c == '_') && package_valid
}
