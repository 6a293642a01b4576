//! Solving within a build: a graph, or another frontend.

use std::collections::BTreeMap;

use buildkit_proto::moby::buildkit::v1::frontend as wire;
use buildkit_proto::pb;

use super::{Gateway, GatewayResult};
use crate::buildkit::error::Error;
use crate::buildkit::solve::CacheEntry;

/// What to solve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Solve {
    /// A graph; excludes `frontend`.
    pub definition: Option<pb::Definition>,
    /// Another frontend, `dockerfile.v0` or `gateway.v0`; may be empty.
    pub frontend: String,
    /// The frontend's options.
    pub options: BTreeMap<String, String>,
    /// Graphs for the frontend.
    pub inputs: BTreeMap<String, pb::Definition>,
    /// Builds the result before the call returns; otherwise it is lazy and cannot fail yet.
    pub evaluate: bool,
}

impl Solve {
    /// Returns a lazy solve of a graph.
    #[must_use]
    pub fn definition(definition: pb::Definition) -> Self {
        Self {
            definition: Some(definition),
            ..Self::default()
        }
    }

    /// Makes the call wait until the result is built.
    #[must_use]
    pub fn evaluated(mut self) -> Self {
        self.evaluate = true;
        self
    }
}

impl Gateway {
    /// Solves a graph or runs another frontend.
    ///
    /// # Errors
    /// The graph is invalid, or building it fails where [`Solve::evaluate`] is set.
    pub async fn solve(&self, solve: Solve) -> Result<GatewayResult, Error> {
        // The graph of nothing at all: no daemon has to be asked for the empty file system, and
        // it would refuse a definition without ops.
        let scratch = |definition: &pb::Definition| definition.def.is_empty();
        let definition = solve.definition.filter(|definition| !scratch(definition));
        let definition = definition.map(|graph| self.translation.apply(graph));
        let definition = definition.transpose()?;
        let request = self.request(wire::SolveRequest {
            definition,
            frontend: solve.frontend,
            frontend_opt: solve.options.into_iter().collect(),
            allow_result_return: true,
            allow_result_array_ref: true,
            cache_imports: self.cache_imports.iter().map(cache_import).collect(),
            frontend_inputs: solve.inputs.into_iter().collect(),
            evaluate: solve.evaluate,
            ..wire::SolveRequest::default()
        });
        let answer = self.bridge().solve(request).await;
        let result = self.answer(answer).await?.result;
        result.map(GatewayResult::from).ok_or(Error::Incomplete {
            call: "LLBBridge.Solve",
            missing: "result",
        })
    }
}

fn cache_import(entry: &CacheEntry) -> wire::CacheOptionsEntry {
    wire::CacheOptionsEntry {
        r#type: entry.kind.clone(),
        attrs: entry.attributes.clone().into_iter().collect(),
    }
}
