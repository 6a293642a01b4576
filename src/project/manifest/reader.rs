//! Typed access to a parsed TOML table that reports everything it does not understand.
//!
//! A [`Section`] knows which keys were asked for; whatever else the table holds when
//! [`Section::finish`] is called is an unknown key. The list of known keys therefore cannot
//! drift from the code that reads them.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Problem, nearest};
use super::key::KeyPath;

/// A string of the manifest and where it stands.
pub(super) type Text = Spanned<String>;
/// An array of strings.
pub(super) type List = Spanned<Vec<Text>>;
/// A table of strings, in the order of its keys.
pub(super) type Map = Spanned<Vec<(Text, Text)>>;

/// Keys that other tools use for the same thing.
const SYNONYMS: [(&str, &str); 12] = [
    ("src", "file"),
    ("source", "file"),
    ("path", "file"),
    ("ports", "expose"),
    ("command", "cmd"),
    ("args", "cmd"),
    ("working-dir", "workdir"),
    ("environment", "env"),
    ("targets", "platforms"),
    ("main", "binaries"),
    ("packages", "binaries"),
    ("repository", "name"),
];

/// One table of the manifest while it is being read.
pub(super) struct Section<'r, 'd> {
    problems: &'r mut Vec<Problem>,
    table: &'d DeTable<'d>,
    path: KeyPath,
    asked: Vec<&'static str>,
}

impl<'r, 'd> Section<'r, 'd> {
    /// Starts to read a table.
    pub(super) fn new(
        table: &'d DeTable<'d>,
        path: KeyPath,
        problems: &'r mut Vec<Problem>,
    ) -> Self {
        Self {
            problems,
            table,
            path,
            asked: Vec::new(),
        }
    }

