//! ExecOp as JSON.

use buildkit_proto::pb;
use serde_json::Value;

use super::{list, object, octal, optional, strings};

pub(super) fn to_json(exec: &pb::ExecOp) -> Value {
    object([
        ("meta", optional(exec.meta.as_ref(), meta)),
        ("mounts", list(&exec.mounts, mount)),
        ("network", exec.network().as_str_name().into()),
        ("security", exec.security().as_str_name().into()),
        (
            "secretenv",
            list(&exec.secretenv, |secret| {
                object([
                    ("id", secret.id.as_str().into()),
                    ("name", secret.name.as_str().into()),
                    ("optional", secret.optional.into()),
                ])
            }),
        ),
        (
            "cdi_devices",
            list(&exec.cdi_devices, |device| {
                object([
                    ("name", device.name.as_str().into()),
                    ("optional", device.optional.into()),
                ])
            }),
        ),
    ])
}

fn meta(meta: &pb::Meta) -> Value {
    object([
        ("args", strings(&meta.args)),
        ("env", strings(&meta.env)),
        ("cwd", meta.cwd.as_str().into()),
        ("user", meta.user.as_str().into()),
        ("proxy_env", optional(meta.proxy_env.as_ref(), proxy)),
        (
            "extra_hosts",
            list(&meta.extra_hosts, |entry| {
                object([
                    ("host", entry.host.as_str().into()),
                    ("ip", entry.ip.as_str().into()),
                ])
            }),
        ),
        ("hostname", meta.hostname.as_str().into()),
        (
            "ulimit",
            list(&meta.ulimit, |limit| {
                object([
                    ("name", limit.name.as_str().into()),
                    ("soft", limit.soft.into()),
                    ("hard", limit.hard.into()),
                ])
            }),
        ),
        ("cgroup_parent", meta.cgroup_parent.as_str().into()),
        (
            "remove_mount_stubs_recursive",
            meta.remove_mount_stubs_recursive.into(),
        ),
        (
            "valid_exit_codes",
            list(&meta.valid_exit_codes, |code| (*code).into()),
        ),
    ])
}

fn proxy(proxy: &pb::ProxyEnv) -> Value {
    object([
        ("http_proxy", proxy.http_proxy.as_str().into()),
        ("https_proxy", proxy.https_proxy.as_str().into()),
        ("ftp_proxy", proxy.ftp_proxy.as_str().into()),
        ("no_proxy", proxy.no_proxy.as_str().into()),
        ("all_proxy", proxy.all_proxy.as_str().into()),
    ])
}

fn mount(mount: &pb::Mount) -> Value {
    let credential = |id: &str, uid: u32, gid: u32, mode: u32, is_optional: bool| {
        object([
            ("id", id.into()),
            ("uid", uid.into()),
            ("gid", gid.into()),
            ("mode", octal(mode)),
            ("optional", is_optional.into()),
        ])
    };
    let content_cache = match mount.content_cache() {
        pb::MountContentCache::Default => "",
        set => set.as_str_name(),
    };
    object([
        ("dest", mount.dest.as_str().into()),
        ("mount_type", mount.mount_type().as_str_name().into()),
        ("input", mount.input.into()),
        ("selector", mount.selector.as_str().into()),
        ("output", mount.output.into()),
        ("readonly", mount.readonly.into()),
        (
            "tmpfs",
            optional(mount.tmpfs_opt.as_ref(), |tmpfs| {
                object([("size", tmpfs.size.into())])
            }),
        ),
        (
            "cache",
            optional(mount.cache_opt.as_ref(), |cache| {
                object([
                    ("id", cache.id.as_str().into()),
                    ("sharing", cache.sharing().as_str_name().into()),
                ])
            }),
        ),
        (
            "secret",
            optional(mount.secret_opt.as_ref(), |secret| {
                credential(
                    &secret.id,
                    secret.uid,
                    secret.gid,
                    secret.mode,
                    secret.optional,
                )
            }),
        ),
        (
            "ssh",
            optional(mount.ssh_opt.as_ref(), |ssh| {
                credential(&ssh.id, ssh.uid, ssh.gid, ssh.mode, ssh.optional)
            }),
        ),
        ("content_cache", content_cache.into()),
    ])
}
