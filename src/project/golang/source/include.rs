//! The files that C and assembly sources include.
//!
//! The go command lists only what stands in the package folder; the C compiler and Go's
//! assembler then read what those include from elsewhere. Enters: sources and search folders.
//! Leaves: the included files that the tree has. Names put together by macros are not followed.

use std::collections::BTreeSet;

use super::cgo::CgoPaths;
use crate::project::tree::{EntryKind, Tree, TreeError, TreePath};

/// Ends of the names of files that linkers take: those of cmd/go's `validLinkerFlags`, and `lib`.
const LINKED: [&str; 8] = ["a", "dll", "dylib", "lib", "o", "obj", "so", "tbd"];

/// Follows includes from file to file.
pub(super) struct Includes<'a> {
    tree: &'a dyn Tree,
    /// Where to look besides the including file's own folder.
    search: Vec<TreePath>,
    found: BTreeSet<TreePath>,
}

impl<'a> Includes<'a> {
    pub(super) fn new(tree: &'a dyn Tree, package: &TreePath, paths: &CgoPaths) -> Self {
        let mut search = vec![package.clone()];
        search.extend(paths.includes.iter().cloned());
        Self {
            tree,
            search,
            found: BTreeSet::new(),
        }
    }

    /// Adds the files that are linked: those named, and the libraries in folders named. A folder is
    /// often that of the package, whose other files no linker reads.
    pub(super) fn link(&mut self, paths: &CgoPaths) -> Result<(), TreeError> {
        for path in &paths.links {
            match self.tree.kind(path)? {
                Some(EntryKind::File { .. }) => self.follow(path)?,
                Some(EntryKind::Directory) => {
                    let entries = self.tree.list(path)?;
                    let entries = entries.iter().flat_map(|entries| entries.iter());
                    for entry in entries.filter(|entry| is_linked(&entry.name)) {
                        let file = path.join(&entry.name);
                        if matches!(self.tree.kind(&file)?, Some(EntryKind::File { .. })) {
                            self.found.insert(file);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds what a source file includes, and the file itself.
    pub(super) fn follow(&mut self, file: &TreePath) -> Result<(), TreeError> {
        let mut pending = vec![file.clone()];
        while let Some(file) = pending.pop() {
            if !self.found.insert(file.clone()) {
                continue;
            }
            if let Some(text) = self.tree.read(&file)? {
                pending.extend(self.resolve(&text, &file.parent())?);
            }
        }
        Ok(())
    }

    /// Adds what a piece of C text at `directory` includes.
    pub(super) fn follow_text(
        &mut self,
        text: &str,
        directory: &TreePath,
    ) -> Result<(), TreeError> {
        for file in self.resolve(text.as_bytes(), directory)? {
            self.follow(&file)?;
        }
        Ok(())
    }

    /// Returns the files found, sources included.
    pub(super) fn into_files(self) -> BTreeSet<TreePath> {
        self.found
    }

    fn resolve(&self, text: &[u8], directory: &TreePath) -> Result<Vec<TreePath>, TreeError> {
        let mut files = Vec::new();
        for name in included_names(text) {
            for folder in std::iter::once(directory).chain(&self.search) {
                let file = folder.join(&name);
                if matches!(self.tree.kind(&file)?, Some(EntryKind::File { .. })) {
                    files.push(file);
                }
            }
        }
        Ok(files)
    }
}

/// Tells whether a linker may take a file of this name from a folder: `libx.a`, `libx.so.1.2`.
fn is_linked(name: &str) -> bool {
    let end = name.rsplit_once('.').map(|(_, end)| end);
    end.is_some_and(|end| LINKED.contains(&end)) || name.contains(".so.")
}

/// Returns the names in `#include "x"`, `#include <x>` and `#import` lines.
fn included_names(text: &[u8]) -> Vec<String> {
    let name = |line: &[u8]| {
        let line = line.trim_ascii_start().strip_prefix(b"#")?;
        let line = line.trim_ascii_start();
        let rest = line
            .strip_prefix(b"include_next")
            .or_else(|| line.strip_prefix(b"include"))
            .or_else(|| line.strip_prefix(b"import"))?
            .trim_ascii_start();
        let close = match rest.first()? {
            b'"' => b'"',
            b'<' => b'>',
            _ => return None,
        };
        let end = memchr::memchr(close, &rest[1..])?;
        let name = String::from_utf8(rest[1..=end].to_vec()).ok()?;
        (!name.is_empty() && !name.starts_with('/')).then_some(name)
    };
    text.split(|byte| *byte == b'\n').filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::{CgoPaths, Includes, TreePath, included_names};
    use crate::project::tree::memory::MemoryTree;

    #[test]
    fn include_lines_are_recognised() {
        let text = b"#include \"a.h\"\n  # include <b/c.h> // x\n#import \"d.h\"\n\
            #include_next <e.h>\n#include MACRO\n// #include \"no.h\"\n#include </abs.h>\n";
        assert_eq!(included_names(text), ["a.h", "b/c.h", "d.h", "e.h"]);
    }

    #[test]
    fn includes_are_followed_through_folders() {
        let tree = MemoryTree::new([
            (
                "p/a.c",
                "#include \"sub/b.h\"\n#include <far.h>\n#include <stdio.h>\n",
            ),
            ("p/sub/b.h", "#include \"c.h\"\n"),
            ("p/sub/c.h", "#include \"b.h\"\n"),
            ("include/far.h", ""),
            ("p/sub/unused.h", ""),
            ("lib/libx.a", ""),
            ("lib/liby.so.1.2", ""),
            ("lib/README.md", ""),
            ("lib/x.go", ""),
        ]);
        let paths = CgoPaths {
            includes: vec![TreePath::new("include")],
            links: vec![TreePath::new("lib")],
        };
        let mut includes = Includes::new(&tree, &TreePath::new("p"), &paths);
        includes.follow(&TreePath::new("p/a.c")).unwrap();
        includes.link(&paths).unwrap();
        let found: Vec<String> = includes
            .into_files()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "include/far.h",
                "lib/libx.a",
                "lib/liby.so.1.2",
                "p/a.c",
                "p/sub/b.h",
                "p/sub/c.h"
            ]
        );
    }
}
