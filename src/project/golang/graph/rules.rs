//! Which imports Go forbids, whatever stands at their end.

use super::error::GraphError;
use crate::project::golang::source::ImportSite;
use crate::project::golang::workspace::Resolution;

/// Checks the form of an import path.
///
/// # Errors
/// It is relative, or spells out a vendor folder.
pub(super) fn check_path(
    import_path: &str,
    importer: &str,
    site: &ImportSite,
) -> Result<(), GraphError> {
    let relative = matches!(import_path, "." | "..")
        || import_path.starts_with("./")
        || import_path.starts_with("../");
    if relative || import_path.starts_with('/') {
        return Err(GraphError::RelativeImport {
            site: site.clone(),
            import_path: import_path.to_owned(),
            importer: importer.to_owned(),
        });
    }
    // A last element `vendor` is a package of that name.
    let vendored = match import_path.rfind("/vendor/") {
        Some(at) => Some(&import_path[at + "/vendor/".len()..]),
        None => import_path.strip_prefix("vendor/"),
    };
    match vendored {
        Some(rest) => Err(GraphError::VendorImport {
            site: site.clone(),
            import_path: import_path.to_owned(),
            spelling: rest.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Checks that `importer` may use a package below an `internal` element.
///
/// # Errors
/// It lies outside the parent of the last `internal`.
pub(super) fn check_internal(
    import_path: &str,
    resolution: &Resolution,
    importer: &str,
    site: &ImportSite,
) -> Result<(), GraphError> {
    let Some(parent) = parent_of_internal(import_path) else {
        return Ok(());
    };
    let below_parent = importer
        .strip_prefix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // A module whose path starts like a standard package is not inside the standard library.
    let allowed = below_parent && *resolution != Resolution::Standard;
    if allowed {
        return Ok(());
    }
    Err(GraphError::Internal {
        site: site.clone(),
        import_path: import_path.to_owned(),
    })
}

/// Returns what precedes the last `internal` element; `None` if there is none.
fn parent_of_internal(import_path: &str) -> Option<&str> {
    if let Some(parent) = import_path.strip_suffix("/internal") {
        return Some(parent);
    }
    if let Some(at) = import_path.rfind("/internal/") {
        return Some(&import_path[..at]);
    }
    (import_path == "internal" || import_path.starts_with("internal/")).then_some("")
}

#[cfg(test)]
mod tests {
    use super::parent_of_internal;

    #[test]
    fn the_last_internal_element_counts() {
        for (path, parent) in [
            ("a/internal", Some("a")),
            ("a/internal/b", Some("a")),
            ("a/internal/b/internal/c", Some("a/internal/b")),
            ("internal/abi", Some("")),
            ("internal", Some("")),
            ("a/internals/b", None),
            ("a/b", None),
        ] {
            assert_eq!(parent_of_internal(path), parent, "{path}");
        }
    }
}
