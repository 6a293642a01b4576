//! Twins of `llbgolden/graphs.go`.

use std::sync::Arc;

use super::{Case, amd64, image, tools};
use crate::llb::{
    Bind, CopyFrom, Error, Exec, FileOp, Image, Metadata, Mkfile, Output, Position, ProgressGroup,
    SourceFile, Span, diff, merge,
};

fn file(path: &str, data: &str) -> Result<Output, Error> {
    FileOp::new(&Output::scratch(), Mkfile::new(path, 0o644, data)).build()
}

fn plain() -> Metadata {
    Metadata::default()
}

pub(super) fn cases() -> Result<Vec<Case>, Error> {
    let scratch = Output::scratch();
    let (a, b) = (file("/a", "a")?, file("/b", "b")?);
    let image = image()?;
    let layers = [
        image.clone(),
        a.clone(),
        scratch.clone(),
        b.clone(),
        a.clone(),
    ];
    let mut chain = scratch.clone();
    for i in 0..50u8 {
        chain = FileOp::new(&chain, Mkfile::new(format!("/{i}"), 0o644, [i])).build()?;
    }
    Ok(vec![
        ("scratch", scratch.clone()),
        ("merge", merge(layers, Metadata::named("merge layers"))),
        ("merge_of_one", merge([scratch.clone(), a.clone()], plain())),
        ("merge_of_none", merge([], plain())),
        ("diff", diff(&image, &a, plain())),
        ("diff_same", diff(&a, &a, plain())),
        ("diff_to_scratch", diff(&image, &scratch, plain())),
        ("diff_from_scratch", diff(&scratch, &b, plain())),
        ("chain", chain),
        ("diamond", diamond()?),
        ("metadata", metadata()?),
    ])
}

fn diamond() -> Result<Output, Error> {
    let built = Exec::new(&tools()?, amd64(), ["go", "build"])
        .bind("/out", Bind::writable(&Output::scratch()))
        .build()?;
    let left = CopyFrom::new(&built.output("/out")?, "/app", "/app");
    let right = CopyFrom::new(&built.root()?, "/etc/group", "/group");
    let left = FileOp::new(&image()?, left).build()?;
    let right = FileOp::new(&image()?, right).build()?;
    Ok(merge([left, diff(&image()?, &right, plain())], plain()))
}

fn metadata() -> Result<Output, Error> {
    let manifest = Arc::new(SourceFile {
        filename: "goimage.toml".to_owned(),
        language: "TOML".to_owned(),
        data: b"version = 1\n\n[go]\ncgo = false\n".to_vec(),
    });
    let other = Arc::new(SourceFile {
        filename: "go.mod".to_owned(),
        language: "Go Module".to_owned(),
        data: b"module example.com/a\n".to_vec(),
    });
    let at = |line, character| Position { line, character };
    let base = Metadata::named("[internal] base")
        .group(ProgressGroup {
            id: "group".to_owned(),
            name: "a group".to_owned(),
            weak: true,
        })
        .at(manifest.location([Span::lines(1, 1)]));
    // An equal file in another allocation is the same file.
    let manifest = Arc::new(SourceFile::clone(&manifest));
    let run = Metadata::named("run")
        .describe("gobuild.step", "run")
        .describe("empty", "")
        .ignore_cache()
        .export_cache(false)
        .at(other.location([Span::lines(1, 1)]))
        .at(manifest.location([
            Span {
                start: at(3, 1),
                end: at(4, 11),
            },
            Span {
                start: at(1, 0),
                end: at(1, 7),
            },
        ]));
    let done = Metadata::default().export_cache(true).group(ProgressGroup {
        id: "strong".to_owned(),
        name: "strong".to_owned(),
        weak: false,
    });
    let base = Image::new("docker.io/library/alpine:3.22", amd64())
        .metadata(base)
        .build()?;
    let run = Exec::new(&base, amd64(), ["true"]).metadata(run).build()?;
    FileOp::new(&run.root()?, Mkfile::new("/done", 0o644, ""))
        .metadata(done)
        .build()
}
