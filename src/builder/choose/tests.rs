//! The order, wish by wish, and what is refused.

use super::super::buildx::{Builder, Current, Engine, Node};
use super::*;

const ROOTLESS: &str = "/run/user/7/buildkit/buildkitd.sock";

fn store() -> Store {
    let node = |name: &str| Node {
        name: name.to_owned(),
        endpoint: "far".to_owned(),
        ..Node::default()
    };
    let builder = |name: &str, driver: &str, nodes: Vec<Node>| {
        let builder = Builder {
            name: name.to_owned(),
            driver: driver.to_owned(),
            nodes,
        };
        (name.to_owned(), Ok(builder))
    };
    let far = Engine {
        host: "tcp://far.test:2376".to_owned(),
        ..Engine::default()
    };
    Store {
        folder: PathBuf::from("/home/me/.docker/buildx"),
        current: Some(Ok(Current {
            key: "far".to_owned(),
            name: "one".to_owned(),
            global: false,
        })),
        builders: [
            builder("one", "docker-container", vec![node("one0")]),
            builder("two", "docker-container", vec![node("two0"), node("two1")]),
            ("broken".to_owned(), Err("cannot read it".to_owned())),
        ]
        .into(),
        contexts: ["far".to_owned()].into(),
        engines: [("far".to_owned(), far)].into(),
        context: "far".to_owned(),
        engine: "unix:///var/run/docker.sock".to_owned(),
        ..Store::default()
    }
}

fn wishes() -> Wishes {
    let text = |text: &str| Some(text.to_owned());
    Wishes {
        addr: text("tcp://a:1"),
        builder: text("Two"),
        buildx_builder: text("one"),
        buildkit_host: text("tcp://b:1"),
        runtime_dir: Some(PathBuf::from("/run/user/7")),
    }
}

