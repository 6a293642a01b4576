//! A build context that is a git repository, which the daemon fetches itself.
//!
//! Source: BuildKit `frontend/dockerui/context.go`, `util/gitutil/git_url.go`.

use crate::llb::{self, Git, Metadata, Output};

/// Returns the checkout of `URL[#REF[:FOLDER]]`; `subfolder` is the folder if the address has none.
pub(super) fn checkout(address: &str, subfolder: &str) -> Result<Output, llb::Error> {
    let (url, fragment) = address.split_once('#').unwrap_or((address, ""));
    let (reference, folder) = fragment.split_once(':').unwrap_or((fragment, ""));
    let folder = if folder.is_empty() { subfolder } else { folder };
    let mut git = Git::new(url);
    if !reference.is_empty() {
        git = git.reference(reference);
    }
    if !folder.is_empty() {
        git = git.subdirectory(folder);
    }
    git.metadata(Metadata::named(format!("load {url}"))).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_repository_reference_and_folder() {
        let url = "https://example.com/a.git";
        let same = |one: &str, folder: &str, other: Git| {
            assert_eq!(
                checkout(one, folder).unwrap(),
                other.build().unwrap(),
                "{one}"
            );
        };
        same(url, "", Git::new(url));
        let main = || Git::new(url).reference("main");
        same(&format!("{url}#main"), "", main());
        same(
            &format!("{url}#main:app"),
            "other",
            main().subdirectory("app"),
        );
        same(
            &format!("{url}#main"),
            "other",
            main().subdirectory("other"),
        );
    }
}
