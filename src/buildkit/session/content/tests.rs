//! The store protocol as the daemon speaks it, over an in-memory connection.

use std::io::Read;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Status};

use super::*;
use crate::buildkit::proto::content::content_client::ContentClient;

struct Memory(Vec<u8>);

impl BlobSource for Memory {
    fn size(&self, digest: &str) -> io::Result<Option<u64>> {
        Ok((digest == digest_of(&self.0)).then_some(self.0.len() as u64))
    }

    fn open(&self, digest: &str, offset: u64) -> io::Result<Option<Box<dyn Read + Send>>> {
        let start = usize::try_from(offset).unwrap();
        let rest = io::Cursor::new(self.0[start..].to_vec());
        Ok((digest == digest_of(&self.0)).then(|| Box::new(rest) as Box<dyn Read + Send>))
    }
}

fn digest_of(data: &[u8]) -> String {
    let hex: String = Sha256::digest(data)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("sha256:{hex}")
}

async fn daemon_of(stores: &ContentStores) -> ContentClient<Channel> {
    let (near, far) = tokio::io::duplex(1 << 16);
    let router = Server::builder().add_service(stores.service());
    let incoming = stream::iter([Ok::<_, io::Error>(near)]).chain(stream::pending());
    tokio::spawn(router.serve_with_incoming(incoming));
    let mut far = Some(TokioIo::new(far));
    let connector = tower::service_fn(move |_| {
        std::future::ready(far.take().ok_or(io::ErrorKind::NotConnected.into()) as io::Result<_>)
    });
    let channel = Endpoint::from_static("http://localhost")
        .connect_with_connector(connector)
        .await
        .unwrap();
    ContentClient::new(channel)
}

fn of_store<T>(id: &'static str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert(STORE_HEADER, id.parse().unwrap());
    request
}

async fn read(
    daemon: &mut ContentClient<Channel>,
    store: &'static str,
    digest: &str,
    offset: i64,
    size: i64,
) -> Result<Vec<u8>, Status> {
    let asked = wire::ReadContentRequest {
        digest: digest.into(),
        offset,
        size,
    };
    let mut pieces = daemon.read(of_store(store, asked)).await?.into_inner();
    let mut content = Vec::new();
    while let Some(piece) = pieces.message().await? {
        assert_eq!(piece.offset, offset + i64::try_from(content.len()).unwrap());
        content.extend_from_slice(&piece.data);
    }
    Ok(content)
}

async fn write(
    daemon: &mut ContentClient<Channel>,
    messages: Vec<wire::WriteContentRequest>,
) -> Result<Vec<wire::WriteContentResponse>, Status> {
    let requests = of_store("export", stream::iter(messages));
    let mut answers = daemon.write(requests).await?.into_inner();
    let mut seen = Vec::new();
    while let Some(answer) = answers.message().await? {
        seen.push(answer);
    }
    Ok(seen)
}

fn message(action: wire::WriteAction, offset: usize, data: &[u8]) -> wire::WriteContentRequest {
    wire::WriteContentRequest {
        action: action.into(),
        r#ref: "upload".into(),
        offset: i64::try_from(offset).unwrap(),
        data: data.to_vec().into(),
        ..wire::WriteContentRequest::default()
    }
}

fn export() -> (tempfile::TempDir, ContentStores) {
    let dir = tempfile::tempdir().unwrap();
    let stores = ContentStores::new();
    stores.attach_export(Arc::new(LayoutStore::new(dir.path())));
    (dir, stores)
}

use wire::WriteAction::{Commit, Stat, Write};

#[tokio::test]
async fn ranges_of_a_source_are_read() {
    let blob: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let digest = digest_of(&blob);
    let stores = ContentStores::new();
    stores.attach_source("app", Arc::new(Memory(blob.clone())));
    let mut daemon = daemon_of(&stores).await;

    let asked = wire::InfoRequest {
        digest: digest.clone(),
    };
    let info = daemon
        .info(of_store("oci:app", asked))
        .await
        .unwrap()
        .into_inner()
        .info
        .unwrap();
    assert_eq!(
        (info.digest.as_str(), info.size),
        (digest.as_str(), 3_000_000)
    );

    assert_eq!(
        read(&mut daemon, "oci:app", &digest, 0, 0).await.unwrap(),
        blob
    );
    assert_eq!(
        read(&mut daemon, "oci:app", &digest, 2_999_990, -1)
            .await
            .unwrap(),
        blob[2_999_990..]
    );
    assert_eq!(
        read(&mut daemon, "oci:app", &digest, 10, 1_500_000)
            .await
            .unwrap(),
        blob[10..1_500_010]
    );
    let beyond = read(&mut daemon, "oci:app", &digest, 3_000_001, 0)
        .await
        .unwrap_err();
    assert_eq!(beyond.code(), Code::OutOfRange);
}

