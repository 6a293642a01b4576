//! Two things of an image at one path: one of them is not seen.

use std::collections::BTreeMap;

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject, View};
use crate::plan::FilesLayer;
use crate::project::tree::TreePath;

pub(super) static RULE: Rule = Rule {
    name: "DuplicateDestination",
    description: "No two files of an image should have the same path",
    level: Level::Warning,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    subject.images().iter().flat_map(check).collect()
}

fn check(view: &View<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for image in view.platforms() {
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for binary in &image.binaries {
            taken.insert(binary.path.clone(), "a program is".to_owned());
        }
        for (index, layer) in image.files.iter().enumerate() {
            let key = view.key.key("files").index(index);
            let mut twice = None;
            for input in &layer.inputs {
                let path = destination(layer, input);
                let owner = format!("`{key}` puts {}", layer.from);
                if let Some(other) = taken.insert(path.clone(), owner) {
                    twice = twice.or(Some((path, other)));
                }
            }
            raised.extend(twice.map(|(path, other)| {
                let message = format!("`{key}` puts a file at {path}, where {other} already");
                Raised::at_key(key.key("to"), message).help("give one of them another path")
            }));
        }
    }
    raised
}

fn destination(layer: &FilesLayer, input: &TreePath) -> String {
    match input.below(&layer.from).filter(|_| layer.directory) {
        Some(below) => format!("{}/{below}", layer.to.trim_end_matches('/')),
        None => layer.to.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    #[test]
    fn a_path_is_taken_once() {
        Checked::image(
            "files = [\n  { from = \"a\", to = \"/etc/x\" },\n  { from = \"b\", to = \"/etc/\" },\n]",
        )
        .with("a/b", "")
        .with("b", "")
        .is_clean();
        Checked::image(
            "files = [\n  { from = \"a\", to = \"/etc\" },\n  { from = \"b\", to = \"/etc/\" },\n]",
        )
        .with("a/b", "")
        .with("b", "")
        .finds(&["DuplicateDestination goimage.toml:6:22 `image[0].files[1]` puts a file at /etc/b, where `image[0].files[0]` puts a already"]);
    }

    #[test]
    fn programs_have_their_paths() {
        Checked::image("files = [{ from = \"b\", to = \"/usr/local/bin/m\" }]")
            .with("b", "")
            .finds(&["DuplicateDestination goimage.toml:4:29 `image[0].files[0]` puts a file at /usr/local/bin/m, where a program is already"]);
    }
}
