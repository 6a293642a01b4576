//! Module versions: semantic versions with a leading `v`, as `golang.org/x/mod/semver` reads
//! them.

use std::cmp::Ordering;

/// The parts of a version, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts<'a> {
    numbers: [&'a str; 3],
    /// What is missing of `.minor.patch`.
    missing: &'static str,
    /// With its `-`, or empty.
    prerelease: &'a str,
    /// With its `+`, or empty.
    build: &'a str,
}

fn parse(version: &str) -> Option<Parts<'_>> {
    let rest = version.strip_prefix('v')?;
    let (core, build) = rest.split_at(rest.find('+').unwrap_or(rest.len()));
    let (core, prerelease) = core.split_at(core.find('-').unwrap_or(core.len()));
    let mut numbers = ["0"; 3];
    let mut count = 0;
    for number in core.split('.') {
        let valid = !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && (number == "0" || !number.starts_with('0'));
        *numbers.get_mut(count)? = valid.then_some(number)?;
        count += 1;
    }
    let missing = ["", ".0.0", ".0", ""][count];
    // A shortened version has neither of them.
    let bare = prerelease.is_empty() && build.is_empty();
    let suffixes = (prerelease.is_empty() || identifiers(prerelease, false))
        && (build.is_empty() || identifiers(build, true));
    ((bare || missing.is_empty()) && suffixes).then_some(Parts {
        numbers,
        missing,
        prerelease,
        build,
    })
}

/// Checks the dot-separated identifiers after the first character of `suffix`.
fn identifiers(suffix: &str, leading_zeros: bool) -> bool {
    suffix[1..].split('.').all(|identifier| {
        let numeric = identifier.bytes().all(|byte| byte.is_ascii_digit());
        !identifier.is_empty()
            && identifier
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && (leading_zeros || !numeric || identifier == "0" || !identifier.starts_with('0'))
    })
}

/// Reports whether `version` is one, possibly shortened (`v1`, `v1.2`).
#[must_use]
pub(crate) fn is_valid(version: &str) -> bool {
    parse(version).is_some()
}

/// Returns the canonical spelling: all three numbers, no build metadata but `+incompatible`.
pub(super) fn canonical(version: &str) -> Option<String> {
    let parts = parse(version)?;
    let without_build = &version[..version.len() - parts.build.len()];
    let build = if parts.build == "+incompatible" {
        parts.build
    } else {
        ""
    };
    Some(format!("{without_build}{}{build}", parts.missing))
}

/// Returns `v` and the major number, and whether the version is `+incompatible`.
pub(super) fn major(version: &str) -> Option<(String, bool)> {
    let parts = parse(version)?;
    Some((
        format!("v{}", parts.numbers[0]),
        parts.build == "+incompatible",
    ))
}

/// Compares two module versions by precedence; what is not a version sorts first.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => {
            let number = |text: &str| (text.len(), text.to_owned());
            a.numbers
                .map(number)
                .cmp(&b.numbers.map(number))
                .then_with(|| compare_prereleases(a.prerelease, b.prerelease))
        }
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    // A release follows all of its prereleases.
    if a.is_empty() || b.is_empty() {
        return a.is_empty().cmp(&b.is_empty());
    }
    let key = |identifier: &str| {
        let numeric = identifier.bytes().all(|byte| byte.is_ascii_digit());
        let length = if numeric { identifier.len() } else { 0 };
        (!numeric, length, identifier.to_owned())
    };
    let keys = |text: &str| text[1..].split('.').map(key).collect::<Vec<_>>();
    keys(a).cmp(&keys(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_precedence() {
        let ascending = [
            "bad",
            "v0.0.0-20200101000000-abcdefabcdef",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta.2",
            "v1.0.0-beta.11",
            "v1.0.0-rc.1",
            "v1.0.0",
            "v1.2.0",
            "v1.10.0",
            "v2.0.0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("v1", "v1.0.0+meta"), Ordering::Equal);
    }

    #[test]
    fn short_versions_are_filled_up() {
        assert_eq!(canonical("v1").as_deref(), Some("v1.0.0"));
        assert_eq!(canonical("v1.2").as_deref(), Some("v1.2.0"));
        assert_eq!(canonical("v1.2.3+x").as_deref(), Some("v1.2.3"));
        assert_eq!(
            canonical("v2.0.0+incompatible").as_deref(),
            Some("v2.0.0+incompatible")
        );
        for bad in [
            "1.2.3",
            "v",
            "v1.",
            "v1.2-x",
            "v01.2.3",
            "v1.2.3-01",
            "v1.2.3.4",
            "v1.2.3-",
        ] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }
}
