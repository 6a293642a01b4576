//! Small trees, each full of one kind of subtlety. Nothing is downloaded for them.

use std::fs;

use gobuild::project::golang::graph::Loader;
use gobuild::project::golang::source::{BuildContext, Sources};
use gobuild::project::golang::workspace::{GoWork, Resolver, Workspace};
use gobuild::project::tree::TreePath;
use gobuild::project::tree::disk::DiskTree;

use super::{TARGETS, assert_refused, compare, extract, go, go_minor, output, write};

const GO_MOD: &str = "module example.com/m\n\ngo 1.25\n";

#[test]
fn workspace_with_replacements() {
    let root = write(&[
        (
            "go.work",
            "go 1.25\n\nuse (\n\t./app\n\t./lib\n)\n\nreplace example.com/r => ./replaced\n",
        ),
        (
            "app/go.mod",
            "module example.com/app\n\ngo 1.25\n\nrequire example.com/r v1.0.0\n",
        ),
        (
            "app/main.go",
            "package main\n\nimport (\n\t\"example.com/lib\"\n\t_ \"example.com/r/sub\"\n)\n\nfunc main() { lib.F() }\n",
        ),
        ("app/cmd/x/x.go", "package main\n\nfunc main() {}\n"),
        ("app/nested/go.mod", "module example.com/app/nested\n"),
        ("app/nested/main.go", "package main\n\nfunc main() {}\n"),
        ("lib/go.mod", "module example.com/lib\n\ngo 1.25\n"),
        (
            "lib/lib.go",
            "package lib\n\nimport \"example.com/lib/internal/deep\"\n\nfunc F() { deep.F() }\n",
        ),
        (
            "lib/internal/deep/deep.go",
            "package deep\n\nimport \"fmt\"\n\nfunc F() { fmt.Println() }\n",
        ),
        (
            "lib/cmd/tool/main.go",
            "package main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n",
        ),
        ("replaced/go.mod", "module example.com/r\n\ngo 1.25\n"),
        (
            "replaced/sub/sub.go",
            "package sub\n\nimport _ \"net/http\"\n",
        ),
        ("replaced/unused/unused.go", "package unused\n"),
    ]);
    for start in ["app", "lib"] {
        compare(root.path(), start, &["./..."], &TARGETS);
    }
}

#[test]
fn vendored() {
    let root = write(&[
        (
            "go.mod",
            "module example.com/m\n\ngo 1.25\n\nrequire example.com/dep v1.2.0\n",
        ),
        (
            "main.go",
            "package main\n\nimport _ \"example.com/dep/a\"\n\nfunc main() {}\n",
        ),
        (
            "vendor/modules.txt",
            "# example.com/dep v1.2.0\n## explicit; go 1.20\nexample.com/dep/a\nexample.com/dep/internal/b\n",
        ),
        (
            "vendor/example.com/dep/a/a.go",
            "package a\n\nimport _ \"example.com/dep/internal/b\"\n",
        ),
        (
            "vendor/example.com/dep/a/a_windows.go",
            "package a\n\nimport _ \"syscall\"\n",
        ),
        (
            "vendor/example.com/dep/internal/b/b.go",
            "package b\n\nimport _ \"embed\"\n\n//go:embed data\nvar data string\n",
        ),
        ("vendor/example.com/dep/internal/b/data", "x"),
        (
            "vendor/example.com/dep/cmd/main.go",
            "package main\n\nfunc main() {}\n",
        ),
    ]);
    compare(root.path(), ".", &["./..."], &TARGETS);
}

#[test]
fn embedded_files() {
    let main = "package main\n\nimport \"embed\"\n\n\
        //go:embed static all:hidden *.txt `we ird/x.md` \"q\\x75oted\" static/[.a]*\n\
        var files embed.FS\n\n//go:embed `malformed`/because no space follows\n\
        /*\n//go:embed missing\n*/\nvar no = `\n//go:embed missing\n`\n\n\
        func main() {}\n";
    let root = write(&[
        ("go.mod", GO_MOD),
        ("main.go", main),
        (
            "other.go",
            "package main\n\n//go:embed not-without-the-import\nvar other string\n",
        ),
        ("static/a.html", ""),
        ("static/.hidden", ""),
        ("static/_draft", ""),
        ("static/deep/b.css", ""),
        ("static/deep/.git/config", ""),
        ("static/module/go.mod", "module x\n"),
        ("static/module/c.js", ""),
        ("hidden/.dot", ""),
        ("hidden/_under/x", ""),
        ("hidden/.svn/x", ""),
        ("one.txt", ""),
        (".two.txt", ""),
        ("quoted", ""),
        ("we ird/x.md", ""),
    ]);
    compare(root.path(), ".", &["."], &TARGETS[..1]);
}