#[tokio::test]
async fn what_is_not_held_is_not_found() {
    let stores = ContentStores::new();
    stores.attach_source("app", Arc::new(Memory(Vec::new())));
    let mut daemon = daemon_of(&stores).await;
    let other = digest_of(b"other");
    for store in ["oci:app", "oci:none"] {
        let error = read(&mut daemon, store, &other, 0, 0).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{store}");
    }
    let written = daemon
        .write(of_store("oci:app", stream::iter([message(Stat, 0, b"")])))
        .await;
    assert_eq!(written.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_written_blob_is_committed_and_read_back() {
    let (dir, stores) = export();
    let mut daemon = daemon_of(&stores).await;
    let digest = digest_of(b"hello world");
    let stat = wire::WriteContentRequest {
        total: 11,
        expected: digest.clone(),
        ..message(Stat, 0, b"")
    };
    let commit = wire::WriteContentRequest {
        expected: digest.clone(),
        total: 11,
        ..message(Commit, 11, b"")
    };
    let messages = vec![
        stat.clone(),
        message(Write, 0, b"hello "),
        message(Write, 6, b"world"),
        commit,
    ];
    let answers = write(&mut daemon, messages).await.unwrap();
    assert_eq!(
        answers.iter().map(|a| a.offset).collect::<Vec<_>>(),
        [0, 6, 11, 11]
    );
    assert_eq!(answers[3].digest, digest);
    assert_eq!(
        read(&mut daemon, "export", &digest, 0, 0).await.unwrap(),
        b"hello world"
    );
    let hex = digest.strip_prefix("sha256:").unwrap();
    assert!(dir.path().join("blobs/sha256").join(hex).is_file());

    let again = write(&mut daemon, vec![stat]).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    drop((daemon, stores));
}

#[tokio::test]
async fn bytes_of_another_digest_are_refused() {
    let (dir, stores) = export();
    let mut daemon = daemon_of(&stores).await;
    let commit = wire::WriteContentRequest {
        expected: digest_of(b"good"),
        ..message(Commit, 0, b"evil")
    };
    let error = write(&mut daemon, vec![commit]).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert!(!dir.path().join("blobs").exists());
}

#[tokio::test]
async fn a_broken_write_goes_on_where_it_was() {
    let (_dir, stores) = export();
    let mut daemon = daemon_of(&stores).await;
    write(&mut daemon, vec![message(Write, 0, b"hello ")])
        .await
        .unwrap();

    let asked = wire::StatusRequest {
        r#ref: "upload".into(),
    };
    let status = daemon
        .status(of_store("export", asked.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(status.status.unwrap().offset, 6);

    let digest = digest_of(b"hello world");
    let answers = write(
        &mut daemon,
        vec![message(Stat, 0, b""), message(Commit, 6, b"world")],
    )
    .await
    .unwrap();
    assert_eq!(
        (answers[0].offset, answers[1].digest.as_str()),
        (6, digest.as_str())
    );
    let gone = daemon.status(of_store("export", asked)).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn a_digest_cannot_name_another_file() {
    let (_dir, stores) = export();
    let mut daemon = daemon_of(&stores).await;
    for digest in ["sha256:../../index.json", "sha512:aa", "x"] {
        let error = read(&mut daemon, "export", digest, 0, 0).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{digest}");
    }
}

#[test]
fn an_entry_replaces_the_one_of_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let index = LayoutIndex::new(dir.path());
    assert_eq!(index.digest("latest").unwrap(), None);
    for digest in ["sha256:aa", "sha256:bb"] {
        let descriptor = json(&format!(r#"{{"digest":"{digest}","size":2}}"#));
        index.put_tag(&descriptor, "latest").unwrap();
    }
    index
        .put_image(
            &json(r#"{"digest":"sha256:cc"}"#),
            "example.com/app:latest",
            "latest",
        )
        .unwrap();
    assert_eq!(
        index.digest("latest").unwrap().as_deref(),
        Some("sha256:bb")
    );
    assert_eq!(
        index.digest("example.com/app:latest").unwrap().as_deref(),
        Some("sha256:cc")
    );
    insta::assert_snapshot!(
        std::fs::read_to_string(dir.path().join("index.json")).unwrap(),
        @r#"{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"latest"},"digest":"sha256:bb","size":2},{"annotations":{"io.containerd.image.name":"example.com/app:latest","org.opencontainers.image.ref.name":"latest"},"digest":"sha256:cc"}],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}"#
    );
}

fn json(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}
