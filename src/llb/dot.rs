//! A definition as a Graphviz digraph, e.g. for `dot -Tsvg`.
//!
//! A node per vertex, labelled with its display name, or what BuildKit would derive from the op;
//! an edge from each input to its user, labelled with the mount it becomes. Shapes are those of
//! `buildctl debug dump-llb --dot`.

use std::fmt::{self, Write};

use buildkit_proto::pb;

use super::definition::{Definition, VertexView};
use super::metadata::CUSTOM_NAME;

impl Definition {
    /// Returns the graph in the DOT language.
    #[must_use]
    pub fn to_dot(&self) -> String {
        Dot(self).to_string()
    }
}

struct Dot<'a>(&'a Definition);

impl fmt::Display for Dot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("digraph {\n")?;
        for vertex in self.0.vertices() {
            let (name, shape) = describe(&vertex.op);
            let name = custom_name(&vertex).unwrap_or(&name);
            let digest = vertex.digest;
            writeln!(f, "  \"{digest}\" [label={} shape={shape}];", Quoted(name))?;
        }
        for vertex in self.0.vertices() {
            for (position, input) in vertex.op.inputs.iter().enumerate() {
                let label = mount_point(&vertex.op, position);
                let (from, to) = (Quoted(&input.digest), vertex.digest);
                writeln!(f, "  {from} -> \"{to}\" [label={}];", Quoted(&label))?;
            }
        }
        f.write_str("}\n")
    }
}

/// A string as DOT quotes it.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

fn custom_name<'a>(vertex: &VertexView<'a>) -> Option<&'a str> {
    let name = vertex.metadata?.description.get(CUSTOM_NAME)?;
    Some(name.as_str())
}

/// Returns the derived name of an op and the shape of its kind.
fn describe(op: &pb::Op) -> (String, &'static str) {
    match &op.op {
        Some(pb::op::Op::Source(source)) => (source.identifier.clone(), "ellipse"),
        Some(pb::op::Op::Exec(exec)) => {
            let args = exec.meta.as_ref().map(|meta| meta.args.join(" "));
            (args.unwrap_or_default(), "box")
        }
        Some(pb::op::Op::File(file)) => {
            let actions: Vec<String> = file.actions.iter().map(describe_action).collect();
            (actions.join("\n"), "note")
        }
        Some(pb::op::Op::Build(_)) => ("build".to_owned(), "box3d"),
        Some(pb::op::Op::Merge(_)) => ("merge".to_owned(), "invtriangle"),
        Some(pb::op::Op::Diff(_)) => ("diff".to_owned(), "doublecircle"),
        None => ("unknown".to_owned(), "plaintext"),
    }
}

fn describe_action(action: &pb::FileAction) -> String {
    use pb::file_action::Action;
    match &action.action {
        Some(Action::Copy(copy)) => format!("copy {} {}", copy.src, copy.dest),
        Some(Action::Mkfile(mkfile)) => format!("mkfile {}", mkfile.path),
        Some(Action::Mkdir(mkdir)) => format!("mkdir {}", mkdir.path),
        Some(Action::Rm(rm)) => format!("rm {}", rm.path),
        Some(Action::Symlink(link)) => format!("symlink {} {}", link.newpath, link.oldpath),
        None => "unknown".to_owned(),
    }
}

/// Returns where an exec mounts the input at `position`; empty for its root and for other ops.
fn mount_point(op: &pb::Op, position: usize) -> String {
    let Some(pb::op::Op::Exec(exec)) = &op.op else {
        return String::new();
    };
    let mounts = exec.mounts.iter().filter(|mount| {
        usize::try_from(mount.input).is_ok_and(|input| input == position) && mount.dest != "/"
    });
    let destinations: Vec<&str> = mounts.map(|mount| mount.dest.as_str()).collect();
    destinations.join("\n")
}
