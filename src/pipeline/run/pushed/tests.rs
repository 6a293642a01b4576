//! Against registries that do not answer as they should; those that do are in the integration tests.

#![expect(clippy::disallowed_methods, reason = "a server is made for the test")]

use std::sync::Arc;

use tokio::net::TcpListener;

use super::*;
use crate::buildkit::session::auth::{CredentialStore, Locations};

fn digest(digit: char) -> Digest {
    let hex = digit.to_string().repeat(64);
    format!("sha256:{hex}").parse().unwrap()
}

fn pushed(cache: &Path) -> Pushed {
    let credentials = CredentialStore::load(Locations::default()).unwrap();
    let registry = Registry::new(Arc::new(credentials), false);
    Pushed::read(cache, Path::new("/project"), registry)
}

fn outcome() -> Outcome {
    Outcome {
        name: "app".to_owned(),
        digest: Some(digest('d').to_string()),
        ..Outcome::default()
    }
}

/// Returns whether the registry is asked for an image of `identity`, which it does not answer.
async fn is_asked(cache: &Path, identity: char) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reference = format!("{}/app:1", listener.local_addr().unwrap());
    let pushed = pushed(cache);
    let found = pushed.find("app", &[reference], &digest(identity)).await;
    assert_eq!(found, None);
    let built = pushed.completed(
        vec![Known {
            identity: Some(digest(identity)),
            outcome: None,
        }],
        vec![outcome()],
    );
    assert_eq!(built, [outcome()]);
    let asked = timeout(Duration::from_millis(50), listener.accept());
    asked.await.is_ok()
}

#[tokio::test]
async fn a_registry_that_does_not_answer_is_not_asked_again_for_the_same() {
    let cache = tempfile::tempdir().unwrap();
    // Nothing is known of it.
    assert!(!is_asked(cache.path(), 'a').await);
    assert!(is_asked(cache.path(), 'a').await);
    assert!(!is_asked(cache.path(), 'a').await);
    // It is something else.
    assert!(!is_asked(cache.path(), 'b').await);
    assert!(is_asked(cache.path(), 'b').await);
}

#[tokio::test]
async fn what_cannot_be_written_is_found_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache");
    std::fs::write(&file, "").unwrap();
    assert!(!is_asked(&file, 'a').await);
    assert!(!is_asked(&file, 'a').await);
}
