//! Against a registry made for it, which has no TLS, as those on loopback.

#![expect(
    clippy::disallowed_methods,
    reason = "a server and its user's login are made for the test"
)]

use std::path::Path;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::buildkit::session::auth::Locations;

/// First byte of a TLS handshake.
const HANDSHAKE: u8 = 22;

/// Answers each request with the next of `answers` (`HOST` is its own address); returns its
/// address and what it saw: the request's line, authorization and body.
async fn registry(answers: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let (kept, own) = (Arc::clone(&seen), host.clone());
    tokio::spawn(async move {
        let mut answers = answers.iter();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            if stream.fill_buf().await.unwrap().first() == Some(&HANDSHAKE) {
                continue;
            }
            let request = request(&mut stream).await;
            kept.lock().unwrap().push(request);
            let answer = answers.next().unwrap().replace("HOST", &own);
            let (head, body) = answer.split_once('|').unwrap();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (host, seen)
}

async fn request(stream: &mut BufReader<TcpStream>) -> String {
    let (mut line, mut authorization, mut length) = (String::new(), String::new(), 0);
    stream.read_line(&mut line).await.unwrap();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.unwrap();
        let Some((name, value)) = header.trim().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = value.to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let line = line.trim().trim_end_matches(" HTTP/1.1");
    format!(
        "{line} [{authorization}] {}",
        String::from_utf8_lossy(&body)
    )
}

/// Returns a way to registries for a user who has logged in to `host`.
fn logged_in(folder: &Path, host: &str) -> Registry {
    let auth = STANDARD.encode("me:sesame");
    let config = serde_json::json!({ "auths": { host: { "auth": auth } } });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let store = CredentialStore::load(Locations {
        docker: Some(folder.to_owned()),
        ..Locations::default()
    });
    Registry::new(Arc::new(store.unwrap()), false)
}

async fn put(host: &str) -> Result<(), RegistryError> {
    let folder = tempfile::tempdir().unwrap();
    let reference = format!("{host}/team/app:1").parse().unwrap();
    let registry = logged_in(folder.path(), host);
    registry.put(&reference, "application/x", b"{}").await
}

#[tokio::test]
async fn a_token_is_fetched_for_the_repository() {
    let (host, seen) = registry(&[
        "401 Unauthorized\r\nwww-authenticate: Bearer realm=\"http://HOST/token\",service=\"s\"|",
        "200 OK|{\"token\":\"t1\"}",
        "201 Created|",
    ])
    .await;
    put(&host).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0], "PUT /v2/team/app/manifests/1 [] {}");
    assert!(seen[1].starts_with("POST /token ["), "{}", seen[1]);
    assert!(
        seen[1].contains("scope=repository%3Ateam%2Fapp%3Apull%2Cpush"),
        "{}",
        seen[1]
    );
    assert_eq!(seen[2], "PUT /v2/team/app/manifests/1 [Bearer t1] {}");
}

#[tokio::test]
async fn a_password_goes_to_who_asks_for_one() {
    let (host, seen) = registry(&[
        "401 Unauthorized\r\nwww-authenticate: Basic realm=\"r\"|",
        "503 Unavailable|",
        "201 Created|",
    ])
    .await;
    put(&host).await.unwrap();
    let login = STANDARD.encode("me:sesame");
    let put = |login: &str| format!("PUT /v2/team/app/manifests/1 [{login}] {{}}");
    let basic = put(&format!("Basic {login}"));
    // It is not asked for again.
    assert_eq!(*seen.lock().unwrap(), [put(""), basic.clone(), basic]);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_registry_s_words() {
    let (host, _) =
        registry(&["400 Bad Request|{\"errors\":[{\"message\":\"manifest invalid\"}]}"]).await;
    let told = put(&host).await.unwrap_err().to_string();
    assert_eq!(
        told,
        format!("{host} answered 400 Bad Request: manifest invalid")
    );
}

#[tokio::test]
async fn nobody_at_home() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let told = put(&host).await.unwrap_err().to_string();
    assert_eq!(told, format!("cannot reach {host} from this machine"));
}

async fn digest(host: &str) -> Result<Digest, RegistryError> {
    let folder = tempfile::tempdir().unwrap();
    let reference = format!("{host}/team/app:1").parse().unwrap();
    logged_in(folder.path(), host).digest(&reference).await
}

#[tokio::test]
async fn a_digest_is_the_registry_s_word() {
    let (host, seen) = registry(&[
        "401 Unauthorized\r\nwww-authenticate: Bearer realm=\"http://HOST/token\",service=\"s\"|",
        "200 OK|{\"token\":\"t1\"}",
        "200 OK\r\nDocker-Content-Digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|",
    ])
    .await;
    let found = digest(&host).await.unwrap();
    assert_eq!(found.to_string(), format!("sha256:{}", "a".repeat(64)));
    let seen = seen.lock().unwrap();
    assert!(
        seen[1].contains("scope=repository%3Ateam%2Fapp%3Apull&"),
        "{}",
        seen[1]
    );
    assert_eq!(seen[2], "HEAD /v2/team/app/manifests/1 [Bearer t1] ");
}

