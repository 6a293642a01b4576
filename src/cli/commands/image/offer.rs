//! What this machine offers to the daemon while it builds: credentials, secrets, agents, packages.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Args;
use crate::buildkit::session::secrets::SecretSource;
use crate::buildkit::session::ssh::{SshService, SshSpec};
use crate::cli::{rendering, settings};
use crate::error::Error;
use crate::pipeline::caches::Caches;
use crate::pipeline::project::Project;
use crate::pipeline::run::Offer;
use crate::pipeline::secrets;
use crate::plan::{JOBS_VARIABLE, RELAY, VARIABLE_SECRET};

impl Args {
    /// Collects what this machine offers to the daemon. Secrets and agents are for the step that
    /// downloads modules, but for the cap on compile steps.
    pub(super) fn offer(
        &self,
        project: &Project,
        downloads: bool,
        scopes: Vec<String>,
    ) -> Result<Offer, Error> {
        let mut secrets = match downloads {
            true => self.secrets(project)?,
            false => BTreeMap::new(),
        };
        if let Some(jobs) = self.jobs(project) {
            let value = SecretSource::Literal(jobs.to_string().into_bytes());
            secrets.insert(format!("{VARIABLE_SECRET}{JOBS_VARIABLE}"), value);
        }
        let variables = secrets::variables_file(&secrets);
        secrets.extend(variables);
        let agent = std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from);
        let mut agents = self.ssh.clone();
        for id in project.manifest.modules.ssh.iter().filter(|_| downloads) {
            if agents.iter().all(|agent| agent.id != *id) {
                agents.push(SshSpec {
                    id: id.clone(),
                    socket: None,
                });
            }
        }
        let ssh = SshService::new(&agents, agent.as_deref());
        let mut ssh = ssh.map_err(|error| rendering::usage(&error))?;
        if let Some(relay) = self.caches.relay(scopes)? {
            ssh = ssh.with_handler(RELAY, relay);
        }
        Ok(Offer {
            root: project.location.root.clone(),
            credentials: settings::credentials()?,
            secrets,
            ssh,
            caches: Caches::default(),
            loader: None,
            in_turn: false,
            pushed: None,
        })
    }

    fn secrets(&self, project: &Project) -> Result<BTreeMap<String, SecretSource>, Error> {
        let given = self
            .secret
            .iter()
            .map(|spec| (spec.id.clone(), SecretSource::of(spec)));
        let secrets = secrets::secrets(
            project.tree.as_ref(),
            &project.location.project,
            &project.location.folder(),
            &project.manifest.modules,
            &settings::host()?,
            given.collect(),
        );
        secrets.map_err(|error| rendering::lend(&error))
    }
}
