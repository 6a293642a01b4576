//! One example through every host and builder: one digest.
//!
//! A row of [`HOSTS`] is a way to build. Each pushes the example's index under a name of its own;
//! what the registry then has under that name is compared with what the others have.

use crate::harness::daemon::{self, Private};
use crate::harness::frontend::{Build, Client};
use crate::harness::image::Image;
use crate::harness::machine::Machine;
use crate::harness::program::Gobuild;
use crate::harness::sandbox::{Sandbox, repository};
use crate::harness::tls::{self, certificates};

/// A small program for two platforms, which differ in sources.
const EXAMPLE: &str = "platforms";

/// A way to build.
struct Host {
    name: &'static str,
    /// Builds the example and pushes it under a name; panics if that fails.
    push: fn(&Lab, &str),
}

/// Every way to build. The first is what the others are compared with.
const HOSTS: [Host; 14] = [
    Host {
        name: "cli, unix socket",
        push: |lab, name| lab.at(&daemon::address(), name),
    },
    Host {
        name: "cli, tcp",
        push: |lab, name| lab.at(&daemon::tcp_address(), name),
    },
    Host {
        name: "cli, tcp with mutual TLS",
        push: |lab, name| {
            let gobuild = lab.machine.gobuild().arg("image").arg("--tlsdir");
            let gobuild = gobuild.arg(lab.certificates.path());
            let gobuild = gobuild.args(["--addr", &lab.tls.address().to_string()]);
            lab.push(gobuild.args(["--tlsservername", tls::SERVER]), name);
        },
    },
    Host {
        name: "cli, managed builder",
        push: |lab, name| lab.builder("managed", name),
    },
    Host {
        name: "cli, docker-container://",
        push: |lab, name| lab.at("docker-container://buildkitd", name),
    },
    Host {
        name: "cli, podman-container://",
        push: |lab, name| lab.at("podman-container://buildkitd", name),
    },
    Host {
        name: "cli, kube-pod://",
        push: |lab, name| lab.at("kube-pod://buildkitd", name),
    },
    Host {
        name: "cli, ssh://",
        push: |lab, name| lab.at("ssh://far.test", name),
    },
    Host {
        name: "cli, builder of buildx: remote",
        push: |lab, name| lab.builder("remote", name),
    },
    Host {
        name: "cli, builder of buildx: docker-container",
        push: |lab, name| lab.builder("container", name),
    },
    Host {
        name: "cli, builder of buildx: two nodes",
        push: |lab, name| lab.builder("nodes", name),
    },
    Host {
        name: "frontend, buildctl gateway.v0",
        push: |_, name| frontend(Client::Gateway, name),
    },
    Host {
        name: "frontend, buildctl dockerfile.v0",
        push: |_, name| frontend(Client::Dockerfile, name),
    },
    Host {
        name: "frontend, docker buildx build",
        push: |_, name| frontend(Client::Buildx, name),
    },
];

/// Has another client push the example.
fn frontend(client: Client, name: &str) {
    Build::new(&Sandbox::example(EXAMPLE), client).push(name);
}

/// Daemons, and a machine that knows them.
struct Lab {
    machine: Machine,
    tls: Private,
    certificates: tempfile::TempDir,
}

impl Lab {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let tls = Private::start_with_tls(folder.path()).listens();
        let remote = serde_json::json!([{ "Name": "remote0", "Endpoint": daemon::address() }]);
        let container = serde_json::json!([{ "Name": "container0", "Endpoint": "default" }]);
        let file = |name: &str| folder.path().join(name).display().to_string();
        let on = |architecture: &str| serde_json::json!([{ "os": "linux", "architecture": architecture }]);
        let nodes = serde_json::json!([
            { "Name": "near", "Endpoint": daemon::address(), "Platforms": on("amd64") },
            {
                "Name": "far", "Endpoint": tls.address().to_string(), "Platforms": on("arm64"),
                "DriverOpts": {
                    "cacert": file("ca.pem"), "cert": file("cert.pem"), "key": file("key.pem"),
                    "servername": tls::SERVER,
                },
            },
        ]);
        let machine = Machine::of(Sandbox::example(EXAMPLE))
            .builder("remote", "remote", &remote)
            .builder("container", "docker-container", &container)
            .builder("nodes", "remote", &nodes)
            .way("docker")
            .way("podman")
            .way("kubectl")
            .way("ssh");
        Self {
            machine,
            tls,
            certificates: folder,
        }
    }

    /// Pushes through a daemon.
    fn at(&self, address: &str, name: &str) {
        let gobuild = self.machine.gobuild().args(["image", "--addr", address]);
        self.push(gobuild, name);
    }

    /// Pushes through a builder.
    fn builder(&self, builder: &str, name: &str) {
        let gobuild = self.machine.gobuild().args(["image", "--builder", builder]);
        self.push(gobuild, name);
    }

    fn push(&self, gobuild: Gobuild, name: &str) {
        let run = gobuild.args(["--push", "--tag", name]).succeeds();
        assert!(run.stdout.starts_with(&format!("{name}@sha256:")), "{run}");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A test that failed must not leave a daemon behind; a second failure would hide the first.
        let _ = self.machine.gobuild().args(["builder", "stop"]).run();
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the table is what the test has to say")]
fn every_host_builds_the_same() {
    let lab = Lab::open();
    let width = HOSTS.iter().map(|host| host.name.len()).max().unwrap();
    let mut digests = Vec::new();
    for (index, host) in HOSTS.iter().enumerate() {
        let name = format!("{}:{index}", repository());
        (host.push)(&lab, &name);
        let digest = Image::new(&name).digest();
        println!("{:width$}  {digest}", host.name);
        digests.push((host.name, digest));
    }
    let first = &digests[0].1;
    let others: Vec<_> = digests
        .iter()
        .filter(|(_, digest)| digest != first)
        .collect();
    assert!(
        others.is_empty(),
        "{first} is not what these are: {others:#?}"
    );
}
