//! From a project on disk to images: the stages put together.
//!
//! 1. [`location`]: which folder is the project, which packages of it were named.
//! 2. [`project`]: manifest, workspace, git facts; [`earlier`]: those of a commit.
//! 3. [`crate::plan`] says what must happen.
//! 4. [`present`]: toolchain, closures and bases become digest-keyed layouts.
//! 5. [`function`]: the build function, a gateway in and a result out. The CLI runs it over the
//!    control socket; a frontend runs the same code over its pipes.
//! 6. [`abilities`]: what the builder can do; [`load`]: where images are loaded.
//! 7. [`run`]: what registries have already is left out; of the rest, session, one solve per image,
//!    what the exporters say.

pub mod abilities;
pub mod caches;
mod closures;
pub mod earlier;
#[cfg(test)]
mod examples;
pub mod exports;
pub mod function;
pub mod git;
pub mod load;
pub mod location;
pub mod lock;
pub mod nodes;
pub mod outcome;
pub mod present;
pub mod project;
pub mod relay;
pub mod run;
pub mod secrets;
mod state;
