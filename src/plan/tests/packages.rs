//! What is compiled ahead of the binaries, and when that pays.

use super::{GO_MOD, GO_MOD_UUID, GO_SUM, MAIN};
use crate::plan::fixture::Project;
use crate::plan::{Keep, PackageSet, Plan};

const HTTP_UUID: &str = "package main\nimport (\n\"net/http\"\n\"github.com/google/uuid\"\n)\n\
    var _ = http.StatusOK\nvar _ = uuid.Nil\nfunc main() {}\n";
const STRINGS: &str = "package main\nimport _ \"strings\"\nfunc main() {}\n";

/// Returns a project whose program uses a module, and `others` that use the standard library.
fn project(others: usize, manifest: &str) -> Project {
    let mut files = vec![
        ("go.mod".to_owned(), GO_MOD_UUID),
        ("go.sum".to_owned(), GO_SUM),
        ("cmd/a/main.go".to_owned(), HTTP_UUID),
        ("goimage.toml".to_owned(), manifest),
    ];
    files.extend((0..others).map(|number| (format!("cmd/b{number}/main.go"), STRINGS)));
    Project::new(files.iter().map(|(name, text)| (name.as_str(), *text)))
}

fn sets(plan: &Plan) -> Vec<(PackageSet, Vec<&str>)> {
    let steps = plan.packages.iter();
    steps
        .map(|step| {
            let packages = step.packages.iter().map(String::as_str).collect();
            (step.set, packages)
        })
        .collect()
}

fn afters(plan: &Plan) -> Vec<Option<usize>> {
    plan.compiles.iter().map(|step| step.after).collect()
}

#[test]
fn the_standard_library_is_compiled_while_modules_download() {
    let plan = project(0, "").plan();
    assert_eq!(sets(&plan), [(PackageSet::Standard, vec!["net/http"])]);
    assert_eq!(afters(&plan), [Some(0)]);
    let step = &plan.packages[0];
    assert!(!step.needs_modules && step.inputs.is_empty());
    assert_eq!(
        (step.env["GOWORK"].as_str(), step.env["GOFLAGS"].as_str()),
        ("off", "")
    );
}

#[test]
fn a_program_alone_is_compiled_at_once() {
    let plan = Project::new([("go.mod", GO_MOD), ("main.go", STRINGS)]).plan();
    assert_eq!((sets(&plan), afters(&plan)), (vec![], vec![None]));
    let none = Project::new([("go.mod", GO_MOD), ("main.go", MAIN)]);
    assert!(none.in_layers().plan().packages.is_empty());
}

#[test]
fn what_two_programs_share_is_compiled_once() {
    let plan = project(1, "").plan();
    let standard = (PackageSet::Standard, vec!["net/http", "strings"]);
    let dependencies = (PackageSet::Dependencies, vec!["github.com/google/uuid"]);
    assert_eq!(sets(&plan), [standard, dependencies]);
    assert_eq!(plan.packages[1].after, Some(0));
    assert_eq!(afters(&plan), [Some(1), Some(1)]);
    let names: Vec<&str> = plan.packages[1]
        .inputs
        .iter()
        .map(|path| path.as_str())
        .collect();
    assert_eq!(names, ["go.mod", "go.sum"]);
}

#[test]
fn each_platform_has_its_own() {
    let plan = project(0, "")
        .platforms(&["linux/amd64", "linux/arm64"])
        .plan();
    let one = project(0, "").platforms(&["linux/arm64"]).plan();
    assert_eq!(plan.packages[1], one.packages[0]);
    assert_eq!(afters(&plan), [Some(0), Some(1)]);
}

#[test]
fn layers_hold_what_was_used_where_go_can_ask_a_program() {
    let keeps = |project: Project| {
        let plan = project.in_layers().plan();
        let keeps: Vec<Keep> = plan.packages.iter().map(|step| step.keep).collect();
        let asks = plan.packages[0].env.get("GOCACHEPROG").cloned();
        (keeps, asks)
    };
    let program = "/run/gobuild/bin/gobuild cacheprog --dir /cache/go-build --collect /cache/used";
    assert_eq!(
        keeps(project(0, "").with_helper()),
        (vec![Keep::Used; 2], Some(program.to_owned()))
    );
    assert_eq!(keeps(project(0, "")), (vec![Keep::Layer; 2], None));
    let old = "[go]\nversion = \"1.23.4\"\n";
    let files = [
        ("go.mod", "module example.com/app\n\ngo 1.23\n"),
        ("main.go", STRINGS),
        ("goimage.toml", old),
    ];
    let project = Project::new(files).with_helper();
    assert_eq!(keeps(project), (vec![Keep::Layer], None));
}

