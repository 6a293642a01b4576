//! Shows nothing; the state is kept all the same, for the error of a failed build.

use super::event::Event;
use super::render::{Frame, Render};
use super::state::{Change, State};

/// The quiet renderer.
#[derive(Debug, Default)]
pub(super) struct Quiet;

impl Render for Quiet {
    fn event(&mut self, _: &Event, _: &[Change], _: &State, _: &mut Frame) {}
}
