//! Drives the service as a build step's ssh does, against an agent that keeps what it is told.

use std::sync::Mutex;

use buildkit_proto::moby::sshforward::v1::ssh_client::SshClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tonic::Code;

use super::*;
use crate::buildkit::session::in_process;

/// Runs an agent that answers each request with one byte more than it.
fn agent(path: &Path) -> Arc<Mutex<Vec<Vec<u8>>>> {
    let seen: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let listener = UnixListener::bind(path).unwrap();
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while let Ok(length) = stream.read_u32().await {
            let mut frame = vec![0; length as usize];
            stream.read_exact(&mut frame).await.unwrap();
            kept.lock().unwrap().push(frame.clone());
            frame.push(b'!');
            stream.write_u32(length + 1).await.unwrap();
            stream.write_all(&frame).await.unwrap();
        }
    });
    seen
}

fn service(path: &Path) -> SshService {
    let spec = SshSpec {
        id: DEFAULT.into(),
        socket: Some(path.into()),
    };
    SshService::new(&[spec], None).unwrap()
}

/// Sends messages on one stream and returns all that comes back.
async fn talk(service: SshService, messages: Vec<Vec<u8>>) -> Result<Vec<u8>, Box<Status>> {
    let channel = in_process::channel(service.into_server()).await;
    let messages = messages.into_iter().map(|data| BytesMessage { data });
    let mut request = Request::new(tokio_stream::iter(messages.collect::<Vec<_>>()));
    let metadata = request.metadata_mut();
    metadata.insert("buildkit.ssh.id", "default".parse().unwrap());
    let answer = SshClient::new(channel).forward_agent(request).await?;
    let mut answers = answer.into_inner();
    let mut received = Vec::new();
    while let Some(message) = answers.message().await? {
        received.extend(message.data);
    }
    Ok(received)
}

#[tokio::test]
async fn only_listing_and_signing_reach_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.sock");
    let seen = agent(&path);
    let mut sent = Vec::new();
    // List, sign; then add, remove, lock, unlock, a smart card, an extension, and version 1.
    for kind in [11, 13, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27, 1, 9, 0, 255] {
        sent.extend([0, 0, 0, 3, kind, b'a', b'b']);
    }
    sent.extend([0, 0, 0, 1, 11]);
    // Frames do not keep to messages.
    let messages = sent.chunks(5).map(<[u8]>::to_vec).collect();
    let received = talk(service(&path), messages).await.unwrap();
    let mut expected = vec![
        0, 0, 0, 4, 11, b'a', b'b', b'!', 0, 0, 0, 4, 13, b'a', b'b', b'!',
    ];
    for _ in 0..14 {
        expected.extend([0, 0, 0, 1, 5]);
    }
    expected.extend([0, 0, 0, 2, 11, b'!']);
    assert_eq!(received, expected);
    let seen: Vec<u8> = seen.lock().unwrap().iter().map(|frame| frame[0]).collect();
    assert_eq!(seen, [11, 13, 11]);
}

#[tokio::test]
async fn malformed_frames_end_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    for (name, frame) in [
        ("a", vec![0, 0, 0, 0]),
        ("b", vec![255, 0, 0, 0, 11]),
        ("c", vec![0, 0, 0, 2, 11]),
    ] {
        let path = folder.path().join(name);
        let seen = agent(&path);
        let refused = talk(service(&path), vec![frame]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(seen.lock().unwrap().len(), 0);
    }
}

#[tokio::test]
async fn agents_are_known_by_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.sock");
    let _agent = agent(&path);
    let service = service(&path);
    for (id, known) in [("", true), ("default", true), ("git", false)] {
        let request = CheckAgentRequest { id: id.into() };
        let answer = service.check_agent(Request::new(request)).await;
        assert_eq!(answer.is_ok(), known, "{id:?}");
    }
}

#[tokio::test]
async fn what_is_no_agent_is_refused_before_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("id_ed25519");
    std::fs::write(&key, "key").unwrap();
    let new = |texts: &[&str], environment: Option<&Path>| {
        let specs: Vec<SshSpec> = texts.iter().map(|text| text.parse().unwrap()).collect();
        SshService::new(&specs, environment)
    };
    let of_key = new(&[&format!("git={}", key.display())], None).unwrap_err();
    assert!(of_key.to_string().contains("ssh-add"), "{of_key}");
    assert!(matches!(
        new(&["default"], None),
        Err(SshError::NoAgent { .. })
    ));
    let missing = Path::new("/nonexistent/agent.sock");
    assert!(matches!(
        new(&["default"], Some(missing)),
        Err(SshError::Socket { .. })
    ));
    let socket = folder.path().join("agent.sock");
    let _agent = agent(&socket);
    assert!(new(&["default", "git"], Some(&socket)).is_ok());
    let twice = new(&["default", "default"], Some(&socket));
    assert!(matches!(twice, Err(SshError::Duplicate { .. })));
}

/// Answers with what it gets, in capitals, and ends with it.
struct Capitals;

#[tonic::async_trait]
impl StreamHandler for Capitals {
    async fn serve(&self, mut stream: HandlerStream) {
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.unwrap();
        stream.write_all(&text.to_ascii_uppercase()).await.unwrap();
    }
}

#[tokio::test]
async fn a_service_of_this_process_is_reached_like_an_agent() {
    let service = SshService::new(&[], None).unwrap();
    let service = service.with_handler(DEFAULT, Arc::new(Capitals));
    let long = vec![b'x'; 100_000];
    let messages = vec![b"one ".to_vec(), b"two ".to_vec(), long.clone()];
    let answer = talk(service.clone(), messages).await.unwrap();
    assert!(answer.starts_with(b"ONE TWO X"));
    assert_eq!(answer.len(), 8 + long.len());
    let request = CheckAgentRequest { id: DEFAULT.into() };
    assert!(service.check_agent(Request::new(request)).await.is_ok());
}
