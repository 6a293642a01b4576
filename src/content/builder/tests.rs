use std::io::Read;

use super::*;
use crate::content::pack_layers;

fn packed(builder: &LayerBuilder, compression: Compression) -> (Layer, Vec<u8>) {
    let layer = builder.pack(&FileCache::new(1 << 20), compression).unwrap();
    let mut bytes = Vec::new();
    layer
        .blob()
        .open(0)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    assert_eq!(bytes.len() as u64, layer.descriptor().size());
    (layer, bytes)
}

/// One line per entry, as the tar crate reads them.
fn listing(tar: &[u8]) -> String {
    let mut archive = tar::Archive::new(tar);
    let mut out = String::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let link = entry.link_name().unwrap();
        let link = link
            .map(|link| format!(" -> {}", link.display()))
            .unwrap_or_default();
        let header = entry.header().clone();
        let (uid, gid) = (header.uid().unwrap(), header.gid().unwrap());
        let (mode, mtime) = (header.mode().unwrap(), header.mtime().unwrap());
        let mut body = String::new();
        entry.read_to_string(&mut body).unwrap();
        out.push_str(&format!(
            "{mode:04o} {uid}:{gid} @{mtime} {path}{link} {body:?}\n"
        ));
    }
    out
}

fn sample(order: &[usize], source: &Path) -> LayerBuilder {
    let mut layer = LayerBuilder::new();
    for step in order {
        match step {
            0 => layer.file("usr/bin/tool", "tool", Attributes::EXECUTABLE),
            1 => layer.directory("/tmp", Attributes::root(0o1777)),
            2 => layer.symlink("var/run", "/run"),
            3 => layer.disk_file("src/a.go", source, Attributes::FILE),
            _ => layer.directory("home/me", Attributes::root(0o700).owned_by(65532, 65532)),
        }
        .unwrap();
    }
    layer
}

#[test]
fn entries_are_packed_in_one_order_with_their_parents() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("any name");
    std::fs::write(&source, "package a\n").unwrap();
    let (layer, tar) = packed(&sample(&[0, 1, 2, 3, 4], &source), Compression::None);
    insta::assert_snapshot!(listing(&tar), @r#"
    0755 0:0 @0 home/ ""
    0700 65532:65532 @0 home/me/ ""
    0755 0:0 @0 src/ ""
    0644 0:0 @0 src/a.go "package a\n"
    1777 0:0 @0 tmp/ ""
    0755 0:0 @0 usr/ ""
    0755 0:0 @0 usr/bin/ ""
    0755 0:0 @0 usr/bin/tool "tool"
    0755 0:0 @0 var/ ""
    0777 0:0 @0 var/run -> /run ""
    "#);
    let (again, bytes) = packed(&sample(&[4, 2, 0, 3, 1, 0], &source), Compression::None);
    assert_eq!(bytes, tar);
    assert_eq!(again.descriptor(), layer.descriptor());
    // Known once, so that a change of the bytes on any machine or in any library shows.
    insta::assert_snapshot!(layer.diff_id(), @"sha256:666a4697c9f0d2de32574ddaa83e27d4a2ee93ad6b257f0915990c48bb4e51d7");
}

#[test]
fn memory_and_disk_give_the_same_layer() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.go");
    std::fs::write(&source, vec![b'x'; 1537]).unwrap();
    let builder = sample(&[3], &source);
    let kept = builder
        .pack(&FileCache::new(1537), Compression::None)
        .unwrap();
    let streamed = builder
        .pack(&FileCache::new(1536), Compression::None)
        .unwrap();
    assert_eq!(kept.descriptor(), streamed.descriptor());
    std::fs::remove_file(&source).unwrap();
    let read = |layer: &Layer| layer.blob().open(0)?.read_to_end(&mut Vec::new());
    assert_eq!(read(&kept).unwrap() as u64, kept.descriptor().size());
    assert!(
        read(&streamed)
            .unwrap_err()
            .to_string()
            .contains("a.go changed")
    );
}

#[test]
fn what_ustar_cannot_hold_travels_in_pax_records() {
    let long = format!("src/{}/file.go", "deep/".repeat(40).trim_end_matches('/'));
    let exactly = "n".repeat(100);
    let mut layer = LayerBuilder::new();
    layer.file(&long, "body", Attributes::FILE).unwrap();
    layer
        .file(
            "gr\u{fc}n.txt",
            "green",
            Attributes::FILE.owned_by(3_000_000, 4_000_000),
        )
        .unwrap();
    layer.file(&exactly, "", Attributes::FILE).unwrap();
    layer.symlink("link", &long).unwrap();
    let (_, tar) = packed(&layer, Compression::None);
    let mut archive = tar::Archive::new(tar.as_slice());
    let mut seen = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let link = entry
            .link_name()
            .unwrap()
            .map(|link| link.to_string_lossy().into_owned());
        let pax: Vec<String> = entry
            .pax_extensions()
            .unwrap()
            .into_iter()
            .flatten()
            .map(|record| record.unwrap().key().unwrap().to_owned())
            .collect();
        seen.insert(path, (link, pax));
    }
    let none: Vec<String> = Vec::new();
    assert_eq!(seen[&long], (None, vec!["path".to_owned()]));
    assert_eq!(seen[&exactly], (None, none));
    assert_eq!(seen["link"], (Some(long), vec!["linkpath".to_owned()]));
    assert_eq!(seen["gr\u{fc}n.txt"].1, ["gid", "path", "uid"]);
}

