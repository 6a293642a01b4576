//! The examples of `docs/ci`: parsed, and their gobuild scripts run with the variables, files and
//! builders that these CI systems have, against a registry that wants a login.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use saphyr::{LoadableYamlNode as _, YamlOwned};

use crate::harness::daemon;
use crate::harness::environment::environment;
use crate::harness::image::Image;
use crate::harness::machine::Machine;
use crate::harness::registry::{self, Guarded, PASSWORD, USER};
use crate::harness::tool;

/// Returns an example.
fn example(name: &str) -> YamlOwned {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/ci")
        .join(name);
    let text = fs::read_to_string(path).unwrap();
    YamlOwned::load_from_str(&text).unwrap().remove(0)
}

fn text(yaml: &YamlOwned) -> &str {
    yaml.as_str()
        .unwrap_or_else(|| panic!("{yaml:?} is no text"))
}

/// A machine of a CI system, and the registry that its jobs push to.
struct Runner {
    machine: Machine,
    registry: Guarded,
    variables: BTreeMap<String, String>,
}

impl Runner {
    fn new(machine: Machine, registry: Guarded, variables: &[(&str, &str)]) -> Self {
        let own = variables.iter();
        let mut all = environment().clone();
        all.extend(own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let home = machine.sandbox().home();
        let set = [
            ("CI", "true".to_owned()),
            ("HOME", home.display().to_string()),
            ("XDG_RUNTIME_DIR", home.join(".run").display().to_string()),
            (
                "XDG_CACHE_HOME",
                format!("{}/cache", env!("CARGO_TARGET_TMPDIR")),
            ),
            ("PATH", machine.path().into_string().unwrap()),
        ];
        all.extend(set.map(|(name, value)| (name.to_owned(), value)));
        Self {
            machine,
            registry,
            variables: all,
        }
    }

    /// Runs a script as the systems do: bash, ended by the first failure.
    fn bash(&self, script: &str) {
        let bin = Path::new(env!("CARGO_BIN_EXE_gobuild")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), self.variables["PATH"]);
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.machine.sandbox().project())
            .env_clear()
            .envs(&self.variables)
            .env("PATH", path);
        tool::output(command);
    }

    /// Returns what a reference of the registry names, read with the runner's login.
    fn pushed(&self, name: &str) -> Image {
        Image::new(format!("{}/{name}", self.registry.host()))
            .login(&self.machine.sandbox().home().join(".docker"))
    }

    /// Panics unless the registry has the image, for both platforms, and the cache.
    fn has(&self, images: &str, refs: &str) {
        let image = self.pushed(&format!("{images}/app"));
        let platforms = ["linux/amd64", "linux/arm64"].map(str::to_owned);
        assert_eq!(image.platforms(), platforms.into());
        let digest = image.digest();
        assert_eq!(refs.trim(), format!("{}:latest@{digest}", image.source()));
        assert!(
            self.pushed(&format!("{images}/cache"))
                .digest()
                .starts_with("sha256:")
        );
    }
}

/// Writes what `docker login` writes.
fn log_in(machine: &Machine, registry: &Guarded) {
    let config = registry::login(registry.host(), PASSWORD);
    machine.sandbox().write_home(".docker/config.json", &config);
}

