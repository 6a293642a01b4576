//! A generated monorepo: one module of many packages and mains, the same bytes for the same shape.
//!
//! A [`Shape`] enters; [`Shape::files`] are its files, [`Shape::write`] puts them on a disk. Half of
//! the packages are a library that all mains draw on, the others belong to one main each, so a main's
//! closure is its own packages and a large part of the library, as in real repositories. Imports go
//! from lower to higher numbers, which is what keeps them free of circles. Nothing outside the
//! standard library is imported.
//!
//! One library package is [the leaf](Shape::leaf): it imports nothing, and only the mains of
//! [`Shape::reaching_leaf`] reach it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// Path of the module.
pub(crate) const MODULE: &str = "example.com/monorepo";

/// The leaf is one package's import in this many mains.
const LEAF_MAINS: usize = 3;

/// What a monorepo is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Main packages, in `cmd/`.
    pub(crate) mains: usize,
    /// All other packages; at least two for each main.
    pub(crate) packages: usize,
    /// Go files of each package that is no main.
    pub(crate) files: usize,
    /// Imports of each package, as far as there are packages to import.
    pub(crate) fan_out: usize,
    /// Another seed, other imports.
    pub(crate) seed: u64,
}

impl Shape {
    /// Returns the folder of a main package: `cmd/main007`.
    pub(crate) fn main(&self, main: usize) -> String {
        format!("cmd/main{main:03}")
    }

    /// Returns the folder of the library package that imports nothing and that few mains reach.
    pub(crate) fn leaf(&self) -> String {
        library(self.library() - 1)
    }

    /// Returns the mains that reach the leaf, ascending.
    pub(crate) fn reaching_leaf(&self) -> Vec<usize> {
        let count = LEAF_MAINS.min(self.mains);
        (0..count).map(|place| place * self.mains / count).collect()
    }

    /// Returns every file by its path.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        assert!(
            self.mains > 0 && self.files > 0 && self.packages >= 2 * self.mains,
            "{self:?} has fewer than two packages for a main, or packages without files"
        );
        let mut random = Random(self.seed);
        let mut files = BTreeMap::from([
            (
                "go.mod".to_owned(),
                format!("module {MODULE}\n\ngo 1.26.0\n\ntoolchain go1.26.8\n"),
            ),
            (
                "README.md".to_owned(),
                "# monorepo\n\nGenerated.\n".to_owned(),
            ),
        ]);
        for number in 0..self.library() {
            let imports = self.library_imports(number, &mut random);
            self.package(&library(number), &imports, &mut files);
        }
        for main in 0..self.mains {
            let own = self.own(main);
            for number in 0..own {
                let imports = self.own_imports(main, number, &mut random);
                self.package(&private(main, number), &imports, &mut files);
            }
            files.insert(
                format!("{}/main.go", self.main(main)),
                program(&private(main, 0)),
            );
        }
        files
    }

    /// Writes every file below a folder.
    ///
    /// # Errors
    /// Fails where the disk does.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        for (path, content) in self.files() {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        Ok(())
    }

    /// Returns how many packages are the library's.
    fn library(&self) -> usize {
        self.packages / 2
    }

    /// Returns how many packages belong to a main: all have equally many, the first ones the rest.
    fn own(&self, main: usize) -> usize {
        let all = self.packages - self.library();
        all / self.mains + usize::from(main < all % self.mains)
    }

    /// Draws imports of a library package: higher ones, never the leaf.
    fn library_imports(&self, number: usize, random: &mut Random) -> Vec<String> {
        let last = self.library() - 1;
        let above = last.saturating_sub(number + 1);
        let drawn = random.distinct(self.fan_out, above);
        drawn
            .into_iter()
            .map(|step| library(number + 1 + step))
            .collect()
    }

    /// Draws imports of a main's package: the main's next one, and some of the library.
    fn own_imports(&self, main: usize, number: usize, random: &mut Random) -> Vec<String> {
        let mut imports = Vec::new();
        if number + 1 < self.own(main) {
            imports.push(private(main, number + 1));
        }
        if number == 0 && self.reaching_leaf().contains(&main) {
            imports.push(self.leaf());
        }
        let drawn = random.distinct(self.fan_out, self.library() - 1);
        imports.extend(drawn.into_iter().map(library));
        imports
    }

    /// Adds a package: its first file imports, each of the others does a little work.
    fn package(&self, folder: &str, imports: &[String], files: &mut BTreeMap<String, String>) {
        let name = name_of(folder);
        let mut first = format!(
            "// Package {name} is generated.\npackage {name}\n\nimport (\n\t\"strconv\"\n\n"
        );
        for import in imports {
            let _ = writeln!(first, "\t\"{MODULE}/{import}\"");
        }
        first.push_str(
            ")\n\n// Value is a text that depends on all that is below.\nfunc Value(depth int) string {\n\
             \tif depth == 0 {\n\t\treturn \"\"\n\t}\n",
        );
        let _ = writeln!(first, "\ttext := \"{name}\" + strconv.Itoa(depth)");
        for import in imports {
            let _ = writeln!(first, "\ttext += {}.Value(depth - 1)", name_of(import));
        }
        for file in 1..self.files {
            let _ = writeln!(first, "\ttext = part{file}(text)");
        }
        first.push_str("\treturn text\n}\n");
        files.insert(format!("{folder}/{name}.go"), first);
        for file in 1..self.files {
            files.insert(format!("{folder}/part{file}.go"), part(name, file));
        }
    }
}

/// Returns a file that is some work for the compiler, and imports of the standard library.
fn part(package: &str, file: usize) -> String {
    format!(
        r#"package {package}

import (
	"sort"
	"strings"
)

type record{file} struct {{
	name  string
	score int
}}

func part{file}(text string) string {{
	words := strings.Fields(text)
	records := make([]record{file}, 0, len(words))
	for index, word := range words {{
		records = append(records, record{file}{{name: word, score: len(word)*{file} + index}})
	}}
	sort.Slice(records, func(i, j int) bool {{
		if records[i].score == records[j].score {{
			return records[i].name < records[j].name
		}}
		return records[i].score < records[j].score
	}})
	var out strings.Builder
	for _, record := range records {{
		out.WriteString(record.name)
	}}
	return out.String()
}}
"#
    )
}

/// Returns a main package's file.
fn program(import: &str) -> String {
    let name = name_of(import);
    format!(
        "package main\n\nimport (\n\t\"fmt\"\n\n\t\"{MODULE}/{import}\"\n)\n\n\
         func main() {{\n\tfmt.Println({name}.Value(2))\n}}\n"
    )
}

fn library(number: usize) -> String {
    format!("lib/lib{number:05}")
}

fn private(main: usize, number: usize) -> String {
    format!("internal/main{main:03}/own{main:03}x{number:03}")
}

/// Returns the name of the package in a folder.
fn name_of(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}

/// `SplitMix64`: the same numbers everywhere, which no library promises from version to version.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws up to `count` different numbers below `bound`, ascending.
    fn distinct(&mut self, count: usize, bound: usize) -> Vec<usize> {
        let mut drawn = std::collections::BTreeSet::new();
        while drawn.len() < count.min(bound) {
            let number = self.next() % bound as u64;
            drawn.insert(usize::try_from(number).expect("a number below a usize is one"));
        }
        drawn.into_iter().collect()
    }
}
