//! The files of a project as a commit has them: read from git's objects, nothing is checked out.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::project::tree::packed::{PackedEntry, PackedKind, PackedTree};
use crate::project::tree::{Entry, EntryKind, Tree, TreeError, TreePath};

/// A commit, seen from a folder of its repository.
pub struct Commit {
    /// Its full hash.
    pub id: String,
    /// The folder, seen from the top of the repository.
    folder: TreePath,
    files: PackedTree,
    /// What differs from the commit now.
    changed: BTreeSet<TreePath>,
}

/// Why there is no commit to read.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// There is no git.
    #[error("cannot run git")]
    Start(#[source] io::Error),
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
}

impl Commit {
    /// Opens the commit where what is checked out in `folder` left `since`: their merge base, or `since`
    /// itself if they have none.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn open(folder: &Path, since: &str) -> Result<Self, CommitError> {
        let commit = format!("{since}^{{commit}}");
        let verify = ["--verify", "--quiet", "--end-of-options", &commit];
        let given = line(folder, "rev-parse", &verify).map_err(|error| match error {
            CommitError::Failed { command, said } if said.is_empty() => CommitError::Failed {
                command,
                said: format!("there is no commit {since}"),
            },
            error => error,
        })?;
        let id = line(folder, "merge-base", &[&given, "HEAD"]).unwrap_or(given);
        let prefix = line(folder, "rev-parse", &["--show-prefix"])?;
        let flags = ["--name-only", "--no-renames", "--no-ext-diff", "-z", &id];
        let changed = ask(folder, "diff", &flags)?;
        let changed = changed
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty());
        let changed = changed.map(|path| TreePath::new(&String::from_utf8_lossy(path)));
        Ok(Self {
            folder: TreePath::new(&prefix),
            changed: changed.collect(),
            files: files(folder, &id)?,
            id,
        })
    }

    /// Tells whether a file that the commit has is another one now.
    #[must_use]
    pub fn is_changed(&self, path: &TreePath) -> bool {
        let mut path = self.folder.join(path.as_str());
        // A submodule is one path.
        while !path.is_root() {
            if self.changed.contains(&path) {
                return true;
            }
            path = path.parent();
        }
        false
    }
}

impl Tree for Commit {
    fn read(&self, path: &TreePath) -> Result<Option<Bytes>, TreeError> {
        self.files.read(&self.folder.join(path.as_str()))
    }

    fn list(&self, directory: &TreePath) -> Result<Option<Arc<[Entry]>>, TreeError> {
        self.files.list(&self.folder.join(directory.as_str()))
    }

    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        self.files.kind(&self.folder.join(path.as_str()))
    }
}

/// Returns all files of a commit.
fn files(folder: &Path, id: &str) -> Result<PackedTree, CommitError> {
    const COMMAND: &str = "ls-tree";
    let listing = ask(
        folder,
        COMMAND,
        &["-r", "-t", "-l", "-z", "--full-tree", id],
    )?;
    let mut objects = Objects::of(folder)?;
    let (mut entries, mut ids) = (Vec::new(), HashMap::new());
    for line in listing
        .split(|byte| *byte == 0)
        .filter(|line| !line.is_empty())
    {
        // A name that is not UTF-8 can be neither a Go source nor an embeddable file.
        let Ok(line) = std::str::from_utf8(line) else {
            continue;
        };
        let unknown = || CommitError::Answer { command: COMMAND };
        let (facts, path) = line.split_once('\t').ok_or_else(unknown)?;
        let facts: Vec<&str> = facts.split_ascii_whitespace().collect();
        let [mode, _, object, size] = facts.as_slice() else {
            return Err(unknown());
        };
        let kind = match *mode {
            "120000" => {
                let target = objects.read(object).map_err(CommitError::Start)?;
                PackedKind::Symlink(String::from_utf8_lossy(&target).into_owned())
            }
            // A folder, or a submodule, whose files are in another repository.
            "040000" | "160000" => PackedKind::Directory,
            mode => PackedKind::File {
                size: size.parse().map_err(|_| unknown())?,
                executable: mode == "100755",
                offset: None,
            },
        };
        ids.insert(TreePath::new(path), (*object).to_owned());
        let path = path.to_owned();
        entries.push(PackedEntry { path, kind });
    }
    let objects = Mutex::new(objects);
    let fetch = move |path: &TreePath| {
        let id = ids.get(path).ok_or(io::ErrorKind::NotFound)?;
        let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects.read(id)
    };
    Ok(PackedTree::new(entries, Bytes::new(), Box::new(fetch)))
}

/// A git that reads objects as they are asked for.
struct Objects {
    git: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Objects {
    fn of(folder: &Path) -> Result<Self, CommitError> {
        let mut git = git(folder, "cat-file");
        git.arg("--batch")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut git = git.spawn().map_err(CommitError::Start)?;
        let streams = git.stdin.take().zip(git.stdout.take());
        let (questions, answers) = streams.ok_or(CommitError::Answer {
            command: "cat-file",
        })?;
        Ok(Self {
            git,
            questions,
            answers: BufReader::new(answers),
        })
    }

    fn read(&mut self, id: &str) -> io::Result<Bytes> {
        writeln!(self.questions, "{id}")?;
        self.questions.flush()?;
        let mut head = String::new();
        self.answers.read_line(&mut head)?;
        // `ID blob SIZE`, or `ID missing`, as in a partial clone without its remote.
        let size = head
            .trim_end()
            .rsplit_once(" blob ")
            .map(|(_, size)| size.parse());
        let Some(Ok(size)) = size else {
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

fn git(folder: &Path, command: &str) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).arg(command);
    git
}

fn ask(folder: &Path, command: &'static str, args: &[&str]) -> Result<Vec<u8>, CommitError> {
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

/// Returns the one line of an answer.
fn line(folder: &Path, command: &'static str, args: &[&str]) -> Result<String, CommitError> {
    let answer = ask(folder, command, args)?;
    let text = String::from_utf8(answer).map_err(|_| CommitError::Answer { command })?;
    Ok(text.trim_end_matches('\n').to_owned())
}
