//! `podman-container://NAME`: a buildkitd in a container of Podman.
//!
//! Source: BuildKit `client/connhelper/podmancontainer`.

use std::fmt;

use super::AddressError;
use super::command::Launch;
use super::parts::Parts;

const FORM: &str = "podman-container://NAME";

/// A container of Podman.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodmanContainer {
    /// Its name or id.
    pub name: String,
}

impl PodmanContainer {
    pub(super) fn parse(given: &str) -> Result<Self, AddressError> {
        let parts = Parts::of(given, FORM)?;
        parts.name_only()?;
        parts.query(&[])?;
        match parts.path() {
            "" => Ok(Self {
                name: parts.host()?,
            }),
            _ => Err(parts.refuse("a path has no meaning")),
        }
    }

    pub(super) fn launch(&self) -> Launch {
        Launch::new("podman").args(["exec", "-i", &self.name, "buildctl", "dial-stdio"])
    }
}

impl fmt::Display for PodmanContainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "podman-container://{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_one_that_buildctl_runs() {
        let container = PodmanContainer::parse("podman-container://Build_1").unwrap();
        assert_eq!(container.to_string(), "podman-container://Build_1");
        assert_eq!(
            container.launch().to_string(),
            "podman exec -i Build_1 buildctl dial-stdio"
        );
    }

    #[test]
    fn what_names_no_container_is_refused() {
        for given in [
            "podman-container://",
            "podman-container://--root",
            "podman-container://name/path",
            "podman-container://name?context=far",
        ] {
            let error = PodmanContainer::parse(given).unwrap_err().to_string();
            assert!(error.contains(FORM) && error.contains(given), "{error}");
        }
    }
}
