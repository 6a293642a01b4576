//! A validated [`Exec`] with sorted mounts, turned into its op.
//!
//! Order is meaning here. Bind, cache and tmpfs mounts come first, sorted by destination; outputs
//! are numbered along them; secrets and then ssh agents follow.

use std::collections::BTreeMap;

use buildkit_proto::pb;

use crate::llb::caps;
use crate::llb::vertex::{Draft, EMPTY_INPUT, Inputs};

use super::mounts::{Access, Bind, Cache, ContentCache, Mount, SecretPlace, Sharing, Tmpfs};
use super::{Exec, ExecOutputs, Network, Secret, Security, SshAgent};

/// The output number of a mount that has none.
const NO_OUTPUT: i64 = -1;

/// Encodes an exec.
pub(super) fn encode(mut exec: Exec) -> ExecOutputs {
    if let Some(agent) = exec.ssh.first()
        && !exec.env.iter().any(|(name, _)| name == "SSH_AUTH_SOCK")
    {
        let socket = agent.target.clone();
        exec.env.push(("SSH_AUTH_SOCK".to_owned(), socket));
    }
    let capabilities = capabilities(&exec);
    let mut inputs = Inputs::default();
    let mut indexes = BTreeMap::new();
    let mut mounts = Vec::new();
    for (destination, mount) in &exec.mounts {
        let mut message = mount_to_pb(destination, mount, &mut inputs);
        if message.output != NO_OUTPUT {
            let index = indexes.len() as u32;
            message.output = i64::from(index);
            indexes.insert(destination.clone(), index);
        }
        mounts.push(message);
    }
    mounts.extend(exec.secrets.iter().filter_map(secret_to_pb));
    mounts.extend(exec.ssh.iter().map(ssh_to_pb));
    let op = pb::ExecOp {
        network: network(exec.network).into(),
        security: security(exec.security).into(),
        secretenv: exec.secrets.iter().filter_map(secret_env_to_pb).collect(),
        cdi_devices: Vec::new(),
        mounts,
        meta: Some(meta(&mut exec)),
    };
    let mut draft = Draft::new(pb::op::Op::Exec(op), inputs, exec.metadata);
    draft.platform = Some(exec.platform);
    draft.filters = exec.filters;
    draft.capabilities = capabilities;
    ExecOutputs {
        first: draft.finish(),
        indexes,
    }
}

fn meta(exec: &mut Exec) -> pb::Meta {
    let env = exec
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let extra_hosts = exec.extra_hosts.iter().map(|(host, address)| pb::HostIp {
        host: host.clone(),
        ip: address.to_string(),
    });
    let ulimits = exec.ulimits.iter().map(|limit| pb::Ulimit {
        name: limit.name.clone(),
        soft: limit.soft,
        hard: limit.hard,
    });
    pb::Meta {
        env: env.collect(),
        extra_hosts: extra_hosts.collect(),
        ulimit: ulimits.collect(),
        args: std::mem::take(&mut exec.args),
        cwd: std::mem::take(&mut exec.cwd),
        user: std::mem::take(&mut exec.user),
        hostname: std::mem::take(&mut exec.hostname),
        valid_exit_codes: std::mem::take(&mut exec.valid_exit_codes),
        proxy_env: exec.proxy.take().map(|proxy| pb::ProxyEnv {
            http_proxy: proxy.http,
            https_proxy: proxy.https,
            ftp_proxy: proxy.ftp,
            no_proxy: proxy.no_proxy,
            all_proxy: proxy.all,
        }),
        cgroup_parent: String::new(),
        remove_mount_stubs_recursive: true,
    }
}

fn network(network: Network) -> pb::NetMode {
    match network {
        Network::Sandbox => pb::NetMode::Unset,
        Network::Host => pb::NetMode::Host,
        Network::None => pb::NetMode::None,
    }
}

fn security(security: Security) -> pb::SecurityMode {
    match security {
        Security::Sandbox => pb::SecurityMode::Sandbox,
        Security::Insecure => pb::SecurityMode::Insecure,
    }
}

/// Encodes a mount; any output number but [`NO_OUTPUT`] stands for the next free one.
fn mount_to_pb(destination: &str, mount: &Mount, inputs: &mut Inputs) -> pb::Mount {
    let message = pb::Mount {
        dest: destination.to_owned(),
        ..pb::Mount::default()
    };
    match mount {
        Mount::Bind(bind) => bind_to_pb(message, bind, inputs),
        Mount::Cache(cache) => cache_to_pb(message, cache, inputs),
        Mount::Tmpfs(Tmpfs { size }) => pb::Mount {
            input: EMPTY_INPUT,
            output: NO_OUTPUT,
            mount_type: pb::MountType::Tmpfs.into(),
            tmpfs_opt: Some(pb::TmpfsOpt { size: *size }),
            ..message
        },
    }
}

