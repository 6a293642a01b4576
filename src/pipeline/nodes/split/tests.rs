//! Two nodes, two platforms: what each is asked for.

use super::*;
use crate::plan::fixture::Project;
use crate::project::manifest::Compression;

fn plan(platforms: &[&str]) -> Plan {
    let files = [
        ("go.mod", "module example.com/app\n\ngo 1.26.0\n"),
        ("main.go", "package main\nfunc main() {}\n"),
    ];
    Project::new(files).platforms(platforms).plan()
}

fn exporter(kind: &str, attributes: &[(&str, &str)]) -> Exporter {
    let attributes = attributes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Exporter {
        kind: kind.to_owned(),
        attributes: attributes.collect(),
    }
}

fn export(shape: Shape, exporters: Vec<Exporter>, receivers: Vec<(usize, Receiver)>) -> Export {
    Export {
        image: 0,
        shape,
        platform: None,
        exporters,
        receivers: receivers.into_iter().collect(),
        references: vec!["r.test/app:1".to_owned(), "r.test/app:2".to_owned()],
        pushes: true,
        stores: false,
        platforms: 2,
        by_id: false,
        attestations: BTreeMap::new(),
    }
}

/// Splits for an arm node, which is the second one.
fn halves(plan: &Plan, export: Export) -> Split {
    let node_of = |platform: &Platform| usize::from(platform.architecture == "arm64");
    split(plan, &[export], 2, node_of, Path::new("/scratch"))
}

#[test]
fn a_push_becomes_one_by_digest_and_an_index_under_every_name() {
    let push = exporter(
        "image",
        &[
            ("name", "r.test/app:1,r.test/app:2,hub/app"),
            ("push", "true"),
            ("annotation-index.a", "b"),
        ],
    );
    let shape = Shape::Image(Compression::Zstd);
    let split = halves(
        &plan(&["linux/arm64", "linux/amd64"]),
        export(shape, vec![push], Vec::new()),
    );
    let part = &split.shares[1][0];
    assert_eq!(part.platform, Some(0));
    let attributes = [
        ("name", "docker.io/hub/app,r.test/app"),
        ("push", "true"),
        ("push-by-digest", "true"),
    ];
    assert_eq!(part.exporters, [exporter("image", &attributes)]);
    assert_eq!(split.shares[0][0].platform, Some(1));
    let [Place::Parts(parts, join)] = split.places.as_slice() else {
        panic!("{split:?}")
    };
    let at = |node| At { node, position: 0 };
    assert_eq!(parts[0], (Platform::linux("arm64"), at(1)));
    assert_eq!(parts[1], (Platform::linux("amd64"), at(0)));
    let pushes = ["r.test/app:1", "r.test/app:2", "hub/app"];
    assert_eq!(join.pushes, pushes.map(|name| (name.to_owned(), false)));
    assert_eq!(join.annotations.index["a"], "b");
    assert_eq!(join.layout, None);
}

#[test]
fn an_archive_and_a_folder_share_one_layout() {
    let file = Destination::File(PathBuf::from("a.tar"));
    let receivers = vec![
        (0, Receiver::Stream(file.clone())),
        (1, Receiver::Layout(PathBuf::from("one"))),
        (2, Receiver::Layout(PathBuf::from("two"))),
    ];
    let exporters = vec![
        exporter("oci", &[]),
        exporter("oci", &[("tar", "false")]),
        exporter("oci", &[("tar", "false")]),
    ];
    let shape = Shape::Image(Compression::Zstd);
    let split = halves(
        &plan(&["linux/amd64", "linux/arm64"]),
        export(shape, exporters, receivers),
    );
    let part = &split.shares[0][0];
    assert_eq!(part.exporters, [exporter("oci", &[("tar", "false")])]);
    let layout = Receiver::Layout(PathBuf::from("one"));
    assert_eq!(part.receivers, BTreeMap::from([(0, layout)]));
    let [Place::Parts(_, join)] = split.places.as_slice() else {
        panic!("{split:?}")
    };
    assert_eq!(join.layout.as_deref(), Some(Path::new("one")));
    assert_eq!(join.copies, [PathBuf::from("two")]);
    assert_eq!(join.archives, [file]);
}

#[test]
fn binaries_go_into_the_folder_of_their_platform() {
    let receivers = vec![(0, Receiver::Folder(PathBuf::from("bin")))];
    let split = halves(
        &plan(&["linux/amd64", "linux/arm64"]),
        export(Shape::Binaries, vec![exporter("local", &[])], receivers),
    );
    let folder = Receiver::Folder(PathBuf::from("bin/linux_arm64"));
    let part = &split.shares[1][0];
    assert_eq!(part.receivers, BTreeMap::from([(0, folder)]));
}

#[test]
fn what_one_node_builds_stays_as_it_is() {
    let push = exporter("image", &[("name", "r.test/app:1"), ("push", "true")]);
    let shape = Shape::Image(Compression::Zstd);
    let whole = export(shape, vec![push], Vec::new());
    let split = halves(&plan(&["linux/arm64", "linux/arm64/v9"]), whole.clone());
    assert!(split.shares[0].is_empty());
    assert_eq!(split.shares[1], [whole]);
    let at = At {
        node: 1,
        position: 0,
    };
    assert_eq!(split.places, [Place::Whole(at)]);
}