#[test]
fn cgo_and_other_languages() {
    let root = write(&[
        ("go.mod", GO_MOD),
        (
            "main.go",
            "package main\n\nimport (\n\t_ \"example.com/m/asm\"\n\t_ \"example.com/m/c\"\n)\n\nfunc main() {}\n",
        ),
        ("default.pgo", ""),
        (
            "c/pure.go",
            "//go:build !cgo\n\npackage c\n\nimport _ \"strings\"\n",
        ),
        (
            "c/bound.go",
            "package c\n\n/*\n#cgo CFLAGS: -I${SRCDIR}/../include\n#cgo darwin LDFLAGS: -framework Foundation\n#include \"sub/inner.h\"\n#include <outer.h>\n*/\nimport \"C\"\n\nimport _ \"unsafe\"\n",
        ),
        ("c/one.c", "#include \"one.h\"\n"),
        ("c/one.h", ""),
        ("c/two.cpp", ""),
        ("c/three_darwin.m", ""),
        ("c/four.S", ""),
        ("c/five.f90", "! fortran\n"),
        ("c/six.syso", "\0\0"),
        ("c/seven_windows.c", ""),
        ("c/eight.c", "// +build windows\n\nint x;\n"),
        ("c/nine.cxx", "//go:build ignore\n\n"),
        ("c/sub/inner.h", ""),
        ("include/outer.h", ""),
        ("asm/asm.go", "package asm\n"),
        ("asm/asm_amd64.s", "#include \"../include/asm.h\"\n"),
        ("asm/asm_arm64.s", "//go:build !darwin\n\n"),
        ("asm/broken.s", "/* never closed"),
        ("asm/upper.S", ""),
        ("include/asm.h", ""),
    ]);
    // Without cgo the Fortran file is refused.
    assert_refused(
        root.path(),
        TARGETS[0],
        "Fortran source files not allowed when not using cgo or SWIG: five.f90",
    );
    compare(root.path(), ".", &["."], &TARGETS[4..]);
    fs::remove_file(root.path().join("c/five.f90")).unwrap();
    compare(root.path(), ".", &["."], &TARGETS);
}

/// What the C compiler and Go's assembler read besides what the go command lists.
#[test]
fn a_cgo_closure_builds_alone() {
    let root = write(&[
        ("go.mod", GO_MOD),
        (
            "main.go",
            "package main\n\n/*\n#cgo CFLAGS: -I${SRCDIR}/include -Ithird/party\n#include \"sub/inner.h\"\n*/\nimport \"C\"\n\nimport \"example.com/m/asm\"\n\nfunc main() { println(C.outer()+C.inner(), asm.Seven()) }\n",
        ),
        (
            "code.c",
            "#include <outer.h>\n#include <nested/deep.h>\nint outer(void) { return DEEP; }\n",
        ),
        (
            "sub/inner.h",
            "#include \"../include/outer.h\"\nstatic int inner(void) { return 1; }\n",
        ),
        ("sub/unused.h", ""),
        ("include/outer.h", "int outer(void);\n"),
        ("third/party/nested/deep.h", "#include \"deeper.h\"\n"),
        ("third/party/nested/deeper.h", "#define DEEP 41\n"),
        ("asm/asm.go", "package asm\n\nfunc Seven() int64\n"),
        (
            "asm/asm_amd64.s",
            "#include \"textflag.h\"\n#include \"../shared/seven.h\"\n\nTEXT \u{b7}Seven(SB), NOSPLIT, $0-8\n\tMOVQ $SEVEN, ret+0(FP)\n\tRET\n",
        ),
        ("shared/seven.h", "#define SEVEN 7\n"),
        ("shared/unused.h", ""),
    ]);
    let tree = DiskTree::open(root.path()).unwrap();
    let workspace = Workspace::load(&tree, &TreePath::root(), GoWork::Auto).unwrap();
    let resolver = Resolver::new(&workspace, &tree);
    let sources = Sources::new(&tree);
    let mut context = BuildContext::new("linux", "amd64", go_minor());
    context.cgo = true;
    let loader = Loader::new(&workspace, &resolver, &sources, context);
    let closure = loader.closure(&TreePath::root()).unwrap();
    assert!(!closure.files.iter().any(|file| file.name() == "unused.h"));
    let alone = extract(root.path(), &workspace, &closure);
    let mut build = go(alone.path());
    build.args(["build", "-buildvcs=false", "-o", "program", "."]);
    output(
        build
            .env("GOOS", "linux")
            .env("GOARCH", "amd64")
            .env("CGO_ENABLED", "1"),
    );
}

