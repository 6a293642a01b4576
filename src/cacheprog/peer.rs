//! The other side of the protocol, for tests: a `go` that asks what it is told to.

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Id, Options, Remote, Report, RunError, run};

/// A run and the pipes to it.
pub(super) struct Peer {
    run: JoinHandle<Result<Report, RunError>>,
    to: PipeWriter,
    from: BufReader<PipeReader>,
    next: i64,
}

/// Returns options of a run on a folder, with a remote that is written.
pub(super) fn options(dir: &Path, remote: Option<&str>) -> Options {
    Options {
        dir: dir.to_owned(),
        max_size: None,
        seeds: Vec::new(),
        collect: None,
        remote: remote.map(|url| Remote {
            url: url.to_owned(),
            write: true,
            patience: Duration::from_secs(20),
            token: None,
        }),
        scope: "test".to_owned(),
    }
}

/// Returns an action's id.
pub(super) fn action(number: u8) -> Id {
    Id([number; 32])
}

impl Peer {
    pub(super) fn start(options: Options) -> Self {
        let (input, to) = std::io::pipe().unwrap();
        let (from, output) = std::io::pipe().unwrap();
        let run = std::thread::spawn(move || run(&options, input, Box::new(output), |_| ()));
        let mut peer = Self {
            run,
            to,
            from: BufReader::new(from),
            next: 1,
        };
        assert_eq!(peer.answer()["ID"], 0);
        peer
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn request(&mut self, request: &str) -> Value {
        let id = self.next;
        self.next += 1;
        write!(self.to, "{{\"ID\":{id},{request}").unwrap();
        let answer = self.answer();
        assert_eq!(answer["ID"], id);
        answer
    }

    /// Looks an action up; returns the output.
    pub(super) fn get(&mut self, action: Id) -> Option<Vec<u8>> {
        let action = STANDARD.encode(action.0);
        let request = format!("\"Command\":\"get\",\"ActionID\":\"{action}\"}}\n\n");
        let answer = self.request(&request);
        if answer["Miss"] == true {
            return None;
        }
        let body = std::fs::read(PathBuf::from(answer["DiskPath"].as_str().unwrap())).unwrap();
        assert_eq!(answer["OutputID"], STANDARD.encode(Id::of(&body).0));
        assert_eq!(answer["Size"], body.len());
        Some(body)
    }

    /// Stores an output.
    pub(super) fn put(&mut self, action: Id, body: &[u8]) {
        let (action, output) = (STANDARD.encode(action.0), STANDARD.encode(Id::of(body).0));
        let size = match body.len() {
            0 => String::new(),
            size => format!(",\"BodySize\":{size}"),
        };
        let text = match body.len() {
            0 => String::new(),
            _ => format!("\"{}\"\n", STANDARD.encode(body)),
        };
        let answer = self.request(&format!(
            "\"Command\":\"put\",\"ActionID\":\"{action}\",\"OutputID\":\"{output}\"{size}}}\n\n{text}"
        ));
        let path = answer["DiskPath"].as_str().unwrap();
        assert_eq!(std::fs::read(path).unwrap(), body);
    }

    /// Ends the run.
    pub(super) fn close(mut self) -> Report {
        let answer = self.request("\"Command\":\"close\"}\n\n");
        assert_eq!(answer["Err"], Value::Null);
        self.run.join().unwrap().unwrap()
    }

    /// Goes without a word.
    pub(super) fn vanish(self) -> Report {
        drop(self.to);
        self.run.join().unwrap().unwrap()
    }
}
