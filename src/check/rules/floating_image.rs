//! Base and toolchain images that are another thing tomorrow.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::oci::Reference;
use crate::project::manifest::{Base, KeyPath, Toolchain};

pub(super) static RULE: Rule = Rule {
    name: "FloatingImage",
    description: "Base and toolchain images should be named with a version",
    level: Level::Warning,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let floats = |reference: &Reference| {
        reference.digest().is_none() && reference.tag().is_none_or(|tag| tag == "latest")
    };
    named(subject)
        .into_iter()
        .filter(|(_, reference)| floats(reference))
        .map(|(key, reference)| {
            let name = reference.repository().familiar();
            let message = format!("`{key}` takes whatever {name} is at the time");
            Raised::at_key(key, message).help(format!("name a version: \"{name}:VERSION\""))
        })
        .collect()
}

/// Returns the images that the manifest names and no lock file pins, and where.
pub(super) fn named<'a>(subject: &'a Subject<'_>) -> Vec<(KeyPath, &'a Reference)> {
    let mut named = Vec::new();
    if let Toolchain::Image(reference) = &subject.manifest.go.toolchain {
        named.push((KeyPath::root().key("go").key("toolchain"), reference));
    }
    for view in subject.images() {
        let key = view.key.key("base");
        let bases = &view.image.base;
        if let Some(Base::Image(reference)) = &bases.default {
            named.push((key.key("default"), reference));
        }
        for (platform, base) in &bases.platforms {
            if let Base::Image(reference) = base {
                named.push((key.key(&platform.to_string()), reference));
            }
        }
    }
    named.retain(|(_, reference)| {
        let lock = subject.lock;
        lock.is_none_or(|lock| lock.image(reference).is_none())
    });
    named
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    #[test]
    fn a_version_is_wanted() {
        Checked::of(
            "[go]\ntoolchain = \"golang:latest\"\n\n[[image]]\n\
             base = { default = \"r.test/base\", \"linux/arm64\" = \"r.test/arm:1\" }\n",
        )
        .finds(&[
            "FloatingImage goimage.toml:2:13 `go.toolchain` takes whatever golang is at the time",
            "FloatingImage goimage.toml:5:20 `image[0].base.default` takes whatever r.test/base is at the time",
        ]);
    }

    #[test]
    fn versions_and_digests_are_right() {
        let digest = "a".repeat(64);
        for base in [
            "static",
            "scratch",
            "alpine:3.22",
            &format!("alpine@sha256:{digest}"),
        ] {
            Checked::image(&format!("base = {base:?}")).is_clean();
        }
    }
}