#[test]
fn flags_reach_shared_packages_as_they_reach_them_in_a_binary() {
    let manifest = "[go]\ntags = [\"netgo\"]\nflags = [\"-race\", \"-v\"]\nbuildmode = \"pie\"\n\
        gcflags = [\"-N\"]\nasmflags = [\"all=-D=x\"]\nldflags = [\"-w\"]\n";
    let plan = project(1, manifest).plan();
    let args = &plan.packages[1].args;
    let given = [
        "-tags=netgo",
        "-asmflags=all=-D=x",
        "-buildmode=pie",
        "-race",
    ];
    assert!(
        given.iter().all(|arg| args.contains(&(*arg).to_owned())),
        "{args:?}"
    );
    // Without a pattern they are for the main package alone.
    let absent = ["-gcflags=-N", "-v", "-ldflags=-w"];
    assert!(
        !absent.iter().any(|arg| args.contains(&(*arg).to_owned())),
        "{args:?}"
    );
}

#[test]
fn a_flag_of_unknown_meaning_shares_nothing() {
    let plan = project(1, "[go]\nflags = [\"-linkshared\"]\n").plan();
    assert_eq!((sets(&plan), afters(&plan)), (vec![], vec![None, None]));
}

#[test]
fn a_profile_is_for_every_package_below_its_program() {
    let files = [
        ("go.mod", GO_MOD_UUID),
        ("go.sum", GO_SUM),
        ("cmd/a/main.go", HTTP_UUID),
        ("cmd/a/default.pgo", "profile"),
        ("cmd/b/main.go", STRINGS),
        ("cmd/c/main.go", STRINGS),
    ];
    let plan = Project::new(files).in_layers().plan();
    let standard = (PackageSet::Standard, vec!["strings"]);
    let profiled = vec!["github.com/google/uuid", "net/http"];
    assert_eq!(
        sets(&plan),
        [standard, (PackageSet::Dependencies, profiled)]
    );
    assert_eq!(afters(&plan), [Some(1), Some(0), Some(0)]);
    let step = &plan.packages[1];
    assert!(
        step.args
            .contains(&"-pgo=/src/cmd/a/default.pgo".to_owned())
    );
    assert!(
        step.inputs
            .iter()
            .any(|path| path.as_str() == "cmd/a/default.pgo")
    );
    assert_eq!(step.after, None);
}

#[test]
fn selected_modules_are_in_a_folder_named_after_what_decides_about_them() {
    let folder = |project: Project| {
        let plan = project.with_helper().plan();
        let modules = plan.modules.unwrap();
        assert_eq!(modules.env["GOMODCACHE"], "/cache/go-mod");
        let queries = modules.queries.iter();
        let outputs = queries.map(|query| {
            let of = |step: &&crate::plan::CompileStep| {
                step.needs_modules && step.platform == query.platform
            };
            let compile = plan.compiles.iter().find(of).unwrap();
            assert_eq!(compile.env["GOMODCACHE"], query.output);
            let select = query.select.as_ref().unwrap();
            assert!(select.contains(&query.output), "{select:?}");
            query.output.clone()
        });
        outputs.collect::<Vec<String>>()
    };
    let first = folder(project(0, ""));
    assert!(first[0].starts_with("/go/pkg/mod/"));
    // Another program of the standard library alone decides nothing.
    assert_eq!(folder(project(1, "")), first);
    for decisive in ["tags = [\"x\"]", "cgo = true", "env = { GOAMD64 = \"v3\" }"] {
        let manifest = format!("[go]\n{decisive}\n");
        assert_ne!(folder(project(0, &manifest)), first, "{decisive}");
    }
    // Neither does another platform, which has a folder of its own.
    let both = project(0, "").platforms(&["linux/amd64", "linux/arm64"]);
    let both = folder(both);
    assert_eq!((both.len(), &both[0]), (2, &first[0]));
    assert_ne!(both[1], first[0]);
    let plain = project(0, "").plan().modules.unwrap();
    let plain = &plain.queries[0];
    assert_eq!(
        (plain.output.as_str(), &plain.select),
        ("/go/pkg/mod", &None)
    );
}

