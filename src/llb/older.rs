//! A graph in the terms of a daemon that lacks some of its capabilities.
//!
//! Enters: a definition, and what the daemon can do. Leaves: a definition that makes the same
//! files, or the capability that nothing else stands for.
//!
//! | without | |
//! |---|---|
//! | `mergeop` | copies of whole file systems, one upon the other; the content of each layer stays |
//! | `source.ocilayout` | a `local://` source of the layout's identifier |
//! | `source.local.differ` | the daemon's own comparison with what it was sent before |
//! | `exec.mount.cache.content` | the daemon's own choice, which costs it checksums |
//! | `exec.secretenv` | one secret file with all variables, and a variable that names it |
//!
//! Source: BuildKit `solver/pb/caps.go`; what is there in v0.8 is in Docker Engine 20.10.

use std::collections::{BTreeMap, BTreeSet};

use buildkit_proto::pb;
use bytes::Bytes;

use super::caps;
use super::definition::Definition;
use super::digest::Digest;
use super::metadata::CUSTOM_NAME;
use super::vertex::{EMPTY_INPUT, canonical_bytes};

/// A daemon that lacks something.
#[derive(Clone, Debug)]
pub struct Older {
    /// The capabilities that it has.
    pub capabilities: BTreeSet<String>,
    /// What stands for secret variables.
    pub variables: VariablesFile,
}

/// A file that holds the secret variables of execs.
#[derive(Clone, Debug)]
pub struct VariablesFile {
    /// Id of the secret.
    pub secret: String,
    /// Where it is mounted.
    pub path: String,
    /// The variable that names it.
    pub variable: String,
}

/// A capability that the daemon lacks and the graph cannot do without.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the builder's BuildKit is too old or set up for less: it lacks {capability}{}", of(.step))]
pub struct Lacking {
    /// The capability.
    pub capability: String,
    /// The step that needs it, if it has a name.
    pub step: Option<String>,
}

fn of(step: &Option<String>) -> String {
    let name = step.as_ref().map(|step| format!(", which {step:?} needs"));
    name.unwrap_or_default()
}

/// A graph under construction.
#[derive(Default)]
struct Rewritten {
    ops: Vec<Bytes>,
    known: BTreeSet<Digest>,
    metadata: BTreeMap<Digest, pb::OpMetadata>,
    /// What stands for each vertex of the old graph.
    places: BTreeMap<String, Place>,
}

/// What stands for a vertex.
#[derive(Clone)]
struct Place {
    digest: Digest,
    /// Whether it is a file system that this side sends, which is no layer of an image.
    is_sent: bool,
    /// Time of all that it holds, where changes of files have one.
    time: Option<i64>,
}

