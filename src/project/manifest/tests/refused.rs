//! How bad manifests are refused: every problem, its place, and what to do.
//!
//! One snapshot file for each case, in the folder of this module's name.

use super::{parse, render};

#[rustfmt::skip]
const CASES: [(&str, &str); 23] = [
("an_unknown_key_names_the_nearest", r#"[go]
ldflag = ["-s"]
"#),
("an_unknown_section_names_the_nearest", r#"[images]
name = "x"
[god]
"#),
("a_key_of_another_tool_is_translated", r#"[[image]]
ports = ["80"]

[[modules.secrets]]
id = "a"
src = "b"
"#),
("a_strange_key_lists_the_known_ones", r"[build]
xyzzy = 1
"),
("syntax_errors_are_shown_together", r"[go
version = 
[build]
jobs = 1 2
"),
("a_key_written_twice", r"[go]
cgo = true
cgo = false
"),
("types_are_checked", r#"[go]
tags = "netgo"
cgo = "yes"
version = 1.26
env = ["A"]
[build]
jobs = "2"
platforms = ["linux/amd64", 1]
[image]
name = "x"
"#),
("another_version_is_not_guessed_at", r"version = 2
future = true
"),
("go_settings_are_checked", r#"[go]
version = "go1.26.3"
toolchain = "prxy"
buildmode = "plugin"
pgo = "../x.pgo"
tags = ["a,b", "ok", "ok"]
flags = ["-ldflags=-s", "trimpath", "-race"]
stamp = { version = "1", "main.v" = "{{ git.descibe }}" }
"#),
("compile_steps_get_no_foreign_variables", r#"[go.env]
GOAMD64 = "v5"
GOPROXY = "off"
GOFLAGS = "-v"
GITHUB_TOKEN = "x"
GOOS = "linux"
GOAMD46 = "v1"
LOG = "json"
"#),
("secrets_have_one_source", r#"[modules]
private = ["https://git.example.com"]
secrets = [
  { id = "a", env = "A", file = "b" },
  { id = "a" },
  { env = "$A" },
  { id = "b", env = "a=b" },
]
ca = ["/etc/ca.pem"]
"#),
("platforms_are_checked", r#"[build]
platforms = ["linux", "linux/arm46", "linux/arm64", "linux/aarch64", "linus/amd64", "plan10/z80"]
cache = "disk"
"#),
("nothing_to_build_is_an_error", r"image = []
[build]
platforms = []
jobs = -1
"),
("empty_lists_that_mean_nothing", r"[[image]]
tags = []
binaries = []
base = {}
"),
("names_and_tags_are_checked", r#"[[image]]
name = "r.example.com/App:1"
tags = ["ok", "not ok", "ok", "{{ platform }}"]
[[image]]
name = "app:1"
"#),
("annotations_are_those_of_all_platforms", r#"[[image]]
annotations = { "org.opencontainers.image.title" = "app for {{ os }}" }
labels = { "org.opencontainers.image.title" = "app for {{ os }}" }
"#),
("two_images_of_one_name", r#"[[image]]
name = "r.example.com/app"

[[image]]
name = "r.example.com/app"
tags = ["latest", "v1"]
"#),
("two_images_of_every_main", r#"[[image]]
user = "0"

[[image]]
user = "1"
"#),
("binaries_are_package_patterns", r#"[[image]]
binaries = ["/cmd/api", "cmd/api", "./a b", "./main.go", "x/y@latest", "..."]
"#),
("bases_are_checked", r#"[build]
platforms = ["linux/amd64", "linux/arm64"]
[[image]]
base = "statik"
[[image]]
name = "b"
base = { "linux/arm64" = "static", "linux/aarch64" = "scratch" }
[[image]]
name = "c"
base = { arm64 = "static", default = "UPPER:CASE:x" }
"#),
("runtime_settings_are_checked", r#"[[image]]
user = "a:b:c"
workdir = "app"
expose = ["80-90", "70000", "80:80", "53/icmp"]
volumes = ["/a/../b"]
stop-signal = "SIGTREM"
env = { "A=B" = "c" }
"#),
("copies_are_checked", r#"[[image]]
files = [
  { from = "../x", to = "etc", mode = "0888", owner = "a b" },
  { from = "x" },
]
certs = [""]
compression = "zst"
"#),
("templates_are_checked", r#"[[image]]
name = "x"
tags = ["{{ git.short", "{{}}", "{{ nothing.like.it }}", "{{ env.1 }}"]
labels = { a = "\u0041 {{ gti.tag }}" }
"#),
];

#[test]
fn bad_manifests_are_refused_in_full() {
    for (name, text) in CASES {
        let error = parse(text).unwrap_err();
        insta::with_settings!({
            snapshot_path => "refused",
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => text,
        }, {
            insta::assert_snapshot!(name, render(&error));
        });
    }
}
