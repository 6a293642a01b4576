use super::*;

fn parse(pairs: &[(&str, &str)]) -> Result<Options, OptionError> {
    let given = pairs.iter();
    let given = given.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Options::parse(&given.collect())
}

#[test]
fn what_buildx_sends_is_understood() {
    let options = parse(&[
        ("filename", "goimage.toml"),
        ("platform", "linux/amd64,linux/arm64"),
        ("target", "api"),
        ("label:a", "b"),
        ("multi-platform", "true"),
        ("image-resolve-mode", "local"),
        ("add-hosts", "proxy=10.0.0.1,six=[::1]"),
        ("force-network-mode", "host"),
        (
            "cache-imports",
            r#"[{"Type":"registry","Attrs":{"ref":"r/c"}}]"#,
        ),
        ("build-arg:GOBUILD_GIT_DESCRIBE", "v1"),
        ("build-arg:GOBUILD_LOCKED", "true"),
        ("build-arg:GOBUILD_TOOLCHAIN_PROXY", "https://proxy.test"),
        ("build-arg:VERSION", "2"),
        ("build-arg:https_proxy", "http://proxy:3128"),
        ("build-arg:SOURCE_DATE_EPOCH", "60"),
        ("build-arg:BUILDKIT_CACHE_MOUNT_NS", "team"),
        ("attest:provenance", "mode=min"),
        ("vcs:revision", "abc"),
        ("source", "r/gobuild:1"),
        ("cmdline", "r/gobuild:1"),
        ("local-sessionid:context", "other"),
    ])
    .unwrap();
    assert_eq!(options.platforms.len(), 2);
    assert_eq!(options.target.as_deref(), Some("api"));
    assert_eq!(options.labels["a"], "b");
    assert!(options.index && !options.no_cache);
    assert_eq!(options.resolve_mode, ResolveMode::Local);
    assert_eq!(options.circumstances.hosts.len(), 2);
    assert_eq!(options.circumstances.network, Network::Host);
    assert_eq!(options.circumstances.cache_namespace, "team");
    let proxy = options.circumstances.proxy.as_ref().unwrap();
    assert_eq!(proxy.https, "http://proxy:3128");
    assert_eq!(options.cache_imports, [registry("r/c")]);
    assert_eq!(options.git.describe.as_deref(), Some("v1"));
    assert!(options.locked);
    let proxy = options.toolchain_proxy.as_deref();
    assert_eq!(proxy, Some("https://proxy.test"));
    assert_eq!(options.arguments["VERSION"], "2");
    assert_eq!(options.epoch, Some(60));
    assert_eq!(options.sessions["context"], "other");
    assert_eq!(options.warnings, [""; 0]);
}

#[test]
fn what_cannot_be_done_is_said() {
    for (key, value, message) in [
        (
            "platform",
            "linux",
            "platform=linux: not of the form os/arch[/variant]",
        ),
        (
            "image-resolve-mode",
            "x",
            "image-resolve-mode=x: not default, pull or local",
        ),
        (
            "add-hosts",
            "a",
            "add-hosts=a: not of the form host=address,...",
        ),
        (
            "build-arg:GOBUILD_CACHE",
            "x",
            "build-arg:GOBUILD_CACHE=x: not auto, mount or layer",
        ),
        (
            "context",
            "https://example.com/a.tar.gz",
            "context=https://example.com/a.tar.gz is not possible with goimage.toml: a remote \
             context must be a git repository (a URL that ends with .git)",
        ),
        (
            "context",
            "https://acme.github.io/ctx.tar.gz",
            "context=https://acme.github.io/ctx.tar.gz is not possible with goimage.toml: a remote \
             context must be a git repository (a URL that ends with .git)",
        ),
        (
            "context:alpine::linux_arm64",
            "docker-image://alpine:3",
            "context:alpine::linux_arm64=docker-image://alpine:3: the platform is not of the form \
             os/arch[/variant]",
        ),
    ] {
        assert_eq!(parse(&[(key, value)]).unwrap_err().to_string(), message);
    }
    let unknown = parse(&[("build-arg:GOBUILD_NOTHING", "1")]).unwrap_err();
    assert!(
        unknown
            .to_string()
            .starts_with("there is no build argument GOBUILD_NOTHING")
    );
    let options = parse(&[("shm-size", "1"), ("no-cache", "a,b"), ("odd", "")]).unwrap();
    assert!(options.no_cache);
    assert_eq!(
        options.warnings,
        [
            "no-cache with names of stages applies to every step: there are no stages",
            "odd has no effect: gobuild does not know it",
            "shm-size has no effect: no step looks at it",
        ]
    );
}

#[test]
fn a_context_of_git_is_an_address_under_whatever_name() {
    let git = "https://example.com/team/app.git#main:sub";
    assert_eq!(
        parse(&[("context", git)]).unwrap().context.as_deref(),
        Some(git)
    );
    let renamed = parse(&[("contextkey", "ctx"), ("ctx", git), ("dockerfilekey", "d")]).unwrap();
    assert_eq!(renamed.context.as_deref(), Some(git));
    assert_eq!(renamed.manifest_source, "d");
    for address in ["https://acme.github.io/app.git", "git@example.com:app#main"] {
        let context = parse(&[("context", address)]).unwrap().context;
        assert_eq!(context.as_deref(), Some(address));
    }
    assert_eq!(parse(&[("context", ".")]).unwrap().context, None);
}
