//! The values of a file that may name images: where they stand, and how they are replaced.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, ScalarStyle};

use super::parser::{NotYaml, events, position};

/// What a value of ko's begins with, under any key.
const KO: &str = "ko://";
/// The key of a container's image.
const IMAGE: &str = "image";

/// A value that may name an image: one of the key `image`, or one that begins with `ko://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What it says.
    pub text: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Where it stands, without quotes; none if it is written otherwise than it says.
    range: Option<Range<usize>>,
}

impl Value {
    /// Returns the import path that it names in ko's way.
    #[must_use]
    pub fn import_path(&self) -> Option<&str> {
        self.text.strip_prefix(KO)
    }

    /// Tells whether it can be replaced: it is written on one line, without escapes.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.range.is_some()
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
    /// It is not YAML.
    pub fn parse(text: String) -> Result<Self, NotYaml> {
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
            let Some(range) = &value.range else { continue };
            if let Some(text) = with(value) {
                result.push_str(&self.text[done..range.start]);
                result.push_str(&text);
                done = range.end;
            }
        }
        result.push_str(&self.text[done..]);
        result
    }
}

fn values(text: &str) -> Result<Vec<Value>, NotYaml> {
    let mut place = Place::default();
    let mut values = Vec::new();
    // What other places may repeat, unless it is replaced itself.
    let mut anchors: HashMap<usize, String> = HashMap::new();
    for (event, offset) in events(text)? {
        match &event {
            Event::Scalar(scalar, style, anchor, _) => {
                let is_ko = place.is_value() && scalar.starts_with(KO);
                if (place.is_image() || is_ko) && !scalar.is_empty() {
                    let range = scalar_range(text, scalar, *style, offset);
                    values.push(value(scalar, position(text, offset), range));
                } else if *anchor != 0 {
                    anchors.insert(*anchor, scalar.to_string());
                }
            }
            Event::Alias(anchor) if place.is_image() => {
                if let Some(scalar) = anchors.get(anchor) {
                    let range = alias_range(text, offset);
                    values.push(value(scalar, position(text, offset), range));
                }
            }
            _ => {}
        }
        place.advance(&event);
    }
    Ok(values)
}

fn value(text: &str, (line, column): (usize, usize), range: Option<Range<usize>>) -> Value {
    Value {
        // As in a block.
        text: text.trim_end_matches('\n').to_owned(),
        line,
        column,
        range,
    }
}

/// Returns where a scalar is written that begins at a byte of the text; where it ends the parser does
/// not say of all.
fn scalar_range(
    text: &str,
    scalar: &str,
    style: ScalarStyle,
    start: usize,
) -> Option<Range<usize>> {
    let quote = match style {
        ScalarStyle::Plain => "",
        ScalarStyle::SingleQuoted => "'",
        ScalarStyle::DoubleQuoted => "\"",
        ScalarStyle::Literal | ScalarStyle::Folded => return None,
    };
    let start = start + properties(&text[start..]);
    let is_so = text[start..].starts_with(&format!("{quote}{scalar}{quote}"));
    let start = start + quote.len();
    is_so.then(|| start..start + scalar.len())
}

/// Returns where an alias is written, `*name`, which ends at white space or a sign of a flow collection.
fn alias_range(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = text[start..].strip_prefix('*')?;
    let ends = |c: char| c.is_whitespace() || ",[]{}".contains(c);
    let length = rest.find(ends).unwrap_or(rest.len());
    Some(start..start + 1 + length)
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
    fn what_is_written_otherwise_is_known_and_stays() {
        for (text, says) in [
            ("image: \"\\x61pp\"\n", "app"),
            ("image: |\n  app\n", "app"),
            ("image: >-\n  app\n", "app"),
            ("image: 'a''b'\n", "a'b"),
            ("{\"image\": \"docker.io\\/redis\"}", "docker.io/redis"),
        ] {
            let manifests = Manifests::parse(text.to_owned()).unwrap();
            let value = &manifests.values()[0];
            assert_eq!(value.text, says, "{text:?}");
            assert!(!value.is_plain(), "{text:?}");
            assert_eq!(manifests.replaced(|_| Some("b".to_owned())), text);
        }
    }

    #[test]
    fn an_alias_is_replaced_where_it_stands() {
        let text =
            "x: &img app\nimage: *img\nspec: {image: *img, y: *img}\nz: &list [a]\nimage: *list\n";
        assert_eq!(texts(text), ["app", "app"]);
        let manifests = Manifests::parse(text.to_owned()).unwrap();
        let replaced = manifests.replaced(|_| Some("b:1".to_owned()));
        assert_eq!(replaced, text.replace("image: *img", "image: b:1"));
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
