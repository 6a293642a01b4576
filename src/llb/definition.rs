//! A definition: encoded ops, metadata by digest, source map.
//!
//! What enters is the result of [`Output::marshal`](super::Output::marshal) or foreign bytes; what
//! leaves are bytes for `buildctl build`, the message for a solve request, and the vertices for
//! display. The last op is the terminal one, which names the target. A definition without ops is
//! scratch. Source: BuildKit `client/llb/definition.go`, `solver/llbsolver/vertex.go` (`loadLLB`).

use std::collections::{BTreeMap, BTreeSet};

use buildkit_proto::pb;
use bytes::Bytes;
use prost::Message;

use super::caps;
use super::digest::Digest;

/// A marshalled graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    ops: Vec<Op>,
    metadata: BTreeMap<Digest, pb::OpMetadata>,
    source: Option<pb::Source>,
}

/// One op, with the digest of its bytes.
#[derive(Clone, Debug, PartialEq)]
struct Op {
    digest: Digest,
    bytes: Bytes,
}

/// One vertex of a definition, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct VertexView<'a> {
    /// sha256 of `bytes`.
    pub digest: Digest,
    /// The op as it is sent.
    pub bytes: &'a Bytes,
    /// The op decoded; without an arm it is the terminal op, or of a kind newer than this crate.
    pub op: pb::Op,
    /// Its metadata, if the definition has any for it.
    pub metadata: Option<&'a pb::OpMetadata>,
}

impl VertexView<'_> {
    /// Returns identifier and attributes of a source; none of another op.
    #[must_use]
    pub fn source(&self) -> Option<(String, BTreeMap<String, String>)> {
        match &self.op.op {
            Some(pb::op::Op::Source(source)) => Some((
                source.identifier.clone(),
                source.attrs.clone().into_iter().collect(),
            )),
            _ => None,
        }
    }
}

/// Why bytes are not a definition that buildkitd would load.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not the protobuf message.
    #[error("not an LLB definition")]
    Message(#[source] prost::DecodeError),
    /// An op is not the protobuf message.
    #[error("op {position} of the definition is malformed")]
    Op {
        /// Its position, counted from 0.
        position: usize,
        /// What the decoder said.
        #[source]
        source: prost::DecodeError,
    },
    /// A metadata key is no digest.
    #[error("metadata of the definition has a malformed key")]
    MetadataKey(#[source] super::digest::DigestError),
    /// An op names an input that is not in the definition.
    #[error("op {position} of the definition has no input {digest:?}")]
    MissingInput {
        /// Its position, counted from 0.
        position: usize,
        /// The input's digest as written.
        digest: String,
    },
    /// The last op is not one that names a target.
    #[error("the last op of the definition does not name a target")]
    NoTarget,
}

impl Definition {
    pub(super) fn assemble(
        ops: Vec<Bytes>,
        metadata: BTreeMap<Digest, pb::OpMetadata>,
        source: Option<pb::Source>,
    ) -> Self {
        let ops = ops.into_iter().map(|bytes| Op {
            digest: Digest::of(&bytes),
            bytes,
        });
        Self {
            ops: ops.collect(),
            metadata,
            source,
        }
    }

    /// Decodes the bytes of a definition, e.g. of [`Definition::to_bytes`] or `buildctl`.
    ///
    /// # Errors
    /// The bytes are malformed, or buildkitd would refuse to load them.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_pb(pb::Definition::decode(bytes).map_err(DecodeError::Message)?)
    }

    /// Takes the message of a solve request.
    ///
    /// # Errors
    /// It is malformed, or buildkitd would refuse to load it.
    pub fn from_pb(message: pb::Definition) -> Result<Self, DecodeError> {
        let metadata = message.metadata.into_iter().map(|(key, entry)| {
            let digest = key.parse().map_err(DecodeError::MetadataKey)?;
            Ok((digest, entry))
        });
        let definition = Self::assemble(
            message.def.into_iter().map(Bytes::from).collect(),
            metadata.collect::<Result<_, DecodeError>>()?,
            message.source,
        );
        definition.validate()?;
        Ok(definition)
    }

    /// Checks what the accessors rely on: every op decodes, inputs exist, the last op is terminal.
    fn validate(&self) -> Result<(), DecodeError> {
        let digests: BTreeSet<String> = self.ops.iter().map(|op| op.digest.to_string()).collect();
        let mut last = None;
        for (position, op) in self.ops.iter().enumerate() {
            let decoded = pb::Op::decode(op.bytes.clone())
                .map_err(|source| DecodeError::Op { position, source })?;
            for input in &decoded.inputs {
                if !digests.contains(&input.digest) {
                    return Err(DecodeError::MissingInput {
                        position,
                        digest: input.digest.clone(),
                    });
                }
            }
            last = Some(decoded);
        }
        match last {
            Some(op) if op.op.is_some() || op.inputs.is_empty() => Err(DecodeError::NoTarget),
            _ => Ok(()),
        }
    }

    /// Returns whether this is the empty filesystem.
    #[must_use]
    pub fn is_scratch(&self) -> bool {
        self.ops.is_empty()
    }

    /// Returns the vertices in order, without the terminal op.
    pub fn vertices(&self) -> impl Iterator<Item = VertexView<'_>> {
        self.all_ops().take(self.ops.len().saturating_sub(1))
    }

    /// Returns every op in order, the terminal one last.
    pub fn all_ops(&self) -> impl Iterator<Item = VertexView<'_>> {
        self.ops.iter().filter_map(|op| {
            // Both constructors vouch for the bytes, so nothing is ever left out here.
            let decoded = pb::Op::decode(op.bytes.clone()).ok()?;
            Some(VertexView {
                digest: op.digest,
                bytes: &op.bytes,
                op: decoded,
                metadata: self.metadata.get(&op.digest),
            })
        })
    }

    /// Returns the same graph with every op but the sources run whatever the cache holds. Digests
    /// stay as they are.
    #[must_use]
    pub fn ignoring_cache(mut self) -> Self {
        let ignored = self
            .vertices()
            .filter(|vertex| !matches!(vertex.op.op, Some(pb::op::Op::Source(_)) | None));
        let ignored: Vec<Digest> = ignored.map(|vertex| vertex.digest).collect();
        for digest in ignored {
            self.metadata.entry(digest).or_default().ignore_cache = true;
        }
        if let Some(terminal) = self.ops.last() {
            let entry = self.metadata.entry(terminal.digest).or_default();
            entry.caps.insert(caps::META_IGNORE_CACHE.to_owned(), true);
        }
        self
    }

    /// Returns the metadata by digest, the terminal op's included.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<Digest, pb::OpMetadata> {
        &self.metadata
    }

    /// Returns the source map.
    #[must_use]
    pub fn source(&self) -> Option<&pb::Source> {
        self.source.as_ref()
    }

    /// Returns the message for a solve request.
    #[must_use]
    pub fn to_pb(&self) -> pb::Definition {
        let metadata = self.metadata.iter();
        pb::Definition {
            def: self.ops.iter().map(|op| op.bytes.to_vec()).collect(),
            metadata: metadata
                .map(|(digest, entry)| (digest.to_string(), entry.clone()))
                .collect(),
            source: self.source.clone(),
        }
    }

    /// Returns the encoded message, the same bytes for the same graph: what `buildctl build` reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_pb().encode_to_vec()
    }
}

impl From<&Definition> for pb::Definition {
    fn from(definition: &Definition) -> Self {
        definition.to_pb()
    }
}
