//! The index of an OCI layout that a build was exported to, which the daemon leaves to the client.

use std::path::Path;

use super::RunError;
use crate::buildkit::session::content::LayoutIndex;
use crate::oci::Reference;
use crate::pipeline::outcome::Outcome;

/// Enters an image into the index of a layout, once for each of its names.
pub(in crate::pipeline) fn index(path: &Path, outcome: &Outcome) -> Result<(), RunError> {
    let descriptor = outcome.descriptor().ok_or(RunError::NoDescriptor)?;
    for (reference, tag) in outcome.references.iter().map(|given| named(given)) {
        LayoutIndex::new(path)
            .put_image(&descriptor, &reference, &tag)
            .map_err(|source| RunError::Index {
                path: path.to_owned(),
                source,
            })?;
    }
    Ok(())
}

/// Returns a name as indexes of layouts have it, which is whole there
/// (`docker.io/library/hello:latest`), and its tag.
pub(in crate::pipeline) fn named(given: &str) -> (String, String) {
    let parsed = given.parse::<Reference>().map(Reference::or_latest);
    let tag = parsed.as_ref().ok().and_then(Reference::tag);
    let tag = tag.unwrap_or("latest").to_owned();
    (
        parsed.map_or(given.to_owned(), |name| name.to_string()),
        tag,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_name_of_an_image_is_in_the_index() {
        let layout = tempfile::tempdir().unwrap();
        // `{"digest":"sha256:aa"}`
        let descriptor = "eyJkaWdlc3QiOiJzaGEyNTY6YWEifQ==".to_owned();
        let mut outcome = Outcome {
            references: vec!["a:1".to_owned(), "127.0.0.1:5000/b:2".to_owned()],
            response: BTreeMap::from([("containerimage.descriptor".to_owned(), descriptor)]),
            ..Outcome::default()
        };
        index(layout.path(), &outcome).unwrap();
        let index_json = LayoutIndex::new(layout.path());
        for name in ["docker.io/library/a:1", "127.0.0.1:5000/b:2", "2"] {
            let digest = index_json.digest(name).unwrap();
            assert_eq!(digest.as_deref(), Some("sha256:aa"), "{name}");
        }
        outcome.response.clear();
        let refused = index(layout.path(), &outcome);
        assert!(matches!(refused, Err(RunError::NoDescriptor)));
    }
}
