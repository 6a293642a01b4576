//! What kind of failure a daemon's error is.
//!
//! BuildKit's codes say little (an image that a registry refuses and a compiler that fails are
//! both `Unknown`), so the kind comes from the details first, then the code, and the message last.
//! Sources: BuildKit `errdefs/internal_linux.go`, `executor/runcexecutor/executor_linux.go`;
//! containerd `remotes/docker/{authorizer,errcode}.go`.

use tonic::Code;

use super::details::Details;

/// What went wrong, as far as a user can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nobody answered at the address.
    Unreachable,
    /// The connection ended in mid-build.
    DaemonGone,
    /// The build was cancelled.
    Cancelled,
    /// A process of the build ended with an exit code other than 0.
    Exec {
        /// The exit code.
        exit_code: u32,
    },
    /// A process of the build was killed for want of memory.
    OutOfMemory,
    /// The daemon's disk is full.
    DiskFull,
    /// A registry refused the credentials, or the lack of them.
    RegistryRefused,
    /// A registry does not answer.
    RegistryUnreachable,
    /// The daemon is too old for the build, or set up for less.
    Lacking,
    /// Anything else.
    Other,
}

/// A shell's exit code for SIGKILL, which inside a build only the kernel's OOM killer sends.
const KILLED: u32 = 137;

/// Sorts a daemon's error.
pub(super) fn classify(code: Code, message: &str, details: &Details) -> ErrorKind {
    let says = |needles: &[&str]| needles.iter().any(|needle| message.contains(needle));
    match details.exit_code.or_else(|| told(message)) {
        Some(KILLED) => return ErrorKind::OutOfMemory,
        Some(exit_code) if exit_code != 0 => return ErrorKind::Exec { exit_code },
        _ => {}
    }
    if says(&["cannot allocate memory"]) {
        return ErrorKind::OutOfMemory;
    }
    if says(&["no space left on device", "disk quota exceeded"]) {
        return ErrorKind::DiskFull;
    }
    let refused = |needle: &&str| {
        let ends = message.match_indices(needle);
        // What the kernel denies on the daemon's machine is no registry's doing.
        ends.filter(|(at, _)| !message[..*at].ends_with("permission "))
            .count()
            > 0
    };
    if matches!(code, Code::Unauthenticated | Code::PermissionDenied)
        || REFUSALS.iter().any(refused)
    {
        return ErrorKind::RegistryRefused;
    }
    if says(&["failed to do request: "]) {
        return ErrorKind::RegistryUnreachable;
    }
    if code == Code::Cancelled {
        return ErrorKind::Cancelled;
    }
    ErrorKind::Other
}

/// Returns the exit code that daemons before v0.9, and Docker Engines before 23.0, tell in words
/// alone.
fn told(message: &str) -> Option<u32> {
    let (_, rest) = message.split_once("executor failed running [")?;
    let (_, code) = rest.rsplit_once("]: exit code: ")?;
    code.trim().parse().ok()
}

/// How registries, and containerd on their behalf, word a refusal.
const REFUSALS: &[&str] = &[
    "401 Unauthorized",
    "403 Forbidden",
    "pull access denied",
    "push access denied",
    "insufficient_scope",
    "authorization failed",
    "failed to authorize",
    "no basic auth credentials",
    "unauthorized: ",
    "denied: ",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_details_then_code_then_words() {
        let exit = |code| Details {
            exit_code: Some(code),
            ..Details::default()
        };
        let plain = Details::default;
        for (code, message, details, kind) in [
            (
                Code::Unknown,
                "denied: x",
                exit(2),
                ErrorKind::Exec { exit_code: 2 },
            ),
            (
                Code::Unknown,
                "executor failed running [go build ./a]: exit code: 1",
                plain(),
                ErrorKind::Exec { exit_code: 1 },
            ),
            (
                Code::Unknown,
                "exit code: 137",
                exit(137),
                ErrorKind::OutOfMemory,
            ),
            (
                Code::ResourceExhausted,
                "process \"go\" did not complete successfully: cannot allocate memory",
                plain(),
                ErrorKind::OutOfMemory,
            ),
            (
                Code::ResourceExhausted,
                "write /x: no space left on device",
                plain(),
                ErrorKind::DiskFull,
            ),
            (
                Code::Unknown,
                "unexpected status from HEAD request: 403 Forbidden",
                plain(),
                ErrorKind::RegistryRefused,
            ),
            (
                Code::PermissionDenied,
                "no",
                plain(),
                ErrorKind::RegistryRefused,
            ),
            (
                Code::Cancelled,
                "context canceled",
                plain(),
                ErrorKind::Cancelled,
            ),
            (Code::Unknown, "no such job", plain(), ErrorKind::Other),
        ] {
            assert_eq!(classify(code, message, &details), kind, "{message}");
        }
    }
}
