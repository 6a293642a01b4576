//! `[modules]`: how modules are fetched.

use toml::Spanned;

use super::Resolver;
use crate::project::manifest::error::Problem;
use crate::project::manifest::key::KeyPath;
use crate::project::manifest::model::{Modules, Secret, SecretSource};
use crate::project::manifest::reader::Text;
use crate::project::manifest::schema;
use crate::project::manifest::template::is_variable_name;

const ID_HELP: &str = "an id is made of letters, digits, _ . and -";

impl Resolver<'_> {
    pub(super) fn modules(&mut self, written: &schema::Modules, key: &KeyPath) -> Modules {
        Modules {
            private: self.checked(
                written.private.as_ref(),
                &key.key("private"),
                "a pattern of module paths",
                "write it as \"git.example.com/*\", one pattern an element",
                private_pattern,
            ),
            secrets: self.secrets(written, &key.key("secrets")),
            ssh: self.checked(
                written.ssh.as_ref(),
                &key.key("ssh"),
                "an SSH agent's id",
                "write \"default\" for the agent of SSH_AUTH_SOCK, or the id that `--ssh` gives",
                |id| is_id(id).then_some(()).ok_or("cannot be an id"),
            ),
            ca: self.project_paths(written.ca.as_ref(), &key.key("ca")),
        }
    }

    fn secrets(&mut self, written: &schema::Modules, key: &KeyPath) -> Vec<Secret> {
        let mut secrets: Vec<Secret> = Vec::new();
        let all = written.secrets.as_ref().map(|secrets| secrets.get_ref());
        for (index, secret) in all.into_iter().flatten().enumerate() {
            let key = key.index(index);
            let Some(id) = self.secret_id(secret, &key) else {
                continue;
            };
            if secrets.iter().any(|other| other.id == *id.get_ref()) {
                self.report(
                    Problem::new(
                        format!("`{}` is there twice", key.key("id")),
                        id.span(),
                        "the id of an earlier secret",
                    )
                    .help("give each secret an id of its own"),
                );
            }
            secrets.push(Secret {
                id: id.get_ref().clone(),
                source: self.secret_source(secret.get_ref(), &key),
            });
        }
        secrets
    }

    fn secret_id<'s>(
        &mut self,
        secret: &'s Spanned<schema::Secret>,
        key: &KeyPath,
    ) -> Option<&'s Text> {
        let Some(id) = &secret.get_ref().id else {
            self.report(
                Problem::new(format!("`{key}` has no `id`"), secret.span(), "no id")
                    .help("add the name to mount it under, such as `id = \"netrc\"`"),
            );
            return None;
        };
        if !is_id(id.get_ref()) {
            self.report(
                Problem::new(
                    format!("`{}` cannot name a secret", key.key("id")),
                    id.span(),
                    "cannot be an id",
                )
                .help(ID_HELP),
            );
        }
        Some(id)
    }

    fn secret_source(&mut self, secret: &schema::Secret, key: &KeyPath) -> SecretSource {
        match (&secret.env, &secret.file) {
            (Some(env), Some(file)) => {
                self.report(
                    Problem::new(format!("`{key}` has two sources"), env.span(), "a variable")
                        .also(file.span(), "and a file")
                        .help("keep one of `env` and `file`"),
                );
                SecretSource::Caller
            }
            (Some(env), None) => {
                if !is_variable_name(env.get_ref()) {
                    self.report(
                        Problem::new(
                            format!("`{}` is not a variable's name", key.key("env")),
                            env.span(),
                            "cannot be set in a shell",
                        )
                        .help("write the variable's name, never the secret itself"),
                    );
                }
                SecretSource::Env(env.get_ref().clone())
            }
            (None, Some(file)) => {
                if file.get_ref().is_empty() {
                    self.report(
                        Problem::new(
                            format!("`{}` is empty", key.key("file")),
                            file.span(),
                            "no path",
                        )
                        .help("write the path of the file that holds the secret"),
                    );
                }
                SecretSource::File(file.get_ref().clone())
            }
            (None, None) => SecretSource::Caller,
        }
    }
}

fn private_pattern(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() {
        Err("empty")
    } else if pattern.contains("://") {
        Err("a URL; module paths have no scheme")
    } else if pattern.contains(',') {
        Err("more than one pattern")
    } else if pattern.contains(char::is_whitespace) {
        Err("has a space")
    } else {
        Ok(())
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_single_words() {
        assert!(is_id("netrc") && is_id("git.example-com_1"));
        assert!(!is_id("") && !is_id("a b") && !is_id("a=b") && !is_id("a/b"));
    }
}
