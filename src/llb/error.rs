//! Why an op could not be built.

/// An op that buildkitd would refuse on load, or misread.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An image reference lacks its registry, or both tag and digest.
    #[error(
        "image reference {given:?} is not of the form registry/name:tag or registry/name@digest"
    )]
    ImageReference {
        /// The reference as given.
        given: String,
    },
    /// The name of an OCI layout is not two or more path components.
    #[error("oci-layout name {given:?} is not of the form prefix/name")]
    OciLayoutName {
        /// The name as given.
        given: String,
    },
    /// A content digest is malformed.
    #[error("{source_kind} digest is malformed")]
    Digest {
        /// The kind of source, e.g. `oci-layout`.
        source_kind: &'static str,
        /// What is wrong with it.
        #[source]
        source: super::digest::DigestError,
    },
    /// A local source has no name.
    #[error("local source has an empty name")]
    LocalName,
    /// A URL has a scheme that the source cannot fetch.
    #[error("{source_kind} source cannot fetch {given:?}")]
    Url {
        /// The kind of source, `http` or `git`.
        source_kind: &'static str,
        /// The URL as given, without user information.
        given: String,
    },
    /// An exec has no arguments.
    #[error("exec has no arguments")]
    NoArguments,
    /// The working directory of an exec is relative.
    #[error("working directory {given:?} of exec is not absolute")]
    WorkingDirectory {
        /// The directory as given.
        given: String,
    },
    /// The name of an environment variable is empty or holds `=` or NUL.
    #[error("{given:?} cannot name an environment variable")]
    EnvironmentName {
        /// The name as given.
        given: String,
    },
    /// A mount destination is relative.
    #[error("mount destination {given:?} is not absolute")]
    MountDestination {
        /// The destination as given.
        given: String,
    },
    /// Two mounts of one exec share a destination.
    #[error("two mounts share the destination {destination:?}")]
    DuplicateMount {
        /// The shared destination.
        destination: String,
    },
    /// A cache mount has no id.
    #[error("cache mount {destination:?} has no id")]
    CacheId {
        /// Where the cache was to be mounted.
        destination: String,
    },
    /// Content-based caching was asked of a mount whose changes are an output.
    #[error("writable mount {destination:?} cannot be cached by content")]
    ContentCache {
        /// The mount's destination.
        destination: String,
    },
    /// The exec exposes no output at a destination.
    #[error("exec exposes no output at {destination:?}")]
    NoOutput {
        /// The destination asked for.
        destination: String,
    },
    /// An owner is given by name where there is no passwd file to find it in.
    #[error("owner {name:?} cannot be looked up on an empty root")]
    NamedOwnerOnScratch {
        /// The user or group.
        name: String,
    },
}