#[test]
fn sizes_beyond_eleven_octal_digits_travel_in_a_pax_record() {
    let mut records = Vec::new();
    header::append(
        &mut records,
        "big",
        Kind::File { size: 1 << 33 },
        Attributes::FILE,
    );
    assert!(
        records
            .windows(20)
            .any(|window| window == b"19 size=8589934592\n\0")
    );
}

#[test]
fn clashes_and_escapes_are_refused() {
    let mut layer = LayerBuilder::new();
    for path in [
        "", "/", "//a", "a//b", "../a", "a/../b", "./a", "a/", "a\0b",
    ] {
        let error = layer.directory(path, Attributes::DIRECTORY).unwrap_err();
        assert!(
            matches!(error, LayerError::Path { .. }),
            "{path:?}: {error}"
        );
    }
    layer.file("a", "1", Attributes::FILE).unwrap();
    let error = layer.file("/a", "2", Attributes::FILE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/a is added twice with different content"
    );
    layer.file("a/b/c", "", Attributes::FILE).unwrap();
    let error = layer
        .pack(&FileCache::disabled(), Compression::None)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "/a/b/c lies below /a, which is not a directory"
    );
}

#[test]
fn only_regular_files_are_packed() {
    let folder = tempfile::tempdir().unwrap();
    let mut layer = LayerBuilder::new();
    layer
        .disk_file("a", folder.path(), Attributes::FILE)
        .unwrap();
    let error = layer
        .pack(&FileCache::disabled(), Compression::None)
        .unwrap_err();
    assert!(matches!(error, LayerError::NotAFile { .. }), "{error}");
    let mut layer = LayerBuilder::new();
    layer
        .disk_file("a", folder.path().join("none"), Attributes::FILE)
        .unwrap();
    let error = layer
        .pack(&FileCache::disabled(), Compression::None)
        .unwrap_err();
    assert!(matches!(error, LayerError::Read { .. }), "{error}");
}

#[test]
fn compressed_layers_hold_the_same_tar() {
    let mut builder = LayerBuilder::new();
    builder
        .file("a", "a".repeat(5000), Attributes::FILE)
        .unwrap();
    let (plain, tar) = packed(&builder, Compression::None);
    let (gzip, bytes) = packed(&builder, Compression::Gzip);
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, tar);
    let (zstd, bytes) = packed(&builder, Compression::Zstd);
    assert_eq!(zstd::decode_all(bytes.as_slice()).unwrap(), tar);
    for layer in [&gzip, &zstd] {
        assert_eq!(layer.diff_id(), plain.diff_id());
        assert!(layer.descriptor().size() < plain.descriptor().size());
    }
    assert_eq!(
        zstd.descriptor().media_type(),
        &Compression::Zstd.media_type()
    );
}

#[test]
fn parallel_packing_keeps_order_and_the_first_error() {
    let mut builders: Vec<LayerBuilder> = (0..20)
        .map(|number| {
            let mut layer = LayerBuilder::new();
            layer
                .file("n", number.to_string(), Attributes::FILE)
                .unwrap();
            layer
        })
        .collect();
    let files = FileCache::disabled();
    let layers = pack_layers(&builders, &files, Compression::None).unwrap();
    for (builder, layer) in builders.iter().zip(&layers) {
        let alone = builder.pack(&files, Compression::None).unwrap();
        assert_eq!(alone.descriptor(), layer.descriptor());
    }
    for (index, name) in [(15, "later"), (7, "first")] {
        builders[index]
            .disk_file(name, Path::new("/nonexistent").join(name), Attributes::FILE)
            .unwrap();
    }
    let error = pack_layers(&builders, &files, Compression::None).unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nonexistent/first");
}

#[test]
fn a_source_file_has_a_time_of_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let time = |name: &str, content: &str, files: &FileCache| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut layer = LayerBuilder::new();
        layer.source_file("a.go", path, Attributes::FILE).unwrap();
        let blob = layer.blob(files).unwrap();
        let mut archive = tar::Archive::new(blob.open(0).unwrap());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        entry.header().mtime().unwrap()
    };
    let disk = FileCache::disabled();
    let memory = FileCache::new(1 << 20);
    let log = time("1", "import \"log\"", &disk);
    assert_eq!(log, time("2", "import \"log\"", &memory));
    assert_ne!(log, time("3", "import \"fmt\"", &memory));
    // What is less than two seconds old is not kept at all.
    assert!(log > 0 && log < 1 << 30);
}
