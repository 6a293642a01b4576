//! Which image of a project a value names.

use super::Value;
use crate::oci::Reference;
use crate::plan::{Named, NamedProgram};
use crate::project::tree::TreePath;

/// An image of a project, with all that it may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name in the plan.
    pub name: String,
    /// Every `name:tag` it is to have.
    references: Vec<String>,
    /// Its name before a repository was put there.
    own_name: String,
    programs: Vec<Program>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    import_path: String,
    /// Its folder in the project; none if it is elsewhere.
    folder: Option<TreePath>,
    /// Whether the image runs it.
    is_run: bool,
}

/// Why a value of ko's names no image.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAnImage {
    /// No image has the program.
    #[error("{import_path} is no program of any image of this project")]
    Unknown {
        /// What was named.
        import_path: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The images that have it run another one.
    #[error("{import_path} is in {}, which runs another program", images.join(", "))]
    NotRun {
        /// What was named.
        import_path: String,
        /// Their names.
        images: Vec<String>,
    },
    /// Several images run it.
    #[error("{import_path} is run by several images: {}", images.join(", "))]
    Ambiguous {
        /// What was named.
        import_path: String,
        /// Their names.
        images: Vec<String>,
    },
}

impl NotAnImage {
    /// Returns what can be done about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { known, .. } => format!("there are {}", known.join(", ")),
            Self::NotRun { .. } => {
                "give it an [[image]] of its own, or name the image itself, as the manifest does"
                    .to_owned()
            }
            Self::Ambiguous { .. } => "name the image itself, as the manifest does".to_owned(),
        }
    }
}

impl Image {
    /// Returns the images of these names, of the project in a folder of its tree; `repository` is what was
    /// put before names without a registry.
    #[must_use]
    pub fn all(named: &[Named], project: &TreePath, repository: Option<&str>) -> Vec<Self> {
        let short = repository.and_then(short);
        let images = named.iter().map(|named| Self {
            name: named.name.clone(),
            references: named.references.clone(),
            own_name: own_name(&named.name, short.as_deref()).to_owned(),
            programs: programs(&named.programs, project),
        });
        images.collect()
    }

    /// Returns the image among `images` that a value names: by one of its programs' import paths in
    /// ko's way, or by its name, with one of its tags or none. A digest is somebody's choice already.
    ///
    /// # Errors
    /// A value of ko's names no program, or one that several images have.
    pub fn named<'a>(images: &'a [Self], value: &Value) -> Result<Option<&'a Self>, NotAnImage> {
        match value.import_path() {
            Some(import_path) => Self::with_program(images, import_path).map(Some),
            None => Ok(images.iter().find(|image| image.is_called(&value.text))),
        }
    }

    fn with_program<'a>(images: &'a [Self], import_path: &str) -> Result<&'a Self, NotAnImage> {
        let has = |image: &&Self| image.programs.iter().any(|one| one.is(import_path));
        let runs = |image: &&Self| {
            let mut programs = image.programs.iter();
            // An entrypoint that is a file of the base may well start the one program that there is.
            let alone = image.programs.len() == 1;
            programs.any(|one| one.is(import_path) && (one.is_run || alone))
        };
        let names = |images: &[&Self]| images.iter().map(|image| image.name.clone()).collect();
        let having: Vec<&Self> = images.iter().filter(has).collect();
        let running: Vec<&Self> = having.iter().copied().filter(runs).collect();
        let own = running.iter().filter(|image| image.programs.len() == 1);
        let own: Vec<&Self> = own.copied().collect();
        let import_path = import_path.to_owned();
        match (having.as_slice(), running.as_slice(), own.as_slice()) {
            // That of this program alone, if there is one, was made for it.
            (_, [one], _) | (_, _, [one]) => Ok(one),
            ([], ..) => {
                let known = images.iter().flat_map(|image| &image.programs);
                let mut known: Vec<String> = known.map(|one| one.import_path.clone()).collect();
                known.sort();
                known.dedup();
                Err(NotAnImage::Unknown { import_path, known })
            }
            (having, [], _) => Err(NotAnImage::NotRun {
                images: names(having),
                import_path,
            }),
            (_, several, _) => Err(NotAnImage::Ambiguous {
                images: names(several),
                import_path,
            }),
        }
    }

    fn is_called(&self, text: &str) -> bool {
        let Ok(named) = text.parse::<Reference>() else {
            return false;
        };
        let name = named.repository().familiar();
        let has_tag = |tag| {
            let tags = self.references.iter();
            let mut tags = tags.filter_map(|reference| Some(reference.rsplit_once(':')?.1));
            tags.any(|known| known == tag)
        };
        named.digest().is_none()
            && (name == self.name || name == self.own_name)
            && named.tag().is_none_or(has_tag)
    }
}

