//! The variables that a package declares, as the linker's `-X` sees them.
//!
//! `go help link` (`cmd/link`): `-X` sets a string variable that is uninitialised or initialised
//! to a constant string expression; any other initialiser runs later and overwrites it.

use std::collections::BTreeMap;

use super::tokens::{Token, Tokens};
use super::uses::sources;
use crate::check::Subject;
use crate::project::golang::source::Package;

/// What a name at a package's top level is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum Variable {
    /// A string variable that can be set, or one that may be.
    Settable,
    /// A variable of another type.
    OtherType,
    /// A variable that a call initialises.
    Computed,
    /// A constant.
    Constant,
}

/// Returns the variables and constants of a package by name.
pub(in crate::check) fn variables(
    subject: &Subject<'_>,
    package: &Package,
) -> BTreeMap<String, Variable> {
    let mut declared = BTreeMap::new();
    for (_, text) in sources(subject, package) {
        declared.extend(declarations(&text));
    }
    declared
}

fn declarations(text: &str) -> BTreeMap<String, Variable> {
    let mut reader = Reader {
        tokens: Tokens::new(text).map(|(_, token)| token).collect(),
        at: 0,
        declared: BTreeMap::new(),
    };
    reader.file();
    reader.declared
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    declared: BTreeMap<String, Variable>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn file(&mut self) {
        let mut depth = 0_usize;
        let mut begins = true;
        while let Some(token) = self.peek() {
            self.at += 1;
            match token {
                Token::Word("var") if begins && depth == 0 => self.group(false),
                Token::Word("const") if begins && depth == 0 => self.group(true),
                Token::Symbol(b'(' | b'[' | b'{') => depth += 1,
                Token::Symbol(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            begins = matches!(token, Token::Newline | Token::Symbol(b';'));
        }
    }

    /// Reads what follows `var` or `const`: one declaration, or several in parentheses.
    fn group(&mut self, constant: bool) {
        if self.peek() != Some(Token::Symbol(b'(')) {
            self.declaration(constant);
            return;
        }
        self.at += 1;
        while let Some(token) = self.peek() {
            match token {
                Token::Symbol(b')') => {
                    self.at += 1;
                    return;
                }
                Token::Word(_) => self.declaration(constant),
                _ => {
                    self.at += 1;
                }
            }
        }
    }

    /// Reads `a, b type = value` to the end of its line.
    fn declaration(&mut self, constant: bool) {
        let mut names = Vec::new();
        while let Some(Token::Word(name)) = self.peek() {
            names.push(name);
            self.at += 1;
            if self.peek() != Some(Token::Symbol(b',')) {
                break;
            }
            self.at += 1;
        }
        let rest = self.rest();
        let kind = match constant {
            true => Variable::Constant,
            false => variable(&rest, names.len()),
        };
        for name in names {
            self.declared.insert(name.to_owned(), kind);
        }
    }

    /// Reads to the end of a declaration; a `)` that closes a group is left.
    fn rest(&mut self) -> Vec<Token<'a>> {
        let mut depth = 0_usize;
        let mut rest = Vec::new();
        while let Some(token) = self.peek() {
            match token {
                Token::Newline | Token::Symbol(b';' | b')') if depth == 0 => break,
                Token::Symbol(b'(' | b'[' | b'{') => depth += 1,
                Token::Symbol(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                _ => {}
            }
            rest.push(token);
            self.at += 1;
        }
        rest
    }
}

/// Tells from what follows its name what a variable is.
fn variable(rest: &[Token<'_>], names: usize) -> Variable {
    let equals = rest.iter().position(|token| *token == Token::Symbol(b'='));
    let (kind, value) = match equals {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &[][..]),
    };
    let typed = match kind {
        [] => false,
        [Token::Word("string")] => true,
        _ => return Variable::OtherType,
    };
    match value {
        // Which value belongs to which name is not worth telling.
        _ if names > 1 => Variable::Settable,
        [] | [Token::Text(_), ..] => Variable::Settable,
        [Token::Word("string"), ..] => Variable::Settable,
        _ if value.contains(&Token::Symbol(b'(')) => Variable::Computed,
        [Token::Word(word), ..] if !typed && is_no_string(word) => Variable::OtherType,
        [Token::Word(_), ..] => Variable::Settable,
        _ if typed => Variable::Settable,
        _ => Variable::OtherType,
    }
}

/// Tells a number or a truth value from the name of a constant.
fn is_no_string(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        || matches!(word, "true" | "false" | "map" | "struct" | "func")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_of_a_package_are_told_apart() {
        let text = "package a\n\
            var plain string\n\
            var text = \"dev\" // comment\n\
            var both, more = \"x\", \"y\"\n\
            var (\n\
            \tgrouped = `v`\n\
            \n\
            \tnumber = 1; flag bool\n\
            \tlist = []string{\"a\"}\n\
            \tcalled = compute(\"x\")\n\
            \tnamed = other\n\
            \tlast Name = \"x\"\n\
            )\n\
            const fixed = \"v\"\n\
            const (\n\tone = iota\n\ttwo\n)\n\
            func f() {\n\tvar local string\n\tif x {\n\t}\n}\n\
            type t struct {\n\tfield string\n}\n\
            var after string\n";
        let declared = declarations(text);
        let of = |name: &str| declared.get(name).copied();
        for name in ["plain", "text", "both", "more", "grouped", "named", "after"] {
            assert_eq!(of(name), Some(Variable::Settable), "{name}");
        }
        for name in ["number", "flag", "list", "last"] {
            assert_eq!(of(name), Some(Variable::OtherType), "{name}");
        }
        assert_eq!(of("called"), Some(Variable::Computed));
        for name in ["fixed", "one", "two"] {
            assert_eq!(of(name), Some(Variable::Constant), "{name}");
        }
        for name in ["local", "field", "f", "t"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
