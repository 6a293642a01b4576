//! Which node of a builder builds for which platform.
//!
//! Compilers cross-compile, so any node can build for any platform: what nodes are made for, and
//! what they run on, are preferences. As with buildx a node is only reached for if its declared
//! platforms do not settle it.
//!
//! Source: docker/buildx `build/resolver/driver.go`, which falls back to what a node can emulate
//! before it looks for one that need not.

use super::buildx::NodePlace;
use crate::oci::Platform;

/// Returns the node of each platform if all of them are declared by some node.
#[must_use]
pub fn declared(nodes: &[NodePlace], wanted: &[Platform]) -> Option<Vec<usize>> {
    let declares = |wanted: &Platform| {
        nodes
            .iter()
            .position(|node| node.platforms.contains(wanted))
    };
    wanted.iter().map(declares).collect()
}

/// Returns the node of each platform; `reported` holds what the worker of each node reports, its
/// own platform first.
///
/// The best node is one that was made for the platform, then one that is of it, then those of
/// another variant of its architecture, then one that can run it at all. Of equals, and where
/// there is none, it is the first.
#[must_use]
pub fn assigned(
    nodes: &[NodePlace],
    reported: &[Vec<Platform>],
    wanted: &[Platform],
) -> Vec<usize> {
    let rank = |(node, reported): (&NodePlace, &Vec<Platform>), wanted: &Platform| {
        let akin = |own: &Platform| {
            (own.os.as_str(), own.architecture.as_str())
                == (wanted.os.as_str(), wanted.architecture.as_str())
        };
        let native = reported.first();
        let grounds = [
            node.platforms.contains(wanted),
            native == Some(wanted),
            node.platforms.iter().any(akin),
            native.is_some_and(akin),
            reported.contains(wanted),
        ];
        grounds.iter().position(|holds| *holds)
    };
    let best = |wanted: &Platform| {
        let ranks = nodes.iter().zip(reported).map(|node| rank(node, wanted));
        let ranked = ranks.enumerate().filter_map(|(at, rank)| Some((rank?, at)));
        ranked.min().map_or(0, |(_, at)| at)
    };
    wanted.iter().map(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platforms(names: &[&str]) -> Vec<Platform> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn node(declared: &[&str]) -> NodePlace {
        NodePlace {
            node: "n".to_owned(),
            address: "tcp://far:1".parse().unwrap(),
            tls: None,
            platforms: platforms(declared),
        }
    }

    #[test]
    fn declared_platforms_settle_it_if_they_are_all_there() {
        let nodes = [
            node(&["linux/amd64"]),
            node(&["linux/arm64", "linux/amd64"]),
        ];
        let of = |wanted: &[&str]| declared(&nodes, &platforms(wanted));
        assert_eq!(of(&["linux/arm64", "linux/amd64"]), Some(vec![1, 0]));
        assert_eq!(of(&["linux/arm64", "linux/s390x"]), None);
        assert_eq!(of(&[]), Some(Vec::new()));
    }

    #[test]
    fn else_each_platform_goes_to_the_node_that_is_of_it() {
        let wanted = platforms(&[
            "linux/amd64",
            "linux/arm64",
            "linux/amd64/v3",
            "linux/s390x",
        ]);
        let emulates = platforms(&["linux/amd64", "linux/arm64", "linux/riscv64"]);
        let native = platforms(&["linux/arm64", "linux/arm/v7"]);
        let nodes = [node(&[]), node(&[])];
        let reported = [emulates.clone(), native.clone()];
        assert_eq!(assigned(&nodes, &reported, &wanted), [0, 1, 0, 0]);
        let reported = [native, emulates];
        assert_eq!(assigned(&nodes, &reported, &wanted), [1, 0, 1, 0]);
        let more = platforms(&["linux/riscv64"]);
        assert_eq!(assigned(&nodes, &reported, &more), [1]);
        // What a node is declared for outweighs what it is.
        let nodes = [node(&["linux/amd64"]), node(&["linux/s390x"])];
        assert_eq!(assigned(&nodes, &reported, &wanted), [0, 0, 0, 1]);
    }
}
