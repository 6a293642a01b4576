//! The oracle: each case is a graph of `integration/tools/llbgolden`, marshalled there by
//! BuildKit's own Go client into `<case>.pb`, and built here again. Ops have to agree byte by
//! byte, and with them all digests.

#![expect(
    clippy::disallowed_methods,
    reason = "golden files of Go's marshaller are on the disk"
)]

mod execs;
mod files;
mod graphs;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use buildkit_proto::pb;

use super::{Definition, Digest, Error, Image, Output};
use crate::oci::Platform;

type Case = (&'static str, Output);

fn amd64() -> Platform {
    Platform::linux("amd64")
}

fn arm() -> Platform {
    Platform::new("linux", "arm", Some("v7"))
}

fn image() -> Result<Output, Error> {
    Image::new("docker.io/library/alpine:3.22", amd64()).build()
}

fn tools() -> Result<Output, Error> {
    Image::new("docker.io/library/golang:1.26", amd64()).build()
}

fn cases() -> Vec<Case> {
    [
        sources::cases(),
        execs::cases(),
        files::cases(),
        graphs::cases(),
    ]
    .into_iter()
    .flat_map(|cases| cases.unwrap())
    .collect()
}

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/llb/golden"))
}

fn golden(name: &str) -> Definition {
    let path = directory().join(format!("{name}.pb"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Definition::decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Ops by digest, decoded for a readable difference, with the bytes that decide.
fn ops(definition: &Definition) -> BTreeMap<Digest, (pb::Op, Vec<u8>)> {
    definition
        .all_ops()
        .map(|vertex| (vertex.digest, (vertex.op, vertex.bytes.to_vec())))
        .collect()
}

#[test]
fn every_golden_file_has_a_case() {
    let built: BTreeSet<String> = cases().iter().map(|(name, _)| (*name).to_owned()).collect();
    let written: BTreeSet<String> = fs::read_dir(directory())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".pb").map(str::to_owned)
        })
        .collect();
    assert_eq!(built, written);
}

#[test]
fn ops_are_the_go_client_s_byte_by_byte() {
    for (name, output) in cases() {
        let (ours, theirs) = (output.marshal(), golden(name));
        assert_eq!(ops(&ours), ops(&theirs), "{name}");
        let target = |definition: &Definition| definition.all_ops().last().map(|op| op.digest);
        assert_eq!(target(&ours), target(&theirs), "{name}");
    }
}

#[test]
fn metadata_is_the_go_client_s() {
    for (name, output) in cases() {
        let ours = output.marshal();
        let mut theirs = golden(name).metadata().clone();
        for vertex in ours.vertices() {
            let added = file_capabilities(&vertex.op);
            let entry = theirs.entry(vertex.digest).or_default();
            entry.caps.extend(
                added
                    .into_iter()
                    .map(|capability| (capability.to_owned(), true)),
            );
        }
        assert_eq!(ours.metadata(), &theirs, "{name}");
    }
}

/// Returns what we ask for beyond the Go client: it forgets the capabilities of file actions.
fn file_capabilities(op: &pb::Op) -> Vec<&'static str> {
    use pb::file_action::Action;
    let Some(pb::op::Op::File(file)) = &op.op else {
        return Vec::new();
    };
    let mut wanted = Vec::new();
    for action in &file.actions {
        match action.action.as_ref().unwrap() {
            Action::Symlink(_) => wanted.push("file.symlink.create"),
            Action::Rm(rm) if rm.allow_wildcard => wanted.push("file.rm.wildcard"),
            Action::Copy(copy) => {
                if !copy.include_patterns.is_empty() || !copy.exclude_patterns.is_empty() {
                    wanted.push("file.copy.includeexcludepatterns");
                }
                if !copy.required_paths.is_empty() {
                    wanted.push("file.copy.requiredpaths");
                }
                if copy.always_replace_existing_dest_paths {
                    wanted.push("file.copy.alwaysreplaceexistingdestpaths");
                }
                if !copy.mode_str.is_empty() {
                    wanted.push("file.copy.modestring");
                }
            }
            _ => {}
        }
    }
    wanted
}

#[test]
fn source_maps_are_the_go_client_s() {
    for (name, output) in cases() {
        let ours = output.marshal().source().cloned().unwrap_or_default();
        let mut theirs = golden(name).source().cloned().unwrap_or_default();
        // The Go client writes an empty list for every vertex without a location.
        theirs
            .locations
            .retain(|_, locations| !locations.locations.is_empty());
        assert_eq!(ours, theirs, "{name}");
    }
}