#[test]
fn the_nearest_wish_wins() {
    let (mut wishes, mut store) = (wishes(), store());
    let chosen = |wishes: &Wishes, store: &Store, socket: &str| {
        let choice = choose(wishes, store, |path| path == Path::new(socket)).unwrap();
        let address = choice.address.unwrap_or_else(|| "-".to_owned());
        format!("{address} ({})", choice.origin)
    };
    let mut lines = vec![chosen(&wishes, &store, SYSTEM_SOCKET)];
    wishes.addr = None;
    lines.push(chosen(&wishes, &store, SYSTEM_SOCKET));
    wishes.builder = None;
    lines.push(chosen(&wishes, &store, SYSTEM_SOCKET));
    wishes.buildx_builder = Some(String::new());
    lines.push(chosen(&wishes, &store, SYSTEM_SOCKET));
    wishes.buildkit_host = Some(String::new());
    lines.push(chosen(&wishes, &store, SYSTEM_SOCKET));
    store.current = None;
    lines.push(chosen(&wishes, &store, SYSTEM_SOCKET));
    store.context = "default".to_owned();
    lines.push(chosen(&wishes, &store, "/var/run/docker.sock"));
    lines.push(chosen(&wishes, &store, SYSTEM_SOCKET));
    lines.push(chosen(&wishes, &store, ROOTLESS));
    lines.push(chosen(&wishes, &store, "/none"));
    insta::assert_snapshot!(lines.join("\n"), @"
    tcp://a:1 (--addr)
    docker-container://buildx_buildkit_two0?context=far (Two of --builder)
    docker-container://buildx_buildkit_one0?context=far (one of BUILDX_BUILDER)
    tcp://b:1 (BUILDKIT_HOST)
    docker-container://buildx_buildkit_one0?context=far (one of docker buildx use)
    docker-engine://far?host=tcp://far.test:2376 (Docker Engine)
    docker-engine://default?host=unix:///var/run/docker.sock (Docker Engine)
    unix:///run/buildkit/buildkitd.sock (default socket)
    unix:///run/user/7/buildkit/buildkitd.sock (default socket)
    - (managed builder)
    ");
}

#[test]
fn what_was_passed_over_is_told() {
    let wishes = Wishes {
        runtime_dir: Some(PathBuf::from("/run/user/7")),
        ..Wishes::default()
    };
    let mut store = store();
    store.current = None;
    store.context = "default".to_owned();
    let choice = choose(&wishes, &store, |_| false).unwrap();
    assert_eq!(choice.otherwise, None);
    insta::assert_snapshot!(choice.passed.join("\n"), @"
    no --addr, --builder, BUILDX_BUILDER or BUILDKIT_HOST
    docker buildx use: no builder in /home/me/.docker/buildx
    Docker Engine: no /var/run/docker.sock
    default socket: no /run/buildkit/buildkitd.sock
    default socket: no /run/user/7/buildkit/buildkitd.sock
    ");
}

#[test]
fn the_managed_daemon_can_be_asked_for() {
    for by_flag in [true, false] {
        let name = Some(MANAGED.to_owned());
        let wishes = Wishes {
            builder: name.clone().filter(|_| by_flag),
            buildx_builder: name,
            buildkit_host: Some("tcp://b:1".to_owned()),
            ..Wishes::default()
        };
        let choice = choose(&wishes, &store(), |_| true).unwrap();
        assert_eq!(choice, Choice::managed());
    }
}

#[test]
fn all_nodes_of_a_builder_are_known() {
    let wishes = Wishes {
        builder: Some("two".to_owned()),
        ..Wishes::default()
    };
    let choice = choose(&wishes, &store(), |_| true).unwrap();
    let names: Vec<&str> = choice.nodes.iter().map(|node| node.node.as_str()).collect();
    assert_eq!(names, ["two0", "two1"]);
    assert_eq!(choice.address, Some(choice.nodes[0].address.to_string()));
}

#[test]
fn builders_that_cannot_be_used_are_refused() {
    let refusal = |name: &str| {
        let wishes = Wishes {
            builder: Some(name.to_owned()),
            ..Wishes::default()
        };
        choose(&wishes, &store(), |_| true).unwrap_err().to_string()
    };
    insta::assert_snapshot!(["three", "broken"].map(refusal).join("\n"), @r#"
    there is no builder "three" (of --builder) in /home/me/.docker/buildx
    cannot read it
    "#);
    let mut store = store();
    store.current = Some(Err("cannot read current".to_owned()));
    let refused = choose(&Wishes::default(), &store, |_| true).unwrap_err();
    assert_eq!(
        refused,
        ChoiceError::Store("cannot read current".to_owned())
    );
}

#[test]
fn an_engine_that_nobody_chose_may_be_passed_over() {
    let mut store = store();
    store.current = None;
    let wishes = Wishes::default();
    let engine = choose(&wishes, &store, |_| false).unwrap();
    assert_eq!(engine.origin, Origin::DockerEngine);
    let next = engine.otherwise.unwrap();
    assert_eq!(next.origin, Origin::Managed);
    assert!(next.passed[2].starts_with("Docker Engine: "), "{next:?}");
    // A context that is not there is no reason to build nowhere.
    store.context = "gone".to_owned();
    let choice = choose(&wishes, &store, |_| false).unwrap();
    assert_eq!(choice.origin, Origin::Managed);
    let told = "Docker Engine: Docker context \"gone\": there is no such Docker context";
    assert_eq!(choice.passed[2], told);
}

#[test]
fn an_engine_is_named_by_its_context_or_address() {
    let addresses = ["default", "far"].map(|name| {
        let wishes = Wishes {
            builder: Some(name.to_owned()),
            ..Wishes::default()
        };
        let choice = choose(&wishes, &store(), |_| false).unwrap();
        assert_eq!(choice.otherwise, None);
        choice.address.unwrap()
    });
    let wishes = Wishes {
        addr: Some("docker-engine://".to_owned()),
        ..Wishes::default()
    };
    let current = choose(&wishes, &store(), |_| false).unwrap();
    let far = "docker-engine://far?host=tcp://far.test:2376";
    let default = "docker-engine://default?host=unix:///var/run/docker.sock";
    assert_eq!(addresses, [default, far]);
    assert_eq!(current.address.as_deref(), Some(far));
}
