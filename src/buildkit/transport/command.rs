//! A daemon behind a program: its standard input and output are the connection.
//!
//! One process per connection. It ends with the connection, and its whole process group with it;
//! the group is its own, so that a Ctrl-C in the terminal ends the build, not the way to the
//! daemon that must be told of it. What the program says on standard error is kept, and told as
//! the reason when it fails.
//!
//! Source: docker/cli `cli/connhelper/commandconn`, which buildctl uses.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a program that has closed its end may take to end itself.
const ENDING: Duration = Duration::from_secs(2);
/// How much of standard error is kept: its end.
const KEPT: usize = 4096;
/// Room of the pipes, as much as an unprivileged process may ask for.
const CAPACITY: usize = 1 << 20;

/// What to run.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    program: String,
    args: Vec<String>,
    variables: Vec<(&'static str, &'static str)>,
}

impl Launch {
    /// Returns a program without arguments.
    pub(super) fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            args: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Adds arguments.
    pub(super) fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    pub(super) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }
}

impl fmt::Display for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

/// The connection through a running program.
pub(super) struct Piped {
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    /// Told of the first byte.
    first: Option<oneshot::Sender<()>>,
    ending: Ending,
}

/// What is known of the program's end: why it failed, if it did.
enum Ending {
    Awaited(Pin<Box<dyn Future<Output = Option<String>> + Send>>),
    Known(Option<String>),
}

/// What a program has said on standard error so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Complaint(Arc<Mutex<Vec<u8>>>);

/// Runs the program. The receiver hears of the first byte that comes back.
pub(super) fn run(launch: &Launch) -> io::Result<(Piped, oneshot::Receiver<()>, Complaint)> {
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .envs(launch.variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot run {}: {error}", launch.program),
        )
    })?;
    let gone = || io::Error::other("a pipe to the program is missing");
    let stdin = child.stdin.take().ok_or_else(gone)?;
    let stdout = child.stdout.take().ok_or_else(gone)?;
    let stderr = child.stderr.take().ok_or_else(gone)?;
    widen(&stdin);
    widen(&stdout);
    let complaint = Complaint::default();
    let listening = tokio::spawn(complaint.clone().listen(stderr));
    let (first, seen) = oneshot::channel();
    let group = Group(child);
    let program = launch.program.clone();
    let piped = Piped {
        stdin: Some(stdin),
        stdout,
        first: Some(first),
        ending: Ending::Awaited(Box::pin(group.end(program, listening, complaint.clone()))),
    };
    Ok((piped, seen, complaint))
}

fn widen(pipe: &impl AsFd) {
    // A smaller pipe is slower, nothing else.
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, CAPACITY);
}

/// A process and what it started; they are killed with the value.
struct Group(Child);

impl Group {
    /// Waits for the end and returns why the program failed, if it did.
    async fn end(
        mut self,
        program: String,
        listening: JoinHandle<()>,
        complaint: Complaint,
    ) -> Option<String> {
        let status = timeout(ENDING, self.0.wait()).await.ok()?.ok()?;
        // Something that the program left behind may hold its standard error open.
        let _ = timeout(ENDING, listening).await;
        let how = failure(status)?;
        Some(complaint.after(&format!("{program} {how}")))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Without an id it has ended and is waited for: the number may be another's by now.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id.and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

fn failure(status: ExitStatus) -> Option<String> {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("failed with exit code {code}")),
        (None, Some(signal)) => Some(format!("was ended by signal {signal}")),
        (None, None) => Some("failed".to_owned()),
    }
}

impl Complaint {
    async fn listen(self, mut stderr: ChildStderr) {
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&buffer[..length]);
            let surplus = kept.len().saturating_sub(KEPT);
            kept.drain(..surplus);
        }
    }

    /// Returns the headline with what was said.
    pub(super) fn after(&self, headline: &str) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match String::from_utf8_lossy(&kept).trim() {
            "" => headline.to_owned(),
            said if said.contains('\n') => format!("{headline}:\n{said}"),
            said => format!("{headline}: {said}"),
        }
    }
}

