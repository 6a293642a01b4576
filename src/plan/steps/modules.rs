//! Download of exactly the modules that the binaries' imports lead to.
//!
//! `go list -deps` of the external packages that the project imports fetches just the modules
//! that provide them and what they import in turn; `go mod download` would fetch the whole
//! module graph. The step sees module files only, so no source edit repeats it. One listing per
//! platform, since constraints decide which imports are followed; all fill one module cache.
//! A module that `go` looks into without importing from it is fetched by its name
//! ([`Workspace::rivals`]).
//! Never `-e`: it would turn a network failure into a cached success.
//!
//! Where gobuild itself can run in the container, the listings download into a cache mount, so
//! that a change of one requirement fetches that module alone, and only what they name is copied
//! to the output: the folders of listed packages, and what `go build` reads to trust them. That
//! output depends on the project, and `cmd/go` caches an index of each module by the module's
//! folder (`cmd/go/internal/modindex`), taking module caches for immutable. So its folder is named
//! after what decides about it.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{compile, environment};
use crate::oci::Platform;
use crate::plan::container::{Layout, paths};
use crate::plan::{Caching, ModuleQuery, ModulesStep, SecretMount};
use crate::project::golang::flags;
use crate::project::golang::workspace::Workspace;
use crate::project::manifest::{Go, Modules};
use crate::project::tree::{Tree, TreeError};

/// Id of the secret that holds the certificates a download may trust.
pub const TRUST_SECRET: &str = "gobuild.ca";
/// Id of the secret that holds the caller's netrc.
pub const NETRC_SECRET: &str = "gobuild.netrc";
/// Id of the secret that holds all lent variables, for builders that have no secret variables.
pub const VARIABLES_SECRET: &str = "gobuild.env";
/// Prefix of the ids of secrets that become variables of the same name.
pub const VARIABLE_SECRET: &str = "gobuild.env.";

/// Variables of the caller that say how to download. They are lent as secrets: they change how
/// bytes travel, never which bytes arrive (`go.sum` decides that), so they must not be part of
/// the step's identity, and some hold credentials.
pub const LENT_VARIABLES: [&str; 11] = [
    "GOAUTH",
    "GOINSECURE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "GOVCS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// What the listings say of each package, for the copy.
const FIELDS: &str = "-json=ImportPath,Dir,Standard,Module,EmbedFiles,CgoFiles,SwigFiles,\
    SwigCXXFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles";

/// Version of the rules by which packages are selected. Raise it whenever the same listing
/// leaves other files: folders of another version must not be taken for the same ones.
const SELECTION: u32 = 2;

/// Downloads at a time. `go` downloads as many modules at once as it takes the machine to have
/// processors, and a download is waiting, not work.
const DOWNLOADS: &str = "32";

/// What the programs of a platform need of downloaded modules.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Packages that the project imports.
    pub(crate) packages: BTreeSet<String>,
    /// Modules that `go` looks into for packages of the project itself.
    pub(crate) rivals: BTreeSet<String>,
}

/// Returns the step for what each platform needs; `None` if that is nothing.
///
/// # Errors
/// A module file cannot be read.
pub(crate) fn step(
    go: &Go,
    modules: &Modules,
    workspace: &Workspace,
    tree: &dyn Tree,
    caching: &Caching,
    needs: &BTreeMap<Platform, Needs>,
) -> Result<Option<ModulesStep>, TreeError> {
    let selects = caching.helper.is_some();
    let mut queries: Vec<ModuleQuery> = needs
        .iter()
        .flat_map(|(platform, needs)| queries(go, platform, needs, selects))
        .collect();
    if workspace.vendor.is_some() || queries.is_empty() {
        return Ok(None);
    }
    let layout = Layout::of(&workspace.module_files);
    let mut env = environment(go, workspace, layout);
    if let Some(helper) = &caching.helper {
        env.insert("GOMODCACHE".to_owned(), paths::MODULE_CACHE.to_owned());
        for query in &mut queries {
            let identity = identity(workspace, tree, &env, query)?;
            query.output = format!("{}/{identity}", paths::MODULES);
            query.select = Some(selecting(helper, query));
        }
    }
    Ok(Some(ModulesStep {
        downloads: downloads(modules, workspace),
        inputs: workspace.module_files.clone(),
        directory: layout.absolute(&workspace.directory),
        queries,
        env,
        secrets: secrets(modules),
        ssh: modules.ssh.clone(),
    }))
}

/// Returns the id of the cache mount for downloads. Projects share one, but those that need
/// credentials have one of their own: what it holds is had without them.
fn downloads(modules: &Modules, workspace: &Workspace) -> String {
    let shared = "gobuild/go-mod";
    let open = modules.private.is_empty() && modules.secrets.is_empty() && modules.ssh.is_empty();
    match workspace.main_modules.first() {
        Some(module) if !open => format!("{shared}/{}", module.path),
        _ => shared.to_owned(),
    }
}

