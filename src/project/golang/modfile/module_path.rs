//! Rules for module and import paths, after `golang.org/x/mod/module`.

use super::semver;

/// Splits the major version suffix (`/v2`, or `.v2` of gopkg.in) off a module path; `None` if
/// the suffix is malformed.
fn major_suffix(path: &str) -> Option<&str> {
    if path.starts_with("gopkg.in/") {
        return gopkg_suffix(path);
    }
    let stem = path.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let digits = &path[stem.len()..];
    if digits.is_empty() || !stem.ends_with("/v") {
        return Some("");
    }
    let suffix = &path[stem.len() - 2..];
    let malformed = digits.contains('.') || digits.starts_with('0') || digits == "1";
    (!malformed).then_some(suffix)
}

fn gopkg_suffix(path: &str) -> Option<&str> {
    let bare = path.strip_suffix("-unstable").unwrap_or(path);
    let stem = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &bare[stem.len()..];
    let malformed = digits.is_empty()
        || !stem.ends_with(".v")
        || (digits.starts_with('0') && path[stem.len()..] != *"0");
    (!malformed).then(|| &path[stem.len() - 2..])
}

/// Checks that a version may stand with a module path.
pub(super) fn check_major(path: &str, version: Option<&str>) -> Result<(), String> {
    let suffix = major_suffix(path).ok_or_else(|| "invalid module path".to_owned())?;
    let Some(version) = version else {
        return Ok(());
    };
    let suffix = match suffix.strip_suffix("-unstable") {
        Some(stable) if suffix.starts_with(".v") => stable,
        _ => suffix,
    };
    if version.starts_with("v0.0.0-") && suffix == ".v1" {
        return Ok(());
    }
    let (major, incompatible) = semver::major(version).unwrap_or_default();
    let (matches, expected) = match suffix.get(1..) {
        Some(expected) => (major == expected, expected),
        None => (major == "v0" || major == "v1" || incompatible, "v0 or v1"),
    };
    if matches {
        Ok(())
    } else {
        Err(format!(
            "version {version:?} invalid: should be {expected}, not {major}"
        ))
    }
}

/// Reports whether a path is reserved for the standard library: its first element has no dot.
#[must_use]
pub fn is_standard_path(path: &str) -> bool {
    !path.split('/').next().unwrap_or(path).contains('.')
}

/// Checks that an import path is one that the go command accepts.
///
/// # Errors
/// What is wrong with it.
pub fn check_import_path(path: &str) -> Result<(), String> {
    if path.starts_with("./") || path.starts_with("../") || path == "." || path == ".." {
        return Err("relative import paths are not supported in module mode".to_owned());
    }
    if path.contains('@') {
        return Err("import path should not have @version".to_owned());
    }
    if path.is_empty() {
        return Err("empty string".to_owned());
    }
    if path.starts_with('-') {
        return Err("leading dash".to_owned());
    }
    path.split('/').try_for_each(check_element)
}

fn check_element(element: &str) -> Result<(), String> {
    if element.is_empty() {
        return Err("empty path element".to_owned());
    }
    if element.bytes().all(|byte| byte == b'.') {
        return Err(format!("invalid path element {element:?}"));
    }
    if element.ends_with('.') {
        return Err("trailing dot in path element".to_owned());
    }
    if let Some(bad) = element
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "-._~+".contains(*c)))
    {
        return Err(format!("invalid char {bad:?}"));
    }
    let short = element.split('.').next().unwrap_or(element);
    if is_windows_device(short) {
        return Err(format!(
            "{short:?} disallowed as path element component on Windows"
        ));
    }
    match short.rsplit_once('~') {
        Some((_, digits))
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Err("trailing tilde and digits in path element".to_owned())
        }
        _ => Ok(()),
    }
}

fn is_windows_device(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|digit| matches!(digit.as_bytes(), [b'1'..=b'9']))
    };
    matches!(name.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions_must_match_the_path() {
        for (path, version) in [
            ("example.com/m", "v1.2.3"),
            ("example.com/m", "v2.0.0+incompatible"),
            ("example.com/m/v2", "v2.1.0"),
            ("gopkg.in/yaml.v3", "v3.0.1"),
            ("gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405"),
            ("gopkg.in/x.v2-unstable", "v2.0.0"),
        ] {
            assert_eq!(check_major(path, Some(version)), Ok(()), "{path}");
        }
        for (path, version) in [
            ("example.com/m", "v2.0.0"),
            ("example.com/m/v2", "v1.0.0"),
            ("example.com/m/v1", "v1.0.0"),
            ("example.com/m/v2.0", "v2.0.0"),
            ("gopkg.in/yaml", "v1.0.0"),
            ("gopkg.in/yaml.v3", "v2.0.0"),
        ] {
            assert!(check_major(path, Some(version)).is_err(), "{path}");
        }
    }

    #[test]
    fn import_paths_are_plain() {
        for path in [
            "fmt",
            "example.com/m/v2",
            "a/.hidden",
            "gopkg.in/yaml.v3",
            "a/b+c",
            "a/x~y",
        ] {
            assert_eq!(check_import_path(path), Ok(()), "{path}");
        }
        for path in [
            "", "./x", "../x", "/abs", "a//b", "a/", "a/b.", "a/...", "a b", "a/con", "a/LPT1.x",
            "a/x~1", "a@v1", "-x", "a\\b", "ä",
        ] {
            assert!(check_import_path(path).is_err(), "{path}");
        }
    }
}
