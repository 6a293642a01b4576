//! A toolchain's archive: the zip file of its module, read without a go command.
//!
//! Whoever hands it over knows that it is the right one, e.g. a daemon that compared its digest.
//!
//! Source: go.dev/ref/mod "Module zip files".

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use bytes::Bytes;
use zip::ZipArchive;

use super::ToolchainError;
use super::proxy;
use super::slim;
use super::tree;
use crate::content::LayerBuilder;
use crate::oci::Platform;

/// Returns the entries of the layer that is made of the toolchain in `archive`.
///
/// # Errors
/// It cannot be read, or is the archive of something else.
pub(super) fn layer(
    archive: &Path,
    version: &str,
    platform: &Platform,
) -> Result<LayerBuilder, ToolchainError> {
    let failed = |source| ToolchainError::Tree {
        path: archive.to_owned(),
        source,
    };
    let top = format!("{}/", proxy::module(version, platform));
    let file = File::open(archive).map_err(failed)?;
    let mut zip = ZipArchive::new(io::BufReader::new(file)).map_err(|e| failed(e.into()))?;
    let mut files = BTreeMap::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| failed(error.into()))?;
        let name = entry
            .name()
            .map_err(|error| failed(error.into()))?
            .into_owned();
        let Some(path) = name.strip_prefix(&top) else {
            continue;
        };
        let mut folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        let Some((kept, attributes)) = slim::keep(path, platform) else {
            continue;
        };
        if folders.all(slim::descends) {
            let mut content = Vec::with_capacity(usize::try_from(entry.size()).unwrap_or(0));
            entry.read_to_end(&mut content).map_err(failed)?;
            files.insert(kept, (Bytes::from(content), attributes));
        }
    }
    if let Some(missing) = tree::missing(&files, platform) {
        return Err(ToolchainError::Incomplete {
            root: archive.to_owned(),
            missing,
        });
    }
    let mut layer = tree::surroundings()?;
    for (kept, (content, attributes)) in files {
        let to = format!("{}/{kept}", super::GOROOT);
        let content = match kept.as_str() {
            tree::SETTINGS => tree::without_switching(&String::from_utf8_lossy(&content)).into(),
            _ => content,
        };
        layer.file(&to, content, attributes)?;
    }
    Ok(layer)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;
    use crate::content::{Compression, FileCache};
    use crate::toolchain::tree::Tree;

    const FILES: [(&str, &str); 7] = [
        ("VERSION", "go1.26.3\n"),
        ("go.env", "GOPROXY=x\nGOTOOLCHAIN=auto\n"),
        ("bin/go", "binary"),
        ("pkg/include/textflag.h", "#define X\n"),
        ("pkg/tool/linux_amd64/compile", "binary"),
        ("src/_go.mod", "module std\n"),
        ("src/cmd/go/main.go", "package main\n"),
    ];

    fn archive(folder: &Path, top: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
        let path = folder.join("go.zip");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        for (name, content) in files {
            zip.start_file(format!("{top}/{name}"), options).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    #[test]
    fn an_archive_and_the_tree_that_go_makes_of_it_are_one_layer() {
        let folder = tempfile::tempdir().unwrap();
        let platform = Platform::linux("amd64");
        for (name, content) in FILES {
            let path = folder.path().join("tree").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let tree = Tree::read(&folder.path().join("tree"), &platform).unwrap();
        let top = "golang.org/toolchain@v0.0.1-go1.26.3.linux-amd64";
        let path = archive(folder.path(), top, &FILES);
        let unzipped = layer(&path, "1.26.3", &platform).unwrap();
        let unzipped = unzipped.pack(&FileCache::disabled(), Compression::None);
        assert_eq!(
            unzipped.unwrap().descriptor(),
            tree.pack().unwrap().descriptor()
        );
    }

    #[test]
    fn what_is_no_archive_of_that_toolchain_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let platform = Platform::linux("amd64");
        let other = archive(folder.path(), "golang.org/x/tools@v0.1.0", &FILES);
        let error = layer(&other, "1.26.3", &platform).unwrap_err().to_string();
        assert!(
            error.ends_with("holds no Go toolchain: VERSION is missing"),
            "{error}"
        );
        fs::write(&other, "<html>").unwrap();
        let error = layer(&other, "1.26.3", &platform).unwrap_err().to_string();
        assert!(error.starts_with("cannot read "), "{error}");
    }
}
