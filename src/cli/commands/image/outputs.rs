//! What is to be written, and what of it is refused before anything is built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Args, Wishes};
use crate::cli::load::loaded;
use crate::cli::rendering;
use crate::error::{Error, Kind};
use crate::oci::exporter::{Destination, Output as Wanted, OutputKind};
use crate::pipeline::exports::{self, Export, Options, Shape};
use crate::plan::Plan;

impl Args {
    /// Returns the outputs that the flags ask for, shorthands among them.
    pub(super) fn outputs(&self) -> Vec<Wanted> {
        let mut outputs = self.output.clone();
        let pushed = |output: &Wanted| output.kind.is_pushed();
        if self.push && !outputs.iter().any(pushed) {
            // `--push --output type=image,…` pushes that image.
            match outputs
                .iter_mut()
                .find(|output| output.kind == OutputKind::Image { push: false })
            {
                Some(image) => image.kind = OutputKind::Image { push: true },
                None => outputs.push(Wanted {
                    kind: OutputKind::Registry,
                    attributes: BTreeMap::new(),
                }),
            }
        }
        if self.project.named_place().is_some() {
            // ko pushes there by this name.
            let before = outputs.len();
            outputs.retain(|output| !pushed(output));
            if outputs.len() < before {
                outputs.push(loaded());
            }
        }
        let loads = |output: &Wanted| output.kind == OutputKind::Load;
        if self.load.is_some() && !outputs.iter().any(loads) {
            outputs.push(loaded());
        }
        outputs
    }

    /// Refuses files whose folder is not there: that would be noticed when all is built and pushed.
    pub(super) fn check_folders(&self, outputs: &[Wanted]) -> Result<(), Error> {
        let archives = outputs.iter().filter_map(|output| match archive(output)? {
            Destination::File(path) => Some(path),
            Destination::Stdout => None,
        });
        let files = [&self.metadata_file, &self.iidfile, &self.image_refs];
        let mut files = archives.chain(files.into_iter().flatten());
        files.try_for_each(|file| check_folder(file))
    }

    /// Returns the solves that make the outputs of a plan.
    pub(super) fn exports(
        &self,
        plan: &Plan,
        wishes: &Wishes,
        options: Options,
    ) -> Result<Vec<Export>, Error> {
        let exports = exports::exports(plan, &wishes.outputs, options);
        let exports = exports.map_err(|error| rendering::usage(&error))?;
        if self.iidfile.is_some() {
            one_image(&exports)?;
        }
        Ok(exports)
    }
}

/// Refuses outputs of images that files are to name, on standard output.
pub(super) fn check_deployed(outputs: &[Wanted]) -> Result<(), Error> {
    if outputs.iter().any(is_stdout) {
        let message = "standard output is where the files go that name the images";
        let error = Error::new(Kind::Usage, message);
        return Err(error.hinted("name a file with dest=PATH".to_owned()));
    }
    let is_image = |output: &Wanted| !matches!(output.kind, OutputKind::Binaries(_));
    match outputs.iter().any(is_image) {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Usage,
            "binaries are no images that files could name",
        )),
    }
}

/// Tells whether an output goes to standard output.
pub(super) fn is_stdout(output: &Wanted) -> bool {
    archive(output) == Some(&Destination::Stdout)
}

/// Returns where an archive goes.
fn archive(output: &Wanted) -> Option<&Destination> {
    match &output.kind {
        OutputKind::OciArchive(destination) | OutputKind::DockerArchive(destination) => {
            Some(destination)
        }
        OutputKind::Registry
        | OutputKind::Image { .. }
        | OutputKind::OciFolder(_)
        | OutputKind::Load
        | OutputKind::Binaries(_) => None,
    }
}

fn check_folder(file: &Path) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(Path::new(""));
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let (file, folder) = (file.display(), folder.display());
    let message = format!("cannot write {file}: there is no folder {folder}");
    Err(Error::new(Kind::Usage, message))
}

/// Refuses to make none or several images where one image's id is to be written.
fn one_image(exports: &[Export]) -> Result<(), Error> {
    let images = exports.iter();
    let images = images.filter(|export| export.shape != Shape::Binaries);
    let images: BTreeSet<usize> = images.map(|export| export.image).collect();
    let are = match images.len() {
        1 => return Ok(()),
        0 => "and only binaries are exported".to_owned(),
        several => format!("and there are {several}"),
    };
    let message = format!("--iidfile holds one image id, {are}");
    Err(Error::new(Kind::Usage, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture::Project;

    #[test]
    fn a_file_without_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for file in [path("a.tar"), "a.tar".into(), "/dev/stdout".into()] {
            assert!(check_folder(&file).is_ok(), "{file:?}");
        }
        let error = check_folder(&path("no/a.tar")).unwrap_err();
        assert_eq!(error.kind, Kind::Usage);
        let says = format!("there is no folder {}\n", path("no").display());
        assert!(error.render().ends_with(&says), "{}", error.render());
    }

    #[test]
    fn an_id_is_written_of_one_image() {
        let plan = |programs: &[(&str, &str)]| {
            let go_mod = ("go.mod", "module example.com/m\n\ngo 1.26.0\n");
            let files = programs.iter().copied().chain([go_mod]);
            Project::new(files).plan()
        };
        let main = "package main\nfunc main() {}\n";
        let one = plan(&[("a/main.go", main)]);
        let two = plan(&[("a/main.go", main), ("b/main.go", main)]);
        let refused = |plan: &Plan, outputs: &[&str]| {
            let outputs: Vec<Wanted> = outputs.iter().map(|text| text.parse().unwrap()).collect();
            let exports = exports::exports(plan, &outputs, Options::default()).unwrap();
            one_image(&exports).err().map(|error| error.render())
        };
        assert_eq!(refused(&one, &[]), None);
        let several = ["type=registry", "type=docker,dest=d.tar", "bin"];
        assert_eq!(refused(&one, &several), None);
        assert_eq!(
            refused(&two, &["type=registry"]).unwrap(),
            "error: --iidfile holds one image id, and there are 2\n"
        );
        assert_eq!(
            refused(&one, &["bin"]).unwrap(),
            "error: --iidfile holds one image id, and only binaries are exported\n"
        );
    }
}
