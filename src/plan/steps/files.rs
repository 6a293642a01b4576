//! Files of the project that an image carries beside its binaries.

use std::collections::BTreeSet;

use crate::plan::FilesLayer;
use crate::project::manifest::FileCopy;
use crate::project::tree::{EntryKind, Tree, TreeError, TreePath};

/// Why files cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// Nothing stands there.
    #[error("files: {from} does not exist in the project")]
    Missing {
        /// The path as the manifest names it.
        from: TreePath,
    },
    /// Something stands there that no image can hold.
    #[error("files: {path} is neither a file nor a folder")]
    Irregular {
        /// The path.
        path: TreePath,
    },
    /// The folder holds no file.
    #[error("files: {from} holds no file")]
    Empty {
        /// The path as the manifest names it.
        from: TreePath,
    },
    /// The project could not be read.
    #[error("files")]
    Tree(#[from] TreeError),
}

/// Returns the layer of one `files` entry, with every file that it copies.
///
/// # Errors
/// The source is missing, empty or not a file, or the tree cannot be read.
pub(crate) fn layer(
    tree: &dyn Tree,
    project: &TreePath,
    copy: &FileCopy,
) -> Result<FilesLayer, FilesError> {
    let from = project.join(copy.from.as_str());
    let kind = tree.kind(&from)?.ok_or_else(|| FilesError::Missing {
        from: copy.from.clone(),
    })?;
    let mut inputs = BTreeSet::new();
    let directory = match kind {
        EntryKind::File { .. } => {
            inputs.insert(from.clone());
            false
        }
        EntryKind::Directory => {
            collect(tree, &from, &mut inputs)?;
            true
        }
        EntryKind::Symlink { .. } | EntryKind::Other => {
            return Err(FilesError::Irregular { path: from });
        }
    };
    if inputs.is_empty() {
        return Err(FilesError::Empty {
            from: copy.from.clone(),
        });
    }
    let to = match copy.to.strip_suffix('/') {
        Some(folder) if !directory => format!("{folder}/{}", from.name()),
        Some(folder) if !folder.is_empty() => folder.to_owned(),
        _ => copy.to.clone(),
    };
    Ok(FilesLayer {
        from,
        inputs,
        directory,
        to,
        mode: copy.mode,
        owner: copy.owner.clone(),
    })
}

/// Adds every file below a folder; links stay links.
fn collect(
    tree: &dyn Tree,
    folder: &TreePath,
    found: &mut BTreeSet<TreePath>,
) -> Result<(), FilesError> {
    let mut open = vec![folder.clone()];
    while let Some(folder) = open.pop() {
        for entry in tree
            .list(&folder)?
            .iter()
            .flat_map(|entries| entries.iter())
        {
            let path = folder.join(&entry.name);
            match entry.kind {
                EntryKind::Directory => open.push(path),
                EntryKind::File { .. } | EntryKind::Symlink { .. } => {
                    found.insert(path);
                }
                EntryKind::Other => return Err(FilesError::Irregular { path }),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::tree::memory::MemoryTree;

    fn copy(from: &str, to: &str) -> FileCopy {
        FileCopy {
            from: TreePath::new(from),
            to: to.to_owned(),
            mode: None,
            owner: "0:0".to_owned(),
        }
    }

    #[test]
    fn a_folder_brings_all_below_it() {
        let tree = MemoryTree::new([("app/etc/a", ""), ("app/etc/b/c", ""), ("app/x", "")]);
        let project = TreePath::new("app");
        let layer = layer(&tree, &project, &copy("etc", "/etc/app/")).unwrap();
        assert!(layer.directory);
        assert_eq!(layer.to, "/etc/app");
        let inputs: Vec<_> = layer.inputs.iter().map(TreePath::as_str).collect();
        assert_eq!(inputs, ["app/etc/a", "app/etc/b/c"]);
    }

    #[test]
    fn a_file_lands_in_a_folder_that_ends_with_a_slash() {
        let tree = MemoryTree::new([("a", "")]);
        let to = |to: &str| layer(&tree, &TreePath::root(), &copy("a", to)).unwrap().to;
        assert_eq!(to("/srv/"), "/srv/a");
        assert_eq!(to("/srv/b"), "/srv/b");
        assert_eq!(to("/"), "/a");
    }

    #[test]
    fn a_missing_source_is_named() {
        let tree = MemoryTree::new([("a", "")]);
        let error = layer(&tree, &TreePath::root(), &copy("b", "/b")).unwrap_err();
        assert_eq!(error.to_string(), "files: b does not exist in the project");
    }
}
