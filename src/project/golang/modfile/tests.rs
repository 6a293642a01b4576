//! The parsers with the go command as their judge: `go mod edit -json`, `go work edit -json`.

#![expect(clippy::disallowed_methods, reason = "the go command is the oracle")]

use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Files of which the go command must think as we do, well-formed or not.
const GO_MODS: &[&str] = &[
    "",
    "module example.com/m\n",
    "module example.com/m",
    "module \"example.com/m\"\r\n\r\ngo 1.26\r\n",
    "module `example.com/m`\n",
    "module 'example.com/m'\n",
    "module \"example.com/\\x6d\"\n",
    "module \"example.com/m\n",
    "module \"a\\q\"\n",
    "module a b\n",
    "module a\nmodule b\n",
    "module (\n\ta\n)\n",
    "module ( )\n",
    "module\n",
    "// only a comment\n",
    "go 1.26\n",
    "go 1.26.3\ntoolchain go1.26.3-custom\n",
    "go 1.27rc1\n",
    "go 1.21.3rc1\n",
    "go 1\n",
    "go 1.020\n",
    "go 0.1\n",
    "go v1.20\n",
    "go 1.20\ngo 1.20\n",
    "go 1.20 1.21\n",
    "go (\n\t1.20\n)\n",
    "toolchain default\n",
    "toolchain go1\n",
    "toolchain go2\n",
    "toolchain 1.21\n",
    "toolchain go1.21 x\n",
    "toolchain go1.21\ntoolchain go1.22\n",
    "godebug default=go1.21\ngodebug (\n\tpanicnil=1\n\thttp2client=0\n)\n",
    "godebug x\n",
    "godebug x=\"1\"\n",
    "godebug x=1,y=2\n",
    "require example.com/a v1.2.3\n",
    "require example.com/a v1.2.3 // indirect\n",
    "require example.com/a v1.2.3 // indirect; why\n",
    "require example.com/a v1.2.3 // indirect why\n",
    "require example.com/a v1.2.3 // not indirect\n",
    "require example.com/a v1.2.3 //indirect\n",
    "// indirect\nrequire example.com/a v1.2.3\n",
    "require ( // indirect\n\texample.com/a v1.2.3\n\n\t// c\n\texample.com/b v0.1.0 // indirect\n) // indirect\n",
    "require example.com/a v1.2\n",
    "require example.com/a master\n",
    "require example.com/a v1.2.3+meta\n",
    "require example.com/a v2.0.0\n",
    "require example.com/a v2.0.0+incompatible\n",
    "require example.com/a/v2 v2.0.1\n",
    "require example.com/a/v2 v3.0.1\n",
    "require example.com/a/v1 v1.0.1\n",
    "require example.com/a v0.0.0-20200101000000-abcdefabcdef\n",
    "require gopkg.in/yaml.v3 v3.0.1\n",
    "require gopkg.in/yaml v3.0.1\n",
    "require gopkg.in/check.v1 v0.0.0-20161208181325-20d25e280405\n",
    "require example.com/a\n",
    "require example.com/a v1.0.0 extra\n",
    "require \"example.com/a\" \"v1.0.0\"\n",
    "require (\n\texample.com/a v1.0.0\n",
    "require (\n\texample.com/a v1.0.0\n) x\n",
    "require ()\n",
    "require ( example.com/a v1.0.0 )\n",
    "require (\n)\nrequire (\nexample.com/c v1.0.0)\n",
    "exclude example.com/a v1.2.3\nexclude (\n\texample.com/b v1.0.0\n)\n",
    "exclude example.com/a\n",
    "replace example.com/a => ../a\n",
    "replace example.com/a v1.2.3 => ./a\n",
    "replace example.com/a => example.com/b v1.0.0\n",
    "replace example.com/a v1.0.0 => example.com/b/v2 v2.0.0\n",
    "replace (\n\texample.com/a => /abs/a\n\texample.com/c => \"../with space\"\n)\n",
    "replace example.com/a => C:/windows\n",
    "replace example.com/a => C:\\windows\n",
    "replace example.com/a => ..\\b\n",
    "replace example.com/a => example.com/b\n",
    "replace example.com/a => example.com/b@v1.0.0\n",
    "replace example.com/a => ../b v1.0.0\n",
    "replace example.com/a => example.com/b master\n",
    "replace example.com/a/v1 => ../b\n",
    "replace example.com/a v2.0.0 => ../b\n",
    "replace example.com/a ../b\n",
    "replace => ../b\n",
    "replace example.com/a => .\nreplace example.com/b => ..\n",
    "replace example.com/a => ../b v1.0.0 x\n",
    "module example.com/m\nretract v1.0.0\nretract [v1.1.0, v1.2.0] // bad\nretract (\n\tv1.3.0\n\t[v1.4.0,v1.5.0]\n)\n",
    "module example.com/m\nretract [v1.0.0\n",
    "module example.com/m\nretract\n",
    "module example.com/m\nretract v1.0.0 v1.1.0\n",
    "module example.com/m\nretract [v1.0.0, x]\n",
    "tool example.com/t/cmd\ntool (\n\texample.com/u\n)\n",
    "tool a b\n",
    "ignore ./node_modules\nignore (\n\tstatic\n\t\"a b\"\n)\n",
    "ignore\n",
    "unknown x\n",
    "unknown (\n\tx\n)\n",
    "require x (\n\ta v1.0.0\n)\n",
    "/* comment */\nmodule a\n",
    "module a /* b */\n",
    "module a//b\n",
    "module https://example.com\n",
    "(\n",
    "( x\n",
    ")\n",
    "module a\n\u{b}go 1.20\n",
    "\u{feff}module a\n",
    "module ä\n",
    "module a\u{a0}b\n",
    "module [a]\n",
    "module a,b\n",
];

