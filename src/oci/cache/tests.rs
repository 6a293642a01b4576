use super::*;

fn read(direction: Direction, values: &[&str]) -> Result<Vec<RemoteCache>, CacheError> {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    parse(&values, direction)
}

fn shown(direction: Direction, values: &[&str]) -> Vec<String> {
    let caches = read(direction, values).unwrap();
    caches.iter().map(ToString::to_string).collect()
}

#[test]
fn buildx_spellings_are_read() {
    let from = [
        "registry.example.com/app:cache",
        "a,b/c:1",
        "",
        "type=local,src=c d,tag=main",
        "TYPE=s3,Bucket=b,\"name=x,y\"",
        "type=gha,scope=main",
    ];
    assert_eq!(
        shown(Direction::Import, &from),
        [
            "type=registry,ref=registry.example.com/app:cache",
            "type=registry,ref=a",
            "type=registry,ref=b/c:1",
            "type=local,src=c d,tag=main",
            "type=s3,bucket=b,name=x,y",
            "type=gha,scope=main",
        ]
    );
    let to = "type=registry,ref=r/a:c,mode=max,image-manifest=true,oci-mediatypes=true,\
              compression=zstd,compression-level=3,force-compression=true,ignore-error=false,\
              registry.insecure=T";
    let cache = read(Direction::Export, &[to, to]).unwrap();
    assert_eq!(cache.len(), 1, "{cache:?}");
    assert_eq!(cache[0].kind, CacheKind::Registry);
    assert_eq!(cache[0].attributes.len(), 9);
    assert_eq!(cache[0].get("compression-level"), Some("3"));
    assert_eq!(cache[0].flag(INSECURE), Some(true));
    assert_eq!(cache[0].flag(IGNORE_ERROR), Some(false));
    assert_eq!(cache[0].flag("reset"), None);
}

#[test]
fn mistakes_name_the_value_and_what_to_do() {
    let said = |direction, values: &[&str]| {
        let error = read(direction, values).unwrap_err();
        match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        }
    };
    let from = |value: &str| said(Direction::Import, &[value]);
    let to = |value: &str| said(Direction::Export, &[value]);
    insta::assert_snapshot!(
        [
            from("type=registry"),
            from("type=inline"),
            from("ref=a/b"),
            from("type=local,dest=x"),
            from("Bad Name"),
            to("type=local"),
            to("type=tar,dest=x"),
            to("type=s3,bucket"),
            to("type=s3,\"name=a,b"),
            to("type=registry,ref=a,mode=all"),
            to("type=registry,ref=a,ignore-error=maybe"),
            to("type=registry,ref=a,compression=brotli"),
            to("type=gha,token=sesame,mode=maximum"),
            said(Direction::Export, &["a/b", "type=registry,ref=docker.io/a/b:latest,mode=max"]),
        ]
        .join("\n"),
        @r#"
    --cache-from type=registry: ref is missing; add ref=REGISTRY/NAME:TAG
    --cache-from type=inline: an inline cache is read from its image; --cache-from type=registry,ref=IMAGE reads the cache that IMAGE carries
    --cache-from ref=a/b: there is no type; known types: registry, local, inline, gha, s3, azblob; write it like --cache-from type=registry,ref=REGISTRY/NAME:TAG
    --cache-from type=local,dest=x: src is missing; add src=FOLDER
    --cache-from Bad Name: "Bad Name" is not an image reference: the repository must be lower case
    --cache-to type=local: dest is missing; add dest=FOLDER
    --cache-to type=tar,dest=x: type "tar" is not known; known types: registry, local, inline, gha, s3, azblob
    --cache-to type=s3,bucket: "bucket" is not of the form key=value; write it like --cache-to type=registry,ref=REGISTRY/NAME:TAG
    --cache-to type=s3,"name=a,b: a quote is not closed; quote a part that holds a comma whole: "key=a,b"
    --cache-to type=registry,ref=a,mode=all: mode=all is none of: min, max
    --cache-to type=registry,ref=a,ignore-error=maybe: ignore-error=maybe is none of: true, false
    --cache-to type=registry,ref=a,compression=brotli: compression=brotli is none of: uncompressed, gzip, estargz, zstd
    --cache-to type=gha,token=***,mode=maximum: mode=maximum is none of: min, max
    --cache-to type=registry,ref=docker.io/a/b:latest,mode=max: another --cache-to writes to the same place; one cache holds all images and platforms: name it once
    "#
    );
}

#[test]
fn credentials_are_never_shown() {
    let text =
        "type=s3,bucket=b,access_key_id=sesame,secret_access_key=sesame,session_token=sesame";
    let cache = read(Direction::Export, &[text]).unwrap();
    for shown in [cache[0].to_string(), format!("{cache:?}")] {
        assert!(
            shown.contains("bucket=b") && !shown.contains("sesame"),
            "{shown}"
        );
    }
    let refused = read(Direction::Export, &[&format!("{text},mode=x,\"open")]).unwrap_err();
    assert!(!refused.to_string().contains("sesame"), "{refused}");
}
