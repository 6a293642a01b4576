//! Blobs over the session, in both directions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use gobuild::buildkit::error::Error;
use gobuild::buildkit::gateway::{Gateway, GatewayResult, PlatformImage, Solve};
use gobuild::buildkit::identity::random_id;
use gobuild::buildkit::session::Session;
use gobuild::buildkit::session::content::{self, ContentStores, LayoutIndex, LayoutStore};
use gobuild::buildkit::solve::{CacheEntry, Exporter, SolveOptions};
use gobuild::oci::Platform;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::harness::layout::Layout;
use crate::harness::{daemon, graph};

/// Returns bytes that no daemon has seen before, and that do not compress.
fn fresh(length: usize) -> Vec<u8> {
    let seed = random_id().unwrap();
    let mut state = seed.bytes().fold(1_u64, |state, b| {
        state.wrapping_mul(257).wrapping_add(b.into())
    }) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_layout_is_sent_quickly() {
    let client = daemon::shared().await;
    let layout = Layout::of_files(&[("big", 0o644, &fresh(200 << 20)), ("small", 0o644, b"hi")]);
    let digest = layout.digest.clone();
    let stores = ContentStores::new();
    stores.attach_source("big", Arc::new(layout));
    let session = Session::builder("").service(stores.service(), content::METHODS);
    let session = session.start(&client).await.unwrap();
    let (events, _) = mpsc::channel(16);
    let drive = async |gateway: Gateway| {
        let began = Instant::now();
        let source = graph::oci_layout(&digest, "big", session.id());
        let result = gateway.solve(Solve::definition(source).evaluated()).await?;
        let reference = graph::single(&result);
        // Layers are lazy: only a file of theirs makes the daemon fetch and unpack them.
        assert_eq!(gateway.read_file(reference, "/small").await?, b"hi");
        let took = began.elapsed();
        // An optimised build takes about 1.5 s. The daemon verifies, writes and unpacks within
        // this time, on a disk that other tests share, so only a stuck pipe misses the bound.
        assert!(took < Duration::from_secs(15), "{took:?}");
        Ok::<_, Error>(GatewayResult::single(reference.clone()))
    };
    let build = client.build(
        &session,
        SolveOptions::default(),
        events,
        CancellationToken::new(),
        drive,
    );
    build.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untarred_export_and_a_local_cache_are_layouts() {
    let client = daemon::shared().await;
    let dir = tempfile::tempdir().unwrap();
    let (image_dir, cache_dir) = (dir.path().join("image"), dir.path().join("cache"));
    let cache_path = cache_dir.display().to_string();
    let layout = Layout::of_files(&[("base", 0o644, b"base")]);
    let base_digest = layout.digest.clone();
    let stores = ContentStores::new();
    stores.attach_source("base", Arc::new(layout));
    stores.attach_export(Arc::new(LayoutStore::new(&image_dir)));
    stores.attach_cache(&cache_path, Arc::new(LayoutStore::new(&cache_dir)));
    let session = Session::builder("").service(stores.service(), content::METHODS);
    let session = session.start(&client).await.unwrap();
    let options = SolveOptions {
        exporters: vec![Exporter {
            kind: "oci".to_owned(),
            attributes: attributes(&[("tar", "false")]),
        }],
        cache_exports: vec![CacheEntry {
            kind: "local".to_owned(),
            attributes: attributes(&[("dest", &cache_path), ("mode", "max")]),
        }],
        ..SolveOptions::default()
    };
    let (events, _) = mpsc::channel(16);
    let content = fresh(3 << 20);
    let image = graph::layout_source(&base_digest, "base", session.id());
    let drive = async |gateway: Gateway| {
        let solved = gateway
            .solve(Solve::definition(graph::file_on(&image, "/x", &content)))
            .await?;
        let image = PlatformImage {
            reference: graph::single(&solved).clone(),
            config: br#"{"os":"linux","architecture":"amd64","config":{}}"#.to_vec(),
        };
        Ok::<_, Error>(GatewayResult::image(&Platform::linux("amd64"), image))
    };
    let build = client.build(&session, options, events, CancellationToken::new(), drive);
    let response = build.await.unwrap();

    let descriptor = &response.exporter["containerimage.descriptor"];
    let descriptor = base64::engine::general_purpose::STANDARD
        .decode(descriptor)
        .unwrap();
    let image = LayoutIndex::new(&image_dir);
    image.put_tag(&descriptor, "latest").unwrap();
    let digest = image.digest("latest").unwrap().unwrap();
    assert_eq!(digest, response.exporter["containerimage.digest"]);
    let cache = LayoutIndex::new(&cache_dir);
    cache
        .put_tag(response.exporter["cache.manifest"].as_bytes(), "latest")
        .unwrap();
    let cache_digest = cache.digest("latest").unwrap().unwrap();
    assert_held(&image_dir, &digest);
    assert_held(&cache_dir, &cache_digest);
}

fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = pairs
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()));
    owned.collect()
}

/// Looks at the blob that a layout's tag names.
fn assert_held(root: &Path, digest: &str) {
    let hex = digest.strip_prefix("sha256:").unwrap();
    let blob = std::fs::read(root.join("blobs/sha256").join(hex)).unwrap();
    assert_eq!(graph::digest_of(&blob), digest);
}