const GO_WORKS: &[&str] = &[
    "",
    "go 1.26\n",
    "go 1.26.3\ntoolchain go1.26.3\nuse .\nuse ./a // c\nuse (\n\t./b\n\t\"../c d\"\n\t/abs\n)\n",
    "go 1.26\nuse a b\n",
    "go 1.26\nuse\n",
    "go 1.26\nuse 'a'\n",
    "go 1.26\nreplace example.com/a => ../a\nreplace (\n\texample.com/b v1.0.0 => example.com/c v1.1.0\n)\n",
    "go 1.26\ngodebug panicnil=1\n",
    "go 1.26\nrequire example.com/a v1.0.0\n",
    "go 1.26\ntool (\n\tx\n)\n",
    "go x\n",
    "go 1.26\ngo 1.26\n",
    "toolchain default\ntoolchain default\n",
    "use (\n\t./a\n",
];

/// Runs `go` without what the caller's environment says of modules.
fn go(directory: &Path, arguments: &[&str]) -> Output {
    Command::new("go")
        .args(arguments)
        .current_dir(directory)
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .output()
        .expect("the go command must be there to compare with")
}

/// Returns what `go … edit -json` says of a file, or the line of its first complaint.
fn judge(kind: &str, name: &str, content: &str) -> Result<Value, usize> {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let file = directory.path().join(name);
    std::fs::write(&file, content).expect("the temporary folder is writable");
    let output = go(directory.path(), &[kind, "edit", "-json", name]);
    if output.status.success() {
        let mut value = serde_json::from_slice(&output.stdout).expect("JSON");
        prune(&mut value);
        return Ok(value);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let line = complaint
        .split(&format!("{name}:"))
        .find_map(|rest| rest.split(':').next()?.parse().ok())
        .unwrap_or_else(|| panic!("no line in {complaint:?}"));
    Err(line)
}

/// Drops what is empty, and what we do not keep: comments, and directives that are only checked.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let dropped = ["Deprecated", "ModPath", "Rationale"];
            let checked = ["GoDebug", "Retract", "Tool"];
            for key in dropped.iter().chain(&checked) {
                map.remove(*key);
            }
            map.values_mut().for_each(prune);
            map.retain(|_, value| ![Value::Null, json!(""), json!([]), json!({})].contains(value));
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        _ => {}
    }
}

