//! Build constraints: the `//go:build` expression of a file, or its `// +build` lines.
//!
//! Enters: the start of a file. Leaves: a [`Constraint`], evaluated against a
//! [`BuildContext`]. The grammar is that of `go/build/constraint`; where such lines count is
//! decided as in `go/build` (`parseFileHeader`, `shouldBuild`): a `//go:build` line anywhere
//! before the package clause wins; `// +build` lines count only in the leading run of `//`
//! comments, up to its last blank line. A module's `go` line has no say in it.

use super::context::BuildContext;

/// Longest `//go:build` expression, in operands.
const OPERANDS: usize = 1000;
/// Longest `// +build` line, in operators.
const LEGACY_OPERATORS: usize = 100;

/// Under which conditions a file takes part in a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Always.
    None,
    /// If the `//go:build` expression holds.
    Build(Expression),
    /// If every `// +build` line holds.
    Legacy(Vec<Expression>),
}

/// A boolean expression over build tags, in postfix order: no nesting, however deep the text
/// nests, so nothing here recurses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    steps: Vec<Step>,
}

/// A step of an expression's evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Yields whether the tag is satisfied.
    Tag(String),
    /// Negates the last result.
    Not,
    /// Joins the last two results.
    And,
    /// Joins the last two results.
    Or,
}

/// Why a file's constraint cannot be read, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// The file has two `//go:build` lines.
    #[error("multiple //go:build comments")]
    Multiple,
    /// The expression does not parse.
    #[error("parsing //go:build line: {0}")]
    Syntax(String),
}

impl Constraint {
    /// Reads the constraint of a file from its text (without byte order mark).
    ///
    /// # Errors
    /// There are several `//go:build` lines, or the one does not parse. Malformed `// +build`
    /// lines are passed over.
    pub fn parse(text: &[u8]) -> Result<Self, ConstraintError> {
        let head = Head::read(text)?;
        if let Some(line) = head.build {
            return Expression::parse(&line)
                .map(Self::Build)
                .map_err(ConstraintError::Syntax);
        }
        let leading = String::from_utf8_lossy(head.leading);
        let lines: Vec<Expression> = leading.split('\n').filter_map(legacy_expression).collect();
        Ok(if lines.is_empty() {
            Self::None
        } else {
            Self::Legacy(lines)
        })
    }

    /// Returns whether the file takes part under `context`.
    #[must_use]
    pub fn admits(&self, context: &BuildContext) -> bool {
        match self {
            Self::None => true,
            Self::Build(expression) => expression.holds(context),
            Self::Legacy(lines) => lines.iter().all(|line| line.holds(context)),
        }
    }
}

impl Expression {
    /// Parses the expression of a `//go:build` line.
    ///
    /// # Errors
    /// It is malformed or has more than 1,000 operands.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            rest: text,
            operands: 0,
            steps: Vec::new(),
            pending: Vec::new(),
        };
        loop {
            parser.operand()?;
            if !parser.operator()? {
                break;
            }
        }
        Ok(Self {
            steps: parser.steps,
        })
    }

    /// Parses one condition of a `#cgo` line, which may be in either syntax.
    pub(super) fn parse_either(text: &str) -> Option<Self> {
        if text.contains(['&', '|', '(', ')']) {
            Self::parse(text).ok()
        } else {
            parse_legacy(text)
        }
    }

    /// Returns whether the expression holds under `context`.
    #[must_use]
    pub fn holds(&self, context: &BuildContext) -> bool {
        let mut results: Vec<bool> = Vec::new();
        for step in &self.steps {
            let result = match step {
                Step::Tag(tag) => context.satisfies(tag),
                Step::Not => !results.pop().unwrap_or_default(),
                Step::And => {
                    let right = results.pop().unwrap_or_default();
                    results.pop().unwrap_or_default() && right
                }
                Step::Or => {
                    let right = results.pop().unwrap_or_default();
                    results.pop().unwrap_or_default() || right
                }
            };
            results.push(result);
        }
        results.pop().unwrap_or_default()
    }
}

/// The lines of a file in which constraints can stand.
struct Head<'a> {
    /// The `//go:build` expression.
    build: Option<String>,
    /// Leading comment lines, up to the last blank one.
    leading: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(text: &'a [u8]) -> Result<Self, ConstraintError> {
        let (mut build, mut end, mut at) = (None, 0, 0);
        let (mut ended, mut in_block) = (false, false);
        'lines: while at < text.len() {
            let length = memchr::memchr(b'\n', &text[at..]).map_or(text.len() - at, |n| n + 1);
            let line = String::from_utf8_lossy(&text[at..at + length]);
            at += length;
            let mut line = line.trim();
            if line.is_empty() && !ended {
                end = at;
                continue;
            }
            ended |= !line.starts_with("//");
            if !in_block && let Some(expression) = build_line(line) {
                if build.is_some() {
                    return Err(ConstraintError::Multiple);
                }
                build = Some(expression.to_owned());
            }
            while !line.is_empty() {
                if in_block {
                    let Some((_, rest)) = line.split_once("*/") else {
                        continue 'lines;
                    };
                    in_block = false;
                    line = rest.trim();
                } else if line.starts_with("//") {
                    continue 'lines;
                } else if let Some(rest) = line.strip_prefix("/*") {
                    in_block = true;
                    line = rest.trim();
                } else {
                    break 'lines;
                }
            }
        }
        Ok(Self {
            build,
            leading: &text[..end],
        })
    }
}

