//! Drives the service as buildkitd's exporters do.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use buildkit_proto::fsutil::types::packet::PacketType;
use buildkit_proto::fsutil::types::{Packet, Stat};
use buildkit_proto::moby::filesync::packet::file_send_client::FileSendClient as FilesClient;
use buildkit_proto::moby::filesync::v1::BytesMessage;
use buildkit_proto::moby::filesync::v1::file_send_client::FileSendClient as BytesClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status};

use super::*;
use crate::buildkit::session::{fsutil, in_process};

mod sender;

use sender::Sender;

const FILE: u32 = 0o644;
const DIRECTORY: u32 = 1 << 31 | 0o755;
const LINK: u32 = 1 << 27 | 0o777;

fn service(target: Target) -> FileSendService {
    FileSendService::new([(0, target)].into())
}

/// Sends a byte stream and returns how the call ended.
async fn send_bytes(service: &FileSendService, pieces: Vec<BytesMessage>) -> Result<(), Status> {
    let channel = in_process::channel(service.clone().into_server()).await;
    let mut request = Request::new(tokio_stream::iter(pieces));
    let metadata = request.metadata_mut();
    metadata.insert("buildkit-attachable-exporter-id", "0".parse().unwrap());
    metadata.insert(
        "exporter-md-containerimage.digest",
        "sha256:1".parse().unwrap(),
    );
    let answer = BytesClient::new(channel).diff_copy(request).await?;
    assert!(answer.into_inner().message().await?.is_none());
    Ok(())
}

fn piece(data: &[u8]) -> BytesMessage {
    BytesMessage { data: data.into() }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Waits until the folder has so many entries.
async fn wait_for_names(folder: &Path, count: usize) {
    let reached = async {
        while names(folder).len() != count {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, reached).await.unwrap();
}

#[tokio::test]
async fn a_tarball_appears_when_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    std::fs::write(&path, "old").unwrap();
    let service = service(Target::File(path.clone()));
    let long = vec![1; 3 << 20];
    send_bytes(&service, vec![piece(b"ab"), piece(&long), piece(b"c")])
        .await
        .unwrap();
    let expected = [b"ab", &long[..], b"c"].concat();
    assert!(std::fs::read(&path).unwrap() == expected);
    assert_eq!(names(folder.path()), ["image.tar"]);
    assert_eq!(service.metadata()[&0]["containerimage.digest"], "sha256:1");
    // Not the mode of a temporary file.
    assert_ne!(path.metadata().unwrap().permissions().mode() & 0o044, 0);
}

#[tokio::test]
async fn an_interrupted_tarball_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    std::fs::write(&path, "old").unwrap();
    for by_error in [true, false] {
        let (pieces, inbound) = mpsc::channel(1);
        let mut answers = super::bytes::to_file(
            path.clone(),
            ReceiverStream::new(inbound),
            Failures::default(),
        );
        let message = prost::Message::encode_to_vec(&piece(&[0; 1000]));
        for _ in 0..20 {
            pieces.send(Ok(message.clone().into())).await.unwrap();
        }
        wait_for_names(folder.path(), 2).await;
        if by_error {
            pieces.send(Err(Status::cancelled("reset"))).await.unwrap();
            let end = answers.recv().await.unwrap();
            assert_eq!(end.unwrap_err().code(), Code::Cancelled);
        }
        drop(answers);
        wait_for_names(folder.path(), 1).await;
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
    }
}

