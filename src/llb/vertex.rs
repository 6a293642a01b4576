//! Vertices and edges: an op's canonical bytes, its digest, and the outputs other ops consume.
//!
//! A `Vertex` is encoded when it is created; its inputs were before it. An [`Output`] is a cheap
//! handle on one of its results, or scratch, the empty filesystem, which is no vertex at all.
//!
//! Canonical bytes are what Go's deterministic protobuf marshaller writes. It puts the members of
//! a oneof after all plain fields, where prost sorts them by field number, so an op is encoded in
//! two parts. Source: `google.golang.org/protobuf` `internal/order`, BuildKit
//! `solver/llbsolver/vertex.go` (`recomputeDigests`).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use buildkit_proto::pb;
use bytes::Bytes;
use prost::Message;

use super::digest::Digest;
use super::metadata::Metadata;
use crate::oci::Platform;

/// The index by which an op refers to an empty input.
pub(super) const EMPTY_INPUT: i64 = -1;

/// One result of a vertex, or scratch.
#[derive(Clone, Default)]
pub struct Output(Option<Edge>);

/// An output that is not scratch.
#[derive(Clone)]
pub(super) struct Edge {
    vertex: Arc<Vertex>,
    index: u32,
}

/// An encoded op with what belongs to it.
pub(super) struct Vertex {
    digest: Digest,
    bytes: Bytes,
    inputs: Vec<Edge>,
    metadata: Metadata,
    capabilities: Vec<&'static str>,
}

/// Everything a vertex is made from.
pub(super) struct Draft {
    pub(super) op: pb::op::Op,
    pub(super) inputs: Inputs,
    /// Only for ops that run or resolve per platform; the Go client clears it on all others.
    pub(super) platform: Option<Platform>,
    pub(super) filters: Vec<String>,
    pub(super) metadata: Metadata,
    pub(super) capabilities: Vec<&'static str>,
}

impl Draft {
    /// Returns a draft with neither platform nor worker filters.
    pub(super) fn new(op: pb::op::Op, inputs: Inputs, metadata: Metadata) -> Self {
        Self {
            op,
            inputs,
            platform: None,
            filters: Vec::new(),
            metadata,
            capabilities: Vec::new(),
        }
    }

    /// Encodes the op and returns the handle on its first output.
    pub(super) fn finish(self) -> Output {
        let inputs = self.inputs.0;
        let bytes = canonical_bytes(
            pb::Op {
                inputs: inputs.iter().map(Edge::to_pb).collect(),
                platform: self.platform.map(platform_to_pb),
                constraints: Some(pb::WorkerConstraints {
                    filter: self.filters,
                }),
                op: None,
            },
            Some(self.op),
        );
        Output(Some(Edge {
            vertex: Arc::new(Vertex {
                digest: Digest::of(&bytes),
                bytes,
                inputs,
                metadata: self.metadata,
                capabilities: self.capabilities,
            }),
            index: 0,
        }))
    }
}

/// Encodes an op as Go does: plain fields first, the oneof last.
pub(super) fn canonical_bytes(plain: pb::Op, op: Option<pb::op::Op>) -> Bytes {
    let arm = pb::Op {
        op,
        ..pb::Op::default()
    };
    let mut bytes = plain.encode_to_vec();
    bytes.reserve(arm.encoded_len());
    // Concatenated encodings of one message type decode as the merged message.
    bytes.extend(arm.encode_to_vec());
    bytes.into()
}

fn platform_to_pb(platform: Platform) -> pb::Platform {
    pb::Platform {
        architecture: platform.architecture,
        os: platform.os,
        variant: platform.variant.unwrap_or_default(),
        os_version: String::new(),
        os_features: Vec::new(),
    }
}

/// The inputs of an op under construction, addressed by position.
#[derive(Default)]
pub(super) struct Inputs(Vec<Edge>);

impl Inputs {
    /// Returns the position of `output`, adding it unless it is there already.
    pub(super) fn intern(&mut self, output: &Output) -> i64 {
        let Some(edge) = &output.0 else {
            return EMPTY_INPUT;
        };
        let known = self.0.iter().position(|known| known.key() == edge.key());
        match known {
            Some(position) => position as i64,
            None => self.push(output),
        }
    }

    /// Returns the position of `output`, added even if it is there already.
    pub(super) fn push(&mut self, output: &Output) -> i64 {
        let Some(edge) = &output.0 else {
            return EMPTY_INPUT;
        };
        self.0.push(edge.clone());
        self.0.len() as i64 - 1
    }

    /// Returns how many inputs there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Output {
    /// Returns the empty filesystem.
    #[must_use]
    pub fn scratch() -> Self {
        Self(None)
    }

    /// Returns whether this is the empty filesystem.
    #[must_use]
    pub fn is_scratch(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the digest of the vertex behind this output; `None` for scratch.
    ///
    /// Progress events and errors name vertices by it.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.0.as_ref().map(|edge| edge.vertex.digest)
    }

    /// Returns what tells this output from every other one: its vertex, whose digest follows from
    /// all that is above it, and which of its outputs it is; `None` for scratch.
    #[must_use]
    pub fn identity(&self) -> Option<(Digest, u32)> {
        self.0.as_ref().map(Edge::key)
    }

    /// Returns another output of the same vertex; the op has to expose it.
    pub(super) fn sibling(&self, index: u32) -> Self {
        Self(self.0.as_ref().map(|edge| Edge {
            vertex: Arc::clone(&edge.vertex),
            index,
        }))
    }

    pub(super) fn edge(&self) -> Option<&Edge> {
        self.0.as_ref()
    }
}

impl Edge {
    pub(super) fn vertex(&self) -> &Vertex {
        &self.vertex
    }

    /// Returns the wire form.
    pub(super) fn to_pb(&self) -> pb::Input {
        pb::Input {
            digest: self.vertex.digest.to_string(),
            index: i64::from(self.index),
        }
    }

    fn key(&self) -> (Digest, u32) {
        (self.vertex.digest, self.index)
    }
}

impl Vertex {
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(super) fn inputs(&self) -> &[Edge] {
        &self.inputs
    }

    pub(super) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(super) fn capabilities(&self) -> &[&'static str] {
        &self.capabilities
    }
}

impl Drop for Vertex {
    /// Drops a chain of vertices without a stack frame for each.
    fn drop(&mut self) {
        let mut orphans = std::mem::take(&mut self.inputs);
        while let Some(edge) = orphans.pop() {
            if let Some(mut vertex) = Arc::into_inner(edge.vertex) {
                orphans.append(&mut vertex.inputs);
            }
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(edge) => write!(f, "Output({}[{}])", edge.vertex.digest, edge.index),
            None => f.write_str("Output(scratch)"),
        }
    }
}

/// Outputs are equal if they denote the same content: the same op bytes and index.
impl PartialEq for Output {
    fn eq(&self, other: &Self) -> bool {
        self.edge().map(Edge::key) == other.edge().map(Edge::key)
    }
}

impl Eq for Output {}

impl Hash for Output {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.edge().map(Edge::key).hash(state);
    }
}
