//! How builds end before their time: cancelled, the daemon killed, a process that fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gobuild::buildkit::client::Client;
use gobuild::buildkit::error::{Error, ErrorKind};
use gobuild::buildkit::gateway::{Gateway, Solve};
use gobuild::buildkit::identity::random_id;
use gobuild::buildkit::session::Session;
use gobuild::buildkit::session::content::{self, ContentStores};
use gobuild::buildkit::solve::{BuildError, SolveOptions, SolveResponse};
use gobuild::progress::event::Event;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::harness::daemon::Private;
use crate::harness::layout::Layout;
use crate::harness::{daemon, graph};

/// Compiles a static program for a container's `/run`: it exits with its argument's number, or
/// waits a minute if it has none.
fn program() -> Vec<u8> {
    static PROGRAM: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    PROGRAM.get_or_init(compile).clone()
}

fn compile() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { dir.path().join(name) };
    let source = "package main\nimport (\"os\"; \"strconv\"; \"time\")\n\
        func main() {\n\tif len(os.Args) > 1 {\n\t\tn, _ := strconv.Atoi(os.Args[1])\n\
        \t\tos.Exit(n)\n\t}\n\tprintln(\"waiting\")\n\ttime.Sleep(time.Minute)\n}\n";
    std::fs::write(path("main.go"), source).unwrap();
    let status = std::process::Command::new("go")
        .args(["build", "-o"])
        .arg(path("run"))
        .arg(path("main.go"))
        .env("CGO_ENABLED", "0")
        .status()
        .expect("go must be on PATH");
    assert!(status.success());
    std::fs::read(path("run")).unwrap()
}

/// Runs `/run` with `args` and tells the build's outcome; `events` see it start.
async fn run(
    client: &Client,
    args: &[&str],
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) -> Result<SolveResponse, BuildError<Error>> {
    let layout = Layout::of_files(&[("run", 0o755, &program())]);
    let digest = layout.digest.clone();
    let stores = ContentStores::new();
    stores.attach_source("program", Arc::new(layout));
    let session = Session::builder("").service(stores.service(), content::METHODS);
    let session = session.start(client).await.unwrap();
    let image = graph::layout_source(&digest, "program", session.id());
    let args = [&["/run"], args].concat();
    let definition = graph::exec(&image, &args, &random_id().unwrap());
    let drive = async |gateway: Gateway| {
        gateway
            .solve(Solve::definition(definition).evaluated())
            .await
    };
    client
        .build(&session, SolveOptions::default(), events, cancel, drive)
        .await
}

/// Reads events until the program says that it waits.
async fn until_waiting(events: &mut mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        if let Event::Solve { status, .. } = event
            && status
                .logs
                .iter()
                .any(|log| log.data.starts_with(b"waiting"))
        {
            return;
        }
    }
    panic!("the program did not start");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_process_tells_its_exit_code_and_vertex() {
    let client = daemon::shared().await;
    let (events, _) = mpsc::channel(16);
    let error = run(&client, &["7"], events, CancellationToken::new())
        .await
        .unwrap_err();
    let BuildError::Driver(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Exec { exit_code: 7 });
    let details = &error.daemon().unwrap().details;
    assert!(details.vertex.as_ref().unwrap().starts_with("sha256:"));
    assert!(
        !details.solve.as_ref().unwrap().mount_ids.is_empty(),
        "{details:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_build_ends_within_a_second_on_the_daemon_too() {
    let client = daemon::shared().await;
    let (events, mut received) = mpsc::channel(16);
    let cancel = CancellationToken::new();
    let cancelling = async {
        until_waiting(&mut received).await;
        let began = Instant::now();
        cancel.cancel();
        // The daemon tells that it killed the process before the stream ends.
        let mut killed = false;
        while let Some(event) = received.recv().await {
            if let Event::Solve { status, .. } = event {
                killed |= status
                    .vertexes
                    .iter()
                    .any(|v| v.name.contains("/run") && !v.error.is_empty());
            }
        }
        (began, killed)
    };
    let (outcome, (began, killed)) =
        tokio::join!(run(&client, &[], events, cancel.clone()), cancelling);
    let error = outcome.unwrap_err();
    assert!(
        matches!(error, BuildError::Wire(Error::Cancelled)),
        "{error:?}"
    );
    assert!(killed, "the daemon did not report the end of the process");
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_killed_in_mid_build_is_told_at_once() {
    let mut private = Private::start();
    let client = private.connect(None).await;
    let (events, mut received) = mpsc::channel(16);
    let killing = async {
        until_waiting(&mut received).await;
        private.kill();
        Instant::now()
    };
    let (outcome, killed) =
        tokio::join!(run(&client, &[], events, CancellationToken::new()), killing);
    let error = outcome.unwrap_err();
    let BuildError::Wire(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::DaemonGone);
    assert!(
        killed.elapsed() < Duration::from_secs(1),
        "{:?}",
        killed.elapsed()
    );
    assert!(
        error
            .to_string()
            .starts_with(&format!("buildkitd at {}", private.address())),
        "{error}"
    );
    // There is no silent reconnect either.
    assert_eq!(
        client.info().await.unwrap_err().kind(),
        ErrorKind::DaemonGone
    );
}
