//! File modes as the protocol carries them: the bits of Go's `os.FileMode`, not `st_mode`.

use rustix::fs::{FileType, Mode, RawMode};

const DIRECTORY: u32 = 1 << 31;
const SYMLINK: u32 = 1 << 27;
const DEVICE: u32 = 1 << 26;
const PIPE: u32 = 1 << 25;
const SOCKET: u32 = 1 << 24;
const SETUID: u32 = 1 << 23;
const SETGID: u32 = 1 << 22;
const CHARACTER: u32 = 1 << 21;
const STICKY: u32 = 1 << 20;
const IRREGULAR: u32 = 1 << 19;
const TYPE: u32 = DIRECTORY | SYMLINK | DEVICE | PIPE | SOCKET | CHARACTER | IRREGULAR;
const PERMISSIONS: u32 = 0o777;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file: the only kind whose content can be requested.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, pipe, socket or something newer.
    Special,
}

/// A mode in Go's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoMode(pub u32);

impl GoMode {
    /// Returns the encoding of a unix `st_mode`.
    ///
    /// A socket loses its type, as in fsutil: it is listed as an empty regular file.
    #[must_use]
    #[allow(
        clippy::useless_conversion,
        reason = "the width of modes differs between systems"
    )]
    pub fn from_unix(raw: RawMode) -> Self {
        let unix = Mode::from_raw_mode(raw);
        let mut mode = u32::from(unix.bits()) & PERMISSIONS;
        for (bit, go) in [
            (Mode::SUID, SETUID),
            (Mode::SGID, SETGID),
            (Mode::SVTX, STICKY),
        ] {
            if unix.contains(bit) {
                mode |= go;
            }
        }
        mode |= match FileType::from_raw_mode(raw) {
            FileType::RegularFile | FileType::Socket => 0,
            FileType::Directory => DIRECTORY,
            FileType::Symlink => SYMLINK,
            FileType::Fifo => PIPE,
            FileType::CharacterDevice => DEVICE | CHARACTER,
            FileType::BlockDevice => DEVICE,
            FileType::Unknown => IRREGULAR,
        };
        Self(mode)
    }

    /// Returns the mode of an entry with the permissions of a tar header, `0o7777` of them.
    #[must_use]
    pub fn new(kind: FileKind, permissions: u32) -> Self {
        let mut mode = permissions & PERMISSIONS;
        for (bit, go) in [(0o4000, SETUID), (0o2000, SETGID), (0o1000, STICKY)] {
            if permissions & bit != 0 {
                mode |= go;
            }
        }
        Self(
            mode | match kind {
                FileKind::Regular => 0,
                FileKind::Directory => DIRECTORY,
                FileKind::Symlink => SYMLINK,
                FileKind::Special => IRREGULAR,
            },
        )
    }

    /// Returns the mode with the permissions of a fresh checkout under umask 022: 0755 for
    /// directories and whatever anyone may execute, 0644 for other files, 0777 for links.
    #[must_use]
    pub fn normalised(self) -> Self {
        let permissions = match self.kind() {
            FileKind::Symlink => 0o777,
            FileKind::Directory => 0o755,
            FileKind::Regular | FileKind::Special if self.0 & 0o111 != 0 => 0o755,
            FileKind::Regular | FileKind::Special => 0o644,
        };
        Self(self.0 & TYPE | permissions)
    }

    /// Returns what the entry is.
    #[must_use]
    pub fn kind(self) -> FileKind {
        match self.0 & TYPE {
            0 => FileKind::Regular,
            DIRECTORY => FileKind::Directory,
            SYMLINK => FileKind::Symlink,
            _ => FileKind::Special,
        }
    }

    /// Returns the nine permission bits, without setuid, setgid and sticky.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::unnecessary_cast,
        reason = "the width of modes differs between systems; nine bits fit all"
    )]
    pub fn permissions(self) -> Mode {
        Mode::from_raw_mode((self.0 & PERMISSIONS) as RawMode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_modes_become_go_modes() {
        for (unix, go) in [
            (0o100_644, 0o644),
            (0o104_755, 0o755 | 1 << 23),
            (0o102_755, 0o755 | 1 << 22),
            (0o041_777, 0o777 | 1 << 31 | 1 << 20),
            (0o120_777, 0o777 | 1 << 27),
            (0o020_600, 0o600 | 1 << 26 | 1 << 21),
            (0o060_600, 0o600 | 1 << 26),
            (0o010_600, 0o600 | 1 << 25),
            (0o140_600, 0o600),
        ] {
            assert_eq!(GoMode::from_unix(unix), GoMode(go), "{unix:o}");
        }
    }

    #[test]
    fn modes_of_tar_headers_become_go_modes() {
        let sticky = GoMode::new(FileKind::Directory, 0o1777);
        assert_eq!(sticky, GoMode::from_unix(0o041_777));
        let setuid = GoMode::new(FileKind::Regular, 0o4755);
        assert_eq!(setuid, GoMode::from_unix(0o104_755));
    }

    #[test]
    fn a_checkout_has_two_kinds_of_files() {
        let normal = |unix| GoMode::from_unix(unix).normalised();
        assert_eq!(normal(0o100_600), normal(0o100_664));
        assert_eq!(normal(0o100_700), normal(0o104_775));
        assert_eq!(normal(0o040_700).0, 1 << 31 | 0o755);
        assert_ne!(normal(0o100_644), normal(0o100_755));
    }
}
