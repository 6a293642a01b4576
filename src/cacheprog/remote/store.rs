//! Objects of a store, found by a URL.
//!
//! | URL | store |
//! |---|---|
//! | `s3://BUCKET/PREFIX` | S3 and what speaks like it; credentials, region and endpoint from the environment, as AWS' own tools (`AWS_*`), container and instance roles included |
//! | `https://`, `http://` | GET, PUT and DELETE below the URL (WebDAV, nginx, a simple server) |
//! | `file:///FOLDER` | a folder |
//!
//! | object | content |
//! |---|---|
//! | `v1/SCOPE/index` | see [`pack`](crate::cacheprog::pack); SCOPE is the hash of the scope's name |
//! | `v1/SCOPE/packs/HASH` | a pack |

use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3Builder;
use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt as _, RetryConfig};

use super::tls::Connector;
use crate::cacheprog::id::Id;
use crate::cacheprog::pack::{Index, IndexError, MAX_INDEX, PackRef};

/// Bytes a second below which a store costs more than it saves.
const SLOWEST: u64 = 512 << 10;

/// How a store is reached.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Limit of a connection's making and of the index' arrival. Packs have longer, by their size.
    pub patience: Duration,
    /// Bearer token for `http` and `https`.
    pub token: Option<String>,
}

/// A store.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    prefix: Path,
    patience: Duration,
    requests: Arc<AtomicU64>,
}

