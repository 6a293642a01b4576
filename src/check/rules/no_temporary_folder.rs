//! Temporary files on `scratch`, which has no `/tmp`.

use crate::check::golang::first_use;
use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::manifest::Base;

pub(super) static RULE: Rule = Rule {
    name: "NoTemporaryFolder",
    description: "Programs that make temporary files need a /tmp in their image",
    level: Level::Warning,
    opt_in: false,
    run,
};

const TEMPORARY: &[(&str, &[&str])] = &[
    ("os", &["CreateTemp", "MkdirTemp"]),
    ("io/ioutil", &["TempDir", "TempFile"]),
];

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for view in subject.images() {
        let image = view.image;
        let is_temporary = |path: &str| path == "/tmp" || path.starts_with("/tmp/");
        let there = image.files.iter().any(|copy| is_temporary(&copy.to))
            || image.volumes.iter().any(|path| is_temporary(path))
            || image.env.contains_key("TMPDIR");
        if there {
            continue;
        }
        let scratch = view.platforms().filter(|image| image.base == Base::Scratch);
        let programs = scratch.flat_map(|image| subject.programs(image));
        let found = programs
            // With a folder given, that one counts.
            .filter_map(|closure| {
                first_use(subject, closure, TEMPORARY, |found| found.with_empty_text)
            })
            .next();
        raised.extend(found.map(|found| {
            let message = format!("{found}, and scratch has no /tmp");
            Raised::at_key(view.key.key("base"), message)
                .help("take the built-in base, `base = \"static\"`, which has one")
        }));
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    fn checked(image: &str, call: &str) -> Checked {
        let text = format!("package main\n\nimport \"os\"\n\nfunc main() {{ {call} }}\n");
        Checked::image(image).with("main.go", &text)
    }

    #[test]
    fn temporary_files_on_scratch_have_no_place() {
        checked("base = \"scratch\"", "os.CreateTemp(\"\", \"x\")").finds(&[
            "NoTemporaryFolder goimage.toml:4:8 main.go:5:15 uses os.CreateTemp, and scratch has no /tmp",
        ]);
    }

    #[test]
    fn another_folder_or_base_is_right() {
        checked("base = \"scratch\"", "os.CreateTemp(\"/data\", \"x\")").is_clean();
        checked(
            "base = \"scratch\"\nvolumes = [\"/tmp\"]",
            "os.CreateTemp(\"\", \"x\")",
        )
        .is_clean();
        checked("", "os.CreateTemp(\"\", \"x\")").is_clean();
    }
}
