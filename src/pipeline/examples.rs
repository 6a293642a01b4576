//! The plan of every project in `examples/`, compared with the `plan.json` beside it.

#![expect(clippy::disallowed_methods, reason = "the examples are on the disk")]

use std::fs;
use std::path::Path;

use super::{location, project};
use crate::oci::Platform;
use crate::plan::{Caching, Naming, Plan, Request, paths, plan};

/// Returns the plan for steps that run on linux/amd64, with no flags given.
fn planned(folder: &Path) -> Plan {
    let location = location::locate(&[folder.to_owned()], "").unwrap();
    let project = project::read(location, None, None).unwrap();
    plan(Request {
        tree: project.tree.as_ref(),
        project: &project.location.project,
        manifest: &project.manifest,
        workspace: &project.workspace,
        values: &project.values,
        selection: &project.location.selection,
        platforms: &[],
        build_platform: &Platform::linux("amd64"),
        naming: &Naming::default(),
        caching: &Caching {
            helper: Some(vec![format!("{}/gobuild", paths::HELPER)]),
            ..Caching::default()
        },
    })
    .unwrap()
}

#[test]
fn every_example_has_the_plan_of_its_snapshot() {
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut cases = 0;
    for entry in fs::read_dir(examples).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("test.toml").is_file() {
            continue;
        }
        cases += 1;
        let plan = serde_json::to_string_pretty(&planned(&folder)).unwrap() + "\n";
        let snapshot = folder.join("plan.json");
        if update {
            fs::write(&snapshot, &plan).unwrap();
        }
        let expected = fs::read_to_string(&snapshot).unwrap_or_default();
        assert!(
            plan == expected,
            "the plan of {} is not that of its plan.json; if it should change, run \
             `make snapshots` and review the difference; it is now:\n{plan}",
            folder.display()
        );
    }
    assert!(cases >= 7, "only {cases} examples were found");
}

#[test]
fn the_folder_of_a_checkout_is_in_no_plan() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workspace");
    let elsewhere = tempfile::tempdir().unwrap();
    let checkout = elsewhere.path().join("some/where/else");
    copy(&example, &checkout);
    let plan = serde_json::to_string_pretty(&planned(&checkout)).unwrap() + "\n";
    assert_eq!(plan, fs::read_to_string(example.join("plan.json")).unwrap());
}

/// Copies a folder that holds files and folders alone.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap();
        }
    }
}
