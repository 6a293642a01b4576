//! The typed details that BuildKit attaches to an error.
//!
//! Serialized `google.rpc.Status` enters, [`Details`] leave. Each detail is JSON under a type URL
//! of BuildKit's own (`util/grpcerrors/grpcerrors.go`, `solver/errdefs/errdefs.proto`); unknown
//! ones and unreadable ones are passed over, since they only ever add to a message that stands
//! by itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildkit_proto::google::protobuf::Any;
use buildkit_proto::google::rpc;
use buildkit_proto::pb;
use serde::{Deserialize, Serialize};

const PREFIX: &str = "github.com/moby/buildkit/";

/// What is known of an error besides its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Digest of the vertex that failed.
    pub vertex: Option<String>,
    /// Exit code of the process that failed; none also where the daemon does not know it.
    pub exit_code: Option<u32>,
    /// Places in source files that the error is about, the outermost first.
    pub sources: Vec<SourceExcerpt>,
    /// The failed op as the gateway knows it.
    pub solve: Option<SolveFailure>,
    /// A frontend capability that is missing.
    pub missing_frontend_cap: Option<String>,
    /// A sub-request that the frontend does not know.
    pub unsupported_subrequest: Option<String>,
}

/// A place in a source file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceExcerpt {
    /// The file.
    pub info: SourceInfo,
    /// Where in it.
    pub ranges: Vec<Range>,
}

/// A source file as an error shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceInfo {
    /// Its name.
    pub filename: String,
    /// Its content in base64.
    pub data: String,
    /// Its language, e.g. `Dockerfile`.
    pub language: String,
}

/// A range of lines.
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
    pub line: i32,
    /// Column.
    pub character: i32,
}

impl SourceExcerpt {
    /// Returns an excerpt of lines, counted from 1, of a file with this content.
    #[must_use]
    pub fn lines(filename: &str, content: &str, language: &str, lines: &[(i32, i32)]) -> Self {
        let position = |line| Position { line, character: 0 };
        let ranges = lines.iter().map(|(first, last)| Range {
            start: position(*first),
            end: position(*last),
        });
        Self {
            info: SourceInfo {
                filename: filename.to_owned(),
                data: STANDARD.encode(content),
                language: language.to_owned(),
            },
            ranges: ranges.collect(),
        }
    }

    /// Returns the detail of an error.
    pub(in crate::buildkit) fn to_any(&self) -> Any {
        Any {
            type_url: format!("{PREFIX}errdefs.Source+json"),
            // Texts and numbers: there is nothing here that JSON could not hold.
            value: serde_json::to_vec(self).unwrap_or_default(),
        }
    }
}

impl SourceInfo {
    /// Returns the content; what is no text is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        let data = STANDARD.decode(&self.data).unwrap_or_default();
        String::from_utf8_lossy(&data).into_owned()
    }

    pub(in crate::buildkit) fn to_pb(&self) -> pb::SourceInfo {
        pb::SourceInfo {
            filename: self.filename.clone(),
            data: STANDARD.decode(&self.data).unwrap_or_default(),
            language: self.language.clone(),
            ..pb::SourceInfo::default()
        }
    }
}

impl Range {
    pub(in crate::buildkit) fn to_pb(self) -> pb::Range {
        let position = |position: Position| pb::Position {
            line: position.line,
            character: position.character,
        };
        pb::Range {
            start: Some(position(self.start)),
            end: Some(position(self.end)),
        }
    }
}

