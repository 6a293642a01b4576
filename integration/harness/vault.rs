//! A store of a test's own behind TLS: GET, PUT and DELETE of whole objects for those with a token.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::tool;

/// A server. Its threads end with the process: nothing tells a listener to stop.
pub(crate) struct Vault {
    folder: tempfile::TempDir,
    address: String,
    refused: Arc<AtomicUsize>,
}

/// What connections share.
struct Shared {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    /// The header's value.
    authorization: String,
    refused: Arc<AtomicUsize>,
}

impl Vault {
    /// Starts a server with nothing in it.
    pub(crate) fn start(token: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let config = Arc::new(config(folder.path()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let refused = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared {
            objects: Mutex::default(),
            authorization: format!("Bearer {token}"),
            refused: Arc::clone(&refused),
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, shared) = (Arc::clone(&config), Arc::clone(&shared));
                thread::spawn(move || {
                    let connection = ServerConnection::new(config).unwrap();
                    // A client that does not trust the certificate goes away.
                    let _ = serve(StreamOwned::new(connection, stream), &shared);
                });
            }
        });
        Self {
            folder,
            address,
            refused,
        }
    }

    /// Returns its address.
    pub(crate) fn url(&self) -> String {
        format!("https://{}/cache", self.address)
    }

    /// Returns the file with the certificate of the authority that vouches for it.
    pub(crate) fn authority(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// Returns the file with that of another authority.
    pub(crate) fn other_authority(&self) -> String {
        self.folder.path().join("other.pem").display().to_string()
    }

    /// Returns how many requests had no right token.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

/// Answers requests until the client goes.
fn serve(stream: StreamOwned<ServerConnection, TcpStream>, shared: &Shared) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let header = |name: &str| {
            let mut headers = lines.iter().filter_map(|line| line.split_once(": "));
            let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_owned())
        };
        let length = header("content-length").and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body)?;
        let mut words = lines.first().map_or("", String::as_str).split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let (status, content) = match header("authorization") {
            Some(value) if value == shared.authorization => shared.answer(method, path, body),
            _ => {
                shared.refused.fetch_add(1, Ordering::SeqCst);
                ("401 Unauthorized", Vec::new())
            }
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
            content.len()
        );
        let to = stream.get_mut();
        to.write_all(head.as_bytes())?;
        to.write_all(&content)?;
        to.flush()?;
    }
}

impl Shared {
    fn answer(&self, method: &str, path: &str, body: Vec<u8>) -> (&'static str, Vec<u8>) {
        let mut objects = self.objects.lock().unwrap();
        match method {
            "PUT" => {
                objects.insert(path.to_owned(), body);
                ("201 Created", Vec::new())
            }
            "DELETE" => {
                objects.remove(path);
                ("200 OK", Vec::new())
            }
            _ => match objects.get(path) {
                Some(content) => ("200 OK", content.clone()),
                None => ("404 Not Found", Vec::new()),
            },
        }
    }
}

fn config(folder: &Path) -> ServerConfig {
    let chain = vec![CertificateDer::from_pem_file(folder.join("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("server-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// Makes two authorities, and a certificate of the first one's.
fn certificates(folder: &Path) {
    let openssl = |args: &str| {
        let mut command = Command::new("openssl");
        command.args(args.split_whitespace()).current_dir(folder);
        tool::output(command);
    };
    std::fs::write(folder.join("server.ext"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for name in ["ca", "other"] {
        openssl(&format!(
            "req -x509 {key} -keyout {name}-key.pem -out {name}.pem -subj /CN={name} -days 2"
        ));
    }
    openssl(&format!(
        "req {key} -keyout server-key.pem -out server.csr -subj /CN=server"
    ));
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial \
         -extfile server.ext -days 2 -out server.pem",
    );
}