#[tokio::test]
async fn a_registry_without_a_word_has_its_manifest_read() {
    let (host, seen) = registry(&["200 OK|", "200 OK|{\"schemaVersion\":2}"]).await;
    let found = digest(&host).await.unwrap();
    let expected = crate::content::digest(&b"{\"schemaVersion\":2}"[..]).unwrap();
    assert_eq!(found, expected);
    assert_eq!(seen.lock().unwrap()[1], "GET /v2/team/app/manifests/1 [] ");
    // A login page is no manifest.
    let (host, _) = registry(&["200 OK|", "200 OK|<html>"]).await;
    let told = digest(&host).await.unwrap_err().to_string();
    assert_eq!(told, format!("{host} answered with no manifest"));
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Asks whether a registry has an image with these answers to the question about its tag, its index
/// and the manifests in it.
async fn has(answers: Vec<String>) -> (bool, Vec<String>) {
    let answers: Vec<&str> = answers.into_iter().map(|answer| &*answer.leak()).collect();
    let (host, seen) = registry(answers.leak()).await;
    let folder = tempfile::tempdir().unwrap();
    let reference = format!("{host}/team/app:1").parse().unwrap();
    let registry = logged_in(folder.path(), &host);
    let digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
    let has = registry.has(&reference, &digest, Duration::from_secs(20));
    let has = has.await.unwrap();
    let seen = seen.lock().unwrap().clone();
    (has, seen)
}

fn head(digit: &str, kind: &str) -> String {
    let digest = format!("sha256:{}", digit.repeat(64));
    format!("200 OK\r\ncontent-type: {kind}\r\ndocker-content-digest: {digest}|")
}

#[tokio::test]
async fn an_image_is_there_if_its_tag_stands_for_it() {
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    assert!(has(vec![head("a", manifest)]).await.0);
    assert!(!has(vec![head("b", manifest)]).await.0);
    assert!(!has(vec!["404 Not Found|".to_owned()]).await.0);
    assert!(!has(vec!["200 OK|".to_owned()]).await.0);
}

#[tokio::test]
async fn an_index_is_there_if_what_it_lists_is() {
    let listed = format!("sha256:{}", "c".repeat(64));
    let entry = serde_json::json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": listed,
        "size": 2,
    });
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [entry] });
    let index = format!("200 OK|{index}");
    let (found, seen) = has(vec![head("a", INDEX), index.clone(), "200 OK|".to_owned()]).await;
    assert!(found, "{seen:?}");
    assert_eq!(seen[2], format!("HEAD /v2/team/app/manifests/{listed} [] "));
    // Somebody has tidied up what no tag stands for.
    assert!(
        !has(vec![head("a", INDEX), index, "404 Not Found|".to_owned()])
            .await
            .0
    );
    assert!(
        !has(vec![head("a", INDEX), "200 OK|<html>".to_owned()])
            .await
            .0
    );
}

const BEARER: &str =
    "401 Unauthorized\r\nwww-authenticate: Bearer realm=\"http://HOST/token\",service=\"s\"|";

fn token(token: &str) -> String {
    format!("200 OK|{{\"token\":\"{token}\"}}")
}

#[tokio::test]
async fn a_token_is_good_for_questions_to_come() {
    let index = "200 OK|{\"schemaVersion\":2,\"manifests\":[]}";
    let (found, seen) = has(vec![
        BEARER.to_owned(),
        token("t1"),
        head("a", INDEX),
        index.to_owned(),
    ])
    .await;
    assert!(found, "{seen:?}");
    assert_eq!(seen[3], "GET /v2/team/app/manifests/1 [Bearer t1] ");
    // Until it is not taken any more.
    let (found, seen) = has(vec![
        BEARER.to_owned(),
        token("t1"),
        head("a", INDEX),
        BEARER.to_owned(),
        token("t2"),
        index.to_owned(),
    ])
    .await;
    assert!(found, "{seen:?}");
    assert_eq!(seen[3], "GET /v2/team/app/manifests/1 [Bearer t1] ");
    assert_eq!(seen[5], "GET /v2/team/app/manifests/1 [Bearer t2] ");
}

/// Returns a registry that leads its users, once they have logged in, to `other`.
async fn leading(other: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let there = format!("http://{other}/v2/far/app/manifests/1");
    let there = format!("307 Temporary Redirect\r\nlocation: {there}|");
    let answers = [BEARER.to_owned(), token("t1"), there];
    let answers: Vec<&str> = answers.into_iter().map(|answer| &*answer.leak()).collect();
    registry(answers.leak()).await
}

#[tokio::test]
async fn a_registry_may_lead_elsewhere_but_not_with_the_login() {
    let answer = head("a", INDEX);
    let (other, far) = registry(vec![&*answer.leak()].leak()).await;
    let (host, near) = leading(&other).await;
    let found = digest(&host).await.unwrap();
    assert_eq!(found.to_string(), format!("sha256:{}", "a".repeat(64)));
    let near = near.lock().unwrap();
    assert_eq!(near[2], "HEAD /v2/team/app/manifests/1 [Bearer t1] ");
    let far = far.lock().unwrap();
    assert_eq!(*far, ["HEAD /v2/far/app/manifests/1 [] "]);
}

#[tokio::test]
async fn who_a_registry_leads_to_gets_no_login() {
    let (other, far) = registry(&[BEARER]).await;
    let (host, near) = leading(&other).await;
    let told = digest(&host).await.unwrap_err().to_string();
    assert_eq!(told, format!("{host} answered 401 Unauthorized"));
    assert_eq!(near.lock().unwrap().len(), 3);
    assert_eq!(far.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_is_written_elsewhere() {
    let (other, far) = registry(&[]).await;
    let (host, _) = leading(&other).await;
    let told = put(&host).await.unwrap_err().to_string();
    assert_eq!(told, format!("{host} answered 307 Temporary Redirect"));
    assert_eq!(far.lock().unwrap().len(), 0);
}
