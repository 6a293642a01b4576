//! One build, or one question about a project.

use super::context::Context;
use super::contexts;
use super::environment::Environment;
use super::failure::FrontendError;
use super::options::Options;
use super::own::Own;
use super::present;
use super::project::{self, ContextProject};
use crate::buildkit::gateway::{Gateway, GatewayResult, Warning};
use crate::pipeline::abilities::Abilities;
use crate::pipeline::exports::Shape;
use crate::pipeline::function::{Function, Inputs, Jobs, Wanted};
use crate::plan::{Caching, Lacking, Naming, Plan, Request, paths, plan};
use crate::project::lock;
use crate::project::manifest::{CacheMode, Manifest};

/// A build that has begun: the caller's files are found.
pub struct Frontend {
    gateway: Gateway,
    pub(super) options: Options,
    own: Own,
    pub(super) context: Context,
}

impl Frontend {
    /// Finds the caller's files, and what steps run on.
    ///
    /// # Errors
    /// See [`FrontendError`].
    pub async fn start(
        gateway: Gateway,
        environment: Environment,
        options: Options,
    ) -> Result<Self, FrontendError> {
        let capabilities = gateway.ping().await?;
        let gateway = gateway.translating(Abilities::told(capabilities.llb).translation());
        let context = Context::find(&gateway, &options, &environment.session).await?;
        let worker = capabilities.workers.into_iter().next();
        let platform = worker.and_then(|worker| worker.platforms.into_iter().next());
        let platform = platform.ok_or(FrontendError::NoWorker)?;
        Ok(Self {
            own: Own::read(
                environment.image.as_deref(),
                environment.options.get("source").map(String::as_str),
                &environment.program,
                &platform,
            )?,
            gateway,
            options,
            context,
        })
    }

    /// Builds the one image that is wanted.
    ///
    /// # Errors
    /// See [`FrontendError`].
    pub async fn build(self) -> Result<GatewayResult, FrontendError> {
        let (project, mut plan) = self.planned(self.options.target.as_deref()).await?;
        let named = contexts::apply(&self.options.named, &mut plan)?;
        let unlocked = self.pin(&project, &mut plan)?;
        let warnings = self.options.warnings.iter();
        for warning in warnings.chain(&named).chain(&unlocked) {
            self.warn(warning).await?;
        }
        self.warn_of_arguments(&project).await?;
        self.warn_of_manifest(&project).await?;
        let [image] = plan.images.as_mut_slice() else {
            let names = plan.images.iter().map(|image| image.name.clone());
            return Err(FrontendError::SeveralImages {
                manifest: self.options.manifest().to_owned(),
                names: names.collect(),
            });
        };
        for platform in &mut image.platforms {
            platform.config.labels.extend(self.options.labels.clone());
        }
        let shape = Shape::Image(image.compression);
        lend(&mut plan, &project);
        let circumstances = self.options.circumstances.clone();
        let sources = present::sources(&plan, &self.own, &self.context, &project, circumstances)?;
        let inputs = Inputs {
            sources,
            epoch: self.options.epoch.unwrap_or(0),
            resolve_mode: self.options.resolve_mode,
            no_cache: self.options.no_cache,
            jobs: Jobs::new(project.manifest.build.jobs),
            plan,
        };
        let wanted = Wanted {
            image: 0,
            shape,
            platform: None,
        };
        let result = Function::new(&inputs).build(&self.gateway, wanted).await?;
        Ok(match self.options.index {
            true => result.into_index(),
            false => result,
        })
    }

    /// Pins a plan to what the lock file knows; returns a warning of what that lacks.
    fn pin(
        &self,
        project: &ContextProject,
        plan: &mut Plan,
    ) -> Result<Option<String>, FrontendError> {
        let file = lock::file_name(self.options.manifest());
        let lacking = plan.pin_to(&file, project.lock.as_ref(), self.options.locked)?;
        let proxy = self.options.toolchain_proxy.as_deref();
        if let (Some(locked), Some(proxy)) = (&mut plan.toolchain.locked, proxy) {
            locked.come_from(proxy);
        }
        Ok(lacking.map(|lacking| format!("{lacking}; {}", Lacking::HINT)))
    }

