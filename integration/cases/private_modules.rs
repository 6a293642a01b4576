//! A module that only those with a password get, from a server whose certificate only those with
//! its authority trust.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::harness::image::Image;
use crate::harness::program::Gobuild;
use crate::harness::sandbox::{GO_MOD, Sandbox, repository};

const PASSWORD: &str = "correct-horse-battery-staple";

/// Go on the host need not ask the private server: only the modules step is to reach it.
const MANIFEST: &str = "\
[go]
toolchain = \"host\"

[modules]
private = [\"private.example.com/*\"]
ca = [\"ca.pem\"]
secrets = [{ id = \"netrc\", env = \"TEAM_NETRC\" }]

[[image]]
name = \"app\"
";

const MAIN: &str = "package main

import (
\t\"os\"

\t\"private.example.com/secret\"
)

func main() {
\tos.Stdout.WriteString(secret.Word + \"\\n\")
}
";

/// A server of the private module; it is killed with the value.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts the server and writes what the project needs to use it.
    fn start(sandbox: &Sandbox) -> Self {
        let mut child = Command::new("moduleproxy")
            .arg("-folder")
            .arg(sandbox.project())
            .args(["-user", "colleague", "-password", PASSWORD])
            .stdout(Stdio::piped())
            // Every refused client is one line; tests provoke them.
            .stderr(Stdio::null())
            .spawn()
            .expect("moduleproxy must be on PATH");
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a project of its own name: the daemon takes steps with equal inputs for one, whatever
/// secrets the sessions lend.
fn project(name: &str) -> (Sandbox, Server) {
    let module = format!("{GO_MOD}\nrequire private.example.com/secret v1.2.3\n");
    let module = module.replace("example.com/app", &format!("example.com/{name}"));
    let sandbox = Sandbox::of(&[
        ("go.mod", &module),
        ("main.go", MAIN),
        ("goimage.toml", MANIFEST),
    ]);
    let server = Server::start(&sandbox);
    (sandbox, server)
}

/// Returns a netrc file; Go compares the machine with host and port.
fn netrc(server: &Server, password: &str) -> String {
    let machine = server.url.trim_start_matches("https://");
    format!("machine {machine}\nlogin colleague\npassword {password}\n")
}

/// Lets the modules come from the server alone. GOPRIVATE would bypass proxies; what it does
/// beyond that is said one by one.
fn through(server: &Server, command: Gobuild) -> Gobuild {
    command
        .env("GOPROXY", &server.url)
        .env("GONOPROXY", "none")
        .env("GONOSUMDB", "private.example.com/*")
        .env("GOAUTH", "netrc")
}

#[test]
fn a_secret_opens_the_door_and_stays_outside_the_image() {
    let (sandbox, server) = project("kept");
    let secret = netrc(&server, PASSWORD);
    let archive = sandbox.out("image.tar");
    let image = sandbox
        .push()
        .output("oci", &archive)
        .args(["--compression", "uncompressed"]);
    let run = through(&server, image)
        .env("TEAM_NETRC", &secret)
        .succeeds();
    let image = Image::new(format!("{}/app", repository()));
    assert_eq!(image.run_default(), "from the private module\n");

    let llb = through(&server, sandbox.gobuild().arg("llb"))
        .env("TEAM_NETRC", &secret)
        .succeeds();
    let plan = sandbox
        .gobuild()
        .args(["plan", "--json"])
        .env("TEAM_NETRC", &secret)
        .succeeds();
    let config = image.config().to_string();
    let archive = fs::read(archive).unwrap();
    for (place, bytes) in [
        ("standard output", run.stdout.as_bytes()),
        ("standard error", run.stderr.as_bytes()),
        ("the graph", &llb.bytes),
        ("the plan", plan.stdout.as_bytes()),
        ("the image's config", config.as_bytes()),
        // Its layers are not compressed: what is in them is found.
        ("the archive", &archive),
    ] {
        let found = bytes
            .windows(PASSWORD.len())
            .any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "the password is in {place}");
    }
}

#[test]
fn a_secret_of_the_command_line_wins() {
    let (sandbox, server) = project("given");
    let file = sandbox.home().join("netrc");
    fs::write(&file, netrc(&server, PASSWORD)).unwrap();
    let secret = format!("id=netrc,src={}", file.display());
    let image = sandbox.push().args(["--secret", &secret]);
    through(&server, image)
        .env("TEAM_NETRC", netrc(&server, "wrong"))
        .succeeds();
    assert_eq!(
        Image::new(format!("{}/app", repository())).run_default(),
        "from the private module\n"
    );
}

#[test]
fn the_user_s_own_netrc_is_lent_for_private_modules() {
    let (sandbox, server) = project("lent");
    sandbox.edit(
        "goimage.toml",
        "secrets = [{ id = \"netrc\", env = \"TEAM_NETRC\" }]\n",
        "",
    );
    sandbox.write_home("team/netrc", &netrc(&server, PASSWORD));
    let image = through(&server, sandbox.push()).env("NETRC", sandbox.home().join("team/netrc"));
    image.succeeds();
}

#[test]
fn the_wrong_password_fails_the_modules_step_and_is_not_shown() {
    let (sandbox, server) = project("wrong");
    let image =
        through(&server, sandbox.push()).env("TEAM_NETRC", netrc(&server, "not-the-password"));
    let run = image
        .fails_with(5)
        .says(&["401", "private.example.com/secret"]);
    assert!(!run.stderr.contains("not-the-password"), "{run}");
}

#[test]
fn a_secret_without_a_value_is_named() {
    let (sandbox, server) = project("valueless");
    through(&server, sandbox.push())
        .fails_with(5)
        .says(&["secret netrc"]);
}
