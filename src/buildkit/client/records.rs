//! What a daemon stores, and its removal.
//!
//! Source: BuildKit `client/{diskusage,prune}.go`; the filter syntax is containerd's.

use std::time::Duration;

use buildkit_proto::moby::buildkit::v1 as wire;
use futures_util::{Stream, StreamExt as _, stream};
use jiff::Timestamp;

use super::Client;
use crate::buildkit::error::Error;
use crate::buildkit::time;

/// A snapshot or cache mount that a daemon keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRecord {
    /// Its id.
    pub id: String,
    /// Size in bytes.
    pub size: u64,
    /// Whether it is still written to.
    pub mutable: bool,
    /// Whether a build uses it now.
    pub in_use: bool,
    /// Whether several records share its bytes.
    pub shared: bool,
    /// `regular`, `internal`, `frontend`, `source.local`, `source.git.checkout` or
    /// `exec.cachemount`.
    pub record_type: String,
    /// What made it.
    pub description: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When a build last used it.
    pub last_used: Option<Timestamp>,
    /// How many builds used it.
    pub usage_count: u64,
    /// Ids of the records it builds on.
    pub parents: Vec<String>,
}

/// What to remove; nothing is exempt unless said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prune {
    /// Filters in containerd's syntax, e.g. `type==exec.cachemount`; any of them may match.
    pub filters: Vec<String>,
    /// Includes internal, frontend and shared records.
    pub all: bool,
    /// Keeps what was used within this time.
    pub keep_duration: Duration,
    /// Bytes that are always left to the cache.
    pub reserved_space: u64,
    /// Bytes that the cache may take at most.
    pub max_used_space: u64,
    /// Bytes that shall be free on the disk.
    pub min_free_space: u64,
}

impl Client {
    /// Returns the daemon's records that pass any of `filters`; all of them if there are none.
    ///
    /// # Errors
    /// The daemon is gone or refuses a filter.
    pub async fn disk_usage(&self, filters: Vec<String>) -> Result<Vec<UsageRecord>, Error> {
        let request = wire::DiskUsageRequest {
            filter: filters,
            age_limit: 0,
        };
        match self.control().disk_usage(request).await {
            Ok(answer) => Ok(answer
                .into_inner()
                .record
                .into_iter()
                .map(UsageRecord::from)
                .collect()),
            Err(status) => Err(self.error(status).await),
        }
    }

    /// Removes records, and yields each one when it is gone.
    ///
    /// # Errors
    /// The daemon is gone or refuses; the stream's last item then says so.
    pub async fn prune(
        &self,
        prune: Prune,
    ) -> Result<impl Stream<Item = Result<UsageRecord, Error>> + Send, Error> {
        let records = match self.control().prune(wire::PruneRequest::from(prune)).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Err(self.error(status).await),
        };
        let client = self.clone();
        Ok(stream::unfold(Some(records), move |records| {
            let client = client.clone();
            async move {
                let mut records = records?;
                match records.next().await? {
                    Ok(record) => Some((Ok(UsageRecord::from(record)), Some(records))),
                    Err(status) => Some((Err(client.error(status).await), None)),
                }
            }
        }))
    }
}

impl From<Prune> for wire::PruneRequest {
    fn from(prune: Prune) -> Self {
        Self {
            filter: prune.filters,
            all: prune.all,
            keep_duration: i64::try_from(prune.keep_duration.as_nanos()).unwrap_or(i64::MAX),
            reserved_space: saturate(prune.reserved_space),
            max_used_space: saturate(prune.max_used_space),
            min_free_space: saturate(prune.min_free_space),
        }
    }
}

impl From<wire::types::GcPolicy> for Prune {
    fn from(policy: wire::types::GcPolicy) -> Self {
        let bytes = |bytes| u64::try_from(bytes).unwrap_or_default();
        Self {
            filters: policy.filters,
            all: policy.all,
            keep_duration: Duration::from_nanos(bytes(policy.keep_duration)),
            reserved_space: bytes(policy.reserved_space),
            max_used_space: bytes(policy.max_used_space),
            min_free_space: bytes(policy.min_free_space),
        }
    }
}

fn saturate(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl From<wire::UsageRecord> for UsageRecord {
    fn from(record: wire::UsageRecord) -> Self {
        Self {
            id: record.id,
            size: u64::try_from(record.size).unwrap_or_default(),
            mutable: record.mutable,
            in_use: record.in_use,
            shared: record.shared,
            record_type: record.record_type,
            description: record.description,
            created: record.created_at.and_then(time::from_wire),
            last_used: record.last_used_at.and_then(time::from_wire),
            usage_count: u64::try_from(record.usage_count).unwrap_or_default(),
            parents: record.parents,
        }
    }
}
