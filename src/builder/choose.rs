//! The choice order: `--addr` > `BUILDKIT_HOST` > a default socket > the managed daemon.
//!
//! Source of the default socket: BuildKit `util/appdefaults/appdefaults_linux.go`.

use std::fmt;
use std::path::{Path, PathBuf};

/// Socket of a buildkitd that the system runs.
const SYSTEM_SOCKET: &str = "/run/buildkit/buildkitd.sock";

/// What the choice is made from.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// `--addr`.
    pub addr: Option<String>,
    /// `BUILDKIT_HOST`.
    pub buildkit_host: Option<String>,
    /// `XDG_RUNTIME_DIR`, where a rootless buildkitd listens.
    pub runtime_dir: Option<PathBuf>,
}

/// A daemon to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where it listens; none for the managed daemon, which may have to be started.
    pub address: Option<String>,
    /// What named it.
    pub origin: Origin,
}

/// What named a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--addr`.
    Flag,
    /// `BUILDKIT_HOST`.
    Variable,
    /// A socket where daemons usually listen.
    DefaultSocket,
    /// Nothing else was there.
    Managed,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "--addr",
            Self::Variable => "BUILDKIT_HOST",
            Self::DefaultSocket => "default socket",
            Self::Managed => "managed builder",
        })
    }
}

/// Returns the daemon to use.
///
/// A daemon that was asked for by name is never replaced by another one; `exists` tells whether
/// a socket file is there.
#[must_use]
pub fn choose(wishes: &Wishes, exists: impl Fn(&Path) -> bool) -> Choice {
    let named = |address: &Option<String>, origin| {
        let address = address.as_ref().filter(|address| !address.is_empty())?;
        Some(Choice {
            address: Some(address.clone()),
            origin,
        })
    };
    named(&wishes.addr, Origin::Flag)
        .or_else(|| named(&wishes.buildkit_host, Origin::Variable))
        .or_else(|| {
            let rootless = wishes
                .runtime_dir
                .as_ref()
                .map(|dir| dir.join("buildkit/buildkitd.sock"));
            let socket = [Some(PathBuf::from(SYSTEM_SOCKET)), rootless]
                .into_iter()
                .flatten();
            let socket = socket.into_iter().find(|socket| exists(socket))?;
            let address = Some(format!("unix://{}", socket.display()));
            Some(Choice {
                address,
                origin: Origin::DefaultSocket,
            })
        })
        .unwrap_or(Choice {
            address: None,
            origin: Origin::Managed,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_wish_wins() {
        let mut wishes = Wishes {
            addr: Some("tcp://a:1".to_owned()),
            buildkit_host: Some("tcp://b:1".to_owned()),
            runtime_dir: Some(PathBuf::from("/run/user/7")),
        };
        let address = |wishes: &Wishes, socket: &str| {
            let choice = choose(wishes, |path| path == Path::new(socket));
            (choice.origin, choice.address.unwrap_or_default())
        };
        assert_eq!(
            address(&wishes, SYSTEM_SOCKET),
            (Origin::Flag, "tcp://a:1".to_owned())
        );
        wishes.addr = None;
        assert_eq!(
            address(&wishes, SYSTEM_SOCKET),
            (Origin::Variable, "tcp://b:1".to_owned())
        );
        wishes.buildkit_host = Some(String::new());
        let system = format!("unix://{SYSTEM_SOCKET}");
        assert_eq!(
            address(&wishes, SYSTEM_SOCKET),
            (Origin::DefaultSocket, system)
        );
        let rootless = "/run/user/7/buildkit/buildkitd.sock";
        assert_eq!(
            address(&wishes, rootless),
            (Origin::DefaultSocket, format!("unix://{rootless}"))
        );
        assert_eq!(address(&wishes, "/none"), (Origin::Managed, String::new()));
    }
}
