//! Base and toolchain images without a digest. An opinion, so it speaks only if asked to.

use super::floating_image::named;
use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    name: "UnpinnedImage",
    description: "Base and toolchain images should be named with a digest",
    level: Level::Warning,
    opt_in: true,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    named(subject)
        .into_iter()
        .filter(|(_, reference)| reference.digest().is_none())
        .map(|(key, reference)| {
            let name = reference.familiar();
            let message = format!("`{key}` names {name} without a digest");
            Raised::at_key(key, message).help(
                "`gobuild lock` writes the digest that the registry has for it to goimage.lock",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    #[test]
    fn it_speaks_only_if_asked() {
        Checked::image("base = \"alpine:3.22\"").is_clean();
        Checked::of(
            "# check=experimental=UnpinnedImage\n[[image]]\nbase = \"alpine:3.22\"\n",
        )
        .finds(&["UnpinnedImage goimage.toml:3:8 `image[0].base.default` names alpine:3.22 without a digest"]);
    }

    #[test]
    fn a_lock_file_is_as_good_as_a_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let lock =
            format!("version = 1\n[[image]]\nname = \"alpine:3.22\"\ndigest = \"{digest}\"\n");
        Checked::of("# check=experimental=UnpinnedImage\n[[image]]\nbase = \"alpine:3.22\"\n")
            .locked(&lock)
            .is_clean();
    }
}
