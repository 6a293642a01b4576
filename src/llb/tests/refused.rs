//! What `build` refuses, because buildkitd would, or would take it for something else.

use super::{image, platform};
use crate::llb::{
    Account, Bind, Cache, ContentCache, Error, Exec, ExecOutputs, FileOp, Git, Http, Image, Local,
    Mkdir, OciLayout, Output, Owner, Secret, Sharing, SshAgent, Tmpfs,
};

const CHECKSUM: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn exec(change: impl FnOnce(Exec) -> Exec) -> Result<ExecOutputs, Error> {
    change(Exec::new(&image(), platform(), ["true"])).build()
}

#[test]
fn references_have_to_be_full() {
    for given in [
        "alpine",
        "alpine:3.22",
        "library/alpine:3.22",
        "docker.io/library/alpine",
        "docker.io/",
        "docker.io/:3.22",
        "docker.io/library/alpine:",
        "",
    ] {
        let error = Image::new(given, platform()).build().unwrap_err();
        let given = given.to_owned();
        assert_eq!(error, Error::ImageReference { given });
    }
    for given in [
        "localhost/app:1".to_owned(),
        "localhost:5000/app:1".to_owned(),
        format!("registry.example.com/team/app@{CHECKSUM}"),
        format!("registry.example.com/team/app:1@{CHECKSUM}"),
    ] {
        assert!(
            Image::new(given.clone(), platform()).build().is_ok(),
            "{given}"
        );
    }
}

#[test]
fn layouts_need_a_path_and_a_digest() {
    for name in ["closure", "/closure", "gobuild/", "a//b", "a/b@c", ""] {
        let error = OciLayout::new(name, CHECKSUM, platform())
            .build()
            .unwrap_err();
        let given = name.to_owned();
        assert_eq!(error, Error::OciLayoutName { given });
    }
    let error = OciLayout::new("gobuild/closure", "sha256:12", platform()).build();
    assert!(matches!(
        error,
        Err(Error::Digest {
            source_kind: "oci-layout",
            ..
        })
    ));
}

#[test]
fn other_sources_need_something_to_fetch() {
    assert_eq!(Local::new("").build().unwrap_err(), Error::LocalName);
    for given in ["", "https://", "ftp://example.com/file", "example.com/file"] {
        assert!(
            matches!(Http::new(given).build(), Err(Error::Url { .. })),
            "{given}"
        );
    }
    for given in [
        "github.com/moby/buildkit",
        "file:///src",
        "C:\\src",
        "https://github.com",
        "https://github.com/moby/buildkit#master",
    ] {
        assert!(
            matches!(Git::new(given).build(), Err(Error::Url { .. })),
            "{given}"
        );
    }
}

#[test]
fn an_error_tells_no_password() {
    let given = "https://user:hunter2@example.com/a#b";
    let error = Git::new(given).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"git source cannot fetch "https://example.com/a#b""#
    );
    let error = Http::new("ftp://user:hunter2@example.com/a").build();
    assert_eq!(
        error.unwrap_err().to_string(),
        r#"http source cannot fetch "ftp://example.com/a""#
    );
}

#[test]
fn processes_need_arguments_and_absolute_paths() {
    let none = Exec::new(&image(), platform(), [] as [&str; 0]).build();
    assert_eq!(none.unwrap_err(), Error::NoArguments);
    assert_eq!(
        exec(|exec| exec.cwd("src")).unwrap_err(),
        Error::WorkingDirectory {
            given: "src".to_owned()
        }
    );
    for name in ["", "A=B", "A\0"] {
        let given = name.to_owned();
        let expected = Error::EnvironmentName { given };
        assert_eq!(exec(|exec| exec.env(name, "1")).unwrap_err(), expected);
        let secret = Secret::env("id", name);
        assert_eq!(exec(|exec| exec.secret(secret)).unwrap_err(), expected);
    }
    assert_eq!(
        exec(|exec| exec.tmpfs("tmp", Tmpfs::default())).unwrap_err(),
        Error::MountDestination {
            given: "tmp".to_owned()
        }
    );
}

#[test]
fn a_destination_is_mounted_once() {
    let root = exec(|exec| exec.bind("/", Bind::writable(&image())));
    assert_eq!(
        root.unwrap_err(),
        Error::DuplicateMount {
            destination: "/".to_owned()
        }
    );
    let secret = exec(|exec| {
        exec.ssh(SshAgent::new("default").at("/a"))
            .secret(Secret::file("id", "/a"))
    });
    assert_eq!(
        secret.unwrap_err(),
        Error::DuplicateMount {
            destination: "/a".to_owned()
        }
    );
}

#[test]
fn mounts_do_not_contradict_themselves() {
    let destination = "/a".to_owned();
    let cache = exec(|exec| exec.cache("/a", Cache::new("", Sharing::Shared)));
    assert_eq!(
        cache.unwrap_err(),
        Error::CacheId {
            destination: destination.clone()
        }
    );
    let by_content = Bind::writable(&image()).content_cache(ContentCache::On);
    let writable = exec(|exec| exec.bind("/a", by_content.clone()));
    assert_eq!(writable.unwrap_err(), Error::ContentCache { destination });
    assert!(exec(|exec| exec.bind("/a", by_content.selector("/"))).is_ok());
}

#[test]
fn only_writable_binds_are_outputs() {
    let run = Exec::new(Bind::read_only(&image()), platform(), ["true"])
        .bind("/kept", Bind::writable(&image()))
        .bind("/read", Bind::read_only(&image()))
        .bind("/dropped", Bind::discarded(&image()))
        .cache("/cache", Cache::new("id", Sharing::Shared))
        .tmpfs("/tmp", Tmpfs::default())
        .secret(Secret::file("id", "/secret"))
        .build()
        .unwrap();
    assert!(run.output("/kept").is_ok());
    for name in [
        "/", "/read", "/dropped", "/cache", "/tmp", "/secret", "/none",
    ] {
        let destination = name.to_owned();
        assert_eq!(
            run.output(name).unwrap_err(),
            Error::NoOutput { destination }
        );
    }
}

#[test]
fn scratch_knows_no_names() {
    let owner = Owner {
        user: None,
        group: Some(Account::Name("staff".to_owned())),
    };
    let mkdir = Mkdir::new("/a", 0o755).owner(owner);
    let build = |base: &Output| FileOp::new(base, mkdir.clone()).build();
    let name = "staff".to_owned();
    assert_eq!(
        build(&Output::scratch()).unwrap_err(),
        Error::NamedOwnerOnScratch { name }
    );
    assert!(build(&image()).is_ok());
}
