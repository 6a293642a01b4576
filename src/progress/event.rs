//! What happens during a build, as plain data.
//!
//! Enters: BuildKit's `Control.Status` stream, one [`SolveStatus`] per message, and gobuild's own
//! notes ([`Message`], [`ImageDone`]). Leaves: the input of [`State`](super::state::State).
//!
//! Everything in a [`SolveStatus`] is an upsert: a vertex (by digest) or a status (by vertex and
//! id) is sent again whenever it changes, and a completed vertex may start again. Several solves
//! may report the same vertex, each with its own outcome.
//!
//! The serde form of [`SolveStatus`] is BuildKit's client JSON, which is what
//! `buildx --progress=rawjson` prints one line at a time (BuildKit `client/graph.go`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message of a solve's status stream.
    Solve {
        /// The ref of the solve, which tells the reports of concurrent solves apart.
        reference: String,
        /// What changed in it.
        status: SolveStatus,
    },
    /// A line of gobuild's own, e.g. the builder that was chosen.
    Message(Message),
    /// An image is complete.
    ImageDone(ImageDone),
}

/// A line of gobuild's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How much it matters.
    pub level: Level,
    /// One line of text without a line end.
    pub text: String,
    /// When it was said.
    pub timestamp: Timestamp,
}

/// How much a [`Message`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Worth acting on.
    Warning,
}

/// What was done for an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Made {
    /// It was built; no registry has it.
    #[default]
    Built,
    /// It was built and pushed.
    Pushed,
    /// Nothing: its registry has it already.
    Unchanged,
}

impl Made {
    /// Returns what becomes of an image that is built.
    #[must_use]
    pub fn of(is_pushed: bool) -> Self {
        if is_pushed { Self::Pushed } else { Self::Built }
    }
}

/// A finished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDone {
    /// The reference it was named, e.g. `registry.example.com/team/api:latest`.
    pub name: String,
    /// The digest of its manifest or index, `sha256:…`.
    pub digest: String,
    /// What was done.
    pub made: Made,
    /// When it was complete.
    pub timestamp: Timestamp,
}

/// One message of a status stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SolveStatus {
    /// Vertices that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vertexes: Vec<Vertex>,
    /// Transfers and phases that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<Status>,
    /// Output of running vertices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<Log>,
    /// Warnings about vertices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A step of the graph, or a pseudo step such as `exporting to image`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Vertex {
    /// Digest of the op, `sha256:…`; identifies the vertex.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// Digests of the vertices it consumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Display name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When it last started; none while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it last completed, successfully or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<Timestamp>,
    /// Whether its result was taken from the cache.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// Why it failed; empty unless it did.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// The group it is shown as a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress_group: Option<ProgressGroup>,
}

/// Vertices that are shown as one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgressGroup {
    /// Identifies the group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Display name of the whole group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether a member of this kind alone does not make the group visible.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub weak: bool,
}

/// A transfer or phase within a vertex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Identifies the status within its vertex and says what it is.
    pub id: String,
    /// Digest of the vertex.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vertex: String,
    /// Name of the phase; rarely differs from the id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Size of the whole in bytes; 0 if unknown.
    #[serde(skip_serializing_if = "is_zero")]
    pub total: i64,
    /// Bytes so far.
    pub current: i64,
    /// When this was true.
    pub timestamp: Timestamp,
    /// When it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<Timestamp>,
}

/// A raw chunk of a vertex's output, not necessarily whole lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// Digest of the vertex.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vertex: String,
    /// [`STDOUT`] or [`STDERR`].
    #[serde(skip_serializing_if = "is_zero")]
    pub stream: i64,
    /// The bytes as the process wrote them.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub data: Vec<u8>,
    /// When it was written.
    pub timestamp: Timestamp,
}

/// [`Log::stream`] of a process's standard output.
pub const STDOUT: i64 = 1;
/// [`Log::stream`] of a process's standard error.
pub const STDERR: i64 = 2;

/// A warning about a vertex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Warning {
    /// Digest of the vertex.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vertex: String,
    /// Severity; higher is more verbose.
    #[serde(skip_serializing_if = "is_zero")]
    pub level: i64,
    /// What is wrong, in one line.
    #[serde(
        skip_serializing_if = "String::is_empty",
        serialize_with = "to_base64",
        deserialize_with = "text_from_base64"
    )]
    pub short: String,
    /// Further lines.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "lines_to_base64",
        deserialize_with = "lines_from_base64"
    )]
    pub detail: Vec<String>,
    /// Where to read more; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The file it is about.
    #[serde(rename = "sourceInfo", skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceInfo>,
    /// Where in that file.
    #[serde(rename = "range", skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
}

/// A source file a warning points into; its LLB definition is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceInfo {
    /// Name of the file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filename: String,
    /// Its content.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "to_base64",
        deserialize_with = "from_base64"
    )]
    pub data: Vec<u8>,
    /// Its language, e.g. `Dockerfile`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub language: String,
}

/// A range of a source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Range {
    /// First position.
    pub start: Position,
    /// Last position.
    pub end: Position,
}

/// A position in a source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Line, counted from 1.
    #[serde(skip_serializing_if = "is_zero_32")]
    pub line: i32,
    /// Column.
    #[serde(skip_serializing_if = "is_zero_32")]
    pub character: i32,
}

// serde's `skip_serializing_if` passes a reference, whatever the type.
fn is_zero(value: &i64) -> bool {
    *value == 0
}

fn is_zero_32(value: &i32) -> bool {
    *value == 0
}

fn to_base64<S: Serializer>(bytes: &impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    // Go writes a nil slice as null.
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    BASE64.decode(text).map_err(de::Error::custom)
}

fn text_from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    from_base64(deserializer).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn lines_to_base64<S: Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lines.iter().map(|line| BASE64.encode(line)))
}

fn lines_from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Vec::<String>::deserialize(deserializer)?
        .into_iter()
        .map(|line| match BASE64.decode(line) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => Err(de::Error::custom(error)),
        })
        .collect()
}
