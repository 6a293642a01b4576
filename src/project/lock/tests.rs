use super::*;

fn digest(digit: char) -> Digest {
    let hex: String = std::iter::repeat_n(digit, 64).collect();
    format!("sha256:{hex}").parse().unwrap()
}

fn toolchain(version: &str, architecture: &str) -> LockedToolchain {
    LockedToolchain {
        version: version.to_owned(),
        platform: Platform::linux(architecture),
        url: Some("https://proxy.test/go.zip".to_owned()),
        digest: digest('b'),
        layer: LockedLayer {
            packer: 2,
            digest: digest('c'),
            size: 120,
        },
    }
}

fn lock() -> Lock {
    Lock {
        images: vec![LockedImage {
            name: "debian:13".parse().unwrap(),
            digest: digest('a'),
        }],
        toolchains: vec![toolchain("1.26.8", "arm64"), toolchain("1.26.8", "amd64")],
    }
}

#[test]
fn the_text_is_for_readers_and_sorted() {
    insta::assert_snapshot!(lock().to_text(), @r#"
    # Written by `gobuild lock`. It belongs beside the manifest, under version control.
    version = 1

    [[image]]
    name = "docker.io/library/debian:13"
    digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

    [[toolchain]]
    version = "1.26.8"
    platform = "linux/amd64"
    url = "https://proxy.test/go.zip"
    digest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

    [toolchain.layer]
    packer = 2
    digest = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
    size = 120

    [[toolchain]]
    version = "1.26.8"
    platform = "linux/arm64"
    url = "https://proxy.test/go.zip"
    digest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

    [toolchain.layer]
    packer = 2
    digest = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
    size = 120
    "#);
}

#[test]
fn what_is_written_is_read_again() {
    let mut written = lock();
    let read = Lock::parse("goimage.lock", &written.to_text()).unwrap();
    written.toolchains.reverse();
    assert_eq!(read, written);
    let debian = "docker.io/library/debian:13".parse().unwrap();
    assert_eq!(read.image(&debian), Some(&digest('a')));
    assert_eq!(read.image(&"debian:12".parse().unwrap()), None);
    let arm64 = Platform::linux("arm64");
    let found = read.toolchain("1.26.8", &arm64).unwrap();
    assert_eq!(found.platform, arm64);
    assert_eq!(read.toolchain("1.26.9", &arm64), None);
}

#[test]
fn a_name_without_a_tag_means_the_latest() {
    let lock = Lock {
        images: vec![LockedImage {
            name: "debian:latest".parse().unwrap(),
            digest: digest('a'),
        }],
        ..Lock::default()
    };
    assert_eq!(lock.image(&"debian".parse().unwrap()), Some(&digest('a')));
}

#[test]
fn a_lock_file_is_named_after_its_manifest() {
    for (manifest, lock) in [
        ("goimage.toml", "goimage.lock"),
        ("deploy/release.toml", "deploy/release.lock"),
        ("images", "images.lock"),
    ] {
        assert_eq!(file_name(manifest), lock);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let image = "[[image]]\nname = \"debian:13\"\n";
    let whole = format!("{image}digest = \"{}\"\n", digest('a'));
    for (text, line, message) in [
        ("version = 2\n", None, "version 2 of lock files is unknown"),
        ("<<<<<<< ours\n", Some(1), "expected `=`"),
        (
            "version = 1\nimages = []\n",
            Some(2),
            "unknown field `images`",
        ),
        (
            &format!("version = 1\n{image}digest = \"sha256:12\"\n"),
            Some(4),
            "digest",
        ),
        (
            "version = 1\n[[image]]\nname = \"A:b:c\"\n",
            Some(3),
            "is not an image reference",
        ),
        (
            &format!("version = 1\n{whole}{whole}"),
            None,
            "there are two entries for docker.io/library/debian:13",
        ),
    ] {
        let error = Lock::parse("goimage.lock", text).unwrap_err();
        let problem = &error.problems()[0];
        assert!(problem.message.contains(message), "{text}: {problem:?}");
        let found = error.lines()[0].map(|(first, _)| first);
        assert_eq!(found, line, "{text}");
    }
}

#[test]
fn an_archive_may_come_from_another_server() {
    let mut locked = toolchain("1.26.8", "amd64");
    let path = "golang.org/toolchain/@v/v0.0.1-go1.26.8.linux-amd64.zip";
    locked.url = Some(format!("https://proxy.test/go/{path}"));
    locked.come_from("http://127.0.0.1:3000/");
    let expected = format!("http://127.0.0.1:3000/{path}");
    assert_eq!(locked.url.as_deref(), Some(expected.as_str()));
    // One that no server has stays so.
    locked.url = None;
    locked.come_from("http://127.0.0.1:3000/");
    assert_eq!(locked.url, None);
}
