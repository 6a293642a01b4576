//! `kube-pod://POD`: a buildkitd in a pod of a Kubernetes cluster.
//!
//! Source: BuildKit `client/connhelper/kubepod`. Two things are ours, for the builders of buildx:
//! `kube-pod://deployment/NAME` and `kube-pod://statefulset/NAME`, of which kubectl takes a pod
//! that runs, and `kubeconfig`.

use std::fmt;

use super::AddressError;
use super::command::Launch;
use super::parts::{Parts, write_query};

const FORM: &str = "kube-pod://POD[?context=…&namespace=…&container=…]";

/// What kubectl takes a pod of.
const GROUPS: [&str; 2] = ["deployment", "statefulset"];

/// A pod of a Kubernetes cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct KubePod {
    /// Its name, or `deployment/NAME`, or `statefulset/NAME`.
    pub pod: String,
    /// Context of the kubeconfig; none for the current one.
    pub context: Option<String>,
    /// Namespace; none for the context's own.
    pub namespace: Option<String>,
    /// Container of the pod; none for its first one.
    pub container: Option<String>,
    /// File of contexts; none for kubectl's own.
    pub kubeconfig: Option<String>,
}

impl KubePod {
    pub(super) fn parse(given: &str) -> Result<Self, AddressError> {
        let parts = Parts::of(given, FORM)?;
        parts.name_only()?;
        let host = parts.host()?;
        let name = match parts.path().strip_prefix('/') {
            None => host.clone(),
            Some(name) if GROUPS.contains(&host.as_str()) => name.to_owned(),
            Some(_) => return Err(parts.refuse("a path has no meaning")),
        };
        let pod = if parts.path().is_empty() {
            name.clone()
        } else {
            format!("{host}/{name}")
        };
        let mut query = parts.query(&["context", "namespace", "container", "kubeconfig"])?;
        let pod = Self {
            pod,
            context: query.remove("context"),
            namespace: query.remove("namespace"),
            container: query.remove("container"),
            kubeconfig: query.remove("kubeconfig"),
        };
        let names = [Some(&name), pod.namespace.as_ref(), pod.container.as_ref()];
        if let Some(name) = names.into_iter().flatten().find(|name| !is_name(name)) {
            return Err(parts.refuse(format!("{name:?} is no name in Kubernetes")));
        }
        Ok(pod)
    }

    pub(super) fn launch(&self) -> Launch {
        let flag = |name: &'static str, value: &Option<String>| {
            value.as_ref().map(|value| format!("--{name}={value}"))
        };
        Launch::new("kubectl")
            .args(flag("kubeconfig", &self.kubeconfig))
            .args(flag("context", &self.context))
            .args(flag("namespace", &self.namespace))
            .args(["exec"])
            .args(flag("container", &self.container))
            .args(["-i", &self.pod, "--", "buildctl", "dial-stdio"])
    }
}

fn is_name(name: &str) -> bool {
    let clean =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(clean)
}

impl fmt::Display for KubePod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kube-pod://{}", self.pod)?;
        let pairs = [
            ("context", &self.context),
            ("namespace", &self.namespace),
            ("container", &self.container),
            ("kubeconfig", &self.kubeconfig),
        ];
        write_query(f, &pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_one_that_buildctl_runs() {
        let argv = |given: &str| {
            let pod = KubePod::parse(given).unwrap();
            assert_eq!(pod.to_string(), given);
            pod.launch().to_string()
        };
        insta::assert_snapshot!(
            [
                "kube-pod://buildkitd-0",
                "kube-pod://b?context=far/away&namespace=ci&container=buildkitd",
                "kube-pod://deployment/team0?namespace=ci&kubeconfig=/home/me/k%20b",
                "kube-pod://statefulset/team0",
            ].map(argv).join("\n"),
            @r"
        kubectl exec -i buildkitd-0 -- buildctl dial-stdio
        kubectl --context=far/away --namespace=ci exec --container=buildkitd -i b -- buildctl dial-stdio
        kubectl --kubeconfig=/home/me/k b --namespace=ci exec -i deployment/team0 -- buildctl dial-stdio
        kubectl exec -i statefulset/team0 -- buildctl dial-stdio
        "
        );
    }

    #[test]
    fn what_names_no_pod_is_refused() {
        for given in [
            "kube-pod://",
            "kube-pod://Pod",
            "kube-pod://-pod",
            "kube-pod://pod/other",
            "kube-pod://deployment/a/b",
            "kube-pod://pod?namespace=a_b",
            "kube-pod://pod?container=A",
            "kube-pod://pod?color=red",
        ] {
            let error = KubePod::parse(given).unwrap_err().to_string();
            assert!(error.contains(FORM) && error.contains(given), "{error}");
        }
    }
}