/// Constraints of every form, and folders that wildcards pass over.
const CONSTRAINED: &[(&str, &str)] = &[
    (
        "go.mod",
        "module example.com/m\n\ngo 1.25\n\nignore (\n\t./cmd/ignored\n\tanywhere\n)\n",
    ),
    (
        "main.go",
        "\u{feff}// Command m.\n\n//go:build (linux && (amd64 || arm64)) || darwin || !cgo\n\npackage main; import \"example.com/m/p\"; import ( . \"fmt\"; x `os` ); func main() { p.F() }\n",
    ),
    (
        "p/always.go",
        "/* licence */ package p // import \"example.com/m/p\"\n\nfunc F() {}\n",
    ),
    (
        "p/block.go",
        "/*\n//go:build ignore\n*/\n\npackage p\n\nimport _ \"bytes\"\n",
    ),
    (
        "p/late.go",
        "package p\n\n//go:build ignore\n\nimport _ \"bufio\"\n",
    ),
    (
        "p/both.go",
        "//go:build linux\n// +build windows\n\npackage p\n\nimport _ \"sort\"\n",
    ),
    (
        "p/legacy.go",
        "// +build linux,amd64 darwin\n// +build !cgo\n\npackage p\n\nimport _ \"io\"\n",
    ),
    (
        "p/doc.go",
        "// +build ignore\npackage p\n\nimport _ \"net\"\n",
    ),
    (
        "p/release.go",
        "//go:build go1.18 && !go1.999 && gc && unix\n\npackage p\n\nimport _ \"path\"\n",
    ),
    (
        "p/level.go",
        "//go:build amd64.v1 || arm64.v8.0\n\npackage p\n\nimport _ \"hash\"\n",
    ),
    (
        "p/level2.go",
        "//go:build amd64.v2 || arm64.v8.1\n\npackage p\n\nimport _ \"html\"\n",
    ),
    (
        "p/experiment.go",
        "//go:build goexperiment.regabiargs && !goexperiment.dwarf5\n\npackage p\n\nimport _ \"mime\"\n",
    ),
    (
        "p/experiment2.go",
        "//go:build goexperiment.greenteagc || goexperiment.jsonv2\n\npackage p\n\nimport _ \"expvar\"\n",
    ),
    ("p/a_linux_arm64.go", "package p\n\nimport _ \"errors\"\n"),
    ("p/a_unix.go", "package p\n\nimport _ \"flag\"\n"),
    ("p/darwin.go", "package p\n\nimport _ \"log\"\n"),
    ("p/a_windows.pb.go", "package p\n\nimport _ \"regexp\"\n"),
    ("p/documentation.go", "package documentation\n"),
    ("p/_skipped.go", "package q\n"),
    ("p/.skipped.go", "package q\n"),
    ("p/p_test.go", "package p\n\nimport _ \"testing\"\n"),
    ("p/cgo.go", "package p\n\nimport \"C\"\nimport _ \"time\"\n"),
    (
        "p/odd.go",
        "package p\nimport _ \"math\" // after\nimport _ \"unicode\" /* block */ ; func G() { if x } syntax error is the compiler's\n",
    ),
    ("p/dir.go/x.go", "package x\n"),
    ("cmd/a/main.go", "package main\n\nfunc main() {}\n"),
    (
        "cmd/tagged/main.go",
        "//go:build tagged\n\npackage main\n\nfunc main() {}\n",
    ),
    (
        "cmd/windows/main_windows.go",
        "package main\n\nfunc main() {}\n",
    ),
    ("cmd/ignored/main.go", "package main\n\nfunc main() {}\n"),
    (
        "cmd/b/anywhere/c/main.go",
        "package main\n\nfunc main() {}\n",
    ),
    ("cmd/_x/main.go", "package main\n\nfunc main() {}\n"),
    ("cmd/.x/main.go", "package main\n\nfunc main() {}\n"),
    ("cmd/testdata/main.go", "package main\n\nfunc main() {}\n"),
    ("cmd/vendor/main.go", "package main\n\nfunc main() {}\n"),
    (
        "cmd/vendor/below/main.go",
        "package main\n\nfunc main() {}\n",
    ),
    ("cmd/nested/go.mod", "module example.com/nested\n"),
    ("cmd/nested/main.go", "package main\n\nfunc main() {}\n"),
];

#[test]
fn constraints_and_folders() {
    let root = write(CONSTRAINED);
    compare(root.path(), ".", &["./cmd/..."], &TARGETS);
    compare(root.path(), ".", &["./..."], &TARGETS[..3]);
    compare(root.path(), "cmd", &["./...", ".."], &TARGETS[..3]);
    compare(root.path(), ".", &["example.com/m/cmd/..."], &TARGETS[..3]);
    compare(
        root.path(),
        ".",
        &["example.com/m", "./cmd/testdata", "./cmd/_x"],
        &TARGETS[..3],
    );
    compare(root.path(), ".", &["./c.../a"], &TARGETS[..1]);
}
