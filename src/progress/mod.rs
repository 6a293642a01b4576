//! What a build shows while it runs.
//!
//! [`event`]s enter, [`state`] keeps what they add up to, and one renderer per [`Mode`] turns both
//! into bytes for a single writer; the [`display`] gives them a thread and a clock. Only the display
//! touches time and the writer, so everything else is tested on recorded streams. The error of a
//! failed build is not shown here: [`state::State::failure_log`] and [`golog`] hand the compiler's
//! own lines to whoever reports it, [`complaint`] the places that they point at.

pub mod complaint;
pub mod display;
pub mod event;
mod format;
pub mod golog;
pub mod mode;
mod output;
mod plain;
mod quiet;
mod rawjson;
#[cfg(test)]
mod recorded;
mod render;
mod screen;
pub mod state;
pub mod step;
mod style;
pub mod summary;
mod tty;

pub use display::{Events, Finished, Progress};
pub use mode::{Mode, Terminal};
pub use output::Line;
pub use render::Size;
pub use state::State;
pub use summary::Outcome;