#[test]
fn steps_that_ask_the_client_say_what_they_build_but_not_which_commit() {
    let manifest =
        |stamp: &str| format!("[go]\ntags = [\"x\"]\nstamp = {{ \"main.v\" = \"{stamp}\" }}\n");
    let program = |stamp: &str| {
        let plan = project(1, &manifest(stamp))
            .with_helper()
            .with_relay()
            .plan();
        let steps = plan.packages.iter().map(|step| (step.relay, &step.env));
        let all = steps.chain(plan.compiles.iter().map(|step| (step.relay, &step.env)));
        let programs = all.map(|(relay, env)| relay.then(|| env["GOCACHEPROG"].clone()));
        programs.collect::<Option<Vec<String>>>().unwrap()
    };
    let programs = program("1");
    assert_eq!(programs, program("2"));
    let plan = project(1, &manifest("1")).with_helper().with_relay().plan();
    let ends = programs[2..].iter().zip(plan.scopes());
    assert!(ends.clone().count() == 2 && ends.into_iter().all(|(p, scope)| p.ends_with(&scope)));
    let scopes = programs.iter().map(|program| {
        let (options, scope) = program.split_once(" --scope ").unwrap();
        assert_eq!(
            options,
            "/run/gobuild/bin/gobuild cacheprog --dir /cache/go-build \
             --remote unix:///run/gobuild/relay.sock --remote-mode read-write --summary"
        );
        scope.rsplit_once('@').unwrap().0
    });
    assert_eq!(
        scopes.collect::<Vec<_>>(),
        [
            "standard_library@linux/amd64@go1.26.0",
            "dependencies_of_example.com/app@linux/amd64@go1.26.0",
            "example.com/app/cmd/a@linux/amd64@go1.26.0",
            "example.com/app/cmd/b0@linux/amd64@go1.26.0",
        ]
    );
    // A go command that cannot ask is not told to.
    let old = [
        ("go.mod", "module example.com/app\n\ngo 1.23\n"),
        ("main.go", STRINGS),
        ("goimage.toml", "[go]\nversion = \"1.23.4\"\n"),
    ];
    let plan = Project::new(old).with_helper().with_relay().plan();
    assert!(!plan.compiles[0].relay && !plan.compiles[0].env.contains_key("GOCACHEPROG"));
}

#[test]
fn downloads_that_need_credentials_are_kept_apart() {
    let downloads = |manifest| {
        let plan = project(0, manifest).with_helper().plan();
        plan.modules.unwrap().downloads
    };
    assert_eq!(downloads(""), "gobuild/go-mod");
    for manifest in [
        "[modules]\nprivate = [\"git.example.com/*\"]\n",
        "[modules]\nsecrets = [{ id = \"netrc\" }]\n",
        "[modules]\nssh = [\"default\"]\n",
    ] {
        assert_eq!(
            downloads(manifest),
            "gobuild/go-mod/example.com/app",
            "{manifest}"
        );
    }
}

#[test]
fn vendored_packages_are_compiled_ahead_from_their_files() {
    let uuid = "package uuid\nimport _ \"hash\"\nvar Nil int\n";
    let files = [
        ("go.mod", GO_MOD_UUID),
        (
            "vendor/modules.txt",
            "# github.com/google/uuid v1.6.0\n## explicit\ngithub.com/google/uuid\n",
        ),
        ("vendor/github.com/google/uuid/uuid.go", uuid),
        (
            "vendor/github.com/google/uuid/unused/unused.go",
            "package unused\n",
        ),
        ("cmd/a/main.go", HTTP_UUID),
        ("cmd/b/main.go", STRINGS),
    ];
    let plan = Project::new(files).plan();
    assert!(plan.modules.is_none());
    let standard = (PackageSet::Standard, vec!["hash", "net/http", "strings"]);
    let dependencies = (PackageSet::Dependencies, vec!["github.com/google/uuid"]);
    assert_eq!(sets(&plan), [standard, dependencies]);
    assert_eq!(afters(&plan), [Some(1), Some(1)]);
    let step = &plan.packages[1];
    assert!(!step.needs_modules);
    assert_eq!(step.env["GOFLAGS"], "-mod=vendor");
    let inputs: Vec<&str> = step.inputs.iter().map(|path| path.as_str()).collect();
    assert_eq!(
        inputs,
        [
            "go.mod",
            "vendor/github.com/google/uuid/uuid.go",
            "vendor/modules.txt"
        ]
    );
}

/// `go` looks into a module whose path is the beginning of a package's of the project.
#[test]
fn modules_above_the_project_are_fetched() {
    let go_mod = "module github.com/google/uuid/app\n\ngo 1.26.0\n\n\
        require github.com/google/uuid v1.6.0\n";
    let commands = |main: &str, helped: bool| {
        let files = [("go.mod", go_mod), ("go.sum", GO_SUM), ("main.go", main)];
        let project = Project::new(files);
        let plan = if helped {
            project.with_helper()
        } else {
            project
        }
        .plan();
        assert!(plan.compiles[0].needs_modules);
        let queries = plan.modules.unwrap().queries.into_iter();
        let commands = queries.map(|query| query.select.unwrap_or(query.args).join(" "));
        commands.collect::<Vec<_>>()
    };
    let fetch = "/usr/local/go/bin/go mod download -- github.com/google/uuid";
    let fetched = |command: &String| command.ends_with(fetch);
    let alone = commands(STRINGS, true);
    assert!(alone.len() == 1 && fetched(&alone[0]), "{alone:?}");
    assert_eq!(commands(STRINGS, false), [fetch]);
    let both = commands(HTTP_UUID, true);
    assert!(
        both.len() == 1 && both[0].contains(&format!("{fetch} --query ")),
        "{both:?}"
    );
    let apart = commands(HTTP_UUID, false);
    assert!(apart.len() == 2 && fetched(&apart[0]), "{apart:?}");
    assert!(apart[1].contains("go list -deps"), "{apart:?}");
}
