//! The values of a file that may name images: where they stand, and how they are replaced.

use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

/// What a value of ko's begins with, under any key.
const KO: &str = "ko://";
/// The key of a container's image.
const IMAGE: &str = "image";

/// Why a file cannot be read, or a value of it not be replaced.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct ManifestsError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("this is not YAML: {0}")]
    Syntax(String),
    #[error("{0:?} is written with escapes or over several lines; write it plain, on one line")]
    Disguised(String),
}

/// A value that may name an image: one of the key `image`, or one that begins with `ko://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What it says.
    pub text: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Where it stands, without quotes.
    range: Range<usize>,
}

impl Value {
    /// Returns the import path that it names in ko's way.
    #[must_use]
    pub fn import_path(&self) -> Option<&str> {
        self.text.strip_prefix(KO)
    }
}

/// One file, of any number of documents, in YAML or JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifests {
    text: String,
    values: Vec<Value>,
}

impl Manifests {
    /// Reads a file.
    ///
    /// # Errors
    /// It is not YAML, or a value that names an image is no plain text.
    pub fn parse(text: String) -> Result<Self, ManifestsError> {
        let values = values(&text)?;
        Ok(Self { text, values })
    }

    /// Returns the values that may name images, in their order.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Returns the text with the values that `with` knows replaced.
    pub fn replaced(&self, with: impl Fn(&Value) -> Option<String>) -> String {
        let mut result = String::with_capacity(self.text.len());
        let mut done = 0;
        for value in &self.values {
            if let Some(text) = with(value) {
                result.push_str(&self.text[done..value.range.start]);
                result.push_str(&text);
                done = value.range.end;
            }
        }
        result.push_str(&self.text[done..]);
        result
    }
}

fn values(text: &str) -> Result<Vec<Value>, ManifestsError> {
    let offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
    let offset = |index: usize| offsets.get(index).copied().unwrap_or(text.len());
    let mut place = Place::default();
    let mut values = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        if let Event::Scalar(scalar, style, ..) = &event {
            let names_image = place.is_image() || place.is_value() && scalar.starts_with(KO);
            if names_image && !scalar.is_empty() {
                let start = offset(span.start.index());
                values.push(value(text, scalar, *style, span.start, start)?);
            }
        }
        place.advance(&event);
    }
    Ok(values)
}

/// Returns the value that begins at a byte of the text; where it ends the parser does not say of all.
fn value(
    text: &str,
    scalar: &str,
    style: ScalarStyle,
    at: Marker,
    start: usize,
) -> Result<Value, ManifestsError> {
    let (line, column) = (at.line(), at.col() + 1);
    let disguised = || ManifestsError {
        line,
        column,
        problem: Problem::Disguised(scalar.trim().to_owned()),
    };
    let quote = match style {
        ScalarStyle::Plain => "",
        ScalarStyle::SingleQuoted => "'",
        ScalarStyle::DoubleQuoted => "\"",
        ScalarStyle::Literal | ScalarStyle::Folded => return Err(disguised()),
    };
    let start = start + properties(&text[start..]);
    if !text[start..].starts_with(&format!("{quote}{scalar}{quote}")) {
        return Err(disguised());
    }
    let start = start + quote.len();
    Ok(Value {
        text: scalar.to_owned(),
        line,
        column,
        range: start..start + scalar.len(),
    })
}

/// Returns how long the anchor and the tag are that a node begins with.
fn properties(node: &str) -> usize {
    let mut rest = node;
    while rest.starts_with(['&', '!']) {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        rest = rest[end..].trim_start();
    }
    node.len() - rest.len()
}

fn syntax(error: &ScanError) -> ManifestsError {
    ManifestsError {
        line: error.marker().line(),
        column: error.marker().col() + 1,
        problem: Problem::Syntax(error.info().to_owned()),
    }
}

/// Where in a document the next node stands.
#[derive(Debug, Default)]
struct Place {
    open: Vec<Collection>,
}

#[derive(Debug)]
enum Collection {
    Sequence,
    /// What comes next is a key.
    Key,
    /// What comes next is the value of a key.
    Value {
        is_image: bool,
    },
}

impl Place {
    fn is_image(&self) -> bool {
        matches!(self.open.last(), Some(Collection::Value { is_image: true }))
    }

    fn is_value(&self) -> bool {
        !matches!(self.open.last(), Some(Collection::Key))
    }