fn values(list: &[At<String>], key: &str) -> Vec<Value> {
    list.iter().map(|at| json!({ key: at.value })).collect()
}

fn replaces(list: &[Replace]) -> Vec<Value> {
    list.iter()
        .map(|replace| {
            json!({
                "Old": {"Path": replace.path, "Version": replace.version},
                "New": {"Path": replace.new_path, "Version": replace.new_version},
            })
        })
        .collect()
}

fn text(at: Option<&At<String>>) -> Option<&str> {
    at.map(|at| at.value.as_str())
}

fn describe_go_mod(file: &GoMod) -> Value {
    let require = file.require.iter().map(|require| {
        json!({
            "Path": require.module.path,
            "Version": require.module.version,
            "Indirect": require.indirect.then_some(true),
        })
    });
    let exclude = file
        .exclude
        .iter()
        .map(|at| json!({"Path": at.value.path, "Version": at.value.version}));
    let mut value = json!({
        "Module": {"Path": text(file.module.as_ref())},
        "Go": text(file.go.as_ref()),
        "Toolchain": text(file.toolchain.as_ref()),
        "Require": require.collect::<Vec<_>>(),
        "Exclude": exclude.collect::<Vec<_>>(),
        "Replace": replaces(&file.replace),
        "Ignore": values(&file.ignore, "Path"),
    });
    prune(&mut value);
    value
}

fn describe_go_work(file: &GoWorkFile) -> Value {
    let mut value = json!({
        "Go": text(file.go.as_ref()),
        "Use": values(&file.uses, "DiskPath"),
        "Replace": replaces(&file.replace),
    });
    prune(&mut value);
    value
}

/// Compares the two opinions of a file, and the lines that they complain of.
fn compare(content: &str, ours: Result<Value, ModfileError>, theirs: Result<Value, usize>) {
    // Of a block that never ends we name the beginning, the go command the end of the file.
    let ours = ours.map_err(|error| {
        if error.message.contains("unterminated") {
            content.lines().count() + 1
        } else {
            error.line
        }
    });
    assert_eq!(ours, theirs, "{content:?}");
}

#[test]
fn go_work_sets_the_toolchain() {
    // `go work edit -json` does not print it.
    let file = GoWorkFile::parse(b"go 1.26\ntoolchain go1.26.3\ngodebug (\n\tpanicnil=1\n)\n")
        .expect("well-formed");
    assert_eq!(text(file.toolchain.as_ref()), Some("go1.26.3"));
}

#[test]
fn go_mod_is_read_as_go_does() {
    for content in GO_MODS {
        let ours = GoMod::parse(content.as_bytes()).map(|file| describe_go_mod(&file));
        compare(content, ours, judge("mod", "go.mod", content));
    }
}

#[test]
fn go_work_is_read_as_go_does() {
    for content in GO_WORKS {
        let ours = GoWorkFile::parse(content.as_bytes()).map(|file| describe_go_work(&file));
        compare(content, ours, judge("work", "go.work", content));
    }
}

#[test]
fn a_dependency_may_use_what_is_new() {
    let file = GoMod::parse_dependency(
        b"module example.com/d\ngo v1.99-next\nfuture (\n\tx y z\n)\nfuture x\n\
          replace nonsense\nrequire example.com/a v1.0.0\n",
    )
    .expect("unknown directives are passed over");
    assert_eq!(text(file.go.as_ref()), Some("1.99"));
    assert_eq!(file.require.len(), 1);
    assert_eq!(file.replace, []);
    let error = GoMod::parse_dependency(b"module a\nrequire x\n").expect_err("a bad require");
    assert_eq!(error.line, 2);
}

