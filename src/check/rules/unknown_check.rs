//! A check line that says something nobody understands.

use crate::check::options::{Options, directive};
use crate::check::rule::{At, Raised};
use crate::check::{Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    name: "UnknownCheck",
    description: "The check line should name rules and options that there are",
    level: Level::Warning,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let text = subject.document.map(|document| document.text());
    let Some(directive) = text.and_then(directive) else {
        return Vec::new();
    };
    let mut unknown = Vec::new();
    Options::parse_noting(directive.value, &mut unknown);
    let line = directive.line;
    let raised = unknown.into_iter();
    raised
        .map(|unknown| Raised::at(At::Line(line), unknown.message).help(unknown.help))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    #[test]
    fn a_rule_that_is_not_there_is_named() {
        Checked::of("# check=skip=RootUsr\nversion = 1\n")
            .finds(&["UnknownCheck goimage.toml:1:1 there is no rule \"RootUsr\""]);
        Checked::of("# check=skip=RootUser;error=false\nversion = 1\n").is_clean();
    }
}
