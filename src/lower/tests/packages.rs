//! Shared packages and selected modules, lowered.

use serde_json::Value;

use super::told::{decoded, exec_lines, taken};
use super::{GO_MOD_UUID, GO_SUM, LowerError, Output, compile_all, layout, presented};
use crate::plan::fixture::Project;

const USES_BOTH: &str = "package main\nimport (\n_ \"strings\"\n_ \"github.com/google/uuid\"\n)\n\
    func main() {}\n";

/// Returns a project whose two programs share a module and the standard library.
fn two() -> Project {
    Project::new([
        ("go.mod", GO_MOD_UUID),
        ("go.sum", GO_SUM),
        ("cmd/a/main.go", USES_BOTH),
        ("cmd/b/main.go", USES_BOTH),
    ])
}

/// Returns the execs below the first binary.
fn execs(project: &Project) -> Vec<Value> {
    let plan = project.plan();
    let binaries = compile_all(&plan, &presented(&plan)).unwrap();
    let output: Output = binaries.get(0).unwrap().1.clone();
    let mut ops = decoded(&output);
    ops.retain(|op| !op["exec"].is_null());
    ops
}

/// Returns the lines of an exec that say what is mounted.
fn mounts(exec: &Value) -> String {
    let lines = exec_lines(exec);
    let mounts = lines.lines().filter(|line| line.starts_with("mount"));
    let bare = mounts.filter(|line| !line.contains("SECRET") && !line.contains("TMPFS"));
    bare.map(|line| format!("{line}\n")).collect()
}

/// Returns the one exec with these arguments.
fn with<'a>(execs: &'a [Value], arguments: &[&str]) -> &'a Value {
    let has = |op: &&Value| {
        let args = op["exec"]["meta"]["args"].as_array();
        let has = |wanted| args.is_some_and(|args| args.iter().any(|arg| arg == wanted));
        arguments.iter().all(has)
    };
    let found: Vec<&Value> = execs.iter().filter(has).collect();
    let [exec] = found.as_slice() else {
        panic!("{arguments:?}: {execs:#?}");
    };
    exec
}

