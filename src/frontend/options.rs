//! The caller's options, as `buildctl`, `docker buildx` and the Dockerfile frontend pass them.
//!
//! What cannot be done is an error or a warning, never passed over. Options that the daemon or the
//! client obey themselves are known and left alone.
//!
//! Source: BuildKit `frontend/dockerui/config.go`, `attr.go`; `control/control.go`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use super::contexts::Named;
use crate::buildkit::gateway::ResolveMode;
use crate::buildkit::solve::CacheEntry;
use crate::llb::{Network, ProxyEnv};
use crate::lower::Circumstances;
use crate::oci::{Platform, Reference, cache};
use crate::project::manifest::{CacheMode, FILE_NAME, GitValues};

/// What the caller wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The manifest's path, if it was named.
    pub filename: Option<String>,
    /// Name of the local source that holds the manifest.
    pub manifest_source: String,
    /// Sessions that serve local sources in place of the caller's, by name of the source.
    pub sessions: BTreeMap<String, String>,
    /// Address of a build context that no session serves.
    pub context: Option<String>,
    /// Folder of such a context.
    pub subfolder: String,
    /// Name of the image to build.
    pub target: Option<String>,
    /// Target platforms; empty for the manifest's.
    pub platforms: Vec<Platform>,
    /// Whether one platform, too, is to be an index.
    pub index: bool,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Whether every step runs.
    pub no_cache: bool,
    /// Caches to read.
    pub cache_imports: Vec<CacheEntry>,
    /// Where images may come from.
    pub resolve_mode: ResolveMode,
    /// What is asked of every step.
    pub circumstances: Circumstances,
    /// Images that stand for others.
    pub named: Vec<Named>,
    /// A question in place of a build.
    pub request: Option<String>,
    /// Facts of the commit.
    pub git: GitValues,
    /// Time of everything that the image adds.
    pub epoch: Option<u32>,
    /// Where compiled packages are kept, in place of the manifest.
    pub cache: Option<CacheMode>,
    /// Which checks speak, in place of what the manifest says.
    pub check: Option<String>,
    /// Whether everything that has a name must be in the lock file.
    pub locked: bool,
    /// Server of the module proxy that a locked toolchain comes from, in place of the recorded one.
    pub toolchain_proxy: Option<String>,
    /// Build arguments for the manifest's `{{ env.NAME }}`.
    pub arguments: BTreeMap<String, String>,
    /// What is left undone, for the caller to know.
    pub warnings: Vec<String>,
}

/// Options that contradict the build, or that nobody understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// A value is none of the option.
    #[error("{option}={value}: {wanted}")]
    Value {
        /// The option.
        option: String,
        /// Its value.
        value: String,
        /// What it should be.
        wanted: String,
    },
    /// An option that this frontend cannot obey.
    #[error("{option} is not possible with goimage.toml: {reason}")]
    Impossible {
        /// The option.
        option: String,
        /// Why.
        reason: &'static str,
    },
    /// A build argument of gobuild's own that it does not know.
    #[error("there is no build argument {given}; there are {}", ARGUMENTS.join(", "))]
    Argument {
        /// As given.
        given: String,
    },
}

/// Build arguments of gobuild's own.
const ARGUMENTS: [&str; 9] = [
    "GOBUILD_CACHE",
    "GOBUILD_GIT_BRANCH",
    "GOBUILD_GIT_COMMIT",
    "GOBUILD_GIT_DATE",
    "GOBUILD_GIT_DESCRIBE",
    "GOBUILD_GIT_SHORT",
    "GOBUILD_GIT_TAG",
    "GOBUILD_LOCKED",
    "GOBUILD_TOOLCHAIN_PROXY",
];

/// Options that somebody else obeys: the daemon, the client, or the frontend that forwarded them.
const OBEYED_ELSEWHERE: [&str; 7] = [
    "attest:",
    "cmdline",
    "frontend.caps",
    "input-metadata:",
    "sharedkey:",
    "source",
    "vcs:",
];

