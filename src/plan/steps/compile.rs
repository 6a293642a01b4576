//! `go build` of one main package for one platform: no network, no shell, exact inputs.

use std::collections::BTreeSet;

use super::caching::Policy;
use super::{environment, tools};
use crate::oci::Platform;
use crate::plan::CompileStep;
use crate::plan::container::{Layout, paths};
use crate::project::golang::workspace::Workspace;
use crate::project::manifest::{BuildMode, Go, Pgo};
use crate::project::tree::TreePath;

/// Variable of the caller's cap on parallel work, lent to compile steps. Of Go's settings it alone
/// holds for `-p`, for each compiler process and for the linker, and it may be lent because it
/// changes how long a build takes, never what it makes.
pub const JOBS_VARIABLE: &str = "GOMAXPROCS";

/// A main package to compile.
#[derive(Debug)]
pub(crate) struct Main<'a> {
    /// File name of the binary.
    pub(crate) binary: &'a str,
    /// Its import path.
    pub(crate) import_path: &'a str,
    /// Its folder.
    pub(crate) package: &'a TreePath,
    /// Every project file that the compiler reads, module files included.
    pub(crate) inputs: BTreeSet<TreePath>,
    /// Whether it imports packages of downloaded modules.
    pub(crate) needs_modules: bool,
    /// `-X` values, `importpath.name` to text.
    pub(crate) stamps: Vec<(String, String)>,
}

/// A stamp that no quoting can carry through `-ldflags`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stamp {name:?} holds both kinds of quotes, which -ldflags cannot carry")]
pub struct UnquotableStamp {
    /// The variable that was to be set.
    pub name: String,
}

/// Returns the step.
///
/// # Errors
/// A stamp cannot be quoted.
pub(crate) fn step(
    go: &Go,
    workspace: &Workspace,
    policy: Policy<'_>,
    platform: &Platform,
    main: Main<'_>,
) -> Result<CompileStep, UnquotableStamp> {
    let layout = Layout::of(&main.inputs);
    let mut env = environment::compiling(go, workspace, layout, platform);
    // The linker's output is then renamed, not copied out of another file system.
    env.insert("GOTMPDIR".to_owned(), paths::OUTPUT.to_owned());
    if let Some(program) = policy.cache_program(main.import_path, platform, false) {
        env.insert("GOCACHEPROG".to_owned(), program);
    }
    Ok(CompileStep {
        binary: main.binary.to_owned(),
        import_path: main.import_path.to_owned(),
        package: main.package.clone(),
        platform: platform.clone(),
        directory: layout.absolute(&workspace.directory),
        args: arguments(go, workspace, layout, &main)?,
        env,
        needs_modules: main.needs_modules,
        after: None,
        relay: policy.relay(),
        inputs: main.inputs,
    })
}

fn arguments(
    go: &Go,
    workspace: &Workspace,
    layout: Layout,
    main: &Main<'_>,
) -> Result<Vec<String>, UnquotableStamp> {
    let mut args = vec![paths::GO.to_owned(), "build".to_owned()];
    args.extend(["-trimpath".to_owned(), "-buildvcs=false".to_owned()]);
    args.extend(build_flags(go));
    args.push(format!("-ldflags={}", linker_flags(go, &main.stamps)?));
    args.extend(tools::arguments(go, tools::For::Main));
    if go.buildmode == BuildMode::Pie {
        args.push("-buildmode=pie".to_owned());
    }
    match &go.pgo {
        Pgo::Auto => {}
        Pgo::Off => args.push("-pgo=off".to_owned()),
        Pgo::File(profile) => args.push(format!("-pgo={}", layout.absolute(profile))),
    }
    args.extend(go.flags.iter().cloned());
    args.push("-o".to_owned());
    args.push(format!("{}/{}", paths::OUTPUT, main.binary));
    // Relative where possible: Go then reports errors with paths relative to the project.
    args.push(match main.package.below(&workspace.directory) {
        Some(below) if below.is_root() => ".".to_owned(),
        Some(below) => format!("./{below}"),
        None => main.import_path.to_owned(),
    });
    Ok(args)
}

/// Returns the flags that also decide which packages are loaded.
pub(super) fn build_flags(go: &Go) -> Vec<String> {
    if go.tags.is_empty() {
        Vec::new()
    } else {
        vec![format!("-tags={}", go.tags.join(","))]
    }
}

/// Returns the value of `-ldflags`. The build id is left out: it would make a binary's bytes
/// depend on how it was cached.
fn linker_flags(go: &Go, stamps: &[(String, String)]) -> Result<String, UnquotableStamp> {
    let mut flags = go.ldflags.clone();
    for (name, value) in stamps {
        flags.push(format!("-X {}", quoted(name, &format!("{name}={value}"))?));
    }
    flags.push("-buildid=".to_owned());
    Ok(flags.join(" "))
}

/// Quotes one field as Go's `cmd/internal/quoted` splits them: no escapes, either quote.
fn quoted(name: &str, field: &str) -> Result<String, UnquotableStamp> {
    let needs = field.contains(|c: char| c.is_whitespace() || c == '\'' || c == '"');
    match (needs, field.contains('\''), field.contains('"')) {
        (false, ..) => Ok(field.to_owned()),
        (true, false, _) => Ok(format!("'{field}'")),
        (true, true, false) => Ok(format!("\"{field}\"")),
        (true, true, true) => Err(UnquotableStamp {
            name: name.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_survive_spaces_and_quotes() {
        let flags =
            |value: &str| linker_flags(&Go::default(), &[("main.v".to_owned(), value.to_owned())]);
        assert_eq!(flags("1").unwrap(), "-s -w -X main.v=1 -buildid=");
        assert_eq!(flags("a b").unwrap(), "-s -w -X 'main.v=a b' -buildid=");
        assert_eq!(flags("it's").unwrap(), "-s -w -X \"main.v=it's\" -buildid=");
        assert_eq!(flags("'\"").unwrap_err().name, "main.v");
    }
}
