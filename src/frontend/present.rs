//! Brings a plan's inputs into the graph where no client serves layouts.
//!
//! - Sources: one step copies every set of files that some step sees out of the build context.
//!   What follows takes its set's folder by content: an edit elsewhere leaves it as it was.
//! - Toolchain: an image; an archive that the daemon downloads, where the lock file has its digest;
//!   else a step that has the frontend's own `go` command fetch and check the toolchain module, as the
//!   command line does on its machine.
//! - The built-in base and its parts: steps that run gobuild, which carries them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use oci_spec::image::Digest;

use super::context::Context;
use super::failure::FrontendError;
use super::own::{GO, Own};
use super::project::ContextProject;
use crate::base::BaseError;
use crate::base::certs::{PemFile, normalized};
use crate::container::files::FileSets;
use crate::content::Store;
use crate::llb::{Bind, Cache, CopyFrom, FileOp, Metadata, Mkfile, Output, Secret, Sharing};
use crate::lower::Circumstances;
use crate::pipeline::present::{BuiltIn, Parts, PresentError, Sources, Toolchain};
use crate::plan::{
    FilesLayer, LENT_VARIABLES, NETRC_SECRET, Plan, TRUST_SECRET, ToolchainSource, VARIABLE_SECRET,
    paths,
};
use crate::project::tree::{Tree as _, TreePath};

/// Folder of the list of files in the step that copies them.
const LISTS: &str = "/run/gobuild/list";
/// Id of the mount that toolchains are downloaded to.
const TOOLCHAINS: &str = "gobuild/toolchains";

type Set = BTreeSet<TreePath>;

/// Presents everything that the steps of `plan` see.
pub(super) fn sources(
    plan: &Plan,
    own: &Own,
    context: &Context,
    project: &ContextProject,
    circumstances: Circumstances,
) -> Result<Sources, FrontendError> {
    let copies = Copies::of(plan, own, &context.root)?;
    let trust = trust(project)?;
    let of = |set: &Set| match set.is_empty() {
        true => Ok(None),
        false => copies.set(set).map(Some),
    };
    let module_files = plan.modules.as_ref().map(|step| of(&step.inputs));
    let packages = plan.packages.iter().map(|step| of(&step.inputs));
    let closures = plan.compiles.iter().map(|step| copies.set(&step.inputs));
    Ok(Sources {
        store: Arc::new(Store::new()),
        toolchain: toolchain(plan, own, &circumstances, trust.as_ref())?,
        trust: trust.as_deref().map(certificates).transpose()?,
        helper: plan.runs_helper().then(|| own.image.clone()),
        module_files: module_files.transpose()?.flatten(),
        packages: packages.collect::<Result<_, _>>()?,
        closures: closures.collect::<Result<_, _>>()?,
        parts: Box::new(FrontendParts {
            own: own.clone(),
            copies,
        }),
        circumstances,
    })
}

/// Sets of project files, each a root of its own.
struct Copies {
    /// What the copying step leaves: a folder for each set.
    copied: Output,
    /// Each set's folder, and what progress displays call it.
    sets: BTreeMap<Set, (usize, String)>,
    known: Mutex<BTreeMap<usize, Output>>,
}

impl Copies {
    fn of(plan: &Plan, own: &Own, context: &Output) -> Result<Self, FrontendError> {
        let mut all = names(plan);
        all.retain(|set, _| !set.is_empty());
        let list = Mkfile::new("/list.json", 0o644, list(all.keys()));
        let list = FileOp::new(&Output::scratch(), list)
            .metadata(Metadata::named("list of files"))
            .build()?;
        let file = format!("{LISTS}/list.json");
        let words = ["files", "--list", &file, "--output", paths::OUTPUT];
        let copied = own
            .step("copy sources".to_owned(), &words)
            .bind(LISTS, Bind::read_only(&list))
            .bind(paths::ROOT, Bind::read_only(context))
            .build()?
            .output(paths::OUTPUT)?;
        Ok(Self {
            copied,
            sets: all
                .into_iter()
                .zip(0..)
                .map(|((set, name), index)| (set, (index, name)))
                .collect(),
            known: Mutex::default(),
        })
    }

    /// Returns a root with one set's files at their project paths.
    fn set(&self, set: &Set) -> Result<Output, crate::llb::Error> {
        let Some((index, name)) = self.sets.get(set) else {
            return Ok(Output::scratch());
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(root) = known.get(index) {
            return Ok(root.clone());
        }
        let copy = CopyFrom::new(&self.copied, format!("/{index}"), "/").contents_only();
        let root = FileOp::new(&Output::scratch(), copy)
            .metadata(Metadata::named(name))
            .build()?;
        known.insert(*index, root.clone());
        Ok(root)
    }
}

/// Returns the sets of files that steps and images see, each named after the first that sees it.
fn names(plan: &Plan) -> BTreeMap<Set, String> {
    let mut sets = BTreeMap::new();
    let mut add = |set: Set, name: String| {
        sets.entry(set).or_insert(name);
    };
    for step in &plan.compiles {
        let name = format!("sources of {} {}", step.binary, step.platform);
        add(step.inputs.clone(), name);
    }
    let modules = plan.modules.iter().map(|step| &step.inputs);
    for inputs in modules.chain(plan.packages.iter().map(|step| &step.inputs)) {
        add(inputs.clone(), "module files".to_owned());
    }
    for image in plan.images.iter().flat_map(|image| &image.platforms) {
        for files in &image.files {
            add(files.inputs.clone(), format!("files of {}", files.from));
        }
        add(
            image.certs.iter().cloned().collect(),
            "certificates".to_owned(),
        );
    }
    sets
}

/// Returns the list that the copying step reads.
fn list<'a>(sets: impl Iterator<Item = &'a Set> + Clone) -> Vec<u8> {
    let paths: BTreeSet<&TreePath> = sets.clone().flatten().collect();
    let places: BTreeMap<&TreePath, usize> = paths.iter().copied().zip(0..).collect();
    let positions = |set: &Set| {
        set.iter()
            .filter_map(|path| places.get(path).copied())
            .collect()
    };
    let list = FileSets {
        paths: paths.iter().map(|path| path.to_string()).collect(),
        sets: sets.map(positions).collect(),
    };
    // Texts and numbers: there is nothing here that JSON could not hold.
    serde_json::to_vec(&list).unwrap_or_default()
}

