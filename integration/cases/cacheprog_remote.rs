//! gobuild as the build cache of real `go` commands: a store that speaks S3, near and far.

use std::fs;
use std::time::Duration;

use crate::harness::gocache::{Built, GoBuild};
use crate::harness::objects::{BUCKET, KEY, Objects, Road, SECRET};
use crate::harness::vault::Vault;

const MAIN: &str = "package main

import (
\t\"encoding/json\"
\t\"os\"
)

func main() {
\ttext, _ := json.Marshal([]string{\"WORD\"})
\tos.Stdout.Write(text)
}
";

/// Returns a project whose builds write to the store at an address.
fn project(address: &str) -> GoBuild {
    let go_mod = "module example.com/app\n\ngo 1.26.0\n";
    let mut build = GoBuild::of(&[("go.mod", go_mod), ("main.go", MAIN)]);
    at(&mut build, address);
    build
        .set("GOBUILD_CACHEPROG_REMOTE", format!("s3://{BUCKET}/cache"))
        .set("GOBUILD_CACHEPROG_REMOTE_MODE", "read-write")
        .set("GOBUILD_CACHEPROG_SCOPE", "app linux/amd64")
        // It is the number of waits that counts here, not their length.
        .set("GOBUILD_CACHEPROG_REMOTE_TIMEOUT", "60")
        .set("AWS_ACCESS_KEY_ID", KEY)
        .set("AWS_SECRET_ACCESS_KEY", SECRET)
        .set("AWS_REGION", "us-east-1");
    build
}

fn at(build: &mut GoBuild, address: &str) {
    build.set("AWS_ENDPOINT_URL", format!("http://{address}"));
}

fn edit(build: &GoBuild, word: &str) {
    build.write("main.go", &MAIN.replace("WORD", word));
}

#[track_caller]
fn number(built: &Built, path: &str) -> u64 {
    let value = built
        .stats
        .pointer(path)
        .and_then(serde_json::Value::as_u64);
    value.unwrap_or_else(|| panic!("{path} is not in {}", built.stats))
}

#[test]
fn a_fresh_machine_compiles_only_what_changed_in_two_round_trips() {
    let objects = Objects::start();
    let mut build = project(objects.address());
    let cold = build.build();
    assert!(cold.compiled.len() > 30);
    assert_eq!(cold.stats["traffic"]["published"], true, "{}", cold.stats);
    assert_eq!(objects.files("/packs/").len(), 1);
    let mut gets = Vec::new();
    for (machine, milliseconds) in [("near", 0), ("far", 20), ("farther", 100)] {
        let road = Road::to(objects.address(), Duration::from_millis(milliseconds));
        at(&mut build, road.address());
        build
            .set("GOBUILD_CACHEPROG_REMOTE_MODE", "read")
            .on(machine);
        edit(&build, machine);
        let fresh = build.build();
        assert_eq!(fresh.compiled, ["example.com/app"], "{}", fresh.stats);
        // The index and one pack, however many entries there are and however far they are.
        assert_eq!(road.requests(), 2);
        assert_eq!(number(&fresh, "/traffic/round_trips"), 2);
        assert!(number(&fresh, "/remote/entries") > 60);
        gets.push(number(&fresh, "/gets"));
        let binary = build.binary();
        build.plain(&format!("plain-{machine}"));
        assert_eq!(build.binary(), binary);
        // Warm, it is the index alone.
        let warm = build.build();
        assert!(warm.compiled.is_empty());
        assert_eq!(road.requests(), 1);
    }
    assert!(gets.iter().all(|count| *count > 60), "{gets:?}");
}

#[test]
fn edits_add_small_packs_and_packs_stay_few() {
    let objects = Objects::start();
    let mut build = project(objects.address());
    build.build();
    let first = objects.files("/packs/")[0].metadata().unwrap().len();
    for number_of_edit in 0..10 {
        edit(&build, &format!("edit {number_of_edit}"));
        let edited = build.build();
        assert_eq!(edited.stats["traffic"]["published"], true);
        assert!(number(&edited, "/traffic/written") < first / 4);
    }
    // Eight are named; those that are not any more go one write later.
    assert!(objects.files("/packs/").len() <= 8 + 8);
    build.on("fresh");
    let fresh = build.build();
    assert!(fresh.compiled.is_empty(), "{:?}", fresh.compiled);
    assert!(number(&fresh, "/traffic/packs") <= 8);
    assert_eq!(number(&fresh, "/traffic/round_trips"), 2);
}

#[test]
fn damaged_packs_are_compiled_anew_never_linked() {
    let objects = Objects::start();
    let mut build = project(objects.address());
    build.build();
    let binary = build.binary();
    let pack = objects.files("/packs/").pop().unwrap();
    let whole = fs::read(&pack).unwrap();
    let mut poisoned = whole.clone();
    let middle = poisoned.len() / 2;
    poisoned[middle..middle + 1000].fill(0x55);
    let truncated = whole[..whole.len() / 2].to_vec();
    build.set("GOBUILD_CACHEPROG_REMOTE_MODE", "read");
    for (machine, bytes) in [("poisoned", poisoned), ("truncated", truncated)] {
        fs::write(&pack, bytes).unwrap();
        build.on(machine);
        let built = build.build();
        assert!(number(&built, "/dropped") > 0, "{}", built.stats);
        assert!(!built.compiled.is_empty());
        assert_eq!(build.binary(), binary);
        assert!(built.stats["warnings"][0].is_string());
        let said = "compiling anew what the remote cache should have had";
        assert_eq!(built.said.matches(said).count(), 1, "{}", built.said);
    }
}

#[test]
fn a_store_that_is_down_or_refuses_is_said_once_and_the_build_goes_on() {
    let objects = Objects::start();
    let mut build = project(objects.address());
    build.set("AWS_SECRET_ACCESS_KEY", "wrong");
    let refused = build.build();
    let said = "building without the remote cache";
    assert_eq!(refused.said.matches(said).count(), 1, "{}", refused.said);
    drop(objects);
    build.on("other");
    let down = build.build();
    assert_eq!(down.said.matches(said).count(), 1, "{}", down.said);
    assert!(number(&down, "/puts/entries") > 30);
}

#[test]
fn a_store_behind_tls_opens_with_a_token() {
    let vault = Vault::start("open sesame");
    let mut build = project("");
    build
        .set("GOBUILD_CACHEPROG_REMOTE", vault.url())
        .set("GOBUILD_CACHEPROG_TOKEN", "open sesame")
        .set("SSL_CERT_FILE", vault.authority());
    let cold = build.build();
    assert_eq!(cold.stats["traffic"]["published"], true, "{}", cold.said);
    build.on("fresh");
    let fresh = build.build();
    assert!(fresh.compiled.is_empty(), "{:?}", fresh.compiled);
    assert_eq!(vault.refused(), 0);
    // Those with another token are refused, those who do not know the authority turn away.
    let said = "building without the remote cache";
    build.set("GOBUILD_CACHEPROG_TOKEN", "open barley");
    let refused = build.on("refused").build();
    assert_eq!(refused.said.matches(said).count(), 1, "{}", refused.said);
    assert!(!refused.said.contains("barley"), "{}", refused.said);
    let count = vault.refused();
    assert!(count > 0);
    build
        .set("GOBUILD_CACHEPROG_TOKEN", "open sesame")
        .set("SSL_CERT_FILE", vault.other_authority());
    let strange = build.on("strange").build();
    assert_eq!(strange.said.matches(said).count(), 1, "{}", strange.said);
    assert_eq!(vault.refused(), count);
}
