//! `gobuild check`, and what GitHub is shown beside the source.

use serde_json::Value;

use crate::harness::sandbox::{GO_MOD, Sandbox, main};

const PROJECT: i32 = 3;
const BUILD: i32 = 5;

/// A manifest with a doubtful line.
const DOUBTFUL: &str = "version = 1\n\n[[image]]\nname = \"app\"\nuser = \"root\"\n";

fn doubtful() -> Sandbox {
    Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("main.go", &main("")),
        ("goimage.toml", DOUBTFUL),
    ])
}

#[test]
fn a_warning_is_data_and_no_failure_unless_asked() {
    let sandbox = doubtful();
    let check = || sandbox.gobuild().arg("check");

    let run = check().succeeds();
    for part in [
        "warning: ",
        "(RootUser)",
        "goimage.toml:5:8",
        "user = \"root\"",
    ] {
        assert!(run.stdout.contains(part), "{part} is not in {run}");
    }
    assert_eq!(run.stderr, "1 warning\n");

    let strict = check().arg("--strict").fails_with(PROJECT);
    assert_eq!(strict.stdout, run.stdout);
    assert_eq!(strict.stderr, "error: 1 warning\n");

    sandbox.write("goimage.toml", &format!("# check=error=true\n{DOUBTFUL}"));
    check().fails_with(PROJECT);
    sandbox.write(
        "goimage.toml",
        &format!("# check=skip=RootUser\n{DOUBTFUL}"),
    );
    let run = check().arg("--strict").succeeds();
    assert_eq!(run.stdout, "");
}

#[test]
fn findings_are_there_for_programs() {
    let run = doubtful()
        .gobuild()
        .args(["check", "--format", "json"])
        .succeeds();
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["warnings"], 1);
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "RootUser");
    assert_eq!(finding["place"]["start"]["line"], 5);
    let bytes = |index: usize| usize::try_from(finding["place"]["bytes"][index].as_u64().unwrap());
    let stretch = bytes(0).unwrap()..bytes(1).unwrap();
    assert_eq!(&DOUBTFUL[stretch], "\"root\"");
}

#[test]
fn errors_of_a_project_are_findings() {
    let sandbox = doubtful();
    sandbox.write("goimage.toml", "[[image]]\nusr = \"root\"\n");
    let run = sandbox.gobuild().arg("check").fails_with(PROJECT);
    assert!(run.stdout.contains("unknown key `image[0].usr`"), "{run}");

    sandbox.write("goimage.toml", DOUBTFUL);
    sandbox.write(
        "main.go",
        "package main\n\nimport _ \"example.com/app/absent\"\n\nfunc main() {}\n",
    );
    let run = sandbox.gobuild().arg("check").fails_with(PROJECT);
    for part in ["main.go:3:8", "example.com/app/absent", "(RootUser)"] {
        assert!(run.stdout.contains(part), "{part} is not in {run}");
    }

    sandbox.write(
        "go.mod",
        "module example.com/app\n\ngo 1.26.0\n\nrequir x v1.0.0\n",
    );
    let run = sandbox.gobuild().arg("check").fails_with(PROJECT);
    assert!(run.stdout.contains("go.mod:5:1"), "{run}");
}

#[test]
fn what_a_build_is_told_elsewhere_is_no_error() {
    let sandbox = doubtful();
    let manifest =
        "[[image]]\nname = \"app\"\ntags = [\"{{ env.CI_VERSION }}\", \"{{ git.tag }}\"]\n";
    sandbox.write("goimage.toml", manifest);
    let run = sandbox.gobuild().args(["check", "--strict"]).succeeds();
    assert_eq!(run.stdout, "");
}

#[test]
fn github_shows_findings_beside_the_source() {
    let sandbox = doubtful();
    let command =
        "::warning file=project/goimage.toml,line=5,col=8,endLine=5,endColumn=14,title=RootUser::";
    let workspace = sandbox.project().parent().unwrap().to_owned();
    let check = || {
        let check = sandbox.gobuild().arg("check");
        check.env("GITHUB_WORKSPACE", &workspace)
    };
    let run = check().args(["--format", "github"]).succeeds();
    assert!(run.stdout.starts_with(command), "{run}");

    let run = check()
        .env("GITHUB_ACTIONS", "true")
        .succeeds()
        .says(&[command]);
    assert!(!run.stdout.contains("::"), "{run}");
    let run = check()
        .args(["--format", "github"])
        .env("GITHUB_ACTIONS", "true")
        .succeeds();
    assert_eq!(run.count("::warning"), 0, "{run}");
}

#[test]
fn github_shows_a_compile_error_beside_the_source() {
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        (
            "cmd/app/main.go",
            "package main\n\nfunc main() {\n\tvar unused int\n\tundefined()\n}\n",
        ),
    ]);
    let workspace = sandbox.project().parent().unwrap().to_owned();
    let image = || sandbox.image().env("GITHUB_WORKSPACE", &workspace);
    let run = image()
        .env("GITHUB_ACTIONS", "true")
        .fails_with(BUILD)
        .says(&[
            "\n::error file=project/cmd/app/main.go,line=4,col=6,title=gobuild::declared and not used: unused\n",
            "\n::error file=project/cmd/app/main.go,line=5,col=2,title=gobuild::undefined: undefined\n",
        ]);
    assert_eq!(run.count("::error"), 2, "{run}");
    image().fails_with(BUILD).says_nothing_of(&["::error"]);
}

#[test]
fn github_shows_what_is_refused() {
    let sandbox = doubtful();
    sandbox.write("ci/other.toml", "[[image]]\nusr = \"root\"\n");
    let plan = |arguments: &[&str]| {
        let plan = sandbox.gobuild().arg("plan").args(arguments);
        plan.env("GITHUB_ACTIONS", "true").fails_with(PROJECT)
    };
    // A manifest that is named is where it was named, not where the project is.
    plan(&["--file", "ci/other.toml"]).says(&[
        "::error file=ci/other.toml,line=2,col=1,title=gobuild::unknown key `image[0].usr`",
    ]);
    sandbox.write(
        "main.go",
        "package main\n\nimport _ \"example.com/app/absent\"\n\nfunc main() {}\n",
    );
    plan(&[]).says(&["::error file=main.go,line=3,col=8,title=gobuild::"]);
    let run = plan(&["none"]);
    assert_eq!(run.count("::error title=gobuild::"), 1, "{run}");
}
