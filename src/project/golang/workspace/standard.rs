//! The import paths of the standard library.
//!
//! `standard.txt` lists the folders of GOROOT/src that hold Go files, for any platform and
//! experiment, but `cmd`, `vendor` and test data; one path a line, in bytewise order.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::project::golang::version::GoVersion;

static PACKAGES: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| include_str!("standard.txt").lines().collect());

/// The Go release that the list is of.
const RELEASE: &str = "1.26";

/// Reports whether the standard library has a package.
pub(super) fn contains(import_path: &str) -> bool {
    PACKAGES.contains(import_path)
}

/// Reports whether a toolchain may have a package that the list lacks: it is newer than the
/// list, and the path lies below one that is in it, such as `crypto`.
pub(super) fn may_be_newer(import_path: &str, toolchain: Option<&GoVersion>) -> bool {
    let newer = toolchain.is_some_and(|toolchain| {
        GoVersion::parse(&toolchain.language()) > GoVersion::parse(RELEASE)
    });
    let top = import_path.split('/').next().unwrap_or(import_path);
    newer
        && PACKAGES
            .iter()
            .any(|path| path.split('/').next() == Some(top))
}
