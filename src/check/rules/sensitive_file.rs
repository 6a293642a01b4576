//! Files that look like credentials among those that an image or a program carries.

use crate::check::golang::sources;
use crate::check::rule::{At, Raised};
use crate::check::{Level, Rule, Subject};
use crate::project::golang::source::Package;
use crate::project::manifest::KeyPath;
use crate::project::tree::TreePath;

pub(super) static RULE: Rule = Rule {
    name: "SensitiveFile",
    description: "Keys, credentials and repositories should not be copied into an image or embedded in a program",
    level: Level::Warning,
    opt_in: false,
    run,
};

/// Names of files that hold credentials.
const NAMES: [&str; 12] = [
    ".dockerconfigjson",
    ".env",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
];

/// Names of folders that hold credentials, or everything that ever was in the project.
const FOLDERS: [&str; 6] = [".aws", ".docker", ".git", ".gnupg", ".kube", ".ssh"];

/// Ends of names of files that hold nothing but keys.
const KEY_STORES: [&str; 4] = [".jks", ".kdbx", ".p12", ".pfx"];

/// What a private key in PEM has in its first line.
const PRIVATE: &[u8] = b"PRIVATE KEY-----";

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let Some(planned) = subject.planned else {
        return Vec::new();
    };
    let mut raised = Vec::new();
    for view in subject.images() {
        for image in view.platforms() {
            for (index, layer) in image.files.iter().enumerate() {
                let found = layer.inputs.iter().find(|path| is_sensitive(subject, path));
                raised.extend(found.map(|path| {
                    let key = view.key.key("files").index(index);
                    let message = format!("`{key}` copies {path}, which looks like a secret");
                    Raised::at_key(key.key("from"), message)
                        .help("hide it with .dockerignore, or copy the files that are needed")
                }));
            }
        }
    }
    for closure in planned.programs {
        for package in closure.packages.values() {
            let mut embeds = package.embeds.iter();
            let found = embeds.find(|path| is_sensitive(subject, path));
            raised.extend(found.map(|path| embedded(subject, package, path)));
        }
    }
    raised
}

/// Returns the finding of an embedded file. It is placed where the file is embedded: its own lines
/// must not be shown.
fn embedded(subject: &Subject<'_>, package: &Package, path: &TreePath) -> Raised {
    let below = path.below(&package.directory);
    let first = below.iter().flat_map(|below| below.elements().take(1));
    let first: Vec<&str> = first.collect();
    let mut lines = Vec::new();
    for (file, text) in sources(subject, package) {
        for (number, line) in (1..).zip(text.lines()) {
            if line.starts_with("//go:embed") {
                let names = first.iter().any(|first| line.contains(first));
                lines.push((!names, At::Source(file.clone(), number)));
            }
        }
    }
    // The line that names the folder, else the first one: its pattern has wildcards.
    lines.sort_by_key(|(other, _)| *other);
    let place = lines.into_iter().next().map(|(_, at)| at);
    let at = place.unwrap_or_else(|| At::Key(KeyPath::root()));
    let message = format!("{path} looks like a secret, and is embedded in a program");
    Raised::at(at, message).help("hide it with .dockerignore, or narrow the //go:embed pattern")
}

fn is_sensitive(subject: &Subject<'_>, path: &TreePath) -> bool {
    let name = path.name();
    let sample = |rest: &str| matches!(rest, "dist" | "example" | "sample" | "template" | "test");
    let variables = name.strip_prefix(".env.").is_some_and(|rest| !sample(rest));
    let folders = path.elements().any(|element| FOLDERS.contains(&element));
    if NAMES.contains(&name)
        || variables
        || folders
        || KEY_STORES.iter().any(|end| name.ends_with(end))
    {
        return true;
    }
    if !name.ends_with(".pem") && !name.ends_with(".key") {
        return false;
    }
    let text = subject.tree.read(path).ok().flatten();
    text.is_some_and(|text| memchr::memmem::find(&text, PRIVATE).is_some())
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    const COPY: &str = "files = [{ from = \"config\", to = \"/etc/app\" }]";

    #[test]
    fn one_secret_in_a_folder_is_enough() {
        for (path, text) in [
            ("config/.env", ""),
            ("config/.env.production", ""),
            ("config/tls/server.key", "-----BEGIN EC PRIVATE KEY-----\n"),
            ("config/.ssh/known_hosts", ""),
            ("config/store.p12", ""),
        ] {
            Checked::image(COPY).with(path, text).finds(&[&format!(
                "SensitiveFile goimage.toml:4:19 `image[0].files[0]` copies {path}, which looks like a secret"
            )]);
        }
    }

    #[test]
    fn public_and_hidden_files_are_right() {
        Checked::image(COPY)
            .with("config/.env.example", "A=b\n")
            .with("config/ca.pem", "-----BEGIN CERTIFICATE-----\n")
            .with("config/app.toml", "")
            .is_clean();
        Checked::image(COPY)
            .with("config/.env", "")
            .with("config/app.toml", "")
            .with(".dockerignore", "**/.env\n")
            .is_clean();
    }

    #[test]
    fn embedded_secrets_are_named() {
        Checked::image("")
            .with(
                "main.go",
                "package main\n\nimport \"embed\"\n\n//go:embed all:data\nvar data embed.FS\n\nfunc main() { _ = data }\n",
            )
            .with("data/.env", "A=b\n")
            .finds(&["SensitiveFile main.go:5:1 data/.env looks like a secret, and is embedded in a program"]);
    }
}
