//! Time zones by name on `scratch`, which has none.

use crate::check::golang::first_use;
use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};
use crate::project::manifest::Base;

pub(super) static RULE: Rule = Rule {
    name: "NoTimeZones",
    description: "Programs that load time zones need the zones in their image",
    level: Level::Warning,
    opt_in: false,
    run,
};

const ZONES: &[(&str, &[&str])] = &[("time", &["LoadLocation"])];

/// The build tag that compiles the zones in, as importing `time/tzdata` does.
const TAG: &str = "timetzdata";

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let mut raised = Vec::new();
    let tagged = subject.manifest.go.tags.iter().any(|tag| tag == TAG);
    for view in subject.images() {
        let zones =
            |to: &str| to.starts_with("/usr/share/zoneinfo") || to.starts_with("/etc/zoneinfo");
        let copied = view.image.files.iter().any(|copy| zones(&copy.to));
        let elsewhere = view.image.env.contains_key("ZONEINFO");
        if tagged || copied || elsewhere || view.image.tzdata == Some(true) {
            continue;
        }
        let scratch = view.platforms().filter(|image| image.base == Base::Scratch);
        let programs = scratch.flat_map(|image| subject.programs(image));
        let without = programs.filter(|closure| !closure.standard.contains("time/tzdata"));
        let found = without
            .filter_map(|closure| first_use(subject, closure, ZONES, |_| true))
            .next();
        raised.extend(found.map(|found| {
            let message = format!("{found}, and scratch has no time zones");
            Raised::at_key(view.key.key("base"), message)
                .help("add `tzdata = true`, or take the built-in base, `base = \"static\"`")
        }));
    }
    raised
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    fn checked(image: &str, imports: &str) -> Checked {
        let text = format!(
            "package main\n\nimport (\n\t\"time\"\n{imports})\n\nfunc main() {{ time.LoadLocation(\"Europe/Berlin\") }}\n"
        );
        Checked::image(image).with("main.go", &text)
    }

    #[test]
    fn zones_on_scratch_are_missed() {
        checked("base = \"scratch\"", "").finds(&[
            "NoTimeZones goimage.toml:4:8 main.go:7:15 uses time.LoadLocation, and scratch has no time zones",
        ]);
    }

    #[test]
    fn zones_come_from_many_places() {
        checked("base = \"static\"", "").is_clean();
        checked("base = \"scratch\"\ntzdata = true", "").is_clean();
        checked("base = \"scratch\"", "\t_ \"time/tzdata\"\n").is_clean();
        checked("base = \"scratch\"\nenv = { ZONEINFO = \"/z.zip\" }", "").is_clean();
    }
}
