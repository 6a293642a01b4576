//! From `--cache-from` and `--cache-to` to what the daemon is asked.
//!
//! Enters: [`RemoteCache`]s as they were written. Leaves: [`Caches`], whose entries have what the
//! daemon cannot know: tokens of this environment, the digest that the index of a local cache
//! names. A cache that this machine cannot offer now (no token outside of GitHub Actions, a folder
//! that no build has filled yet) is left out with a note, as buildx leaves it out.
//!
//! Source: buildx `build/opt.go` (`CreateCaches`), BuildKit `client/solve.go`
//! (`parseCacheOptions`), `cache/remotecache/azblob/utils.go`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::buildkit::session::content::{ContentStores, LayoutIndex, LayoutStore};
use crate::buildkit::solve::CacheEntry;
use crate::content::BlobSource as _;
use crate::oci::cache::{CacheKind, Direction, IGNORE_ERROR, INSECURE, RemoteCache, boolean};

/// The remote caches of a build.
#[derive(Clone, Debug, Default)]
pub struct Caches {
    /// Caches to read.
    pub imports: Vec<CacheEntry>,
    /// Caches to write, each with everything that was built.
    pub exports: Vec<CacheExport>,
    /// Whether images carry a cache themselves.
    pub inline: bool,
    /// What was left out, and why, for the user.
    pub notes: Vec<String>,
    /// Folders of local caches, as their attributes name them.
    folders: BTreeSet<String>,
}

/// A cache to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheExport {
    /// What the daemon is asked.
    pub entry: CacheEntry,
    /// Whether the build fails if the cache cannot be written.
    pub required: bool,
    /// The cache as messages name it.
    pub shown: String,
    /// The layout whose index this side writes.
    pub layout: Option<CacheLayout>,
}

/// A local cache's place in the index of its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheLayout {
    /// The folder, as the daemon names its store.
    pub folder: String,
    /// The tag.
    pub tag: String,
    /// Whether blobs that no tag leads to are deleted afterwards.
    pub reset: bool,
}

/// What holds where a cache does not say otherwise.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Whether registries are spoken to without TLS or with unknown certificates.
    pub insecure_registry: bool,
    /// Compression of what is written.
    pub compression: String,
}

/// The variables of the caller.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Caches {
    /// Completes caches with what this machine knows.
    #[must_use]
    pub fn new(
        from: &[RemoteCache],
        to: &[RemoteCache],
        defaults: &Defaults,
        environment: Environment<'_>,
    ) -> Self {
        let mut caches = Self::default();
        for cache in from {
            match import(cache, defaults, environment) {
                Ok(entry) => caches.imports.push(entry),
                Err(reason) => caches.note(cache, Direction::Import, &reason),
            }
        }
        for cache in to {
            if cache.kind == CacheKind::Inline {
                caches.inline = true;
                continue;
            }
            match export(cache, defaults, environment) {
                Ok(export) => caches.exports.push(export),
                Err(reason) => caches.note(cache, Direction::Export, &reason),
            }
        }
        let imported = caches.imports.iter();
        let folders = imported.filter(|entry| entry.kind == CacheKind::Local.as_str());
        let mut folders: BTreeSet<String> = folders
            .filter_map(|entry| entry.attributes.get("src").cloned())
            .collect();
        let layouts = caches.exports.iter().filter_map(|e| e.layout.as_ref());
        folders.extend(layouts.map(|layout| layout.folder.clone()));
        caches.folders = folders;
        caches
    }

    fn note(&mut self, cache: &RemoteCache, direction: Direction, reason: &str) {
        let flag = direction.flag();
        self.notes
            .push(format!("{flag} {cache} is left out: {reason}"));
    }

    /// Attaches the folders of local caches to a session's stores.
    pub fn attach(&self, stores: &ContentStores) {
        for folder in &self.folders {
            stores.attach_cache(folder, Arc::new(LayoutStore::new(Path::new(folder))));
        }
    }
}

/// Returns what the daemon reads; else why the cache is left out.
fn import(
    cache: &RemoteCache,
    defaults: &Defaults,
    environment: Environment<'_>,
) -> Result<CacheEntry, String> {
    let mut cache = complete(cache, defaults, environment)?;
    if let (CacheKind::Local, Some(folder)) = (cache.kind, cache.get("src")) {
        let digest = stored(Path::new(folder), &cache)?;
        cache.attributes.insert("digest".to_owned(), digest);
        cache.attributes.remove("tag");
    }
    Ok(entry(cache))
}