#[test]
fn github_actions() {
    let registry = Guarded::start();
    // What docker/setup-buildx-action leaves behind: a container, and a builder that is in use.
    let nodes =
        serde_json::json!([{ "Name": "builder-70", "Endpoint": "unix:///var/run/docker.sock" }]);
    let machine = Machine::new("github")
        .builder("builder-7", "docker-container", &nodes)
        .uses("builder-7")
        .way("docker");
    log_in(&machine, &registry);
    let out = machine.sandbox().out("temp");
    fs::create_dir(&out).unwrap();
    let file = |name: &str| out.join(name).display().to_string();
    let host = registry.host().to_owned();
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_REF_NAME", "main"),
        ("GITHUB_REPOSITORY", "Team/Shop"),
        ("GITHUB_SHA", "ffac537e6cbbf934b08745a378932722df287a53"),
        ("GITHUB_OUTPUT", &file("output")),
        ("GITHUB_STEP_SUMMARY", &file("summary")),
        ("RUNNER_TEMP", &out.display().to_string()),
        // In the example it is a registry of the world.
        ("REGISTRY", &host),
    ];
    let runner = Runner::new(machine, registry, &variables);
    let workflow = example("github.yml");
    assert_eq!(text(&workflow["env"]["REGISTRY"]), "ghcr.io");
    let steps = workflow["jobs"]["image"]["steps"].as_vec().unwrap();
    let scripts: Vec<&str> = steps
        .iter()
        .filter_map(|step| step.as_mapping_get("run")?.as_str())
        .filter(|script| script.contains("gobuild image"))
        .collect();
    assert_eq!(scripts.len(), 2);
    for script in scripts {
        assert!(!script.contains("${{"), "a test cannot expand {script}");
        runner.bash(script);
    }
    let refs = fs::read_to_string(out.join("images")).unwrap();
    runner.has("team/shop", &refs);
    let output = fs::read_to_string(out.join("output")).unwrap();
    assert_eq!(output, format!("images<<END\n{refs}END\n"));
    let metadata = fs::read_to_string(out.join("metadata.json")).unwrap();
    assert!(metadata.contains("containerimage.digest"), "{metadata}");
}

#[test]
fn gitlab() {
    let registry = Guarded::start();
    let machine = Machine::new("gitlab");
    let images = format!("{}/team/shop", registry.host());
    let host = registry.host().to_owned();
    let variables = [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_COMMIT_SHA", "ffac537e6cbbf934b08745a378932722df287a53"),
        ("CI_DEFAULT_BRANCH", "main"),
        ("CI_REGISTRY", &host),
        ("CI_REGISTRY_IMAGE", &images),
        ("CI_REGISTRY_USER", USER),
        ("CI_REGISTRY_PASSWORD", PASSWORD),
        // In the example it is the service of the job.
        ("BUILDKIT_HOST", &daemon::address()),
    ];
    let runner = Runner::new(machine, registry, &variables);
    let pipeline = example("gitlab.yml");
    let base = &pipeline[".gobuild"];
    assert_eq!(
        text(&base["variables"]["BUILDKIT_HOST"]),
        "tcp://buildkitd:1234"
    );
    for job in ["check", "image"] {
        assert_eq!(text(&pipeline[job]["extends"]), ".gobuild");
        let lines = [&base["before_script"], &pipeline[job]["script"]];
        let lines = lines.into_iter().flat_map(|lines| lines.as_vec().unwrap());
        let script: Vec<&str> = lines.map(text).collect();
        runner.bash(&script.join("\n"));
    }
    let refs = fs::read_to_string(runner.machine.sandbox().project().join("images.txt")).unwrap();
    // The pipeline leaves no login behind; crane needs one.
    log_in(&runner.machine, &runner.registry);
    runner.has("team/shop", &refs);
}

#[test]
fn a_login_is_read_from_wherever_ci_keeps_it() {
    let registry = Guarded::start();
    let machine = Machine::new("login");
    let name = |tag: &str| format!("{}/team/app:{tag}", registry.host());
    let config = registry::login(registry.host(), PASSWORD);
    let home = machine.sandbox().home();
    machine.sandbox().write_home("ci/config.json", &config);
    machine.sandbox().write_home("podman/auth.json", &config);
    let push = |tag: &str| {
        let gobuild = machine
            .gobuild()
            .args(["image", "--push", "--tag", &name(tag)]);
        gobuild.args(["--addr", &daemon::address()])
    };
    push("anonymous").fails_with(6);
    push("a").env("DOCKER_CONFIG", home.join("ci")).succeeds();
    push("b").env("DOCKER_AUTH_CONFIG", &config).succeeds();
    push("c")
        .env("REGISTRY_AUTH_FILE", home.join("podman/auth.json"))
        .succeeds();
    // A wrong one is not passed over for a right one that comes later.
    let wrong = registry::login(registry.host(), "wrong");
    push("d")
        .env("DOCKER_AUTH_CONFIG", &wrong)
        .env("DOCKER_CONFIG", home.join("ci"))
        .fails_with(6);
}
