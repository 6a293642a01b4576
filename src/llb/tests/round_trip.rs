//! Random graphs: what is marshalled decodes to the same, in an order the daemon can load.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{image, platform};
use crate::llb::{
    Bind, Cache, CopyFrom, Definition, Digest, Exec, FileOp, Metadata, Mkfile, Output, Sharing,
    Timestamp, diff, merge,
};

/// A recipe for one more output, from outputs made before it (taken modulo their number).
#[derive(Clone, Debug)]
enum Step {
    Write {
        base: usize,
        path: String,
        seconds: Option<u32>,
    },
    Copy {
        base: usize,
        source: usize,
        include: Vec<String>,
    },
    Merge(Vec<usize>),
    Diff(usize, usize),
    Run {
        root: usize,
        mount: usize,
        read_only: bool,
        args: Vec<String>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let output = || any::<prop::sample::Index>().prop_map(|index| index.index(1 << 20));
    let text = || "[a-zäß/. \"]{0,8}";
    prop_oneof![
        (output(), text(), any::<Option<u32>>()).prop_map(|(base, path, seconds)| Step::Write {
            base,
            path,
            seconds
        }),
        (output(), output(), prop::collection::vec(text(), 0..3)).prop_map(
            |(base, source, include)| Step::Copy {
                base,
                source,
                include
            }
        ),
        prop::collection::vec(output(), 0..4).prop_map(Step::Merge),
        (output(), output()).prop_map(|(lower, upper)| Step::Diff(lower, upper)),
        (
            output(),
            output(),
            any::<bool>(),
            prop::collection::vec(text(), 1..3)
        )
            .prop_map(|(root, mount, read_only, args)| Step::Run {
                root,
                mount,
                read_only,
                args
            }),
    ]
}

/// Follows the recipes, starting from scratch and an image.
fn follow(steps: &[Step]) -> Output {
    let mut made = vec![Output::scratch(), image()];
    for (position, step) in steps.iter().enumerate() {
        let at = |index: usize| &made[index % made.len()];
        let name = Metadata::named(format!("step {position}"));
        let next = match step {
            Step::Write {
                base,
                path,
                seconds,
            } => {
                let mut file = Mkfile::new(path.as_str(), 0o644, path.as_str());
                if let Some(seconds) = seconds {
                    file = file.timestamp(Timestamp::from_unix_seconds(*seconds));
                }
                FileOp::new(at(*base), file).metadata(name).build().unwrap()
            }
            Step::Copy {
                base,
                source,
                include,
            } => {
                let copy = CopyFrom::new(at(*source), "/", "/").include(include.clone());
                FileOp::new(at(*base), copy).metadata(name).build().unwrap()
            }
            Step::Merge(layers) => merge(layers.iter().map(|layer| at(*layer).clone()), name),
            Step::Diff(lower, upper) => diff(at(*lower), at(*upper), name),
            Step::Run {
                root,
                mount,
                read_only,
                args,
            } => {
                let bind = if *read_only {
                    Bind::read_only
                } else {
                    Bind::writable
                };
                Exec::new(at(*root), platform(), args.clone())
                    .bind("/mnt", bind(at(*mount)))
                    .cache(
                        "/cache",
                        Cache::new("id", Sharing::Shared).seeded(at(*mount)),
                    )
                    .metadata(name)
                    .build()
                    .unwrap()
                    .root()
                    .unwrap()
            }
        };
        made.push(next);
    }
    made.pop().unwrap_or_default()
}

proptest! {
    #[test]
    fn what_is_marshalled_decodes_to_the_same(steps in prop::collection::vec(step(), 0..24)) {
        let definition = follow(&steps).marshal();
        let bytes = definition.to_bytes();
        let decoded = Definition::decode(&bytes).unwrap();
        prop_assert_eq!(&decoded, &definition);
        prop_assert_eq!(decoded.to_bytes(), bytes);
        prop_assert_eq!(follow(&steps).marshal(), definition);
    }

    #[test]
    fn every_vertex_comes_once_and_after_its_inputs(steps in prop::collection::vec(step(), 0..24)) {
        let output = follow(&steps);
        let definition = output.marshal();
        let mut known = BTreeSet::new();
        for vertex in definition.all_ops() {
            prop_assert_eq!(vertex.digest, Digest::of(vertex.bytes));
            for input in &vertex.op.inputs {
                let digest: Digest = input.digest.parse().unwrap();
                prop_assert!(known.contains(&digest));
            }
            prop_assert!(known.insert(vertex.digest));
            prop_assert!(vertex.metadata.is_some());
        }
        let target = definition.vertices().last().map(|vertex| vertex.digest);
        prop_assert_eq!(target, output.digest());
    }
}
