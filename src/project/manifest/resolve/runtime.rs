//! `[[image]]`: what the container runtime is told.
//!
//! Forms are those of the OCI image config and of the Dockerfile instructions of the same
//! names, less what no image needs (port ranges, relative folders).

use std::collections::BTreeMap;

use super::{Resolver, elements, entries};
use crate::project::manifest::error::{Problem, nearest};
use crate::project::manifest::key::KeyPath;
use crate::project::manifest::reader::{List, Map, Text};

/// Signals that Linux has on every architecture (moby/sys `signal`).
const SIGNALS: [&str; 31] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "KILL", "PIPE",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU",
    "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];

impl Resolver<'_> {
    /// Reads `user[:group]`.
    pub(super) fn user(&mut self, text: Option<&Text>, key: &KeyPath) -> Option<String> {
        let text = text?;
        let given = text.get_ref();
        let (user, group) = match given.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (given.as_str(), None),
        };
        if !is_account(user) || group.is_some_and(|group| !is_account(group)) {
            self.report(
                Problem::new(
                    format!("`{key}` is not a user"),
                    text.span(),
                    "not of the form user or user:group",
                )
                .help("write it as \"65532:65532\" or \"nonroot\""),
            );
        }
        Some(given.clone())
    }

    pub(super) fn environment(
        &mut self,
        map: Option<&Map>,
        key: &KeyPath,
    ) -> BTreeMap<String, String> {
        for (name, value) in entries(map) {
            let given = name.get_ref();
            if given.is_empty() || given.contains(['=', '\0']) {
                self.report(
                    Problem::new(
                        format!("`{}` is not a variable's name", key.key(given)),
                        name.span(),
                        "empty, or with `=` in it",
                    )
                    .help("write it as `NAME = \"value\"`"),
                );
            }
            if value.get_ref().contains('\0') {
                self.report(Problem::new(
                    format!("`{}` has a NUL character", key.key(given)),
                    value.span(),
                    "no variable can hold it",
                ));
            }
        }
        entries(map)
            .map(|(name, value)| (name.get_ref().clone(), value.get_ref().clone()))
            .collect()
    }

    pub(super) fn workdir(&mut self, text: Option<&Text>, key: &KeyPath) -> Option<String> {
        self.absolute(text?, key)
    }

    /// Reads an absolute path of the image, without `..`.
    pub(super) fn absolute(&mut self, text: &Text, key: &KeyPath) -> Option<String> {
        let given = text.get_ref();
        let label = if !given.starts_with('/') {
            "does not start with `/`"
        } else if given.split('/').any(|element| element == "..") {
            "has a `..`"
        } else if given.contains('\0') {
            "has a NUL character"
        } else {
            return Some(given.clone());
        };
        self.report(
            Problem::new(
                format!("`{key}` must be an absolute path"),
                text.span(),
                label,
            )
            .help("write the path in the image, such as \"/etc/app\""),
        );
        None
    }

    pub(super) fn volumes(&mut self, list: Option<&List>, key: &KeyPath) -> Vec<String> {
        elements(list)
            .enumerate()
            .filter_map(|(index, text)| self.absolute(text, &key.index(index)))
            .collect()
    }

    /// Reads `number[/protocol]`, completing the protocol.
    pub(super) fn ports(&mut self, list: Option<&List>, key: &KeyPath) -> Vec<String> {
        let mut ports = Vec::new();
        for (index, text) in elements(list).enumerate() {
            let key = key.index(index);
            match port(text.get_ref()) {
                Ok(port) if !ports.contains(&port) => ports.push(port),
                Ok(port) => self.report(
                    Problem::new(
                        format!("`{key}` is there twice"),
                        text.span(),
                        format!("{port} again"),
                    )
                    .help("remove one of them"),
                ),
                Err(label) => self.report(
                    Problem::new(format!("`{key}` is not a port"), text.span(), label)
                        .help("write it as \"8080\", \"8080/tcp\" or \"53/udp\""),
                ),
            }
        }
        ports
    }

    pub(super) fn signal(&mut self, text: Option<&Text>, key: &KeyPath) -> Option<String> {
        let text = text?;
        let given = text.get_ref();
        if is_signal(given) {
            return Some(given.clone());
        }
        let upper = given.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let help = match nearest(name, SIGNALS) {
            Some(near) => format!("did you mean \"SIG{near}\"?"),
            None => "write a signal's name, such as \"SIGTERM\", or its number".to_owned(),
        };
        self.report(
            Problem::new(
                format!("`{key}` is not a signal"),
                text.span(),
                "no signal of this name or number",
            )
            .help(help),
        );
        None
    }

    /// Reads permission bits in octal digits.
    pub(super) fn mode(&mut self, text: Option<&Text>, key: &KeyPath) -> Option<u32> {
        let text = text?;
        let given = text.get_ref();
        let octal = (3..=5).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_digit());
        let mode = u32::from_str_radix(given, 8)
            .ok()
            .filter(|mode| octal && *mode <= 0o7777);
        if mode.is_none() {
            self.report(
                Problem::new(
                    format!("`{key}` is not a file mode"),
                    text.span(),
                    "not three or four octal digits",
                )
                .help("write it as \"0644\" or \"0755\""),
            );
        }
        mode
    }
}