/// Returns the certificates that the manifest adds for downloads, as PEM.
fn trust(project: &ContextProject) -> Result<Option<String>, FrontendError> {
    let mut bundle = String::new();
    for path in &project.manifest.modules.ca {
        let pem = project.tree.read(path)?;
        let pem = pem.ok_or_else(|| PresentError::Gone { path: path.clone() })?;
        let file = PemFile {
            name: path.as_str(),
            pem: &pem,
        };
        let pem = normalized(file).map_err(|error| PresentError::from(BaseError::from(error)))?;
        bundle.push_str(&pem);
    }
    Ok(Some(bundle).filter(|bundle| !bundle.is_empty()))
}

fn toolchain(
    plan: &Plan,
    own: &Own,
    circumstances: &Circumstances,
    trust: Option<&String>,
) -> Result<Toolchain, FrontendError> {
    let version = &plan.toolchain.version;
    match &plan.toolchain.source {
        ToolchainSource::Image(reference) => Ok(Toolchain::Image(reference.clone())),
        ToolchainSource::Host => Err(FrontendError::HostToolchain),
        ToolchainSource::Proxy => Ok(Toolchain::Tree(match plan.toolchain.download() {
            Some((locked, url)) => own.program().unpacked(locked, url)?,
            None => {
                let locked = plan.toolchain.locked.as_ref();
                let digest = locked.map(|locked| &locked.digest);
                fetched(version, digest, own, circumstances, trust)?
            }
        })),
    }
}

/// Returns a toolchain that the frontend's own `go` command has fetched and checked.
fn fetched(
    version: &str,
    digest: Option<&Digest>,
    own: &Own,
    circumstances: &Circumstances,
    trust: Option<&String>,
) -> Result<Output, FrontendError> {
    let mut words = vec!["toolchain", "--go", version, "--output", paths::OUTPUT];
    if let Some(digest) = digest {
        words.extend(["--digest", digest.as_ref()]);
    }
    let (image, certs) = (paths::HELPER, "/etc/ssl/certs");
    let mut exec = own
        .step(format!("go {version}"), &words)
        .cache(paths::MODULE_CACHE, Cache::new(TOOLCHAINS, Sharing::Shared))
        .env("GOROOT", format!("{image}{GO}"))
        .env("GOENV", "off")
        .env("GOMODCACHE", paths::MODULE_CACHE)
        // It keeps there what it knows of the checksum database.
        .env("GOPATH", paths::TEMPORARY)
        .env("HOME", paths::TEMPORARY)
        .env("NETRC", paths::NETRC)
        .env("PATH", format!("{image}{GO}/bin"))
        .env(
            "SSL_CERT_DIR",
            [paths::TRUST, paths::EXTRA_TRUST, &format!("{image}{certs}")].join(":"),
        );
    if let Some(pem) = trust {
        exec = exec.bind(paths::EXTRA_TRUST, Bind::read_only(&certificates(pem)?));
    }
    for variable in LENT_VARIABLES {
        let id = format!("{VARIABLE_SECRET}{variable}");
        exec = exec.secret(Secret::env(id, variable).optional());
    }
    let bundle = format!("{}/{TRUST_SECRET}.pem", paths::TRUST);
    for (id, target) in [
        (TRUST_SECRET, bundle.as_str()),
        (NETRC_SECRET, paths::NETRC),
    ] {
        exec = exec.secret(Secret::file(id, target).optional());
    }
    Ok(circumstances.online(exec).build()?.output(paths::OUTPUT)?)
}

/// Returns a root with a file of certificates.
fn certificates(pem: &str) -> Result<Output, crate::llb::Error> {
    let file = Mkfile::new("/gobuild-modules-ca.pem", 0o644, pem);
    FileOp::new(&Output::scratch(), file)
        .metadata(Metadata::named("certificates for downloads"))
        .build()
}

/// What images are made of beside binaries.
struct FrontendParts {
    own: Own,
    copies: Copies,
}

impl Parts for FrontendParts {
    fn built_in(&self, part: &BuiltIn) -> Result<Output, PresentError> {
        let mut words = vec!["part", "--output", paths::OUTPUT];
        let mut certificates = Vec::new();
        let mut set = Set::new();
        match part {
            BuiltIn::Base => words.push("static"),
            BuiltIn::TimeZones => words.push("time-zones"),
            BuiltIn::Certs(files) => {
                words.push("certs");
                set.extend(files.iter().cloned());
                certificates.extend(files.iter().map(|file| format!("{}/{file}", paths::ROOT)));
            }
        }
        words.extend(certificates.iter().map(String::as_str));
        let mut exec = self.own.step(format!("write {}", part.name()), &words);
        if !set.is_empty() {
            exec = exec.bind(paths::ROOT, Bind::read_only(&self.copies.set(&set)?));
        }
        Ok(exec.build()?.output(paths::OUTPUT)?)
    }

    fn copied(&self, files: &FilesLayer) -> Result<Output, PresentError> {
        Ok(self.copies.set(&files.inputs)?)
    }
}
