//! Slash-separated paths inside an image, normalized as Go's `path.Clean` does.
//!
//! Image paths are Linux paths wherever gobuild runs, so `std::path` is no use here.

/// Returns `path`, taken relative to the absolute `base`, without `.`, `..` and empty components.
pub(in crate::llb) fn join_clean(base: &str, path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let rooted = path.starts_with('/');
    let base = if rooted { "" } else { base };
    for component in base.split('/').chain(path.split('/')) {
        match component {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            name => kept.push(name),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Returns the normalized destination of a copy, with the ending that says "into this directory".
pub(super) fn destination(path: &str) -> String {
    let mut clean = join_clean("/", path);
    if path.ends_with('/') && clean != "/" {
        clean.push('/');
    } else if path.ends_with("/.") {
        if clean != "/" {
            clean.push('/');
        }
        clean.push('.');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_rooted_and_clean() {
        for (given, clean) in [
            ("", "/"),
            (".", "/"),
            ("/", "/"),
            ("a", "/a"),
            ("./a//b/", "/a/b"),
            ("/a/../../b", "/b"),
            ("a/./b/..", "/a"),
        ] {
            assert_eq!(join_clean("/", given), clean, "{given:?}");
        }
        assert_eq!(join_clean("/src", "../a"), "/a");
        assert_eq!(join_clean("/src", "/a"), "/a");
    }

    #[test]
    fn destinations_keep_what_marks_a_directory() {
        for (given, kept) in [
            ("/", "/"),
            ("/.", "/."),
            ("a/", "/a/"),
            ("/a/.", "/a/."),
            ("/a/b/..", "/a"),
            ("a", "/a"),
        ] {
            assert_eq!(destination(given), kept, "{given:?}");
        }
    }
}
