//! From the plan to the graph: each step of a [`Plan`] becomes vertices.
//!
//! Enters: the plan, and [`Presented`], the vertices that stand for its inputs (digest-keyed OCI
//! layouts in the CLI, copies of the build context in the frontend). Leaves: [`Output`]s. Pure: the same plan
//! and the same inputs give the same graph.

mod compile;
mod image;
mod modules;
mod packages;
mod program;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use program::Program;

pub use image::{CopiedFiles, ImageInputs, LoweredImage, binaries, image, rfc3339};

use crate::llb::{
    self, Bind, Cache, ContentCache, Exec, Network, Output, ProxyEnv, Secret, Sharing,
};
use crate::plan::{CompileStep, JOBS_VARIABLE, Plan, VARIABLE_SECRET, paths};

/// Id of the mount that holds `GOCACHE`: its entries are keyed by toolchain, flags and content, so
/// all projects of a builder share one.
const BUILD_CACHE_ID: &str = "gobuild/go-build";

/// Why a plan cannot be lowered.
#[derive(Debug, thiserror::Error)]
pub enum LowerError {
    /// A path or name of the plan is one that no op can carry.
    #[error(transparent)]
    Llb(#[from] llb::Error),
    /// An image holds a binary that no step compiles.
    #[error("an image needs compile step {compile}, which the plan does not have")]
    NoStep {
        /// Index of the step.
        compile: usize,
    },
    /// The inputs are those of another plan.
    #[error("the plan has {steps} compile steps, and there are inputs for {closures}")]
    Inputs {
        /// How many compile steps the plan has.
        steps: usize,
        /// How many closures were presented.
        closures: usize,
    },
    /// A step builds upon one that does not come before it.
    #[error("a step builds upon packages step {after}, which does not come before it")]
    Order {
        /// Index of the step that it builds upon.
        after: usize,
    },
    /// A step runs gobuild, and gobuild was not presented.
    #[error("a step runs gobuild in its container, and there is none to mount")]
    NoHelper,
}

/// What the caller asks of every step beside the plan. None of it changes what a step leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Put before the ids of cache mounts, so that callers share none.
    pub cache_namespace: String,
    /// The network of steps that download.
    pub network: Network,
    /// Further names that those steps know.
    pub hosts: Vec<(String, IpAddr)>,
    /// Proxies that those steps use.
    pub proxy: Option<ProxyEnv>,
}

impl Circumstances {
    /// Returns a cache mount.
    fn cache(&self, id: &str, sharing: Sharing) -> Cache {
        match self.cache_namespace.as_str() {
            "" => Cache::new(id, sharing),
            namespace => Cache::new(format!("{namespace}/{id}"), sharing),
        }
    }

    /// Gives a step the network.
    pub fn online(&self, mut exec: Exec) -> Exec {
        for (name, address) in &self.hosts {
            exec = exec.extra_host(name, *address);
        }
        if let Some(proxy) = &self.proxy {
            exec = exec.proxy(proxy.clone());
        }
        exec.network(self.network)
    }
}

/// Go, as it was presented.
#[derive(Clone, Debug)]
pub enum Toolchain {
    /// A root of which nothing is used but what lies at `/usr/local/go`.
    Tree(Output),
    /// The root that steps run in, with Go at `/usr/local/go`: an image, with a C compiler maybe.
    Root(Output),
}

/// The vertices that stand for a plan's inputs.
#[derive(Clone, Debug)]
pub struct Presented {
    /// What the caller asks of every step.
    pub circumstances: Circumstances,
    /// Go.
    pub toolchain: Toolchain,
    /// The project's certificates for downloads, as a root of their own, where no session lends them.
    pub trust: Option<Output>,
    /// gobuild itself, for steps that run it; none if no step does.
    pub helper: Option<Output>,
    /// The project's module files; none if no step downloads.
    pub module_files: Option<Output>,
    /// Each packages step's files, in the order of [`Plan::packages`]; none if it sees none.
    pub packages: Vec<Option<Output>>,
    /// Each compile step's files, in the order of [`Plan::compiles`].
    pub closures: Vec<Output>,
}