impl Older {
    /// Tells whether the daemon has a capability.
    #[must_use]
    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    /// Tells whether graphs need no rewriting.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let known = [caps::MERGE, caps::OCI_LAYOUT, caps::MOUNT_CONTENT_CACHE];
        known.iter().all(|capability| self.has(capability)) && self.has(caps::EXEC_SECRET_ENV)
    }

    /// Returns the graph in the daemon's terms.
    ///
    /// # Errors
    /// It needs a capability that nothing else stands for.
    pub fn rewrite(&self, definition: &Definition) -> Result<Definition, Lacking> {
        let mut rewritten = Rewritten::default();
        for vertex in definition.all_ops() {
            let metadata = vertex.metadata.cloned().unwrap_or_default();
            let old = vertex.digest.to_string();
            let place = match vertex.op.op {
                Some(pb::op::Op::Merge(_)) if !self.has(caps::MERGE) => {
                    rewritten.stack(&vertex.op, &metadata)
                }
                _ => self.op(&mut rewritten, vertex.op, metadata)?,
            };
            rewritten.places.insert(old, place);
        }
        Ok(Definition::assemble(
            rewritten.ops,
            rewritten.metadata,
            definition.source().cloned(),
        ))
    }

    /// Adds one op, put into the daemon's terms.
    fn op(
        &self,
        rewritten: &mut Rewritten,
        mut op: pb::Op,
        mut metadata: pb::OpMetadata,
    ) -> Result<Place, Lacking> {
        if let Some(pb::op::Op::Exec(exec)) = &op.op {
            rewritten.root(exec, &mut op.inputs, &metadata);
        }
        for input in &mut op.inputs {
            rewritten.relink(input);
        }
        let (mut is_sent, time) = (false, time(&op));
        if op.op.is_none() {
            rewritten.settle(&mut op.inputs, self.has(caps::MERGE));
        }
        match &mut op.op {
            Some(pb::op::Op::Source(source)) => {
                if let Some(identifier) = source.identifier.strip_prefix("oci-layout://")
                    && !self.has(caps::OCI_LAYOUT)
                {
                    let hint = ("local.sharedkeyhint".to_owned(), identifier.to_owned());
                    source.identifier = format!("local://{identifier}");
                    source.attrs = BTreeMap::from([hint]);
                    op.platform = None;
                    metadata.caps.remove(caps::OCI_LAYOUT);
                    for capability in [caps::LOCAL, caps::LOCAL_SHARED_KEY_HINT] {
                        metadata.caps.insert(capability.to_owned(), true);
                    }
                    is_sent = true;
                }
                if !self.has(caps::LOCAL_DIFFER) {
                    source.attrs.remove("local.differ");
                    metadata.caps.remove(caps::LOCAL_DIFFER);
                }
            }
            Some(pb::op::Op::Exec(exec)) => self.exec(exec, &mut metadata),
            _ => {}
        }
        let missing = metadata
            .caps
            .keys()
            .find(|capability| !self.has(capability));
        if let Some(capability) = missing {
            return Err(Lacking {
                capability: capability.clone(),
                step: metadata.description.get(CUSTOM_NAME).cloned(),
            });
        }
        let place = rewritten.add(op, metadata);
        Ok(Place {
            is_sent,
            time: time.or(is_sent.then_some(0)),
            ..place
        })
    }

    fn exec(&self, exec: &mut pb::ExecOp, metadata: &mut pb::OpMetadata) {
        if !self.has(caps::MOUNT_CONTENT_CACHE) {
            for mount in &mut exec.mounts {
                mount.content_cache = 0;
            }
            metadata.caps.remove(caps::MOUNT_CONTENT_CACHE);
        }
        if exec.secretenv.is_empty() || self.has(caps::EXEC_SECRET_ENV) {
            return;
        }
        exec.secretenv.clear();
        metadata.caps.remove(caps::EXEC_SECRET_ENV);
        let VariablesFile {
            secret,
            path,
            variable,
        } = &self.variables;
        if let Some(meta) = &mut exec.meta {
            let prefix = format!("{variable}=");
            meta.env.retain(|pair| !pair.starts_with(&prefix));
            meta.env.push(format!("{prefix}{path}"));
            meta.env.sort();
        }
        exec.mounts.push(pb::Mount {
            input: EMPTY_INPUT,
            dest: path.clone(),
            output: EMPTY_INPUT,
            mount_type: pb::MountType::Secret.into(),
            secret_opt: Some(pb::SecretOpt {
                id: secret.clone(),
                mode: 0o400,
                optional: true,
                ..pb::SecretOpt::default()
            }),
            ..pb::Mount::default()
        });
        metadata.caps.insert(caps::MOUNT_SECRET.to_owned(), true);
    }
}

impl Rewritten {
    fn relink(&self, input: &mut pb::Input) {
        if let Some(place) = self.places.get(&input.digest) {
            input.digest = place.digest.to_string();
        }
    }

    fn add(&mut self, mut op: pb::Op, metadata: pb::OpMetadata) -> Place {
        let arm = op.op.take();
        let bytes = canonical_bytes(op, arm);
        let digest = Digest::of(&bytes);
        if self.known.insert(digest) {
            self.ops.push(bytes);
        }
        self.metadata.insert(digest, metadata);
        Place {
            digest,
            is_sent: false,
            time: None,
        }
    }

    /// Puts a copy in the place of a root that this side sends.
    ///
    /// A root gets a layer upon it, for the places of mounts, and a daemon cannot compare what it is
    /// sent with what has layers upon it: the next build would send all of it again.
    fn root(&mut self, exec: &pb::ExecOp, inputs: &mut [pb::Input], metadata: &pb::OpMetadata) {
        let root = exec.mounts.iter().find(|mount| mount.dest == "/");
        let position = root.and_then(|mount| usize::try_from(mount.input).ok());
        let Some(input) = position.and_then(|position| inputs.get_mut(position)) else {
            return;
        };
        let sent = self.places.get(&input.digest).filter(|place| place.is_sent);
        let Some(digest) = sent.map(|place| place.digest) else {
            return;
        };
        let sent = pb::Input {
            digest: digest.to_string(),
            index: 0,
        };
        let named = (CUSTOM_NAME.to_owned(), "root of steps".to_owned());
        let mut entry = pb::OpMetadata {
            description: std::iter::once(named).collect(),
            ignore_cache: metadata.ignore_cache,
            ..pb::OpMetadata::default()
        };
        entry.caps.insert(caps::FILE_BASE.to_owned(), true);
        let copied = self.add(copying(vec![sent], EMPTY_INPUT, 0, None), entry);
        input.digest = copied.digest.to_string();
    }

