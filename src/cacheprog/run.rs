//! A run from its options to its report.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::core::{Core, said};
use super::gocache::collect::{Collected, Source};
use super::gocache::tidy::{Kept, Removed};
use super::gocache::{Access, FileKind, Tier, TierError};
use super::ledger::{Origin, Use};
use super::link::Link;
use super::protocol::{ProtocolError, response};
use super::remote::revise::Used;
use super::remote::store::StoreOptions;
use super::report::{Report, Traffic};
use super::service::{self, End};

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The tier that is read and written, in the form of GOCACHE.
    pub dir: PathBuf,
    /// Bytes that the tier may have; `None` for no limit.
    pub max_size: Option<u64>,
    /// Read-only tiers, and whether their entries reach the next build otherwise, so that they
    /// need not be in the remote.
    pub seeds: Vec<(PathBuf, bool)>,
    /// Where used entries are collected.
    pub collect: Option<PathBuf>,
    /// The remote.
    pub remote: Option<Remote>,
    /// What is built.
    pub scope: String,
}

/// A remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Address of a store, or `unix://` and the socket of a relay.
    pub url: String,
    /// Whether new entries are written to it.
    pub write: bool,
    /// Limit of the wait for a connection and for the index.
    pub patience: Duration,
    /// Bearer token for `http` and `https`.
    pub token: Option<String>,
}

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The local tier cannot be used.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// What is read is not the protocol.
    #[error("standard input does not speak GOCACHEPROG")]
    Protocol(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Used entries cannot be collected.
    #[error("cannot collect entries")]
    Collect(#[source] io::Error),
}

impl From<ProtocolError> for RunError {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(Box::new(error))
    }
}

/// Serves `go` on `input` and `output` to the end of its build. What people should know at once,
/// such as a store that is down, goes to `say`.
///
/// # Errors
/// The local tier cannot be used, `go` does not speak the protocol, or what was used cannot be
/// collected. `go` is told of the last with the answer to its `close`.
pub fn run(
    options: &Options,
    input: impl Read,
    output: Box<dyn Write + Send>,
    say: fn(&str),
) -> Result<Report, RunError> {
    let has_remote = options.remote.is_some();
    let core = Core::open(&options.dir, &options.seeds, has_remote, output, say)?;
    let core = Arc::new(core);
    let traffic = Arc::new(Traffic::default());
    let link = options.remote.as_ref().and_then(|remote| {
        let store = StoreOptions {
            patience: remote.patience,
            token: remote.token.clone(),
        };
        Link::start(&remote.url, &options.scope, &store, &core, &traffic)
    });
    let end = service::serve(&core, input)?;
    let is_closed = matches!(end, End::Close(_));
    let collected = if is_closed {
        collect(&core, options)
    } else {
        Ok(Collected::default())
    };
    let used = options
        .remote
        .as_ref()
        .filter(|remote| remote.write && is_closed);
    let used = used.map(|_| unshipped(&core));
    let finished = link.map(|link| link.finish(&core, used.as_deref(), &traffic));
    let removed = tidy(&core, options);
    let mut report = Report::of(&core, &options.scope, &traffic);
    report.removed = removed;
    if let Some((published, requests)) = finished {
        report.traffic.published = published;
        report.traffic.requests = requests;
    }
    if let End::Close(id) = end {
        let mut answer = Vec::new();
        match &collected {
            Ok(_) => response::done(&mut answer, id),
            Err(error) => response::failure(&mut answer, id, &said(error)),
        }
        // If `go` has gone, there is nobody to tell.
        let _ = core.send(&answer);
    }
    report.collected = collected?;
    Ok(report)
}

fn collect(core: &Core, options: &Options) -> Result<Collected, RunError> {
    let Some(folder) = &options.collect else {
        return Ok(Collected::default());
    };
    let folder = Tier::open(folder, Access::Fill)?;
    let uses = core.ledger().uses().to_vec();
    let sources: Vec<Source<'_>> = uses
        .iter()
        .map(|used| Source {
            action: used.action,
            output: used.entry.output,
            size: used.entry.size,
            tier: core.tier(used.origin.place()),
        })
        .collect();
    folder.collect(&sources).map_err(RunError::Collect)
}

/// Returns what was used and reaches the next build by the remote alone.
fn unshipped(core: &Core) -> Vec<Used> {
    let is_shipped = |used: &&Use| match used.origin {
        Origin::Tier(place) => {
            let seed = place.0.checked_sub(1).and_then(|seed| core.seeds.get(seed));
            seed.is_some_and(|seed| seed.is_shipped)
        }
        _ => false,
    };
    let ledger = core.ledger();
    let uses = ledger.uses().iter().filter(|used| !is_shipped(used));
    uses.map(|used| Used {
        action: used.action,
        output: used.entry.output,
        size: used.entry.size,
    })
    .collect()
}

fn tidy(core: &Core, options: &Options) -> Removed {
    let added = {
        let ledger = core.ledger();
        ledger.puts.bytes + ledger.remote.bytes + ledger.host.bytes
    };
    let kept = || -> Kept {
        let ledger = core.ledger();
        let files = ledger.uses().iter().flat_map(|used| {
            [
                (used.action, FileKind::Action),
                (used.entry.output, FileKind::Data),
            ]
        });
        files.collect::<HashSet<_>>()
    };
    let removed = core.local.tidy(options.max_size, added, kept);
    removed.unwrap_or_else(|error| {
        let warning = format!("old entries were not removed: {error}");
        core.ledger().warn(warning);
        Removed::default()
    })
}