impl Presented {
    /// Begins a step that runs `go`, or gobuild beside it.
    ///
    /// Go's tree alone is mounted into an empty root. A root that is an input would be the lower side
    /// of an overlay, whether it is read-only or not (`PrepareMounts` of BuildKit's
    /// `frontend/gateway/container`), and Linux writes out all that the overlay's file system still
    /// holds in memory before it lets go of one (`ovl_sync_fs`): all that the step has just compiled.
    fn step(&self, plan: &Plan, args: &[String]) -> Exec {
        let platform = plan.build_platform.clone();
        match &self.toolchain {
            Toolchain::Root(root) => Exec::new(Bind::read_only(root), platform, args),
            Toolchain::Tree(tree) => {
                let root = Bind::writable(&Output::scratch());
                let tree = by_definition(tree).selector(paths::GOROOT);
                Exec::new(root, platform, args).bind(paths::GOROOT, tree)
            }
        }
    }

    /// Returns the mount of gobuild itself.
    fn helper(&self) -> Result<Bind, LowerError> {
        let helper = self.helper.as_ref().ok_or(LowerError::NoHelper)?;
        Ok(by_definition(helper))
    }
}

/// Mounts an input read-only, matched in the cache by how it was made rather than by its files.
fn by_definition(input: &Output) -> Bind {
    Bind::read_only(input).content_cache(ContentCache::Off)
}

/// The compile steps of a plan, each with a root that holds just its binary.
#[derive(Clone, Debug)]
pub struct Binaries<'a>(Vec<(&'a CompileStep, Output)>);

impl Binaries<'_> {
    /// Returns the root of one compile step, which holds just its binary.
    ///
    /// # Errors
    /// There is no such step.
    pub fn root(&self, compile: usize) -> Result<&Output, LowerError> {
        self.get(compile).map(|(_, root)| root)
    }

    /// Returns one compile step and its root.
    fn get(&self, compile: usize) -> Result<(&CompileStep, &Output), LowerError> {
        let found = self.0.get(compile).map(|(step, output)| (*step, output));
        found.ok_or(LowerError::NoStep { compile })
    }
}

/// Lowers every step up to the binaries.
///
/// # Errors
/// A path or name of the plan is one that no op can carry, or `presented` does not fit the plan.
pub fn compile_all<'a>(plan: &'a Plan, presented: &Presented) -> Result<Binaries<'a>, LowerError> {
    let (steps, closures) = (plan.compiles.len(), presented.closures.len());
    if steps != closures {
        return Err(LowerError::Inputs { steps, closures });
    }
    let modules = match (&plan.modules, &presented.module_files) {
        (Some(step), Some(files)) => modules::lower(step, plan, presented, files)?,
        _ => BTreeMap::new(),
    };
    let packages = packages::lower(plan, presented, &modules)?;
    let steps = plan.compiles.iter().zip(&presented.closures);
    let outputs = steps.map(|(step, closure)| {
        let modules = modules.get(&step.platform);
        let modules = modules.filter(|_| step.needs_modules);
        let below = step
            .after
            .map(|after| packages::get(plan, &packages, after));
        let inputs = compile::Inputs {
            presented,
            closure,
            modules,
            below: below.transpose()?,
        };
        Ok((step, compile::lower(step, plan, inputs)?))
    });
    Ok(Binaries(outputs.collect::<Result<_, LowerError>>()?))
}

/// Lends an exec the caller's cap on parallel work. A secret's value is no part of the step's key.
/// Where it is lent nothing, BuildKit sets the variable to nothing, which Go takes for none.
fn with_jobs(exec: Exec) -> Exec {
    let secret = format!("{VARIABLE_SECRET}{JOBS_VARIABLE}");
    exec.secret(Secret::env(secret, JOBS_VARIABLE).optional())
}

/// Adds variables to an exec in their own order, which is bytewise.
fn with_env(exec: Exec, env: &BTreeMap<String, String>) -> Exec {
    env.iter()
        .fold(exec, |exec, (name, value)| exec.env(name, value))
}
