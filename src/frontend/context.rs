//! Where the caller's files are, and those that decide about all others: manifest, its lock file and
//! the ignore file.

use crate::buildkit::error::Error as WireError;
use crate::buildkit::gateway::{Gateway, Reference, References, Solve};
use crate::llb::{self, Differ, Digest, Local, Metadata, Output};
use crate::project::ignore::{IgnoreError, IgnoreMatcher, SHARED_NAME};
use crate::project::lock::{self, Lock};
use crate::project::manifest::Document;
use crate::project::tree::TreePath;

use super::failure::FrontendError;
use super::options::Options;
use super::remote;

/// Name of the local source that is the build context.
const CONTEXT: &str = "context";

/// The caller's files.
pub struct Context {
    /// The project, without what is ignored.
    pub root: Output,
    /// What is ignored.
    pub ignored: IgnoreMatcher,
    /// The manifest; none if there is none.
    pub document: Option<Document>,
    /// What the manifest's lock file says, if there is one.
    pub lock: Option<Lock>,
    /// The vertex that the manifest comes from, which warnings are attached to.
    pub vertex: Option<Digest>,
}

impl Context {
    /// Finds the caller's files.
    ///
    /// # Errors
    /// The session does not serve them, or the named manifest is not there.
    pub async fn find(
        gateway: &Gateway,
        options: &Options,
        session: &str,
    ) -> Result<Self, FrontendError> {
        if let Some(address) = &options.context {
            let root = remote::checkout(address, &options.subfolder)?;
            return Self::read(gateway, options, root.clone(), &root, |_| Ok(root.clone())).await;
        }
        let name = options.manifest();
        let served = |source: &str| options.sessions.get(source).map_or(session, String::as_str);
        let source = &options.manifest_source;
        let beside = [lock::file_name(name), own_ignore_file(name)];
        let manifest = files(source, name, &beside)
            .session(served(source))
            .shared_key_hint(source)
            .build()?;
        let ignore = files(CONTEXT, SHARED_NAME, &[])
            .session(served(CONTEXT))
            .shared_key_hint(format!("{CONTEXT}-{SHARED_NAME}"))
            .build()?;
        Self::read(gateway, options, manifest, &ignore, |ignored| {
            Local::new(CONTEXT)
                .session(served(CONTEXT))
                .exclude([".git"])
                .exclude(ignored.patterns().iter().cloned())
                .shared_key_hint(CONTEXT)
                .metadata(Metadata::named("load build context"))
                .build()
        })
        .await
    }

    async fn read(
        gateway: &Gateway,
        options: &Options,
        manifest: Output,
        ignore: &Output,
        root: impl FnOnce(&IgnoreMatcher) -> Result<Output, llb::Error>,
    ) -> Result<Self, FrontendError> {
        let name = options.manifest();
        let (named, shared) = tokio::try_join!(solve(gateway, &manifest), solve(gateway, ignore))?;
        let (own, lock_name) = (own_ignore_file(name), lock::file_name(name));
        let (text, lock, own_patterns, patterns) = tokio::try_join!(
            file(gateway, &named, name),
            file(gateway, &named, &lock_name),
            file(gateway, &named, &own),
            file(gateway, &shared, SHARED_NAME),
        )?;
        let document = match (text, &options.filename) {
            (Some(text), _) => Some(Document::new(name, &utf8(name, text)?)),
            (None, None) => None,
            (None, Some(name)) => return Err(FrontendError::NoManifest(name.clone())),
        };
        let patterns = match own_patterns {
            Some(own_patterns) => Some((own, own_patterns)),
            None => patterns.map(|patterns| (SHARED_NAME.to_owned(), patterns)),
        };
        let ignored = match patterns {
            None => IgnoreMatcher::default(),
            Some((path, patterns)) => {
                let text = utf8(&path, patterns)?;
                IgnoreMatcher::parse(&text).map_err(|source| IgnoreError::Pattern {
                    path: TreePath::new(&path),
                    source,
                })?
            }
        };
        Ok(Self {
            lock: lock.map(|lock| parsed(&lock_name, lock)).transpose()?,
            root: root(&ignored)?,
            ignored,
            document,
            vertex: manifest.digest(),
        })
    }
}

/// Returns a source of single files. One that is a link comes with what it leads to, which
/// reading it then finds.
fn files(source: &str, name: &str, beside: &[String]) -> Local {
    Local::new(source)
        .follow([name])
        .follow(beside.iter().cloned())
        .differ(Differ::None)
        .metadata(Metadata::named(format!("load {name}")))
}

/// Returns the name of the ignore file of one manifest.
fn own_ignore_file(manifest: &str) -> String {
    format!("{manifest}{SHARED_NAME}")
}

fn parsed(name: &str, content: Vec<u8>) -> Result<Lock, FrontendError> {
    let text = utf8(name, content)?;
    Lock::parse(name, &text).map_err(|error| FrontendError::manifest(&error))
}

fn utf8(path: &str, content: Vec<u8>) -> Result<String, FrontendError> {
    String::from_utf8(content).map_err(|_| FrontendError::NotText(path.to_owned()))
}

/// Solves a graph of one file system.
pub(super) async fn solve(gateway: &Gateway, root: &Output) -> Result<Reference, WireError> {
    let solved = gateway
        .solve(Solve::definition(root.marshal().to_pb()))
        .await?;
    Ok(match solved.references {
        References::Single(reference) => reference,
        References::PerPlatform(references) => references.into_values().next().unwrap_or_default(),
    })
}

/// Reads a file that may be missing.
async fn file(
    gateway: &Gateway,
    reference: &Reference,
    path: &str,
) -> Result<Option<Vec<u8>>, WireError> {
    let missing = |error: &WireError| {
        // The system's words; the code is that of any error.
        let daemon = error.daemon();
        daemon.is_some_and(|daemon| daemon.message.contains("no such file or directory"))
    };
    match gateway.read_file(reference, path).await {
        Ok(content) => Ok(Some(content)),
        Err(error) if missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_links_come_with_what_they_lead_to() {
        let source = files("context", "goimage.toml", &["goimage.lock".to_owned()]);
        let json = source.build().unwrap().marshal().to_json().to_string();
        let followed = r#"[\"goimage.toml\",\"goimage.lock\"]"#;
        assert!(json.contains("local.followpaths"), "{json}");
        assert!(json.contains(followed), "{json}");
        assert!(!json.contains("local.includepattern"), "{json}");
    }
}
