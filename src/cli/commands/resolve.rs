//! `gobuild resolve`

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::image;
use crate::cli::Outcome;
use crate::cli::output::Output;
use crate::cli::settings;
use crate::error::{Error, Kind, Place};
use crate::kubernetes::{Image, Manifests, Value};
use crate::pipeline::outcome::deployed;
use crate::pipeline::project::Project;

/// Build and push the images that Kubernetes files name; print the files with their digests
///
/// A value names an image as the manifest does, `image: NAME[:TAG]`, or by the main package that it runs, as ko has
/// it: ko://IMPORT/PATH or ko://./FOLDER, under any key. NAME:TAG@sha256:DIGEST takes its place, and nothing
/// else changes. Images that no file names are not built.
///
/// Images are pushed, unless --load or --output says otherwise; what is not pushed is named without a digest.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(mut_arg("file", |file| file.short(None).long("manifest")))]
// The files select the images.
#[command(mut_arg("target", |target| target.hide(true).conflicts_with("filenames")))]
pub(crate) struct Args {
    /// File with YAML or JSON, folder of such files (.yaml, .yml, .json), or - for standard input; repeatable
    #[arg(
        short = 'f',
        long = "filename",
        value_name = "FILENAME",
        required = true
    )]
    filenames: Vec<PathBuf>,
    /// Read folders in folders, too
    #[arg(short = 'R', long)]
    recursive: bool,
    #[command(flatten)]
    image: image::Args,
}

/// A value that names an image and cannot be replaced.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is written with escapes or over several lines; write it plain, on one line")]
struct Disguised(String);

/// A file as it was read.
struct Source {
    /// None for standard input.
    path: Option<PathBuf>,
    manifests: Manifests,
}

pub(crate) fn run(mut args: Args, output: &Output) -> Outcome {
    let wishes = args.image.for_deployment()?;
    let sources = args.sources()?;
    let project = args.image.project.place.project(settings::epoch()?)?;
    let images = images(&args.image, &project)?;
    let mut named = BTreeSet::new();
    for source in &sources {
        for value in source.manifests.values() {
            let image = Image::named(&images, value);
            let image = image.map_err(|error| source.fault(value, &error).hinted(error.hint()))?;
            let Some(image) = image else { continue };
            if !value.is_plain() {
                return Err(source.fault(value, &Disguised(value.text.clone())));
            }
            named.insert(&image.name);
        }
    }
    if named.is_empty() {
        output.warn("no image of this project is named; nothing is built");
        return output.data(resolved(&sources, |_| None).as_bytes());
    }
    args.image.project.set_targets(named.into_iter().cloned());
    image::make(&args.image, &project, &wishes, |built| {
        if !wishes.pushes() {
            output.warn(
                "what is not pushed is named without a digest: its text is the same after every \
                 build, and :latest is always pulled unless imagePullPolicy says otherwise",
            );
        }
        let text = resolved(&sources, |value| {
            let image = Image::named(&images, value).ok()??;
            deployed(built, &image.name)
        });
        output.data(text.as_bytes())
    })
}

/// Returns the images of the project, whichever are to be built.
fn images(args: &image::Args, project: &Project) -> Result<Vec<Image>, Error> {
    let names = args.project.all_names(project)?;
    let naming = args.project.naming();
    let folder = &project.location.project;
    Ok(Image::all(&names, folder, naming.repository.as_deref()))
}

/// Returns all files as one.
fn resolved(sources: &[Source], with: impl Fn(&Value) -> Option<String>) -> String {
    let mut text = String::new();
    for source in sources {
        let next = source.manifests.replaced(&with);
        // A stream that begins with `{` kubectl takes for JSON to its end.
        let is_json = sources.len() > 1 && next.trim_start().starts_with('{');
        if (!text.is_empty() || is_json) && !next.starts_with("---") {
            text.push_str("---\n");
        }
        text.push_str(&next);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

impl Source {
    fn read(path: &Path) -> Result<Self, Error> {
        let path = (path != Path::new("-")).then(|| path.to_owned());
        let mut text = String::new();
        let read = match &path {
            Some(path) => fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
            None => io::stdin().lock().read_to_string(&mut text),
        };
        let name = display(path.as_deref());
        read.map_err(|error| Error::of(Kind::Usage, &error).under(&format!("cannot read {name}")))?;
        let manifests = Manifests::parse(text).map_err(|error| {
            fault(
                path.as_deref(),
                (error.line, error.column),
                &error.to_string(),
            )
        })?;
        Ok(Self { path, manifests })
    }

    fn fault(&self, value: &Value, error: &dyn std::error::Error) -> Error {
        let at = (value.line, value.column);
        fault(self.path.as_deref(), at, &error.to_string())
    }
}

fn display(path: Option<&Path>) -> String {
    path.map_or_else(
        || "standard input".to_owned(),
        |path| path.display().to_string(),
    )
}

fn fault(path: Option<&Path>, (line, column): (usize, usize), message: &str) -> Error {
    let error = Error::new(
        Kind::Project,
        format!("{}:{line}:{column}: {message}", display(path)),
    );
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let place = path.map(|path| Place {
        file: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        line: number(line),
        column: Some(number(column)),
        message: message.to_owned(),
    });
    error.placed(place)
}

impl Args {
    fn sources(&self) -> Result<Vec<Source>, Error> {
        let mut paths = Vec::new();
        for path in &self.filenames {
            match path.is_dir() {
                true => self.all_of(path, &mut paths)?,
                false => paths.push(path.clone()),
            }
        }
        paths.iter().map(|path| Source::read(path)).collect()
    }

    /// Lists the files of a folder that was named: there must be some.
    fn all_of(&self, folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Error> {
        let before = paths.len();
        self.list(folder, paths)?;
        if paths.len() > before {
            return Ok(());
        }
        let message = format!("{} holds no .yaml, .yml or .json file", folder.display());
        let hint = "-R reads the folders in it, too".to_owned();
        let hint = (!self.recursive).then_some(hint);
        Err(Error::new(Kind::Usage, message).hinted(hint))
    }

    /// Lists the files of a folder, sorted.
    fn list(&self, folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Error> {
        let failed = |error: io::Error| {
            let headline = format!("cannot read {}", folder.display());
            Error::of(Kind::Usage, &error).under(&headline)
        };
        let mut entries = fs::read_dir(folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(failed)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            // A link to a folder may lead back here.
            if entry.file_type().map_err(failed)?.is_dir() {
                if self.recursive {
                    self.list(&path, paths)?;
                }
            } else if matches!(extension, Some("yaml" | "yml" | "json")) {
                paths.push(path);
            }
        }
        Ok(())
    }
}
