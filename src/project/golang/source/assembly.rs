//! Putting a package together: scans and build context in, [`Package`] out.
//!
//! Follows `go/build` `Context.Import` and `cmd/go/internal/load`, with one difference: tests
//! are not looked at, so a broken test does not stand in the way of an image.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cgo::{self, CgoPaths};
use super::context::BuildContext;
use super::directive::EmbedPattern;
use super::embed;
use super::error::SourceError;
use super::file::FileKind;
use super::imports::Header;
use super::include::Includes;
use super::package::{ImportSite, Package, uses_cgo};
use super::sources::{Folder, SourceFile, Sources};
use crate::project::tree::{TreeError, TreePath};

/// A package while its folder is gone through.
pub(super) struct Assembly<'a> {
    sources: &'a Sources<'a>,
    context: &'a BuildContext,
    package: Package,
    /// The file that gave the package its name.
    named_by: String,
    excluded: bool,
    patterns: Vec<(TreePath, EmbedPattern)>,
    paths: CgoPaths,
    preambles: Vec<String>,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(
        sources: &'a Sources<'a>,
        context: &'a BuildContext,
        directory: &TreePath,
    ) -> Self {
        Self {
            sources,
            context,
            package: Package {
                name: String::new(),
                directory: directory.clone(),
                files: BTreeMap::new(),
                imports: BTreeMap::new(),
                embeds: BTreeSet::new(),
                includes: BTreeSet::new(),
            },
            named_by: String::new(),
            excluded: false,
            patterns: Vec::new(),
            paths: CgoPaths::default(),
            preambles: Vec::new(),
        }
    }

    /// Goes through the folder.
    ///
    /// # Errors
    /// The folder holds no package, or one that the go command would refuse.
    pub(super) fn assemble(mut self, folder: &Folder) -> Result<Package, Arc<SourceError>> {
        for file in &folder.files {
            self.add(file)?;
        }
        let is_go = |kind: &FileKind| matches!(kind, FileKind::Go | FileKind::Cgo);
        if !self.package.files.values().any(is_go) {
            let cgo = self.excluded && self.lacks_cgo(folder);
            let directory = self.package.directory;
            return Err(Arc::new(if self.excluded {
                SourceError::Excluded { directory, cgo }
            } else if folder.has_tests {
                SourceError::OnlyTests { directory }
            } else {
                SourceError::NoGoFiles { directory }
            }));
        }
        self.settle_languages()?;
        self.resolve_embeds()?;
        self.resolve_includes()
            .map_err(|fault| Arc::new(SourceError::from(fault)))?;
        Ok(self.package)
    }

    /// Tells whether the folder holds a package as soon as cgo is on.
    fn lacks_cgo(&self, folder: &Folder) -> bool {
        let mut context = self.context.clone();
        context.cgo = true;
        let with_cgo = Assembly::new(self.sources, &context, &self.package.directory);
        !self.context.cgo && with_cgo.assemble(folder).is_ok()
    }

    /// Adds a file if name and constraint admit it.
    fn add(&mut self, file: &SourceFile) -> Result<(), Arc<SourceError>> {
        let is_go = file.kind == FileKind::Go;
        if !self.context.admits_name(&file.name) {
            self.excluded |= is_go;
            return Ok(());
        }
        if file.kind == FileKind::Object {
            self.package.files.insert(file.name.clone(), file.kind);
            return Ok(());
        }
        let scan = self.sources.scan(&self.package.directory, file)?;
        let path = || self.package.directory.join(&file.name);
        let admitted = match &scan.constraint {
            Ok(constraint) => constraint.admits(self.context),
            // Only Go files' faults are reported by Go; others are left out.
            Err(_) if !is_go => false,
            Err(fault) => {
                return Err(Arc::new(SourceError::Constraint {
                    file: path(),
                    fault: fault.clone(),
                }));
            }
        };
        if !admitted {
            self.excluded |= is_go;
            return Ok(());
        }
        match &scan.header {
            None => {
                self.package.files.insert(file.name.clone(), file.kind);
            }
            Some(Err(fault)) => {
                return Err(Arc::new(SourceError::Syntax {
                    file: path(),
                    fault: fault.clone(),
                }));
            }
            Some(Ok(header)) => self.add_go(&file.name, header, &scan.embeds)?,
        }
        Ok(())
    }

    fn add_go(
        &mut self,
        name: &str,
        header: &Header,
        embeds: &[EmbedPattern],
    ) -> Result<(), SourceError> {
        // A package clause that marks a file as nothing but documentation.
        if header.package == "documentation" {
            self.excluded = true;
            return Ok(());
        }
        if self.named_by.is_empty() {
            self.package.name.clone_from(&header.package);
            name.clone_into(&mut self.named_by);
        } else if self.package.name != header.package {
            return Err(SourceError::SeveralPackages {
                directory: self.package.directory.clone(),
                first: self.package.name.clone(),
                first_file: self.named_by.clone(),
                second: header.package.clone(),
                second_file: name.to_owned(),
            });
        }
        let path = self.package.directory.join(name);
        let is_cgo = header.imports("C");
        for preamble in &header.preambles {
            self.paths
                .read(preamble, &self.package.directory, self.context)
                .map_err(|line| SourceError::Cgo {
                    file: path.clone(),
                    line,
                })?;
        }
        if is_cgo && !self.context.cgo {
            self.excluded = true;
            return Ok(());
        }
        let kind = if is_cgo { FileKind::Cgo } else { FileKind::Go };
        self.package.files.insert(name.to_owned(), kind);
        self.preambles.extend(header.preambles.iter().cloned());
        for import in header.imports.iter().filter(|import| import.path != "C") {
            self.package
                .imports
                .entry(import.path.clone())
                .or_insert_with(|| ImportSite {
                    file: path.clone(),
                    position: import.position,
                });
        }
        let embeds = embeds.iter().map(|embed| (path.clone(), embed.clone()));
        self.patterns.extend(embeds);
        Ok(())
    }

    /// Drops what only cgo compiles when it is off, and refuses it when it is on but unused.
    fn settle_languages(&mut self) -> Result<(), SourceError> {
        use FileKind::{C, Cgo, CgoAssembly, Cxx, Fortran, ObjectiveC, Swig, SwigCxx};
        let files = &mut self.package.files;
        if !files.values().any(|kind| *kind == Cgo) {
            files.retain(|_, kind| *kind != CgoAssembly);
        }
        if !self.context.cgo {
            files.retain(|_, kind| !matches!(kind, C | Cxx | ObjectiveC | Swig | SwigCxx));
        }
        if uses_cgo(files) {
            return Ok(());
        }
        for (refused, language) in [
            (C, "C"),
            (Cxx, "C++"),
            (ObjectiveC, "Objective-C"),
            (Fortran, "Fortran"),
        ] {
            let of_kind = files.iter().filter(|(_, kind)| **kind == refused);
            let names: Vec<&str> = of_kind.map(|(name, _)| name.as_str()).collect();
            if !names.is_empty() {
                return Err(SourceError::NeedsCgo {
                    directory: self.package.directory.clone(),
                    language,
                    files: names.join(" "),
                });
            }
        }
        Ok(())
    }

    fn resolve_embeds(&mut self) -> Result<(), SourceError> {
        let mut resolved = BTreeSet::new();
        for (file, EmbedPattern { pattern, position }) in &self.patterns {
            if !resolved.insert(pattern.as_str()) {
                continue;
            }
            let tree = self.sources.tree();
            let files =
                embed::resolve(tree, &self.package.directory, pattern).map_err(|fault| {
                    SourceError::Embed {
                        file: file.clone(),
                        position: *position,
                        pattern: pattern.clone(),
                        fault,
                    }
                })?;
            self.package.embeds.extend(files);
        }
        Ok(())
    }

    /// Follows includes of what a C compiler or Go's assembler will read.
    fn resolve_includes(&mut self) -> Result<(), TreeError> {
        let directory = self.package.directory.clone();
        let with_cgo = self.package.uses_cgo();
        let files = &self.package.files;
        let assembles = files.values().any(|kind| *kind == FileKind::Assembly);
        if !with_cgo && !assembles {
            return Ok(());
        }
        let mut includes = Includes::new(self.sources.tree(), &directory, &self.paths);
        for (name, kind) in files {
            if !matches!(kind, FileKind::Go | FileKind::Cgo | FileKind::Object) {
                includes.follow(&directory.join(name))?;
            }
        }
        if with_cgo {
            for preamble in &self.preambles {
                includes.follow_text(&cgo::preamble_text(preamble), &directory)?;
            }
            includes.link(&self.paths)?;
        }
        let own = |file: &TreePath| {
            file.parent() == directory && self.package.files.contains_key(file.name())
        };
        let mut found = includes.into_files();
        found.retain(|file| !own(file));
        self.package.includes = found;
        Ok(())
    }
}
