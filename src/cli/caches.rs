//! The flags of caches.

use clap::Args;

use crate::error::{Error, Kind};
use crate::oci::cache::{self, CacheError, Direction, RemoteCache};
use crate::pipeline::caches::{Caches, Defaults};

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
    /// Run every step, and empty the build cache it sees first, whatever the builder has
    #[arg(long)]
    pub(super) no_cache: bool,
}

/// The caches that were named.
#[derive(Debug)]
pub(super) struct Named {
    from: Vec<RemoteCache>,
    to: Vec<RemoteCache>,
}

impl CacheArgs {
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
    /// Completes them with what this machine knows.
    pub(super) fn complete(&self, defaults: &Defaults) -> Caches {
        let environment = |name: &str| std::env::var(name).ok();
        Caches::new(&self.from, &self.to, defaults, &environment)
    }
}
