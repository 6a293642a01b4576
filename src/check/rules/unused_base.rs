//! A base for a platform that is not built.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    name: "UnusedBase",
    description: "Bases should be of platforms that are built",
    level: Level::Warning,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let platforms = &subject.manifest.build.platforms;
    // Without platforms in the manifest it is the builder that decides.
    if platforms.is_empty() {
        return Vec::new();
    }
    let mut raised = Vec::new();
    for view in subject.images() {
        let key = view.key.key("base");
        let bases = view.image.base.platforms.keys();
        raised.extend(
            bases
                .filter(|platform| !platforms.contains(platform))
                .map(|platform| {
                    let message =
                        format!("`{key}` names a base for {platform}, which is not built");
                    Raised::at_key(key.key(&platform.to_string()), message)
                        .help("remove it, or add the platform to `platforms` of [build]")
                }),
        );
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    #[test]
    fn bases_are_of_platforms_that_are_built() {
        let image = "[[image]]\nbase = { \"linux/arm64\" = \"scratch\", default = \"static\" }\n";
        Checked::of(&format!("[build]\nplatforms = [\"linux/amd64\"]\n{image}")).finds(&[
            "UnusedBase goimage.toml:4:26 `image[0].base` names a base for linux/arm64, which is not built",
        ]);
        Checked::of(&format!("[build]\nplatforms = [\"linux/arm64\"]\n{image}")).is_clean();
        Checked::of(image).is_clean();
    }
}
