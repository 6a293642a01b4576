//! Twins of `llbgolden/sources.go`.

use super::{Case, amd64, arm, image};
use crate::llb::{Differ, Error, Git, Http, Image, Local, OciLayout, ResolveMode};

const CHECKSUM: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) fn cases() -> Result<Vec<Case>, Error> {
    let alpine = || Image::new("docker.io/library/alpine:3.22", amd64());
    Ok(vec![
        ("image", image()?),
        (
            "image_options",
            Image::new(
                format!("registry.example.com:5000/team/app@{CHECKSUM}"),
                arm(),
            )
            .resolve_mode(ResolveMode::Pull)
            .layer_limit(3)
            .checksum(CHECKSUM)
            .build()?,
        ),
        (
            "image_prefer_local",
            alpine().resolve_mode(ResolveMode::PreferLocal).build()?,
        ),
        (
            "oci_layout",
            OciLayout::new("gobuild/closure", CHECKSUM, amd64()).build()?,
        ),
        (
            "oci_layout_options",
            OciLayout::new("gobuild/toolchain", CHECKSUM, arm())
                .session("session1")
                .store("store1")
                .layer_limit(2)
                .build()?,
        ),
        ("local", Local::new("context").unique("golden").build()?),
        (
            "local_options",
            Local::new("context")
                .session("session1")
                .include(["cmd/**", "go.*", "say \"hi\""])
                .exclude(["**/*_test.go", "ü"])
                .follow(["go.mod"])
                .shared_key_hint("hint")
                .differ(Differ::None)
                .build()?,
        ),
    ]
    .into_iter()
    .chain(remote_cases()?)
    .collect())
}

fn remote_cases() -> Result<Vec<Case>, Error> {
    Ok(vec![
        (
            "http",
            Http::new("https://example.com/file.tar.gz").build()?,
        ),
        (
            "http_options",
            Http::new("http://example.com/file?a=b")
                .checksum(CHECKSUM)
                .filename("other")
                .mode(0o755)
                .owner(1000, 1001)
                .auth_header_secret("token")
                .build()?,
        ),
        (
            "git",
            Git::new("https://github.com/moby/buildkit.git").build()?,
        ),
        (
            "git_options",
            Git::new("https://user@github.com/moby/buildkit.git")
                .reference("v0.32.2")
                .subdirectory("cmd/buildctl")
                .keep_git_dir()
                .skip_submodules()
                .checksum("0123456789abcdef0123456789abcdef01234567")
                .auth_token_secret("token")
                .auth_header_secret("header")
                .build()?,
        ),
        (
            "git_ssh",
            Git::new("git@github.com:moby/buildkit.git")
                .reference("master")
                .known_ssh_host("github.com ssh-ed25519 AAAA\n")
                .ssh("agent")
                .build()?,
        ),
        (
            "git_ssh_url",
            Git::new("ssh://git@git.example.com:2222/a/b")
                .known_ssh_host("git.example.com ssh-ed25519 AAAA")
                .build()?,
        ),
    ])
}