    /// Reads the project.
    pub(super) async fn read(&self, manifest: Manifest) -> Result<ContextProject, FrontendError> {
        let (gateway, own) = (&self.gateway, &self.own);
        project::read(gateway, &self.options, own, &self.context, manifest).await
    }

    /// Returns what a plan is made from; all images, or the one of a name.
    pub(super) fn planning(&self, target: Option<&str>, project: &ContextProject) -> Planning {
        Planning {
            naming: Naming {
                targets: target.into_iter().map(str::to_owned).collect(),
                ..Naming::default()
            },
            caching: Caching {
                helper: Some(self.own.command(paths::HELPER)),
                layers: self.layers(project),
                relay: false,
            },
            options: self.options.clone(),
            own: self.own.clone(),
        }
    }

    /// Reads the project and plans it; all images, or the one of a name.
    pub(super) async fn planned(
        &self,
        target: Option<&str>,
    ) -> Result<(ContextProject, Plan), FrontendError> {
        let project = self.read(project::manifest(&self.context)?).await?;
        let request = self.planning(target, &project);
        let document = self.context.document.clone();
        // It may read files that were not packed, and blocks for them.
        let planning = tokio::task::spawn_blocking(move || {
            let plan = plan(request.request(&project));
            let plan = plan.map_err(|error| FrontendError::plan(&error, document.as_ref()))?;
            Ok((project, plan))
        });
        planning.await.map_err(|_| FrontendError::Died)?
    }

    fn layers(&self, project: &ContextProject) -> bool {
        match self.options.cache.unwrap_or(project.manifest.build.cache) {
            CacheMode::Auto => !self.options.cache_imports.is_empty(),
            CacheMode::Mount => false,
            CacheMode::Layer => true,
        }
    }

    /// Tells the caller something that fails nothing.
    async fn warn(&self, text: &str) -> Result<(), FrontendError> {
        let short = text.to_owned();
        self.send(Warning {
            short,
            ..Warning::default()
        })
        .await
    }

    /// Sends a warning, as one of the vertex that the context comes from.
    pub(super) async fn send(&self, warning: Warning) -> Result<(), FrontendError> {
        let Some(vertex) = self.context.vertex else {
            return Ok(());
        };
        let digest = vertex.to_string();
        Ok(self.gateway.warn(Warning { digest, ..warning }).await?)
    }

    /// Warns of build arguments that nothing in the manifest looks at.
    async fn warn_of_arguments(&self, project: &ContextProject) -> Result<(), FrontendError> {
        let known = project.manifest.environment();
        let unused = self.options.arguments.keys();
        let unused: Vec<&str> = unused
            .map(String::as_str)
            .filter(|name| !known.contains(name))
            .collect();
        if unused.is_empty() {
            return Ok(());
        }
        let names = unused.join(", ");
        self.warn(&format!(
            "build arguments without effect: {names}; the manifest reads them as {{{{ env.NAME }}}}"
        ))
        .await
    }
}

/// Gives the modules step what the command line would lend it.
fn lend(plan: &mut Plan, project: &ContextProject) {
    let private = &project.manifest.modules.private;
    if let (Some(modules), false) = (&mut plan.modules, private.is_empty()) {
        modules
            .env
            .insert("GOPRIVATE".to_owned(), private.join(","));
    }
}

/// What a plan is made from, owned.
pub(super) struct Planning {
    naming: Naming,
    caching: Caching,
    options: Options,
    own: Own,
}

impl Planning {
    pub(super) fn request<'a>(&'a self, project: &'a ContextProject) -> Request<'a> {
        Request {
            tree: project.tree.as_ref(),
            project: &project.root,
            manifest: &project.manifest,
            workspace: &project.workspace,
            values: &project.values,
            selection: &[],
            platforms: &self.options.platforms,
            build_platform: &self.own.platform,
            naming: &self.naming,
            caching: &self.caching,
        }
    }
}