/// What a gateway error knows of the failed op.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SolveFailure {
    /// Ids of the op's inputs, usable as mounts of a debug container.
    #[serde(rename = "inputIDs")]
    pub input_ids: Vec<String>,
    /// Ids of the op's mounts as the failure left them.
    #[serde(rename = "mountIDs")]
    pub mount_ids: Vec<String>,
    /// The op's description, `llb.customname` among it.
    pub description: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Vertex {
    digest: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct ExitMessage {
    #[serde(rename = "Code", default)]
    code: u32,
}

/// The exit code that stands for "the process never ran to an end".
const UNKNOWN_EXIT: u32 = 255;

impl Details {
    /// Reads the details of a status.
    #[must_use]
    pub fn of(status: &rpc::Status) -> Self {
        let mut details = Self::default();
        for any in &status.details {
            let kind = any.type_url.strip_prefix(PREFIX).unwrap_or_default();
            details.read(kind, &any.value);
        }
        details
    }

    fn read(&mut self, kind: &str, json: &[u8]) {
        match kind {
            // The innermost vertex is the one that failed; the ones around it waited for it.
            "errdefs.Vertex+json" => replace(&mut self.vertex, parse(json, |v: Vertex| v.digest)),
            "gatewayapi.ExitMessage+json" => {
                let code = parse(json, |exit: ExitMessage| exit.code);
                replace(
                    &mut self.exit_code,
                    code.filter(|&code| code != UNKNOWN_EXIT),
                );
            }
            "errdefs.Source+json" => self.sources.extend(parse(json, |source| source)),
            "errdefs.Solve+json" => replace(&mut self.solve, parse(json, |solve| solve)),
            "errdefs.FrontendCap+json" => {
                replace(
                    &mut self.missing_frontend_cap,
                    parse(json, |cap: Named| cap.name),
                );
            }
            "errdefs.Subrequest+json" => {
                replace(
                    &mut self.unsupported_subrequest,
                    parse(json, |sub: Named| sub.name),
                );
            }
            _ => {}
        }
    }
}

fn replace<T>(place: &mut Option<T>, found: Option<T>) {
    if found.is_some() {
        *place = found;
    }
}

fn parse<T: for<'de> Deserialize<'de>, U>(json: &[u8], take: impl FnOnce(T) -> U) -> Option<U> {
    serde_json::from_slice(json).ok().map(take)
}

#[cfg(test)]
mod tests {
    use buildkit_proto::google::protobuf::Any;

    use super::*;

    fn status(details: &[(&str, &str)]) -> rpc::Status {
        rpc::Status {
            code: 2,
            message: String::new(),
            details: details
                .iter()
                .map(|(kind, json)| Any {
                    type_url: format!("{PREFIX}{kind}"),
                    value: json.as_bytes().to_vec(),
                })
                .collect(),
        }
    }

    #[test]
    fn details_of_a_failed_exec_are_read() {
        let details = Details::of(&status(&[
            ("stack.Stack+json", r#"{"frames":[]}"#),
            ("errdefs.Vertex+json", r#"{"digest":"sha256:aa"}"#),
            (
                "errdefs.Source+json",
                r#"{"info":{"filename":"f","data":"aGVsbG8="},"ranges":[{"start":{"line":3},"end":{"line":4,"character":2}}]}"#,
            ),
            (
                "errdefs.Solve+json",
                r#"{"inputIDs":["a"],"mountIDs":["b"],"op":{"exec":{}},"description":{"llb.customname":"x"},"file":{"index":"2"}}"#,
            ),
            ("gatewayapi.ExitMessage+json", r#"{"Code":7}"#),
        ]));
        assert_eq!(details.vertex.as_deref(), Some("sha256:aa"));
        assert_eq!(details.exit_code, Some(7));
        assert_eq!(details.sources[0].info.filename, "f");
        assert_eq!(details.sources[0].ranges[0].end.character, 2);
        let solve = details.solve.unwrap();
        assert_eq!(
            (solve.input_ids, solve.mount_ids),
            (vec!["a".into()], vec!["b".into()])
        );
        assert_eq!(solve.description["llb.customname"], "x");
    }

    #[test]
    fn an_unknown_exit_and_unreadable_details_are_passed_over() {
        let details = Details::of(&status(&[
            ("gatewayapi.ExitMessage+json", r#"{"Code":255}"#),
            ("errdefs.Vertex+json", "not json"),
            ("errdefs.NoSuchThing+json", "{}"),
        ]));
        assert_eq!(details, Details::default());
    }
}
