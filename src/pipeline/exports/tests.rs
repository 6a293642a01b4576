//! Outputs of small plans.

use super::*;
use crate::buildkit::engine::{Engine, EngineInfo};
use crate::oci::Platform;
use crate::plan::fixture::Project;

/// Returns the plan of one program for each name.
fn plan(names: &[&str], platforms: &[&str]) -> Plan {
    let paths: Vec<String> = names.iter().map(|name| format!("{name}/main.go")).collect();
    let files = paths
        .iter()
        .map(|path| (path.as_str(), "package main\nfunc main() {}\n"));
    let go_mod = ("go.mod", "module example.com/m\n\ngo 1.26.0\n");
    Project::new(files.chain([go_mod]))
        .platforms(platforms)
        .plan()
}

fn outputs(texts: &[&str]) -> Vec<Output> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn of(plan: &Plan, texts: &[&str]) -> Result<Vec<Export>, ExportError> {
    exports(plan, &outputs(texts), Options::default())
}

/// Returns each solve as `image shape: exporters`.
fn told(exports: &[Export]) -> Vec<String> {
    let line = |export: &Export| {
        let kinds = export
            .exporters
            .iter()
            .map(|exporter| exporter.kind.as_str());
        let kinds: Vec<&str> = kinds.collect();
        format!("{} {:?}: {}", export.image, export.shape, kinds.join(" "))
    };
    exports.iter().map(line).collect()
}

#[test]
fn without_outputs_the_daemon_keeps_the_images() {
    let exports = of(&plan(&["a", "b"], &[]), &[]).unwrap();
    assert_eq!(
        told(&exports),
        ["0 Image(Zstd): image", "1 Image(Zstd): image"]
    );
    let exporter = &exports[1].exporters[0];
    assert_eq!(exporter.attributes["name"], "b:latest");
    assert_eq!(exporter.attributes["compression"], "zstd");
    assert!(!exporter.attributes.contains_key("push"));
    assert!(!exports[1].pushes && exports[1].receivers.is_empty());
}

#[test]
fn outputs_of_one_shape_share_a_solve() {
    let wanted = [
        "type=registry",
        "type=oci,dest=o.tar",
        "type=docker,dest=d.tar",
        "bin",
    ];
    let exports = of(&plan(&["a"], &[]), &wanted).unwrap();
    assert_eq!(
        told(&exports),
        [
            "0 Image(Zstd): image oci",
            "0 Image(Gzip): docker",
            "0 Binaries: local"
        ]
    );
    let file = |name: &str| Receiver::Stream(Destination::File(PathBuf::from(name)));
    assert!(exports[0].pushes);
    assert_eq!(exports[0].receivers, BTreeMap::from([(1, file("o.tar"))]));
    assert_eq!(exports[1].receivers, BTreeMap::from([(0, file("d.tar"))]));
    let folder = Receiver::Folder(PathBuf::from("bin"));
    assert_eq!(exports[2].receivers, BTreeMap::from([(0, folder)]));
    assert!(exports[2].exporters[0].attributes.is_empty());
}

#[test]
fn a_layout_folder_receives_blobs() {
    let exports = of(&plan(&["a"], &[]), &["type=oci,tar=false,dest=layout"]).unwrap();
    assert_eq!(exports[0].exporters[0].attributes["tar"], "false");
    let layout = Receiver::Layout(PathBuf::from("layout"));
    assert_eq!(exports[0].receivers, BTreeMap::from([(0, layout)]));
}

#[test]
fn the_flag_compresses_all_but_what_says_otherwise() {
    let options = Options {
        compression: Some(Compression::Uncompressed),
        insecure_registry: true,
        ..Options::default()
    };
    let outputs = outputs(&["type=image,push=true", "type=oci,dest=o,compression=gzip"]);
    let exports = exports(&plan(&["a"], &[]), &outputs, options).unwrap();
    assert_eq!(
        told(&exports),
        ["0 Image(Uncompressed): image", "0 Image(Gzip): oci"]
    );
    let pushed = &exports[0].exporters[0].attributes;
    assert_eq!(
        (
            pushed["push"].as_str(),
            pushed["registry.insecure"].as_str()
        ),
        ("true", "true")
    );
    assert!(
        !exports[1].exporters[0]
            .attributes
            .contains_key("registry.insecure")
    );
}

