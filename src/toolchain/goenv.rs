//! The user's Go settings, as the go command resolves them.
//!
//! With Go on the host one `go env -json` answers, so `go env -w` files and defaults count;
//! without it the process environment does.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Host, ToolchainError, command};

/// The settings of interest: where modules come from, how they are checked, what is built and where
/// that is kept.
const NAMES: [&str; 16] = [
    "GOAUTH",
    "GOCACHE",
    "GOFLAGS",
    "GOINSECURE",
    "GOMODCACHE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPATH",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "GOVCS",
    "GOVERSION",
    "GOWORK",
    "CGO_ENABLED",
    "GOEXPERIMENT",
];

/// Settings the go command obeys but does not print.
const PROCESS_NAMES: [&str; 1] = ["NETRC"];

/// Go settings by name; one that is empty is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoEnv {
    values: BTreeMap<String, String>,
    from_go: bool,
}

impl GoEnv {
    /// Reads the settings in force in `folder`.
    ///
    /// # Errors
    /// There is a go command, but it fails, e.g. on a malformed go.work.
    pub fn read(host: &Host, folder: &Path) -> Result<Self, ToolchainError> {
        let process = |name: &str| std::env::var(name).ok();
        let mut values = match ask(host, folder) {
            Ok(values) => values,
            Err(ToolchainError::GoMissing) => return Ok(Self::from_lookup(process)),
            Err(error) => return Err(error),
        };
        for name in PROCESS_NAMES {
            values.extend(process(name).map(|value| (name.to_owned(), value)));
        }
        values.retain(|_, value| !value.is_empty());
        Ok(Self {
            values,
            from_go: true,
        })
    }

    /// Returns the settings that `lookup` knows.
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let names = NAMES.into_iter().chain(PROCESS_NAMES);
        let values = names
            .filter_map(|name| Some((name.to_owned(), lookup(name)?)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Self {
            values,
            from_go: false,
        }
    }

    /// Returns a setting, e.g. of `GOPROXY`; none if it is empty or, without a go command,
    /// left to its default.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Tells whether a go command answered.
    #[must_use]
    pub fn from_go(&self) -> bool {
        self.from_go
    }
}

fn ask(host: &Host, folder: &Path) -> Result<BTreeMap<String, String>, ToolchainError> {
    let mut arguments = vec!["env", "-json"];
    arguments.extend(NAMES);
    let output = command::run(host, folder, &arguments, &[])?;
    if !output.status.success() {
        return Err(command::failed(
            &arguments[..2],
            command::complaint(&output),
        ));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| command::failed(&arguments[..2], error.into()))
}
