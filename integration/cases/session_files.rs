//! Files over the session, in both directions, with a daemon between.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gobuild::buildkit::client::Client;
use gobuild::buildkit::error::Error;
use gobuild::buildkit::gateway::{Gateway, GatewayResult, PlatformImage, Solve};
use gobuild::buildkit::identity::random_id;
use gobuild::buildkit::session::Session;
use gobuild::buildkit::session::filesend::{self, ExportMetadata, FileSendService, Target};
use gobuild::buildkit::session::filesync::{
    self, FileSyncService, LocalSource, Permissions, Selection,
};
use gobuild::buildkit::solve::{BuildError, Exporter, SolveOptions};
use gobuild::oci::Platform;
use gobuild::progress::event::Event;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::harness::{daemon, graph};

/// A build that copies a local source and exports the copy.
struct Copy<'a> {
    folder: &'a Path,
    selection: Selection,
    /// Under which the daemon finds what it has received before.
    key: &'a str,
    exporter: &'a str,
    target: Target,
}

impl Copy<'_> {
    /// Runs the build; returns what the exporter told, and how many bytes of files were sent.
    async fn run(self, client: &Client) -> Result<(ExportMetadata, i64), BuildError<Error>> {
        let source = LocalSource::open(self.folder, self.selection, Permissions::Kept).unwrap();
        let files = FileSyncService::new(BTreeMap::from([("src".to_owned(), source)]));
        let output = FileSendService::new(BTreeMap::from([(0, self.target)]));
        let session = Session::builder(self.key)
            .service(files.into_server(), filesync::METHODS)
            .service(output.clone().into_server(), filesend::METHODS);
        let session = session.start(client).await.unwrap();
        let options = SolveOptions {
            exporters: vec![Exporter {
                kind: self.exporter.to_owned(),
                attributes: BTreeMap::new(),
            }],
            ..SolveOptions::default()
        };
        let (events, mut received) = mpsc::channel(16);
        let sent = tokio::spawn(async move {
            let mut sent = BTreeMap::new();
            while let Some(event) = received.recv().await {
                let Event::Solve { status, .. } = event else {
                    continue;
                };
                for status in status.statuses {
                    if status.id.starts_with("transferring") {
                        sent.insert(status.id, status.current);
                    }
                }
            }
            sent.into_values().sum()
        });
        let graph = graph::copy_local("src", session.id(), &random_id().unwrap());
        let drive = async |gateway: Gateway| {
            let solved = gateway.solve(Solve::definition(graph).evaluated()).await?;
            let image = PlatformImage {
                reference: graph::single(&solved).clone(),
                config: br#"{"os":"linux","architecture":"amd64","config":{}}"#.to_vec(),
            };
            Ok::<_, Error>(GatewayResult::image(&Platform::linux("amd64"), image))
        };
        let cancel = CancellationToken::new();
        client
            .build(&session, options, events, cancel, drive)
            .await?;
        Ok((output.metadata(), sent.await.unwrap()))
    }
}

/// Returns what stands in a folder: kind, permissions and content, by path.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let content = if metadata.is_dir() {
                open.push(path.clone());
                Vec::new()
            } else if metadata.is_symlink() {
                let target = std::fs::read_link(&path).unwrap();
                target.into_os_string().into_encoded_bytes()
            } else {
                std::fs::read(&path).unwrap()
            };
            let path = path.strip_prefix(folder).unwrap().to_owned();
            found.insert(path, (metadata.mode(), content));
        }
    }
    found
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(path("cmd/app")).unwrap();
    std::fs::create_dir(path("empty")).unwrap();
    std::fs::write(path("cmd/app/main.go"), "package main\n").unwrap();
    std::fs::write(path("cmd/run.sh"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(path("cmd/run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(path("cmd-2"), vec![9; 300_000]).unwrap();
    std::fs::write(path("é"), "").unwrap();
    symlink("cmd/run.sh", path("link")).unwrap();
    for n in 0..300 {
        std::fs::write(path(&format!("f{n}")), format!("{n}")).unwrap();
    }
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_goes_there_and_back_and_is_sent_once() {
    let client = daemon::shared().await;
    let project = project();
    let key = random_id().unwrap();
    let output = tempfile::tempdir().unwrap();
    let round_trip = async |round: &str| {
        let destination = output.path().join(round);
        let build = Copy {
            folder: project.path(),
            selection: Selection::Everything,
            key: &key,
            exporter: "local",
            target: Target::Directory(destination.clone()),
        };
        let sent = build.run(&client).await.unwrap().1;
        assert!(
            snapshot(&destination) == snapshot(project.path()),
            "{round}"
        );
        sent
    };
    // The daemon lets go of a build's snapshots a moment after its end, and compares only
    // with those that nobody uses.
    let settled = async |round: &str, limit: i64| {
        for _ in 0..50 {
            let sent = round_trip(round).await;
            if sent < limit {
                return sent;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("the {round} folder is sent whole again and again");
    };
    let first = round_trip("first").await;
    // All that goes out again is the listing.
    let listing = settled("unchanged", first - 300_000).await;
    std::fs::write(project.path().join("f7"), vec![1; 1_000]).unwrap();
    let edited = settled("edited", first - 300_000).await;
    // One file and what frames it.
    let file = edited - listing;
    assert!((0..1_100).contains(&file), "{listing} {edited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_selected_is_sent() {
    let client = daemon::shared().await;
    let project = project();
    let output = tempfile::tempdir().unwrap();
    let build = Copy {
        folder: project.path(),
        selection: Selection::Files(["cmd/app/main.go", "é"].iter().collect()),
        key: "",
        exporter: "local",
        target: Target::Directory(output.path().into()),
    };
    build.run(&client).await.unwrap();
    let names: Vec<_> = snapshot(output.path()).into_keys().collect();
    assert_eq!(
        names,
        ["cmd", "cmd/app", "cmd/app/main.go", "é"].map(PathBuf::from)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_file_that_is_missing_fails_the_build_by_name() {
    let client = daemon::shared().await;
    let project = project();
    let output = tempfile::tempdir().unwrap();
    let build = Copy {
        folder: project.path(),
        selection: Selection::Files(["cmd/gone.go"].iter().collect()),
        key: "",
        exporter: "local",
        target: Target::Directory(output.path().into()),
    };
    let error = format!("{:?}", build.run(&client).await.unwrap_err());
    assert!(error.contains("cmd/gone.go"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_to_a_tarball() {
    let client = daemon::shared().await;
    let project = project();
    let output = tempfile::tempdir().unwrap();
    let path = output.path().join("image.tar");
    let build = Copy {
        folder: project.path(),
        selection: Selection::Everything,
        key: "",
        exporter: "oci",
        target: Target::File(path.clone()),
    };
    let (metadata, _) = build.run(&client).await.unwrap();
    let digest = &metadata[&0]["containerimage.digest"];
    let mut archive = tar::Archive::new(std::fs::File::open(&path).unwrap());
    let names: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    let blob = digest.replace("sha256:", "blobs/sha256/");
    assert!(names.contains(&blob), "{blob} {names:?}");
    assert!(names.contains(&"index.json".to_owned()), "{names:?}");
    assert_eq!(std::fs::read_dir(output.path()).unwrap().count(), 1);
}