fn bind_to_pb(message: pb::Mount, bind: &Bind, inputs: &mut Inputs) -> pb::Mount {
    pb::Mount {
        input: inputs.intern(&bind.source),
        selector: bind.selector.clone(),
        output: match bind.access {
            Access::Output => 0,
            Access::ReadOnly | Access::Discarded => NO_OUTPUT,
        },
        readonly: bind.access == Access::ReadOnly,
        mount_type: pb::MountType::Bind.into(),
        content_cache: content_cache_to_pb(bind.content_cache).into(),
        ..message
    }
}

fn content_cache_to_pb(content_cache: ContentCache) -> pb::MountContentCache {
    match content_cache {
        ContentCache::Default => pb::MountContentCache::Default,
        ContentCache::On => pb::MountContentCache::On,
        ContentCache::Off => pb::MountContentCache::Off,
    }
}

fn cache_to_pb(message: pb::Mount, cache: &Cache, inputs: &mut Inputs) -> pb::Mount {
    let sharing = match cache.sharing {
        Sharing::Shared => pb::CacheSharingOpt::Shared,
        Sharing::Private => pb::CacheSharingOpt::Private,
        Sharing::Locked => pb::CacheSharingOpt::Locked,
    };
    pb::Mount {
        input: inputs.intern(&cache.seed),
        selector: cache.selector.clone(),
        output: NO_OUTPUT,
        readonly: cache.read_only,
        content_cache: content_cache_to_pb(cache.content_cache).into(),
        mount_type: pb::MountType::Cache.into(),
        cache_opt: Some(pb::CacheOpt {
            id: cache.id.clone(),
            sharing: sharing.into(),
        }),
        ..message
    }
}

// The output number of secret and ssh mounts stays 0, which is what the Go client sends and
// buildkitd ignores.

fn secret_to_pb(secret: &Secret) -> Option<pb::Mount> {
    let SecretPlace::File { target, owner } = &secret.place else {
        return None;
    };
    Some(pb::Mount {
        input: EMPTY_INPUT,
        dest: target.clone(),
        mount_type: pb::MountType::Secret.into(),
        secret_opt: Some(pb::SecretOpt {
            id: secret.id.clone(),
            uid: owner.uid,
            gid: owner.gid,
            mode: owner.mode,
            optional: secret.optional,
        }),
        ..pb::Mount::default()
    })
}

fn secret_env_to_pb(secret: &Secret) -> Option<pb::SecretEnv> {
    secret.variable().map(|name| pb::SecretEnv {
        id: secret.id.clone(),
        name: name.to_owned(),
        optional: secret.optional,
    })
}

fn ssh_to_pb(agent: &SshAgent) -> pb::Mount {
    pb::Mount {
        input: EMPTY_INPUT,
        dest: agent.target.clone(),
        mount_type: pb::MountType::Ssh.into(),
        ssh_opt: Some(pb::SshOpt {
            id: agent.id.clone(),
            uid: agent.owner.uid,
            gid: agent.owner.gid,
            mode: agent.owner.mode,
            optional: agent.optional,
        }),
        ..pb::Mount::default()
    }
}

/// Returns the capabilities of an exec; the Go client asks for the same ones.
fn capabilities(exec: &Exec) -> Vec<&'static str> {
    let has_secret_env = exec
        .secrets
        .iter()
        .any(|secret| secret.variable().is_some());
    let mut wanted = vec![caps::EXEC_BASE];
    let mut require = |condition: bool, capability| {
        if condition {
            wanted.push(capability);
        }
    };
    require(exec.network != Network::Sandbox, caps::EXEC_NETWORK);
    require(exec.security != Security::Sandbox, caps::EXEC_SECURITY);
    require(exec.proxy.is_some(), caps::EXEC_PROXY);
    require(!exec.ulimits.is_empty(), caps::EXEC_ULIMIT);
    require(
        !exec.valid_exit_codes.is_empty(),
        caps::EXEC_VALID_EXIT_CODE,
    );
    require(!exec.secrets.is_empty(), caps::MOUNT_SECRET);
    require(has_secret_env, caps::EXEC_SECRET_ENV);
    require(!exec.ssh.is_empty(), caps::MOUNT_SSH);
    for (_, mount) in &exec.mounts {
        match mount {
            Mount::Bind(bind) => {
                require(!bind.source.is_scratch(), caps::MOUNT_BIND);
                require(!bind.selector.is_empty(), caps::MOUNT_SELECTOR);
                let by_default = bind.content_cache == ContentCache::Default;
                require(!by_default, caps::MOUNT_CONTENT_CACHE);
            }
            Mount::Cache(cache) => {
                require(true, caps::MOUNT_CACHE);
                require(true, caps::MOUNT_CACHE_SHARING);
                require(!cache.selector.is_empty(), caps::MOUNT_SELECTOR);
                let by_default = cache.content_cache == ContentCache::Default;
                require(!by_default, caps::MOUNT_CONTENT_CACHE);
            }
            Mount::Tmpfs(tmpfs) => {
                require(true, caps::MOUNT_TMPFS);
                require(tmpfs.size > 0, caps::MOUNT_TMPFS_SIZE);
            }
        }
    }
    wanted
}
