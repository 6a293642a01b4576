//! Packages that come from a vendor folder, a fork or a module above the project's own, and programs
//! with a profile.

use super::*;
use crate::harness::sandbox;

/// Tells whether a step was cached.
fn is_cached(run: &Run, step: &str) -> bool {
    let number = run
        .stderr
        .lines()
        .find_map(|line| line.strip_suffix(step)?.strip_suffix(' '));
    let number = number.unwrap_or_else(|| panic!("no step {step}\n{run}"));
    let cached = format!("{number} CACHED");
    run.stderr.lines().any(|line| line == cached)
}

/// Runs `go` in the project.
fn go(sandbox: &Sandbox, args: &[&str]) {
    let mut command = Command::new("go");
    command
        .args(args)
        .current_dir(sandbox.project())
        .env_clear()
        .envs(environment())
        .env("HOME", sandbox.home());
    tool::output(command);
}

#[test]
fn vendored_packages_are_compiled_ahead_and_not_for_an_edit() {
    let sandbox = pair("", "cache = \"mount\"");
    go(&sandbox, &["mod", "vendor"]);
    // Nobody has compiled this one before.
    let quote = "vendor/rsc.io/quote/v3/quote.go";
    let text = std::fs::read_to_string(sandbox.project().join(quote)).unwrap();
    let marked = format!("{text}\nconst Mark = \"{}\"\n", fresh());
    sandbox.write(quote, &marked);
    first_party_alone(&sandbox, &[]);
    let edited = format!("Fresh = \"{} and edited, ", fresh());
    sandbox.edit("word/word.go", "Fresh = \"", &edited);
    let run = sandbox.push().succeeds();
    assert!(is_cached(&run, "dependencies for linux/amd64"), "{run}");
    built_first_party_alone(&run, &sandbox, &[]);
    // An edit there is seen.
    sandbox.edit(quote, "const Mark = \"", "const Mark = \"another, ");
    let run = sandbox.push().succeeds();
    assert!(!is_cached(&run, "dependencies for linux/amd64"), "{run}");
    built_first_party_alone(&run, &sandbox, &[]);
}

#[test]
fn a_fork_may_be_imported_by_the_project_and_by_a_downloaded_module() {
    let sandbox = pair("", "");
    let go_mod = GO_MOD.replace("sampler v1.3.0 // indirect", "sampler v1.3.0");
    assert_ne!(go_mod, GO_MOD);
    fork(&sandbox, &go_mod);
    sandbox.edit(
        "word/word.go",
        "quote.Concurrency()",
        "quote.HelloV3() + sampler.Glass()",
    );
    sandbox.edit(
        "word/word.go",
        "import \"rsc.io/quote/v3\"",
        "import (\n\t\"rsc.io/quote/v3\"\n\t\"rsc.io/sampler\"\n)",
    );
    sandbox.push().succeeds();
    let image = Image::new(format!("{}/pair", repository()));
    let one = Some("/usr/local/bin/one");
    assert_eq!(image.run(one, &[]), "one forkedforked");
    sandbox.edit(
        "fork/sampler.go",
        "func Hello(prefs ...language.Tag) string { return \"forked\"",
        "func Hello(prefs ...language.Tag) string { return \"edited\"",
    );
    sandbox.push().succeeds();
    assert_eq!(image.run(one, &[]), "one editedforked");
}

/// `go` looks into `rsc.io/quote` for packages of these modules, and fetches it for nothing else.
#[test]
fn a_module_above_the_project_is_fetched_although_nothing_is_imported_from_it() {
    let alone = "func Word() string { return \"alone\" }\n";
    let taken = "import \"rsc.io/sampler\"\n\nfunc Word() string { return sampler.Glass()[:1] }\n";
    for (name, word, said) in [("here", alone, "alone"), ("there", taken, "I")] {
        let module = format!("rsc.io/quote/{name}");
        let go_mod = GO_MOD.replace("example.com/app", &module);
        let main = sandbox::main("").replace(
            "import \"os\"",
            &format!("import (\n\t\"os\"\n\n\t\"{module}/word\"\n)"),
        );
        let main = main.replace("\"\\n\"", "word.Word()");
        let sandbox = Sandbox::of(&[
            ("go.mod", &go_mod.replace("\trsc.io/quote/v3 v3.1.0\n", "")),
            ("go.sum", GO_SUM),
            // Its downloads are its own, and so empty.
            (
                "goimage.toml",
                "[go]\ntoolchain = \"proxy\"\n[modules]\nprivate = [\"git.example.com/*\"]\n",
            ),
            ("main.go", &main),
            ("word/word.go", &format!("package word\n\n{word}")),
        ]);
        sandbox.push().succeeds();
        let image = Image::new(format!("{}/{name}", repository()));
        assert_eq!(image.run(None, &[]), said);
    }
}

/// Writes a profile, another one each time.
const PROFILED: &str = "package main

import (
\t\"os\"
\t\"runtime/pprof\"
\t\"time\"
)

func main() {
\tpprof.StartCPUProfile(os.Stdout)
\tsum := 0
\tfor begin := time.Now(); time.Since(begin) < 200*time.Millisecond; {
\t\tsum++
\t}
\tpprof.StopCPUProfile()
}
";

/// Puts a profile into the project.
fn profile(sandbox: &Sandbox, path: &str) {
    let program = sandbox.out("profiled.go");
    std::fs::write(&program, PROFILED).unwrap();
    let mut command = Command::new("go");
    command
        .arg("run")
        .arg(program)
        .current_dir(sandbox.out("."))
        .env_clear()
        .envs(environment())
        .env("HOME", sandbox.home())
        .env("CGO_ENABLED", "0");
    let profile = tool::output(command).stdout;
    assert!(!profile.is_empty());
    std::fs::write(sandbox.project().join(path), profile).unwrap();
}

#[test]
fn packages_below_a_program_with_a_profile_are_compiled_ahead_with_it() {
    let sandbox = pair("", "cache = \"layer\"");
    profile(&sandbox, "one/default.pgo");
    first_party_alone(&sandbox, &[]);
    let said = go_version(&sandbox, "one");
    assert!(said.contains("-pgo=default.pgo"), "{said}");
    assert!(!go_version(&sandbox, "two").contains("-pgo="));
}

#[test]
fn programs_with_one_profile_share_what_is_compiled_with_it() {
    let sandbox = pair("pgo = \"cpu.pgo\"", "cache = \"mount\"");
    profile(&sandbox, "cpu.pgo");
    first_party_alone(&sandbox, &["-pgo=cpu.pgo"]);
}

/// Returns what a binary, as the image holds it and as it was compared, says of its build.
fn go_version(sandbox: &Sandbox, name: &str) -> String {
    let binary = sandbox.out(name);
    tool::run(
        "go",
        &["version".as_ref(), "-m".as_ref(), binary.as_os_str()],
    )
}
