//! Twins of `llbgolden/execs.go`.

use std::net::{IpAddr, Ipv4Addr};

use super::{Case, amd64, arm, image, tools};
use crate::llb::{
    Bind, Cache, ContentCache, Error, Exec, ExecOutputs, Network, Output, ProxyEnv, Secret,
    Security, Sharing, SshAgent, Tmpfs,
};

fn run() -> Result<Exec, Error> {
    Ok(Exec::new(&image()?, amd64(), ["true"]))
}

pub(super) fn cases() -> Result<Vec<Case>, Error> {
    let scratch = Output::scratch();
    let mut cases = vec![
        ("exec", run()?.build()?.root()?),
        (
            "exec_scratch_root",
            Exec::new(&scratch, amd64(), ["/hello"]).build()?.root()?,
        ),
        ("exec_meta", meta()?.build()?.root()?),
        (
            "exec_host_network",
            run()?.network(Network::Host).build()?.root()?,
        ),
    ];
    cases.extend(credential_cases()?);
    cases.extend(mount_cases()?);
    Ok(cases)
}

fn meta() -> Result<Exec, Error> {
    Ok(Exec::new(&image()?, arm(), ["go", "build", "./..."])
        .env("B", "1")
        .env("A", "2")
        .env("B", "3")
        .env("EMPTY", "")
        .cwd("/src")
        .user("1000:1000")
        .hostname("builder")
        .network(Network::None)
        .security(Security::Insecure)
        .proxy(ProxyEnv {
            http: "http://a".to_owned(),
            https: "http://b".to_owned(),
            ftp: "http://c".to_owned(),
            no_proxy: "d".to_owned(),
            all: "http://e".to_owned(),
        })
        .extra_host("one", IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)))
        .extra_host("two", "fe80::1".parse().unwrap())
        .ulimit("nofile", 1024, 4096)
        .valid_exit_codes([0, 3, -1])
        .filter("a==b")
        .filter("c"))
}

fn credential_cases() -> Result<Vec<Case>, Error> {
    Ok(vec![
        (
            "exec_secrets",
            run()?
                .secret(Secret::file("netrc", "/root/.netrc"))
                .secret(Secret::owned_file("token", "/run/token", 1, 2, 0o440).optional())
                .secret(Secret::env("token", "TOKEN"))
                .secret(Secret::env("maybe", "MAYBE").optional())
                .build()?
                .root()?,
        ),
        (
            "exec_ssh",
            run()?
                .env("A", "1")
                .ssh(SshAgent::new("default"))
                .ssh(
                    SshAgent::new("other")
                        .at("/ssh")
                        .owner(1, 2, 0o660)
                        .optional(),
                )
                .ssh(SshAgent::new("third"))
                .build()?
                .root()?,
        ),
        (
            "exec_ssh_env",
            run()?
                .env("SSH_AUTH_SOCK", "/mine")
                .env("A", "1")
                .ssh(SshAgent::new("default").at("/mine"))
                .build()?
                .root()?,
        ),
    ])
}

fn mounts() -> Result<ExecOutputs, Error> {
    let (scratch, image, tools) = (Output::scratch(), image()?, tools()?);
    run()?
        .bind("/z", Bind::writable(&tools))
        .bind("/out", Bind::writable(&scratch))
        .bind(
            "/a/tools",
            Bind::read_only(&tools).selector("/usr/local/go"),
        )
        .bind("/a", Bind::discarded(&image))
        .bind(
            "/a-b",
            Bind::read_only(&image).content_cache(ContentCache::On),
        )
        .bind(
            "/off",
            Bind::writable(&image).content_cache(ContentCache::Off),
        )
        .cache("/cache", Cache::new("shared", Sharing::Shared))
        .cache(
            "/cache2",
            Cache::new("private", Sharing::Private)
                .seeded(&tools)
                .selector("/sub"),
        )
        .cache("/cache3", Cache::new("locked", Sharing::Locked).read_only())
        .tmpfs("/tmp", Tmpfs::default())
        .tmpfs("/tmp2", Tmpfs::default().size(1 << 20))
        .build()
}

fn mount_cases() -> Result<Vec<Case>, Error> {
    let read_only = Exec::new(Bind::read_only(&image()?), amd64(), ["true"])
        .bind("/out", Bind::writable(&Output::scratch()))
        .build()?;
    Ok(vec![
        ("exec_mounts_root", mounts()?.root()?),
        ("exec_mounts_off", mounts()?.output("/off")?),
        ("exec_mounts_out", mounts()?.output("/out")?),
        ("exec_mounts_z", mounts()?.output("/z")?),
        ("exec_readonly_root", read_only.output("/out")?),
    ])
}
