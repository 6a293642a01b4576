//! A report as text: `warning: …`, the lines it is about, `hint: …`.

use std::fmt::Write as _;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};

use super::{Finding, Level, Report};

impl Report {
    /// Returns the findings for people; nothing if there are none.
    #[must_use]
    pub fn text(&self) -> String {
        let findings = self.findings.iter();
        let blocks: Vec<String> = findings.map(|finding| self.block(finding)).collect();
        blocks.join("\n")
    }

    /// Returns how many findings there are, in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let counted = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            more => Some(format!("{more} {what}s")),
        };
        let parts = [
            counted(self.errors(), "error"),
            counted(self.warnings(), "warning"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => "nothing found".to_owned(),
            false => parts.join(", "),
        }
    }

    fn block(&self, finding: &Finding) -> String {
        let level = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let rule = finding.rule.map(|rule| format!(" ({})", rule.name));
        let mut text = format!("{level}: {}{}\n", finding.message, rule.unwrap_or_default());
        text.push_str(&self.excerpt(finding));
        if let Some(help) = &finding.help {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "hint: {help}");
        }
        text
    }

    /// Returns the lines that a finding is about; their place alone if the text is not known.
    fn excerpt(&self, finding: &Finding) -> String {
        let Some(place) = finding.place() else {
            return String::new();
        };
        let start = place.start;
        let Some(source) = self.sources.get(&place.file) else {
            return format!("  at {}:{}:{}\n", place.file, start.line, start.column);
        };
        let labels = finding.labels.iter();
        let labels = labels.filter(|(other, _)| other.file == place.file);
        let shown = Excerpt {
            text: miette::NamedSource::new(&place.file, source.clone()),
            labels: labels
                .map(|(place, label)| {
                    LabeledSpan::new_with_span(label.clone(), place.range(source))
                })
                .collect(),
        };
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(100);
        let mut rendered = String::new();
        // Rendering into a string cannot fail.
        let _ = handler.render_report(&mut rendered, &shown);
        // The first line is the message, which has been said.
        let lines = rendered.lines().skip(1).map(str::trim_end);
        lines
            .filter(|line| !line.is_empty())
            .flat_map(|line| [line, "\n"])
            .collect()
    }
}

/// A diagnostic that is nothing but its excerpt.
#[derive(Debug, thiserror::Error)]
#[error("-")]
struct Excerpt {
    text: miette::NamedSource<String>,
    labels: Vec<LabeledSpan>,
}

impl Diagnostic for Excerpt {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