/// Returns the expression of a `//go:build` line.
fn build_line(line: &str) -> Option<&str> {
    argument(line.strip_prefix("//go:build")?)
}

/// Returns the expression of a `// +build` line, if it is one that parses.
fn legacy_expression(line: &str) -> Option<Expression> {
    let comment = line.trim().strip_prefix("//")?.trim();
    parse_legacy(argument(comment.strip_prefix("+build")?)?)
}

/// A directive's name must end where it ends: at a space or at the end of the line.
fn argument(rest: &str) -> Option<&str> {
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim())
}

/// Parses a `// +build` line: spaces mean or, commas and, `!` not. `None` if it is too long.
fn parse_legacy(text: &str) -> Option<Expression> {
    let mut operators = 0;
    let mut steps = Vec::new();
    for (clause_index, clause) in text.split_whitespace().enumerate() {
        for (index, literal) in clause.split(',').enumerate() {
            legacy_literal(literal, &mut steps);
            if index > 0 {
                operators += 1;
                steps.push(Step::And);
            }
        }
        if clause_index > 0 {
            operators += 1;
            steps.push(Step::Or);
        }
    }
    if steps.is_empty() {
        steps.push(ignored());
    }
    (operators <= LEGACY_OPERATORS).then_some(Expression { steps })
}

fn legacy_literal(literal: &str, steps: &mut Vec<Step>) {
    let tag = |word: &str| {
        if !word.is_empty() && word.chars().all(is_tag_character) {
            Step::Tag(word.to_owned())
        } else {
            ignored()
        }
    };
    match literal.strip_prefix('!') {
        Some(rest) if rest.is_empty() || rest.starts_with('!') => steps.push(ignored()),
        Some(rest) => steps.extend([tag(rest), Step::Not]),
        None => steps.push(tag(literal)),
    }
}

/// The tag that by convention nobody sets.
fn ignored() -> Step {
    Step::Tag("ignore".to_owned())
}

fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '.'
}

/// What waits for its right operand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    Not,
    And,
    Or,
    Open,
}

/// Operator precedence parsing with a stack of pending operators.
struct Parser<'a> {
    rest: &'a str,
    operands: usize,
    steps: Vec<Step>,
    pending: Vec<Pending>,
}

impl<'a> Parser<'a> {
    /// Reads up to and including a tag.
    fn operand(&mut self) -> Result<(), String> {
        let mut negated = false;
        loop {
            if !negated {
                self.operands += 1;
                if self.operands > OPERANDS {
                    return Err("build expression too large".to_owned());
                }
            }
            match self.token()? {
                "!" if negated => return Err("double negation not allowed".to_owned()),
                "!" => {
                    self.pending.push(Pending::Not);
                    negated = true;
                }
                "(" => {
                    self.pending.push(Pending::Open);
                    negated = false;
                }
                "" if self.pending.contains(&Pending::Open) => {
                    return Err("missing close paren".to_owned());
                }
                "" => return Err("unexpected end of expression".to_owned()),
                tag if tag.starts_with(is_tag_character) => {
                    self.steps.push(Step::Tag(tag.to_owned()));
                    self.settle(&[Pending::Not]);
                    return Ok(());
                }
                other => return Err(format!("unexpected token {other}")),
            }
        }
    }

    /// Reads what follows an operand, up to and including an operator; false at the end.
    fn operator(&mut self) -> Result<bool, String> {
        loop {
            match self.token()? {
                "&&" => {
                    self.settle(&[Pending::And]);
                    self.pending.push(Pending::And);
                    return Ok(true);
                }
                "||" => {
                    self.settle(&[Pending::And, Pending::Or]);
                    self.pending.push(Pending::Or);
                    return Ok(true);
                }
                token => {
                    self.settle(&[Pending::And, Pending::Or]);
                    match (self.pending.pop(), token) {
                        (Some(_), ")") => self.settle(&[Pending::Not]),
                        (Some(_), _) => return Err("missing close paren".to_owned()),
                        (None, "") => return Ok(false),
                        (None, other) => return Err(format!("unexpected token {other}")),
                    }
                }
            }
        }
    }

    /// Applies pending operators of these kinds, down to the first of another.
    fn settle(&mut self, kinds: &[Pending]) {
        while let Some(pending) = self.pending.pop_if(|top| kinds.contains(top)) {
            match pending {
                Pending::Not => self.steps.push(Step::Not),
                Pending::And => self.steps.push(Step::And),
                Pending::Or => self.steps.push(Step::Or),
                Pending::Open => {}
            }
        }
    }

    /// Reads a token; the empty one is the end.
    fn token(&mut self) -> Result<&'a str, String> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let length = match self.rest.chars().next() {
            None => 0,
            Some('(' | ')' | '!') => 1,
            Some('&') if self.rest.starts_with("&&") => 2,
            Some('|') if self.rest.starts_with("||") => 2,
            Some(first) if is_tag_character(first) => self
                .rest
                .find(|character| !is_tag_character(character))
                .unwrap_or(self.rest.len()),
            Some(other) => return Err(format!("invalid syntax at {other}")),
        };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(token)
    }
}
