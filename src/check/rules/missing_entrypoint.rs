//! An entrypoint that names no file of the image.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject, View};
use crate::plan::PlatformImage;
use crate::project::manifest::Base;

pub(super) static RULE: Rule = Rule {
    name: "MissingEntrypoint",
    description: "The entrypoint should be a file of the image",
    level: Level::Warning,
    opt_in: false,
    run,
};

/// Where a name without a slash is looked for if the image does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const SHELLS: [&str; 4] = ["sh", "bash", "ash", "busybox"];

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    subject.images().iter().filter_map(check).collect()
}

fn check(view: &View<'_>) -> Option<Raised> {
    let (key, command) = match &view.image.entrypoint {
        None => return None,
        Some(entrypoint) if entrypoint.is_empty() => ("cmd", &view.image.cmd),
        Some(entrypoint) => ("entrypoint", entrypoint),
    };
    let program = command.first()?;
    let mut known = view.platforms().filter(|image| {
        let bare = matches!(image.base, Base::Static | Base::Scratch);
        bare && image.platform.os == "linux"
    });
    let without =
        known.find(|image| !candidates(image, program).any(|path| holds(image, &path)))?;
    let key = view.key.key(key);
    let message = format!("`{key}` starts {program}, which is not in the image");
    let name = program.rsplit('/').next().unwrap_or(program);
    let binaries: Vec<&str> = without
        .binaries
        .iter()
        .map(|binary| binary.path.as_str())
        .collect();
    let help = if SHELLS.contains(&name) {
        "the base has no shell; write the program and its arguments as elements of their own"
            .to_owned()
    } else {
        format!("programs of the image: {}", binaries.join(", "))
    };
    Some(Raised::at_key(key.index(0), message).help(help))
}

/// Returns the paths that a container's runtime would try.
fn candidates(image: &PlatformImage, program: &str) -> impl Iterator<Item = String> {
    let config = &image.config;
    let folders = if program.starts_with('/') {
        vec![""]
    } else if program.contains('/') {
        vec![config.workdir.as_deref().unwrap_or("/")]
    } else {
        let path = config.env.get("PATH").map_or(PATH, String::as_str);
        path.split(':').collect()
    };
    let program = program.trim_start_matches("./");
    let paths = folders.into_iter().map(|folder| match folder {
        "" => program.to_owned(),
        folder => format!("{}/{program}", folder.trim_end_matches('/')),
    });
    paths.collect::<Vec<_>>().into_iter()
}

fn holds(image: &PlatformImage, path: &str) -> bool {
    let binary = image.binaries.iter().any(|binary| binary.path == path);
    let copied = image.files.iter().any(|layer| {
        if !layer.directory {
            return layer.to == path;
        }
        let below = path.strip_prefix(layer.to.trim_end_matches('/'));
        let below = below.and_then(|below| below.strip_prefix('/'));
        below.is_some_and(|below| layer.inputs.contains(&layer.from.join(below)))
    });
    binary || copied
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    #[test]
    fn a_wrong_path_is_found() {
        Checked::image("entrypoint = [\"/app\"]").finds(&[
            "MissingEntrypoint goimage.toml:4:15 `image[0].entrypoint` starts /app, which is not in the image",
        ]);
        Checked::image("entrypoint = [\"sh\", \"-c\", \"m\"]").finds(&[
            "MissingEntrypoint goimage.toml:4:15 `image[0].entrypoint` starts sh, which is not in the image",
        ]);
        Checked::image("entrypoint = []\ncmd = [\"n\"]").finds(&[
            "MissingEntrypoint goimage.toml:5:8 `image[0].cmd` starts n, which is not in the image",
        ]);
    }

    #[test]
    fn binaries_and_copied_files_are_there() {
        for image in [
            "",
            "entrypoint = [\"/usr/local/bin/m\"]",
            "entrypoint = [\"m\"]",
            "entrypoint = [\"bin/m\"]\nworkdir = \"/usr/local\"",
            "entrypoint = []",
            "base = \"r.test/base:1\"\nentrypoint = [\"/bin/sh\"]",
        ] {
            Checked::image(image).is_clean();
        }
        Checked::image("entrypoint = [\"/opt/run\"]\nfiles = [{ from = \"opt\", to = \"/opt\" }]")
            .with("opt/run", "")
            .is_clean();
    }
}
