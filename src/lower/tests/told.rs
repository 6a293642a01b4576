//! Graphs decoded and told in lines.

use serde_json::Value;

use crate::llb::Output;

/// Returns the graph as JSON, each digest replaced by the name of the op that has it: only what
/// an op says is of interest, and names tell more than hashes.
pub(super) fn decoded(output: &Output) -> Vec<Value> {
    let json = output.marshal().to_json();
    let ops = json.as_array().unwrap();
    let mut text = json.to_string();
    for (index, op) in ops.iter().enumerate() {
        let name = op["metadata"]["description"]["llb.customname"].as_str();
        let name = name.map_or(format!("#{index}"), str::to_owned);
        text = text.replace(op["digest"].as_str().unwrap(), &name);
    }
    let ops: Vec<Value> = serde_json::from_str(&text).unwrap();
    ops.into_iter().map(|op| op["op"].clone()).collect()
}

/// Returns an exec in lines: its command, where and how it runs, what is mounted.
pub(super) fn exec_lines(op: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(text).collect()
    };
    let (exec, meta) = (&op["exec"], &op["exec"]["meta"]);
    let mut lines = list(&meta["args"]);
    lines.push(format!("cwd {}", text(&meta["cwd"])));
    lines.push(format!("network {}", text(&exec["network"])));
    lines.extend(list(&meta["env"]).iter().map(|pair| format!("env {pair}")));
    for secret in exec["secretenv"].as_array().into_iter().flatten() {
        let optional = if secret["optional"] == true {
            " optional"
        } else {
            ""
        };
        let (name, id) = (text(&secret["name"]), text(&secret["id"]));
        lines.push(format!("secret env {name} of {id}{optional}"));
    }
    for mount in exec["mounts"].as_array().into_iter().flatten() {
        let mut line = format!(
            "mount {} {}",
            text(&mount["mount_type"]),
            text(&mount["dest"])
        );
        if let Some(input) = mount["input"].as_u64() {
            let input = usize::try_from(input).unwrap();
            line.push_str(&format!(" of {}", text(&op["inputs"][input]["digest"])));
        }
        if let Some(output) = mount["output"].as_i64().filter(|&output| output >= 0)
            && mount["mount_type"] == "BIND"
        {
            line.push_str(&format!(" as output {output}"));
        }
        let kinds = ["cache", "secret", "ssh"].map(|kind| &mount[kind]);
        for kind in kinds.into_iter().filter(|kind| !kind.is_null()) {
            let optional = if kind["optional"] == true {
                " optional"
            } else {
                ""
            };
            line.push_str(&format!(" id {}{optional}", text(&kind["id"])));
            if let Some(sharing) = kind["sharing"].as_str() {
                line.push_str(&format!(" {}", sharing.to_lowercase()));
            }
        }
        if mount["readonly"] == true {
            line.push_str(" read-only");
        }
        if !mount["content_cache"].is_null() {
            line.push_str(&format!(" content-cache {}", text(&mount["content_cache"])));
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// Returns the actions of a file op in lines.
pub(super) fn file_lines(op: &Value) -> String {
    let mut lines = Vec::new();
    for action in op["file"]["actions"].as_array().into_iter().flatten() {
        let (name, fields) = ["mkdir", "copy"]
            .into_iter()
            .find_map(|name| Some((name, action[name].as_object()?)))
            .unwrap();
        let fields = fields
            .iter()
            .map(|(name, value)| match (name.as_str(), value) {
                ("owner", owner) => format!("owner {}:{}", owner["user"], owner["group"]),
                (name, Value::String(text)) => format!("{name} {text}"),
                (name, Value::Bool(true)) => name.to_owned(),
                (name, value) => format!("{name} {value}"),
            });
        let fields: Vec<String> = fields.collect();
        lines.push(format!("{name} {}", fields.join(", ")));
    }
    lines.push(format!("of {:?}", taken(op)));
    lines.join("\n")
}

/// Returns the names of the ops that an op takes.
pub(super) fn taken(op: &Value) -> Vec<&str> {
    let inputs = op["inputs"].as_array().into_iter().flatten();
    inputs
        .filter_map(|input| input["digest"].as_str())
        .collect()
}

/// Returns the one op of its kind.
pub(super) fn only<'a>(ops: &'a [Value], kind: &str) -> &'a Value {
    let found: Vec<&Value> = ops.iter().filter(|op| !op[kind].is_null()).collect();
    assert_eq!(found.len(), 1, "{ops:#?}");
    found[0]
}
