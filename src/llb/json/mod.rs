//! A definition as JSON for readers and for `gobuild llb --json`.
//!
//! An array with one `{digest, op, metadata}` per op in order, the terminal op last. Names follow
//! `buildctl debug dump-llb`. What is not set is left out, but a number never is: zero is a value
//! in these messages (see [`super::ops::file`]). Modes are octal, enums named, file content text
//! where it is text.

mod exec;
mod file;

use buildkit_proto::pb;
use serde_json::{Map, Value};

use super::definition::{Definition, VertexView};

impl Definition {
    /// Returns the decoded ops with their digests and metadata.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.all_ops().map(|vertex| vertex_json(&vertex)).collect()
    }
}

fn vertex_json(vertex: &VertexView<'_>) -> Value {
    object([
        ("digest", vertex.digest.to_string().into()),
        ("op", op(&vertex.op)),
        ("metadata", optional(vertex.metadata, metadata)),
    ])
}

/// Returns an object of the fields that are set.
fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let is_set = |value: &Value| match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    };
    let fields = fields.into_iter().filter(|(_, value)| is_set(value));
    let fields: Map<String, Value> = fields.map(|(name, v)| (name.to_owned(), v)).collect();
    fields.into()
}

fn optional<T>(value: Option<&T>, to_json: impl Fn(&T) -> Value) -> Value {
    value.map_or(Value::Null, to_json)
}

fn list<T>(items: &[T], to_json: impl Fn(&T) -> Value) -> Value {
    items.iter().map(to_json).collect()
}

fn strings(items: &[String]) -> Value {
    items.into()
}

fn map<'a, V: Clone + Into<Value> + 'a>(
    entries: impl IntoIterator<Item = (&'a String, &'a V)>,
) -> Value {
    // Not `object`: an empty description is still one.
    let entries = entries.into_iter();
    Value::Object(
        entries
            .map(|(k, v)| (k.clone(), v.clone().into()))
            .collect(),
    )
}

fn octal(mode: impl Into<i64>) -> Value {
    format!("{:04o}", mode.into()).into()
}

fn metadata(entry: &pb::OpMetadata) -> Value {
    object([
        ("ignore_cache", entry.ignore_cache.into()),
        ("description", map(&entry.description)),
        (
            "export_cache",
            // `false` says more than nothing, so it goes into an object as in dump-llb.
            optional(entry.export_cache.as_ref(), |export| {
                Value::Object(Map::from_iter([("value".to_owned(), export.value.into())]))
            }),
        ),
        ("caps", map(&entry.caps)),
        (
            "progress_group",
            optional(entry.progress_group.as_ref(), |group| {
                object([
                    ("id", group.id.as_str().into()),
                    ("name", group.name.as_str().into()),
                    ("weak", group.weak.into()),
                ])
            }),
        ),
    ])
}

fn op(op: &pb::Op) -> Value {
    let (kind, arm) = match &op.op {
        Some(pb::op::Op::Exec(exec)) => ("exec", exec::to_json(exec)),
        Some(pb::op::Op::Source(source)) => ("source", source_json(source)),
        Some(pb::op::Op::File(file)) => ("file", file::to_json(file)),
        Some(pb::op::Op::Build(build)) => ("build", build_json(build)),
        Some(pb::op::Op::Merge(merge)) => ("merge", merge_json(merge)),
        Some(pb::op::Op::Diff(diff)) => ("diff", diff_json(diff)),
        None => ("", Value::Null),
    };
    object([
        ("inputs", list(&op.inputs, input)),
        (kind, arm),
        ("platform", optional(op.platform.as_ref(), platform)),
        (
            "constraints",
            optional(op.constraints.as_ref(), |constraints| {
                object([("filter", strings(&constraints.filter))])
            }),
        ),
    ])
}

fn input(input: &pb::Input) -> Value {
    object([
        ("digest", input.digest.as_str().into()),
        ("index", input.index.into()),
    ])
}

fn platform(platform: &pb::Platform) -> Value {
    object([
        ("os", platform.os.as_str().into()),
        ("architecture", platform.architecture.as_str().into()),
        ("variant", platform.variant.as_str().into()),
        ("os_version", platform.os_version.as_str().into()),
        ("os_features", strings(&platform.os_features)),
    ])
}

fn source_json(source: &pb::SourceOp) -> Value {
    object([
        ("identifier", source.identifier.as_str().into()),
        ("attrs", map(&source.attrs)),
    ])
}

fn merge_json(merge: &pb::MergeOp) -> Value {
    object([("inputs", list(&merge.inputs, |input| input.input.into()))])
}

fn diff_json(diff: &pb::DiffOp) -> Value {
    object([
        (
            "lower",
            optional(diff.lower.as_ref(), |side| side.input.into()),
        ),
        (
            "upper",
            optional(diff.upper.as_ref(), |side| side.input.into()),
        ),
    ])
}

fn build_json(build: &pb::BuildOp) -> Value {
    let inputs = build.inputs.iter();
    object([
        ("builder", build.builder.into()),
        (
            "inputs",
            Value::Object(
                inputs
                    .map(|(name, input)| (name.clone(), input.input.into()))
                    .collect(),
            ),
        ),
        ("attrs", map(&build.attrs)),
    ])
}
