//! Programs with C in them, and with the race detector, which needs a C linker: compiled in an
//! image with Go and gcc, run on a base with a C library.

use crate::harness::golang;
use crate::harness::image::Image;
use crate::harness::sandbox::{GO_MOD, Sandbox, repository};

/// Calls a C file of its own, and asks the C library who it is, so that it is linked to it.
const CALLER: &str = r#"package main

/*
#cgo CFLAGS: -DBASE=40
#include <gnu/libc-version.h>
#include "answer.h"
*/
import "C"

import "fmt"

func main() {
	fmt.Println(C.answer(2), C.gnu_get_libc_version() != nil)
}
"#;

/// Writes a variable in two goroutines at once.
const RACER: &str = r#"package main

import (
	"fmt"
	"sync"
)

func main() {
	var group sync.WaitGroup
	var value int
	for range 2 {
		group.Go(func() { value++ })
	}
	group.Wait()
	fmt.Println("ended")
}
"#;

/// Returns a manifest of these settings of `[go]` and `[build]`, on a base with a C library.
fn manifest(settings: &str) -> String {
    let toolchain = format!("{}/golang-gcc:1.26.8", repository());
    let base = format!("{}/glibc:1", repository());
    golang::push_with_c(&toolchain);
    golang::push_c_library(&base);
    format!(
        "[go]\ncgo = true\ntoolchain = \"{toolchain}\"\n{settings}\n\n\
         [[image]]\nname = \"app\"\nbase = \"{base}\"\nenv = {{ GORACE = \"log_path=stdout exitcode=0\" }}\n"
    )
}

fn push(sandbox: &Sandbox) -> Image {
    sandbox.push().succeeds();
    Image::new(format!("{}/app", repository()))
}

#[test]
fn c_files_are_compiled_and_the_c_library_linked() {
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("main.go", CALLER),
        ("answer.h", "int answer(int);\n"),
        (
            "answer.c",
            "#include \"answer.h\"\nint answer(int more) { return BASE + more; }\n",
        ),
        ("notes.txt", "nothing that is compiled\n"),
    ]);
    sandbox.write("goimage.toml", &manifest("\n[build]\ncache = \"layer\""));
    assert_eq!(push(&sandbox).run_default(), "42 true\n");
    sandbox.edit("answer.c", "BASE", "1 + BASE");
    assert_eq!(push(&sandbox).run_default(), "43 true\n");
}

#[test]
fn the_race_detector_is_linked() {
    let sandbox = Sandbox::of(&[("go.mod", GO_MOD), ("main.go", RACER)]);
    sandbox.write("goimage.toml", &manifest("flags = [\"-race\"]"));
    let said = push(&sandbox).run_default();
    assert!(said.contains("WARNING: DATA RACE"), "{said}");
    assert!(said.contains("\nended\n"), "{said}");
}
