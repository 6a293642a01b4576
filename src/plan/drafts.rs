//! Which images there are to be, what they are called, and which programs each holds.

use std::collections::BTreeMap;

use super::Request;
use super::error::PlanError;
use super::ground::with_ground;
use super::mains::{self, Program};
use super::steps::image::BINARIES;
use crate::oci::{Platform, Reference};
use crate::project::golang::graph::Loader;
use crate::project::manifest::Values;
use crate::project::manifest::names::binary_name;
use crate::project::tree::TreePath;

/// An image before anything of it is planned.
pub(super) struct Draft {
    /// Index of the `[[image]]` that it follows.
    pub(super) written: usize,
    pub(super) name: String,
    pub(super) references: Vec<Reference>,
    pub(super) programs: Vec<Program>,
    /// Values of template variables for it.
    pub(super) values: Values,
}

/// What an image is called, and what it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name in a plan.
    pub name: String,
    /// Every `name:tag` it is to have.
    pub references: Vec<String>,
    /// The programs that it holds.
    pub programs: Vec<NamedProgram>,
}

/// A program of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedProgram {
    /// Import path of the main package.
    pub import_path: String,
    /// Its folder.
    pub package: TreePath,
    /// Whether the image runs it.
    pub is_run: bool,
}

/// Returns what the images of a plan would be called, without what they are made from: closures of
/// programs, files, bases.
///
/// # Errors
/// See [`PlanError`].
pub fn names(request: Request<'_>) -> Result<Vec<Named>, PlanError> {
    let drafts = with_ground(&request, |ground| {
        drafts(&request, &ground.loaders, &ground.values)
    })?;
    let named = drafts.into_iter().map(|draft| {
        let image = &request.manifest.images[draft.written];
        let entrypoint = image
            .entrypoint
            .as_ref()
            .map(|entrypoint| entrypoint.first());
        let programs = draft.programs.iter().enumerate().map(|(index, program)| {
            let path = format!("{BINARIES}/{}", binary_name(&program.main.import_path));
            NamedProgram {
                import_path: program.main.import_path.clone(),
                package: program.main.directory.clone(),
                is_run: match entrypoint {
                    Some(first) => first == Some(&path),
                    None => index == 0,
                },
            }
        });
        Named {
            programs: programs.collect(),
            references: draft.references.iter().map(Reference::familiar).collect(),
            name: draft.name,
        }
    });
    Ok(named.collect())
}

/// Returns the images that are wanted, in the manifest's order.
pub(super) fn drafts(
    request: &Request<'_>,
    loaders: &[(&Platform, Loader<'_>)],
    values: &Values,
) -> Result<Vec<Draft>, PlanError> {
    let programs = |patterns: &[String]| mains::programs(loaders, request.project, patterns);
    let selection = request.selection.iter();
    let selected = selection.map(|pattern| programs(std::slice::from_ref(pattern)));
    let selected: Vec<Vec<Program>> = selected.collect::<Result<_, _>>()?;
    let mut groups: Vec<(usize, Vec<Program>)> = Vec::new();
    for (index, image) in request.manifest.images.iter().enumerate() {
        let everything = ["./...".to_owned()];
        let programs = programs(image.binaries.as_deref().unwrap_or(&everything))?;
        let of_image: Vec<Vec<Program>> = match image.binaries {
            Some(_) => vec![programs],
            None => programs.into_iter().map(|program| vec![program]).collect(),
        };
        let wanted = of_image.into_iter().filter(|group| {
            selected.is_empty() || selected.iter().any(|selected| overlap(selected, group))
        });
        groups.extend(wanted.map(|group| (index, group)));
    }
    let absent = request.selection.iter().zip(&selected);
    let absent = absent.filter(|(_, programs)| {
        let mut groups = groups.iter().map(|(_, group)| group);
        !groups.any(|group| overlap(programs, group))
    });
    let absent: Vec<String> = absent.map(|(pattern, _)| pattern.clone()).collect();
    match absent.is_empty() {
        true => named(request, groups, values),
        false => Err(PlanError::NotInAnyImage { selection: absent }),
    }
}

/// Names the images of these groups of programs; leaves out what is not wanted.
fn named(
    request: &Request<'_>,
    groups: Vec<(usize, Vec<Program>)>,
    values: &Values,
) -> Result<Vec<Draft>, PlanError> {
    let naming = request.naming;
    let mut all = Vec::new();
    for (written, programs) in groups {
        let first = programs.first();
        let first = first.map(|program| binary_name(&program.main.import_path));
        let values = values.with_binary(first.unwrap_or_default());
        let image = &request.manifest.images[written];
        let (name, references) = naming.name(image, &values)?;
        all.push(Draft {
            written,
            name,
            references,
            programs,
            values,
        });
    }
    let names: Vec<String> = all.iter().map(|draft| draft.name.clone()).collect();
    let unknown = naming.unknown(&names);
    let mut drafts: Vec<Draft> = Vec::new();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for draft in all {
        if !naming.wants(&draft.name, &names) {
            continue;
        }
        let paths = draft.programs.iter();
        let paths: Vec<&str> = paths
            .map(|program| program.main.import_path.as_str())
            .collect();
        let (name, second) = (draft.name.clone(), paths.join(", "));
        if let Some(first) = known.insert(name.clone(), second.clone()) {
            return Err(PlanError::SameName {
                name,
                first,
                second,
            });
        }
        if !naming.tags.is_empty() && known.len() > 1 {
            return Err(PlanError::TagsForSeveral);
        }
        drafts.push(draft);
    }
    match unknown.is_empty() {
        true => Ok(drafts),
        false => Err(PlanError::NoTarget { targets: unknown }),
    }
}

/// Tells whether two groups have a program in common.
fn overlap(some: &[Program], others: &[Program]) -> bool {
    let mut some = some.iter().map(|program| &program.main);
    some.any(|main| others.iter().any(|other| other.main == *main))
}