/// Options of execs that change no image here: steps are `go` alone.
const UNUSED: [&str; 11] = [
    "cgroup-parent",
    "cpuperiod",
    "cpuquota",
    "cpusetcpus",
    "cpusetmems",
    "cpushares",
    "hostname",
    "memory",
    "memswap",
    "shm-size",
    "ulimit",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CacheImport {
    r#type: String,
    #[serde(default)]
    attrs: BTreeMap<String, String>,
}

impl Options {
    /// Understands the caller's options.
    ///
    /// # Errors
    /// One is malformed, or cannot be obeyed.
    pub fn parse(given: &BTreeMap<String, String>) -> Result<Self, OptionError> {
        let mut options = Self {
            manifest_source: "dockerfile".to_owned(),
            ..Self::default()
        };
        let context = given.get("contextkey").map_or("context", String::as_str);
        for (key, value) in given {
            match key.split_once(':') {
                Some(("build-arg", name)) => options.argument(name, value)?,
                Some(("label", name)) => {
                    options.labels.insert(name.to_owned(), value.clone());
                }
                Some(("context", name)) => options.named.push(Named::parse(name, value)?),
                Some(("local-sessionid", name)) => {
                    options.sessions.insert(name.to_owned(), value.clone());
                }
                _ if key == context => options.context = remote(value)?,
                _ => options.plain(key, value)?,
            }
        }
        Ok(options)
    }

    /// Returns the manifest's path in its source.
    #[must_use]
    pub fn manifest(&self) -> &str {
        self.filename.as_deref().unwrap_or(FILE_NAME)
    }

    fn plain(&mut self, key: &str, value: &str) -> Result<(), OptionError> {
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
        match key {
            "filename" => self.filename = text(),
            "dockerfilekey" => value.clone_into(&mut self.manifest_source),
            "contextkey" => {}
            "contextsubdir" => value.clone_into(&mut self.subfolder),
            "target" => self.target = text(),
            "platform" => self.platforms = platforms(value)?,
            "multi-platform" => self.index = boolean(key, value)?,
            "no-cache" => self.no_cache(value),
            "cache-imports" => self.cache_imports.extend(imports(value)?),
            "cache-from" => {
                let named = value.split(',').filter(|reference| !reference.is_empty());
                self.cache_imports.extend(named.map(registry));
            }
            "image-resolve-mode" => self.resolve_mode = resolve_mode(value)?,
            "add-hosts" => self.circumstances.hosts = hosts(value)?,
            "force-network-mode" => self.circumstances.network = network(value)?,
            "requestid" => self.request = text(),
            _ if UNUSED.contains(&key) => self.unused(key, "no step looks at it"),
            _ if OBEYED_ELSEWHERE.iter().any(|known| key.starts_with(known)) => {}
            _ => self.unused(key, "gobuild does not know it"),
        }
        Ok(())
    }

    fn unused(&mut self, option: &str, why: &str) {
        self.warnings.push(format!("{option} has no effect: {why}"));
    }

    fn no_cache(&mut self, stages: &str) {
        self.no_cache = true;
        if !stages.is_empty() {
            let warning =
                "no-cache with names of stages applies to every step: there are no stages";
            self.warnings.push(warning.to_owned());
        }
    }

    fn argument(&mut self, name: &str, value: &str) -> Result<(), OptionError> {
        let text = Some(value.to_owned()).filter(|value| !value.is_empty());
        let option = || format!("build-arg:{name}");
        match name {
            "GOBUILD_CACHE" => self.cache = cache(&option(), value)?,
            "GOBUILD_GIT_BRANCH" => self.git.branch = text,
            "GOBUILD_GIT_COMMIT" => self.git.commit = text,
            "GOBUILD_GIT_DATE" => self.git.date = text,
            "GOBUILD_GIT_DESCRIBE" => self.git.describe = text,
            "GOBUILD_GIT_SHORT" => self.git.short = text,
            "GOBUILD_GIT_TAG" => self.git.tag = text,
            "GOBUILD_LOCKED" => self.locked = boolean(&option(), value)?,
            "GOBUILD_TOOLCHAIN_PROXY" => self.toolchain_proxy = text,
            "SOURCE_DATE_EPOCH" if value.is_empty() => {}
            "SOURCE_DATE_EPOCH" => {
                let wanted = "a number of seconds since 1970";
                let epoch = value
                    .parse()
                    .map_err(|_| refused(&option(), value, wanted))?;
                self.epoch = Some(epoch);
            }
            "BUILDKIT_CACHE_MOUNT_NS" => value.clone_into(&mut self.circumstances.cache_namespace),
            "BUILDKIT_DOCKERFILE_CHECK" => self.check = Some(value.to_owned()),
            "BUILDKIT_MULTI_PLATFORM" => self.index = boolean(&option(), value)?,
            _ if name.starts_with("GOBUILD_") => {
                let given = name.to_owned();
                return Err(OptionError::Argument { given });
            }
            _ if name.starts_with("BUILDKIT_") => {}
            _ => {
                if !self.proxy(name, value) {
                    self.arguments.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        Ok(())
    }

    /// Takes a proxy, which clients pass in either case.
    fn proxy(&mut self, name: &str, value: &str) -> bool {
        let mut proxy = self.circumstances.proxy.clone().unwrap_or_default();
        let place = match name.to_ascii_lowercase().as_str() {
            "http_proxy" => &mut proxy.http,
            "https_proxy" => &mut proxy.https,
            "ftp_proxy" => &mut proxy.ftp,
            "no_proxy" => &mut proxy.no_proxy,
            "all_proxy" => &mut proxy.all,
            _ => return false,
        };
        value.clone_into(place);
        self.circumstances.proxy = Some(proxy).filter(|proxy| *proxy != ProxyEnv::default());
        true
    }
}

fn refused(option: &str, value: &str, wanted: impl Into<String>) -> OptionError {
    OptionError::Value {
        option: option.to_owned(),
        value: value.to_owned(),
        wanted: wanted.into(),
    }
}

/// Returns the address of a context that is none of the session's.
fn remote(value: &str) -> Result<Option<String>, OptionError> {
    let has = |scheme: &str| value.starts_with(scheme);
    // The host may have .git in its name, as those of pages do.
    let path = value.split(['#', '?']).next().unwrap_or(value);
    let git = has("git://") || has("git@") || has("ssh://") || path.ends_with(".git");
    match has("http://") || has("https://") {
        _ if git => Ok(Some(value.to_owned())),
        true => Err(OptionError::Impossible {
            option: format!("context={value}"),
            reason: "a remote context must be a git repository (a URL that ends with .git)",
        }),
        false => Ok(None),
    }
}

fn platforms(value: &str) -> Result<Vec<Platform>, OptionError> {
    let named = value.split(',').filter(|name| !name.trim().is_empty());
    let parsed = named.map(|name| {
        let platform = name.trim().parse();
        platform.map_err(|_| refused("platform", value, "not of the form os/arch[/variant]"))
    });
    parsed.collect()
}

fn boolean(option: &str, value: &str) -> Result<bool, OptionError> {
    match value {
        "" => Ok(false),
        value => cache::boolean(value).ok_or_else(|| refused(option, value, "not true or false")),
    }
}

fn imports(json: &str) -> Result<Vec<CacheEntry>, OptionError> {
    let list: Vec<CacheImport> = serde_json::from_str(json)
        .map_err(|error| refused("cache-imports", json, error.to_string()))?;
    let entries = list.into_iter().map(|import| CacheEntry {
        kind: import.r#type,
        attributes: import.attrs,
    });
    Ok(entries.collect())
}

fn registry(reference: &str) -> CacheEntry {
    CacheEntry {
        kind: "registry".to_owned(),
        attributes: BTreeMap::from([("ref".to_owned(), reference.to_owned())]),
    }
}

fn resolve_mode(value: &str) -> Result<ResolveMode, OptionError> {
    match value {
        "" | "default" => Ok(ResolveMode::Default),
        "pull" => Ok(ResolveMode::Pull),
        "local" => Ok(ResolveMode::Local),
        _ => Err(refused(
            "image-resolve-mode",
            value,
            "not default, pull or local",
        )),
    }
}

fn hosts(value: &str) -> Result<Vec<(String, IpAddr)>, OptionError> {
    let pairs = value.split(',').filter(|pair| !pair.is_empty());
    let parsed = pairs.map(|pair| {
        let pair = pair.trim().trim_matches('"');
        let parts = pair.split_once('=').and_then(|(name, address)| {
            let address = address.trim_start_matches('[').trim_end_matches(']');
            Some((name.to_owned(), address.parse().ok()?))
        });
        parts.ok_or_else(|| refused("add-hosts", value, "not of the form host=address,..."))
    });
    parsed.collect()
}

fn network(value: &str) -> Result<Network, OptionError> {
    match value {
        "" | "sandbox" | "default" => Ok(Network::Sandbox),
        "host" => Ok(Network::Host),
        "none" => Ok(Network::None),
        _ => Err(refused(
            "force-network-mode",
            value,
            "not sandbox, host or none",
        )),
    }
}

fn cache(option: &str, value: &str) -> Result<Option<CacheMode>, OptionError> {
    match value {
        "" | "auto" => Ok(None),
        "mount" => Ok(Some(CacheMode::Mount)),
        "layer" => Ok(Some(CacheMode::Layer)),
        _ => Err(refused(option, value, "not auto, mount or layer")),
    }
}

/// Tells whether two names mean one image.
pub(super) fn same_image(named: &str, reference: &Reference) -> bool {
    let named = named.parse::<Reference>().map(Reference::or_latest);
    named.is_ok_and(|named| named == reference.clone().or_latest())
}

#[cfg(test)]
mod tests;
