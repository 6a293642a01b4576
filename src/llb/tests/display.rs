//! JSON and DOT, as readers see them.

use serde_json::{Value, json};

use super::{image, mkfile, platform, sample};
use crate::llb::{
    Account, Bind, Cache, CopyFrom, Exec, FileOp, Metadata, Mkfile, Network, Output, Owner, Secret,
    Sharing, Timestamp,
};

/// Returns the JSON of the vertex behind an output.
fn vertex_json(output: &Output) -> Value {
    let mut all = output.marshal().to_json();
    let vertices = all.as_array_mut().unwrap();
    vertices.pop();
    let vertex = vertices.pop().unwrap();
    assert_eq!(vertex["digest"], output.digest().unwrap().to_string());
    vertex
}

/// Returns one line for each item of an array.
fn lines(array: &Value) -> String {
    let items = array.as_array().unwrap().iter();
    items.map(|item| format!("{item}\n")).collect()
}

#[test]
fn an_exec_reads_as_json() {
    let run = Exec::new(Bind::read_only(&image()), platform(), ["go", "build"])
        .env("CGO_ENABLED", "0")
        .network(Network::None)
        .bind("/out", Bind::writable(&Output::scratch()))
        .cache("/cache", Cache::new("gobuild", Sharing::Locked))
        .secret(Secret::file("netrc", "/root/.netrc").optional())
        .metadata(Metadata::named("compile").export_cache(false))
        .build()
        .unwrap();
    let vertex = vertex_json(&run.output("/out").unwrap());
    insta::assert_snapshot!(vertex["metadata"], @r#"{"caps":{"exec.meta.base":true,"exec.meta.network":true,"exec.mount.bind":true,"exec.mount.cache":true,"exec.mount.cache.sharing":true,"exec.mount.secret":true},"description":{"llb.customname":"compile"},"export_cache":{"value":false}}"#);
    insta::assert_snapshot!(vertex["op"]["exec"]["meta"], @r#"{"args":["go","build"],"cwd":"/","env":["CGO_ENABLED=0"],"remove_mount_stubs_recursive":true}"#);
    insta::assert_snapshot!(lines(&vertex["op"]["exec"]["mounts"]), @r#"
    {"dest":"/","input":0,"mount_type":"BIND","output":-1,"readonly":true}
    {"cache":{"id":"gobuild","sharing":"LOCKED"},"dest":"/cache","input":-1,"mount_type":"CACHE","output":-1}
    {"dest":"/out","input":-1,"mount_type":"BIND","output":0}
    {"dest":"/root/.netrc","input":-1,"mount_type":"SECRET","output":0,"secret":{"gid":0,"id":"netrc","mode":"0400","optional":true,"uid":0}}
    "#);
    assert_eq!(vertex["op"]["exec"]["network"], "NONE");
    assert_eq!(vertex["op"]["exec"]["security"], "SANDBOX");
    assert_eq!(
        vertex["op"]["platform"],
        json!({"os": "linux", "architecture": "amd64"})
    );
    assert_eq!(
        vertex["op"]["inputs"],
        json!([{"digest": image().digest().unwrap().to_string(), "index": 0}])
    );
}

#[test]
fn a_file_op_reads_as_json() {
    let named = Owner {
        user: Some(Account::Id(0)),
        group: Some(Account::Name("staff".to_owned())),
    };
    let binary = Mkfile::new("/b", 0o600, [0xff, 0]).timestamp(Timestamp::EPOCH);
    let file = FileOp::new(&image(), Mkfile::new("/a", 0o644, "text\n"))
        .then(binary)
        .then(CopyFrom::new(&mkfile(&image(), "/x"), "/x", "/y/").owner(named))
        .build()
        .unwrap();
    insta::assert_snapshot!(lines(&vertex_json(&file)["op"]["file"]["actions"]), @r#"
    {"input":0,"mkfile":{"data":"text\n","mode":"0644","path":"/a"},"output":-1,"secondary_input":-1}
    {"input":2,"mkfile":{"data_base64":"/wA=","mode":"0600","path":"/b","timestamp":0},"output":-1,"secondary_input":-1}
    {"copy":{"dest":"/y/","owner":{"group":{"input":0,"name":"staff"},"user":0},"src":"/x"},"input":3,"output":0,"secondary_input":1}
    "#);
}

#[test]
fn the_terminal_op_comes_last() {
    let all = sample().unwrap().marshal().to_json();
    let last = all.as_array().and_then(|ops| ops.last()).unwrap();
    assert_eq!(
        last["op"]["inputs"][0]["digest"],
        sample().unwrap().digest().unwrap().to_string()
    );
    assert_eq!(last["op"]["merge"], Value::Null);
}

#[test]
fn a_definition_draws_as_dot() {
    insta::assert_snapshot!(sample().unwrap().marshal().to_dot(), @r#"
    digraph {
      "sha256:f753672c04a37e3104d1f12ffeeb4c2524284f0a0e75e0f6543818c733454f7e" [label="docker-image://docker.io/library/alpine:3.22" shape=ellipse];
      "sha256:810c6284e370d7ebdc2d96a4f91beb10bbe55c41c7425bfa9c8803440708e6a0" [label="compile \"api\"" shape=box];
      "sha256:7a72b61de5b6a7f38c06db3e81d28190cdc267fec12a515b7d6c5ef1d823ac84" [label="mkdir /bin\ncopy /api /bin/" shape=note];
      "sha256:bbc257c8d7f10de3f02550b27d502bd2b1e04f048d3da62e3438d87631fea152" [label="mkfile /x" shape=note];
      "sha256:9335b816abc2f9d9fa3cd9f9d32795fc888eae6006a0f95c1554b48754eba8d1" [label="diff" shape=doublecircle];
      "sha256:fa8b10e9b51db70933905af88f496ee2f45b054022fca647efd98eb1e8831590" [label="image" shape=invtriangle];
      "sha256:f753672c04a37e3104d1f12ffeeb4c2524284f0a0e75e0f6543818c733454f7e" -> "sha256:810c6284e370d7ebdc2d96a4f91beb10bbe55c41c7425bfa9c8803440708e6a0" [label=""];
      "sha256:810c6284e370d7ebdc2d96a4f91beb10bbe55c41c7425bfa9c8803440708e6a0" -> "sha256:7a72b61de5b6a7f38c06db3e81d28190cdc267fec12a515b7d6c5ef1d823ac84" [label=""];
      "sha256:f753672c04a37e3104d1f12ffeeb4c2524284f0a0e75e0f6543818c733454f7e" -> "sha256:bbc257c8d7f10de3f02550b27d502bd2b1e04f048d3da62e3438d87631fea152" [label=""];
      "sha256:f753672c04a37e3104d1f12ffeeb4c2524284f0a0e75e0f6543818c733454f7e" -> "sha256:9335b816abc2f9d9fa3cd9f9d32795fc888eae6006a0f95c1554b48754eba8d1" [label=""];
      "sha256:bbc257c8d7f10de3f02550b27d502bd2b1e04f048d3da62e3438d87631fea152" -> "sha256:9335b816abc2f9d9fa3cd9f9d32795fc888eae6006a0f95c1554b48754eba8d1" [label=""];
      "sha256:f753672c04a37e3104d1f12ffeeb4c2524284f0a0e75e0f6543818c733454f7e" -> "sha256:fa8b10e9b51db70933905af88f496ee2f45b054022fca647efd98eb1e8831590" [label=""];
      "sha256:7a72b61de5b6a7f38c06db3e81d28190cdc267fec12a515b7d6c5ef1d823ac84" -> "sha256:fa8b10e9b51db70933905af88f496ee2f45b054022fca647efd98eb1e8831590" [label=""];
      "sha256:9335b816abc2f9d9fa3cd9f9d32795fc888eae6006a0f95c1554b48754eba8d1" -> "sha256:fa8b10e9b51db70933905af88f496ee2f45b054022fca647efd98eb1e8831590" [label=""];
    }
    "#);
}