impl Program {
    /// Tells whether it is what was named: its import path, or its folder as `go build` takes it.
    fn is(&self, named: &str) -> bool {
        let is_folder = named == "." || named.starts_with("./");
        let folder = is_folder.then(|| TreePath::new(named));
        named == self.import_path || folder.is_some() && folder == self.folder
    }
}

/// Returns what a repository puts before names, in Docker's short form, which they are in.
fn short(repository: &str) -> Option<String> {
    let probe = format!("{}/x", repository.trim_end_matches('/'));
    let probe: Reference = probe.parse().ok()?;
    let short = probe.repository().familiar();
    Some(short.strip_suffix('x')?.to_owned())
}

fn own_name<'a>(name: &'a str, prefix: Option<&str>) -> &'a str {
    let rest = prefix.and_then(|prefix| name.strip_prefix(prefix));
    rest.unwrap_or(name)
}

fn programs(named: &[NamedProgram], project: &TreePath) -> Vec<Program> {
    let programs = named.iter().map(|program| Program {
        import_path: program.import_path.clone(),
        folder: program.package.below(project),
        is_run: program.is_run,
    });
    programs.collect()
}

#[cfg(test)]
mod tests {
    use super::super::Manifests;
    use super::*;
    use crate::plan::fixture::Project;

    const MAIN: &str = "package main\nfunc main() {}\n";
    const MANIFEST: &str = "[[image]]\nname = \"all\"\ntags = [\"1\"]\nbinaries = [\"./a\", \"./b\"]\n\
                            [[image]]\nname = \"reg.test/one\"\nbinaries = [\"./a\"]\n\
                            [[image]]\nname = \"c\"\nbinaries = [\".\"]\n\
                            entrypoint = [\"/bin/sh\"]\n\
                            [[image]]\nname = \"pair\"\nbinaries = [\"./d\", \"./b\"]\n\
                            entrypoint = [\"/usr/local/bin/b\"]\n";

    /// Returns the name of the image that a line names, or why it names none.
    fn named_in(repository: &str, line: &str) -> Result<Option<String>, NotAnImage> {
        let mut project = Project::new([
            ("go.mod", "module example.com/m\n\ngo 1.26.0\n"),
            ("goimage.toml", MANIFEST),
            ("main.go", MAIN),
            ("a/main.go", MAIN),
            ("b/main.go", MAIN),
            ("d/main.go", MAIN),
        ]);
        project.naming.repository = Some(repository.to_owned());
        let images = Image::all(&project.names(), &project.folder, Some(repository));
        let manifests = Manifests::parse(format!("image: {line}\n")).unwrap();
        let image = Image::named(&images, &manifests.values()[0])?;
        Ok(image.map(|image| image.name.clone()))
    }

    fn named(line: &str) -> Result<Option<String>, NotAnImage> {
        named_in("reg.test/team/", line)
    }

    #[test]
    fn an_image_is_named_with_its_tag_or_without_any() {
        let image = |line: &str| named(line).unwrap();
        let all = Some("reg.test/team/all".to_owned());
        for line in ["all", "all:1", "reg.test/team/all", "reg.test/team/all:1"] {
            assert_eq!(image(line), all, "{line}");
        }
        assert_eq!(image("reg.test/one").as_deref(), Some("reg.test/one"));
        for other in [
            "all:2",
            "one",
            "team/all",
            "reg.test/all",
            "redis:8",
            "\"not an image\"",
            "all@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        ] {
            assert_eq!(image(other), None, "{other}");
        }
    }

    #[test]
    fn a_repository_of_docker_hub_is_short_in_names() {
        for repository in ["docker.io/me", "index.docker.io/me/", "me"] {
            let image = |line: &str| named_in(repository, line).unwrap();
            let all = Some("me/all".to_owned());
            for line in ["all", "me/all", "docker.io/me/all:1"] {
                assert_eq!(image(line), all, "{line} in {repository}");
            }
            assert_eq!(image("docker.io/you/all"), None);
        }
    }

    #[test]
    fn ko_names_programs_that_images_run() {
        let image = |line: &str| named(line).unwrap().unwrap();
        assert_eq!(image("ko://example.com/m/b"), "reg.test/team/pair");
        assert_eq!(image("ko://./b"), "reg.test/team/pair");
        // Run by two images, one of them its own.
        assert_eq!(image("ko://example.com/m/a"), "reg.test/one");
        assert_eq!(image("ko://."), "reg.test/team/c");
        assert_eq!(image("ko://example.com/m"), "reg.test/team/c");
        let not_run = named("ko://./d").unwrap_err();
        assert_eq!(
            not_run.to_string(),
            "./d is in reg.test/team/pair, which runs another program"
        );
        let unknown = named("ko://example.com/m/e").unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "example.com/m/e is no program of any image of this project"
        );
        let known = "there are example.com/m, example.com/m/a, example.com/m/b, example.com/m/d";
        assert_eq!(unknown.hint(), known);
    }
}
