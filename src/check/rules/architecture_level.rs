//! `GOAMD64` and its like where they mean nothing, or contradict a platform.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::manifest::KeyPath;

pub(super) static RULE: Rule = Rule {
    name: "ArchitectureLevel",
    description: "Architecture levels should concern a platform, and agree with its variant",
    level: Level::Warning,
    opt_in: false,
    run,
};

/// Variables, and the architectures that they concern.
const LEVELS: [(&str, &[&str]); 9] = [
    ("GO386", &["386"]),
    ("GOAMD64", &["amd64"]),
    ("GOARM", &["arm"]),
    ("GOARM64", &["arm64"]),
    ("GOMIPS", &["mips", "mipsle"]),
    ("GOMIPS64", &["mips64", "mips64le"]),
    ("GOPPC64", &["ppc64", "ppc64le"]),
    ("GORISCV64", &["riscv64"]),
    ("GOWASM", &["wasm"]),
];

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    // Without platforms in the manifest it is the builder that decides.
    let platforms = &subject.manifest.build.platforms;
    if platforms.is_empty() {
        return Vec::new();
    }
    let env = KeyPath::root().key("go").key("env");
    let mut raised = Vec::new();
    for (name, architectures) in LEVELS {
        let Some(value) = subject.manifest.go.env.get(name) else {
            continue;
        };
        let key = env.key(name);
        let mut concerned = platforms
            .iter()
            .filter(|platform| architectures.contains(&platform.architecture.as_str()))
            .peekable();
        if concerned.peek().is_none() {
            let message = format!(
                "`{key}` has no effect: no platform is {}",
                architectures.join(" or ")
            );
            raised.push(Raised::at_key(key, message).help("remove it, or add such a platform"));
            continue;
        }
        // Only these write a level as their platforms' variants do.
        let level = value
            .split(',')
            .next()
            .unwrap_or(value)
            .trim_start_matches('v');
        let against = concerned.find(|platform| {
            let variant = platform
                .variant
                .as_deref()
                .map(|v| v.trim_start_matches('v'));
            matches!(name, "GOAMD64" | "GOARM") && variant.is_some_and(|variant| variant != level)
        });
        if let Some(platform) = against {
            let message = format!("`{key}` is {value:?}, whatever {platform} says");
            raised.push(
                Raised::at_key(key, message).help("remove it: the platform's variant sets it"),
            );
        }
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    fn checked(env: &str, platforms: &str) -> Checked {
        Checked::of(&format!(
            "[go]\nenv = {{ {env} }}\n[build]\nplatforms = [{platforms}]\n"
        ))
    }

    #[test]
    fn a_level_concerns_a_platform() {
        checked("GOAMD64 = \"v3\"", "\"linux/arm64\"").finds(&[
            "ArchitectureLevel goimage.toml:2:19 `go.env.GOAMD64` has no effect: no platform is amd64",
        ]);
        checked("GOAMD64 = \"v3\"", "\"linux/arm64\", \"linux/amd64\"").is_clean();
        Checked::of("[go]\nenv = { GOAMD64 = \"v3\" }\n").is_clean();
    }

    #[test]
    fn a_level_agrees_with_the_variant() {
        checked("GOARM = \"6\"", "\"linux/arm/v7\"").finds(&[
            "ArchitectureLevel goimage.toml:2:17 `go.env.GOARM` is \"6\", whatever linux/arm/v7 says",
        ]);
        checked("GOARM = \"7,softfloat\"", "\"linux/arm/v7\"").is_clean();
    }
}
