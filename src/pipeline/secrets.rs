//! What the modules step may be lent: certificates, Go's download settings, a netrc, and the
//! secrets that the user names.
//!
//! All of it travels as secrets of the session: the daemon asks only when the step runs, nothing
//! of it is part of the step's identity, of a layer, of a log, or of the build history.

#![expect(
    clippy::disallowed_methods,
    reason = "what is lent is the caller's environment"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::certs::PemFile;
use crate::buildkit::session::secrets::SecretSource;
use crate::plan::{LENT_VARIABLES, NETRC_SECRET, TRUST_SECRET, VARIABLE_SECRET, VARIABLES_SECRET};
use crate::project::manifest::{Modules, SecretSource as Written};
use crate::project::tree::{Tree, TreeError, TreePath};
use crate::toolchain::goenv::GoEnv;
use crate::toolchain::trust::{TrustError, ca_bundle};
use crate::toolchain::{Host, ToolchainError};

/// Why the modules step cannot be lent what it needs.
#[derive(Debug, thiserror::Error)]
pub enum LendError {
    /// Certificates are unusable.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A certificate file of the manifest is not there.
    #[error("modules.ca: {path} does not exist in the project")]
    NoCertificate {
        /// The file.
        path: TreePath,
    },
    /// The go command does not tell its settings.
    #[error(transparent)]
    Go(#[from] ToolchainError),
    /// The project cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Returns the session's secrets by id: what the step is lent, what the manifest names, and what
/// the command line adds, which wins.
///
/// # Errors
/// See [`LendError`].
pub fn secrets(
    tree: &dyn Tree,
    project: &TreePath,
    folder: &Path,
    modules: &Modules,
    host: &Host,
    given: BTreeMap<String, SecretSource>,
) -> Result<BTreeMap<String, SecretSource>, LendError> {
    let mut secrets = BTreeMap::new();
    let bundle = trust(tree, project, modules)?;
    secrets.insert(TRUST_SECRET.to_owned(), SecretSource::Literal(bundle));
    let settings = GoEnv::read(host, folder)?;
    let environment = |name: &str| std::env::var(name).ok();
    for (name, value) in variables(&settings, &modules.private, environment) {
        secrets.insert(
            format!("{VARIABLE_SECRET}{name}"),
            SecretSource::Literal(value.into_bytes()),
        );
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let netrc = netrc(&settings, &modules.private, home.as_deref());
    if let Some(netrc) = netrc.filter(|path| path.is_file()) {
        secrets.insert(NETRC_SECRET.to_owned(), SecretSource::File(netrc));
    }
    for secret in &modules.secrets {
        let source = match &secret.source {
            Written::Caller => continue,
            Written::Env(name) => SecretSource::Env(name.clone()),
            Written::File(path) => SecretSource::File(folder.join(path)),
        };
        secrets.insert(secret.id.clone(), source);
    }
    secrets.extend(given);
    Ok(secrets)
}

/// Returns the secret of all lent variables, for builders that have no secret variables: lines of
/// `GOENV`, of which `go` leaves out what is none of its settings.
#[must_use]
pub fn variables_file(secrets: &BTreeMap<String, SecretSource>) -> Option<(String, SecretSource)> {
    let mut file = Vec::new();
    for (id, source) in secrets {
        if let (Some(name), SecretSource::Literal(value)) =
            (id.strip_prefix(VARIABLE_SECRET), source)
        {
            file.extend_from_slice(name.as_bytes());
            file.push(b'=');
            file.extend_from_slice(value);
            file.push(b'\n');
        }
    }
    (!file.is_empty()).then(|| (VARIABLES_SECRET.to_owned(), SecretSource::Literal(file)))
}

fn trust(tree: &dyn Tree, project: &TreePath, modules: &Modules) -> Result<Vec<u8>, LendError> {
    let mut extra = Vec::new();
    for path in &modules.ca {
        let content = tree.read(&project.join(path.as_str()))?;
        let content = content.ok_or_else(|| LendError::NoCertificate { path: path.clone() })?;
        extra.push((path.as_str(), content));
    }
    let files: Vec<PemFile<'_>> = extra
        .iter()
        .map(|(name, pem)| PemFile { name, pem })
        .collect();
    Ok(ca_bundle(&files)?)
}

/// Returns the variables that the step is lent: Go's settings, with what the manifest adds to
/// `GOPRIVATE`, and the proxies, which programs spell in either case.
fn variables(
    settings: &GoEnv,
    private: &[String],
    environment: impl Fn(&str) -> Option<String>,
) -> BTreeMap<&'static str, String> {
    let value = |name: &'static str| {
        if name.ends_with("_PROXY") {
            return environment(name).or_else(|| environment(&name.to_ascii_lowercase()));
        }
        let mut parts: Vec<&str> = settings.get(name).into_iter().collect();
        if name == "GOPRIVATE" {
            parts.extend(private.iter().map(String::as_str));
        }
        Some(parts.join(","))
    };
    let set = LENT_VARIABLES
        .into_iter()
        .filter_map(|name| Some((name, value(name)?)));
    set.filter(|(_, value)| !value.is_empty()).collect()
}

/// Returns where the netrc is that Go itself would use, if private modules are in play: only then
/// do its credentials leave this machine.
fn netrc(settings: &GoEnv, private: &[String], home: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = settings.get("NETRC") {
        return Some(PathBuf::from(path));
    }
    let wanted = !private.is_empty() || settings.get("GOPRIVATE").is_some();
    home.filter(|_| wanted).map(|home| home.join(".netrc"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::manifest::Secret;
    use crate::project::tree::memory::MemoryTree;

    fn settings(pairs: &[(&str, &str)]) -> GoEnv {
        let value = |name: &str| pairs.iter().find(|(known, _)| *known == name);
        GoEnv::from_lookup(|name| value(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn variables_come_from_go_the_manifest_and_the_environment() {
        let settings = settings(&[("GOPRIVATE", "a.example.com"), ("GOPROXY", "direct")]);
        let private = ["b.example.com/*".to_owned()];
        let environment = |name: &str| match name {
            "https_proxy" => Some("http://proxy:3128".to_owned()),
            "HTTP_PROXY" => Some(String::new()),
            _ => None,
        };
        let lent = variables(&settings, &private, environment);
        let lent: Vec<(&str, &str)> = lent
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(
            lent,
            [
                ("GOPRIVATE", "a.example.com,b.example.com/*"),
                ("GOPROXY", "direct"),
                ("HTTPS_PROXY", "http://proxy:3128"),
            ]
        );
    }

    #[test]
    fn the_netrc_stays_here_unless_modules_are_private() {
        let home = Some(Path::new("/home/u"));
        let private = ["git.example.com".to_owned()];
        let own = PathBuf::from("/home/u/.netrc");
        assert_eq!(netrc(&settings(&[]), &[], home), None);
        assert_eq!(netrc(&settings(&[]), &private, home), Some(own.clone()));
        assert_eq!(
            netrc(&settings(&[("GOPRIVATE", "x")]), &[], home),
            Some(own)
        );
        assert_eq!(
            netrc(&settings(&[("NETRC", "/etc/netrc")]), &[], None),
            Some(PathBuf::from("/etc/netrc"))
        );
    }

    #[test]
    fn what_the_command_line_gives_wins() {
        let cache = tempfile::tempdir().unwrap();
        let mut host = Host::new(cache.path());
        host.go = "no-such-go-command".into();
        let secret = |id: &str, source| Secret {
            id: id.to_owned(),
            source,
        };
        let modules = Modules {
            secrets: vec![
                secret("token", Written::Env("TOKEN".to_owned())),
                secret("key", Written::File("key.txt".into())),
                secret("asked", Written::Caller),
            ],
            ..Modules::default()
        };
        let given = BTreeMap::from([("token".to_owned(), SecretSource::Literal(b"x".to_vec()))]);
        let tree = MemoryTree::default();
        let folder = cache.path();
        let secrets = secrets(&tree, &TreePath::root(), folder, &modules, &host, given).unwrap();
        assert!(matches!(&secrets["token"], SecretSource::Literal(value) if value == b"x"));
        assert!(
            matches!(&secrets["key"], SecretSource::File(path) if *path == folder.join("key.txt"))
        );
        assert!(!secrets.contains_key("asked"));
        assert!(secrets.contains_key(TRUST_SECRET));
        let missing = Modules {
            ca: vec![TreePath::new("corp.pem")],
            ..Modules::default()
        };
        let error = super::secrets(
            &tree,
            &TreePath::root(),
            folder,
            &missing,
            &host,
            BTreeMap::new(),
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "modules.ca: corp.pem does not exist in the project"
        );
    }
}
