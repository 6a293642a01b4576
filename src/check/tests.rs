//! Reports as they are shown, and the table of rules.

use super::fixture::Checked;
use super::lint::lint_result;
use super::{Level, RULES};

/// A project with a warning in the manifest and one in a source file.
fn doubtful() -> Checked {
    Checked::of(
        "# check=error=true\nversion = 1\n\n[[image]]\nname = \"app\"\nuser = \"root\"\n",
    )
    .with(
        "main.go",
        "package main\n\nimport \"embed\"\n\n//go:embed all:data\nvar data embed.FS\n\nfunc main() { _ = data }\n",
    )
    .with("data/.env", "A=b\n")
}

/// A project with an error of the manifest and one of the project's.
fn broken(manifest: &str) -> Checked {
    Checked::of(manifest).with(
        "main.go",
        "package main\n\nimport _ \"example.com/m/none\"\n\nfunc main() {}\n",
    )
}

#[test]
fn a_report_in_words() {
    let report = doubtful().report();
    insta::assert_snapshot!(report.text());
    assert_eq!(report.summary(), "2 warnings");
    assert!(report.fails() && report.errors() == 0);
}

#[test]
fn a_report_in_json() {
    insta::assert_snapshot!(doubtful().report().json().unwrap());
}

#[test]
fn errors_come_first_and_have_their_places() {
    let report = broken("[[image]]\nuser = \"root\"\n").report();
    insta::assert_snapshot!(report.text());
    assert_eq!(report.summary(), "1 error, 1 warning");
    let refused = broken("[go]\ncgo = \"maybe\"\ntag = []\n").report();
    insta::assert_snapshot!(refused.text());
    assert_eq!(refused.summary(), "2 errors");
}

#[test]
fn a_program_that_is_not_there_is_shown_where_it_is_named() {
    let named = |binary: &str| Checked::image(&format!("binaries = [\".\", {binary:?}]"));
    named("./none").finds(&["- goimage.toml:4:18 no Go files in none"]);
    named("./none/...").finds(&["- goimage.toml:4:18 ./none/... matched no main packages"]);
    named("./lib")
        .with("lib/lib.go", "package lib\n")
        .finds(&["- goimage.toml:4:18 package lib in lib is not a main package"]);
}

#[test]
fn a_report_for_buildkit() {
    let result = lint_result(&doubtful().report());
    assert_eq!(result.status, 1);
    insta::assert_snapshot!(result.text);
    insta::assert_json_snapshot!(result.json);
}

#[test]
fn an_error_for_buildkit_has_a_source() {
    let result = lint_result(&broken("[[image]]\nuser = \"root\"\n").report());
    insta::assert_json_snapshot!(result.json);
    let nowhere = Checked::of("").without("main.go").report();
    let result = lint_result(&nowhere);
    let index = result.json["buildError"]["location"]["sourceIndex"].as_u64();
    let source = &result.json["sources"][usize::try_from(index.unwrap()).unwrap()];
    assert_eq!(source["filename"], "goimage.toml");
}

#[test]
fn a_clean_report_says_nothing() {
    let report = Checked::of("version = 1\n").report();
    assert_eq!(
        (report.text().as_str(), report.summary().as_str()),
        ("", "nothing found")
    );
    let result = lint_result(&report);
    assert_eq!((result.status, result.text.as_str()), (0, ""));
}

#[test]
fn a_skipped_rule_is_silent() {
    Checked::of("# check=skip=RootUser\n[[image]]\nuser = \"root\"\n").is_clean();
    Checked::of("# check=skip=all\n[[image]]\nuser = \"root\"\n").is_clean();
}

#[test]
fn every_rule_is_in_order_and_explained() {
    let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let explained = include_str!("../../docs/checks.md");
    let headings = explained
        .lines()
        .filter_map(|line| line.strip_prefix("## "));
    assert_eq!(headings.collect::<Vec<_>>(), names);
    for rule in RULES {
        assert!(explained.contains(rule.description), "{}", rule.name);
        assert!(
            rule.level == Level::Warning || !rule.opt_in,
            "{}",
            rule.name
        );
    }
}