#[test]
fn layers_of_a_registrys_base_stay_as_they_are_unless_a_format_is_chosen() {
    let mut plan = plan(&["a"], &[]);
    let forced = |plan: &Plan, compression| {
        let options = Options {
            compression,
            ..Options::default()
        };
        let exports = exports(plan, &[], options).unwrap();
        exports[0].exporters[0]
            .attributes
            .contains_key("force-compression")
    };
    assert!(forced(&plan, None));
    plan.images[0].platforms[0].base = Base::Image("alpine:3".parse().unwrap());
    assert!(!forced(&plan, None));
    assert!(forced(&plan, Some(Compression::Gzip)));
}

#[test]
fn an_output_may_name_the_image_itself() {
    let wanted = [
        "type=registry,\"name=x.example.com/a:1,y.example.com/a:2\"",
        "type=image",
    ];
    let exports = of(&plan(&["a"], &[]), &wanted).unwrap();
    assert_eq!(
        exports[0].references,
        ["x.example.com/a:1", "y.example.com/a:2", "a:latest"]
    );
    assert_eq!(
        exports[0].exporters[0].attributes["name"],
        "x.example.com/a:1,y.example.com/a:2"
    );
}

#[test]
fn outputs_that_overwrite_each_other_are_refused() {
    let two = plan(&["a", "b"], &[]);
    let shared = of(&two, &["type=oci,dest=o.tar"]).unwrap_err();
    assert_eq!(shared.to_string(), "2 images would all be written to o.tar");
    let shared = of(&two, &["-"]).unwrap_err();
    assert_eq!(
        shared.to_string(),
        "2 images would all be written to standard output"
    );
    // Folders hold several images.
    assert!(of(&two, &["type=oci,tar=false,dest=layout", "bin"]).is_ok());
    let twice = of(
        &plan(&["a"], &[]),
        &["type=oci,dest=x", "type=docker,dest=x"],
    );
    assert_eq!(
        twice.unwrap_err().to_string(),
        "two outputs would be written to x"
    );
}

#[test]
fn a_docker_archive_holds_one_platform() {
    let both = plan(&["a"], &["linux/amd64", "linux/arm64"]);
    let refused = of(&both, &["type=docker,dest=d.tar"]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a docker archive holds one platform, and a is built for 2"
    );
}

/// Returns an engine on this architecture.
fn engine(has_containerd_store: bool) -> Loader {
    let engine = Engine {
        name: Engine::DOCKER,
        host: "unix:///run/docker.sock".parse().unwrap(),
        tls: None,
    };
    let info = EngineInfo {
        platform: Platform::linux("arm64"),
        has_containerd_store,
    };
    Loader::Engine(Box::new(engine), info)
}

/// Returns the one solve that loads an image of two platforms.
fn loading(loader: Loader) -> Result<Export, ExportError> {
    let plan = plan(&["a"], &["linux/amd64", "linux/arm64"]);
    let options = Options {
        loader: Some(loader),
        ..Options::default()
    };
    let mut exports = exports(&plan, &outputs(&["type=docker"]), options)?;
    assert_eq!(exports.len(), 1);
    Ok(exports.remove(0))
}

#[test]
fn who_keeps_one_platform_is_sent_the_one_that_it_runs() {
    let export = loading(engine(false)).unwrap();
    assert_eq!(
        told(std::slice::from_ref(&export)),
        ["0 Image(Uncompressed): docker"]
    );
    assert_eq!((export.platform, export.platforms), (Some(1), 1));
    assert!(export.is_loaded());
    let refused = loading(Loader::Podman).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a docker archive holds one platform, and a is built for 2"
    );
}

#[test]
fn the_containerd_store_is_sent_everything() {
    let export = loading(engine(true)).unwrap();
    assert_eq!(told(std::slice::from_ref(&export)), ["0 Image(Zstd): oci"]);
    assert_eq!(export.platform, None);
}

#[test]
fn what_the_builder_keeps_is_not_sent() {
    let export = loading(Loader::Builder).unwrap();
    assert_eq!(
        told(std::slice::from_ref(&export)),
        ["0 Image(Zstd): image"]
    );
    assert!(!export.is_loaded());
}
