//! Connections: TLS with client certificates, and daemons that are not there.

use std::path::{Path, PathBuf};
use std::process::Command;

use futures_util::StreamExt as _;
use gobuild::buildkit::client::{Client, Prune};
use gobuild::buildkit::error::{Error, ErrorKind};
use gobuild::buildkit::transport::{Address, TlsFiles};

use crate::harness::daemon::{self, Private};

/// Makes an authority and certificates for both sides in buildctl's file layout.
fn certificates(dir: &Path) {
    let openssl = |args: &str| {
        let done = Command::new("openssl")
            .args(args.split_whitespace())
            .current_dir(dir)
            .output()
            .expect("openssl must be on PATH");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    std::fs::write(
        dir.join("server.ext"),
        "subjectAltName=DNS:buildkitd.test\n",
    )
    .unwrap();
    std::fs::write(dir.join("client.ext"), "extendedKeyUsage=clientAuth\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!(
        "req -x509 {key} -keyout ca-key.pem -out ca.pem -subj /CN=ca -days 2"
    ));
    for (name, stem) in [("server", "server"), ("client", "cert")] {
        let private = if name == "client" {
            "key.pem"
        } else {
            "server-key.pem"
        };
        openssl(&format!(
            "req {key} -keyout {private} -out {name}.csr -subj /CN={name}"
        ));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial \
             -extfile {name}.ext -days 2 -out {stem}.pem"
        ));
    }
}

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
