//! From a builder of buildx to the address of one of its daemons.
//!
//! Source: docker/buildx `driver/driver.go` (names of containers), `driver/remote/factory.go`
//! (credentials), `driver/kubernetes/{factory.go,context/load.go,manifest/manifest.go}`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Builder, Node};
use crate::buildkit::transport::{
    Address, AddressError, DockerContainer, DockerEngine, KubePod, TlsFiles,
};
use crate::oci::Platform;

/// What buildx puts before a node's name to name its container.
const CONTAINER: &str = "buildx_buildkit_";

/// Why a builder of buildx cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// A Docker context leads to no engine.
    #[error("Docker context {name:?}: {why}")]
    Context {
        /// The context.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Its driver is none that is known.
    #[error("builder {name:?} has the driver {driver:?}, which gobuild does not know")]
    Driver {
        /// The builder.
        name: String,
        /// The driver.
        driver: String,
    },
    /// It has no daemon.
    #[error("builder {name:?} has no node")]
    Empty {
        /// The builder.
        name: String,
    },
    /// A setting of one of its nodes makes no sense.
    #[error("node {node:?} of builder {name:?}: {why}")]
    Setting {
        /// The builder.
        name: String,
        /// The node.
        node: String,
        /// What is wrong.
        why: String,
    },
}

/// Where a daemon of a builder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the node.
    pub node: String,
    /// Its address.
    pub address: Address,
    /// Its credentials.
    pub tls: Option<TlsFiles>,
    /// Platforms that it was created for; none where the daemon is to say.
    pub platforms: Vec<Platform>,
}

impl Builder {
    /// Returns the builder's daemons, one at least.
    ///
    /// # Errors
    /// One of them cannot be used, or there is none.
    pub(crate) fn places(&self) -> Result<Vec<Place>, NodeError> {
        let places = self.nodes.iter().map(|node| self.place(node));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        match places.is_empty() {
            true => Err(NodeError::Empty {
                name: self.name.clone(),
            }),
            false => Ok(places),
        }
    }

    fn place(&self, node: &Node) -> Result<Place, NodeError> {
        let name = self.name.clone();
        let (address, tls) = match self.driver.as_str() {
            "docker-container" => (node.container(), None),
            "remote" => {
                let address = node.endpoint.parse();
                let address = address.map_err(|error: AddressError| self.fault(node, error))?;
                (
                    address,
                    node.credentials().map_err(|why| self.fault(node, why))?,
                )
            }
            "kubernetes" => (node.pod().map_err(|why| self.fault(node, why))?, None),
            "docker" => (node.engine(), None),
            driver => {
                let driver = driver.to_owned();
                return Err(NodeError::Driver { name, driver });
            }
        };
        Ok(Place {
            node: node.name.clone(),
            address,
            tls,
            platforms: node.platforms(),
        })
    }

    fn fault(&self, node: &Node, why: impl ToString) -> NodeError {
        NodeError::Setting {
            name: self.name.clone(),
            node: node.name.clone(),
            why: why.to_string(),
        }
    }
}

impl Node {
    /// Returns the platforms that it was created for.
    fn platforms(&self) -> Vec<Platform> {
        let own = self.platforms.iter().flatten();
        own.map(|own| Platform::new(&own.os, &own.architecture, Some(&own.variant)))
            .collect()
    }