/// Returns the digest of the manifest of a local cache; else why there is none.
fn stored(folder: &Path, cache: &RemoteCache) -> Result<String, String> {
    let digest = match cache.get("digest") {
        Some(digest) => digest.to_owned(),
        None => {
            let tag = cache.get("tag").unwrap_or("latest");
            let found = LayoutIndex::new(folder).digest(tag);
            let found = found.map_err(|error| error.to_string())?;
            found.ok_or_else(|| format!("its index.json has no tag {tag}"))?
        }
    };
    match LayoutStore::new(folder).size(&digest) {
        Ok(Some(_)) => Ok(digest),
        Ok(None) => Err(format!("it does not hold {digest}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns what the daemon writes; else why the cache is left out.
fn export(
    cache: &RemoteCache,
    defaults: &Defaults,
    environment: Environment<'_>,
) -> Result<CacheExport, String> {
    let shown = cache.to_string();
    let mut cache = complete(cache, defaults, environment)?;
    // The daemon would hide the error, and it would still fail where it cannot even begin.
    let required = cache.flag(IGNORE_ERROR) == Some(false);
    cache.attributes.remove(IGNORE_ERROR);
    let docker = cache.flag("oci-mediatypes") == Some(false);
    if matches!(cache.kind, CacheKind::Registry | CacheKind::Local) && !docker {
        let compression = cache.attributes.entry("compression".to_owned());
        compression.or_insert_with(|| defaults.compression.clone());
    }
    let layout = cache.get("dest").filter(|_| cache.kind == CacheKind::Local);
    let layout = layout.map(|folder| CacheLayout {
        folder: folder.to_owned(),
        tag: cache.get("tag").unwrap_or("latest").to_owned(),
        reset: cache.flag("reset") == Some(true),
    });
    Ok(CacheExport {
        entry: entry(cache),
        required,
        shown,
        layout,
    })
}

fn entry(cache: RemoteCache) -> CacheEntry {
    CacheEntry {
        kind: cache.kind.as_str().to_owned(),
        attributes: cache.attributes,
    }
}

/// Adds what the environment says; else returns why the cache cannot be reached.
fn complete(
    cache: &RemoteCache,
    defaults: &Defaults,
    environment: Environment<'_>,
) -> Result<RemoteCache, String> {
    let mut cache = cache.clone();
    match cache.kind {
        CacheKind::Gha => actions(&mut cache, environment)?,
        CacheKind::S3 => amazon(&mut cache, environment),
        CacheKind::Azblob => {
            for (key, variable) in AZURE {
                set(&mut cache, key, environment(variable));
            }
        }
        CacheKind::Registry if defaults.insecure_registry => {
            set(&mut cache, INSECURE, Some("true".to_owned()));
        }
        CacheKind::Registry | CacheKind::Local | CacheKind::Inline => {}
    }
    Ok(cache)
}

/// Sets an attribute that is not set, if there is a value.
fn set(cache: &mut RemoteCache, key: &str, value: Option<String>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        cache.attributes.entry(key.to_owned()).or_insert(value);
    }
}

/// The variables that the daemon itself reads.
const AZURE: [(&str, &str); 4] = [
    ("account_url", "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL"),
    ("account_name", "BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME"),
    ("container", "BUILDKIT_AZURE_STORAGE_CONTAINER"),
    ("prefix", "BUILDKIT_AZURE_STORAGE_PREFIX"),
];

/// Adds the token and the addresses that a step of GitHub Actions has.
fn actions(cache: &mut RemoteCache, environment: Environment<'_>) -> Result<(), String> {
    let second = match cache.get("version") {
        Some(version) => version == "2",
        None => environment("ACTIONS_CACHE_SERVICE_V2").is_some_and(|v| boolean(&v) == Some(true)),
    };
    set(cache, "token", environment("ACTIONS_RUNTIME_TOKEN"));
    let results = environment("ACTIONS_RESULTS_URL");
    if second {
        set(cache, "url_v2", results.clone());
    }
    set(cache, "url", environment("ACTIONS_CACHE_URL").or(results));
    let missing = |key: &str| cache.get(key).is_none_or(str::is_empty);
    if missing("token") {
        return Err("neither token= nor ACTIONS_RUNTIME_TOKEN is set".to_owned());
    }
    if missing("url") && missing("url_v2") {
        return Err("neither url= nor ACTIONS_CACHE_URL or ACTIONS_RESULTS_URL is set".to_owned());
    }
    Ok(())
}

/// Adds the credentials of the environment; a pair that is given keeps its own session, or none.
fn amazon(cache: &mut RemoteCache, environment: Environment<'_>) {
    let given = |key: &str| cache.attributes.contains_key(key);
    if given("access_key_id") && given("secret_access_key") {
        return;
    }
    let first = |names: [&str; 2]| {
        let mut values = names.into_iter().filter_map(environment);
        values.find(|value| !value.is_empty())
    };
    let id = first(["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]);
    let secret = first(["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]);
    // Half a pair is none: the daemon may have credentials of its own.
    if let (Some(id), Some(secret)) = (id, secret) {
        set(cache, "access_key_id", Some(id));
        set(cache, "secret_access_key", Some(secret));
        set(cache, "session_token", environment("AWS_SESSION_TOKEN"));
    }
}

#[cfg(test)]
mod tests;
