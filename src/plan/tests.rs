//! Projects planned as a whole.

mod packages;
mod platforms;
mod toolchain;

use super::fixture::Project;
use super::{CompileStep, Plan, PlanError};

const MAIN: &str = "package main\nfunc main() {}\n";
const USES_UUID: &str = "package main\nimport _ \"github.com/google/uuid\"\nfunc main() {}\n";
const GO_MOD: &str = "module example.com/app\n\ngo 1.26.0\n";
const GO_MOD_UUID: &str =
    "module example.com/app\n\ngo 1.26.0\n\nrequire github.com/google/uuid v1.6.0\n";
const GO_SUM: &str = "\
github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=
github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=
";

/// Returns a project with programs `./cmd/a` and `./cmd/b`.
fn two(manifest: &str) -> Project {
    Project::new([
        ("go.mod", GO_MOD),
        ("cmd/a/main.go", MAIN),
        ("cmd/b/main.go", MAIN),
        ("goimage.toml", manifest),
    ])
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.images
        .iter()
        .map(|image| image.name.as_str())
        .collect()
}

fn flag<'a>(step: &'a CompileStep, name: &str) -> &'a str {
    let value = step
        .args
        .iter()
        .find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
    value.expect("the flag is given")
}

fn inputs(step: &CompileStep) -> Vec<&str> {
    step.inputs.iter().map(|path| path.as_str()).collect()
}

#[test]
fn without_a_manifest_every_program_is_an_image() {
    let plan = two("").plan();
    assert_eq!(names(&plan), ["a", "b"]);
    assert_eq!(plan.images[0].references, ["a:latest"]);
    assert_eq!(inputs(&plan.compiles[0]), ["cmd/a/main.go", "go.mod"]);
    assert!(plan.modules.is_none());
}

#[test]
fn named_packages_select_the_images_that_hold_them() {
    assert_eq!(names(&two("").select(&["./cmd/b"]).plan()), ["b"]);
    let both = "[[image]]\nname = \"both\"\nbinaries = [\"./cmd/a\", \"./cmd/b\"]\n";
    let plan = two(both).select(&["./cmd/b"]).plan();
    assert_eq!((names(&plan), plan.compiles.len()), (vec!["both"], 2));
    let one = "[[image]]\nname = \"one\"\nbinaries = [\"./cmd/a\"]\n";
    assert_eq!(
        two(one).select(&["./cmd/b"]).refusal(),
        "no [[image]] holds ./cmd/b"
    );
    // One that is in an image does not hide another that is in none.
    assert_eq!(
        two(one).select(&["./cmd/a", "./cmd/b"]).refusal(),
        "no [[image]] holds ./cmd/b"
    );
    assert_eq!(names(&two(one).select(&["./..."]).plan()), ["one"]);
}

#[test]
fn targets_select_by_name() {
    let manifest = "[[image]]\nname = \"registry.example.com/team/{{ binary }}\"\n";
    let plan = two(manifest).target(&["b"]).plan();
    assert_eq!(names(&plan), ["registry.example.com/team/b"]);
    // Programs of images that are not wanted are not compiled.
    assert_eq!(plan.compiles.len(), 1);
    assert_eq!(
        two(manifest).target(&["c", "d"]).refusal(),
        "no image is named c or d"
    );
    assert_eq!(
        two(manifest).target(&["b", "c"]).refusal(),
        "no image is named c"
    );
}

#[test]
fn a_tag_names_one_image() {
    let plan = two("")
        .target(&["a"])
        .tag(&["x.example.com/y:1", "z:2"])
        .plan();
    assert_eq!(plan.images[0].references, ["x.example.com/y:1", "z:2"]);
    let error = two("").tag(&["z:2"]).try_plan().unwrap_err();
    assert!(matches!(error, PlanError::TagsForSeveral));
    assert!(error.hint().is_some_and(|hint| hint.contains("--target")));
}

#[test]
fn names_must_differ() {
    let manifest = "[[image]]\nname = \"a\"\nbinaries = [\"./cmd/b\"]\n\n[[image]]\n";
    assert_eq!(
        two(manifest).refusal(),
        "two images are named a: of example.com/app/cmd/b, and of example.com/app/cmd/a"
    );
    let project = Project::new([
        ("go.mod", GO_MOD),
        ("a/tool/main.go", MAIN),
        ("b/tool/main.go", MAIN),
        (
            "goimage.toml",
            "[[image]]\nname = \"x\"\nbinaries = [\"./...\"]\n",
        ),
    ]);
    assert_eq!(
        project.refusal(),
        "two programs of one image are named tool: example.com/app/a/tool and \
         example.com/app/b/tool"
    );
}

