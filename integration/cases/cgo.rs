//! Programs with C code, and such that look for races: Go and a C compiler come from an image.

use crate::harness::golang;
use crate::harness::image::Image;
use crate::harness::sandbox::{GO_MOD, Sandbox, repository};

const MAIN: &str = "package main

// #include \"answer.h\"
import \"C\"

import \"os\"

func main() {
\tif C.answer() == 42 {
\t\tos.Stdout.WriteString(\"42\\n\")
\t}
}
";

/// Two goroutines write one variable.
const RACE: &str = "package main

import \"os\"

func main() {
\tshared, done := 0, make(chan bool)
\tgo func() {
\t\tshared++
\t\tdone <- true
\t}()
\tshared++
\t<-done
\tif shared > 0 {
\t\tos.Stdout.WriteString(\"done\\n\")
\t}
}
";

#[test]
fn c_code_and_the_race_detector() {
    let toolchain = format!("{}/golang:1.26.8", repository());
    golang::push_with_c(&toolchain);
    // Images on static have no C library.
    let go = |more: &str| {
        format!(
            "[go]\ntoolchain = \"{toolchain}\"\ncgo = true\n{more}\n\
             ldflags = [\"-s\", \"-w\", \"-linkmode=external\", \"-extldflags=-static\"]\n\
             [build]\ncache = \"layer\"\n[[image]]\nname = \"app\"\n"
        )
    };
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("goimage.toml", &go("")),
        ("main.go", MAIN),
        ("answer.h", "int answer(void);\n"),
        (
            "answer.c",
            "#include \"answer.h\"\nint answer(void) { return 42; }\n",
        ),
    ]);
    let image = Image::new(format!("{}/app", repository()));
    sandbox.push().succeeds();
    assert_eq!(image.run_default(), "42\n");
    // An edit of C code alone.
    sandbox.edit("answer.c", "return 42", "return 40 + 2");
    let run = sandbox.push().succeeds();
    assert!(
        run.stderr.contains("standard library for linux/amd64"),
        "{run}"
    );
    assert_eq!(image.run_default(), "42\n");

    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("goimage.toml", &go("flags = [\"-race\"]")),
        ("main.go", RACE),
    ]);
    sandbox.push().succeeds();
    let binary = image.read("/usr/local/bin/app");
    let text = b"WARNING: DATA RACE";
    assert!(binary.windows(text.len()).any(|window| window == text));
}
