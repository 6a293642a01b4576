//! Colours, or none.

/// What a piece of text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tint {
    /// Nothing in particular.
    Plain,
    /// Of lesser interest.
    Faint,
    /// In progress.
    Active,
    /// Succeeded.
    Success,
    /// Worth acting on.
    Warning,
    /// Failed.
    Failure,
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// With the colours of the terminal's own palette.
    Colored,
    /// Without.
    Bare,
}

impl Style {
    /// Returns `text` in the colour of `tint`.
    pub(super) fn paint(self, tint: Tint, text: &str) -> String {
        let code = match tint {
            Tint::Plain => return text.to_owned(),
            Tint::Faint => "2",
            Tint::Active => "36",
            Tint::Success => "32",
            Tint::Warning => "33",
            Tint::Failure => "31",
        };
        match self {
            Self::Colored if !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Colored | Self::Bare => text.to_owned(),
        }
    }
}
