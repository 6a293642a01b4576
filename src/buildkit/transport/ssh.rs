//! `ssh://[USER@]HOST[:PORT][/SOCKET]`: a buildkitd on a machine that ssh reaches.
//!
//! Source: BuildKit `client/connhelper/ssh`. The far machine's shell reads the command, so the
//! socket's path has no character that a shell takes for its own.

use std::fmt;

use super::AddressError;
use super::command::Launch;
use super::parts::Parts;

const FORM: &str = "ssh://[USER@]HOST[:PORT][/SOCKET]";

/// A machine that ssh reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ssh {
    /// Its name or IP address, an IPv6 one without its brackets.
    pub host: String,
    /// Who logs in; none for what ssh is configured with.
    pub user: Option<String>,
    /// Port of its ssh daemon; none for what ssh is configured with.
    pub port: Option<u16>,
    /// Socket of its buildkitd; none for buildctl's own choice.
    pub socket: Option<String>,
}

impl Ssh {
    pub(super) fn parse(given: &str) -> Result<Self, AddressError> {
        let parts = Parts::of(given, FORM)?;
        parts.query(&[])?;
        let clean = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@:,=".contains(&byte);
        if !parts.path().bytes().all(clean) {
            return Err(parts.refuse("the socket's path has characters of a shell"));
        }
        Ok(Self {
            host: parts.host()?,
            user: parts.user()?,
            port: parts.port(),
            socket: Some(parts.path().to_owned()).filter(|path| !path.is_empty()),
        })
    }

    pub(super) fn launch(&self) -> Launch {
        let mut launch = Launch::new("ssh");
        if let Some(user) = &self.user {
            launch = launch.args(["-l", user]);
        }
        if let Some(port) = self.port {
            launch = launch.args(["-p".to_owned(), port.to_string()]);
        }
        launch = launch.args(["--", &self.host, "buildctl"]);
        if let Some(socket) = &self.socket {
            launch = launch.args(["--addr".to_owned(), format!("unix://{socket}")]);
        }
        // A process group in the background is stopped when it reads the terminal: questions go to
        // an askpass program or fail, but never to the terminal.
        launch
            .args(["dial-stdio"])
            .env("SSH_ASKPASS_REQUIRE", "force")
    }
}

impl fmt::Display for Ssh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.socket.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_one_that_buildctl_runs() {
        let argv = |given: &str| {
            let ssh = Ssh::parse(given).unwrap();
            assert_eq!(ssh.to_string(), given);
            ssh.launch().to_string()
        };
        insta::assert_snapshot!(
            [
                "ssh://Builder",
                "ssh://me@builder.example.com:10022/run/user/7/buildkit/buildkitd.sock",
                "ssh://[::1]/run/bk.sock",
            ].map(argv).join("\n"),
            @r"
        ssh -- Builder buildctl dial-stdio
        ssh -l me -p 10022 -- builder.example.com buildctl --addr unix:///run/user/7/buildkit/buildkitd.sock dial-stdio
        ssh -- ::1 buildctl --addr unix:///run/bk.sock dial-stdio
        "
        );
    }

    #[test]
    fn what_names_no_machine_is_refused() {
        for given in [
            "ssh://",
            "ssh://-oProxyCommand=x",
            "ssh://me:secret@host",
            "ssh://host?socket=/run/bk.sock",
            "ssh://host#part",
            "ssh://host:port",
            "ssh://host/run/$(id).sock",
            "ssh://host/run/a b.sock",
        ] {
            let error = Ssh::parse(given).unwrap_err().to_string();
            assert!(error.contains(FORM), "{error}");
        }
    }
}
