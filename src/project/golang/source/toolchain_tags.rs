//! Tags that a toolchain sets by itself: architecture levels and experiments.
//!
//! Follows `internal/buildcfg` (`gogoarchTags`, `ParseGOEXPERIMENT`). Which experiments are on
//! without being asked for is a matter of the toolchain's version.

use super::context::BuildContext;

/// Architectures on which arguments are always passed in registers.
const REGISTER_ABI: [&str; 6] = ["amd64", "arm64", "loong64", "ppc64", "ppc64le", "riscv64"];

/// Architectures whose mutexes spin on a byte exchange.
const BYTE_EXCHANGE: [&str; 6] = ["386", "amd64", "arm", "arm64", "ppc64", "ppc64le"];

/// Returns whether the tag names a feature of the architecture level, e.g. `amd64.v2`.
pub(super) fn is_feature(context: &BuildContext, tag: &str) -> bool {
    let Some(feature) = tag
        .strip_prefix(context.goarch.as_str())
        .and_then(|rest| rest.strip_prefix('.'))
    else {
        return false;
    };
    let level = |default: &'static str| context.arch_level.as_deref().unwrap_or(default);
    let up_to = |prefix: &str, lowest: u32, level: &str| {
        let number = |text: &str| text.strip_prefix(prefix)?.parse::<u32>().ok();
        match (number(feature), number(level)) {
            (Some(wanted), Some(reached)) => {
                (lowest..=reached).contains(&wanted) && feature == format!("{prefix}{wanted}")
            }
            _ => false,
        }
    };
    let since_1_23 = context.go_minor >= 23;
    match context.goarch.as_str() {
        "386" => feature == level("sse2"),
        "amd64" => up_to("v", 1, level("v1")),
        "arm" => {
            let version = level("7").split(',').next().unwrap_or_default();
            up_to("", 5, version)
        }
        "arm64" => since_1_23 && is_arm64_feature(feature, level("v8.0")),
        "mips" | "mipsle" | "mips64" | "mips64le" => feature == level("hardfloat"),
        "ppc64" | "ppc64le" => up_to("power", 8, level("power8")),
        "riscv64" if since_1_23 => {
            let profiles = ["rva20u64", "rva22u64", "rva23u64"];
            let rank = |name: &str| profiles.iter().position(|profile| *profile == name);
            rank(feature).is_some_and(|wanted| Some(wanted) <= rank(level("rva20u64")))
        }
        "wasm" => matches!(feature, "satconv" | "signext"),
        _ => false,
    }
}

/// `GOARM64` 9.x includes 8.(x+5), the level at which version 9 branched off.
fn is_arm64_feature(feature: &str, level: &str) -> bool {
    let version = |text: &str| -> Option<(u8, u8)> {
        match text.as_bytes() {
            [b'v', major @ b'8'..=b'9', b'.', minor @ b'0'..=b'9'] => {
                Some((major - b'0', minor - b'0'))
            }
            _ => None,
        }
    };
    let level = level.split(',').next().unwrap_or_default();
    match (version(feature), version(level)) {
        (Some((wanted, minor)), Some((major, reached))) if wanted == major => minor <= reached,
        (Some((8, minor)), Some((9, reached))) => minor <= reached + 5,
        _ => false,
    }
}

/// Returns whether the tag is an experiment that is on: by the toolchain's own choice unless
/// `GOEXPERIMENT` says otherwise.
pub(super) fn is_experiment(context: &BuildContext, tag: &str) -> bool {
    let Some(name) = tag.strip_prefix("goexperiment.") else {
        return false;
    };
    let register_abi = matches!(name, "regabiwrappers" | "regabiargs");
    let optional = context.goarch == "s390x" && context.go_minor >= 26;
    if register_abi && !optional {
        let supported = REGISTER_ABI.contains(&context.goarch.as_str());
        return supported && (context.goarch != "loong64" || context.go_minor >= 22);
    }
    let mut on = register_abi || is_default_experiment(context, name);
    for word in &context.experiments {
        match word.strip_prefix("no").unwrap_or(word) {
            _ if word == "none" => on = false,
            other if other == name || other == "regabi" && register_abi => {
                on = !word.starts_with("no");
            }
            _ => {}
        }
    }
    on
}