#[test]
fn only_external_packages_need_the_modules_step() {
    let files = [
        ("go.mod", GO_MOD_UUID),
        ("go.sum", GO_SUM),
        ("cmd/a/main.go", MAIN),
        ("cmd/b/main.go", USES_UUID),
    ];
    let plan = Project::new(files).plan();
    let needs: Vec<bool> = plan
        .compiles
        .iter()
        .map(|step| step.needs_modules)
        .collect();
    assert_eq!(needs, [false, true]);
    let modules = plan.modules.unwrap();
    let inputs: Vec<&str> = modules.inputs.iter().map(|path| path.as_str()).collect();
    assert_eq!(inputs, ["go.mod", "go.sum"]);
    assert_eq!(modules.queries.len(), 1);
    assert_eq!(
        modules.queries[0].args.last().map(String::as_str),
        Some("github.com/google/uuid")
    );
    assert!(
        Project::new(files)
            .select(&["./cmd/a"])
            .plan()
            .modules
            .is_none()
    );
}

#[test]
fn modules_are_listed_with_every_flag_that_decides_about_imports() {
    let plan = Project::new([
        ("go.mod", GO_MOD_UUID),
        ("go.sum", GO_SUM),
        ("main.go", USES_UUID),
        (
            "goimage.toml",
            "[go]\ncgo = true\ntags = [\"a\", \"b\"]\nflags = [\"-race\", \"-v\"]\n",
        ),
    ])
    .plan();
    let args = &plan.modules.unwrap().queries[0].args;
    assert_eq!(args[5..7], ["-tags=a,b", "-race"]);
    assert!(!args.contains(&"-v".to_owned()));
}

#[test]
fn a_sanitizer_is_a_tag_however_it_is_turned_on() {
    let with = |flag: &str| {
        let manifest = format!("[go]\ncgo = true\nflags = [{flag:?}]\n");
        let plan = Project::new([
            ("go.mod", GO_MOD_UUID),
            ("go.sum", GO_SUM),
            ("main.go", USES_UUID),
            ("race.go", "//go:build race\n\npackage main\n"),
            ("goimage.toml", manifest.as_str()),
        ])
        .plan();
        let mut listed = plan.modules.iter().flat_map(|step| &step.queries[0].args);
        assert!(listed.any(|arg| arg == flag), "{flag}");
        inputs(&plan.compiles[0]).contains(&"race.go")
    };
    assert!(with("-race") && with("--race") && with("-race=true"));
    assert!(!with("-race=false"));
}

#[test]
fn a_sum_that_is_missing_is_noticed_before_anything_is_sent() {
    let project = Project::new([("go.mod", GO_MOD_UUID), ("main.go", USES_UUID)]);
    assert!(matches!(
        project.try_plan(),
        Err(PlanError::Workspace(_) | PlanError::Graph(_) | PlanError::Resolve(_))
    ));
}

#[test]
fn what_is_vendored_is_not_downloaded() {
    let modules_txt = "# github.com/google/uuid v1.6.0\n## explicit\ngithub.com/google/uuid\n";
    let plan = Project::new([
        ("go.mod", GO_MOD_UUID),
        ("go.sum", GO_SUM),
        ("main.go", USES_UUID),
        ("vendor/modules.txt", modules_txt),
        ("vendor/github.com/google/uuid/uuid.go", "package uuid\n"),
    ])
    .plan();
    assert!(plan.modules.is_none());
    let step = &plan.compiles[0];
    assert!(!step.needs_modules);
    assert_eq!(step.env["GOFLAGS"], "-mod=vendor");
    assert!(inputs(step).contains(&"vendor/github.com/google/uuid/uuid.go"));
    assert!(inputs(step).contains(&"vendor/modules.txt"));
}

#[test]
fn a_workspace_is_compiled_from_its_folder() {
    let plan = Project::new([
        ("go.work", "go 1.26.0\n\nuse (\n\t./app\n\t./lib\n)\n"),
        ("app/go.mod", GO_MOD),
        (
            "app/main.go",
            "package main\nimport _ \"example.com/lib\"\nfunc main() {}\n",
        ),
        ("lib/go.mod", "module example.com/lib\n\ngo 1.26.0\n"),
        ("lib/lib.go", "package lib\n"),
    ])
    .plan();
    let step = &plan.compiles[0];
    assert_eq!(
        inputs(step),
        [
            "app/go.mod",
            "app/main.go",
            "go.work",
            "lib/go.mod",
            "lib/lib.go"
        ]
    );
    assert_eq!(step.env["GOWORK"], "/src/go.work");
    assert_eq!(step.directory, "/src");
    assert_eq!(step.args.last().map(String::as_str), Some("./app"));
}

