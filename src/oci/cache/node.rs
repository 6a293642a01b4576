//! A cache of a builder with several nodes: each node but the first writes a place of its own, since
//! a daemon replaces what is at the place it writes to.

use super::{CacheKind, RemoteCache};
use crate::oci::Reference;

impl RemoteCache {
    /// Returns the cache of one of several nodes beside this one.
    #[must_use]
    pub fn of_node(&self, node: &str) -> Self {
        let mut cache = self.clone();
        let default = match self.kind {
            CacheKind::Registry => {
                if let Some(reference) = self.get("ref").and_then(|name| tagged(name, node)) {
                    cache.attributes.insert("ref".to_owned(), reference);
                }
                return cache;
            }
            CacheKind::Inline => return cache,
            CacheKind::Local => ("tag", "latest"),
            CacheKind::Gha => ("scope", "buildkit"),
            CacheKind::S3 | CacheKind::Azblob => ("name", "buildkit"),
        };
        let (key, default) = default;
        let own = format!("{}-{node}", self.get(key).unwrap_or(default));
        cache.attributes.insert(key.to_owned(), own);
        // It would delete what another node is about to enter.
        cache.attributes.remove("reset");
        cache
    }
}

/// Returns a reference whose tag ends with the node's name; none where a digest settles what it is.
fn tagged(name: &str, node: &str) -> Option<String> {
    let reference: Reference = name.parse().ok()?;
    if reference.digest().is_some() {
        return None;
    }
    let reference = reference.or_latest();
    let tag = format!("{}-{node}", reference.tag()?);
    Some(reference.with_tag(&tag).ok()?.familiar())
}

#[cfg(test)]
mod tests {
    use super::super::{Direction, parse};

    #[test]
    fn every_kind_has_a_place_for_a_node() {
        let given = [
            "r.test/cache",
            "type=registry,ref=r.test/cache:main,mode=max",
            "type=local,dest=/c,reset=true",
            "type=gha,scope=ci",
            "type=s3,bucket=b,region=r",
            "type=azblob,account_url=u,name=n",
        ];
        let own = given.map(|given| {
            let cache = parse(&[given.to_owned()], Direction::Export).unwrap();
            format!("{:?}", cache[0].of_node("team1").attributes)
        });
        insta::assert_snapshot!(own.join("\n"), @r#"
        {"ref": "r.test/cache:latest-team1"}
        {"mode": "max", "ref": "r.test/cache:main-team1"}
        {"dest": "/c", "tag": "latest-team1"}
        {"scope": "ci-team1"}
        {"bucket": "b", "name": "buildkit-team1", "region": "r"}
        {"account_url": "u", "name": "n-team1"}
        "#);
    }
}
