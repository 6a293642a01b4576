//! Connections: TLS with client certificates, and daemons that are not there.

use std::path::PathBuf;

use futures_util::StreamExt as _;
use gobuild::buildkit::client::{Client, Prune};
use gobuild::buildkit::error::{Error, ErrorKind};
use gobuild::buildkit::transport::{Address, TlsFiles};

use crate::harness::certificates::certificates;
use crate::harness::daemon::{self, Private};

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_open_a_daemon_across_the_network() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let private = Private::start_with_tls(dir.path());
    let mut tls = TlsFiles::in_directory(dir.path()).unwrap();
    tls.server_name = Some("buildkitd.test".to_owned());
    let client = private.connect(Some(&tls)).await;
    assert!(client.info().await.unwrap().is_some());

    let anonymous = TlsFiles {
        identity: None,
        ..tls.clone()
    };
    let elsewhere = TlsFiles {
        server_name: Some("other.test".to_owned()),
        ..tls
    };
    for refused in [Some(&anonymous), Some(&elsewhere), None] {
        let error = Client::connect(private.address(), refused)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{refused:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_not_there_is_named() {
    let address = Address::Unix(PathBuf::from("/nonexistent/buildkitd.sock"));
    let error = Client::connect(&address, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(
        error.to_string(),
        "cannot connect to buildkitd at unix:///nonexistent/buildkitd.sock"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_listed_and_pruned() {
    let private = Private::start_on_port();
    let client = private.connect(None).await;
    assert_eq!(client.disk_usage(Vec::new()).await.unwrap(), []);
    let pruned: Vec<Result<_, Error>> = client
        .prune(Prune::default())
        .await
        .unwrap()
        .collect()
        .await;
    assert!(pruned.is_empty(), "{pruned:?}");
    let refused = daemon::shared()
        .await
        .disk_usage(vec!["id=".to_owned()])
        .await;
    assert!(refused.unwrap_err().daemon().is_some());
}
