//! Against registries that do not answer; those that do are in the integration tests.

#![expect(clippy::disallowed_methods, reason = "a server is made for the test")]

use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::buildkit::session::auth::{CredentialStore, Locations};
use crate::project::ignore;
use crate::project::manifest::FILE_NAME;
use crate::project::tree::TreePath;
use crate::project::tree::disk::DiskTree;
use crate::project::tree::filtered::FilteredTree;

fn digest(digit: char) -> Digest {
    let hex = digit.to_string().repeat(64);
    format!("sha256:{hex}").parse().unwrap()
}

fn registry() -> Registry {
    let credentials = CredentialStore::load(Locations::default()).unwrap();
    Registry::new(Arc::new(credentials), false)
}

fn pushed(cache: &Path, builder: &str) -> Pushed {
    let disk = DiskTree::open(cache.parent().unwrap()).unwrap();
    let manifest = TreePath::new(FILE_NAME);
    let matcher = ignore::load(&disk, &manifest, &TreePath::root()).unwrap();
    let tree = FilteredTree::new(disk, TreePath::root(), matcher);
    let asking = Asking {
        registry: None,
        tree: Arc::new(tree),
        builder: builder.to_owned(),
    };
    Pushed::read(cache, Path::new("/project"), asking)
}

/// A registry that takes connections and does not answer, and what is remembered of a push to it.
struct Case {
    listener: TcpListener,
    cache: tempfile::TempDir,
}

impl Case {
    async fn new() -> Self {
        let case = Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            cache: tempfile::tempdir().unwrap(),
        };
        let outcome = Outcome {
            name: "app".to_owned(),
            digest: Some(digest('d').to_string()),
            ..Outcome::default()
        };
        let known = Known {
            remembered: Some(("app".to_owned(), digest('a'))),
            outcome: None,
        };
        let pushed = pushed(&case.cache.path().join("cache"), "one");
        assert_eq!(
            pushed.completed(vec![known], vec![outcome.clone()]),
            [outcome]
        );
        case
    }

    /// Tells whether the registry is asked by a run this long after the first.
    async fn is_asked(&self, identity: char, builder: &str, later: Duration) -> bool {
        let names = [format!("{}/app:1", self.listener.local_addr().unwrap())];
        let pushed = pushed(&self.cache.path().join("cache"), builder);
        let (now, identity) = (SystemTime::now() + later, digest(identity));
        let registry = registry();
        let found = pushed.find(&registry, "app", &names, &identity, now).await;
        assert_eq!(found, None);
        pushed.remember(BTreeMap::new());
        let asked = timeout(Duration::from_millis(50), self.listener.accept()).await;
        asked.is_ok()
    }
}

#[tokio::test]
async fn a_registry_that_does_not_answer_is_left_alone_for_a_while() {
    let case = Case::new().await;
    assert!(case.is_asked('a', "one", Duration::ZERO).await);
    while timeout(Duration::from_millis(50), case.listener.accept())
        .await
        .is_ok()
    {}
    assert!(!case.is_asked('a', "one", Duration::ZERO).await);
    assert!(case.is_asked('a', "one", SILENCE).await);
}

#[tokio::test]
async fn runs_side_by_side_remember_what_each_has_pushed() {
    let case = Case::new().await;
    let cache = case.cache.path().join("cache");
    let (first, second) = (pushed(&cache, "one"), pushed(&cache, "one"));
    for (run, name) in [(first, "api"), (second, "web")] {
        let image = run.images.get("app").unwrap().clone();
        run.remember(BTreeMap::from([(name.to_owned(), image)]));
    }
    let names: Vec<String> = pushed(&cache, "one").images.into_keys().collect();
    assert_eq!(names, ["api", "app", "web"]);
}

#[tokio::test]
async fn another_image_and_another_builder_are_not_known() {
    let case = Case::new().await;
    assert!(!case.is_asked('b', "one", Duration::ZERO).await);
    assert!(!case.is_asked('a', "another", Duration::ZERO).await);
    assert!(case.is_asked('a', "one", Duration::ZERO).await);
}