impl Piped {
    /// Waits for the program's end: an error if it failed, else the end of the stream.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Ending::Awaited(end) = &mut self.ending {
            let why = ready!(end.as_mut().poll(cx));
            self.ending = Ending::Known(why);
        }
        let Ending::Known(Some(why)) = &self.ending else {
            return Poll::Ready(Ok(()));
        };
        let error = io::Error::new(io::ErrorKind::ConnectionAborted, why.clone());
        Poll::Ready(Err(error))
    }

    /// Puts the program's own reason in the place of a broken pipe.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                ready!(self.poll_end(cx))?;
                Poll::Ready(Err(error))
            }
            other => other,
        }
    }
}

impl AsyncRead for Piped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = (buf.filled().len(), buf.remaining());
        ready!(Pin::new(&mut self.stdout).poll_read(cx, buf))?;
        if buf.filled().len() > before.0 {
            if let Some(first) = self.first.take() {
                // Nobody may be waiting any more.
                let _ = first.send(());
            }
            return Poll::Ready(Ok(()));
        }
        if before.1 == 0 {
            return Poll::Ready(Ok(()));
        }
        self.poll_end(cx)
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the connection was closed")
}

impl AsyncWrite for Piped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(stdin) = &mut self.stdin else {
            return Poll::Ready(Err(closed()));
        };
        let result = Pin::new(stdin).poll_write(cx, buf);
        self.written(cx, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stdin {
            Some(stdin) => Pin::new(stdin).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Ends the program's standard input, as a socket's half is closed.
    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stdin = None;
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Some(stdin) = &mut self.stdin else {
            return Poll::Ready(Err(closed()));
        };
        let result = Pin::new(stdin).poll_write_vectored(cx, bufs);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn shell(script: &str) -> Launch {
        Launch::new("sh").args(["-c", script])
    }

    #[tokio::test]
    async fn bytes_go_both_ways_until_the_input_ends() {
        let (mut piped, first, _) = run(&shell("cat; echo bye")).unwrap();
        piped.write_all(b"hello\n").await.unwrap();
        piped.shutdown().await.unwrap();
        let mut text = String::new();
        piped.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello\nbye\n");
        first.await.unwrap();
        let error = piped.write_all(b"more").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    }

    #[tokio::test]
    async fn a_program_that_fails_says_why() {
        let launch = shell("echo 'Error: No such container: x' >&2; exit 3");
        let (mut piped, _, _) = run(&launch).unwrap();
        let error = piped.read_u8().await.unwrap_err();
        let why = "sh failed with exit code 3: Error: No such container: x";
        assert_eq!(error.to_string(), why);
        // Whoever writes first hears the same.
        let (mut piped, _, _) = run(&launch).unwrap();
        let error = loop {
            if let Err(error) = piped.write_all(&[0; 1024]).await {
                break error;
            }
        };
        assert_eq!(error.to_string(), why);
    }

    #[tokio::test]
    async fn all_that_the_program_started_ends_with_the_connection() {
        let (mut piped, _, _) = run(&shell("sleep 600 & echo $!; wait")).unwrap();
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            line.push(piped.read_u8().await.unwrap());
        }
        let id: i32 = String::from_utf8(line).unwrap().trim().parse().unwrap();
        let id = Pid::from_raw(id).unwrap();
        let group = rustix::process::getpgid(Some(id)).unwrap();
        assert_ne!(group, rustix::process::getpgrp());
        drop(piped);
        // A killed process may stay for its parent to collect; a zombie runs no more.
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()));
        let runs = |stat: &str| !stat.contains(") Z ");
        for _ in 0..500 {
            match state() {
                Ok(stat) if runs(&stat) => tokio::time::sleep(Duration::from_millis(10)).await,
                _ => return,
            }
        }
        panic!("the program still runs");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let error = run(&Launch::new("gobuild-no-such-program")).err().unwrap();
        assert!(
            error
                .to_string()
                .starts_with("cannot run gobuild-no-such-program: "),
            "{error}"
        );
    }
}
