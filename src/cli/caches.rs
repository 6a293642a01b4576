//! The flags of caches.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{gocache, settings};
use crate::buildkit::session::ssh::StreamHandler;
use crate::cacheprog::StoreOptions;
use crate::error::{Error, Kind};
use crate::oci::cache::{self, CacheError, Direction, RemoteCache};
use crate::pipeline::caches::{Caches, Defaults};
use crate::pipeline::relay::{self, Wanted};

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which caches
#[derive(Debug, Args)]
pub(super) struct CacheArgs {
    /// Read a remote cache, type=TYPE[,KEY=VALUE...]; repeatable
    ///
    ///   type=registry,ref=NAME       what --cache-to or an inline cache wrote; also: NAME
    ///   type=local,src=DIR           an OCI layout folder [tag=latest] [digest=DIGEST]
    ///   type=gha                     GitHub Actions [scope=NAME] [token, url: from the environment]
    ///   type=s3,bucket=,region=      a bucket [keys: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]
    ///   type=azblob,account_url=     Azure [BUILDKIT_AZURE_STORAGE_ACCOUNT_URL]
    ///
    /// Other keys are attributes of BuildKit's importer of that type. A cache that is not there
    /// is no error.
    #[arg(long, value_name = "CACHE", verbatim_doc_comment)]
    cache_from: Vec<String>,
    /// Write a remote cache of all images and platforms, type=TYPE[,KEY=VALUE...]; repeatable
    ///
    ///   type=registry,ref=NAME       [image-manifest=true] [oci-mediatypes=true]
    ///                                [registry.insecure=false]; also: NAME
    ///   type=local,dest=DIR          [tag=latest] [reset=true: delete what no tag leads to]
    ///   type=inline                  in the config of every image, without steps in between
    ///   type=gha, type=s3, type=azblob   as for --cache-from
    ///
    /// mode=max writes the result of every step, mode=min (the default) just what images hold.
    /// compression=zstd|gzip|estargz|uncompressed [default: that of the images],
    /// compression-level=N and force-compression=true apply to registry and local.
    ///
    /// A cache that cannot be written is a warning; ignore-error=false makes it an error.
    #[arg(long, value_name = "CACHE", verbatim_doc_comment)]
    cache_to: Vec<String>,
    /// Shared store of compiled packages: s3://BUCKET/PREFIX, https://HOST/PATH, file:///DIR
    ///
    /// Steps ask this process for packages that other machines have compiled. S3 takes AWS_*
    /// variables, https a bearer token from GOBUILD_CACHEPROG_TOKEN. A store that fails costs time
    /// and no build.
    #[arg(
        long,
        value_name = "URL",
        env = "GOBUILD_COMPILE_CACHE",
        hide_env_values = true
    )]
    compile_cache: Option<String>,
    /// Whether compiled packages are written to the store
    #[arg(
        long,
        value_enum,
        env = "GOBUILD_COMPILE_CACHE_MODE",
        hide_env_values = true,
        default_value_t = StoreMode::Read
    )]
    compile_cache_mode: StoreMode,
    /// Build cache of this machine that steps may look into: host (GOCACHE), or a folder
    #[arg(long, value_name = "host|DIR")]
    seed_gocache: Option<PathBuf>,
    /// Run every step, and empty the build cache it sees first, whatever the builder has
    #[arg(long)]
    pub(super) no_cache: bool,
}

/// What is done with the shared store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StoreMode {
    /// Read only
    Read,
    /// Read, and write what is new
    ReadWrite,
}

/// The caches that were named.
#[derive(Debug)]
pub(super) struct Named {
    from: Vec<RemoteCache>,
    to: Vec<RemoteCache>,
}

impl CacheArgs {
    /// Tells whether steps ask this process for compiled packages.
    pub(super) fn relays(&self) -> bool {
        self.store().is_some() || self.seed_gocache.is_some()
    }

    /// Tells whether the store of compiled packages is to be written.
    pub(super) fn writes_store(&self) -> bool {
        self.store().is_some() && self.compile_cache_mode == StoreMode::ReadWrite
    }

    fn store(&self) -> Option<&String> {
        self.compile_cache.as_ref().filter(|url| !url.is_empty())
    }

    /// Returns what steps may ask this process for; `scopes` are those of the programs.
    pub(super) fn relay(
        &self,
        scopes: Vec<String>,
    ) -> Result<Option<Arc<dyn StreamHandler>>, Error> {
        let write = self.writes_store();
        let seed = self.seed_gocache.as_deref();
        let host_cache = match seed {
            Some(seed) if seed == Path::new("host") => Some(gocache::of_go()?),
            Some(seed) => {
                let absolute = std::path::absolute(seed);
                Some(absolute.map_err(|error| Error::of(Kind::Usage, &error))?)
            }
            None => None,
        };
        let wanted = Wanted {
            store: self.store().map(|url| (url.clone(), write)),
            options: StoreOptions {
                patience: PATIENCE,
                token: settings::remote_token(),
            },
            scopes,
            host_cache,
            spool: std::env::temp_dir(),
        };
        relay::relay(wanted).map_err(|error| Error::of(Kind::Usage, &error))
    }

    /// Reads the flags.
    pub(super) fn named(&self) -> Result<Named, Error> {
        let read = |values: &[String], direction| {
            cache::parse(values, direction).map_err(|error: CacheError| {
                let hint = error.hint();
                Error::of(Kind::Usage, &error).hinted(hint)
            })
        };
        Ok(Named {
            from: read(&self.cache_from, Direction::Import)?,
            to: read(&self.cache_to, Direction::Export)?,
        })
    }
}

impl Named {
    /// Tells whether some cache is read or written.
    pub(super) fn any(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    /// Returns the caches of one of several nodes: it reads all that any of them wrote, and writes
    /// its own. The first one writes to the places that were named.
    pub(super) fn of_node(&self, node: &str, nodes: &[String]) -> Self {
        let first = nodes.first().is_some_and(|first| first == node);
        let others = nodes.iter().skip(1);
        let written = others.flat_map(|name| self.from.iter().map(|cache| cache.of_node(name)));
        let mut from = self.from.clone();
        for cache in written {
            // What a digest names is the same for every node.
            if !from.contains(&cache) {
                from.push(cache);
            }
        }
        let to = self.to.iter().map(|cache| match first {
            true => cache.clone(),
            false => cache.of_node(node),
        });
        Self {
            from,
            to: to.collect(),
        }
    }

    /// Completes them with what this machine knows.
    pub(super) fn complete(&self, defaults: &Defaults) -> Caches {
        let environment = |name: &str| std::env::var(name).ok();
        Caches::new(&self.from, &self.to, defaults, &environment)
    }
}
