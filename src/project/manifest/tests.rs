//! Whole documents: what they mean, and how their errors read.

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::*;
use crate::oci::Platform;

mod refused;

const EXAMPLE: &str = include_str!("tests/example.toml");

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Document::new("goimage.toml", text).parse()
}

/// Renders an error as a terminal without colour would show it.
fn render(error: &ManifestError) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .with_width(100)
        .render_report(&mut text, error)
        .unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

#[test]
fn the_whole_schema_is_read() {
    let manifest = parse(EXAMPLE).unwrap();
    insta::assert_json_snapshot!(manifest, @r#"
    {
      "go": {
        "version": "1.26.3",
        "toolchain": "auto",
        "cgo": false,
        "tags": [
          "netgo"
        ],
        "ldflags": [
          "-s",
          "-w"
        ],
        "gcflags": [],
        "asmflags": [],
        "flags": [],
        "buildmode": "exe",
        "pgo": "auto",
        "env": {
          "GOAMD64": "v3"
        },
        "stamp": {
          "main.version": "{{ git.describe }}"
        }
      },
      "modules": {
        "private": [
          "git.example.com/*"
        ],
        "secrets": [
          {
            "id": "netrc",
            "source": {
              "env": "NETRC"
            }
          }
        ],
        "ssh": [
          "default"
        ],
        "ca": [
          "corp-ca.pem"
        ]
      },
      "build": {
        "platforms": [
          "linux/amd64",
          "linux/arm64"
        ],
        "jobs": 2,
        "cache": "auto"
      },
      "images": [
        {
          "name": "registry.example.com/team/{{ binary }}",
          "tags": [
            "latest",
            "{{ git.short }}"
          ],
          "binaries": [
            "./cmd/api",
            "./cmd/worker"
          ],
          "base": {
            "default": "static",
            "platforms": {}
          },
          "user": "65532:65532",
          "entrypoint": [
            "/usr/local/bin/api"
          ],
          "cmd": [],
          "env": {
            "LOG": "json"
          },
          "workdir": "/",
          "expose": [
            "8080/tcp"
          ],
          "volumes": [],
          "stop_signal": "SIGTERM",
          "labels": {
            "org.opencontainers.image.source": "https://git.example.com/team/api"
          },
          "annotations": {},
          "files": [
            {
              "from": "config",
              "to": "/etc/app",
              "mode": 420,
              "owner": "0:0"
            }
          ],
          "certs": [
            "corp-ca.pem"
          ],
          "tzdata": true,
          "compression": "zstd"
        }
      ]
    }
    "#);
    assert!(manifest.uses_git());
    let names: Vec<String> = manifest
        .variables()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["binary", "git.describe", "git.short"]);
}

#[test]
fn nothing_written_means_the_default() {
    for text in [
        "",
        "version = 1",
        "[go]\n[modules]\n[build]",
        "# only a comment",
    ] {
        assert_eq!(parse(text).unwrap(), Manifest::default(), "{text:?}");
    }
    let manifest = parse("[[image]]").unwrap();
    assert_eq!(manifest, Manifest::default());
    assert!(!manifest.uses_git());
    assert_eq!(manifest.images[0].binaries, None);
}

#[test]
fn written_emptiness_differs_from_nothing() {
    let manifest = parse("[go]\nldflags = []\n[[image]]\nentrypoint = []").unwrap();
    assert!(manifest.go.ldflags.is_empty());
    assert_eq!(manifest.images[0].entrypoint, Some(Vec::new()));
}

#[test]
fn bases_are_chosen_by_platform() {
    let manifest = parse(
        "[[image]]\nbase = { 'linux/aarch64' = 'scratch', 'linux/arm' = 'alpine:3', default = 'static' }",
    )
    .unwrap();
    let base = |platform: &str| {
        let platform: Platform = platform.parse().unwrap();
        manifest.images[0].base.of(&platform).cloned()
    };
    assert_eq!(base("linux/arm64"), Some(Base::Scratch));
    assert_eq!(base("linux/amd64"), Some(Base::Static));
    assert_eq!(
        base("linux/arm/v7"),
        Some(Base::Image("alpine:3".parse().unwrap()))
    );
}

#[test]
fn values_are_put_into_templates() {
    let manifest = parse(
        "[go.stamp]\n'main.v' = 'v={{git.commit}} {{ env.WHO }} {{ arch }} {{ platform }} {{ go.version }} {{ date }}'",
    )
    .unwrap();
    assert_eq!(
        manifest.environment().into_iter().collect::<Vec<_>>(),
        ["WHO"]
    );
    let mut values = Values {
        git: Some(GitValues {
            commit: Some("abc".to_owned()),
            ..GitValues::default()
        }),
        date: Some("1970-01-01T00:00:00Z".to_owned()),
        go_version: Some("1.26.3".to_owned()),
        ..Values::default()
    }
    .with_platform(&"linux/arm/v6".parse().unwrap());
    let stamp = &manifest.go.stamp["main.v"];
    let missing = stamp.expand(&values).unwrap_err();
    assert_eq!(missing.key.to_string(), "go.stamp.\"main.v\"");
    assert_eq!(missing.variable, Variable::Env("WHO".to_owned()));
    values.env.insert("WHO".to_owned(), "me".to_owned());
    assert_eq!(
        stamp.expand(&values).unwrap(),
        "v=abc me arm linux/arm/v6 1.26.3 1970-01-01T00:00:00Z"
    );
}

