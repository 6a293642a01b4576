//! Plans lowered and decoded again.

mod circumstances;
mod packages;
mod told;

use std::collections::BTreeSet;

use serde_json::Value;

use told::{decoded, exec_lines, file_lines, only, taken};

use super::{
    Binaries, Circumstances, CopiedFiles, ImageInputs, LowerError, Presented, Toolchain, binaries,
    compile_all,
};
use crate::llb::{Local, Metadata, OciLayout, Output};
use crate::oci::{ImageConfig, Platform};
use crate::plan::Plan;
use crate::plan::fixture::Project;

const MAIN: &str = "package main\nfunc main() {}\n";
const USES_UUID: &str = "package main\nimport _ \"github.com/google/uuid\"\nfunc main() {}\n";
const GO_MOD: &str = "module example.com/app\n\ngo 1.26.0\n";
const GO_MOD_UUID: &str =
    "module example.com/app\n\ngo 1.26.0\n\nrequire github.com/google/uuid v1.6.0\n";
const GO_SUM: &str = "\
github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=
github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=
";

/// Returns a digest-keyed layout; equal names give equal ones.
fn layout(name: &str, platform: &Platform) -> Output {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(name.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    OciLayout::new("gobuild/test", format!("sha256:{hex}"), platform.clone())
        .store("store")
        .metadata(Metadata::named(name))
        .build()
        .unwrap()
}

fn presented(plan: &Plan) -> Presented {
    let platform = &plan.build_platform;
    let closures = plan.compiles.iter();
    Presented {
        circumstances: Circumstances::default(),
        toolchain: Toolchain::Tree(layout("go", platform)),
        trust: None,
        helper: plan.runs_helper().then(|| layout("gobuild", platform)),
        packages: plan
            .packages
            .iter()
            .map(|step| {
                let name = "module files";
                (!step.inputs.is_empty()).then(|| layout(name, platform))
            })
            .collect(),
        module_files: plan
            .modules
            .as_ref()
            .map(|_| layout("module files", platform)),
        closures: closures
            .map(|step| layout(&format!("{} {}", step.binary, step.platform), platform))
            .collect(),
    }
}

/// Returns the inputs of an image on scratch whose files have the given owner.
fn inputs(platform: &Platform, files: usize, owner: (u32, u32)) -> ImageInputs {
    let source = Local::new("project").build().unwrap();
    ImageInputs {
        base: Output::scratch(),
        config: ImageConfig::empty(platform),
        extras: Vec::new(),
        files: vec![CopiedFiles { source, owner }; files],
        epoch: 7,
    }
}

/// Returns the first platform of the first image.
fn root(plan: &Plan, binaries: &Binaries<'_>, owner: (u32, u32)) -> Output {
    let image = &plan.images[0].platforms[0];
    let inputs = inputs(&image.platform, image.files.len(), owner);
    super::image(image, binaries, &inputs).unwrap().root
}

#[test]
fn a_compile_step_has_no_network_no_shell_and_exact_inputs() {
    let plan = Project::new([("go.mod", GO_MOD), ("main.go", MAIN)]).plan();
    let binaries = compile_all(&plan, &presented(&plan)).unwrap();
    let ops = decoded(binaries.get(0).unwrap().1);
    insta::assert_snapshot!(exec_lines(only(&ops, "exec")), @r##"
    /usr/local/go/bin/go
    build
    -trimpath
    -buildvcs=false
    -ldflags=-s -w -buildid=
    -gcflags=all=-dwarf=false
    -o
    /out/app
    .
    cwd /src
    network NONE
    env CGO_ENABLED=0
    env GOARCH=amd64
    env GOCACHE=/cache/go-build
    env GOENV=off
    env GOFLAGS=-mod=readonly
    env GOMODCACHE=/go/pkg/mod
    env GOOS=linux
    env GOPATH=/go
    env GOPROXY=off
    env GOTMPDIR=/out
    env GOTOOLCHAIN=local
    env GOWORK=off
    env HOME=/tmp
    env PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    env TMPDIR=/tmp
    secret env GOMAXPROCS of gobuild.env.GOMAXPROCS optional
    mount BIND / as output 0
    mount CACHE /cache/go-build id gobuild/go-build shared
    mount BIND /out as output 1
    mount BIND /src of app linux/amd64 read-only content-cache OFF
    mount TMPFS /tmp
    mount BIND /usr/local/go of go read-only content-cache OFF
    "##);
}

#[test]
fn an_image_with_go_is_the_root_of_steps() {
    let plan = Project::new([("go.mod", GO_MOD), ("main.go", MAIN)]).plan();
    let mut presented = presented(&plan);
    presented.toolchain = Toolchain::Root(layout("golang", &plan.build_platform));
    let binaries = compile_all(&plan, &presented).unwrap();
    let ops = decoded(binaries.get(0).unwrap().1);
    let lines = exec_lines(only(&ops, "exec"));
    let (_, mounts) = lines.split_once("optional\n").unwrap();
    insta::assert_snapshot!(mounts, @r##"
    mount BIND / of golang read-only
    mount CACHE /cache/go-build id gobuild/go-build shared
    mount BIND /out as output 0
    mount BIND /src of app linux/amd64 read-only content-cache OFF
    mount TMPFS /tmp
    "##);
}

#[test]
fn modules_are_filled_platform_by_platform_and_nothing_secret_is_said() {
    let manifest = "[build]\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\n\
        [modules]\nssh = [\"default\"]\nprivate = [\"git.example.com/*\"]\n\
        secrets = [{ id = \"token\", env = \"TOKEN_VARIABLE\" }]\n";
    let plan = Project::new([
        ("go.mod", GO_MOD_UUID),
        ("go.sum", GO_SUM),
        ("main.go", USES_UUID),
        ("goimage.toml", manifest),
    ])
    .plan();
    let binaries = compile_all(&plan, &presented(&plan)).unwrap();
    let output = binaries.get(1).unwrap().1;
    let bytes = String::from_utf8_lossy(&output.marshal().to_bytes()).into_owned();
    for hidden in ["TOKEN_VARIABLE", "git.example.com"] {
        assert!(!bytes.contains(hidden), "{hidden}");
    }
    let ops = decoded(output);
    let execs: Vec<&Value> = ops.iter().filter(|op| !op["exec"].is_null()).collect();
    let [first, second, compile] = execs.as_slice() else {
        panic!("{ops:#?}");
    };
    insta::assert_snapshot!(exec_lines(first), @r##"
    /usr/local/go/bin/go
    list
    -deps
    -f
    {{if false}}{{end}}
    --
    github.com/google/uuid
    cwd /src
    network UNSET
    env CGO_ENABLED=0
    env GIT_SSL_CAINFO=/run/gobuild/ca/gobuild.ca.pem
    env GOCACHE=/cache/go-build
    env GOENV=off
    env GOFLAGS=-mod=readonly
    env GOMAXPROCS=32
    env GOMODCACHE=/go/pkg/mod
    env GOPATH=/go
    env GOTOOLCHAIN=local
    env GOWORK=off
    env HOME=/tmp
    env NETRC=/run/gobuild/netrc
    env PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    env SSL_CERT_DIR=/run/gobuild/ca:/run/gobuild/trust:/etc/ssl/certs
    env TMPDIR=/tmp
    env GOARCH=amd64
    env GOOS=linux
    env SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0
    secret env GOAUTH of gobuild.env.GOAUTH optional
    secret env GOINSECURE of gobuild.env.GOINSECURE optional
    secret env GONOPROXY of gobuild.env.GONOPROXY optional
    secret env GONOSUMDB of gobuild.env.GONOSUMDB optional
    secret env GOPRIVATE of gobuild.env.GOPRIVATE optional
    secret env GOPROXY of gobuild.env.GOPROXY optional
    secret env GOSUMDB of gobuild.env.GOSUMDB optional
    secret env GOVCS of gobuild.env.GOVCS optional
    secret env HTTP_PROXY of gobuild.env.HTTP_PROXY optional
    secret env HTTPS_PROXY of gobuild.env.HTTPS_PROXY optional
    secret env NO_PROXY of gobuild.env.NO_PROXY optional
    mount BIND / as output 0
    mount CACHE /cache/go-build id gobuild/go-build shared
    mount BIND /go/pkg/mod as output 1
    mount BIND /src of module files read-only content-cache OFF
    mount TMPFS /tmp
    mount BIND /usr/local/go of go read-only content-cache OFF
    mount SECRET /run/gobuild/ca/gobuild.ca.pem id gobuild.ca optional
    mount SECRET /run/gobuild/netrc id gobuild.netrc optional
    mount SECRET /run/secrets/token id token
    mount SSH /run/buildkit/ssh_agent.0 id default
    "##);
    // The second platform's listing starts from the modules of the first.
    assert_eq!(
        taken(second),
        ["modules for linux/amd64", "module files", "go"]
    );
    assert_eq!(
        taken(compile),
        ["modules for linux/arm64", "app linux/arm64", "go"]
    );
}

#[test]
fn a_binary_is_one_copy_with_fixed_owner_mode_and_time() {
    let plan = Project::new([("go.mod", GO_MOD), ("main.go", MAIN)]).plan();
    let binaries = compile_all(&plan, &presented(&plan)).unwrap();
    // On scratch there is nothing to merge: the layer is the image.
    let ops = decoded(&root(&plan, &binaries, (0, 0)));
    insta::assert_snapshot!(file_lines(only(&ops, "file")), @r##"
    copy create_dest_path, dest /usr/local/bin/app, mode 0755, owner 0:0, src /app, timestamp 7000000000
    of ["compile app linux/amd64"]
    "##);
}

#[test]
fn files_keep_folders_usable_and_give_away_none_of_the_base() {
    let manifest = "[[image]]\nname = \"app\"\n\
        files = [{ from = \"etc\", to = \"/etc/app\", mode = \"0640\" }]\n";
    let plan = Project::new([
        ("go.mod", GO_MOD),
        ("main.go", MAIN),
        ("goimage.toml", manifest),
        ("etc/a", "a"),
        ("etc/deep/er/b", "b"),
    ])
    .plan();
    let binaries = compile_all(&plan, &presented(&plan)).unwrap();
    let ops = decoded(&root(&plan, &binaries, (1000, 50)));
    let files: Vec<&Value> = ops.iter().filter(|op| !op["file"].is_null()).collect();
    insta::assert_snapshot!(file_lines(files[0]), @r##"
    mkdir make_parents, mode 0755, owner 0:0, path /etc
    mkdir mode 0750, owner 1000:50, path /etc/app
    mkdir mode 0750, owner 1000:50, path /etc/app/deep
    mkdir mode 0750, owner 1000:50, path /etc/app/deep/er
    of []
    "##);
    insta::assert_snapshot!(file_lines(files[1]), @r##"
    copy create_dest_path, dest /etc/app, dir_copy_contents, mode 0640, owner 1000:50, src /etc, timestamp 7000000000
    copy dest /, dir_copy_contents, src /, timestamp 7000000000
    of ["#0", "folders of /etc/app"]
    "##);
}

#[test]
fn layers_are_merged_upwards_from_the_base() {
    let manifest = "[[image]]\nname = \"both\"\nbinaries = [\"./cmd/b\", \"./cmd/a\"]\n\
        files = [{ from = \"go.mod\", to = \"/\" }]\n";
    let plan = Project::new([
        ("go.mod", GO_MOD),
        ("cmd/a/main.go", MAIN),
        ("cmd/b/main.go", MAIN),
        ("goimage.toml", manifest),
    ])
    .plan();
    let binaries = compile_all(&plan, &presented(&plan)).unwrap();
    let image = &plan.images[0].platforms[0];
    let mut parts = inputs(&image.platform, 1, (0, 0));
    parts.base = layout("base", &image.platform);
    parts.extras = vec![(layout("certificates", &image.platform), "certs".to_owned())];
    let lowered = super::image(image, &binaries, &parts).unwrap();
    let ops = decoded(&lowered.root);
    let merge = only(&ops, "merge");
    assert_eq!(
        taken(merge),
        [
            "base",
            "certificates",
            "files go.mod to /go.mod",
            "layer b linux/amd64",
            "layer a linux/amd64",
        ]
    );
    let config: Value = serde_json::from_slice(&lowered.config.to_json()).unwrap();
    let by: Vec<&Value> = config["history"].as_array().unwrap().iter().collect();
    let by: Vec<&str> = by
        .iter()
        .filter_map(|line| line["created_by"].as_str())
        .collect();
    // A line for each layer above the base's own.
    assert_eq!(
        by,
        [
            "certs",
            "files go.mod to /go.mod",
            "go build example.com/app/cmd/b to /usr/local/bin/b",
            "go build example.com/app/cmd/a to /usr/local/bin/a",
        ]
    );
    assert_eq!(config["created"], "1970-01-01T00:00:07Z");
    assert_eq!(config["config"]["Entrypoint"][0], "/usr/local/bin/b");
}

#[test]
fn a_folder_of_binaries_holds_nothing_else() {
    let plan = Project::new([("go.mod", GO_MOD), ("main.go", MAIN)]).plan();
    let compiled = compile_all(&plan, &presented(&plan)).unwrap();
    let root = binaries(&plan.images[0].platforms[0], &compiled, 7).unwrap();
    let ops = decoded(&root);
    let copy = &only(&ops, "file")["file"]["actions"][0]["copy"];
    assert_eq!(copy["dest"], "/app");
}

#[test]
fn platforms_differ_in_little_more_than_their_variables() {
    let plan = Project::new([("go.mod", GO_MOD), ("main.go", MAIN)])
        .platforms(&["linux/amd64", "linux/arm64"])
        .plan();
    let compiled = compile_all(&plan, &presented(&plan)).unwrap();
    let variables = |compile: usize| -> BTreeSet<String> {
        let ops = decoded(compiled.get(compile).unwrap().1);
        let env = only(&ops, "exec")["exec"]["meta"]["env"].clone();
        serde_json::from_value(env).unwrap()
    };
    let (amd64, arm64) = (variables(0), variables(1));
    let only_one: Vec<&String> = amd64.symmetric_difference(&arm64).collect();
    assert_eq!(only_one, ["GOARCH=amd64", "GOARCH=arm64"]);
}

#[test]
fn equal_projects_give_equal_bytes() {
    let bytes = || {
        let plan = Project::new([("go.mod", GO_MOD), ("main.go", MAIN)])
            .platforms(&["linux/arm64"])
            .plan();
        let binaries = compile_all(&plan, &presented(&plan)).unwrap();
        root(&plan, &binaries, (0, 0)).marshal().to_bytes()
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let plan = Project::new([("go.mod", GO_MOD), ("main.go", MAIN)]).plan();
    let mut other = presented(&plan);
    other.closures.clear();
    assert!(matches!(
        compile_all(&plan, &other),
        Err(LowerError::Inputs {
            steps: 1,
            closures: 0
        })
    ));
    let compiled = compile_all(&plan, &presented(&plan)).unwrap();
    let mut image = plan.images[0].platforms[0].clone();
    image.binaries[0].compile = 9;
    let inputs = inputs(&image.platform, 0, (0, 0));
    assert!(matches!(
        super::image(&image, &compiled, &inputs),
        Err(LowerError::NoStep { compile: 9 })
    ));
}
