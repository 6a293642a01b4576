//! The best Dockerfiles that we can write, built by `buildctl` with BuildKit's own frontend.
//!
//! They compile on the builder's platform, bind-mount the sources instead of copying them, keep
//! modules and compiled packages in cache mounts, leave out by `.dockerignore` what cannot matter, and
//! link the binaries onto the base without needing it. Cache mounts have an id for each column, so
//! that no column profits from another.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::contenders::native::FLAGS;
use crate::contenders::{Build, Cache, Column, binary};
use crate::environment::environment;
use crate::lab::Lab;

/// What no binary is made of.
const IGNORED: &str = ".git\n*.md\n**/*_test.go\n**/testdata\nDockerfile\n.dockerignore\n";

/// Settings of `go` that say how modules are fetched, lent to the steps as build arguments.
const SETTINGS: [&str; 6] = [
    "GOPROXY",
    "GOSUMDB",
    "GOPRIVATE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOINSECURE",
];

/// Proxies, which every Dockerfile has as arguments without declaring them.
const PROXIES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/// Returns the commands of a build: one, or one for each main.
pub(super) fn commands(column: Column, lab: &Lab, build: &Build<'_>) -> Vec<Command> {
    let folder = lab.place(&format!("dockerfiles/{}", column.name()));
    fs::create_dir_all(&folder).expect("the bench's folder can be written to");
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).expect("the bench's folder can be written to");
    };
    write("Dockerfile", &text(column, build));
    write("Dockerfile.dockerignore", IGNORED);
    if column == Column::DockerfileSplit {
        let names = build.mains.iter().map(|main| binary(main));
        names
            .map(|name| command(column, lab, build, &folder, Some(name)))
            .collect()
    } else {
        vec![command(column, lab, build, &folder, None)]
    }
}

/// Returns the smallest build there is.
pub(super) fn floor(lab: &Lab) -> Command {
    let graph = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/llb/golden/file_mkfile.pb");
    let mut command = lab.program("sh", &lab.place("empty"));
    command
        .args([
            "-c",
            "exec buildctl --addr \"$1\" build --progress plain <\"$2\"",
            "sh",
        ])
        .arg(lab.builder.address())
        .arg(graph);
    command
}

fn command(
    column: Column,
    lab: &Lab,
    build: &Build<'_>,
    folder: &Path,
    target: Option<&str>,
) -> Command {
    let mut command = lab.program("buildctl", &build.tree);
    command
        .args([
            "--addr",
            &lab.builder.address(),
            "build",
            "--progress",
            "plain",
        ])
        .args(["--frontend", "dockerfile.v0", "--local", "context=."])
        .arg("--local")
        .arg(format!("dockerfile={}", folder.display()))
        .arg("--opt")
        .arg(format!("platform={}", build.platforms.join(",")));
    let variables = environment();
    for name in SETTINGS.iter().chain(&PROXIES) {
        if let Some(value) = variables.get(*name).filter(|value| !value.is_empty()) {
            command
                .arg("--opt")
                .arg(format!("build-arg:{name}={value}"));
        }
    }
    if let Some(target) = target {
        command.arg("--opt").arg(format!("target=image-{target}"));
    }
    let suffix = target.map(|name| format!("/{name}")).unwrap_or_default();
    let host = lab.registry.host();
    let compression = match column {
        Column::DockerfileZstd | Column::DockerfileLayers => {
            ",compression=zstd,force-compression=true,oci-mediatypes=true"
        }
        _ => "",
    };
    let output = format!(
        "type=image,name={host}/{}{suffix}:latest,push=true{compression}",
        build.repository
    );
    command.args(["--output", &output]);
    let cache = format!(
        "type=registry,ref={host}/{}{suffix}:latest",
        build.cache_repository
    );
    match build.cache {
        Cache::None => {}
        Cache::Export => {
            command.args(["--export-cache", &format!("{cache},mode=max{compression}")]);
        }
        Cache::Import => {
            command.args(["--import-cache", &cache]);
        }
    }
    command
}

/// Returns a column's Dockerfile for a build.
fn text(column: Column, build: &Build<'_>) -> String {
    let name = column.name();
    let modules = if column == Column::DockerfileLayers {
        String::new()
    } else {
        format!("--mount=type=cache,id={name}-mod,target=/go/pkg/mod ")
    };
    let both = format!("{modules}--mount=type=cache,id={name}-build,target=/root/.cache/go-build ");
    let mut text = format!(
        "FROM --platform=$BUILDPLATFORM golang:{} AS modules\nWORKDIR /src\nENV CGO_ENABLED=0\n",
        build.toolchain.version
    );
    for setting in SETTINGS {
        let _ = writeln!(text, "ARG {setting}");
    }
    let files = present(build);
    if files.iter().any(|file| file.ends_with("go.sum")) {
        text.push_str(&format!("RUN {modules}"));
        for file in &files {
            let _ = write!(text, "--mount=type=bind,source={file},target={file} ");
        }
        text.push_str("go mod download\n");
    }
    let compile = |mains: &[String]| {
        format!(
            "ARG TARGETOS\nARG TARGETARCH\nRUN {both}--mount=type=bind,target=. \
             GOOS=$TARGETOS GOARCH=$TARGETARCH go build {} {} '{}' -o /out/ {}\n",
            FLAGS[0],
            FLAGS[1],
            FLAGS[2],
            mains.join(" ")
        )
    };
    if column == Column::DockerfileSplit {
        for main in &build.mains {
            let binary = binary(main);
            let _ = write!(
                text,
                "FROM modules AS build-{binary}\n{}FROM base:latest AS image-{binary}\n{}",
                compile(std::slice::from_ref(main)),
                link(&format!("build-{binary}"), binary)
            );
        }
    } else {
        let _ = write!(
            text,
            "FROM modules AS build\n{}FROM base:latest\n",
            compile(&build.mains)
        );
        for main in &build.mains {
            text.push_str(&link("build", binary(main)));
        }
    }
    text
}

fn link(stage: &str, binary: &str) -> String {
    format!("COPY --link --from={stage} /out/{binary} /usr/local/bin/{binary}\n")
}

/// Returns the module files that a tree has.
fn present(build: &Build<'_>) -> Vec<&'static str> {
    let files = build.project.module_files.iter().copied();
    files
        .filter(|file| build.tree.join(file).is_file())
        .collect()
}
