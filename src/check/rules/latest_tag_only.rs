//! An image that is pushed as `latest` and nothing else: every push takes the last one's name.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::manifest::names::names_registry;

pub(super) static RULE: Rule = Rule {
    name: "LatestTagOnly",
    description: "Images of a registry should have a tag that tells their version",
    level: Level::Warning,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let images = subject.images().into_iter();
    images
        .filter_map(|view| {
            // A name without a registry is completed, or replaced, on the command line.
            let name = view.image.name.as_ref()?.to_string();
            let tags: Vec<String> = view.image.tags.iter().map(ToString::to_string).collect();
            let only = names_registry(&name) && tags == ["latest"];
            only.then(|| {
                let message =
                    format!("{name} has no tag but latest, which the next push takes away");
                Raised::at_key(view.key.key("tags"), message)
                    .help("add a tag such as \"{{ git.describe }}\" or \"{{ git.short }}\"")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    #[test]
    fn latest_alone_tells_no_version() {
        Checked::image("name = \"r.test/app\"\ntags = [\"latest\"]").finds(&[
            "LatestTagOnly goimage.toml:5:8 r.test/app has no tag but latest, which the next push takes away",
        ]);
        Checked::image("name = \"r.test/app\"").finds(&[
            "LatestTagOnly goimage.toml:3:1 r.test/app has no tag but latest, which the next push takes away",
        ]);
    }

    #[test]
    fn local_names_and_versions_are_right() {
        Checked::image("name = \"app\"").is_clean();
        Checked::image("name = \"r.test/app\"\ntags = [\"latest\", \"1.2\"]").is_clean();
    }
}