#[tokio::test]
async fn what_is_no_byte_stream_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(Target::File(folder.path().join("image.tar")));
    let channel = in_process::channel(service.clone().into_server()).await;
    let request = tokio_stream::iter([file("a", FILE)]);
    let answer = FilesClient::new(channel).diff_copy(request).await.unwrap();
    let status = answer.into_inner().message().await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn targets_that_cannot_be_written_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        folder.path().into(),
        folder.path().join("missing/image.tar"),
    ] {
        let sent = send_bytes(&service(Target::File(path.clone())), vec![piece(b"x")]).await;
        let message = sent.unwrap_err().message().to_owned();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
    }
    let service = FileSendService::new(BTreeMap::new());
    let sent = send_bytes(&service, vec![]).await;
    assert_eq!(sent.unwrap_err().code(), Code::NotFound);
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_writer_and_a_pipe_take_the_stream_directly() {
    let kept = Kept::default();
    let service = service(Target::Writer(Box::new(kept.clone())));
    send_bytes(&service, vec![piece(b"a"), piece(b"b")])
        .await
        .unwrap();
    assert_eq!(*kept.0.lock().unwrap(), b"ab");
    let again = send_bytes(&service, vec![]).await.unwrap_err();
    assert_eq!(again.code(), Code::NotFound);
    let null = super::tests::service(Target::File("/dev/null".into()));
    send_bytes(&null, vec![piece(b"a")]).await.unwrap();
    assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
}

fn file(path: &str, mode: u32) -> Packet {
    fsutil::stat(Stat {
        path: path.into(),
        mode,
        mod_time: 1_500_000_000_123_456_789,
        uid: 12_345,
        ..Stat::default()
    })
}

fn link(path: &str, mode: u32, target: &str) -> Packet {
    let mut packet = file(path, mode);
    if let Some(stat) = &mut packet.stat {
        stat.linkname = target.into();
    }
    packet
}

async fn send_files(folder: &Path, listing: &[Packet]) -> Result<(), String> {
    let service = service(Target::Directory(folder.into()));
    Sender::open(&service).await.send(listing).await
}

#[tokio::test]
async fn a_folder_is_received_whole() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("made/for/it");
    let listing = [
        file("bin", 1 << 31 | 0o555),
        file("bin/app", 0o755 | 1 << 23),
        link("bin/hard", 0o755, "bin/app"),
        link("bin/soft", LINK, "../../../etc"),
        file("empty", 1 << 31 | 0o700),
        file("x", 0o400),
    ];
    // The second time everything is there already, read-only.
    for _ in 0..2 {
        send_files(&folder, &listing).await.unwrap();
    }
    assert_eq!(names(&folder), ["bin", "empty", "x"]);
    assert_eq!(names(&folder.join("bin")), ["app", "hard", "soft"]);
    assert_eq!(std::fs::read(folder.join("bin/hard")).unwrap(), b"bin/app");
    let at = |path: &str| folder.join(path).symlink_metadata().unwrap();
    assert_eq!(at("bin/app").ino(), at("bin/hard").ino());
    assert_eq!(at("bin/app").mode() & 0o7777, 0o755);
    assert_eq!(at("bin").mode() & 0o7777, 0o555);
    assert_eq!(at("x").mode() & 0o7777, 0o400);
    for path in ["bin", "bin/app", "x"] {
        assert_eq!(
            (at(path).mtime(), at(path).mtime_nsec()),
            (1_500_000_000, 123_456_789)
        );
        assert_eq!(at(path).uid(), rustix::process::getuid().as_raw());
    }
    let target = std::fs::read_link(folder.join("bin/soft")).unwrap();
    assert_eq!(target, Path::new("../../../etc"));
}

#[tokio::test]
async fn what_is_not_sent_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("kept")).unwrap();
    std::fs::write(path("kept/mine"), "").unwrap();
    std::fs::write(path("file"), "").unwrap();
    symlink("kept", path("way")).unwrap();
    let listing = [
        file("file", DIRECTORY),
        file("file/x", FILE),
        file("kept", DIRECTORY),
        file("way", FILE),
    ];
    send_files(folder.path(), &listing).await.unwrap();
    assert_eq!(names(&path("kept")), ["mine"]);
    assert_eq!(std::fs::read(path("file/x")).unwrap(), b"file/x");
    assert!(path("way").symlink_metadata().unwrap().is_file());
    // A file does not take the place of a folder that has something in it.
    let error = send_files(folder.path(), &[file("kept", FILE)])
        .await
        .unwrap_err();
    assert!(error.contains("kept"), "{error}");
    assert_eq!(names(folder.path()), ["file", "kept", "way"]);
}