    fn option(&self, key: &str) -> Option<&str> {
        let value = self.driver_opts.as_ref()?.get(key)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Returns its container. The endpoint is a Docker context, or the address of an engine.
    fn container(&self) -> Address {
        let endpoint = Some(self.endpoint.clone()).filter(|endpoint| !endpoint.is_empty());
        let is_address = self.endpoint.contains("://");
        Address::DockerContainer(DockerContainer {
            name: format!("{CONTAINER}{}", self.name),
            context: endpoint.clone().filter(|_| !is_address),
            host: endpoint.filter(|_| is_address),
        })
    }

    /// Returns the engine whose own BuildKit it is, of a Docker context or at an address.
    fn engine(&self) -> Address {
        let endpoint = Some(self.endpoint.clone()).filter(|endpoint| !endpoint.is_empty());
        let is_address = self.endpoint.contains("://");
        Address::DockerEngine(DockerEngine {
            context: endpoint.clone().filter(|_| !is_address),
            host: endpoint.filter(|_| is_address),
        })
    }

    /// Returns the credentials of a remote daemon; none for a plain connection.
    fn credentials(&self) -> Result<Option<TlsFiles>, String> {
        let file = |key: &str| match self.option(key).map(PathBuf::from) {
            Some(path) if path.is_relative() => {
                Err(format!("{key}={} is not an absolute path", path.display()))
            }
            path => Ok(path),
        };
        let (ca, certificate, key) = (file("cacert")?, file("cert")?, file("key")?);
        let server_name = self.option("servername").map(str::to_owned);
        let wanted =
            ca.is_some() || certificate.is_some() || key.is_some() || server_name.is_some();
        if wanted && ca.is_none() {
            return Err("TLS is wanted, but cacert is missing".to_owned());
        }
        if certificate.is_some() != key.is_some() {
            return Err("cert and key belong together, but one of them is missing".to_owned());
        }
        Ok(wanted.then(|| TlsFiles {
            ca,
            identity: certificate.zip(key),
            server_name,
            unverified: false,
        }))
    }

    /// Returns its pod: one of the deployment, or of the stateful set where it has a volume.
    fn pod(&self) -> Result<Address, String> {
        let group = match self.option("persistent-volume-claim.requests.storage") {
            Some(_) => "statefulset",
            None => "deployment",
        };
        let endpoint = url::Url::parse(&self.endpoint).ok();
        let endpoint = endpoint.filter(|endpoint| endpoint.scheme() == "kubernetes");
        let query: BTreeMap<String, String> = endpoint
            .iter()
            .flat_map(|endpoint| endpoint.query_pairs().into_owned())
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let pod = KubePod {
            pod: format!("{group}/{}", self.name.replace('_', "-")),
            namespace: self.option("namespace").map(str::to_owned),
            kubeconfig: query.get("kubeconfig").cloned(),
            ..KubePod::default()
        };
        // What the store holds is checked as what a user types.
        let address: Result<Address, AddressError> = Address::KubePod(pod).to_string().parse();
        address.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::NodePlatform;
    use super::*;

    fn node(name: &str, endpoint: &str, options: &[(&str, &str)]) -> Node {
        let options = options
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Node {
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            platforms: None,
            driver_opts: Some(options.collect()),
        }
    }

    fn builder(driver: &str, nodes: Vec<Node>) -> Builder {
        Builder {
            name: "team".to_owned(),
            driver: driver.to_owned(),
            nodes,
        }
    }

    fn told(driver: &str, node: Node) -> String {
        match builder(driver, vec![node]).places() {
            Ok(places) => places[0].address.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_driver_has_its_address() {
        let claim = ("persistent-volume-claim.requests.storage", "10G");
        let kube = "kubernetes:///team?deployment=team_0&kubeconfig=%2Fk%2Fconfig";
        insta::assert_snapshot!(
            [
                told("docker-container", node("team0", "unix:///var/run/docker.sock", &[])),
                told("docker-container", node("team0", "far", &[("network", "host")])),
                told("remote", node("team0", "tcp://far:1234", &[])),
                told("remote", node("team0", "ssh://me@far", &[])),
                told("remote", node("team0", "npipe:////./pipe/b", &[])),
                told("remote", node("team0", "tcp://far:1234", &[("cert", "/c.pem")])),
                told("remote", node("team0", "tcp://far:1234", &[("cacert", "c.pem")])),
                told("kubernetes", node("team_0", kube, &[("namespace", "ci")])),
                told("kubernetes", node("team0", "", &[claim])),
                told("docker", node("default", "default", &[])),
                told("cloud", node("team0", "", &[])),
            ].join("\n"),
            @r#"
        docker-container://buildx_buildkit_team0?host=unix:///var/run/docker.sock
        docker-container://buildx_buildkit_team0?context=far
        tcp://far:1234
        ssh://me@far
        node "team0" of builder "team": address "npipe:////./pipe/b" has the unknown scheme "npipe" (known: unix, tcp, docker-container, docker-engine, podman-container, kube-pod, ssh)
        node "team0" of builder "team": TLS is wanted, but cacert is missing
        node "team0" of builder "team": cacert=c.pem is not an absolute path
        kube-pod://deployment/team-0?namespace=ci&kubeconfig=/k/config
        kube-pod://statefulset/team0
        docker-engine://default
        builder "team" has the driver "cloud", which gobuild does not know
        "#
        );
    }

    #[test]
    fn credentials_of_a_remote_daemon_are_its_own() {
        let options = [
            ("cacert", "/ca.pem"),
            ("cert", "/c.pem"),
            ("key", "/k.pem"),
            ("servername", "far.test"),
        ];
        let remote = builder("remote", vec![node("team0", "tcp://far:1", &options)]);
        let tls = TlsFiles {
            ca: Some(PathBuf::from("/ca.pem")),
            identity: Some((PathBuf::from("/c.pem"), PathBuf::from("/k.pem"))),
            server_name: Some("far.test".to_owned()),
            unverified: false,
        };
        assert_eq!(remote.places().unwrap()[0].tls, Some(tls));
    }

    #[test]
    fn platforms_of_a_node_are_normalized() {
        let mut arm = node("arm", "", &[]);
        arm.platforms = Some(vec![NodePlatform {
            os: "linux".to_owned(),
            architecture: "arm64".to_owned(),
            variant: "v8".to_owned(),
        }]);
        let builder = builder("docker-container", vec![node("any", "", &[]), arm]);
        let places = builder.places().unwrap();
        assert_eq!(places[0].platforms, []);
        assert_eq!(places[1].platforms, [Platform::linux("arm64")]);
    }
}
