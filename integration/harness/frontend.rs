//! The frontend image, and the clients that people build with it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use super::environment::environment;
use super::sandbox::Sandbox;
use super::{daemon, engine, registry, tool};

/// Exporter attributes under which the daemon writes what `gobuild image --push` does.
const LIKE_GOBUILD: &str = "compression=zstd,force-compression=true,oci-mediatypes=true";

/// Settings of Go that clients lend to downloads, as gobuild lends them itself.
const LENT: [&str; 9] = [
    "GOAUTH",
    "GOINSECURE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "HTTPS_PROXY",
    "HTTP_PROXY",
];

/// A client of others' making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// `buildctl`, which names the frontend itself.
    Gateway,
    /// `buildctl` with the Dockerfile frontend, which follows the syntax line.
    Dockerfile,
    /// `docker buildx build`, with a builder of the remote driver.
    Buildx,
    /// The same with the engine's own BuildKit: what `docker build` is.
    Engine,
}

/// Returns the reference of the frontend image, packed from the program under test and pushed.
pub(crate) fn image() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frontend");
        fs::create_dir_all(&folder).unwrap();
        // Debug information is most of a test build, and no step reads it.
        let program = folder.join("gobuild");
        let stripped = program.display().to_string();
        let args = [
            "--strip-debug",
            "-o",
            &stripped,
            env!("CARGO_BIN_EXE_gobuild"),
        ];
        tool::run("strip", &args);
        let reference = format!("{}/frontend/gobuild:test", registry::shared());
        let mut command = Command::new(&program);
        command
            .args([
                "frontend",
                "pack",
                "--push",
                "--compression",
                "uncompressed",
            ])
            .args(["--tag", &reference, "--addr", &daemon::address()])
            .env_clear()
            .envs(environment())
            .env("HOME", &folder)
            .env("XDG_CACHE_HOME", folder.with_file_name("cache"));
        tool::output(command);
        reference
    })
}

/// One build by another client.
pub(crate) struct Build<'a> {
    sandbox: &'a Sandbox,
    client: Client,
    options: Vec<(String, String)>,
}

impl<'a> Build<'a> {
    /// Returns a build of a sandbox's project; its manifest gets a syntax line.
    pub(crate) fn new(sandbox: &'a Sandbox, client: Client) -> Self {
        let manifest = sandbox.project().join("goimage.toml");
        let text = fs::read_to_string(&manifest).unwrap_or_default();
        if client != Client::Gateway && !text.starts_with("# syntax=") {
            fs::write(&manifest, format!("# syntax={}\n{text}", image())).unwrap();
        }
        Self {
            sandbox,
            client,
            options: Vec::new(),
        }
    }

    /// Adds an option of the frontend.
    pub(crate) fn option(mut self, key: &str, value: &str) -> Self {
        self.options.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Pushes the image, compressed as gobuild does.
    pub(crate) fn push(&self, reference: &str) -> Output {
        let output = format!("type=image,name={reference},push=true,{LIKE_GOBUILD}");
        tool::output(self.command(&["--output", &output]))
    }

    /// Runs a build without an output, to whatever end; `more` are arguments of the client.
    pub(crate) fn run(&self, more: &[&str]) -> Output {
        self.command(more).output().unwrap()
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = match self.client {
            Client::Gateway | Client::Dockerfile => self.buildctl(),
            Client::Buildx => self.buildx("remote"),
            Client::Engine => {
                let mut command = self.buildx("default");
                // The tests' engine has no other network.
                command.args(["--network", "host"]);
                command
            }
        };
        for secret in secrets() {
            command.args(["--secret", &secret]);
        }
        command
            .args(more)
            .args(matches!(self.client, Client::Buildx | Client::Engine).then_some("."))
            .current_dir(self.sandbox.project())
            .env_clear()
            .envs(environment())
            .env("HOME", self.sandbox.home())
            .env("BUILDX_CONFIG", self.sandbox.home().join("buildx"))
            .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
            .stdin(Stdio::null());
        if self.client == Client::Engine {
            command.env("DOCKER_HOST", engine::host());
        }
        command
    }

    fn buildctl(&self) -> Command {
        let mut command = Command::new("buildctl");
        command.args(["--addr", &daemon::address(), "build", "--progress", "plain"]);
        command.args(["--local", "context=.", "--local", "dockerfile=."]);
        command.args(["--opt", "filename=goimage.toml"]);
        match self.client {
            Client::Dockerfile => command.args(["--frontend", "dockerfile.v0"]),
            _ => {
                let source = format!("source={}", image());
                command.args(["--frontend", "gateway.v0", "--opt", &source])
            }
        };
        for (key, value) in &self.options {
            command.args(["--opt", &format!("{key}={value}")]);
        }
        command
    }

    fn buildx(&self, builder: &str) -> Command {
        let home = self.sandbox.home();
        if builder == "remote" && !home.join("buildx/instances/remote").exists() {
            let mut create = Command::new("buildx");
            create
                .args(["create", "--name", "remote", "--driver", "remote"])
                .arg(daemon::address())
                .env_clear()
                .env("PATH", env::var_os("PATH").unwrap())
                .env("HOME", &home)
                .env("BUILDX_CONFIG", home.join("buildx"));
            tool::output(create);
        }
        let mut command = Command::new("buildx");
        command.args(["build", "--builder", builder, "--progress", "plain"]);
        command.args(["-f", "goimage.toml"]);
        for (key, value) in &self.options {
            match key.split_once(':') {
                Some((flag, name)) => {
                    command.args([&format!("--{flag}"), &format!("{name}={value}")])
                }
                None => command.args([&format!("--{key}"), value]),
            };
        }
        command
    }
}

/// Returns the secrets that this machine's downloads need, in the clients' spelling.
fn secrets() -> Vec<String> {
    let known = environment();
    let variables = LENT
        .iter()
        .filter(|name| known.get(**name).is_some_and(|v| !v.is_empty()));
    let mut secrets: Vec<String> = variables
        .map(|name| format!("id=gobuild.env.{name},env={name}"))
        .collect();
    let bundle = known.get("SSL_CERT_FILE").map(PathBuf::from);
    if let Some(bundle) = bundle.filter(|bundle| bundle.is_file()) {
        secrets.push(format!("id=gobuild.ca,src={}", bundle.display()));
    }
    secrets
}

/// Returns all that a client said.
pub(crate) fn said(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(stdout).into_owned() + &String::from_utf8_lossy(stderr)
}
