//! `[build]`: for which platforms, and how.

use super::{Resolver, elements};
use crate::oci::Platform;
use crate::project::manifest::error::{Problem, nearest};
use crate::project::manifest::key::KeyPath;
use crate::project::manifest::model::{Build, CacheMode};
use crate::project::manifest::reader::{List, Text};
use crate::project::manifest::schema;

/// Operating systems and architectures that some Go since 1.21 compiles for (`go tool dist list`).
const PORTS: [(&str, &[&str]); 15] = [
    ("aix", &["ppc64"]),
    ("android", &["386", "amd64", "arm", "arm64"]),
    ("darwin", &["amd64", "arm64"]),
    ("dragonfly", &["amd64"]),
    ("freebsd", &["386", "amd64", "arm", "arm64", "riscv64"]),
    ("illumos", &["amd64"]),
    ("ios", &["amd64", "arm64"]),
    ("js", &["wasm"]),
    (
        "linux",
        &[
            "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle",
            "ppc64", "ppc64le", "riscv64", "s390x",
        ],
    ),
    ("netbsd", &["386", "amd64", "arm", "arm64"]),
    (
        "openbsd",
        &["386", "amd64", "arm", "arm64", "ppc64", "riscv64"],
    ),
    ("plan9", &["386", "amd64", "arm"]),
    ("solaris", &["amd64"]),
    ("wasip1", &["wasm"]),
    ("windows", &["386", "amd64", "arm", "arm64"]),
];

impl Resolver<'_> {
    pub(super) fn build(&mut self, written: &schema::Build, key: &KeyPath) -> Build {
        let default = Build::default();
        Build {
            platforms: self.platforms(written.platforms.as_ref(), &key.key("platforms")),
            jobs: self.jobs(written, &key.key("jobs")),
            cache: self.choice(
                written.cache.as_ref(),
                &key.key("cache"),
                &[
                    ("auto", CacheMode::Auto),
                    ("mount", CacheMode::Mount),
                    ("layer", CacheMode::Layer),
                ],
                default.cache,
            ),
        }
    }

    fn jobs(&mut self, written: &schema::Build, key: &KeyPath) -> Option<u32> {
        let jobs = written.jobs.as_ref()?;
        let number = u32::try_from(*jobs.get_ref())
            .ok()
            .filter(|number| *number > 0);
        if number.is_none() {
            self.report(
                Problem::new(
                    format!("`{key}` must be at least 1"),
                    jobs.span(),
                    "not a number of jobs",
                )
                .help("leave it out for no cap"),
            );
        }
        number
    }

    fn platforms(&mut self, list: Option<&List>, key: &KeyPath) -> Vec<Platform> {
        if let Some(list) = list.filter(|list| list.get_ref().is_empty()) {
            self.report(
                Problem::new(format!("`{key}` is empty"), list.span(), "no platform")
                    .help("leave it out for the builder's own platform"),
            );
        }
        let mut platforms: Vec<Platform> = Vec::new();
        for (index, text) in elements(list).enumerate() {
            let key = key.index(index);
            let Some(platform) = self.platform(text, &key) else {
                continue;
            };
            if platforms.contains(&platform) {
                self.report(
                    Problem::new(
                        format!("`{key}` is there twice"),
                        text.span(),
                        format!("{platform} again"),
                    )
                    .help("remove one of them"),
                );
            } else {
                platforms.push(platform);
            }
        }
        platforms
    }

    /// Reads a platform that Go has a port for.
    pub(super) fn platform(&mut self, text: &Text, key: &KeyPath) -> Option<Platform> {
        let platform = match text.get_ref().parse::<Platform>() {
            Ok(platform) => platform,
            Err(_) => {
                self.report(
                    Problem::new(
                        format!("`{key}` is not a platform"),
                        text.span(),
                        "not of the form os/arch or os/arch/variant",
                    )
                    .help("write it as \"linux/amd64\" or \"linux/arm/v7\""),
                );
                return None;
            }
        };
        match port_help(&platform) {
            None => Some(platform),
            Some(help) => {
                self.report(
                    Problem::new(
                        format!("Go does not compile for {platform}"),
                        text.span(),
                        "no such port",
                    )
                    .help(help),
                );
                None
            }
        }
    }
}

/// Returns what to write instead; `None` if Go has the port.
fn port_help(platform: &Platform) -> Option<String> {
    let Some((os, architectures)) = PORTS.iter().find(|(os, _)| *os == platform.os) else {
        let systems = PORTS.iter().map(|(os, _)| *os);
        return Some(match nearest(&platform.os, systems.clone()) {
            Some(near) => format!("did you mean \"{near}/{}\"?", platform.architecture),
            None => {
                let all: Vec<&str> = systems.collect();
                format!("operating systems are {}", all.join(", "))
            }
        });
    };
    let architecture = platform.architecture.as_str();
    if architectures.contains(&architecture) {
        return None;
    }
    Some(match nearest(architecture, architectures.iter().copied()) {
        Some(near) => format!("did you mean \"{os}/{near}\"?"),
        None => format!("architectures of {os} are {}", architectures.join(", ")),
    })
}
