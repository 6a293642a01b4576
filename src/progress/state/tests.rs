use serde_json::json;

use super::*;
use crate::progress::recorded;

fn at(second: u64) -> String {
    format!("2026-01-01T00:00:{second:02}Z")
}

/// A vertex `digest` as a solve reports it.
fn vertex(
    solve: &str,
    digest: &str,
    run: (u64, Option<u64>),
    extra: &[(&str, serde_json::Value)],
) -> Event {
    let mut vertex = json!({
        "digest": digest, "name": format!("step {digest}"), "started": at(run.0),
        "completed": run.1.map(at),
    });
    for (key, value) in extra {
        vertex[*key] = value.clone();
    }
    let status = json!({"vertexes": [vertex]});
    recorded::solve(solve, serde_json::from_value(status).unwrap())
}

fn apply(state: &mut State, event: &Event) -> Vec<Change> {
    state.apply(event, Duration::ZERO)
}

fn only(state: &State) -> &Step {
    let mut shown = state.shown();
    assert_eq!(shown.len(), 1);
    shown.next().unwrap()
}

#[test]
fn steps_are_numbered_by_first_start() {
    let mut state = State::default();
    apply(
        &mut state,
        &recorded::message(json!({"vertexes": [
            {"digest": "c", "name": "waits"},
            {"digest": "b", "name": "second", "started": at(2)},
            {"digest": "a", "name": "first", "started": at(1), "completed": at(1), "cached": true},
        ]})),
    );
    let names: Vec<_> = state
        .shown()
        .map(|step| (step.number, &*step.name))
        .collect();
    assert_eq!(names, [(Some(1), "first"), (Some(2), "second")]);
    let wanted = Counts {
        total: 3,
        running: 1,
        cached: 1,
        ..Counts::default()
    };
    assert_eq!(state.counts(), wanted);
}

#[test]
fn a_repeated_report_changes_nothing() {
    let mut state = State::default();
    let done = vertex("a", "x", (1, Some(3)), &[]);
    let id = StepId(0);
    assert_eq!(
        apply(&mut state, &done),
        [Change::Shown(id), Change::Finished(id)]
    );
    assert_eq!(apply(&mut state, &done), []);
}

#[test]
fn a_vertex_may_start_again() {
    let mut state = State::default();
    let id = StepId(0);
    apply(&mut state, &vertex("a", "x", (1, Some(2)), &[]));
    let again = vertex("a", "x", (5, None), &[]);
    assert_eq!(
        state.apply(&again, Duration::from_secs(10)),
        [Change::Restarted(id)]
    );
    assert_eq!(only(&state).phase, Phase::Running);
    assert_eq!(
        only(&state).elapsed(Duration::from_secs(12)),
        Duration::from_secs(3)
    );
    let end = vertex("a", "x", (5, Some(9)), &[("cached", json!(true))]);
    assert_eq!(apply(&mut state, &end), [Change::Finished(id)]);
    assert_eq!(only(&state).phase, Phase::Cached);
    assert_eq!(only(&state).duration(), Duration::from_secs(5));
}

#[test]
fn solves_share_a_vertex() {
    let cached = [("cached", json!(true))];
    let gave_up = [("error", json!("context canceled"))];
    let mut state = State::default();
    apply(&mut state, &vertex("a", "x", (1, None), &[]));
    apply(&mut state, &vertex("b", "x", (1, None), &[]));
    apply(&mut state, &vertex("b", "x", (1, Some(2)), &gave_up));
    apply(&mut state, &vertex("a", "x", (1, Some(4)), &[]));
    assert_eq!(only(&state).phase, Phase::Done);
    // A stream that lags behind does not start it again, nor does a later hit unbuild it.
    assert_eq!(apply(&mut state, &vertex("c", "x", (1, None), &[])), []);
    assert_eq!(
        apply(&mut state, &vertex("d", "x", (9, Some(9)), &cached)),
        []
    );
    assert_eq!(only(&state).phase, Phase::Done);
    assert_eq!(only(&state).duration(), Duration::from_secs(3));
    assert_eq!(state.counts().built, 1);
}

