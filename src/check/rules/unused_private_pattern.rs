//! A pattern of private modules that covers none. Having one changes where Go comes from.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::golang::source::covers_module;
use crate::project::manifest::KeyPath;

pub(super) static RULE: Rule = Rule {
    name: "UnusedPrivatePattern",
    description: "Patterns of private modules should cover a module that is required",
    level: Level::Warning,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let workspace = subject.workspace;
    // Modules that others require are not all known then.
    if !workspace.complete {
        return Vec::new();
    }
    let own = workspace
        .main_modules
        .iter()
        .map(|module| module.path.as_str());
    let required = workspace.requirements.iter().flat_map(|requirement| {
        let replacement = requirement
            .replacement
            .as_ref()
            .map(|(path, _)| path.as_str());
        [requirement.path.as_str()].into_iter().chain(replacement)
    });
    let modules: Vec<&str> = own.chain(required).collect();
    let key = KeyPath::root().key("modules").key("private");
    let patterns = subject.manifest.modules.private.iter().enumerate();
    patterns
        .filter(|(_, pattern)| !modules.iter().any(|path| covers_module(pattern, path)))
        .map(|(index, pattern)| {
            let message = format!("no module that go.mod requires is covered by {pattern:?}");
            Raised::at_key(key.index(index), message)
                .help("remove it: with private modules the toolchain is an image, which has git")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    fn checked(pattern: &str) -> Checked {
        Checked::of(&format!("[modules]\nprivate = [{pattern:?}]\n")).with(
            "go.mod",
            "module example.com/m\n\ngo 1.26.0\n\nrequire git.example.org/team/lib v1.0.0\n",
        )
    }

    #[test]
    fn a_pattern_covers_a_module() {
        checked("git.example.net").finds(&[
            "UnusedPrivatePattern goimage.toml:2:12 no module that go.mod requires is covered by \"git.example.net\"",
        ]);
        checked("git.example.org/*").is_clean();
        checked("*.example.org").is_clean();
        checked("example.com").is_clean();
    }
}
