//! The frontend's own image as a source: steps run gobuild out of it.

use std::path::Path;

use crate::llb::{self, Definition, Exec, Image, Metadata, OciLayout, Output};
use crate::lower::Program;
use crate::oci::Platform;
use crate::plan::paths;

/// Folder of the image that holds a GOROOT with nothing but the go command.
pub(super) const GO: &str = "/go";

/// What progress displays call the image.
const NAME: &str = "gobuild frontend";

/// File name of the program in the image.
pub(super) const PROGRAM: &str = "gobuild";

/// Why steps cannot run this program.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The daemon's description of the image is none.
    #[error("the daemon does not say what image this frontend is")]
    Definition(#[from] llb::DecodeError),
    /// It is not an image.
    #[error("steps cannot run this frontend: it is no image but {found}")]
    NoImage {
        /// What it is.
        found: String,
    },
    /// An old daemon, and nobody says the image's name either.
    #[error("neither the daemon nor an option \"source\" says what image this frontend is")]
    Unnamed,
    /// Its name does not fit a source.
    #[error("this frontend's image")]
    Llb(#[from] llb::Error),
}

/// This program's image, and how it is started.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) image: Output,
    /// File name of the dynamic linker; none if the program is static.
    linker: Option<String>,
    pub(super) platform: Platform,
}

impl Own {
    /// Reads the graph that the daemon made for the image; without one, its name is what the
    /// daemon was told to start.
    pub(super) fn read(
        definition: Option<&[u8]>,
        reference: Option<&str>,
        program: &Path,
        platform: &Platform,
    ) -> Result<Self, OwnError> {
        let name = program.file_name().and_then(|name| name.to_str());
        let linker = name.filter(|name| name.starts_with("ld-"));
        Ok(Self {
            image: match (definition, reference) {
                (Some(definition), _) => image(definition, platform)?,
                (None, Some(reference)) => of_name(reference, platform)?,
                (None, None) => return Err(OwnError::Unnamed),
            },
            linker: linker.map(str::to_owned),
            platform: platform.clone(),
        })
    }

    /// Returns the command that is this program where the image is mounted at `folder`.
    pub(super) fn command(&self, folder: &str) -> Vec<String> {
        command(self.linker.as_deref(), folder)
    }

    /// Returns this program as steps run it.
    pub(super) fn program(&self) -> Program {
        Program {
            image: self.image.clone(),
            command: self.command(paths::HELPER),
            platform: self.platform.clone(),
        }
    }

    /// Returns a step that runs this program.
    pub(super) fn step(&self, name: String, words: &[&str]) -> Exec {
        self.program().step(name, words)
    }
}

/// Returns the command that is gobuild below `folder`, whose dynamic linker has this name.
pub(super) fn command(linker: Option<&str>, folder: &str) -> Vec<String> {
    let program = format!("{folder}/{PROGRAM}");
    let libraries = if folder.is_empty() { "/" } else { folder };
    match linker {
        None => vec![program],
        Some(linker) => vec![
            format!("{folder}/{linker}"),
            "--library-path".to_owned(),
            libraries.to_owned(),
            program,
        ],
    }
}

fn of_name(reference: &str, platform: &Platform) -> Result<Output, llb::Error> {
    let image = Image::new(reference, platform.clone());
    image.metadata(Metadata::named(NAME)).build()
}

/// Returns the source that the daemon started this frontend from.
fn image(definition: &[u8], platform: &Platform) -> Result<Output, OwnError> {
    let definition = Definition::decode(definition)?;
    let source = definition.vertices().find_map(|vertex| vertex.source());
    let (identifier, attributes) = source.unwrap_or_default();
    if let Some(reference) = identifier.strip_prefix("docker-image://") {
        return Ok(of_name(reference, platform)?);
    }
    let attribute = |key: &str| attributes.get(key).cloned();
    let layout = identifier.strip_prefix("oci-layout://");
    if let Some((name, digest)) = layout.and_then(|layout| layout.split_once('@')) {
        let mut layout =
            OciLayout::new(name, digest, platform.clone()).metadata(Metadata::named(NAME));
        if let Some(store) = attribute("oci.store") {
            layout = layout.store(store);
        }
        if let Some(session) = attribute("oci.session") {
            layout = layout.session(session);
        }
        return Ok(layout.build()?);
    }
    Err(OwnError::NoImage { found: identifier })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_description_becomes_a_source() {
        let amd64 = Platform::linux("amd64");
        let digest = format!("sha256:{}", "ab".repeat(32));
        let reference = format!("127.0.0.1:5000/gobuild:1@{digest}");
        let image = Image::new(&reference, amd64.clone()).build().unwrap();
        let bytes = image.marshal().to_bytes();
        let own = Own::read(Some(&bytes), None, Path::new("/gobuild"), &amd64).unwrap();
        assert_eq!(own.image, image);
        let named = Own::read(None, Some(&reference), Path::new("/gobuild"), &amd64).unwrap();
        assert_eq!(named.image, image);
        assert_eq!(own.command("/x"), ["/x/gobuild"]);
        let own = Own::read(Some(&bytes), None, Path::new("/ld-linux.so.2"), &amd64).unwrap();
        let words = ["/ld-linux.so.2", "--library-path", "/", "/gobuild"];
        assert_eq!(own.command(""), words);
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let local = llb::Local::new("context").build().unwrap();
        let bytes = local.marshal().to_bytes();
        let (program, amd64) = (Path::new("/gobuild"), Platform::linux("amd64"));
        let refused = Own::read(Some(&bytes), None, program, &amd64);
        assert_eq!(
            refused.unwrap_err().to_string(),
            "steps cannot run this frontend: it is no image but local://context"
        );
    }
}