#[test]
fn a_replacement_beside_the_root_keeps_its_place() {
    let go_mod = "module example.com/app\n\ngo 1.26.0\n\n\
        require example.com/lib v0.0.0\n\nreplace example.com/lib => ../lib\n";
    let plan = Project::new([
        ("go.mod", go_mod),
        (
            "main.go",
            "package main\nimport _ \"example.com/lib\"\nfunc main() {}\n",
        ),
        ("../lib/go.mod", "module example.com/lib\n\ngo 1.26.0\n"),
        ("../lib/lib.go", "package lib\n"),
    ])
    .plan();
    let step = &plan.compiles[0];
    assert_eq!(
        inputs(step),
        ["../lib/go.mod", "../lib/lib.go", "go.mod", "main.go"]
    );
    // As deep as the path climbs, so that `../lib` is `/src/lib`.
    assert_eq!(step.directory, "/src/_");
}

#[test]
fn a_profile_is_an_input() {
    let files = |manifest, profile| {
        Project::new([
            ("go.mod", GO_MOD),
            ("main.go", MAIN),
            ("goimage.toml", manifest),
            (profile, ""),
        ])
    };
    let named = "[go]\npgo = \"profiles/cpu.pprof\"\n";
    let plan = files(named, "profiles/cpu.pprof").plan();
    let step = &plan.compiles[0];
    assert_eq!(flag(step, "-pgo"), "/src/profiles/cpu.pprof");
    assert!(inputs(step).contains(&"profiles/cpu.pprof"));
    assert_eq!(
        files(named, "other").refusal(),
        "the profile profiles/cpu.pprof does not exist"
    );
    // One of this name beside the program is used unasked, unless that is turned off.
    let plan = files("", "default.pgo").plan();
    assert!(inputs(&plan.compiles[0]).contains(&"default.pgo"));
    let plan = files("[go]\npgo = \"off\"\n", "default.pgo").plan();
    assert!(!inputs(&plan.compiles[0]).contains(&"default.pgo"));
    assert_eq!(flag(&plan.compiles[0], "-pgo"), "off");
}

#[test]
fn stamps_are_linker_flags_of_their_own_binary() {
    let manifest = "[go]\nstamp = { \"main.name\" = \"{{ binary }} for {{ os }}\" }\n";
    let plan = two(manifest).plan();
    assert_eq!(
        flag(&plan.compiles[1], "-ldflags"),
        "-s -w -X 'main.name=b for linux' -buildid="
    );
    let both = two("[go]\nstamp = { \"main.name\" = \"'a' and \\\"b\\\"\" }\n");
    assert!(
        both.refusal()
            .starts_with("the stamp \"main.name\" holds both")
    );
}

#[test]
fn a_platform_named_twice_is_built_once() {
    let manifest = "[build]\nplatforms = [\"linux/arm64\", \"linux/amd64\"]\n";
    let built = |plan: &Plan| -> Vec<String> {
        let platforms = plan.images[0].platforms.iter();
        platforms.map(|image| image.platform.to_string()).collect()
    };
    assert_eq!(built(&two(manifest).plan()), ["linux/arm64", "linux/amd64"]);
    let chosen = two(manifest).platforms(&["linux/amd64", "linux/x86_64"]);
    assert_eq!(built(&chosen.plan()), ["linux/amd64"]);
    assert_eq!(built(&two("").plan()), ["linux/amd64"]);
}

#[test]
fn windows_programs_have_their_suffix() {
    let plan = two("").platforms(&["windows/amd64"]).plan();
    assert_eq!(plan.compiles[0].binary, "a.exe");
    assert_eq!(plan.images[0].name, "a");
    let binary = &plan.images[0].platforms[0].binaries[0];
    assert_eq!(binary.path, "/usr/local/bin/a.exe");
}

#[test]
fn a_base_is_named_with_its_tag_and_for_each_platform() {
    let manifest = "[[image]]\nname = \"x\"\nbinaries = [\"./cmd/a\"]\n\
        base = { \"linux/arm64\" = \"alpine\" }\n";
    let plan = two(manifest).platforms(&["linux/arm64"]).plan();
    let json = serde_json::to_value(&plan.images[0].platforms[0].base).unwrap();
    assert!(json.to_string().contains("alpine:latest"), "{json}");
    let error = two(manifest)
        .platforms(&["linux/amd64"])
        .try_plan()
        .unwrap_err();
    let PlanError::Image { source, .. } = error else {
        panic!("{error}");
    };
    assert!(source.to_string().contains("linux/amd64"));
}

#[test]
fn no_folder_above_the_project_enters() {
    let files = |folder: &str| {
        let path = |name: &str| format!("{folder}/{name}");
        [(path("go.mod"), GO_MOD), (path("main.go"), MAIN)]
    };
    let plan = |folder: &str| {
        let files = files(folder);
        let files = files.iter().map(|(path, text)| (path.as_str(), *text));
        Project::in_folder(folder, files).plan().compiles.remove(0)
    };
    assert_eq!(plan("a").args, plan("some/where/else").args);
}
