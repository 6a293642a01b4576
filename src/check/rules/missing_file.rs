//! Files that the manifest names and the build does not see.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::manifest::{KeyPath, Pgo};
use crate::project::tree::TreePath;

pub(super) static RULE: Rule = Rule {
    name: "MissingFile",
    description: "Files that the manifest names should be in the project, and not be hidden by .dockerignore",
    level: Level::Error,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    let mut look = |key: KeyPath, path: &TreePath| {
        let there = subject.project.join(path.as_str());
        // What cannot be read is another matter, and said by who reads it.
        if !matches!(subject.tree.kind(&there), Ok(None)) {
            return;
        }
        let hidden = matches!(subject.whole_tree.kind(&there), Ok(Some(_)));
        raised.push(match hidden {
            true => Raised::at_key(key, format!("{path} is hidden by .dockerignore"))
                .help(format!("add `!{path}` as its last line")),
            false => Raised::at_key(key, format!("{path} is not in the project"))
                .help("paths are relative to the folder of goimage.toml"),
        });
    };
    let root = KeyPath::root();
    if let Pgo::File(profile) = &subject.manifest.go.pgo {
        look(root.key("go").key("pgo"), profile);
    }
    let ca = root.key("modules").key("ca");
    for (index, path) in subject.manifest.modules.ca.iter().enumerate() {
        look(ca.index(index), path);
    }
    for view in subject.images() {
        for (index, copy) in view.image.files.iter().enumerate() {
            look(view.key.key("files").index(index).key("from"), &copy.from);
        }
        for (index, path) in view.image.certs.iter().enumerate() {
            look(view.key.key("certs").index(index), path);
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    const ALL: &str = "[go]\npgo = \"x.pgo\"\n[modules]\nca = [\"ca.pem\"]\n[[image]]\n\
        files = [{ from = \"config\", to = \"/etc/app\" }]\ncerts = [\"corp.pem\"]\n";

    #[test]
    fn every_missing_file_is_named() {
        Checked::of(ALL).finds(&[
            "MissingFile goimage.toml:2:7 x.pgo is not in the project",
            "MissingFile goimage.toml:4:7 ca.pem is not in the project",
            "MissingFile goimage.toml:6:19 config is not in the project",
            "MissingFile goimage.toml:7:10 corp.pem is not in the project",
        ]);
    }

    #[test]
    fn a_hidden_file_is_another_thing() {
        Checked::image("files = [{ from = \"config\", to = \"/etc/app\" }]")
            .with("config/app.toml", "")
            .with(".dockerignore", "config\n")
            .finds(&["MissingFile goimage.toml:4:19 config is hidden by .dockerignore"]);
    }

    #[test]
    fn files_that_are_there_are_right() {
        Checked::of(ALL)
            .with("x.pgo", "")
            .with("ca.pem", "")
            .with("config/app.toml", "")
            .with("corp.pem", "")
            .is_clean();
    }
}
