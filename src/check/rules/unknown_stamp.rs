//! Stamps of variables that the linker cannot set; it says nothing about them.

use std::collections::BTreeMap;

use crate::check::golang::{Variable, variables};
use crate::check::rule::Raised;
use crate::check::{Level, Planned, Rule, Subject};
use crate::project::golang::source::Package;
use crate::project::manifest::{KeyPath, nearest};

pub(super) static RULE: Rule = Rule {
    name: "UnknownStamp",
    description: "Stamps should name string variables of packages that are compiled",
    level: Level::Warning,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    // With some of the programs left out, their variables would seem to be missing.
    let Some(planned) = subject.planned.filter(|planned| planned.whole) else {
        return Vec::new();
    };
    let key = KeyPath::root().key("go").key("stamp");
    let mut raised = Vec::new();
    for name in subject.manifest.go.stamp.keys() {
        let Some((package, variable)) = name.rsplit_once('.') else {
            continue;
        };
        let key = key.key(name);
        if let Some((message, help)) = fault(subject, planned, package, variable) {
            raised.push(Raised::at_key(key.clone(), format!("`{key}` {message}")).help(help));
        }
    }
    raised
}

/// Returns what is wrong with a stamp, and what to do.
fn fault(
    subject: &Subject<'_>,
    planned: Planned<'_>,
    package: &str,
    variable: &str,
) -> Option<(String, String)> {
    let mut programs = planned.programs.iter();
    if package != "main" && programs.any(|program| program.import_path == package) {
        let message = "has no effect: the linker calls a program's package main".to_owned();
        return Some((message, format!("write \"main.{variable}\"")));
    }
    let packages = stamped(planned, package);
    if packages.is_empty() {
        let elsewhere = packages_elsewhere(subject, planned, package);
        return (!elsewhere).then(|| {
            let known = own(subject, planned);
            let help = match nearest(package, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean \"{near}.{variable}\"?"),
                None => "write the import path as the import says, or \"main\"".to_owned(),
            };
            (format!("has no effect: no program imports {package}"), help)
        });
    }
    let mut declared: BTreeMap<String, Variable> = BTreeMap::new();
    for package in packages {
        for (name, kind) in variables(subject, package) {
            // Of several programs, one with the variable is enough.
            let settable = declared.get(&name) == Some(&Variable::Settable);
            declared.insert(name, if settable { Variable::Settable } else { kind });
        }
    }
    let names = || {
        let settable = declared.iter();
        let settable = settable.filter(|(_, kind)| **kind == Variable::Settable);
        settable.map(|(name, _)| name.as_str())
    };
    let declare = format!("declare it as `var {variable} string`");
    match declared.get(variable) {
        Some(Variable::Settable) => None,
        None => Some((
            format!("has no effect: {package} has no variable {variable}"),
            match nearest(variable, names()) {
                Some(near) => format!("did you mean \"{package}.{near}\"?"),
                None => declare,
            },
        )),
        Some(Variable::OtherType) => {
            Some((format!("cannot set {variable}: it is no string"), declare))
        }
        Some(Variable::Constant) => {
            Some((format!("has no effect: {variable} is a constant"), declare))
        }
        Some(Variable::Computed) => Some((
            format!("has no effect: what {variable} is initialised with overwrites it"),
            format!("{declare}, or with a text as its value"),
        )),
    }
}

/// Returns the packages that a stamp's import path means: `main` is every program.
fn stamped<'a>(planned: Planned<'a>, path: &str) -> Vec<&'a Package> {
    let closures = planned.programs.iter();
    closures
        .filter_map(|closure| {
            let path = if path == "main" {
                &closure.import_path
            } else {
                path
            };
            closure.packages.get(path).map(AsRef::as_ref)
        })
        .collect()
}

/// Tells whether a package may come from a module that is not in the project.
fn packages_elsewhere(subject: &Subject<'_>, planned: Planned<'_>, path: &str) -> bool {
    let below = |module: &str| {
        let rest = path.strip_prefix(module);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let own = subject.workspace.main_modules.iter();
    let own = own.map(|module| module.path.as_str()).any(below);
    let imports = |path: &str| {
        let mut closures = planned.programs.iter();
        closures.any(|closure| closure.external.contains(path) || closure.standard.contains(path))
    };
    let requirements = subject.workspace.requirements.iter();
    let required = requirements
        .map(|required| required.path.as_str())
        .any(below);
    let standard = !path.split('/').next().unwrap_or(path).contains('.');
    imports(path) || required || (!own && (standard || !subject.workspace.complete))
}

/// Returns the import paths of the project's own packages.
fn own(subject: &Subject<'_>, planned: Planned<'_>) -> Vec<String> {
    let packages = planned
        .programs
        .iter()
        .flat_map(|closure| &closure.packages);
    let own =
        packages.filter(|(_, package)| subject.is_own(&package.directory) && !package.is_main());
    own.map(|(path, _)| path.clone()).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    fn checked(stamp: &str) -> Checked {
        Checked::of(&format!("[go]\nstamp = {{ {stamp:?} = \"v1\" }}\n"))
            .with(
                "main.go",
                "package main\n\nimport _ \"example.com/m/internal/build\"\n\nvar version string\n\nfunc main() {}\n",
            )
            .with(
                "internal/build/build.go",
                "package build\n\nimport \"os\"\n\nvar (\n\tVersion = \"dev\"\n\tTime    = os.Getenv(\"T\")\n\tNumber  = 1\n)\n\nconst Fixed = \"x\"\n",
            )
    }

    fn finds(stamp: &str, message: &str) {
        checked(stamp).finds(&[&format!(
            "UnknownStamp goimage.toml:2:{} `go.stamp.{stamp:?}` {message}",
            stamp.len() + 16
        )]);
    }

    #[test]
    fn variables_that_cannot_be_set_are_told_apart() {
        finds(
            "main.Version",
            "has no effect: main has no variable Version",
        );
        finds(
            "example.com/m/internal/build.Time",
            "has no effect: what Time is initialised with overwrites it",
        );
        finds(
            "example.com/m/internal/build.Number",
            "cannot set Number: it is no string",
        );
        finds(
            "example.com/m/internal/build.Fixed",
            "has no effect: Fixed is a constant",
        );
        finds(
            "example.com/m/internal/bild.Version",
            "has no effect: no program imports example.com/m/internal/bild",
        );
        finds(
            "example.com/m.version",
            "has no effect: the linker calls a program's package main",
        );
        finds(
            "example.org/other.Version",
            "has no effect: no program imports example.org/other",
        );
    }

    #[test]
    fn variables_that_can_be_set_are_right() {
        checked("main.version").is_clean();
        checked("example.com/m/internal/build.Version").is_clean();
    }

    #[test]
    fn one_of_several_programs_with_the_variable_is_enough() {
        Checked::of("[go]\nstamp = { \"main.version\" = \"v1\" }\n")
            .without("main.go")
            .with(
                "a/main.go",
                "package main\n\nvar version string\n\nfunc main() {}\n",
            )
            .with("b/main.go", "package main\n\nfunc main() {}\n")
            .is_clean();
    }

    #[test]
    fn what_is_inside_other_modules_is_not_known() {
        checked("github.com/prometheus/common/version.Version")
            .with(
                "go.mod",
                "module example.com/m\n\ngo 1.26.0\n\nrequire github.com/prometheus/common v0.60.0\n",
            )
            .is_clean();
    }
}
