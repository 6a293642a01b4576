//! `go.sum` and `go.work.sum`.

use std::collections::BTreeSet;

use super::ModfileError;

/// The modules that a `go.sum` has hashes of.
///
/// The hashes themselves are the go command's to compare; here only their presence counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoSum {
    /// `(module path, version)`; the version of a `go.mod` hash ends in `/go.mod`.
    hashed: BTreeSet<(String, String)>,
}

/// The hash of an empty `go.mod`, which early versions recorded by mistake.
const EMPTY_GO_MOD: &str = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=";

impl GoSum {
    /// Reads a `go.sum` or `go.work.sum`.
    ///
    /// # Errors
    /// The first line that has not three fields.
    pub fn parse(content: &[u8]) -> Result<Self, ModfileError> {
        let mut file = Self::default();
        for (index, line) in String::from_utf8_lossy(content).split('\n').enumerate() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            match fields.as_slice() {
                [] => {}
                // Other hash algorithms may come; the go command passes them over.
                [path, version, hash] => {
                    if hash.starts_with("h1:") && *hash != EMPTY_GO_MOD {
                        let key = ((*path).to_owned(), (*version).to_owned());
                        file.hashed.insert(key);
                    }
                }
                _ => {
                    let message =
                        format!("malformed go.sum: wrong number of fields {}", fields.len());
                    return Err(ModfileError::new(index + 1, message));
                }
            }
        }
        Ok(file)
    }

    /// Reports whether there is a hash of a module's content.
    #[must_use]
    pub fn has_module(&self, path: &str, version: &str) -> bool {
        self.hashed.contains(&(path.to_owned(), version.to_owned()))
    }

    /// Reports whether there is a hash of a module's `go.mod`.
    #[must_use]
    pub fn has_go_mod(&self, path: &str, version: &str) -> bool {
        self.hashed
            .contains(&(path.to_owned(), format!("{version}/go.mod")))
    }
}