#[test]
fn in_cache_mounts_a_step_only_comes_before_those_that_need_it() {
    let execs = execs(&two());
    let standard = with(&execs, &["build", "strings"]);
    insta::assert_snapshot!(mounts(standard), @r##"
    mount BIND / as output 0
    mount CACHE /cache/go-build id gobuild/go-build shared
    mount BIND /out as output 1 content-cache OFF
    mount BIND /usr/local/go of go read-only content-cache OFF
    "##);
    let dependencies = with(&execs, &["build", "github.com/google/uuid"]);
    insta::assert_snapshot!(mounts(dependencies), @r##"
    mount BIND / as output 0
    mount CACHE /cache/go-build id gobuild/go-build shared
    mount BIND /go/pkg/mod of modules for linux/amd64 read-only content-cache OFF
    mount BIND /out of standard library for linux/amd64 as output 1 content-cache OFF
    mount BIND /src of module files read-only content-cache OFF
    mount BIND /usr/local/go of go read-only content-cache OFF
    "##);
    let compile = with(&execs, &["/out/a"]);
    insta::assert_snapshot!(mounts(compile), @r##"
    mount BIND / as output 0
    mount CACHE /cache/go-build id gobuild/go-build shared
    mount BIND /go/pkg/mod of modules for linux/amd64 read-only content-cache OFF
    mount BIND /out as output 1
    mount BIND /run/gobuild/after of dependencies for linux/amd64 read-only content-cache OFF
    mount BIND /src of a linux/amd64 read-only content-cache OFF
    mount BIND /usr/local/go of go read-only content-cache OFF
    "##);
}

#[test]
fn in_layers_each_step_starts_from_what_the_one_below_left() {
    let project = two().in_layers().with_helper();
    let execs = execs(&project);
    let modules = project.plan().modules.unwrap().queries[0].output.clone();
    let mounts = |exec| mounts(exec).replace(&modules, "MODULES");
    let standard = with(&execs, &["build", "strings"]);
    insta::assert_snapshot!(mounts(standard), @r##"
    mount BIND / as output 0
    mount CACHE /cache/go-build id gobuild/go-build shared
    mount BIND /cache/used as output 1 content-cache OFF
    mount BIND /run/gobuild/bin of gobuild read-only content-cache OFF
    mount BIND /usr/local/go of go read-only content-cache OFF
    "##);
    let dependencies = with(&execs, &["build", "github.com/google/uuid"]);
    insta::assert_snapshot!(mounts(dependencies), @r##"
    mount BIND / as output 0
    mount CACHE /cache/go-build id gobuild/go-build shared
    mount BIND /cache/used of standard library for linux/amd64 as output 1 content-cache OFF
    mount BIND MODULES of modules for linux/amd64 read-only content-cache OFF
    mount BIND /run/gobuild/bin of gobuild read-only content-cache OFF
    mount BIND /src of module files read-only content-cache OFF
    mount BIND /usr/local/go of go read-only content-cache OFF
    "##);
    let compile = with(&execs, &["/out/a"]);
    insta::assert_snapshot!(mounts(compile), @r##"
    mount BIND / as output 0
    mount CACHE /cache/go-build of dependencies for linux/amd64 id gobuild/go-build shared content-cache OFF
    mount BIND MODULES of modules for linux/amd64 read-only content-cache OFF
    mount BIND /out as output 1
    mount BIND /src of a linux/amd64 read-only content-cache OFF
    mount BIND /usr/local/go of go read-only content-cache OFF
    "##);
}

#[test]
fn each_platform_selects_modules_in_a_step_of_its_own() {
    let project = two()
        .with_helper()
        .platforms(&["linux/amd64", "linux/arm64"]);
    let execs = execs(&project);
    // Nothing of the other platform is below a binary.
    let modules = with(&execs, &["step"]);
    let lines = exec_lines(modules);
    let command: Vec<&str> = lines
        .lines()
        .take_while(|line| !line.starts_with("cwd"))
        .collect();
    let output = project.plan().modules.unwrap().queries[0].output.clone();
    let command = command.join(" ").replace(&output, "OUTPUT");
    insta::assert_snapshot!(command, @r##"/run/gobuild/bin/gobuild step modules --output OUTPUT --query GOARCH=amd64 GOOS=linux /usr/local/go/bin/go list -deps -json=ImportPath,Dir,Standard,Module,EmbedFiles,CgoFiles,SwigFiles,SwigCXXFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles -- github.com/google/uuid"##);
    insta::assert_snapshot!(mounts(modules).replace(&output, "OUTPUT"), @r##"
    mount BIND / as output 0
    mount CACHE /cache/go-build id gobuild/go-build shared
    mount CACHE /cache/go-mod id gobuild/go-mod shared
    mount BIND OUTPUT as output 1
    mount BIND /run/gobuild/bin of gobuild read-only content-cache OFF
    mount BIND /src of module files read-only content-cache OFF
    mount BIND /usr/local/go of go read-only content-cache OFF
    "##);
    assert_eq!(taken(modules), ["gobuild", "module files", "go"]);
}

#[test]
fn a_step_that_asks_the_client_has_gobuild_and_the_socket_but_no_network() {
    let execs = execs(&two().with_helper().with_relay());
    let compile = exec_lines(with(&execs, &["/out/a"]));
    let lines: Vec<&str> = compile.lines().collect();
    for line in [
        "network NONE",
        "mount BIND /run/gobuild/bin of gobuild read-only content-cache OFF",
        "mount SSH /run/gobuild/relay.sock id gobuild.relay optional",
    ] {
        assert!(lines.contains(&line), "{line} in {compile}");
    }
}

#[test]
fn a_step_that_runs_gobuild_needs_it() {
    let plan = two().with_helper().plan();
    let mut presented = presented(&plan);
    presented.helper = None;
    let refused = compile_all(&plan, &presented);
    assert!(matches!(refused, Err(LowerError::NoHelper)));
    presented.helper = Some(layout("gobuild", &plan.build_platform));
    assert!(compile_all(&plan, &presented).is_ok());
}
