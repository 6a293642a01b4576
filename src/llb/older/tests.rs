//! Graphs in the terms of an old engine.

use super::*;
use crate::llb::{
    Bind, ContentCache, CopyFrom, Exec, FileOp, Metadata, Mkfile, OciLayout, Output, Secret,
    Timestamp, diff, merge,
};
use crate::oci::Platform;

/// The capabilities of Docker Engine 20.10 that the graphs here ask for.
fn engine() -> Older {
    let known = [
        caps::LOCAL,
        caps::LOCAL_SHARED_KEY_HINT,
        caps::EXEC_BASE,
        caps::MOUNT_BIND,
        caps::MOUNT_SECRET,
        caps::FILE_BASE,
        caps::CONSTRAINTS,
        caps::PLATFORM,
        caps::META_DESCRIPTION,
    ];
    Older {
        capabilities: known.into_iter().map(str::to_owned).collect(),
        variables: VariablesFile {
            secret: "env".to_owned(),
            path: "/run/env".to_owned(),
            variable: "ENV".to_owned(),
        },
    }
}

fn layout(name: &str) -> Output {
    let digest = Digest::of(name.as_bytes()).to_string();
    let name = format!("test/{name}");
    let layout = OciLayout::new(name, digest, Platform::linux("amd64")).store("s");
    layout.build().unwrap()
}

fn graph() -> Output {
    let root = Bind::read_only(&layout("root")).content_cache(ContentCache::Off);
    let made = Exec::new(root, Platform::linux("amd64"), ["true"])
        .env("ENV", "off")
        .secret(Secret::env("token", "TOKEN").optional())
        .bind("/out", Bind::writable(&Output::scratch()))
        .metadata(Metadata::named("make"))
        .build();
    let made = made.unwrap().output("/out").unwrap();
    let file = Mkfile::new("/a", 0o644, "a".as_bytes().to_vec());
    let file = FileOp::new(&Output::scratch(), file).build().unwrap();
    merge([layout("base"), made, file], Metadata::named("layers"))
}

#[test]
fn an_old_engine_gets_the_same_files_in_its_own_terms() {
    let rewritten = engine().rewrite(&graph().marshal()).unwrap();
    // What decodes is whole: every input is there.
    let rewritten = Definition::decode(&rewritten.to_bytes()).unwrap();
    let shown = rewritten.vertices().map(|vertex| {
        let kind = match vertex.op.op.unwrap() {
            pb::op::Op::Source(source) => {
                let (name, _) = source.identifier.split_once('@').unwrap();
                format!("{name} {:?}", source.attrs.keys().collect::<Vec<_>>())
            }
            pb::op::Op::Exec(exec) => {
                let mounts = exec
                    .mounts
                    .iter()
                    .map(|m| (m.dest.as_str(), m.content_cache));
                let mounts: Vec<_> = mounts.collect();
                format!("exec {:?} {mounts:?}", exec.meta.unwrap().env)
            }
            pb::op::Op::File(file) => match file.actions[0].action.as_ref().unwrap() {
                pb::file_action::Action::Copy(_) => {
                    let action = &file.actions[0];
                    format!("copy {} onto {}", action.secondary_input, action.input)
                }
                _ => "file".to_owned(),
            },
            other => format!("{other:?}"),
        };
        let inputs = vertex.op.inputs.len();
        format!("{kind}, {inputs} inputs")
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    local://test/base ["local.sharedkeyhint"], 0 inputs
    local://test/root ["local.sharedkeyhint"], 0 inputs
    copy 0 onto -1, 1 inputs
    exec ["ENV=/run/env"] [("/", 0), ("/out", 0), ("/run/env", 0)], 1 inputs
    file, 0 inputs
    copy 0 onto -1, 1 inputs
    copy 1 onto 0, 2 inputs
    copy 1 onto 0, 2 inputs
    "#);
}

#[test]
fn a_daemon_that_lacks_nothing_gets_the_graph_as_it_is() {
    let definition = graph().marshal();
    let mut all = engine();
    let metadata = definition.metadata().values();
    all.capabilities
        .extend(metadata.flat_map(|entry| entry.caps.keys().cloned()));
    assert!(all.is_complete());
    assert!(!engine().is_complete());
    assert_eq!(all.rewrite(&definition).unwrap(), definition);
}

#[test]
fn what_nothing_stands_for_is_named() {
    let difference = diff(&layout("a"), &layout("b"), Metadata::named("difference"));
    let refused = engine().rewrite(&difference.marshal()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the builder's BuildKit is too old or set up for less: it lacks diffop, which \
         \"difference\" needs"
    );
}

#[test]
fn layers_have_the_time_of_what_they_hold() {
    let copy = CopyFrom::new(&layout("binary"), "/b", "/usr/bin/b")
        .timestamp(Timestamp::from_unix_seconds(7));
    let layer = FileOp::new(&Output::scratch(), copy).build().unwrap();
    let times = |graph: &Output| {
        let rewritten = engine().rewrite(&graph.marshal()).unwrap();
        let times = rewritten.vertices().filter_map(|vertex| time(&vertex.op));
        let times = times.map(|nanoseconds| nanoseconds / 1_000_000_000);
        times.collect::<Vec<_>>()
    };
    // The layer itself, then the target: a copy of it, the only one or upon another.
    assert_eq!(times(&layer), [7, 7]);
    let merged = merge([layout("base"), layer], Metadata::default());
    assert_eq!(times(&merged), [7, 0, 7]);
}
