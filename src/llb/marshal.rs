//! From an output to its [`Definition`].
//!
//! Vertices leave in post-order (inputs before users), each distinct digest once, then the
//! terminal op that names the target. Everything is already encoded, so this is one walk over the
//! vertices, and outputs that share a subgraph share its bytes. Source: BuildKit
//! `client/llb/state.go` (`marshal`).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use buildkit_proto::pb;
use prost::Message;

use super::definition::Definition;
use super::digest::Digest;
use super::metadata;
use super::sourcemap::Collector;
use super::vertex::{Edge, Output, Vertex};

impl Output {
    /// Returns the definition that makes this output; an empty one for scratch.
    #[must_use]
    pub fn marshal(&self) -> Definition {
        let Some(target) = self.edge() else {
            return Definition::default();
        };
        let mut ops = Vec::new();
        let mut emitted = BTreeSet::new();
        let mut entries: BTreeMap<Digest, pb::OpMetadata> = BTreeMap::new();
        let mut sources = Collector::default();
        for vertex in post_order(target) {
            let metadata = vertex.metadata();
            metadata.merge_into(
                entries.entry(vertex.digest()).or_default(),
                vertex.capabilities(),
            );
            sources.add(vertex.digest(), metadata.locations());
            if emitted.insert(vertex.digest()) {
                ops.push(vertex.bytes().clone());
            }
        }
        let terminal = pb::Op {
            inputs: vec![target.to_pb()],
            ..pb::Op::default()
        }
        .encode_to_vec();
        let terminal_entry = metadata::terminal(entries.values());
        entries.insert(Digest::of(&terminal), terminal_entry);
        ops.push(terminal.into());
        Definition::assemble(ops, entries, sources.finish())
    }
}

/// Returns the vertices below an edge, each after its inputs, without recursion: a graph may be
/// deeper than the stack.
fn post_order(target: &Edge) -> Vec<&Vertex> {
    let mut order = Vec::new();
    let mut seen: HashSet<*const Vertex> = HashSet::new();
    let mut path = Vec::new();
    seen.insert(target.vertex());
    path.push((target.vertex(), target.vertex().inputs().iter()));
    while let Some((vertex, rest)) = path.last_mut() {
        match rest.next() {
            Some(edge) if seen.insert(edge.vertex()) => {
                path.push((edge.vertex(), edge.vertex().inputs().iter()));
            }
            Some(_) => {}
            None => {
                order.push(*vertex);
                path.pop();
            }
        }
    }
    order
}
