//! Facts that are kept from one run to the next, a file each, as JSON.
//!
//! Any of them may be lost at any time: that costs the time to find it out again.

use std::path::Path;
use std::{fs, io};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::write_whole;

/// Returns what the file at `path` remembers; nothing, if it is not there or not to be understood.
#[must_use]
pub fn remembered<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(path = %path.display(), %error, "what was remembered is unreadable");
            }
            return None;
        }
    };
    serde_json::from_slice(&bytes)
        .inspect_err(|error| {
            tracing::warn!(path = %path.display(), %error, "what was remembered is malformed");
        })
        .ok()
}

/// Returns what tells a folder from others in the names of files: some digits of its path's digest.
#[must_use]
pub fn folder_key(folder: &Path) -> String {
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// Has the file at `path` remember `facts`, whole or not at all; its folder is created if needed.
///
/// # Errors
/// There is no room or no permission.
pub fn remember(path: &Path, facts: &impl Serialize) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    write_whole(path, &serde_json::to_vec(facts)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_known_until_it_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facts/one.json");
        assert_eq!(remembered::<Vec<u8>>(&path), None);
        remember(&path, &vec![1, 2]).unwrap();
        assert_eq!(remembered::<Vec<u8>>(&path), Some(vec![1, 2]));
        // Another version of gobuild has written it, or a disk that was full.
        assert_eq!(remembered::<bool>(&path), None);
        fs::write(&path, "[1,").unwrap();
        assert_eq!(remembered::<Vec<u8>>(&path), None);
    }
}