/// Accepts ids and the names that `useradd` would.
fn is_account(name: &str) -> bool {
    if name.bytes().all(|b| b.is_ascii_digit()) {
        return name.parse::<u32>().is_ok();
    }
    !name.starts_with('-')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

fn port(given: &str) -> Result<String, &'static str> {
    let (number, protocol) = given.split_once('/').unwrap_or((given, "tcp"));
    if number.contains('-') {
        return Err("a range; each port is an element of its own");
    }
    if number.contains(':') {
        return Err("a mapping; which host port it gets is decided when the container starts");
    }
    if !matches!(protocol, "tcp" | "udp" | "sctp") {
        return Err("the protocol is none of tcp, udp and sctp");
    }
    match number.parse::<u16>() {
        Ok(number) if number > 0 => Ok(format!("{number}/{protocol}")),
        _ => Err("not a number from 1 to 65535"),
    }
}

/// Accepts a number, or a name with or without `SIG`, real-time signals included.
fn is_signal(given: &str) -> bool {
    if let Ok(number) = given.parse::<u8>() {
        return (1..=64).contains(&number);
    }
    let name = given.strip_prefix("SIG").unwrap_or(given);
    let offset = |text: &str| text.parse::<u8>().is_ok_and(|n| (1..=15).contains(&n));
    SIGNALS.contains(&name)
        || matches!(name, "RTMIN" | "RTMAX")
        || name.strip_prefix("RTMIN+").is_some_and(offset)
        || name.strip_prefix("RTMAX-").is_some_and(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_get_their_protocol() {
        assert_eq!(port("8080").as_deref(), Ok("8080/tcp"));
        assert_eq!(port("53/udp").as_deref(), Ok("53/udp"));
        assert_eq!(port("0080").as_deref(), Ok("80/tcp"));
        for refused in ["", "0", "65536", "80/http", "80:8080", "80-90", "+1x"] {
            assert!(port(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn signals_have_names_and_numbers() {
        for known in ["SIGTERM", "TERM", "9", "SIGRTMIN+3", "RTMAX-1", "SIGRTMIN"] {
            assert!(is_signal(known), "{known}");
        }
        for unknown in ["", "SIG", "sigterm", "0", "65", "SIGRTMIN+16", "SIGTERN"] {
            assert!(!is_signal(unknown), "{unknown}");
        }
    }

    #[test]
    fn accounts_are_names_or_ids() {
        for known in ["0", "65532", "nonroot", "www-data", "_apt", "4294967295"] {
            assert!(is_account(known), "{known}");
        }
        for unknown in ["", "4294967296", "a b", "-x", "a/b"] {
            assert!(!is_account(unknown), "{unknown}");
        }
    }
}