fn is_default_experiment(context: &BuildContext, name: &str) -> bool {
    let minor = context.go_minor;
    match name {
        "coverageredesign" => minor <= 24,
        "allocheaders" | "exectracer2" => minor == 22,
        "aliastypeparams" | "swissmap" | "synchashtriemap" => matches!(minor, 24 | 25),
        "spinbitmutex" => minor == 24 && BYTE_EXCHANGE.contains(&context.goarch.as_str()),
        "dwarf5" => minor >= 25 && !matches!(context.goos.as_str(), "darwin" | "ios" | "aix"),
        "randomizedheapbase64" | "greenteagc" => minor >= 26,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::BuildContext;

    fn satisfied<'a>(context: &BuildContext, tags: &[&'a str]) -> Vec<&'a str> {
        let mut tags = tags.to_vec();
        tags.retain(|tag| context.satisfies(tag));
        tags
    }

    #[test]
    fn architecture_levels_are_tags() {
        for (goarch, level, satisfied, others) in [
            ("amd64", None, "v1", "v2"),
            ("amd64", Some("v3"), "v1 v2 v3", "v0 v03 v4"),
            ("arm", None, "5 6 7", "4 8"),
            ("arm", Some("6,softfloat"), "5 6", "4 7"),
            ("arm64", None, "v8.0", "v8.1 v9.0"),
            (
                "arm64",
                Some("v9.1,crypto"),
                "v8.0 v8.6 v9.0 v9.1",
                "v8.7 v9.2",
            ),
            ("386", None, "sse2", "softfloat"),
            ("mips", Some("softfloat"), "softfloat", "hardfloat"),
            ("ppc64le", Some("power9"), "power8 power9", "power7 power10"),
            ("riscv64", Some("rva22u64"), "rva20u64 rva22u64", "rva23u64"),
            ("wasm", None, "satconv signext", "simd"),
            ("s390x", None, "", "z13"),
        ] {
            let mut context = BuildContext::new("linux", goarch, 26);
            context.arch_level = level.map(str::to_owned);
            let holds = |feature: &str| context.satisfies(&format!("{goarch}.{feature}"));
            for feature in satisfied.split_whitespace() {
                assert!(holds(feature), "{goarch} {level:?}: {feature}");
            }
            for feature in others.split_whitespace() {
                assert!(!holds(feature), "{goarch} {level:?}: {feature}");
            }
        }
    }

    #[test]
    fn experiments_follow_toolchain_and_environment() {
        let tags = [
            "goexperiment.regabiargs",
            "goexperiment.greenteagc",
            "goexperiment.jsonv2",
        ];
        let mut context = BuildContext::new("linux", "amd64", 26);
        assert_eq!(satisfied(&context, &tags), tags[..2]);
        context.experiments = vec!["nogreenteagc".to_owned(), "jsonv2".to_owned()];
        assert_eq!(satisfied(&context, &tags), [tags[0], tags[2]]);
        context.experiments = vec!["none".to_owned(), "noregabi".to_owned()];
        assert_eq!(satisfied(&context, &tags), [tags[0]]);
        context.goarch = "s390x".to_owned();
        assert_eq!(satisfied(&context, &tags), [""; 0]);
        context.experiments.push("regabi".to_owned());
        assert_eq!(satisfied(&context, &tags), [tags[0]]);
        assert_eq!(
            satisfied(&BuildContext::new("linux", "386", 25), &tags),
            [""; 0]
        );
    }

    /// As `go list -f '{{context.ToolTags}}'` of each toolchain says.
    #[test]
    fn defaults_follow_the_toolchain() {
        const ALL: [&str; 11] = [
            "regabiargs",
            "coverageredesign",
            "allocheaders",
            "exectracer2",
            "aliastypeparams",
            "swissmap",
            "spinbitmutex",
            "synchashtriemap",
            "dwarf5",
            "randomizedheapbase64",
            "greenteagc",
        ];
        for (target, minor, expected) in [
            ("linux/amd64", 21, "regabiargs coverageredesign"),
            ("linux/loong64", 21, "coverageredesign"),
            (
                "linux/loong64",
                22,
                "regabiargs coverageredesign allocheaders exectracer2",
            ),
            ("linux/amd64", 23, "regabiargs coverageredesign"),
            (
                "darwin/arm64",
                24,
                "regabiargs coverageredesign aliastypeparams swissmap spinbitmutex synchashtriemap",
            ),
            (
                "linux/s390x",
                24,
                "coverageredesign aliastypeparams swissmap synchashtriemap",
            ),
            (
                "linux/386",
                25,
                "aliastypeparams swissmap synchashtriemap dwarf5",
            ),
            (
                "darwin/arm64",
                25,
                "regabiargs aliastypeparams swissmap synchashtriemap",
            ),
            (
                "linux/s390x",
                26,
                "regabiargs dwarf5 randomizedheapbase64 greenteagc",
            ),
        ] {
            let (goos, goarch) = target.split_once('/').unwrap();
            let context = BuildContext::new(goos, goarch, minor);
            let mut on = ALL.to_vec();
            on.retain(|name| context.satisfies(&format!("goexperiment.{name}")));
            assert_eq!(on.join(" "), expected, "{target} go1.{minor}");
        }
    }
}
