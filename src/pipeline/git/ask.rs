//! Questions to git about commits.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bytes::Bytes;

use crate::project::tree::TreePath;

/// What git puts into the environment of hooks: it speaks of the hook's repository, and not of folders.
const OF_HOOKS: [&str; 5] = [
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
];

/// Why there is no commit to read.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// There is no git.
    #[error("cannot run git")]
    Start(#[source] io::Error),
    /// The repository does not have it.
    #[error("there is no commit {since:?} in this repository")]
    NoCommit {
        /// What was asked for.
        since: String,
    },
    /// Git refuses.
    #[error("git {command} failed: {said}")]
    Failed {
        /// The subcommand.
        command: &'static str,
        /// What it said.
        said: String,
    },
    /// Git's answer is not understood.
    #[error("git {command} answered what is not understood")]
    Answer {
        /// The subcommand.
        command: &'static str,
    },
    /// An object cannot be read.
    #[error("cannot read the commit's files")]
    Object(#[source] io::Error),
}

/// Returns the full hash of a commit.
pub(super) fn commit(folder: &Path, since: &str) -> Result<String, CommitError> {
    let commit = format!("{since}^{{commit}}");
    let verify = ["--verify", "--quiet", "--end-of-options", &commit];
    line(folder, "rev-parse", &verify).map_err(|error| match error {
        CommitError::Failed { said, .. } if said.is_empty() => CommitError::NoCommit {
            since: since.to_owned(),
        },
        error => error,
    })
}

/// Returns the one line of an answer.
pub(super) fn line(
    folder: &Path,
    command: &'static str,
    args: &[&str],
) -> Result<String, CommitError> {
    let answer = bytes(folder, command, args)?;
    let text = String::from_utf8(answer).map_err(|_| CommitError::Answer { command })?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// Returns the paths of an answer.
pub(super) fn paths(
    folder: &Path,
    command: &'static str,
    args: &[&str],
) -> Result<BTreeSet<TreePath>, CommitError> {
    let answer = bytes(folder, command, args)?;
    Ok(lines(&answer).map(TreePath::new).collect())
}

/// Splits an answer of `-z`; leaves out what is not UTF-8.
pub(super) fn lines(answer: &[u8]) -> impl Iterator<Item = &str> {
    let lines = answer.split(|byte| *byte == 0);
    let lines = lines.filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter(|line| !line.is_empty())
}

/// Returns a whole answer.
pub(super) fn bytes(
    folder: &Path,
    command: &'static str,
    args: &[&str],
) -> Result<Vec<u8>, CommitError> {
    let output = git(folder, command)
        .args(args)
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(CommitError::Start)?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(CommitError::Failed {
            command,
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}

fn git(folder: &Path, command: &str) -> Command {
    let mut git = Command::new("git");
    for name in OF_HOOKS {
        git.env_remove(name);
    }
    git.arg("-C").arg(folder).arg(command);
    git
}

/// A git that reads objects as they are asked for.
pub(super) struct Objects {
    git: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Objects {
    pub(super) fn of(folder: &Path) -> Result<Self, CommitError> {
        const COMMAND: &str = "cat-file";
        let mut git = git(folder, COMMAND);
        git.arg("--batch")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut git = git.spawn().map_err(CommitError::Start)?;
        let streams = git.stdin.take().zip(git.stdout.take());
        let unknown = CommitError::Answer { command: COMMAND };
        let (questions, answers) = streams.ok_or(unknown)?;
        Ok(Self {
            git,
            questions,
            answers: BufReader::new(answers),
        })
    }

    pub(super) fn read(&mut self, id: &str) -> io::Result<Bytes> {
        writeln!(self.questions, "{id}")?;
        self.questions.flush()?;
        let mut head = String::new();
        self.answers.read_line(&mut head)?;
        // `ID blob SIZE`, or `ID missing`, as in a partial clone without its remote.
        let size = head.trim_end().rsplit_once(" blob ");
        let Some(Ok(size)) = size.map(|(_, size)| size.parse()) else {
            return Err(io::Error::other(format!("git has no object {id}")));
        };
        let mut content = vec![0; size];
        self.answers.read_exact(&mut content)?;
        self.answers.read_exact(&mut [0])?;
        Ok(content.into())
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        let _ = self.git.kill();
        let _ = self.git.wait();
    }
}
