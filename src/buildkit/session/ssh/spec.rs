//! Agents as a command line names them: `default`, `id=/path/to.sock` (buildx `--ssh`).

use std::path::PathBuf;
use std::str::FromStr;

/// An agent as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshSpec {
    /// What steps know it by.
    pub id: String,
    /// Its socket; that of the environment if not said.
    pub socket: Option<PathBuf>,
}

/// What is wrong with an agent's text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// It has several paths, which only private keys can have.
    #[error("{0:?} names several paths; one agent socket can be forwarded, not key files")]
    SeveralPaths(String),
    /// The option is not supported.
    #[error("option {0:?} of an agent is not supported")]
    Option(String),
}

impl FromStr for SshSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (id, path) = text.split_once('=').unwrap_or((text, ""));
        let id = if id.is_empty() { super::DEFAULT } else { id };
        if let Some((_, rest)) = path.split_once(',') {
            return Err(match rest.split_once('=') {
                Some((option, _)) => SpecError::Option(option.into()),
                None => SpecError::SeveralPaths(path.into()),
            });
        }
        Ok(Self {
            id: id.to_owned(),
            socket: (!path.is_empty()).then(|| path.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_read() {
        for (text, id, socket) in [
            ("default", "default", None),
            ("", "default", None),
            ("git", "git", None),
            ("git=", "git", None),
            ("git=/run/a=b.sock", "git", Some("/run/a=b.sock")),
        ] {
            let spec = SshSpec {
                id: id.into(),
                socket: socket.map(PathBuf::from),
            };
            assert_eq!(text.parse(), Ok(spec), "{text}");
        }
    }

    #[test]
    fn what_is_not_supported_is_told() {
        let parse = str::parse::<SshSpec>;
        assert_eq!(
            parse("a=/k1,/k2"),
            Err(SpecError::SeveralPaths("/k1,/k2".into()))
        );
        assert_eq!(parse("a=/s,raw=true"), Err(SpecError::Option("raw".into())));
    }
}