    /// Returns a key's value as it was parsed.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Reads a string.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Text> {
        let value = self.value(key)?;
        let path = self.path.key(key);
        self.as_text(value, &path)
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.mismatch(&self.path.key(key), value, "true or false");
        }
        boolean
    }

    /// Reads a whole number.
    pub(super) fn integer(&mut self, key: &'static str) -> Option<Spanned<i64>> {
        let value = self.value(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            self.mismatch(&self.path.key(key), value, "a whole number");
            return None;
        };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Some(Spanned::new(value.span(), number)),
            Err(_) => {
                self.problems.push(Problem::new(
                    format!("`{}` is out of range", self.path.key(key)),
                    value.span(),
                    "does not fit 64 bits",
                ));
                None
            }
        }
    }

    /// Reads an array of strings; elements of another type are reported and left out.
    pub(super) fn list(&mut self, key: &'static str) -> Option<List> {
        let value = self.value(key)?;
        let path = self.path.key(key);
        let Some(array) = value.get_ref().as_array() else {
            self.mismatch(&path, value, "an array of strings");
            return None;
        };
        let texts = array
            .iter()
            .enumerate()
            .filter_map(|(index, element)| self.as_text(element, &path.index(index)))
            .collect();
        Some(Spanned::new(value.span(), texts))
    }

    /// Reads a table of strings; values of another type are reported and left out.
    pub(super) fn map(&mut self, key: &'static str) -> Option<Map> {
        let value = self.value(key)?;
        let path = self.path.key(key);
        let Some(table) = value.get_ref().as_table() else {
            self.mismatch(&path, value, "a table of strings");
            return None;
        };
        Some(Spanned::new(value.span(), self.entries(table, &path)))
    }

    /// Reads a string or a table of strings.
    pub(super) fn text_or_map(&mut self, key: &'static str) -> Option<TextOrMap> {
        let value = self.value(key)?;
        let path = self.path.key(key);
        match value.get_ref() {
            DeValue::String(text) => Some(TextOrMap::Text(Spanned::new(
                value.span(),
                text.as_ref().to_owned(),
            ))),
            DeValue::Table(table) => Some(TextOrMap::Map(Spanned::new(
                value.span(),
                self.entries(table, &path),
            ))),
            _ => {
                self.mismatch(&path, value, "a string or a table of strings");
                None
            }
        }
    }

    /// Reads a table with keys of its own.
    pub(super) fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'_, 'd>) -> T,
    ) -> Option<T> {
        let value = self.value(key)?;
        let path = self.path.key(key);
        let Some(table) = value.get_ref().as_table() else {
            self.mismatch(&path, value, &format!("a table, `[{path}]`"));
            return None;
        };
        let mut section = Section::new(table, path, self.problems);
        let result = read(&mut section);
        section.finish();
        Some(result)
    }

    /// Reads an array of tables, each with where it stands.
    pub(super) fn sections<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&mut Section<'_, 'd>) -> T,
    ) -> Option<Spanned<Vec<Spanned<T>>>> {
        let value = self.value(key)?;
        let path = self.path.key(key);
        let Some(array) = value.get_ref().as_array() else {
            self.mismatch(&path, value, &format!("an array of tables, `[[{path}]]`"));
            return None;
        };
        let mut read_ones = Vec::new();
        for (index, element) in array.iter().enumerate() {
            let path = path.index(index);
            let Some(table) = element.get_ref().as_table() else {
                self.mismatch(&path, element, "a table");
                continue;
            };
            let mut section = Section::new(table, path, self.problems);
            let result = read(&mut section);
            section.finish();
            read_ones.push(Spanned::new(element.span(), result));
        }
        Some(Spanned::new(value.span(), read_ones))
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if self.asked.contains(&name) {
                continue;
            }
            self.problems.push(
                Problem::new(
                    format!("unknown key `{}`", self.path.key(name)),
                    key.span(),
                    "not a key of goimage.toml version 1",
                )
                .help(suggest(name, &self.asked)),
            );
        }
    }

    fn entries(&mut self, table: &DeTable<'_>, path: &KeyPath) -> Vec<(Text, Text)> {
        let mut entries: Vec<(Text, Text)> = table
            .iter()
            .filter_map(|(key, value)| {
                let name = key.get_ref().as_ref().to_owned();
                let text = self.as_text(value, &path.key(&name))?;
                Some((Spanned::new(key.span(), name), text))
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }

    fn as_text(&mut self, value: &Spanned<DeValue<'_>>, path: &KeyPath) -> Option<Text> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.mismatch(path, value, "a string");
        }
        Some(Spanned::new(value.span(), text?.to_owned()))
    }

    fn mismatch(&mut self, path: &KeyPath, value: &Spanned<DeValue<'_>>, expected: &str) {
        let mut problem = Problem::new(
            format!("`{path}` must be {expected}"),
            value.span(),
            describe(value.get_ref()),
        );
        if let (Some(text), "an array of strings") = (value.get_ref().as_str(), expected) {
            problem = problem.help(format!("write it as `[{text:?}]`"));
        }
        self.problems.push(problem);
    }
}

/// A value that is either one string or a table of them.
#[derive(Clone, Debug)]
pub(super) enum TextOrMap {
    Text(Text),
    Map(Map),
}

/// Parses a document; syntax errors are reported, and the tree is then of no use.
pub(super) fn parse_document<'d>(
    text: &'d str,
    problems: &mut Vec<Problem>,
) -> Option<Spanned<DeTable<'d>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(table);
    }
    problems.extend(errors.iter().map(|error| {
        let span: Range<usize> = error.span().unwrap_or(0..0);
        Problem::new("the file is not TOML", span, error.message())
    }));
    None
}

fn suggest(name: &str, known: &[&'static str]) -> String {
    let synonym = SYNONYMS
        .iter()
        .find(|(other, ours)| *other == name && known.contains(ours))
        .map(|(_, ours)| *ours);
    match synonym.or_else(|| nearest(name, known.iter().copied())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let mut names = known.to_vec();
            names.sort_unstable();
            format!("known keys here: {}", names.join(", "))
        }
    }
}

fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a floating-point number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