/// Why a store is of no use.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is none.
    #[error("{url:?} is no address of a store")]
    Address {
        /// What was given.
        url: String,
    },
    /// The address has a password, which would be in messages and is not sent.
    #[error("the address has a password: give a token in GOBUILD_CACHEPROG_TOKEN instead")]
    Password,
    /// Nothing speaks this scheme.
    #[error("a store is s3://, https://, http:// or file://, not {scheme}://")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The store refuses, or does not answer.
    #[error("the store fails")]
    Store(#[from] object_store::Error),
    /// It took too long.
    #[error("the store did not answer in {} s", .0.as_secs())]
    Slow(Duration),
    /// The index is none.
    #[error("the index is not usable")]
    Index(#[from] IndexError),
    /// What the store sends has another length than it should.
    #[error("an object has {0} bytes, which cannot be")]
    Length(u64),
}

/// One scope of a store.
#[derive(Clone, Debug)]
pub(in crate::cacheprog) struct Scope {
    store: Store,
    folder: Path,
}

impl Store {
    /// Opens a store; nothing is sent yet.
    ///
    /// # Errors
    /// The URL names no store, or what the environment says of it is not usable.
    pub fn open(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let address = || StoreError::Address {
            url: url.to_owned(),
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(address)?;
        let (inner, prefix): (Arc<dyn ObjectStore>, Path) = match scheme {
            "s3" => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err(address());
                }
                (Arc::new(s3(bucket, options)?), Path::from(prefix))
            }
            "http" | "https" if shown(url) != url => return Err(StoreError::Password),
            "http" | "https" => {
                let url = url.trim_end_matches('/');
                let builder = HttpBuilder::new()
                    .with_url(url)
                    .with_client_options(ClientOptions::new().with_allow_http(true))
                    .with_retry(retry(options))
                    .with_http_connector(Connector {
                        is_secure: scheme == "https",
                        token: options.token.clone(),
                        patience: options.patience,
                    });
                (Arc::new(builder.build()?), Path::default())
            }
            "file" => {
                let folder = FilePath::new(rest);
                if !folder.is_absolute() {
                    return Err(address());
                }
                let store = LocalFileSystem::new_with_prefix(folder)?;
                (Arc::new(store), Path::default())
            }
            scheme => {
                return Err(StoreError::Scheme {
                    scheme: scheme.to_owned(),
                });
            }
        };
        Ok(Self {
            inner,
            prefix,
            patience: options.patience,
            requests: Arc::new(AtomicU64::new(0)),
        })
    }

    /// Returns how many requests were sent.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns how long so many bytes may take.
    pub(in crate::cacheprog) fn patience(&self, bytes: u64) -> Duration {
        self.patience + Duration::from_secs(bytes / SLOWEST)
    }

    /// Returns the part of the store that is one scope's.
    pub(in crate::cacheprog) fn scope(&self, name: &str) -> Scope {
        let hash = Id::of(name.as_bytes()).to_string();
        let folder = self.prefix.clone().join("v1").join(&hash[..32]);
        Scope {
            store: self.clone(),
            folder,
        }
    }

    fn count(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns an address without the name and password that it may have.
#[must_use]
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

impl Scope {
    /// Fetches the index; `None` if there is none yet.
    ///
    /// # Errors
    /// The store fails, or holds something else.
    pub(in crate::cacheprog) async fn index(&self) -> Result<Option<Index>, StoreError> {
        let patience = self.store.patience;
        let fetched = tokio::time::timeout(patience, self.read_index()).await;
        fetched.unwrap_or(Err(StoreError::Slow(patience)))
    }

    async fn read_index(&self) -> Result<Option<Index>, StoreError> {
        self.store.count();
        let found = self
            .store
            .inner
            .get(&self.folder.clone().join("index"))
            .await;
        let found = match found {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found?,
        };
        if found.meta.size > MAX_INDEX as u64 {
            return Err(StoreError::Length(found.meta.size));
        }
        let mut bytes = Vec::new();
        let mut parts = found.into_stream();
        while let Some(part) = parts.next().await {
            bytes.extend_from_slice(&part?);
            if bytes.len() > MAX_INDEX {
                return Err(StoreError::Length(bytes.len() as u64));
            }
        }
        Ok(Some(Index::decode(&bytes)?))
    }

    /// Fetches a pack.
    ///
    /// # Errors
    /// The store fails, or the pack has another length.
    pub(in crate::cacheprog) async fn pack(
        &self,
        pack: &PackRef,
    ) -> Result<BoxStream<'static, object_store::Result<Bytes>>, StoreError> {
        self.store.count();
        let found = self.store.inner.get(&self.pack_path(&pack.digest)).await?;
        if found.meta.size != pack.bytes {
            return Err(StoreError::Length(found.meta.size));
        }
        Ok(found.into_stream())
    }

    /// Stores a pack.
    ///
    /// # Errors
    /// The store fails.
    pub(in crate::cacheprog) async fn put_pack(
        &self,
        digest: &Id,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        self.put(&self.pack_path(digest), bytes).await
    }

    /// Replaces the index.
    ///
    /// # Errors
    /// The store fails.
    pub(in crate::cacheprog) async fn put_index(&self, index: &Index) -> Result<(), StoreError> {
        let path = self.folder.clone().join("index");
        self.put(&path, index.encode()).await
    }

    async fn put(&self, path: &Path, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.store.count();
        let patience = self.store.patience(bytes.len() as u64);
        let put = self.store.inner.put(path, bytes.into());
        match tokio::time::timeout(patience, put).await {
            Ok(put) => Ok(put.map(|_| ())?),
            Err(_) => Err(StoreError::Slow(patience)),
        }
    }

    /// Removes a pack.
    ///
    /// # Errors
    /// The store fails.
    pub(in crate::cacheprog) async fn remove_pack(&self, digest: &Id) -> Result<(), StoreError> {
        self.store.count();
        let path = self.pack_path(digest);
        let removed = self.store.inner.delete(&path);
        let patience = self.store.patience;
        let removed = tokio::time::timeout(patience, removed).await;
        Ok(removed.unwrap_or(Ok(()))?)
    }

    fn pack_path(&self, digest: &Id) -> Path {
        let folder = self.folder.clone().join("packs");
        folder.join(digest.to_string())
    }

    /// Returns the store.
    pub(in crate::cacheprog) fn store(&self) -> &Store {
        &self.store
    }
}

fn s3(bucket: &str, options: &StoreOptions) -> Result<impl ObjectStore, StoreError> {
    use object_store::aws::AmazonS3ConfigKey as Key;
    let builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    let endpoint = builder.get_config_value(&Key::Endpoint);
    let is_plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let has_key = builder.get_config_value(&Key::AccessKeyId).is_some();
    let connector = Connector {
        // A role's credentials may come over TLS.
        is_secure: !is_plain || !has_key,
        token: None,
        patience: options.patience,
    };
    let store = builder
        .with_allow_http(is_plain)
        .with_retry(retry(options))
        .with_http_connector(connector)
        .build()?;
    Ok(store)
}

/// A store that is down is given up soon.
fn retry(options: &StoreOptions) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 1,
        retry_timeout: options.patience,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_refused_and_not_shown() {
        let options = StoreOptions {
            patience: Duration::from_secs(1),
            token: None,
        };
        let url = "https://ci:sesame@cache.test/go";
        let error = Store::open(url, &options).unwrap_err();
        assert!(matches!(error, StoreError::Password), "{error}");
        assert_eq!(shown(url), "https://cache.test/go");
        let plain = "http://cache.test:8080/go/@v1";
        assert_eq!(shown(plain), plain);
        assert!(Store::open(plain, &options).is_ok());
    }
}
