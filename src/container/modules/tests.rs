//! Selections from module caches made here.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{ModulesError, Query, listing, select, selection, sums};

const CACHED: &str = "cache/download/example.com/!lib/@v/v1.0.0";

/// Makes a module cache with one module, and module files that name it.
fn module(cache: &Path, sources: &Path) {
    let files = [
        ("example.com/!lib@v1.0.0/lib.go", "package lib\n"),
        ("example.com/!lib@v1.0.0/lib_test.go", "package lib\n"),
        ("example.com/!lib@v1.0.0/data/in.txt", "embedded"),
        ("example.com/!lib@v1.0.0/data/out.txt", "not embedded"),
        ("example.com/!lib@v1.0.0/other/other.go", "package other\n"),
        ("example.com/!lib@v1.0.0/testdata/x.go", "package x\n"),
        (&format!("{CACHED}.zip"), "zip"),
        (&format!("{CACHED}.ziphash"), "h1:x="),
        (&format!("{CACHED}.mod"), "module example.com/Lib\n"),
    ];
    for (name, text) in files {
        let path = cache.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let sums = "example.com/Lib v1.0.0 h1:x=\nexample.com/Lib v1.0.0/go.mod h1:y=\n\
        example.com/unused v1.0.0/go.mod h1:z=\n";
    fs::write(sources.join("go.sum"), sums).unwrap();
}

/// Returns a query that prints `listing`.
fn printing(listing: &str) -> Query {
    Query::parse(&[
        "LISTING=".to_owned() + listing,
        "/bin/sh".to_owned(),
        "-c".to_owned(),
        "printf %s \"$LISTING\"".to_owned(),
    ])
}

fn package(cache: &Path, more: &str) -> String {
    let cache = cache.display();
    format!(
        r#"{{"ImportPath":"example.com/Lib","Dir":"{cache}/example.com/!lib@v1.0.0",{more}
        "Module":{{"Path":"example.com/Lib","Dir":"{cache}/example.com/!lib@v1.0.0",
        "GoMod":"{cache}/{CACHED}.mod"}}}}"#
    )
}

/// Returns the files of a folder, by relative path.
fn files(folder: &Path) -> Vec<String> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let relative = path.strip_prefix(folder).unwrap();
                found.push(relative.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn just_what_a_build_reads_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let [cache, sources, output] = ["cache", "src", "out"].map(|name| folder.path().join(name));
    fs::create_dir_all(&sources).unwrap();
    module(&cache, &sources);
    let listing = package(&cache, r#""EmbedFiles":["data/in.txt"],"#)
        + r#"{"ImportPath":"fmt","Dir":"/usr/local/go/src/fmt","Standard":true}"#;
    select(&[printing(&listing)], &cache, &sources, &output).unwrap();
    assert_eq!(
        files(&output),
        [
            "cache/download/example.com/!lib/@v/v1.0.0.mod",
            "cache/download/example.com/!lib/@v/v1.0.0.ziphash",
            "example.com/!lib@v1.0.0/data/in.txt",
            "example.com/!lib@v1.0.0/lib.go",
        ]
    );
    let copied = output.join("example.com/!lib@v1.0.0/lib.go");
    let metadata = fs::metadata(copied).unwrap();
    assert_eq!((metadata.mtime(), metadata.mode() & 0o777), (0, 0o644));
    let above = fs::metadata(output.join("example.com")).unwrap();
    assert_eq!(above.mtime(), 0);
}

#[test]
fn a_module_that_provides_nothing_is_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let [cache, sources, output] = ["cache", "src", "out"].map(|name| folder.path().join(name));
    fs::create_dir_all(&sources).unwrap();
    module(&cache, &sources);
    let sums = "example.com/Lib v1.0.0 h1:x=\nexample.com/absent v1.0.0 h1:x=\n";
    fs::write(sources.join("go.sum"), sums).unwrap();
    select(&[printing("")], &cache, &sources, &output).unwrap();
    assert_eq!(
        files(&output),
        ["cache/download/example.com/!lib/@v/v1.0.0.ziphash"]
    );
    let empty = output.join("example.com/!lib@v1.0.0");
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
    assert_eq!(fs::metadata(&empty).unwrap().mtime(), 0);
}

#[test]
fn a_module_with_c_code_is_whole_but_for_tests() {
    let folder = tempfile::tempdir().unwrap();
    let [cache, sources] = ["cache", "src"].map(|name| folder.path().join(name));
    fs::create_dir_all(&sources).unwrap();
    module(&cache, &sources);
    let of = |more: &str| {
        let listed = listing::parse(package(&cache, more).as_bytes()).unwrap();
        let mut files = selection::files(&listed[0], &cache).unwrap();
        files.retain(|file| !file.starts_with("cache"));
        files.len()
    };
    assert_eq!(of(""), 1);
    assert_eq!(of(r#""CgoFiles":["lib.go"],"#), 4);
    fs::write(
        cache.join("example.com/!lib@v1.0.0/a.s"),
        "#include \"data/in.txt\"\n",
    )
    .unwrap();
    assert_eq!(of(r#""SFiles":["a.s"],"#), 5);
}

#[test]
fn a_listing_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let failing = Query::parse(&["/bin/sh", "-c", "exit 3"].map(str::to_owned));
    let refused = select(&[failing], folder.path(), folder.path(), &output);
    assert!(matches!(
        refused,
        Err(ModulesError::Failed { code: Some(3) })
    ));
    let garbled = select(
        &[printing("{\"Dir\":")],
        folder.path(),
        folder.path(),
        &output,
    );
    assert!(matches!(garbled, Err(ModulesError::Listing(_))));
    assert!(!output.exists());
}

#[test]
fn variables_stand_before_the_program() {
    let words = ["GOOS=linux", "GOARCH=arm64", "go", "list", "-tags=a"].map(str::to_owned);
    let query = Query::parse(&words);
    let env = [("GOOS", "linux"), ("GOARCH", "arm64")];
    assert_eq!(
        query.env,
        env.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(query.command, ["go", "list", "-tags=a"]);
}

#[test]
fn no_line_of_a_sum_file_leads_out_of_the_cache() {
    let file = |line| sums::module_file(line).map(|path| path.display().to_string());
    assert_eq!(
        file("github.com/BurntSushi/toml v1.0.0/go.mod h1:x=").as_deref(),
        Some("cache/download/github.com/!burnt!sushi/toml/@v/v1.0.0.mod")
    );
    for line in [
        "",
        "a v1.0.0 h1:x=",
        "../../etc v1.0.0/go.mod h1:x=",
        "/etc v1.0.0/go.mod h1:x=",
        "a ../v1/go.mod h1:x=",
    ] {
        assert_eq!(file(line), None, "{line}");
    }
    for line in [
        "",
        "a",
        "../a v1.0.0 h1:x=",
        "a v1.0.0/go.mod h1:x=",
        "a .. h1:x=",
    ] {
        assert_eq!(sums::archive(line), None, "{line}");
    }
}
