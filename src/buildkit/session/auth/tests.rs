//! Drives the service as the daemon does, against token servers and helpers made for it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tonic::Code;

use super::*;

/// A request as a token server saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    line: String,
    authorization: String,
    body: String,
}

/// Answers each request with the next of `answers`, each a status line's rest and a body.
async fn server(answers: &[(&str, &str)]) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let answers: Vec<(String, String)> = answers
        .iter()
        .map(|(status, body)| ((*status).to_owned(), (*body).to_owned()))
        .collect();
    tokio::spawn(async move {
        for (status, body) in answers {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let request = request(&mut stream).await;
            kept.lock().unwrap().push(request);
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, seen)
}

async fn request(stream: &mut BufReader<tokio::net::TcpStream>) -> Seen {
    let mut seen = Seen::default();
    let mut length = 0;
    stream.read_line(&mut seen.line).await.unwrap();
    seen.line = seen.line.trim().trim_end_matches(" HTTP/1.1").to_owned();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => seen.authorization = value.to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    seen.body = String::from_utf8(body).unwrap();
    seen
}

/// Returns a service whose Docker configuration is `config`.
fn service(folder: &Path, config: &str) -> AuthService {
    std::fs::write(folder.join("config.json"), config).unwrap();
    let store = CredentialStore::load(Locations {
        docker: Some(folder.into()),
        programs: Some(folder.into()),
        ..Locations::default()
    });
    AuthService::new(Arc::new(store.unwrap()))
}

fn login(host: &str) -> String {
    let auth = STANDARD.encode("me:pass");
    format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#)
}

async fn fetch(
    service: &AuthService,
    host: &str,
    realm: &str,
) -> Result<FetchTokenResponse, Status> {
    let request = FetchTokenRequest {
        host: host.into(),
        realm: realm.into(),
        service: "registry.test".into(),
        scopes: vec!["repository:a:pull".into(), "repository:b:push".into()],
        ..FetchTokenRequest::default()
    };
    let answer = service.fetch_token(Request::new(request)).await?;
    Ok(answer.into_inner())
}

#[tokio::test]
async fn a_password_is_exchanged_for_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let token = r#"{"access_token": "T", "expires_in": 300, "issued_at": "1970-01-01T00:01:40Z"}"#;
    let (address, seen) = server(&[("200 OK", token)]).await;
    let service = service(folder.path(), &login("a.test"));
    let realm = format!("http://{address}/token");
    let answer = fetch(&service, "a.test", &realm).await.unwrap();
    assert_eq!(
        (answer.token.as_str(), answer.expires_in, answer.issued_at),
        ("T", 300, 100)
    );
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line, "POST /token");
    assert_eq!(
        seen[0].body,
        "service=registry.test&client_id=buildkit-client\
         &scope=repository%3Aa%3Apull+repository%3Ab%3Apush\
         &grant_type=password&username=me&password=pass"
    );
}

