//! The graph as a whole: sharing, depth, decoding, display, and what is refused.

mod display;
mod refused;
mod round_trip;

use buildkit_proto::pb;
use prost::Message;

use super::{
    Bind, Cache, CopyFrom, DecodeError, Definition, Digest, Error, Exec, FileOp, Image, Metadata,
    Mkdir, Mkfile, Network, Output, Secret, Sharing, diff, merge,
};
use crate::oci::Platform;

fn platform() -> Platform {
    Platform::linux("amd64")
}

fn image() -> Output {
    Image::new("docker.io/library/alpine:3.22", platform())
        .build()
        .unwrap()
}

fn mkfile(base: &Output, path: &str) -> Output {
    FileOp::new(base, Mkfile::new(path, 0o644, path))
        .build()
        .unwrap()
}

/// A graph with an op of every kind.
fn sample() -> Result<Output, Error> {
    let run = Exec::new(Bind::read_only(&image()), platform(), ["go", "build"])
        .env("GOFLAGS", "-mod=readonly")
        .network(Network::None)
        .bind("/out", Bind::writable(&Output::scratch()))
        .cache("/cache", Cache::new("gobuild", Sharing::Locked))
        .secret(Secret::file("netrc", "/root/.netrc"))
        .metadata(Metadata::named("compile \"api\""))
        .build()?;
    let copy = CopyFrom::new(&run.output("/out")?, "/api", "/bin/").mode(0o755);
    let layer = FileOp::new(&Output::scratch(), Mkdir::new("/bin", 0o755))
        .then(copy)
        .build()?;
    let changes = diff(&image(), &mkfile(&image(), "/x"), Metadata::default());
    Ok(merge([image(), layer, changes], Metadata::named("image")))
}

#[test]
fn equal_graphs_give_equal_bytes() {
    let (first, second) = (sample().unwrap(), sample().unwrap());
    assert_eq!(first, second);
    assert_eq!(first.marshal().to_bytes(), second.marshal().to_bytes());
}

#[test]
fn metadata_changes_no_digest() {
    let plain = mkfile(&Output::scratch(), "/a");
    let named = FileOp::new(&Output::scratch(), Mkfile::new("/a", 0o644, "/a"))
        .metadata(Metadata::named("write a").ignore_cache())
        .build()
        .unwrap();
    assert_eq!(plain.digest(), named.digest());
    assert_ne!(plain.marshal().to_bytes(), named.marshal().to_bytes());
}

#[test]
fn a_graph_that_ignores_the_cache_has_the_same_digests() {
    let definition = sample().unwrap().marshal();
    let ignoring = definition.clone().ignoring_cache();
    let bytes = |definition: &Definition| -> Vec<_> {
        let ops = definition.all_ops();
        ops.map(|op| op.bytes.clone()).collect()
    };
    assert_eq!(bytes(&ignoring), bytes(&definition));
    for vertex in ignoring.vertices() {
        let source = matches!(vertex.op.op, Some(pb::op::Op::Source(_)));
        let ignored = vertex.metadata.is_some_and(|entry| entry.ignore_cache);
        assert_eq!(ignored, !source, "{:?}", vertex.op);
    }
    let terminal = ignoring.all_ops().last().unwrap();
    assert!(terminal.metadata.unwrap().caps["meta.ignorecache"]);
}

#[test]
fn vertices_with_equal_bytes_are_one_with_the_metadata_of_both() {
    let file = |metadata| {
        FileOp::new(&Output::scratch(), Mkfile::new("/a", 0o644, ""))
            .metadata(metadata)
            .build()
            .unwrap()
    };
    let first = file(Metadata::named("first").describe("one", "1"));
    let second = file(Metadata::named("second").ignore_cache());
    let definition = merge([first.clone(), second], Metadata::default()).marshal();
    assert_eq!(definition.vertices().count(), 2);
    let entry = &definition.metadata()[&first.digest().unwrap()];
    assert_eq!(entry.description["llb.customname"], "second");
    assert_eq!(entry.description["one"], "1");
    assert!(entry.ignore_cache);
}

#[test]
fn outputs_of_one_exec_share_its_vertex() {
    let run = Exec::new(&image(), platform(), ["true"])
        .bind("/b", Bind::writable(&Output::scratch()))
        .bind("/a", Bind::writable(&image()))
        .build()
        .unwrap();
    let indexes = ["/", "/a", "/b"].map(|destination| {
        let definition = run.output(destination).unwrap().marshal();
        let terminal = definition.all_ops().last().unwrap().op;
        assert_eq!(terminal.inputs[0].digest, run.digest().unwrap().to_string());
        terminal.inputs[0].index
    });
    assert_eq!(indexes, [0, 1, 2]);
    assert_ne!(run.output("/a").unwrap(), run.output("/b").unwrap());
}

#[test]
fn a_graph_may_be_deeper_than_the_stack() {
    let depth = 20_000;
    let mut chain = Output::scratch();
    for _ in 0..depth {
        chain = mkfile(&chain, "/same/path/but/another/vertex");
    }
    let definition = chain.marshal();
    assert_eq!(definition.vertices().count(), depth);
    let decoded = Definition::decode(&definition.to_bytes()).unwrap();
    assert_eq!(decoded, definition);
}

#[test]
fn a_shared_subgraph_is_visited_once() {
    // 2^60 paths lead through this graph.
    let mut top = image();
    for _ in 0..60 {
        top = merge([top.clone(), top], Metadata::default());
    }
    assert_eq!(top.marshal().vertices().count(), 61);
}

#[test]
fn scratch_is_a_definition_without_ops() {
    let definition = Output::scratch().marshal();
    assert!(definition.is_scratch());
    assert_eq!(definition.to_bytes(), b"");
    assert_eq!(Definition::decode(b"").unwrap(), definition);
}

#[test]
fn bytes_that_buildkitd_would_refuse_do_not_decode() {
    let decode = |ops: &[pb::Op], metadata: &[&str]| {
        let message = pb::Definition {
            def: ops.iter().map(Message::encode_to_vec).collect(),
            metadata: metadata
                .iter()
                .map(|key| ((*key).to_owned(), pb::OpMetadata::default()))
                .collect(),
            source: None,
        };
        Definition::decode(&message.encode_to_vec())
    };
    let source = pb::Op {
        op: Some(pb::op::Op::Source(pb::SourceOp::default())),
        ..pb::Op::default()
    };
    let terminal = pb::Op {
        inputs: vec![pb::Input {
            digest: Digest::of(&source.encode_to_vec()).to_string(),
            index: 0,
        }],
        ..pb::Op::default()
    };
    assert!(decode(&[source.clone(), terminal.clone()], &[]).is_ok());
    let refused = [
        decode(std::slice::from_ref(&source), &[]),
        decode(std::slice::from_ref(&terminal), &[]),
        decode(&[source, terminal], &["sha256:1"]),
        Definition::decode(b"\x0a\x02\xff\xff"),
        Definition::decode(b"\xff"),
    ]
    .map(Result::unwrap_err);
    assert!(matches!(refused[0], DecodeError::NoTarget));
    assert!(matches!(
        refused[1],
        DecodeError::MissingInput { position: 0, .. }
    ));
    assert!(matches!(refused[2], DecodeError::MetadataKey(_)));
    assert!(matches!(refused[3], DecodeError::Op { position: 0, .. }));
    assert!(matches!(refused[4], DecodeError::Message(_)));
}
