//! `docker-container://NAME`: a buildkitd in a container of a Docker Engine.
//!
//! Source: BuildKit `client/connhelper/dockercontainer`. `host` is ours: buildx notes some of its
//! builders by the engine's address in place of a context.

use std::fmt;

use super::AddressError;
use super::command::Launch;
use super::parts::{Parts, write_query};

const FORM: &str = "docker-container://NAME[?context=CONTEXT]";

/// A container of a Docker Engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DockerContainer {
    /// Its name or id.
    pub name: String,
    /// Docker context of its engine; none for the current one.
    pub context: Option<String>,
    /// Address of its engine, where no context names it.
    pub host: Option<String>,
}

impl DockerContainer {
    pub(super) fn parse(given: &str) -> Result<Self, AddressError> {
        let parts = Parts::of(given, FORM)?;
        parts.name_only()?;
        if !parts.path().is_empty() {
            return Err(parts.refuse("a path has no meaning"));
        }
        let mut query = parts.query(&["context", "host"])?;
        let container = Self {
            name: parts.host()?,
            context: query.remove("context"),
            host: query.remove("host"),
        };
        match (&container.context, &container.host) {
            (Some(_), Some(_)) => Err(parts.refuse("context and host exclude each other")),
            _ => Ok(container),
        }
    }

    pub(super) fn launch(&self) -> Launch {
        let context = self.context.iter().map(|name| format!("--context={name}"));
        let host = self.host.iter().map(|host| format!("--host={host}"));
        Launch::new("docker").args(context.chain(host)).args([
            "exec",
            "-i",
            &self.name,
            "buildctl",
            "dial-stdio",
        ])
    }
}

impl fmt::Display for DockerContainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker-container://{}", self.name)?;
        write_query(f, &[("context", &self.context), ("host", &self.host)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_one_that_buildctl_runs() {
        let argv = |given: &str| {
            let container = DockerContainer::parse(given).unwrap();
            assert_eq!(container.to_string(), given);
            container.launch().to_string()
        };
        insta::assert_snapshot!(
            [
                "docker-container://buildx_buildkit_Team0",
                "docker-container://b?context=far",
                "docker-container://b?host=unix:///var/run/docker.sock",
            ].map(argv).join("\n"),
            @r"
        docker exec -i buildx_buildkit_Team0 buildctl dial-stdio
        docker --context=far exec -i b buildctl dial-stdio
        docker --host=unix:///var/run/docker.sock exec -i b buildctl dial-stdio
        "
        );
    }

    #[test]
    fn what_names_no_container_is_refused() {
        for given in [
            "docker-container://",
            "docker-container://-privileged",
            "docker-container://name/path",
            "docker-container://me@name",
            "docker-container://name:1",
            "docker-container://name?contxt=far",
            "docker-container://name?context=a&host=b",
            "docker-container://name#part",
        ] {
            let error = DockerContainer::parse(given).unwrap_err().to_string();
            assert!(error.contains(FORM) && error.contains(given), "{error}");
        }
    }
}