    /// Lays the inputs of a merge upon each other by copying, one op and so one layer for each.
    ///
    /// What this side sends is copied, too: it is not kept as a layer of an image would be.
    fn stack(&mut self, merge: &pb::Op, metadata: &pb::OpMetadata) -> Place {
        let mut metadata = metadata.clone();
        metadata.caps.remove(caps::MERGE);
        metadata.caps.insert(caps::FILE_BASE.to_owned(), true);
        let mut below: Option<pb::Input> = None;
        let mut place = None;
        for input in &merge.inputs {
            let source = self.places.get(&input.digest);
            let is_sent = source.is_some_and(|place| place.is_sent);
            let time = source.and_then(|place| place.time);
            let mut input = input.clone();
            self.relink(&mut input);
            if below.is_none() && !is_sent {
                below = Some(input);
                continue;
            }
            let mut inputs: Vec<pb::Input> = below.take().into_iter().collect();
            let (base, layer) = (inputs.len() as i64 - 1, inputs.len() as i64);
            inputs.push(input);
            let added = self.add(copying(inputs, base, layer, time), metadata.clone());
            below = Some(pb::Input {
                digest: added.digest.to_string(),
                index: 0,
            });
            place = Some(added);
        }
        // A merge has two inputs at least, so there is an op.
        place.unwrap_or(Place {
            digest: Digest::of(&[]),
            is_sent: false,
            time: None,
        })
    }

    /// Copies the one layer of a target once more, as a merge would have had it copied.
    fn settle(&mut self, inputs: &mut [pb::Input], has_merge: bool) {
        let Some(target) = inputs.first_mut().filter(|_| !has_merge) else {
            return;
        };
        let is_it = |place: &&Place| place.digest.to_string() == target.digest;
        let layer = self.places.values().find(is_it);
        let Some(time) = layer.and_then(|place| place.time) else {
            return;
        };
        let layer = pb::Input {
            digest: target.digest.clone(),
            index: target.index,
        };
        let mut entry = pb::OpMetadata::default();
        let named = (CUSTOM_NAME.to_owned(), "layer".to_owned());
        entry.description.extend([named]);
        entry.caps.insert(caps::FILE_BASE.to_owned(), true);
        let copied = self.add(copying(vec![layer], EMPTY_INPUT, 0, Some(time)), entry);
        target.digest = copied.digest.to_string();
        target.index = 0;
    }
}

/// Returns the time that changes of files give to all that they make.
fn time(op: &pb::Op) -> Option<i64> {
    use pb::file_action::Action;
    let Some(pb::op::Op::File(file)) = &op.op else {
        return None;
    };
    let times = file
        .actions
        .iter()
        .filter_map(|action| match &action.action {
            Some(Action::Copy(copy)) => Some(copy.timestamp),
            _ => None,
        });
    times.filter(|time| *time >= 0).max()
}

/// Copies all of one file system over another one; `base` is -1 for the empty one.
///
/// With a time, all copies get it: folders, too, after what is in them. An old daemon gives folders
/// whose content it makes the present one, so that layers would differ from build to build.
fn copying(inputs: Vec<pb::Input>, base: i64, layer: i64, time: Option<i64>) -> pb::Op {
    let copy = pb::FileActionCopy {
        src: "/".to_owned(),
        dest: "/".to_owned(),
        mode: -1,
        dir_copy_contents: true,
        timestamp: time.unwrap_or(-1),
        ..pb::FileActionCopy::default()
    };
    let action = pb::FileAction {
        input: base,
        secondary_input: layer,
        output: 0,
        action: Some(pb::file_action::Action::Copy(copy)),
    };
    pb::Op {
        inputs,
        constraints: Some(pb::WorkerConstraints::default()),
        op: Some(pb::op::Op::File(pb::FileOp {
            actions: vec![action],
        })),
        platform: None,
    }
}

#[cfg(test)]
mod tests;