#[test]
fn what_is_given_up_is_not_failed() {
    let mut state = State::default();
    let error = json!("failed to solve: context canceled");
    apply(
        &mut state,
        &vertex("a", "x", (1, Some(2)), &[("error", error)]),
    );
    assert_eq!(only(&state).phase, Phase::Canceled);
    assert_eq!(state.failures().count(), 0);
}

#[test]
fn a_group_is_one_step() {
    let group = |weak: bool| {
        [(
            "progressGroup",
            json!({"id": "g", "name": "copy files", "weak": weak}),
        )]
    };
    let mut state = State::default();
    apply(&mut state, &vertex("a", "w", (1, Some(1)), &group(true)));
    assert_eq!(state.shown().len(), 0);
    apply(&mut state, &vertex("a", "x", (1, Some(3)), &group(false)));
    apply(&mut state, &vertex("a", "y", (2, None), &group(false)));
    assert_eq!(only(&state).name, "copy files");
    assert_eq!(only(&state).phase, Phase::Running);
    apply(&mut state, &vertex("a", "y", (2, Some(4)), &group(false)));
    assert_eq!(only(&state).phase, Phase::Done);
    assert_eq!(only(&state).duration(), Duration::from_secs(3));
}

#[test]
fn output_of_a_message_precedes_the_end_it_brings() {
    let mut state = State::default();
    let changes = apply(
        &mut state,
        &recorded::message(json!({
            "vertexes": [{"digest": "x", "name": "n", "started": at(1), "completed": at(2)}],
            "logs": [{"vertex": "x", "stream": 2, "data": "bm8gZW5k", "timestamp": at(2)}],
        })),
    );
    assert!(matches!(
        changes.as_slice(),
        [Change::Shown(_), Change::Wrote(_, line), Change::Finished(_)] if line.text == "no end"
    ));
}

#[test]
fn warnings_and_transfers_are_upserts() {
    let mut state = State::default();
    apply(&mut state, &vertex("a", "x", (1, None), &[]));
    let warning = recorded::message(json!({"warnings": [{"vertex": "x", "short": "b2xk"}]}));
    assert_eq!(apply(&mut state, &warning).len(), 1);
    assert_eq!(apply(&mut state, &warning).len(), 0);
    let transfer = |current: i64, second: u64| {
        recorded::message(json!({"statuses": [
            {"id": "l", "vertex": "x", "current": current, "timestamp": at(second)},
        ]}))
    };
    assert_eq!(apply(&mut state, &transfer(5, 2)).len(), 1);
    assert_eq!(apply(&mut state, &transfer(9, 4)).len(), 1);
    assert_eq!(apply(&mut state, &transfer(7, 3)).len(), 0);
    assert_eq!(only(&state).transfers.len(), 1);
    assert_eq!(only(&state).transfers[0].current, 9);
}

#[test]
fn what_belongs_to_no_known_vertex_is_ignored() {
    let mut state = State::default();
    let stray = recorded::message(json!({
        "statuses": [{"id": "l", "vertex": "x", "current": 1, "timestamp": at(1)}],
        "logs": [{"vertex": "x", "stream": 2, "data": "eA==", "timestamp": at(1)}],
        "warnings": [{"vertex": "x", "short": "eA=="}],
    }));
    assert_eq!(apply(&mut state, &stray), []);
    assert_eq!(state.failure_log("x"), None);
}

#[test]
fn the_failed_vertices_tell_what_the_compiler_said() {
    let mut state = State::default();
    for event in recorded::events(recorded::FAILED) {
        apply(&mut state, &event);
    }
    let failures: Vec<&str> = state.failures().collect();
    assert!(!failures.is_empty());
    let log = state.failure_log(failures[0]).unwrap();
    insta::assert_snapshot!(log.join("\n"), @r"
    # example.com/app/cmd/worker
    cmd/worker/main.go:5:27: undefined: undefinedName
    cmd/worker/main.go:5:43: declared and not used: x
    ");
    let errors: Vec<_> = state.shown().filter_map(Step::error).collect();
    assert!(
        errors.iter().all(|&error| error == "exit code: 1"),
        "{errors:?}"
    );
}
