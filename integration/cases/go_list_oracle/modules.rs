//! Real modules, fetched through the go command as pinned here, their dependencies with them.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{TARGETS, compare, go, output};

/// One test per pinned module. Patterns name the programs; `./...` is all of them.
macro_rules! modules {
    ($($name:ident: $module:literal @ $version:literal, $pattern:literal;)*) => {$(
        #[test]
        fn $name() {
            let root = fetch(&[(".", $module, $version)]);
            compare(root.path(), ".", &[$pattern], &TARGETS);
        }
    )*};
}

modules! {
    age: "filippo.io/age" @ "v1.2.1", "./...";
    buildkit: "github.com/moby/buildkit" @ "v0.32.2", "./cmd/...";
    caddy: "github.com/caddyserver/caddy/v2" @ "v2.8.4", "./cmd/caddy";
    cobra_cli: "github.com/spf13/cobra-cli" @ "v1.3.0", "./...";
    delve: "github.com/go-delve/delve" @ "v1.24.0", "./cmd/dlv";
    esbuild: "github.com/evanw/esbuild" @ "v0.25.0", "./cmd/...";
    fzf: "github.com/junegunn/fzf" @ "v0.60.0", "./...";
    gh: "github.com/cli/cli/v2" @ "v2.62.0", "./cmd/...";
    kustomize: "sigs.k8s.io/kustomize/kustomize/v5" @ "v5.6.0", "./...";
    node_exporter: "github.com/prometheus/node_exporter" @ "v1.8.2", "./...";
    x_tools: "golang.org/x/tools" @ "v0.39.0", "./...";
}

/// Nine modules that take each other from folders by `replace`.
#[test]
fn etcd() {
    let root = fetch(&[
        ("api", "go.etcd.io/etcd/api/v3", "v3.5.21"),
        ("client/pkg", "go.etcd.io/etcd/client/pkg/v3", "v3.5.21"),
        ("client/v2", "go.etcd.io/etcd/client/v2", "v2.305.21"),
        ("client/v3", "go.etcd.io/etcd/client/v3", "v3.5.21"),
        ("etcdctl", "go.etcd.io/etcd/etcdctl/v3", "v3.5.21"),
        ("etcdutl", "go.etcd.io/etcd/etcdutl/v3", "v3.5.21"),
        ("pkg", "go.etcd.io/etcd/pkg/v3", "v3.5.21"),
        ("raft", "go.etcd.io/etcd/raft/v3", "v3.5.21"),
        ("server", "go.etcd.io/etcd/server/v3", "v3.5.21"),
    ]);
    for start in ["etcdctl", "etcdutl", "server"] {
        compare(root.path(), start, &["./..."], &TARGETS);
    }
}

/// Lays modules out in folders below a new one.
fn fetch(modules: &[(&str, &str, &str)]) -> tempfile::TempDir {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Download {
        dir: PathBuf,
    }
    let root = tempfile::tempdir().unwrap();
    for (folder, module, version) in modules {
        let module = format!("{module}@{version}");
        let download = output(go(root.path()).args(["mod", "download", "-json", &module]));
        let download: Download = serde_json::from_str(&download).unwrap();
        copy(&download.dir, &root.path().join(folder));
    }
    root
}

/// Copies a folder of the module cache, which is read-only, to one that is not.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if !entry.file_type().unwrap().is_dir() {
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        } else if entry.file_name() != "vendor" {
            // Of a vendor folder the cache has the list at most, never the packages.
            copy(&entry.path(), &target);
        }
    }
}
