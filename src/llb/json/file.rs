//! FileOp as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildkit_proto::pb;
use serde_json::Value;

use super::{list, object, octal, optional, strings};

pub(super) fn to_json(file: &pb::FileOp) -> Value {
    object([("actions", list(&file.actions, action))])
}

fn action(action: &pb::FileAction) -> Value {
    use pb::file_action::Action;
    let (kind, arm) = match &action.action {
        Some(Action::Copy(arm)) => ("copy", copy(arm)),
        Some(Action::Mkfile(arm)) => ("mkfile", mkfile(arm)),
        Some(Action::Mkdir(arm)) => ("mkdir", mkdir(arm)),
        Some(Action::Rm(arm)) => ("rm", rm(arm)),
        Some(Action::Symlink(arm)) => ("symlink", symlink(arm)),
        None => ("", Value::Null),
    };
    object([
        ("input", action.input.into()),
        ("secondary_input", action.secondary_input.into()),
        ("output", action.output.into()),
        (kind, arm),
    ])
}

fn copy(copy: &pb::FileActionCopy) -> Value {
    let mode = match (copy.mode_str.as_str(), copy.mode) {
        ("", -1) => Value::Null,
        ("", bits) => octal(bits),
        (change, _) => change.into(),
    };
    object([
        ("src", copy.src.as_str().into()),
        ("dest", copy.dest.as_str().into()),
        ("owner", optional(copy.owner.as_ref(), owner)),
        ("mode", mode),
        ("follow_symlink", copy.follow_symlink.into()),
        ("dir_copy_contents", copy.dir_copy_contents.into()),
        (
            "attempt_unpack_docker_compatibility",
            copy.attempt_unpack_docker_compatibility.into(),
        ),
        ("create_dest_path", copy.create_dest_path.into()),
        ("allow_wildcard", copy.allow_wildcard.into()),
        ("allow_empty_wildcard", copy.allow_empty_wildcard.into()),
        ("timestamp", unless_unset(copy.timestamp)),
        ("include_patterns", strings(&copy.include_patterns)),
        ("exclude_patterns", strings(&copy.exclude_patterns)),
        (
            "always_replace_existing_dest_paths",
            copy.always_replace_existing_dest_paths.into(),
        ),
        ("required_paths", strings(&copy.required_paths)),
    ])
}

fn mkfile(mkfile: &pb::FileActionMkFile) -> Value {
    let (text, binary) = match std::str::from_utf8(&mkfile.data) {
        Ok(text) => (text.into(), Value::Null),
        Err(_) => (Value::Null, STANDARD.encode(&mkfile.data).into()),
    };
    object([
        ("path", mkfile.path.as_str().into()),
        ("mode", octal(mkfile.mode)),
        ("data", text),
        ("data_base64", binary),
        ("owner", optional(mkfile.owner.as_ref(), owner)),
        ("timestamp", unless_unset(mkfile.timestamp)),
    ])
}

fn mkdir(mkdir: &pb::FileActionMkDir) -> Value {
    object([
        ("path", mkdir.path.as_str().into()),
        ("mode", octal(mkdir.mode)),
        ("make_parents", mkdir.make_parents.into()),
        ("owner", optional(mkdir.owner.as_ref(), owner)),
        ("timestamp", unless_unset(mkdir.timestamp)),
    ])
}

fn rm(rm: &pb::FileActionRm) -> Value {
    object([
        ("path", rm.path.as_str().into()),
        ("allow_not_found", rm.allow_not_found.into()),
        ("allow_wildcard", rm.allow_wildcard.into()),
    ])
}

fn symlink(symlink: &pb::FileActionSymlink) -> Value {
    object([
        ("oldpath", symlink.oldpath.as_str().into()),
        ("newpath", symlink.newpath.as_str().into()),
        ("owner", optional(symlink.owner.as_ref(), owner)),
        ("timestamp", unless_unset(symlink.timestamp)),
    ])
}

fn owner(owner: &pb::ChownOpt) -> Value {
    object([
        ("user", optional(owner.user.as_ref(), account)),
        ("group", optional(owner.group.as_ref(), account)),
    ])
}

fn account(account: &pb::UserOpt) -> Value {
    match &account.user {
        Some(pb::user_opt::User::ById(id)) => (*id).into(),
        Some(pb::user_opt::User::ByName(named)) => object([
            ("name", named.name.as_str().into()),
            ("input", named.input.into()),
        ]),
        None => Value::Null,
    }
}

/// Returns a number of which -1 means that there is none.
fn unless_unset(number: i64) -> Value {
    if number == -1 {
        Value::Null
    } else {
        number.into()
    }
}
