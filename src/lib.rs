//! gobuild compiles a Go project straight to a BuildKit graph: no Dockerfile in between.
//!
//! # The pipeline
//!
//! 1. [`cli`] turns what was typed and the environment into settings. clap's types end there.
//! 2. [`pipeline::location`] finds the project and the packages that were named; [`pipeline::project`]
//!    reads it.
//! 3. [`project`] understands it: [`project::manifest`] is `goimage.toml`, [`project::ignore`]
//!    `.dockerignore`, [`project::golang`] module files, workspaces, build constraints and the
//!    import graph. All of it is pure: files are reached through [`project::tree::Tree`] alone.
//! 4. [`plan`] says what must happen, as plain data: a toolchain, a modules step, one compile step
//!    per binary and platform with its exact files, the images. `gobuild plan` prints it before any
//!    daemon exists. What a lock file ([`project::lock`]) knows takes the place of names. [`check`] says
//!    what is doubtful about a project and its plan, [`affected`] in what two plans differ.
//! 5. [`pipeline::present`] gives every input a digest: [`toolchain`] packs Go, [`base`] the built-in
//!    base, [`content`] the source files, each as a deterministic OCI layout in memory.
//! 6. [`lower`] makes vertices of the plan's steps with [`llb`], a typed, immutable graph that knows
//!    nothing of Go. `gobuild llb` prints it.
//! 7. [`builder`] chooses a buildkitd or starts one; [`buildkit`] is the wire to it: transports, a
//!    session of services, solves, their events.
//! 8. [`pipeline::function`] is the build function, a gateway in and a result out; [`pipeline::run`] runs
//!    it once per image and output on one session. What a builder lacks, [`pipeline::abilities`] makes up
//!    for or refuses; [`pipeline::load`] takes images to where containers run. The daemon asks for a layout's bytes only where a
//!    step that needs them is not cached.
//! 9. [`progress`] shows the events: event → state → renderer. [`error`] is the one error that
//!    reaches the user, and its exit code.
//! 10. [`container`] is what gobuild does inside steps, into which the graph mounts it: it keeps of a
//!     module cache what builds read.
//! 11. [`cacheprog`] is a program of its own inside this one: the `go` command starts it as its build
//!     cache, in build steps as on a developer's machine.
//!
//! 12. [`kubernetes`] finds images in the files that deploy them, and puts digests there.
//! 13. [`frontend`] is the other host of the build function: BuildKit starts it for `# syntax=`, and it
//!     reads the project through the daemon.
//!
//! Stages depend in one direction: `project → plan → lower → buildkit`, put together by [`pipeline`].
//! [`llb`], [`content`] and [`oci`] are leaves beside them. `project` (but its disk tree), `plan`,
//! `affected`, `check`, `kubernetes`, `llb` and `lower` read no file, environment, clock or network, so that the same project
//! gives the same graph, and the same findings, wherever it is checked out.
//!
//! # Which module touches what
//!
//! | file, socket, program | module |
//! |---|---|
//! | project files: manifest, ignore file, module files, sources | [`project::tree::disk`] |
//! | a manifest named with `--file` | [`pipeline::project`] |
//! | `git`: facts of what is checked out, files of commits | [`pipeline::git`] |
//! | `go`: settings, toolchain module, GOROOT; digests below `$XDG_CACHE_HOME/gobuild` | [`toolchain`] |
//! | this machine's CA certificates | [`toolchain::trust`], [`buildkit::transport`] (TLS) |
//! | buildkitd's socket | [`buildkit::transport`] |
//! | `docker`, `podman`, `kubectl`, `ssh` on the way to a daemon | [`buildkit::transport`] |
//! | Docker Engine, podman's service | [`buildkit::transport`] (its BuildKit), [`buildkit::engine`] (its images) |
//! | `podman`, `kind` that images are loaded into | [`pipeline::load`]; which: `cli::load` |
//! | store of `docker buildx`, Docker contexts | [`builder::buildx`] |
//! | `$XDG_DATA_HOME/gobuild/builder`; `buildkitd`, `rootlesskit` | [`builder::managed`] |
//! | Docker and Podman credentials, credential helpers, token servers of registries | [`buildkit::session::auth`] |
//! | secret files and variables | [`buildkit::session::secrets`]; which ones: [`pipeline::secrets`] |
//! | SSH agent sockets | [`buildkit::session::ssh`] |
//! | `goimage.lock` | read by [`pipeline::project`], written by [`pipeline::lock`] |
//! | indexes in registries over what several nodes have pushed; digests of images | [`registry`] |
//! | project files that images copy, as the daemon asks for them | [`buildkit::session::filesync`] |
//! | layouts, as the daemon asks for them; OCI layout folders, local caches among them | [`buildkit::session::content`] |
//! | archives and folders of binaries | [`buildkit::session::filesend`] |
//! | mounts of a step's container; `go` in it | [`container`] |
//! | what the daemon hands to a frontend: variables, standard streams | [`frontend::environment`], [`buildkit::transport`] |
//! | Go build caches, theirs and others'; object stores of compile results; sockets of relays | [`cacheprog`] |
//! | layouts for buildctl (`gobuild llb --content`) | [`content::Store`] |
//! | the environment of flags | `cli::settings`; credentials of remote caches: `cli::caches`; Go's build caches: `cli::gocache` |
//! | `GITHUB_ACTIONS`, `GITHUB_WORKSPACE`: who shows errors beside the source | `cli::annotations` |
//! | Kubernetes files | `cli::commands::resolve` |
//! | standard output; `--metadata-file`, `--iidfile`, `--image-refs` | `cli::output`, `cli::commands::image` |
//! | standard error while a build runs | [`progress::display`] |

pub mod affected;
#[cfg(test)]
mod architecture;
pub mod base;
pub mod builder;
pub mod buildkit;
pub mod cacheprog;
pub mod check;
pub mod cli;
pub mod container;
pub mod content;
pub mod error;
pub mod frontend;
pub mod kubernetes;
pub mod llb;
pub mod lower;
pub mod oci;
pub mod pipeline;
pub mod plan;
pub mod progress;
pub mod project;
pub mod registry;
pub mod toolchain;
