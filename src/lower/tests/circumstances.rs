//! What a caller asks of every step.

use super::*;
use crate::llb::{Network, ProxyEnv};

#[test]
fn circumstances_reach_the_steps_that_they_concern() {
    let project = Project::new([
        ("go.mod", GO_MOD_UUID),
        ("go.sum", GO_SUM),
        ("main.go", USES_UUID),
    ]);
    let plan = project.plan();
    let mut presented = presented(&plan);
    presented.circumstances = Circumstances {
        cache_namespace: "team".to_owned(),
        network: Network::Host,
        hosts: vec![("proxy".to_owned(), [10, 0, 0, 1].into())],
        proxy: Some(ProxyEnv {
            https: "http://proxy:3128".to_owned(),
            ..ProxyEnv::default()
        }),
    };
    let binaries = compile_all(&plan, &presented).unwrap();
    let json = binaries.root(0).unwrap().marshal().to_json().to_string();
    assert!(json.contains("team/gobuild/go-build"), "{json}");
    assert!(!json.contains("\"gobuild/go-build"), "{json}");
    for told in ["10.0.0.1", "http://proxy:3128"] {
        assert_eq!(json.matches(told).count(), 1, "{told} in {json}");
    }
}
