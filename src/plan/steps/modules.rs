//! Download of exactly the modules that the binaries' imports lead to.
//!
//! `go list -deps` of the external packages that the project imports fetches just the modules
//! that provide them and what they import in turn; `go mod download` would fetch the whole
//! module graph. The step sees module files only, so no source edit repeats it. One listing per
//! platform, since constraints decide which imports are followed; all fill one module cache.
//! Never `-e`: it would turn a network failure into a cached success.

use std::collections::{BTreeMap, BTreeSet};

use super::{compile, environment};
use crate::oci::Platform;
use crate::plan::container::{Layout, paths};
use crate::plan::{ModuleQuery, ModulesStep, SecretMount};
use crate::project::golang::workspace::Workspace;
use crate::project::manifest::{Go, Modules};

/// Id of the secret that holds the certificates a download may trust.
pub const TRUST_SECRET: &str = "gobuild.ca";
/// Id of the secret that holds the caller's netrc.
pub const NETRC_SECRET: &str = "gobuild.netrc";
/// Prefix of the ids of secrets that become variables of the same name.
pub const VARIABLE_SECRET: &str = "gobuild.env.";

/// Variables of the caller that say how to download. They are lent as secrets: they change how
/// bytes travel, never which bytes arrive (`go.sum` decides that), so they must not be part of
/// the step's identity, and some hold credentials.
pub const LENT_VARIABLES: [&str; 10] = [
    "GOAUTH",
    "GOINSECURE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// Returns the step for the external packages of each platform; `None` if there are none.
pub(crate) fn step(
    go: &Go,
    modules: &Modules,
    workspace: &Workspace,
    external: &BTreeMap<Platform, BTreeSet<String>>,
) -> Option<ModulesStep> {
    if workspace.vendor.is_some() || external.values().all(BTreeSet::is_empty) {
        return None;
    }
    let layout = Layout::of(&workspace.module_files);
    let mut env = environment::common(go, workspace, layout);
    // Go reads every file of these folders beside the image's own bundle (crypto/x509).
    env.insert(
        "SSL_CERT_DIR".to_owned(),
        format!("{}:/etc/ssl/certs", paths::TRUST),
    );
    env.insert(
        "GIT_SSL_CAINFO".to_owned(),
        format!("{}/{TRUST_SECRET}.pem", paths::TRUST),
    );
    env.insert("NETRC".to_owned(), paths::NETRC.to_owned());
    let queries = external.iter().filter(|(_, packages)| !packages.is_empty());
    let queries = queries
        .map(|(platform, packages)| query(go, platform, packages))
        .collect();
    Some(ModulesStep {
        inputs: workspace.module_files.clone(),
        directory: layout.absolute(&workspace.directory),
        queries,
        env,
        secrets: secrets(modules),
        ssh: modules.ssh.clone(),
    })
}

fn query(go: &Go, platform: &Platform, packages: &BTreeSet<String>) -> ModuleQuery {
    // The template prints nothing: the listing is made for what it downloads.
    let mut args: Vec<String> = [paths::GO, "list", "-deps", "-f", "{{if false}}{{end}}"]
        .map(str::to_owned)
        .to_vec();
    args.extend(compile::build_flags(go));
    args.extend(go.flags.iter().filter(|flag| is_sanitizer(flag)).cloned());
    args.push("--".to_owned());
    args.extend(packages.iter().cloned());
    ModuleQuery {
        platform: platform.clone(),
        packages: packages.clone(),
        args,
        env: environment::target(go, platform),
    }
}

/// Tells whether a flag sets a build tag of its own, and so decides which imports are followed.
fn is_sanitizer(flag: &str) -> bool {
    ["race", "msan", "asan"].contains(&flag.trim_start_matches('-'))
}

fn secrets(modules: &Modules) -> Vec<SecretMount> {
    let lent = [
        (TRUST_SECRET, format!("{}/{TRUST_SECRET}.pem", paths::TRUST)),
        (NETRC_SECRET, paths::NETRC.to_owned()),
    ];
    let lent = lent.map(|(id, target)| SecretMount {
        id: id.to_owned(),
        target,
        optional: true,
    });
    let named = modules.secrets.iter().map(|secret| SecretMount {
        id: secret.id.clone(),
        // The one name that Go itself looks for.
        target: match secret.id.as_str() {
            "netrc" => paths::NETRC.to_owned(),
            id => format!("{}/{id}", paths::SECRETS),
        },
        optional: false,
    });
    let named: Vec<SecretMount> = named.collect();
    let replaced = |mount: &SecretMount| named.iter().any(|other| other.target == mount.target);
    lent.into_iter()
        .filter(|mount| !replaced(mount))
        .chain(named.clone())
        .collect()
}
