use super::*;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn reference(given: &str) -> Reference {
    given.parse().unwrap()
}

/// What distribution/reference v0.6.0 answers: given, normalized, familiar.
const ANSWERS: [(&str, &str, &str); 26] = [
    ("alpine", "docker.io/library/alpine", "alpine"),
    ("alpine:3", "docker.io/library/alpine:3", "alpine:3"),
    ("library/alpine", "docker.io/library/alpine", "alpine"),
    ("docker.io/alpine", "docker.io/library/alpine", "alpine"),
    (
        "index.docker.io/alpine",
        "docker.io/library/alpine",
        "alpine",
    ),
    ("library/a/b", "docker.io/library/a/b", "library/a/b"),
    ("team/app", "docker.io/team/app", "team/app"),
    ("docker.io/a/b/c", "docker.io/a/b/c", "a/b/c"),
    ("localhost/app", "localhost/app", "localhost/app"),
    (
        "localhost:5000/app:1",
        "localhost:5000/app:1",
        "localhost:5000/app:1",
    ),
    (
        "127.0.0.1:5000/t/app",
        "127.0.0.1:5000/t/app",
        "127.0.0.1:5000/t/app",
    ),
    ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
    ("[fe80::1]/app", "[fe80::1]/app", "[fe80::1]/app"),
    ("Registry/app", "Registry/app", "Registry/app"),
    (
        "Registry.test/app",
        "Registry.test/app",
        "Registry.test/app",
    ),
    ("test:5000", "docker.io/library/test:5000", "test:5000"),
    ("test:5000/x", "test:5000/x", "test:5000/x"),
    ("localhost", "docker.io/library/localhost", "localhost"),
    ("docker.io", "docker.io/library/docker.io", "docker.io"),
    (
        "foo_bar.com:8080",
        "docker.io/library/foo_bar.com:8080",
        "foo_bar.com:8080",
    ),
    ("a__b", "docker.io/library/a__b", "a__b"),
    ("a---b", "docker.io/library/a---b", "a---b"),
    ("a.b", "docker.io/library/a.b", "a.b"),
    ("x:_t", "docker.io/library/x:_t", "x:_t"),
    ("x:T.1-2", "docker.io/library/x:T.1-2", "x:T.1-2"),
    ("a:b", "docker.io/library/a:b", "a:b"),
];

#[test]
fn references_normalize_as_upstream() {
    for (given, normalized, familiar) in ANSWERS {
        for suffix in ["", "@"] {
            let suffix = if suffix.is_empty() {
                String::new()
            } else {
                format!("@{DIGEST}")
            };
            let reference = reference(&format!("{given}{suffix}"));
            assert_eq!(reference.to_string(), format!("{normalized}{suffix}"));
            assert_eq!(reference.familiar(), format!("{familiar}{suffix}"));
            assert_eq!(reference.to_string().parse(), Ok(reference));
        }
    }
}

#[test]
fn malformed_references_say_what_is_wrong() {
    use ReferenceProblem as P;
    let long_tag = format!("x:{}", "t".repeat(129));
    let long_path = format!("docker.io/{}", "a".repeat(256));
    let identifier = "0".repeat(64);
    let upper_digest = format!("x@sha256:{}", "A".repeat(64));
    for (given, problem) in [
        ("", P::Empty),
        ("docker.io/", P::Empty),
        (":1", P::Empty),
        (&identifier, P::Identifier),
        ("-bad.com/x", P::Domain),
        ("bad-.com/x", P::Domain),
        ("a.b:/x", P::Domain),
        ("a.b:80a/x", P::Domain),
        ("test:tag/x", P::Domain),
        ("a..b/x", P::Domain),
        ("http://x/y", P::Domain),
        ("foo_bar.com/x", P::Domain),
        ("[::g]/x", P::Domain),
        ("[]:1/x", P::Domain),
        ("Alpine", P::UpperCase),
        ("r.test/App", P::UpperCase),
        ("a//b", P::Path),
        ("a/", P::Path),
        ("/a", P::Path),
        ("a___b", P::Path),
        ("a..b", P::Path),
        ("a_.b", P::Path),
        ("-a", P::Path),
        ("a-", P::Path),
        ("a b", P::Path),
        ("é", P::Path),
        (&long_path, P::TooLong),
        ("x:", P::Tag),
        ("x:.t", P::Tag),
        ("x:-t", P::Tag),
        ("x:é", P::Tag),
        ("x:y:z", P::Tag),
        (&long_tag, P::Tag),
        ("x@", P::Digest),
        ("x@sha256:abc", P::Digest),
        ("x@md5:d41d8cd98f00b204e9800998ecf8427e", P::Digest),
        (&upper_digest, P::Digest),
    ] {
        let error = given.parse::<Reference>().unwrap_err();
        assert_eq!(error.problem, problem, "{given:?}");
        assert_eq!(error.given, given);
    }
}

#[test]
fn latest_stands_in_only_where_nothing_is_pinned() {
    let completed = |given: &str| reference(given).or_latest().familiar();
    assert_eq!(completed("alpine"), "alpine:latest");
    assert_eq!(completed("alpine:3"), "alpine:3");
    let pinned = format!("alpine@{DIGEST}");
    assert_eq!(completed(&pinned), pinned);
}

#[test]
fn tag_and_digest_can_be_replaced() {
    let alpine = reference("alpine:3");
    assert_eq!(alpine.with_tag("4").unwrap().familiar(), "alpine:4");
    assert_eq!(
        alpine.with_digest(DIGEST).unwrap().familiar(),
        format!("alpine:3@{DIGEST}")
    );
    assert_eq!(alpine.repository().familiar(), "alpine");
    assert_eq!(alpine.name(), "docker.io/library/alpine");
    assert_eq!(
        alpine.with_tag("a/b").unwrap_err().problem,
        ReferenceProblem::Tag
    );
    assert_eq!(
        alpine.with_digest("sha256:1").unwrap_err().problem,
        ReferenceProblem::Digest
    );
}

proptest::proptest! {
    #[test]
    fn what_is_accepted_survives_a_round_trip(given in r"[aA0é\-_./:@\[\]]{0,12}|\PC{0,12}") {
        if let Ok(reference) = given.parse::<Reference>() {
            let normalized = reference.to_string();
            proptest::prop_assert_eq!(normalized.parse(), Ok(reference.clone()));
            proptest::prop_assert_eq!(reference.familiar().parse(), Ok(reference));
        }
    }
}