#[test]
fn images_may_share_a_name_with_other_tags() {
    let text = "[[image]]\nname = 'x'\ntags = ['a']\n[[image]]\nname = 'x'\ntags = ['b']";
    assert_eq!(parse(text).unwrap().images.len(), 2);
    let by_binary = "[[image]]\nbinaries = ['./a']\n[[image]]\nbinaries = ['./b']";
    assert_eq!(parse(by_binary).unwrap().images.len(), 2);
}

#[test]
fn a_later_stage_points_at_the_value_it_refuses() {
    let document = Document::new("goimage.toml", "[[image]]\nbinaries = ['./a', './b']\n");
    let key = KeyPath::root()
        .key("image")
        .index(0)
        .key("binaries")
        .index(1);
    let error = document.refuse(&key, "no main package matches", Some("add one".to_owned()));
    insta::assert_snapshot!(render(&error), @r"
      x 1 problem in goimage.toml

    Error:
      x no main package matches
       ,-[goimage.toml:2:20]
     1 | [[image]]
     2 | binaries = ['./a', './b']
       :                    ^^|^^
       :                      `-- image[0].binaries[1]
       `----
      help: add one
    ");
    let nowhere = document.refuse(&KeyPath::root(), "no main package", None);
    insta::assert_snapshot!(render(&nowhere), @r"
      x 1 problem in goimage.toml

    Error:
      x no main package
    ");
}

#[test]
fn problems_come_in_the_order_of_the_file() {
    let text = "[build]\njobs = 0\n[go]\ncog = true\nbuildmode = 'x'\n[[image]]\ntags = []\n";
    let error = parse(text).unwrap_err();
    let messages: Vec<&str> = error
        .problems()
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "`build.jobs` must be at least 1",
            "unknown key `go.cog`",
            "`go.buildmode` cannot be \"x\"",
            "`image[0].tags` is empty",
        ]
    );
}

/// Anything, with a liking for what TOML is made of.
const ANY_TEXT: &str = r##"([a-z\[\]{}=.,'"# \n\\é-]|\PC){0,80}"##;

/// Values of all types, right and wrong.
const ANY_VALUE: &str = r##"'[^'\pC]{0,12}'|"(\{\{ ?[a-z.é]{0,8} ?\}?\}?|é|/|:|\\n|\\u0000){0,4}"|-?[1-9][0-9]{0,20}|\[\]|\['', 'é/\.\.'\]|\{ \}|\{ a = 1 \}|\{ "é" = "\{\{" \}|true|1979-05-27"##;

proptest::proptest! {
    #[test]
    fn no_text_panics(text in ANY_TEXT) {
        if let Err(error) = parse(&text) {
            proptest::prop_assert!(render(&error).contains("goimage.toml"));
        }
    }

    #[test]
    fn no_value_panics(
        key in proptest::sample::select(KEYS.to_vec()),
        value in ANY_VALUE,
    ) {
        let (section, key) = key.split_once(' ').unwrap();
        let text = format!("{section}\n{key} = {value}\n");
        if let Err(error) = parse(&text) {
            proptest::prop_assert!(!error.problems().is_empty());
            proptest::prop_assert!(render(&error).contains("goimage.toml"));
        }
    }
}

const KEYS: [&str; 34] = [
    "# version",
    "[go] version",
    "[go] toolchain",
    "[go] cgo",
    "[go] tags",
    "[go] ldflags",
    "[go] flags",
    "[go] buildmode",
    "[go] pgo",
    "[go] env",
    "[go] stamp",
    "[modules] private",
    "[modules] secrets",
    "[[modules.secrets]] id",
    "[modules] ssh",
    "[modules] ca",
    "[build] platforms",
    "[build] jobs",
    "[build] cache",
    "[[image]] name",
    "[[image]] tags",
    "[[image]] binaries",
    "[[image]] base",
    "[[image]] user",
    "[[image]] entrypoint",
    "[[image]] env",
    "[[image]] workdir",
    "[[image]] expose",
    "[[image]] stop-signal",
    "[[image]] labels",
    "[[image]] files",
    "[[image.files]] mode",
    "[[image]] certs",
    "[[image]] compression",
];

#[test]
fn manifests_of_the_readme_are_read() {
    let readme = include_str!("../../../README.md");
    let blocks: Vec<&str> = readme
        .split("\n```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```\n").next())
        .collect();
    let manifests: Vec<Manifest> = blocks
        .iter()
        .map(|text| parse(text).unwrap_or_else(|error| panic!("{}", render(&error))))
        .collect();
    let whole = manifests
        .iter()
        .max_by_key(|manifest| manifest.images.len());
    let whole = whole.unwrap();
    assert_eq!(whole.images.len(), 2);
    // A default in place of a value means that the README has lost a key.
    assert!(whole.go != Go::default() && whole.build != Build::default());
    assert!(!whole.modules.secrets.is_empty() && !whole.images[0].annotations.is_empty());
}
