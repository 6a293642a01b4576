//! Linker flags that replace the default ones and leave debug information in.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::golang::flags;
use crate::project::manifest::KeyPath;

pub(super) static RULE: Rule = Rule {
    name: "UnstrippedBinary",
    description: "Linker flags should leave debug information out, as the default ones do",
    level: Level::Warning,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let go = &subject.manifest.go;
    let mut words = flags::words(&go.ldflags);
    let strips = |word: &str| matches!(flags::name(word), "s" | "w") && flags::is_on(word);
    // No flags at all, or code for a debugger, is meant.
    let meant = go.ldflags.is_empty() || go.gcflags.iter().any(|flag| flag.contains("-N"));
    if meant || words.any(strips) {
        return Vec::new();
    }
    let key = KeyPath::root().key("go").key("ldflags");
    let message =
        format!("`{key}` replaces the default, \"-s\" and \"-w\": debug information stays in");
    let stamps = flags::words(&go.ldflags).any(|word| flags::name(word) == "X");
    let help = match stamps {
        true => "add \"-s\" and \"-w\"; for variables, `stamp` keeps the default",
        false => "add \"-s\" and \"-w\", or write `ldflags = []` to keep it",
    };
    vec![Raised::at_key(key, message).help(help)]
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    fn checked(go: &str) -> Checked {
        Checked::of(&format!("[go]\n{go}\n"))
    }

    #[test]
    fn flags_that_drop_the_default_are_found() {
        for flags in ["[\"-X main.v=1\"]", "[\"-linkmode=external\"]"] {
            checked(&format!("ldflags = {flags}")).finds(&[
                "UnstrippedBinary goimage.toml:2:11 `go.ldflags` replaces the default, \"-s\" and \"-w\": debug information stays in",
            ]);
        }
    }

    #[test]
    fn what_is_meant_is_right() {
        for go in [
            "",
            "ldflags = []",
            "ldflags = [\"-w\", \"-X\", \"main.v=1\"]",
            "ldflags = [\"-s -w -X main.v=1\"]",
            "ldflags = [\"-compressdwarf=false\"]\ngcflags = [\"all=-N -l\"]",
        ] {
            checked(go).is_clean();
        }
    }
}
