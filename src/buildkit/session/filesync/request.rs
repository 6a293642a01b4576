//! What the daemon asks for, read from the metadata of its call (BuildKit
//! `session/filesync/filesync.go`).
//!
//! Values are repeated headers. Since headers are ASCII, a key with any other character in
//! one of its values comes with a companion `<key>-encoded: 1`, and then all of its values
//! are escaped as in a URL's query.

use tonic::Status;
use tonic::metadata::MetadataMap;

/// A request for files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The source's name.
    pub(super) name: String,
    /// Patterns of which an entry must match one; all entries if there are none.
    pub(super) include: Vec<String>,
    /// Patterns of which an entry must match none.
    pub(super) exclude: Vec<String>,
    /// Paths that are included together with what they link to.
    pub(super) follow: Vec<String>,
}

impl Wanted {
    /// Reads a call's metadata.
    ///
    /// # Errors
    /// A value is no text, or is not escaped as its companion says.
    pub(super) fn from_metadata(metadata: &MetadataMap) -> Result<Self, Status> {
        Ok(Self {
            name: values(metadata, "dir-name")?
                .into_iter()
                .next()
                .unwrap_or_default(),
            include: values(metadata, "include-patterns")?,
            exclude: values(metadata, "exclude-patterns")?,
            follow: values(metadata, "followpaths")?,
        })
    }
}

fn values(metadata: &MetadataMap, key: &str) -> Result<Vec<String>, Status> {
    let encoded = metadata
        .get(format!("{key}-encoded"))
        .is_some_and(|flag| matches!(flag.as_bytes(), b"1" | b"t" | b"T" | b"true" | b"TRUE"));
    metadata
        .get_all(key)
        .iter()
        .map(|value| {
            let text = value.to_str().ok()?;
            if encoded {
                unescape(text)
            } else {
                Some(text.to_owned())
            }
        })
        .collect::<Option<_>>()
        .ok_or_else(|| Status::invalid_argument(format!("malformed value of {key}")))
}

/// Undoes the escaping of a URL's query; `None` if it is none.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high << 4 | low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(entries: &[(&'static str, &str)]) -> MetadataMap {
        let mut map = MetadataMap::new();
        for (key, value) in entries {
            map.append(*key, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn values_are_unescaped_only_where_a_companion_says_so() {
        let wanted = Wanted::from_metadata(&metadata(&[
            ("dir-name", "context"),
            ("include-patterns", "a+b%2F"),
            ("include-patterns", "c"),
            ("exclude-patterns", "d+%C3%A9"),
            ("exclude-patterns", "%2a"),
            ("exclude-patterns-encoded", "1"),
        ]));
        assert_eq!(
            wanted.unwrap(),
            Wanted {
                name: "context".into(),
                include: vec!["a+b%2F".into(), "c".into()],
                exclude: vec!["d é".into(), "*".into()],
                follow: vec![],
            }
        );
    }

    #[test]
    fn broken_escapes_are_refused() {
        for value in ["%", "%4", "%zz", "%ff"] {
            let given = metadata(&[("followpaths", value), ("followpaths-encoded", "1")]);
            let status = Wanted::from_metadata(&given).unwrap_err();
            assert_eq!(status.code(), tonic::Code::InvalidArgument, "{value}");
        }
    }
}