    fn advance(&mut self, event: &Event<'_>) {
        match event {
            Event::MappingStart(..) => self.open.push(Collection::Key),
            Event::SequenceStart(..) => self.open.push(Collection::Sequence),
            Event::MappingEnd | Event::SequenceEnd => {
                self.open.pop();
                self.node(false);
            }
            Event::Scalar(text, ..) => self.node(text == IMAGE),
            Event::Alias(_) => self.node(false),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
    }

    /// A node is complete.
    fn node(&mut self, is_image: bool) {
        match self.open.last_mut() {
            Some(last @ Collection::Key) => *last = Collection::Value { is_image },
            Some(last @ Collection::Value { .. }) => *last = Collection::Key,
            Some(Collection::Sequence) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let manifests = Manifests::parse(text.to_owned()).unwrap();
        let values = manifests.values().iter();
        values.map(|value| value.text.clone()).collect()
    }

    #[test]
    fn the_rest_of_a_file_stays_as_it_is() {
        let text = "# Größe: ü\nspec:\n  containers:\n  - name: a   # first\n    image: \"a:1\"\t# quoted\n    \
                    args: ['ko://example.com/b', image, {image: c}]\r\n---\n# second\nx: &y !!str ko://example.com/d\n\
                    image: *y\n";
        let manifests = Manifests::parse(text.to_owned()).unwrap();
        let names = texts(text);
        assert_eq!(
            names,
            ["a:1", "ko://example.com/b", "c", "ko://example.com/d"]
        );
        let places = manifests.values().iter();
        let places: Vec<_> = places.map(|value| (value.line, value.column)).collect();
        assert_eq!(places, [(5, 12), (6, 12), (6, 49), (9, 4)]);
        assert_eq!(manifests.replaced(|_| None), text);
        let replaced = manifests
            .replaced(|value| Some(value.import_path().unwrap_or("R/n@sha256:1").to_owned()));
        let expected = text
            .replace("a:1", "R/n@sha256:1")
            .replace("{image: c}", "{image: R/n@sha256:1}")
            .replace("ko://", "");
        assert_eq!(replaced, expected);
    }

    #[test]
    fn keys_and_other_values_name_no_image() {
        for text in [
            "",
            "ko://example.com/a: x\n",
            "images: [a]\nimagePullPolicy: Always\n",
            "image: {repository: a}\n",
            "image:\n",
            "? {image: a}\n: [image, b]\n",
            "image: [a]\n",
            "text: see ko://example.com/a\n",
        ] {
            let names = texts(text);
            let nested = usize::from(text.starts_with('?'));
            assert_eq!(names.len(), nested, "{text:?}: {names:?}");
        }
    }

    #[test]
    fn json_is_yaml() {
        let text = "{\n\t\"spec\": {\"image\": \"a\", \"env\": [{\"value\": \"ko://b\"}]}}";
        assert_eq!(texts(text), ["a", "ko://b"]);
        let manifests = Manifests::parse(text.to_owned()).unwrap();
        let replaced = manifests.replaced(|_| Some("c".to_owned()));
        assert_eq!(
            replaced,
            text.replace("\"a\"", "\"c\"").replace("ko://b", "c")
        );
    }

    #[test]
    fn what_cannot_be_replaced_is_refused_with_its_place() {
        let refused = |text: &str| {
            let error = Manifests::parse(text.to_owned()).unwrap_err();
            (error.line, error.column, error.to_string())
        };
        let (line, column, message) = refused("a: b\nimage: \"\\x61pp\"\n");
        assert_eq!((line, column), (2, 8));
        assert!(
            message.starts_with("\"app\" is written with escapes"),
            "{message}"
        );
        for text in [
            "image: |\n  app\n",
            "image: >-\n  app\n",
            "x:\nimage: 'a''b'\n",
        ] {
            assert_eq!(refused(text).0, 2, "{text:?}");
        }
        let (line, _, message) = refused("a: b\nc: [\n");
        assert!(line >= 2, "{line}");
        assert!(message.starts_with("this is not YAML: "), "{message}");
        // A template is no YAML before it is rendered.
        assert!(refused("image: {{ .Values.image }}:{{ .Values.tag }}\n").0 == 1);
    }

    #[test]
    fn a_byte_order_mark_shifts_nothing() {
        let text = "\u{feff}image: app\n";
        let manifests = Manifests::parse(text.to_owned()).unwrap();
        assert_eq!(
            manifests.replaced(|_| Some("b".to_owned())),
            "\u{feff}image: b\n"
        );
    }
}
