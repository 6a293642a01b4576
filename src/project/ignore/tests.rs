use super::*;
use crate::project::tree::memory::MemoryTree;

const PATHS: &str = "a a/b a/b/c a/foo b/foo foo foo.go docs docs/README.md docs/x/y.md README.md .git a+b a^b a*b xy é";
const ALL: &str = PATHS;

/// Ignore files and which of [`PATHS`] they match, as moby/patternmatcher v0.6.1 answered to a
/// walk.
#[rustfmt::skip]
const ANSWERS: [(&str, &str); 51] = [
    ("", ""),
    ("# a\n  # b\na # c", ""),
    ("a", "a a/b a/b/c a/foo"),
    ("/a", "a a/b a/b/c a/foo"),
    ("//a//", "a a/b a/b/c a/foo"),
    ("./a/.", "a a/b a/b/c a/foo"),
    ("a/..", ""),
    ("../a", ""),
    ("*", ALL),
    ("**", ALL),
    ("**/", ALL),
    ("a/**", "a/b a/b/c a/foo"),
    ("**/foo", "a/foo b/foo foo"),
    ("**foo", "a/foo b/foo foo"),
    ("**.go", "foo.go"),
    ("**/*.go", "foo.go"),
    ("*.go", "foo.go"),
    ("?", "a a/b a/b/c a/foo b/foo é"),
    ("a?b", "a+b a^b a*b"),
    ("*/*", "a/b a/b/c a/foo b/foo docs/README.md docs/x/y.md"),
    ("*/foo", "a/foo b/foo"),
    ("a/**/c", "a/b/c"),
    ("**/b/**", "a/b/c b/foo"),
    ("a**", "a a/b a/b/c a/foo a+b a^b a*b"),
    ("***", ALL),
    ("[ab]", "a a/b a/b/c a/foo b/foo"),
    ("[^a]", "b/foo é"),
    ("[!a]", "a a/b a/b/c a/foo"),
    ("[*]", ""),
    ("[[:alpha:]]", "a a/b a/b/c a/foo b/foo"),
    ("a\\*b", "a*b"),
    ("\\a", ""),
    ("a\\+b", "a+b"),
    ("a+b", "a+b"),
    ("a^b", "a^b"),
    ("a^*", ""),
    ("  b\t\n\tfoo ", "b/foo foo"),
    ("x\\ y", ""),
    ("*\n!a", "b/foo foo foo.go docs docs/README.md docs/x/y.md README.md .git a+b a^b a*b xy é"),
    ("*\n!a/b", "a a/foo b/foo foo foo.go docs docs/README.md docs/x/y.md README.md .git a+b a^b a*b xy é"),
    ("*\n! /a/b", "a a/foo b/foo foo foo.go docs docs/README.md docs/x/y.md README.md .git a+b a^b a*b xy é"),
    ("*\n!*/foo", "a a/b a/b/c foo foo.go docs docs/README.md docs/x/y.md README.md .git a+b a^b a*b xy é"),
    ("**\n!docs/**\ndocs/x", "a a/b a/b/c a/foo b/foo foo foo.go docs docs/x/y.md README.md .git a+b a^b a*b xy é"),
    ("a\n!a/b\na/b/c", "a a/b/c a/foo"),
    ("a/b\n!a", "a/b a/b/c"),
    ("!a\na/b", "a/b a/b/c"),
    ("docs/**\n!docs/README.md", "docs/x/y.md"),
    ("**/foo\n!a/foo", "b/foo foo"),
    ("\u{feff}a", "a a/b a/b/c a/foo"),
    ("b\n\u{feff}a", "b/foo"),
    ("a\r\nb\r\n", "a a/b a/b/c a/foo b/foo"),
];

#[test]
fn paths_match_as_they_do_upstream() {
    for (text, expected) in ANSWERS {
        let matcher = IgnoreMatcher::parse(text).unwrap();
        let matched: Vec<&str> = PATHS
            .split(' ')
            .filter(|path| matcher.matches(&TreePath::new(path)))
            .collect();
        assert_eq!(matched.join(" "), expected, "{text:?}");
    }
}

