//! A binary that cgo links dynamically, on a base without a dynamic linker.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::golang::graph::Closure;
use crate::project::manifest::{Base, KeyPath};

pub(super) static RULE: Rule = Rule {
    name: "DynamicBinary",
    description: "Programs that need a C library need a base that has one",
    level: Level::Warning,
    opt_in: false,
    run,
};

/// Packages of the standard library that have a part in C, or import one that has.
const WITH_C: [&str; 6] = [
    "net",
    "net/http",
    "net/rpc",
    "os/user",
    "plugin",
    "runtime/cgo",
];

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let go = &subject.manifest.go;
    let linked_statically = go.ldflags.iter().any(|flag| flag.contains("-static"));
    if !go.cgo || linked_statically {
        return Vec::new();
    }
    let views = subject.images();
    let images = views.iter().flat_map(|view| view.platforms());
    let bare = images.filter(|image| matches!(image.base, Base::Static | Base::Scratch));
    let dynamic = bare
        .flat_map(|image| subject.programs(image))
        .find(|closure| links_c(closure));
    let raised = dynamic.map(|closure| {
        let message = format!(
            "with cgo, {} needs a C library, which its base does not have",
            closure.import_path
        );
        Raised::at_key(KeyPath::root().key("go").key("cgo"), message).help(
            "link it statically with ldflags \"-linkmode=external\" and \"-extldflags=-static\", \
             or name a base with the C library of the toolchain's image",
        )
    });
    raised.into_iter().collect()
}

/// Tells whether a part of a program is compiled from C, as far as the project shows.
fn links_c(closure: &Closure) -> bool {
    closure.packages.values().any(|package| package.uses_cgo())
        || WITH_C.iter().any(|path| closure.standard.contains(*path))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    const C: &str = "package main\n\nimport \"C\"\n\nfunc main() {}\n";

    fn checked(go: &str, base: &str, text: &str) -> Checked {
        Checked::of(&format!(
            "[go]\ncgo = true\n{go}\n[[image]]\nbase = {base:?}\n"
        ))
        .with("main.go", text)
    }

    #[test]
    fn c_needs_its_library() {
        checked("", "static", C).finds(&[
            "DynamicBinary goimage.toml:2:7 with cgo, example.com/m needs a C library, which its base does not have",
        ]);
        checked("", "scratch", "package main\n\nimport _ \"net\"\n\nfunc main() {}\n").finds(&[
            "DynamicBinary goimage.toml:2:7 with cgo, example.com/m needs a C library, which its base does not have",
        ]);
    }

    #[test]
    fn what_is_static_or_has_a_library_is_right() {
        checked("", "r.test/debian:13", C).is_clean();
        checked("", "static", "package main\n\nfunc main() {}\n").is_clean();
        let linked = "ldflags = [\"-s\", \"-linkmode=external\", \"-extldflags=-static\"]";
        checked(linked, "static", C).is_clean();
    }
}
