//! Builds through the gateway: results, files, images, errors of both sides.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use buildkit_proto::pb;
use gobuild::buildkit::client::Client;
use gobuild::buildkit::error::{Error, ErrorKind};
use gobuild::buildkit::gateway::{Gateway, GatewayResult, PlatformImage, Reference, Solve};
use gobuild::buildkit::identity::random_id;
use gobuild::buildkit::session::Session;
use gobuild::buildkit::solve::{BuildError, Exporter, SolveOptions, SolveResponse};
use gobuild::oci::Platform;
use gobuild::progress::event::{Event, SolveStatus};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::harness::{daemon, graph};

/// Runs a build whose events nobody reads.
async fn build<F, R>(
    client: &Client,
    session: &Session,
    options: SolveOptions,
    drive: F,
) -> Result<SolveResponse, BuildError<Error>>
where
    F: FnOnce(Gateway) -> R,
    R: Future<Output = Result<GatewayResult, Error>>,
{
    let (events, _) = mpsc::channel(16);
    client
        .build(session, options, events, CancellationToken::new(), drive)
        .await
}

async fn solve(gateway: &Gateway, definition: pb::Definition) -> Result<Reference, Error> {
    let result = gateway.solve(Solve::definition(definition)).await?;
    Ok(graph::single(&result).clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_result_are_read() {
    let client = daemon::shared().await;
    let session = Session::builder("").start(&client).await.unwrap();
    // Longer than one answer may be, so it takes several ranges.
    let content = vec![7; 9 << 20];
    let drive = async |gateway: Gateway| {
        let reference = solve(&gateway, graph::file("/greeting", &content)).await?;
        assert!(gateway.read_file(&reference, "/greeting").await? == content);
        let stat = gateway.stat_file(&reference, "/greeting").await?;
        assert_eq!(
            (stat.path.as_str(), stat.size, stat.is_directory()),
            ("greeting", 9 << 20, false)
        );
        let entries = gateway.read_dir(&reference, "/", "").await?;
        assert_eq!(
            entries.iter().map(|e| e.path.as_str()).collect::<Vec<_>>(),
            ["greeting"]
        );
        gateway.evaluate(&reference).await?;
        let missing = gateway.read_file(&reference, "/none").await.unwrap_err();
        assert!(missing.to_string().contains("no such file"), "{missing}");
        Ok(GatewayResult::single(reference))
    };
    build(&client, &session, SolveOptions::default(), drive)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_tells_what_it_can_do() {
    let client = daemon::shared().await;
    assert!(client.version().unwrap().version.starts_with('v'));
    assert!(!client.list_workers().await.unwrap()[0].platforms.is_empty());
    let session = Session::builder("").start(&client).await.unwrap();
    let drive = async |gateway: Gateway| {
        let can = gateway.ping().await?;
        assert!(can.llb.contains("mergeop") && !can.workers.is_empty());
        assert!(gateway.inputs().await?.is_empty());
        let nothing = solve(&gateway, pb::Definition::default()).await?;
        assert_eq!(nothing.id, "");
        Ok(GatewayResult::single(nothing))
    };
    build(&client, &session, SolveOptions::default(), drive)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_two_platforms_is_exported() {
    let client = daemon::shared().await;
    let session = Session::builder("").start(&client).await.unwrap();
    let options = SolveOptions {
        exporters: vec![Exporter {
            kind: "image".to_owned(),
            attributes: BTreeMap::from([("push".to_owned(), "false".to_owned())]),
        }],
        ..SolveOptions::default()
    };
    let drive = async |gateway: Gateway| {
        let mut images = BTreeMap::new();
        for architecture in ["amd64", "arm64"] {
            let content = architecture.as_bytes();
            images.insert(
                Platform::linux(architecture),
                PlatformImage {
                    reference: solve(&gateway, graph::file("/which", content)).await?,
                    config: format!(
                        r#"{{"os":"linux","architecture":"{architecture}","config":{{}}}}"#
                    )
                    .into(),
                },
            );
        }
        Ok(GatewayResult::images(images))
    };
    let response = build(&client, &session, options, drive).await.unwrap();
    assert!(response.exporter["containerimage.digest"].starts_with("sha256:"));
    assert!(
        !response
            .exporter
            .contains_key("containerimage.config.digest"),
        "an index has no config"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_share_a_session() {
    let client = daemon::shared().await;
    let session = Session::builder("").start(&client).await.unwrap();
    let one = |content: &'static [u8]| {
        let (client, session) = (&client, &session);
        async move {
            let drive = async |gateway: Gateway| {
                let reference = solve(&gateway, graph::file("/x", content)).await?;
                assert_eq!(gateway.read_file(&reference, "/x").await?, content);
                Ok(GatewayResult::single(reference))
            };
            build(client, session, SolveOptions::default(), drive).await
        }
    };
    let (a, b, c) = tokio::join!(one(b"a"), one(b"b"), one(b"c"));
    for outcome in [a, b, c] {
        outcome.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_tell_which_vertex_ran() {
    let client = daemon::shared().await;
    let session = Session::builder("").start(&client).await.unwrap();
    let (events, mut received) = mpsc::channel(16);
    let name = format!("/{}", random_id().unwrap());
    let drive = async |gateway: Gateway| {
        let reference = solve(&gateway, graph::file(&name, b"x")).await?;
        gateway.evaluate(&reference).await?;
        Ok::<_, Error>(GatewayResult::single(reference))
    };
    let collect = async {
        let mut seen = Vec::new();
        while let Some(event) = received.recv().await {
            if let Event::Solve {
                status: SolveStatus { vertexes, .. },
                ..
            } = event
            {
                seen.extend(vertexes);
            }
        }
        seen
    };
    let build = client.build(
        &session,
        SolveOptions::default(),
        events,
        CancellationToken::new(),
        drive,
    );
    let (outcome, seen) = tokio::join!(build, collect);
    outcome.unwrap();
    let made =
        |v: &&gobuild::progress::event::Vertex| v.name.contains(&name) && v.completed.is_some();
    let vertex = seen.iter().find(made).unwrap();
    assert!(
        vertex.started <= vertex.completed && vertex.error.is_empty(),
        "{vertex:?}"
    );
}

#[derive(Debug, thiserror::Error)]
#[error("image api cannot be built")]
struct Refused;

#[tokio::test(flavor = "multi_thread")]
async fn the_drivers_own_error_comes_back() {
    let client = daemon::shared().await;
    let session = Session::builder("").start(&client).await.unwrap();
    let (events, _) = mpsc::channel(16);
    let drive = async |_| Err::<GatewayResult, _>(Refused);
    let outcome = client.build(
        &session,
        SolveOptions::default(),
        events,
        CancellationToken::new(),
        drive,
    );
    assert!(matches!(
        outcome.await.unwrap_err(),
        BuildError::Driver(Refused)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_graph_is_the_daemons_error() {
    let client = daemon::shared().await;
    let session = Session::builder("").start(&client).await.unwrap();
    let mut invalid = graph::file("/x", b"x");
    invalid.def.truncate(1);
    let drive = async |gateway: Gateway| {
        let reference = solve(&gateway, invalid).await?;
        gateway.evaluate(&reference).await?;
        Ok(GatewayResult::single(reference))
    };
    let error = build(&client, &session, SolveOptions::default(), drive)
        .await
        .unwrap_err();
    let BuildError::Driver(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(
        error.daemon().unwrap().message.contains("invalid LLB"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_refused_ends_the_driver() {
    let client = daemon::shared().await;
    let session = Session::builder("").start(&client).await.unwrap();
    let options = SolveOptions {
        exporters: vec![Exporter {
            kind: "nonesuch".to_owned(),
            attributes: BTreeMap::new(),
        }],
        ..SolveOptions::default()
    };
    let began = Instant::now();
    let drive = async |_| std::future::pending().await;
    let error = build(&client, &session, options, drive).await.unwrap_err();
    let BuildError::Wire(Error::Daemon(error)) = error else {
        panic!("{error:?}");
    };
    assert!(error.message.contains("nonesuch"), "{error}");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}
