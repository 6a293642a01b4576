//! Flags for the compiler and the assembler: the manifest's, and that no debug information is
//! compiled which the linker would leave out.
//!
//! `-s` and `-w` concern the linker alone: `go` still has the compiler write DWARF into every
//! package (`cmd/go/internal/work/gc.go`). Left out, compiling takes an eighth less time and a
//! `GOCACHE` a fifth less room; the code is the same.

use crate::project::golang::flags::{is_on, name, words};
use crate::project::manifest::Go;

/// Whose packages flags are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// A binary: flags without a pattern are for its main package.
    Main,
    /// Packages that binaries share: only flags with a pattern are for them, too.
    Shared,
}

/// Returns the arguments of `go build`.
pub(super) fn arguments(go: &Go, purpose: For) -> Vec<String> {
    let omit = omits_debug_information(go);
    let mut arguments = Vec::new();
    if omit {
        arguments.push("-gcflags=all=-dwarf=false".to_owned());
    }
    for gcflags in values(&go.gcflags, purpose) {
        arguments.push(match omit {
            // For the packages that it matches, only the last such flag counts.
            true => format!("-gcflags={}", with_first("-dwarf=false", &gcflags)),
            false => format!("-gcflags={gcflags}"),
        });
    }
    for asmflags in values(&go.asmflags, purpose) {
        arguments.push(format!("-asmflags={asmflags}"));
    }
    arguments
}

/// Returns the values of `-gcflags` or `-asmflags`, in which `go` takes one pattern each: an
/// element that says for which packages it is begins one, others go on with the one before.
fn values(elements: &[String], purpose: For) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for element in elements {
        match values.last_mut() {
            Some(last) if !begins(element) => {
                last.push(' ');
                last.push_str(element);
            }
            _ => values.push(element.clone()),
        }
    }
    values.retain(|value| purpose == For::Main || pattern(value).is_some());
    values
}

/// Tells whether an element after others has a pattern: `all=-l`, and not the second half of
/// `-D X=1`.
fn begins(element: &str) -> bool {
    let flags = pattern(element).and_then(|_| element.split_once('='));
    flags.is_some_and(|(_, flags)| flags.trim_start().starts_with(['-', '\'', '"']))
}

/// Tells whether the linker leaves debug information out, and nothing else speaks of it.
fn omits_debug_information(go: &Go) -> bool {
    let (mut stripped, mut kept) = (false, false);
    let mut words = words(&go.ldflags);
    while let Some(word) = words.next() {
        match name(word) {
            // What follows is for another linker.
            "extldflags" if !word.contains('=') => drop(words.next()),
            "w" if !is_on(word) => kept = true,
            "s" | "w" => stripped |= is_on(word),
            _ => {}
        }
    }
    let own = go.gcflags.iter().any(|flags| flags.contains("-dwarf"));
    stripped && !kept && !own
}

/// Returns for which packages flags are, if they say so: `all` of `all=-N -l`.
fn pattern(flags: &str) -> Option<&str> {
    let first = flags.trim_start();
    let (pattern, _) = first.split_once('=')?;
    (!first.starts_with('-')).then_some(pattern)
}

fn with_first(flag: &str, flags: &str) -> String {
    match pattern(flags) {
        None => format!("{flag} {flags}"),
        Some(pattern) => {
            let rest = &flags.trim_start()[pattern.len() + 1..];
            format!("{pattern}={flag} {rest}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(ldflags: &[&str], gcflags: &[&str]) -> Go {
        let owned = |flags: &[&str]| flags.iter().map(ToString::to_string).collect();
        Go {
            ldflags: owned(ldflags),
            gcflags: owned(gcflags),
            ..Go::default()
        }
    }

    fn of(ldflags: &[&str], gcflags: &[&str], purpose: For) -> String {
        arguments(&go(ldflags, gcflags), purpose).join(" | ")
    }

    #[test]
    fn debug_information_that_is_not_linked_is_not_compiled() {
        for stripped in [&["-s", "-w"][..], &["-w"], &["-X main.v=1 --s"], &["-w=1"]] {
            for purpose in [For::Main, For::Shared] {
                assert_eq!(of(stripped, &[], purpose), "-gcflags=all=-dwarf=false");
            }
        }
        for kept in [
            &[][..],
            &["-X main.s=1"],
            &["-X 'main.s=1 -w'"],
            &["-w=false"],
            &["-s", "-w=0"],
            &["-linkmode=external -extldflags -s"],
            &["-extldflags", "'-static -s -w'"],
            &["-X 'main.s=1 -w"],
        ] {
            assert_eq!(of(kept, &[], For::Main), "", "{kept:?}");
        }
    }

    #[test]
    fn the_manifests_flags_are_kept() {
        assert_eq!(
            of(&["-w"], &["-N", "-l"], For::Main),
            "-gcflags=all=-dwarf=false | -gcflags=-dwarf=false -N -l"
        );
        assert_eq!(
            of(&["-w"], &["all=-N", "-l"], For::Shared),
            "-gcflags=all=-dwarf=false | -gcflags=all=-dwarf=false -N -l"
        );
        assert_eq!(of(&[], &["all=-N -l"], For::Shared), "-gcflags=all=-N -l");
        assert_eq!(
            of(&["-w"], &["-dwarf=true"], For::Main),
            "-gcflags=-dwarf=true"
        );
    }

    #[test]
    fn every_pattern_has_a_flag_of_its_own() {
        let gcflags = ["-N", "-l", "all=-l", "-B", "example.com/...=-m"];
        assert_eq!(
            of(&[], &gcflags, For::Main),
            "-gcflags=-N -l | -gcflags=all=-l -B | -gcflags=example.com/...=-m"
        );
        assert_eq!(
            of(&["-w"], &gcflags, For::Shared),
            "-gcflags=all=-dwarf=false | -gcflags=all=-dwarf=false -l -B | \
             -gcflags=example.com/...=-dwarf=false -m"
        );
        let mut assembled = go(&[], &[]);
        assembled.asmflags = ["-D", "X=1", "all=-D=Y"].map(str::to_owned).to_vec();
        assert_eq!(
            arguments(&assembled, For::Main),
            ["-asmflags=-D X=1", "-asmflags=all=-D=Y"]
        );
    }

    #[test]
    fn packages_that_are_shared_get_only_what_names_them() {
        assert_eq!(of(&[], &["-m"], For::Shared), "");
        assert_eq!(of(&[], &["-m"], For::Main), "-gcflags=-m");
        let mut assembled = go(&[], &[]);
        assembled.asmflags = vec!["-D=X".to_owned()];
        assert_eq!(arguments(&assembled, For::Shared), [""; 0]);
        assert_eq!(arguments(&assembled, For::Main), ["-asmflags=-D=X"]);
    }

    #[test]
    fn a_pattern_stands_before_the_first_flag() {
        assert_eq!(pattern("all=-N -l"), Some("all"));
        assert_eq!(pattern("example.com/...=-m"), Some("example.com/..."));
        assert_eq!(pattern("-d=checkptr=0"), None);
        assert_eq!(pattern(""), None);
    }
}
