#![expect(clippy::disallowed_methods, reason = "a local cache is on the disk")]

use super::*;
use crate::oci::cache;

fn made(from: &[&str], to: &[&str], environment: &[(&str, &str)]) -> Caches {
    let read = |values: &[&str], direction| {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        cache::parse(&values, direction).unwrap()
    };
    let defaults = Defaults {
        insecure_registry: false,
        compression: "zstd".to_owned(),
    };
    let variable = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let (from, to) = (read(from, Direction::Import), read(to, Direction::Export));
    Caches::new(&from, &to, &defaults, &variable)
}

/// Shows an entry as it goes to the daemon, credentials included.
fn sent(entry: &CacheEntry) -> String {
    let pairs = entry.attributes.iter();
    let pairs: String = pairs
        .map(|(key, value)| format!(" {key}={value}"))
        .collect();
    format!("{}{pairs}", entry.kind)
}

fn imported(from: &str, environment: &[(&str, &str)]) -> String {
    let caches = made(&[from], &[], environment);
    assert_eq!(caches.notes, Vec::<String>::new());
    sent(&caches.imports[0])
}

fn exported(to: &str, environment: &[(&str, &str)]) -> String {
    let caches = made(&[], &[to], environment);
    assert_eq!(caches.notes, Vec::<String>::new());
    sent(&caches.exports[0].entry)
}

#[test]
fn actions_have_their_token_and_address_in_the_environment() {
    let first = [
        ("ACTIONS_RUNTIME_TOKEN", "sesame"),
        ("ACTIONS_CACHE_URL", "https://cache/"),
        ("ACTIONS_RESULTS_URL", "https://results/"),
    ];
    assert_eq!(
        imported("type=gha,scope=main", &first),
        "gha scope=main token=sesame url=https://cache/"
    );
    let second = [&first[..], &[("ACTIONS_CACHE_SERVICE_V2", "True")]].concat();
    assert_eq!(
        exported("type=gha,mode=max", &second),
        "gha mode=max token=sesame url=https://cache/ url_v2=https://results/"
    );
    assert_eq!(
        exported("type=gha,version=1,token=own,url=https://own/", &second),
        "gha token=own url=https://own/ version=1"
    );
    assert_eq!(
        exported("type=gha,version=2", &[first[0], first[2]]),
        "gha token=sesame url=https://results/ url_v2=https://results/ version=2"
    );
}

#[test]
fn outside_of_actions_their_cache_is_left_out() {
    let caches = made(&["type=gha"], &["type=gha,mode=max"], &[]);
    assert!(caches.imports.is_empty() && caches.exports.is_empty());
    assert_eq!(
        caches.notes,
        [
            "--cache-from type=gha is left out: neither token= nor ACTIONS_RUNTIME_TOKEN is set",
            "--cache-to type=gha,mode=max is left out: neither token= nor ACTIONS_RUNTIME_TOKEN is set",
        ]
    );
}

#[test]
fn buckets_get_whole_credentials_of_the_environment() {
    let environment = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "sesame"),
        ("AWS_SESSION_TOKEN", "session"),
    ];
    let bucket = "type=s3,bucket=b,region=r,name=a;b";
    assert_eq!(
        exported(bucket, &environment),
        "s3 access_key_id=id bucket=b name=a;b region=r secret_access_key=sesame session_token=session"
    );
    assert_eq!(
        exported(bucket, &environment[..1]),
        "s3 bucket=b name=a;b region=r"
    );
    let own = "type=s3,bucket=b,access_key_id=x,secret_access_key=y";
    assert_eq!(
        imported(own, &environment),
        "s3 access_key_id=x bucket=b secret_access_key=y"
    );
    assert_eq!(
        imported(
            "type=s3,bucket=b",
            &[("AWS_ACCESS_KEY", "x"), ("AWS_SECRET_KEY", "y")]
        ),
        "s3 access_key_id=x bucket=b secret_access_key=y"
    );
}

#[test]
fn containers_get_the_account_of_the_environment() {
    let environment = [
        (
            "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL",
            "https://a.blob.example.com",
        ),
        ("BUILDKIT_AZURE_STORAGE_CONTAINER", "c"),
    ];
    assert_eq!(
        exported(
            "type=azblob,container=own,name=n,secret_access_key=sesame",
            &environment
        ),
        "azblob account_url=https://a.blob.example.com container=own name=n secret_access_key=sesame"
    );
}

#[test]
fn failing_exports_are_this_sides_to_judge() {
    let caches = made(
        &[],
        &[
            "r/a:1",
            "type=registry,ref=r/b,ignore-error=true,compression=gzip",
            "type=registry,ref=r/c,mode=max,ignore-error=false,oci-mediatypes=false",
            "type=inline",
        ],
        &[],
    );
    let shown = caches.exports.iter();
    let shown: Vec<(String, bool)> = shown.map(|e| (sent(&e.entry), e.required)).collect();
    let expected = [
        ("registry compression=zstd ref=r/a:1", false),
        ("registry compression=gzip ref=r/b", false),
        ("registry mode=max oci-mediatypes=false ref=r/c", true),
    ];
    assert_eq!(
        shown,
        expected.map(|(text, required)| (text.to_owned(), required))
    );
    assert!(caches.inline);
}

#[test]
fn a_local_cache_is_named_by_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let from = format!("type=local,src={path},tag=main");
    let without = made(&[&from], &[], &[]);
    assert!(without.imports.is_empty());
    assert_eq!(
        without.notes,
        [format!(
            "--cache-from type=local,src={path},tag=main is left out: its index.json has no tag main"
        )]
    );

    let digest = format!("sha256:{}", "a".repeat(64));
    let descriptor = format!("{{\"digest\":\"{digest}\"}}");
    LayoutIndex::new(folder.path())
        .put_tag(descriptor.as_bytes(), "main")
        .unwrap();
    let emptied = made(&[&from], &[], &[]);
    assert!(
        emptied.notes[0].ends_with(&format!("it does not hold {digest}")),
        "{emptied:?}"
    );

    let blobs = folder.path().join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join("a".repeat(64)), "").unwrap();
    let to = format!("type=local,dest={path},mode=max");
    let caches = made(&[&from], &[&to], &[]);
    assert_eq!(
        sent(&caches.imports[0]),
        format!("local digest={digest} src={path}")
    );
    let layout = CacheLayout {
        folder: path.clone(),
        tag: "latest".to_owned(),
        reset: false,
    };
    assert_eq!(caches.exports[0].layout, Some(layout));
    assert_eq!(caches.folders, BTreeSet::from([path]));
}