#[tokio::test]
async fn nothing_outside_the_folder_is_touched() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, outside) = (parent.path().join("folder"), parent.path().join("outside"));
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(outside.join("victim"), "intact").unwrap();
    let mode = outside.metadata().unwrap().mode();
    let absolute = outside.join("x");
    let absolute = absolute.to_str().unwrap();
    let refused: [&[Packet]; 12] = [
        &[file("../outside/x", FILE)],
        &[file(absolute, FILE)],
        &[file("..", DIRECTORY)],
        &[file("a", DIRECTORY), file("a/../../outside/x", FILE)],
        &[file("a", DIRECTORY), file("a//x", FILE)],
        &[link("a", LINK, "../outside"), file("a/x", FILE)],
        &[
            link("a", LINK, "../outside"),
            file("a", DIRECTORY),
            file("a/x", FILE),
        ],
        &[link("a", FILE, "../outside/victim")],
        &[link("a", LINK, "../outside/victim"), link("b", FILE, "a")],
        &[file("b", FILE), file("a", FILE)],
        &[file("a", FILE), file("a", FILE)],
        &[file("a", 1 << 26 | 0o644)],
    ];
    for listing in refused {
        let error = send_files(&folder, listing).await.unwrap_err();
        assert!(!error.is_empty(), "{listing:?}");
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir(&folder).unwrap();
    }
    // Links that stand there already lead nowhere either: they make way.
    symlink("../outside", folder.join("a")).unwrap();
    symlink("../outside/victim", folder.join("b")).unwrap();
    let listing = [
        file("a", 1 << 31 | 0o700),
        file("a/x", FILE),
        file("b", 0o600),
    ];
    send_files(&folder, &listing).await.unwrap();
    assert_eq!(std::fs::read(folder.join("a/x")).unwrap(), b"a/x");
    assert_eq!(names(&outside), ["victim"]);
    assert_eq!(std::fs::read(outside.join("victim")).unwrap(), b"intact");
    assert_eq!(outside.metadata().unwrap().mode(), mode);
}

#[tokio::test]
async fn content_that_nobody_asked_for_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(Target::Directory(folder.path().into()));
    for packets in [
        vec![fsutil::data(0, b"x".into())],
        vec![file("a", DIRECTORY), fsutil::data(0, b"x".into())],
        vec![fsutil::fin()],
        vec![fsutil::end_of_list(), fsutil::end_of_list()],
    ] {
        let mut sender = Sender::open(&service).await;
        for packet in packets {
            sender.packets.send(packet).await.unwrap();
        }
        let end = loop {
            match sender.answers.message().await {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        assert!(end.is_err());
    }
}

#[tokio::test]
async fn an_interrupted_folder_keeps_no_half_files() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(Target::Directory(folder.path().into()));
    let mut sender = Sender::open(&service).await;
    sender.packets.send(file("a", FILE)).await.unwrap();
    let request = sender.answers.message().await.unwrap().unwrap();
    assert_eq!(request.r#type, i32::from(PacketType::PacketReq));
    sender
        .packets
        .send(fsutil::data(0, b"half".into()))
        .await
        .unwrap();
    sender
        .packets
        .send(fsutil::error("cancelled"))
        .await
        .unwrap();
    let answer = sender.answers.message().await.unwrap().unwrap();
    assert_eq!(answer.data, b"error from sender: cancelled");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[tokio::test]
async fn platforms_arrive_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(Target::Directory(folder.path().into()));
    let transfers = (0..4).map(|platform| {
        let service = service.clone();
        async move {
            let directory = format!("linux_{platform}");
            let names: Vec<_> = (0..300).map(|n| format!("{directory}/f{n:03}")).collect();
            let files = names.iter().map(|name| file(name, FILE));
            let listing: Vec<_> = std::iter::once(file(&directory, DIRECTORY))
                .chain(files)
                .collect();
            Sender::open(&service).await.send(&listing).await.unwrap();
        }
    });
    futures_util::future::join_all(transfers).await;
    for platform in 0..4 {
        let directory = folder.path().join(format!("linux_{platform}"));
        let names = names(&directory);
        assert_eq!(names.len(), 300);
        for name in names {
            let content = std::fs::read_to_string(directory.join(&name)).unwrap();
            assert_eq!(content, format!("linux_{platform}/{name}"));
        }
    }
}