#[test]
fn malformed_patterns_are_refused() {
    use PatternProblem::{EmptyException, Meaning, Syntax};
    for (text, problem) in [
        ("!", EmptyException),
        ("!/", EmptyException),
        ("a\n!\nb", EmptyException),
        ("[a", Syntax),
        ("[]", Syntax),
        ("[a-]", Syntax),
        ("[+-]", Syntax),
        ("a\\", Syntax),
        ("*[", Syntax),
        ("[b-a]", Meaning),
        ("[[:foo:]]", Meaning),
        ("\\k*", Meaning),
    ] {
        let error = IgnoreMatcher::parse(text).unwrap_err();
        assert_eq!(error.problem, problem, "{text:?}");
    }
}

#[test]
fn lines_are_cleaned_for_the_daemon() {
    let matcher = IgnoreMatcher::parse("# no\n\n /a//b/ \r\n! /c/../d\n**/x\n/\n").unwrap();
    assert_eq!(matcher.patterns(), ["a/b", "!d", "**/x", "/"]);
}

#[test]
fn a_folder_is_pruned_only_if_no_exception_could_reach_into_it() {
    let prunes = |text: &str, path: &str| {
        IgnoreMatcher::parse(text)
            .unwrap()
            .prunes(&TreePath::new(path))
    };
    assert!(prunes("a", "a"));
    assert!(prunes("a", "a/b"));
    assert!(!prunes("a", "b"));
    assert!(!prunes("a\n!a/b/c", "a"));
    assert!(!prunes("a\n!a/b/c", "a/b"));
    assert!(prunes("a\n!a/b/c", "a/d"));
    assert!(prunes("a\n!ab", "a"));
    assert!(!prunes("a\n!**/x", "a"));
    assert!(!prunes("*\n!a/*", "a"));
    assert!(prunes("*\n!a/*", "b"));
}

#[test]
fn a_walk_and_single_questions_agree() {
    for (text, _) in ANSWERS {
        let matcher = IgnoreMatcher::parse(text).unwrap();
        let (_, folder) = matcher.matches_below("a", &FolderVerdict::default());
        for path in ["a/b", "a/foo"] {
            let (walked, _) = matcher.matches_below(path, &folder);
            assert_eq!(
                walked,
                matcher.matches(&TreePath::new(path)),
                "{text:?} {path}"
            );
        }
    }
}

#[test]
fn the_root_is_never_ignored() {
    let matcher = IgnoreMatcher::parse("**\n.").unwrap();
    assert!(!matcher.matches(&TreePath::root()));
    assert!(!matcher.matches(&TreePath::new("../a")));
}

#[test]
fn a_manifest_has_an_ignore_file_of_its_own() {
    let ignored = |files: &[(&str, &str)], manifest: &str| {
        let tree = MemoryTree::new(files.iter().copied());
        let manifest = TreePath::new(manifest);
        load(&tree, &manifest, &manifest.parent())
            .unwrap()
            .patterns()
            .to_vec()
    };
    let both = [
        (".dockerignore", "shared"),
        ("goimage.toml.dockerignore", "own"),
        ("sub/.dockerignore", "below"),
    ];
    assert_eq!(ignored(&both, "goimage.toml"), ["own"]);
    assert_eq!(ignored(&both, "release.toml"), ["shared"]);
    assert_eq!(ignored(&both, "sub/goimage.toml"), ["below"]);
    assert!(ignored(&[("a.go", "")], "goimage.toml").is_empty());
    // A manifest beside the project's folder.
    let tree = MemoryTree::new(both);
    let matcher = load(&tree, &TreePath::new("ci/goimage.toml"), &TreePath::root());
    assert_eq!(matcher.unwrap().patterns(), ["shared"]);
}

#[test]
fn an_unusable_ignore_file_names_itself() {
    let tree = MemoryTree::new([(".dockerignore", "[a")]);
    let error = load(&tree, &TreePath::new("goimage.toml"), &TreePath::root()).unwrap_err();
    assert_eq!(error.to_string(), ".dockerignore cannot be used");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(
        source.to_string(),
        "\"[a\" is not a pattern: a bracket or backslash is not completed"
    );
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in r"[ab!*?/\\\[\]^\-:.\n \PC]{0,24}", path in "[ab/.é]{0,8}") {
        if let Ok(matcher) = IgnoreMatcher::parse(&text) {
            let path = TreePath::new(&path);
            proptest::prop_assert!(!matcher.prunes(&path) || matcher.matches(&path));
        }
    }
}
