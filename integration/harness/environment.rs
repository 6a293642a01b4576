//! The environment of programs under test: nothing of the user's but PATH and what the `go` command
//! needs to fetch modules on this machine.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::tool;

/// Settings of the `go` command that say how this machine gets modules.
const GO_SETTINGS: [&str; 9] = [
    "GOAUTH",
    "GOCACHE",
    "GOINSECURE",
    "GOMODCACHE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
];

/// Variables of the network and of trust, kept as they are.
const KEPT: [&str; 11] = [
    "PATH",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NETRC",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// Returns the variables that every run has.
pub(crate) fn environment() -> &'static BTreeMap<String, String> {
    static ENVIRONMENT: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let kept = KEPT
            .iter()
            .filter_map(|&name| Some((name.to_owned(), env::var(name).ok()?)));
        let mut variables: BTreeMap<String, String> = kept.collect();
        let mut args = vec!["env", "-json"];
        args.extend(GO_SETTINGS);
        let settings: BTreeMap<String, String> =
            serde_json::from_str(&tool::run_in(&env::temp_dir(), "go", &args)).unwrap();
        variables.extend(settings);
        variables.insert("GOTOOLCHAIN".to_owned(), "local".to_owned());
        let netrc = env::var_os("HOME").map(|home| PathBuf::from(home).join(".netrc"));
        if let Some(netrc) = netrc.filter(|netrc| netrc.exists()) {
            let place = netrc.display().to_string();
            variables.entry("NETRC".to_owned()).or_insert(place);
        }
        variables
    })
}
