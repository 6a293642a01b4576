//! Graphs written by hand, so that the wire is tested without the stages above it.

use std::collections::BTreeMap;

use buildkit_proto::pb;
use gobuild::buildkit::gateway::GatewayResult;
use gobuild::buildkit::gateway::{Reference, References};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// Ops in order, each an input of later ones by its digest.
#[derive(Default)]
pub(crate) struct Graph {
    ops: Vec<Vec<u8>>,
}

impl Graph {
    /// Adds an op and returns its digest.
    pub(crate) fn add(&mut self, op: &pb::Op) -> String {
        let bytes = op.encode_to_vec();
        let digest = digest_of(&bytes);
        self.ops.push(bytes);
        digest
    }

    /// Closes the graph with `target` as its result.
    pub(crate) fn finish(mut self, target: &str) -> pb::Definition {
        let terminal = pb::Op {
            inputs: vec![input(target)],
            ..pb::Op::default()
        };
        let digest = self.add(&terminal);
        pb::Definition {
            def: self.ops,
            metadata: BTreeMap::from([(digest, pb::OpMetadata::default())]),
            source: None,
        }
    }
}

/// Returns the graph of one file on an empty file system.
pub(crate) fn file(path: &str, content: &[u8]) -> pb::Definition {
    let mut graph = Graph::default();
    let digest = graph.add(&mkfile(None, path, content));
    graph.finish(&digest)
}

/// Returns the graph of one file on an image.
pub(crate) fn file_on(image: &pb::Op, path: &str, content: &[u8]) -> pb::Definition {
    let mut graph = Graph::default();
    let base = graph.add(image);
    let digest = graph.add(&mkfile(Some(&base), path, content));
    graph.finish(&digest)
}

fn mkfile(base: Option<&str>, path: &str, content: &[u8]) -> pb::Op {
    pb::Op {
        inputs: base.into_iter().map(input).collect(),
        op: Some(pb::op::Op::File(pb::FileOp {
            actions: vec![pb::FileAction {
                input: if base.is_some() { 0 } else { -1 },
                secondary_input: -1,
                output: 0,
                action: Some(pb::file_action::Action::Mkfile(pb::FileActionMkFile {
                    path: path.to_owned(),
                    mode: 0o644,
                    data: content.to_vec(),
                    owner: None,
                    timestamp: 0,
                })),
            }],
        })),
        ..pb::Op::default()
    }
}

/// Returns the graph of a layout's image, served by `session` from its store `store`.
pub(crate) fn oci_layout(digest: &str, store: &str, session: &str) -> pb::Definition {
    let mut graph = Graph::default();
    let source = graph.add(&layout_source(digest, store, session));
    graph.finish(&source)
}

/// Returns the graph of a command on a layout's image; `nonce` makes it a new one each time.
pub(crate) fn exec(image: &pb::Op, args: &[&str], nonce: &str) -> pb::Definition {
    let mut graph = Graph::default();
    let base = graph.add(image);
    let run = graph.add(&pb::Op {
        inputs: vec![input(&base)],
        op: Some(pb::op::Op::Exec(pb::ExecOp {
            meta: Some(pb::Meta {
                args: args.iter().map(|&arg| arg.to_owned()).collect(),
                env: vec![format!("NONCE={nonce}")],
                cwd: "/".to_owned(),
                ..pb::Meta::default()
            }),
            mounts: vec![pb::Mount {
                dest: "/".to_owned(),
                ..pb::Mount::default()
            }],
            ..pb::ExecOp::default()
        })),
        platform: Some(platform()),
        ..pb::Op::default()
    });
    graph.finish(&run)
}

/// Returns the graph of a copy of the whole local source `name` that `session` serves;
/// `nonce` makes it a new one each time.
pub(crate) fn copy_local(name: &str, session: &str, nonce: &str) -> pb::Definition {
    let mut graph = Graph::default();
    let source = graph.add(&pb::Op {
        op: Some(pb::op::Op::Source(pb::SourceOp {
            identifier: format!("local://{name}"),
            attrs: BTreeMap::from([
                ("local.session".to_owned(), session.to_owned()),
                ("local.sharedkeyhint".to_owned(), name.to_owned()),
                ("local.unique".to_owned(), nonce.to_owned()),
            ]),
        })),
        ..pb::Op::default()
    });
    let copy = graph.add(&pb::Op {
        inputs: vec![input(&source)],
        op: Some(pb::op::Op::File(pb::FileOp {
            actions: vec![pb::FileAction {
                input: -1,
                secondary_input: 0,
                output: 0,
                action: Some(pb::file_action::Action::Copy(pb::FileActionCopy {
                    src: "/".to_owned(),
                    dest: "/".to_owned(),
                    mode: -1,
                    dir_copy_contents: true,
                    timestamp: -1,
                    ..pb::FileActionCopy::default()
                })),
            }],
        })),
        ..pb::Op::default()
    });
    graph.finish(&copy)
}

/// Returns the source of a layout's image.
pub(crate) fn layout_source(digest: &str, store: &str, session: &str) -> pb::Op {
    pb::Op {
        op: Some(pb::op::Op::Source(pb::SourceOp {
            identifier: format!("oci-layout://test/{store}@{digest}"),
            attrs: BTreeMap::from([
                ("oci.session".to_owned(), session.to_owned()),
                ("oci.store".to_owned(), store.to_owned()),
            ]),
        })),
        platform: Some(platform()),
        ..pb::Op::default()
    }
}

/// Returns the one reference of a result.
pub(crate) fn single(result: &GatewayResult) -> &Reference {
    match &result.references {
        References::Single(reference) => reference,
        References::PerPlatform(_) => panic!("a result of one platform was expected"),
    }
}

/// Returns a digest as BuildKit spells it.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("sha256:{hex}")
}

fn input(digest: &str) -> pb::Input {
    pb::Input {
        digest: digest.to_owned(),
        index: 0,
    }
}

fn platform() -> pb::Platform {
    pb::Platform {
        architecture: "amd64".to_owned(),
        os: "linux".to_owned(),
        ..pb::Platform::default()
    }
}