fn environment(go: &Go, workspace: &Workspace, layout: Layout) -> BTreeMap<String, String> {
    let mut env = environment::common(go, workspace, layout);
    // Go reads every file of these folders beside the image's own bundle (crypto/x509).
    env.insert(
        "SSL_CERT_DIR".to_owned(),
        format!("{}:{}:/etc/ssl/certs", paths::TRUST, paths::EXTRA_TRUST),
    );
    env.insert(
        "GIT_SSL_CAINFO".to_owned(),
        format!("{}/{TRUST_SECRET}.pem", paths::TRUST),
    );
    env.insert("GOMAXPROCS".to_owned(), DOWNLOADS.to_owned());
    env.insert("NETRC".to_owned(), paths::NETRC.to_owned());
    env
}

/// Returns the queries of a platform. A listing that selects brings the other modules along;
/// otherwise they are fetched by a command of their own.
fn queries(go: &Go, platform: &Platform, needs: &Needs, selects: bool) -> Vec<ModuleQuery> {
    let lists = !needs.packages.is_empty();
    let comes_along = lists && selects;
    let fetches = !comes_along && !needs.rivals.is_empty();
    let fetch = fetches.then(|| ModuleQuery {
        platform: platform.clone(),
        packages: BTreeSet::new(),
        rivals: needs.rivals.clone(),
        output: paths::MODULES.to_owned(),
        args: download(&needs.rivals),
        select: None,
        env: environment::target(go, platform),
    });
    let list = lists.then(|| {
        let mut query = query(go, platform, &needs.packages, selects);
        if selects {
            query.rivals.clone_from(&needs.rivals);
        }
        query
    });
    fetch.into_iter().chain(list).collect()
}

/// Returns the command that fetches modules of which nothing is imported. It prints nothing.
fn download(modules: &BTreeSet<String>) -> Vec<String> {
    let mut args = [paths::GO, "mod", "download", "--"]
        .map(str::to_owned)
        .to_vec();
    args.extend(modules.iter().cloned());
    args
}

fn query(go: &Go, platform: &Platform, packages: &BTreeSet<String>, listed: bool) -> ModuleQuery {
    let mut args = [paths::GO, "list", "-deps"].map(str::to_owned).to_vec();
    if listed {
        args.push(FIELDS.to_owned());
    } else {
        // Prints nothing: the listing is made for what it downloads.
        args.extend(["-f", "{{if false}}{{end}}"].map(str::to_owned));
    }
    args.extend(compile::build_flags(go));
    args.extend(go.flags.iter().filter(|flag| is_sanitizer(flag)).cloned());
    args.push("--".to_owned());
    args.extend(packages.iter().cloned());
    ModuleQuery {
        platform: platform.clone(),
        packages: packages.clone(),
        rivals: BTreeSet::new(),
        output: paths::MODULES.to_owned(),
        args,
        select: None,
        env: environment::target(go, platform),
    }
}

/// Returns the command that runs a listing and copies what it names.
fn selecting(helper: &[String], query: &ModuleQuery) -> Vec<String> {
    let mut args = helper.to_vec();
    let step = ["step", "modules", "--output", &query.output];
    args.extend(step.map(str::to_owned));
    let lists = !query.packages.is_empty();
    let fetch = (lists && !query.rivals.is_empty()).then(|| download(&query.rivals));
    for command in fetch.iter().chain([&query.args]) {
        args.push("--query".to_owned());
        let env = query.env.iter();
        args.extend(env.map(|(name, value)| format!("{name}={value}")));
        args.extend(command.iter().cloned());
    }
    args
}

/// Names what decides about the content of the output. Variables are the manifest's and constants:
/// `CGO_ENABLED`, `GOAMD64` and their like decide which imports the listing follows.
fn identity(
    workspace: &Workspace,
    tree: &dyn Tree,
    env: &BTreeMap<String, String>,
    query: &ModuleQuery,
) -> Result<String, TreeError> {
    let mut hash = Sha256::new();
    let mut add = |text: &[u8]| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    add(&SELECTION.to_le_bytes());
    add(query.platform.to_string().as_bytes());
    let words = query.args.iter().chain(&query.rivals);
    words.for_each(|word| add(word.as_bytes()));
    for (name, value) in env.iter().chain(&query.env) {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    for path in &workspace.module_files {
        add(path.as_str().as_bytes());
        add(&tree.read(path)?.unwrap_or_default());
    }
    let digest = hash.finalize();
    Ok(digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// Tells whether a flag sets a build tag of its own, and so decides which imports are followed.
fn is_sanitizer(flag: &str) -> bool {
    ["race", "msan", "asan"].contains(&flags::name(flag))
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
