//! Which renderer shows a build, and on what kind of terminal.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that asks what standard error is"
)]

use std::fmt;
use std::io;
use std::str::FromStr;

use rustix::termios;

use super::plain::Plain;
use super::quiet::Quiet;
use super::rawjson::RawJson;
use super::render::{Render, Size};
use super::style::Style;
use super::tty::Tty;

/// The size of a terminal that does not tell.
const USUAL: Size = Size {
    columns: 80,
    rows: 24,
};

/// How progress is shown, as `--progress` and `BUILDKIT_PROGRESS` spell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// [`Mode::Tty`] on a terminal, else [`Mode::Plain`].
    #[default]
    Auto,
    /// Lines that are only ever appended.
    Plain,
    /// A live display.
    Tty,
    /// A JSON object per line.
    RawJson,
    /// Nothing.
    Quiet,
}

/// Why a mode was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("progress mode {given:?} is none of auto, plain, tty, rawjson, quiet")]
pub struct ModeError {
    /// The mode as given.
    pub given: String,
}

/// The terminal that progress is written to.
pub struct Terminal {
    interactive: bool,
    style: Style,
    size: Box<dyn Fn() -> Option<Size> + Send>,
}

impl Mode {
    pub(super) fn renderer(self, terminal: &Terminal) -> Box<dyn Render> {
        match self {
            Self::Auto if terminal.interactive => Box::new(Tty::new(terminal.style)),
            Self::Tty => Box::new(Tty::new(terminal.style)),
            Self::Auto | Self::Plain => Box::new(Plain::default()),
            Self::RawJson => Box::new(RawJson),
            Self::Quiet => Box::new(Quiet),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Plain => "plain",
            Self::Tty => "tty",
            Self::RawJson => "rawjson",
            Self::Quiet => "quiet",
        })
    }
}

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(given: &str) -> Result<Self, ModeError> {
        match given {
            // An empty environment variable means that nothing was asked for.
            "" | "auto" => Ok(Self::Auto),
            "plain" => Ok(Self::Plain),
            "tty" => Ok(Self::Tty),
            "rawjson" => Ok(Self::RawJson),
            "quiet" => Ok(Self::Quiet),
            _ => Err(ModeError {
                given: given.to_owned(),
            }),
        }
    }
}

impl Terminal {
    /// Describes standard error; `color` is what the environment (`NO_COLOR`) allows.
    #[must_use]
    pub fn stderr(color: bool) -> Self {
        let interactive = termios::isatty(io::stderr());
        let size = || {
            let size = termios::tcgetwinsize(io::stderr()).ok()?;
            Some(Size {
                columns: size.ws_col,
                rows: size.ws_row,
            })
        };
        Self::new(interactive, color, Box::new(size))
    }

    /// Describes a terminal; `size` is asked before every frame, so it may change.
    #[must_use]
    pub fn new(interactive: bool, color: bool, size: Box<dyn Fn() -> Option<Size> + Send>) -> Self {
        Self {
            interactive,
            style: if color { Style::Colored } else { Style::Bare },
            size,
        }
    }

    /// Returns the size to draw for; terminals that cannot tell may say zero.
    pub(super) fn size(&self) -> Size {
        let known = |size: &Size| size.columns > 0 && size.rows > 0;
        (self.size)().filter(known).unwrap_or(USUAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_as_they_are_written() {
        for mode in [
            Mode::Auto,
            Mode::Plain,
            Mode::Tty,
            Mode::RawJson,
            Mode::Quiet,
        ] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert_eq!("".parse(), Ok(Mode::Auto));
        assert!("fancy".parse::<Mode>().is_err());
    }

    #[test]
    fn a_terminal_without_a_size_gets_the_usual_one() {
        let nowhere = Terminal::new(true, false, Box::new(|| None));
        assert_eq!(nowhere.size(), USUAL);
        let zero = Size {
            columns: 0,
            rows: 0,
        };
        let zero = Terminal::new(true, false, Box::new(move || Some(zero)));
        assert_eq!(zero.size(), USUAL);
    }
}
