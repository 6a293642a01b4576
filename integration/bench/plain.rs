//! What a fresh runner would pull if nobody chose: the whole module cache and the whole GOCACHE that a
//! plain `go build` fills, each as one zstd layer.

use std::io::{self, Write};
use std::path::Path;

use crate::contenders::{Build, Column};
use crate::lab::Lab;
use crate::measure;

/// The level that BuildKit compresses layers with.
const LEVEL: i32 = 3;

/// Builds natively with empty caches, and returns the bytes of module cache and GOCACHE.
pub(crate) fn layers(lab: &mut Lab, build: &Build<'_>) -> (u64, u64) {
    Column::Native.empty(lab);
    measure::run(Column::Native.commands(lab, build), &lab.place("log"));
    let caches = lab.place(Column::Native.name());
    (packed(&caches.join("mod")), packed(&caches.join("build")))
}

/// Returns the size of a folder as a zstd layer.
fn packed(folder: &Path) -> u64 {
    let encoder = zstd::Encoder::new(Counter(0), LEVEL).unwrap();
    let mut tar = tar::Builder::new(encoder);
    tar.follow_symlinks(false);
    tar.append_dir_all(".", folder).unwrap();
    tar.into_inner().unwrap().finish().unwrap().0
}

/// Counts what is written.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