#[tokio::test]
async fn servers_without_the_form_get_basic_authentication() {
    for status in [
        "404 Not Found",
        "405 Method Not Allowed",
        "401 Unauthorized",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (address, seen) = server(&[(status, ""), ("200 OK", r#"{"token": "T"}"#)]).await;
        let service = service(folder.path(), &login("a.test"));
        let realm = format!("http://{address}/token?x=y");
        let answer = fetch(&service, "a.test", &realm).await.unwrap();
        assert_eq!((answer.token.as_str(), answer.expires_in), ("T", 60));
        let seen = seen.lock().unwrap().clone();
        assert_eq!(
            seen[1].line,
            "GET /token?x=y&service=registry.test\
             &scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apush"
        );
        assert_eq!(
            seen[1].authorization,
            format!("Basic {}", STANDARD.encode("me:pass"))
        );
    }
}

#[tokio::test]
async fn other_registries_get_no_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let (address, seen) = server(&[("200 OK", r#"{"token": "T"}"#)]).await;
    let service = service(folder.path(), &login("a.test"));
    let realm = format!("http://{address}/token");
    fetch(&service, "b.test", &realm).await.unwrap();
    let seen = seen.lock().unwrap().clone();
    assert!(seen[0].line.starts_with("GET /token?"), "{seen:?}");
    assert_eq!(
        (seen[0].authorization.as_str(), seen[0].body.as_str()),
        ("", "")
    );
}

#[tokio::test]
async fn redirects_do_not_carry_credentials_away() {
    let folder = tempfile::tempdir().unwrap();
    let (other, other_seen) = server(&[("200 OK", r#"{"access_token": "T"}"#)]).await;
    let redirect = format!("307 Temporary Redirect\r\nlocation: http://{other}/");
    let (address, seen) = server(&[(&redirect, "")]).await;
    let service = service(folder.path(), &login("a.test"));
    let refused = fetch(&service, "a.test", &format!("http://{address}/token")).await;
    assert!(refused.unwrap_err().message().contains("307"));
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert_eq!(other_seen.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn credentials_need_tls_away_from_the_registry() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(folder.path(), &login("a.test"));
    let refused = fetch(&service, "a.test", "http://u:p@evil.test/token?q=s").await;
    let message = refused.unwrap_err().message().to_owned();
    assert!(
        message.ends_with("http://evil.test/token without TLS"),
        "{message}"
    );
}

#[tokio::test]
async fn refusals_are_told_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _) = server(&[("403 Forbidden", "pass")]).await;
    let service = service(folder.path(), &login("a.test"));
    let refused = fetch(&service, "a.test", &format!("http://{address}/token")).await;
    let status = refused.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("403"), "{status}");
    assert!(!status.message().contains("pass"), "{status}");
}

#[tokio::test]
async fn tokens_of_the_configuration_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let (address, seen) = server(&[("200 OK", r#"{"access_token": "T"}"#)]).await;
    let config =
        r#"{"auths": {"a.test": {"identitytoken": "id"}, "b.test": {"registrytoken": "raw"}}}"#;
    let service = service(folder.path(), config);
    let realm = format!("http://{address}/token");
    assert_eq!(
        fetch(&service, "b.test", &realm).await.unwrap().token,
        "raw"
    );
    assert_eq!(fetch(&service, "a.test", &realm).await.unwrap().token, "T");
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0]
            .body
            .ends_with("grant_type=refresh_token&refresh_token=id"),
        "{seen:?}"
    );
    let request = CredentialsRequest {
        host: "a.test".into(),
    };
    let answer = service
        .credentials(Request::new(request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (answer.username.as_str(), answer.secret.as_str()),
        ("", "id")
    );
}

#[tokio::test]
async fn tokens_are_fetched_with_the_clients_of_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(folder.path(), &login("a.test"));
    let clients = HttpClients::new(|| Err(rustls::Error::General("mine".to_owned()).into()));
    let (realm, scope) = ("http://127.0.0.1:1/token", "repository:a:pull".to_owned());
    let refused = bearer(&service.store, &clients, "a.test", realm, "", scope).await;
    let reason = refused.unwrap_err().reason;
    assert!(reason.starts_with("cannot set up TLS: "), "{reason}");
    assert!(reason.ends_with("mine"), "{reason}");
}

/// Writes a helper that counts its calls and knows one host.
fn helper(folder: &Path, name: &str) {
    let path = folder.join(format!("docker-credential-{name}"));
    let script = r#"#!/bin/sh
echo x >> "$0.calls"
case "$(/bin/cat)" in
a.test) echo '{"ServerURL": "a.test", "Username": "me", "Secret": "kept"}' ;;
t.test) echo '{"Username": "<token>", "Secret": "identity"}' ;;
broken.test) echo 'the keychain is locked' ; exit 1 ;;
*) echo 'credentials not found in native keychain' ; exit 1 ;;
esac
"#;
    // Linux runs no file that is open for writing, and a child that another test starts at this
    // moment would inherit our handle; cp has no children.
    let text = folder.join(format!("{name}.sh"));
    std::fs::write(&text, script).unwrap();
    std::fs::set_permissions(&text, std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = std::process::Command::new("cp")
        .arg("-p")
        .args([&text, &path])
        .status();
    assert!(copy.unwrap().success());
}

#[tokio::test]
async fn helpers_are_asked_once_per_host() {
    let folder = tempfile::tempdir().unwrap();
    helper(folder.path(), "test");
    let service = service(folder.path(), r#"{"credsStore": "test"}"#);
    let kept = Credentials::Password {
        username: "me".into(),
        password: "kept".into(),
    };
    for _ in 0..3 {
        assert_eq!(service.store.credentials_for("a.test").await.unwrap(), kept);
    }
    let identity = service.store.credentials_for("t.test").await.unwrap();
    assert_eq!(identity, Credentials::IdentityToken("identity".into()));
    let unknown = service.store.credentials_for("c.test").await.unwrap();
    assert_eq!(unknown, Credentials::Anonymous);
    let calls = folder.path().join("docker-credential-test.calls");
    assert_eq!(std::fs::read_to_string(calls).unwrap(), "x\nx\nx\n");
    let broken = service
        .store
        .credentials_for("broken.test")
        .await
        .unwrap_err();
    assert!(
        broken.to_string().contains("the keychain is locked"),
        "{broken}"
    );
}

#[tokio::test]
async fn sources_are_tried_in_dockers_order() {
    let folder = tempfile::tempdir().unwrap();
    let config = |host: &str, user: &str| {
        let auth = STANDARD.encode(format!("{user}:p"));
        format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#)
    };
    let podman = folder.path().join("auth.json");
    let both = |variable: Option<String>, docker: &str, podman_text: &str| {
        std::fs::write(folder.path().join("config.json"), docker).unwrap();
        std::fs::write(&podman, podman_text).unwrap();
        let store = CredentialStore::load(Locations {
            docker: Some(folder.path().into()),
            docker_auth_config: variable,
            podman: Some(podman.clone()),
            ..Locations::default()
        });
        store.unwrap()
    };
    let user = async |store: CredentialStore, host: &str| {
        let found = store.credentials_for(host).await.unwrap();
        found.username().map(str::to_owned)
    };
    let (variable, docker, other) = (
        config("a.test", "v"),
        config("a.test", "d"),
        config("a.test", "p"),
    );
    let store = both(Some(variable), &docker, &other);
    assert_eq!(user(store, "a.test").await.as_deref(), Some("v"));
    let store = both(Some("{broken".into()), &docker, &other);
    assert_eq!(user(store, "a.test").await.as_deref(), Some("d"));
    assert_eq!(
        user(both(None, "", &other), "a.test").await.as_deref(),
        Some("p")
    );
    assert_eq!(user(both(None, "", ""), "a.test").await, None);
    let hub = config("https://index.docker.io/v1/", "hub");
    assert_eq!(
        user(both(None, &hub, ""), "registry-1.docker.io")
            .await
            .as_deref(),
        Some("hub")
    );
    let hub = config("docker.io", "podman");
    assert_eq!(
        user(both(None, "", &hub), "registry-1.docker.io")
            .await
            .as_deref(),
        Some("podman")
    );
}

#[tokio::test]
async fn authority_depends_on_having_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let key = async |service: &AuthService, host: &str| {
        let request = GetTokenAuthorityRequest {
            host: host.into(),
            salt: b"salt".into(),
        };
        let answer = service.get_token_authority(Request::new(request)).await;
        answer.map(|answer| answer.into_inner().public_key)
    };
    let with_secret = service(folder.path(), &login("a.test"));
    let key_a = key(&with_secret, "a.test").await.unwrap();
    assert_eq!(key_a.len(), 32);
    let anonymous = key(&with_secret, "b.test").await.unwrap();
    assert_eq!(anonymous, key(&with_secret, "c.test").await.unwrap());
    assert_ne!(anonymous, key_a);
    let again = service(folder.path(), &login("a.test"));
    assert_eq!(key(&again, "a.test").await.unwrap(), key_a);

    let store = CredentialStore::load(Locations {
        no_client_tokens: true,
        ..Locations::default()
    });
    let off = AuthService::new(Arc::new(store.unwrap()));
    let refused = key(&off, "a.test").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}