#[test]
fn go_sum_knows_what_is_hashed() {
    let sums = GoSum::parse(
        b"example.com/a v1.0.0 h1:x=\nexample.com/a v1.0.0/go.mod h1:y=\n\n\
          example.com/b v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n\
          example.com/c v1.0.0 h9:z=\n",
    )
    .expect("well-formed");
    assert!(sums.has_module("example.com/a", "v1.0.0"));
    assert!(sums.has_go_mod("example.com/a", "v1.0.0"));
    assert!(!sums.has_module("example.com/a", "v1.0.1"));
    assert!(!sums.has_go_mod("example.com/b", "v1.0.0"));
    assert!(!sums.has_module("example.com/c", "v1.0.0"));
    let error = GoSum::parse(b"a v1 h1:x=\na v1\n").expect_err("two fields");
    assert_eq!(error.line, 2);
}

#[test]
fn modules_txt_names_modules_and_packages() {
    let file = ModulesTxt::parse(
        b"## workspace\n# example.com/a v1.0.0 => ../a\n## explicit; go 1.20\nexample.com/a\n\
          example.com/a/sub\n# example.com/b v1.1.0\n# example.com/c => example.com/d v1.2.0\n\
          # odd line here\nexample.com/lost\n",
    );
    let key = |path: &str, version: &str| (path.to_owned(), version.to_owned());
    assert!(file.workspace);
    let packages: Vec<&str> = file.packages.keys().map(String::as_str).collect();
    assert_eq!(packages, ["example.com/a", "example.com/a/sub"]);
    let a = &file.modules[&key("example.com/a", "v1.0.0")];
    assert!(a.explicit);
    assert_eq!(a.replacement, Some(("../a".to_owned(), None)));
    assert_eq!(
        a.go.as_ref().map(|go| (go.value.as_str(), go.line)),
        Some(("1.20", 3))
    );
    let c = &file.modules[&key("example.com/c", "")];
    let d = ("example.com/d".to_owned(), Some("v1.2.0".to_owned()));
    assert_eq!(c.replacement, Some(d));
    assert!(!ModulesTxt::parse(b"# example.com/a v1.0.0\n## explicit\n").workspace);
}

proptest! {
    #[test]
    fn no_bytes_panic(content in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = GoMod::parse(&content);
        let _ = GoMod::parse_dependency(&content);
        let _ = GoWorkFile::parse(&content);
        let _ = GoSum::parse(&content);
        let _ = ModulesTxt::parse(&content);
    }

    /// Words of the grammar in any order come further than bytes do.
    #[test]
    fn no_words_panic(words in prop::collection::vec(prop::sample::select(vec![
        "module", "go", "require", "replace", "retract", "use", "godebug", "tool", "=>", "(", ")",
        "[", "]", ",", "\n", "\n", " ", "// indirect", "v1.2.3", "v2", "1.26", "../a", "/", "\"",
        "\\", "`", "gopkg.in/", ".v1", "/v2", "a.b/c", "a=b", "#", "## ", "# a v1", "h1:", "é",
    ]), 0..40)) {
        let text = words.join(" ");
        for content in [text.as_bytes(), words.concat().as_bytes()] {
            let _ = GoMod::parse(content);
            let _ = GoMod::parse_dependency(content);
            let _ = GoWorkFile::parse(content);
            let _ = GoSum::parse(content);
            let _ = ModulesTxt::parse(content);
        }
    }

    #[test]
    fn parsing_tells_the_line_of_the_fault(lines in 0usize..30) {
        let content = format!("{}bad line\n", "// fine\n".repeat(lines));
        let error = GoMod::parse(content.as_bytes()).expect_err("an unknown directive");
        prop_assert_eq!(error.line, lines + 1);
    }
}
