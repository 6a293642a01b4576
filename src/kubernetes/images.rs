//! Which image of a project a value names.

use super::Value;
use crate::oci::Reference;
use crate::plan::{ImageStep, Plan};
use crate::project::tree::TreePath;

/// An image of a project, with all that it may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name in the plan.
    pub name: String,
    /// Every `name:tag` it is to have.
    pub references: Vec<String>,
    /// Its name before a repository was put there.
    own_name: String,
    programs: Vec<Program>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Program {
    import_path: String,
    /// Its folder in the project; none if it is elsewhere.
    folder: Option<TreePath>,
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
    /// Several images have it.
    #[error("{import_path} is in several images: {}", images.join(", "))]
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
            Self::Ambiguous { .. } => "name the image itself, as the manifest does".to_owned(),
        }
    }
}

impl Image {
    /// Returns the images of a plan, of the project in a folder of its tree; `repository` is what was
    /// put before names without a registry.
    #[must_use]
    pub fn all(plan: &Plan, project: &TreePath, repository: Option<&str>) -> Vec<Self> {
        let images = plan.images.iter();
        images
            .map(|step| Self {
                name: step.name.clone(),
                references: step.references.clone(),
                own_name: own_name(&step.name, repository).to_owned(),
                programs: programs(step, plan, project),
            })
            .collect()
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
        let found = images.iter();
        let found = found.filter(|image| image.programs.iter().any(|one| one.is(import_path)));
        let found: Vec<&Self> = found.collect();
        // That of this program alone, if there is one, was made for it.
        let alone = found.iter().filter(|image| image.programs.len() == 1);
        let alone: Vec<&Self> = alone.copied().collect();
        match (found.as_slice(), alone.as_slice()) {
            ([one], _) | (_, [one]) => Ok(one),
            ([], _) => {
                let known = images.iter().flat_map(|image| &image.programs);
                let mut known: Vec<String> =
                    known.map(|program| program.import_path.clone()).collect();
                known.sort();
                known.dedup();
                Err(NotAnImage::Unknown {
                    import_path: import_path.to_owned(),
                    known,
                })
            }
            (several, _) => Err(NotAnImage::Ambiguous {
                import_path: import_path.to_owned(),
                images: several.iter().map(|image| image.name.clone()).collect(),
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

fn own_name<'a>(name: &'a str, repository: Option<&str>) -> &'a str {
    let prefix = repository.unwrap_or_default().trim_end_matches('/');
    let rest = name.strip_prefix(prefix).filter(|_| !prefix.is_empty());
    rest.and_then(|rest| rest.strip_prefix('/')).unwrap_or(name)
}

fn programs(step: &ImageStep, plan: &Plan, project: &TreePath) -> Vec<Program> {
    let layers = step.platforms.iter().flat_map(|image| &image.binaries);
    let compiles = layers.map(|layer| &plan.compiles[layer.compile]);
    let mut programs: Vec<Program> = compiles
        .map(|compile| Program {
            import_path: compile.import_path.clone(),
            folder: compile.package.below(project),
        })
        .collect();
    programs.sort();
    programs.dedup();
    programs
}

#[cfg(test)]
mod tests {
    use super::super::Manifests;
    use super::*;
    use crate::plan::fixture::Project;

    const MAIN: &str = "package main\nfunc main() {}\n";
    const MANIFEST: &str = "[[image]]\nname = \"all\"\ntags = [\"1\"]\nbinaries = [\"./a\", \"./b\"]\n\
                            [[image]]\nname = \"reg.test/one\"\nbinaries = [\"./a\"]\n\
                            [[image]]\nname = \"c\"\nbinaries = [\".\"]\n";

    /// Returns the name of the image that a line names, or why it names none.
    fn named(line: &str) -> Result<Option<String>, NotAnImage> {
        let mut project = Project::new([
            ("go.mod", "module example.com/m\n\ngo 1.26.0\n"),
            ("goimage.toml", MANIFEST),
            ("main.go", MAIN),
            ("a/main.go", MAIN),
            ("b/main.go", MAIN),
        ]);
        project.naming.repository = Some("reg.test/team/".to_owned());
        let images = Image::all(
            &project.plan(),
            &project.folder,
            project.naming.repository.as_deref(),
        );
        let manifests = Manifests::parse(format!("image: {line}\n")).unwrap();
        let image = Image::named(&images, &manifests.values()[0])?;
        Ok(image.map(|image| image.name.clone()))
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
    fn ko_names_programs() {
        let image = |line: &str| named(line).unwrap().unwrap();
        assert_eq!(image("ko://example.com/m/b"), "reg.test/team/all");
        assert_eq!(image("ko://./b"), "reg.test/team/all");
        // In two images, one of them its own.
        assert_eq!(image("ko://example.com/m/a"), "reg.test/one");
        assert_eq!(image("ko://."), "reg.test/team/c");
        assert_eq!(image("ko://example.com/m"), "reg.test/team/c");
        let unknown = named("ko://example.com/m/d").unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "example.com/m/d is no program of any image of this project"
        );
        let known = "there are example.com/m, example.com/m/a, example.com/m/b";
        assert_eq!(unknown.hint(), known);
    }
}
