//! A YAML parser's events, with the places in the text that they come from.

use saphyr_parser::{Event, Parser, ScanError};

/// What the parser says of a line in a flow collection that is not indented deeper than what that is a
/// part of. YAML forbids it; `kubectl` and most others take it, and people write it:
///
/// ```yaml
/// args: [
///   "a"
/// ]
/// ```
const INDENTATION: &str = "invalid indentation";

/// How many spaces are added to such a line at once: few files are indented as deep.
const SPACES: usize = 16;

/// How many spaces are added to a text at most.
const MOST: usize = 1000 * SPACES;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("this is not YAML: {reason}")]
pub struct NotYaml {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    reason: String,
}

/// Returns all events of a text, and at which of its bytes each begins.
pub(super) fn events(text: &str) -> Result<Vec<(Event<'static>, usize)>, NotYaml> {
    let mut shadow = Shadow::of(text);
    loop {
        let error = match shadow.events() {
            Ok(events) => return Ok(events),
            Err(error) => error,
        };
        let index = error.marker().index();
        if error.info() != INDENTATION || shadow.added.len() == MOST {
            let (line, column) = position(text, shadow.offsets()[index.min(shadow.chars.len())]);
            return Err(NotYaml {
                line,
                column,
                reason: error.info().to_owned(),
            });
        }
        shadow.indent(index);
    }
}

/// Returns line and column of a byte of a text, from 1.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

/// A text with spaces added.
struct Shadow {
    chars: Vec<char>,
    /// Where spaces were added, in the order of the text.
    added: Vec<usize>,
}

impl Shadow {
    fn of(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            added: Vec::new(),
        }
    }

    fn events(&self) -> Result<Vec<(Event<'static>, usize)>, ScanError> {
        let offsets = self.offsets();
        let parser = Parser::new_from_iter(self.chars.clone().into_iter());
        let events = parser.map(|event| {
            let (event, span) = event?;
            Ok((event, offsets[span.start.index().min(self.chars.len())]))
        });
        events.collect()
    }

    /// Adds spaces; all that were added before stand before them.
    fn indent(&mut self, index: usize) {
        self.chars.splice(index..index, [' '; SPACES]);
        self.added.extend(index..index + SPACES);
    }

    /// Returns for each character, and for the end, the byte of the text itself.
    fn offsets(&self) -> Vec<usize> {
        let mut added = self.added.iter().peekable();
        let mut offset = 0;
        let mut offsets = Vec::with_capacity(self.chars.len() + 1);
        for (index, c) in self.chars.iter().enumerate() {
            offsets.push(offset);
            if added.next_if(|added| **added == index).is_none() {
                offset += c.len_utf8();
            }
        }
        offsets.push(offset);
        offsets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars(text: &str) -> Vec<(String, (usize, usize))> {
        let events = events(text).unwrap().into_iter();
        let scalars = events.filter_map(|(event, offset)| match event {
            Event::Scalar(scalar, ..) => Some((scalar.into_owned(), position(text, offset))),
            _ => None,
        });
        scalars.collect()
    }

    #[test]
    fn a_flow_collection_may_end_in_the_column_of_its_key() {
        let text = "spec:\n  ü: [\n    \"a\"\n  ]\n  b: {\n\"c\": \"d\"\n}\n  e: f\n";
        let found = scalars(text);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["spec", "ü", "a", "b", "c", "d", "e", "f"]);
        assert_eq!(found[2].1, (3, 5));
        assert_eq!(found[6].1, (8, 3));
        assert_eq!(found[7].1, (8, 6));
    }

    #[test]
    fn what_is_not_yaml_is_told_with_its_place() {
        let refused = |text: &str| {
            let error = events(text).unwrap_err();
            assert!(
                error.to_string().starts_with("this is not YAML: "),
                "{error}"
            );
            (error.line, error.column)
        };
        assert!(refused("a: b\nc: [\n").0 >= 2);
        assert_eq!(refused("ü: [\n\"a\"\n]\nb: ]\n"), (4, 4));
        // A template is no YAML before it is rendered.
        assert_eq!(
            refused("image: {{ .Values.image }}:{{ .Values.tag }}\n").0,
            1
        );
    }
}
