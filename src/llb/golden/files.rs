//! Twins of `llbgolden/files.go`.

use super::{Case, image, tools};
use crate::llb::{
    Account, CopyFrom, Error, FileOp, Mkdir, Mkfile, Output, Owner, Remove, Symlink, Timestamp,
};

const AT: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

pub(super) fn cases() -> Result<Vec<Case>, Error> {
    let scratch = Output::scratch();
    Ok(vec![
        (
            "file_mkfile",
            FileOp::new(&scratch, Mkfile::new("/hello", 0o644, "hello\n")).build()?,
        ),
        ("file_chain", chain()?),
        ("file_named_owner", named_owner()?),
        (
            "file_copy",
            FileOp::new(&image()?, CopyFrom::new(&scratch, "/", "/")).build()?,
        ),
        ("file_copy_options", copy_options()?),
    ])
}

fn chain() -> Result<Output, Error> {
    let first = Mkdir::new("/a/b", 0o755)
        .parents()
        .owner(Owner::ids(1, 2))
        .timestamp(AT);
    let user_only = Owner {
        user: Some(Account::Id(7)),
        group: None,
    };
    FileOp::new(&Output::scratch(), first)
        .then(
            Mkfile::new("a/./b/../c", 0o7644, "")
                .owner(Owner::ids(0, 0))
                .timestamp(Timestamp::EPOCH),
        )
        .then(
            Symlink::new("../c", "/a/link")
                .owner(user_only)
                .timestamp(AT),
        )
        .then(Symlink::new("c", "/a/plain"))
        .then(Mkdir::new("/d", 0o700))
        .then(Remove::new("/a/c"))
        .then(Remove::new("/x/*").allow_not_found().wildcard())
        .build()
}

fn named_owner() -> Result<Output, Error> {
    let named = Owner {
        user: Some(Account::Name("nobody".to_owned())),
        group: Some(Account::Name("nogroup".to_owned())),
    };
    FileOp::new(
        &image()?,
        Mkdir::new("/home/nobody", 0o700).owner(named.clone()),
    )
    .then(CopyFrom::new(&tools()?, "/etc/hosts", "/home/nobody/").owner(named))
    .build()
}

fn copy_options() -> Result<Output, Error> {
    let (image, tools) = (image()?, tools()?);
    let first = CopyFrom::new(&tools, "src/./app/", "/dest/.")
        .mode(0o4755)
        .follow_symlinks()
        .contents_only()
        .include(["**/*.go", "go.mod"])
        .exclude(["**/*_test.go"])
        .required(["go.mod"])
        .unpack()
        .create_parents()
        .optional_wildcard()
        .always_replace()
        .owner(Owner::ids(65532, 65532))
        .timestamp(Timestamp::EPOCH);
    FileOp::new(&image, first)
        .then(
            CopyFrom::new(&image, "/etc/passwd", "etc/")
                .symbolic_mode("u+x,go=r")
                .timestamp(AT),
        )
        .then(CopyFrom::new(&tools, "/again", "/again").mode(0))
        .build()
}
