//! Builds that end before their time: Ctrl-C, a daemon that dies.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::daemon::{self, Private};
use crate::harness::sandbox::{GO_MOD, Sandbox};
use crate::harness::tool;

/// How soon after Ctrl-C a build must be over, here and on the daemon.
const PROMPT: Duration = Duration::from_secs(1);
const START: Duration = Duration::from_secs(120);

/// A program that takes the compiler a while: `name` makes it a new one.
fn slow(name: &str) -> Sandbox {
    let sandbox = Sandbox::of(&[("go.mod", GO_MOD)]);
    let mut text =
        format!("package main\n\nvar name = \"{name}\"\n\nfunc main() {{\n\tprintln(name)\n");
    for index in 0..60_000 {
        text.push_str(&format!(
            "\tif len(name) == {index} {{ println(name, {index}) }}\n"
        ));
    }
    text.push_str("}\n");
    sandbox.write("main.go", &text);
    sandbox
}

/// Waits until a step of that name runs in the daemon's history of running builds.
fn wait_for_compile(address: &str, mark: &str) {
    wait_until(
        START,
        || compiling(mark),
        || format!("{mark} is not compiled by {address}"),
    );
}

/// Tells whether a compiler works on a package of this module, whoever started it.
fn compiling(module: &str) -> bool {
    !compilers(module).is_empty()
}

fn compilers(module: &str) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let compilers = processes.filter(|process| {
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).into_owned();
        command.contains("/compile\0") && command.contains(module)
    });
    let ids = compilers.filter_map(|process| process.file_name().to_str()?.parse().ok());
    ids.filter_map(Pid::from_raw).collect()
}

fn wait_until(patience: Duration, done: impl Fn() -> bool, complaint: impl Fn() -> String) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < patience, "{}", complaint());
        thread::sleep(Duration::from_millis(20));
    }
}

fn module(sandbox: &Sandbox, name: &str) -> String {
    let module = format!("example.com/{name}");
    sandbox.edit("go.mod", "example.com/app", &module);
    module
}

#[test]
fn ctrl_c_ends_the_solve_and_leaves_nothing() {
    let sandbox = slow("interrupted");
    let archive = sandbox.out("image.tar");
    let module = module(&sandbox, "interrupted");
    let running = sandbox.image().output("oci", &archive).start();
    wait_for_compile(&daemon::address(), &module);

    let begin = Instant::now();
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.status.code(), Some(130), "{run}");
    assert!(
        begin.elapsed() < PROMPT,
        "{:?} until the end\n{run}",
        begin.elapsed()
    );
    wait_until(
        PROMPT,
        || !compiling(&module),
        || format!("the compiler still runs\n{run}"),
    );
    assert_eq!(run.stdout, "", "{run}");
    nothing_left(archive.parent().unwrap());
}

#[test]
fn ctrl_c_in_a_terminal_spares_the_way_to_the_daemon() {
    let sandbox = slow("faraway");
    let archive = sandbox.out("image.tar");
    let module = module(&sandbox, "faraway");
    let script = format!("exec buildctl --addr {} dial-stdio", daemon::address());
    let path = sandbox.program("docker", &script);
    let running = sandbox
        .gobuild()
        .args(["image", "--addr", "docker-container://faraway"])
        .args(["--progress", "plain"])
        .env("PATH", path)
        .output("oci", &archive)
        .in_foreground()
        .start();
    wait_for_compile(&daemon::address(), &module);
    running.interrupt_foreground();
    let run = running.wait();
    assert_eq!(run.status.code(), Some(130), "{run}");
    let run = run
        .says(&["cancelled"])
        .says_nothing_of(&["docker failed", "docker was ended"]);
    wait_until(
        PROMPT,
        || !compiling(&module),
        || format!("the compiler still runs\n{run}"),
    );
    nothing_left(archive.parent().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_is_said_to_have_died() {
    let mut daemon = Private::start();
    daemon.connect(None).await;
    let sandbox = slow("orphaned");
    let archive = sandbox.out("image.tar");
    let module = module(&sandbox, "orphaned");
    let address = daemon.address().to_string();
    let command = sandbox
        .gobuild()
        .args(["image", "--addr", &address, "--progress", "plain"]);
    let running = command.output("oci", &archive).start();
    wait_for_compile(&address, &module);
    daemon.kill();
    let run = running.wait();
    assert_eq!(run.status.code(), Some(4), "{run}");
    assert_eq!(run.count("error: "), 1, "{run}");
    nothing_left(archive.parent().unwrap());
    // The daemon's containers may outlive it, and other tests wait for the processor.
    for compiler in compilers(&module) {
        let _ = kill_process(compiler, Signal::KILL);
    }
}

#[test]
fn ctrl_c_before_anything_is_sent_is_no_error_of_the_project() {
    let sandbox = slow("early");
    let running = sandbox
        .image()
        .output("oci", &sandbox.out("image.tar"))
        .start();
    thread::sleep(Duration::from_millis(30));
    running.interrupt();
    let run = running.wait();
    // Before its handler is in place, the signal itself ends the program.
    let by_signal = std::os::unix::process::ExitStatusExt::signal(&run.status) == Some(2);
    assert!(by_signal || run.status.code() == Some(130), "{run}");
    nothing_left(&sandbox.out(""));
}

#[test]
fn ctrl_c_ends_the_wait_for_a_silent_builder() {
    let sandbox = Sandbox::minimal("silent");
    let socket = sandbox.out("silent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let address = format!("unix://{}", socket.display());
    let gobuild = sandbox.gobuild().args(["image", "--addr", &address]);
    let running = gobuild.start();
    let silent = listener.accept().unwrap();
    let begin = Instant::now();
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.status.code(), Some(130), "{run}");
    assert!(begin.elapsed() < PROMPT, "{:?}\n{run}", begin.elapsed());
    drop(silent);
}

#[test]
fn ctrl_c_ends_the_wait_for_who_reads_the_archive() {
    let sandbox = Sandbox::minimal("unread");
    let pipe = sandbox.out("pipe");
    tool::run("mkfifo", &[pipe.as_os_str()]);
    let running = sandbox.image().output("oci", &pipe).start();
    // From outside it cannot be seen what it waits for.
    thread::sleep(Duration::from_secs(10));
    let begin = Instant::now();
    running.interrupt();
    let run = running.wait();
    assert_eq!(run.status.code(), Some(130), "{run}");
    // The thread that opens the pipe cannot be told to stop.
    let limit = PROMPT + Duration::from_secs(2);
    assert!(begin.elapsed() < limit, "{:?}\n{run}", begin.elapsed());
}

fn nothing_left(folder: &Path) {
    let listing = tool::run(
        "find",
        &[folder.as_os_str(), "-type".as_ref(), "f".as_ref()],
    );
    assert_eq!(listing, "");
}
