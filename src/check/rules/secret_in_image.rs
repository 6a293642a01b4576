//! Values that look like credentials in what everyone who pulls the image can read.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::manifest::{KeyPath, Template, Variable};

pub(super) static RULE: Rule = Rule {
    name: "SecretInImage",
    description: "Secrets should not be put into variables, labels, annotations or stamps of an image",
    level: Level::Warning,
    opt_in: false,
    run,
};

/// Words of a name that tell a credential.
const SECRETIVE: [&str; 8] = [
    "apikey",
    "credential",
    "credentials",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "token",
];

/// Words before `key` that make it one.
const KEYS: [&str; 6] = [
    "access",
    "api",
    "encryption",
    "private",
    "secret",
    "signing",
];

/// Words of a name that tell something about a credential, but not the credential.
const HARMLESS: [&str; 26] = [
    "audience",
    "count",
    "dir",
    "directory",
    "disabled",
    "enabled",
    "endpoint",
    "expiry",
    "file",
    "header",
    "id",
    "issuer",
    "length",
    "limit",
    "max",
    "min",
    "mount",
    "name",
    "path",
    "public",
    "size",
    "timeout",
    "ttl",
    "type",
    "uri",
    "url",
];

/// How credentials of common services begin.
const BEGINNINGS: [&str; 9] = [
    "-----BEGIN",
    "AKIA",
    "ghp_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "sk_live_",
    "xoxb-",
    "xoxp-",
];

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    for view in subject.images() {
        for (name, value) in &view.image.env {
            let key = view.key.key("env").key(name);
            raised.extend(check(key, name, value, None));
        }
        for (table, templates) in [
            ("labels", &view.image.labels),
            ("annotations", &view.image.annotations),
        ] {
            for (name, template) in templates {
                let key = view.key.key(table).key(name);
                raised.extend(check(key, name, &template.to_string(), Some(template)));
            }
        }
    }
    let stamps = KeyPath::root().key("go").key("stamp");
    for (name, template) in &subject.manifest.go.stamp {
        let variable = name.rsplit('.').next().unwrap_or(name);
        let value = template.to_string();
        raised.extend(check(stamps.key(name), variable, &value, Some(template)));
    }
    raised
}

fn check(key: KeyPath, name: &str, value: &str, template: Option<&Template>) -> Option<Raised> {
    let variables = template.into_iter().flat_map(Template::variables);
    let passes_on = variables.filter_map(|variable| match variable {
        Variable::Env(name) => Some(name.as_str()),
        _ => None,
    });
    let by_name = is_secretive(name) && !is_plain(value);
    let found = by_name || is_credential(value) || passes_on.into_iter().any(is_secretive);
    found.then(|| {
        let message =
            format!("`{key}` looks like a secret, and who can pull the image can read it");
        Raised::at_key(key, message).help(
            "give it to the container when it starts, as a variable or a mounted file; \
             what only downloads need goes into `secrets` of [modules]",
        )
    })
}

/// Tells from a name whether its value is a credential.
fn is_secretive(name: &str) -> bool {
    let words = words(name);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let key = words
        .windows(2)
        .any(|pair| KEYS.contains(&pair[0].as_str()) && pair[1] == "key");
    (has(&SECRETIVE) || key) && !has(&HARMLESS)
}

/// Splits `API_TOKEN`, `api-token` and `apiToken` into lower-case words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for character in name.chars() {
        let splits = !character.is_alphanumeric() || (lower && character.is_uppercase());
        lower = character.is_lowercase();
        if splits {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
    }
    words
}

/// Tells values that are no credential whatever they are called.
fn is_plain(value: &str) -> bool {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    is_number || matches!(value, "true" | "false") || value.starts_with('/')
}

/// Tells a credential by itself: a URL with a password, a key, a token of a known service.
fn is_credential(value: &str) -> bool {
    let authority = value
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    let user = authority.and_then(|authority| authority.rsplit_once('@'));
    let password = user.and_then(|(user, _)| user.split_once(':'));
    let in_url = password.is_some_and(|(_, password)| {
        // `$PASSWORD` is put in by whoever reads it.
        !password.is_empty() && !password.contains('$')
    });
    in_url || BEGINNINGS.iter().any(|begin| value.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::Checked;

    #[test]
    fn credentials_have_telling_names() {
        for name in [
            "API_TOKEN",
            "DB_PASSWORD",
            "apiToken",
            "aws-secret-access-key",
            "PRIVATE_KEY",
            "signing.key",
            "CREDENTIALS",
        ] {
            assert!(is_secretive(name), "{name}");
        }
        for name in [
            "TOKEN_URL",
            "PASSWORD_FILE",
            "AWS_ACCESS_KEY_ID",
            "KEY",
            "PUBLIC_KEY",
            "MONKEY",
            "tokenizer",
            "SECRET_NAME",
            "PATH",
            "TOKEN_TTL",
        ] {
            assert!(!is_secretive(name), "{name}");
        }
    }

    #[test]
    fn credentials_are_told_by_their_form() {
        assert!(is_credential("postgres://app:hunter2@db/orders"));
        assert!(is_credential("ghp_0123456789"));
        for value in [
            "postgres://app@db:5432/orders",
            "postgres://app:$PASSWORD@db/orders",
            "https://example.com/a:b@c",
            "AK",
        ] {
            assert!(!is_credential(value), "{value}");
        }
    }

    #[test]
    fn every_table_of_an_image_is_looked_at() {
        Checked::of(
            "[go]\nstamp = { \"main.version\" = \"{{ env.CI_TOKEN }}\" }\n\
             [[image]]\n\
             env = { DB_PASSWORD = \"x\", TOKEN = \"\", SECRET = \"/run/secrets/x\" }\n\
             labels = { \"com.example.token\" = \"x\" }\n\
             annotations = { a = \"ghp_x\" }\n",
        )
        .with("main.go", "package main\n\nvar version string\n\nfunc main() {}\n")
        .value("CI_TOKEN", "v1")
        .finds(&[
            "SecretInImage goimage.toml:2:28 `go.stamp.\"main.version\"` looks like a secret, and who can pull the image can read it",
            "SecretInImage goimage.toml:4:23 `image[0].env.DB_PASSWORD` looks like a secret, and who can pull the image can read it",
            "SecretInImage goimage.toml:5:34 `image[0].labels.\"com.example.token\"` looks like a secret, and who can pull the image can read it",
            "SecretInImage goimage.toml:6:21 `image[0].annotations.a` looks like a secret, and who can pull the image can read it",
        ]);
    }
}
