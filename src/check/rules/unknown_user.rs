//! A user or group by a name that the image does not know: no container of it starts.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject, View};
use crate::project::manifest::Base;

pub(super) static RULE: Rule = Rule {
    name: "UnknownUser",
    description: "Users and groups that are named should be in the image's /etc/passwd and /etc/group",
    level: Level::Warning,
    opt_in: false,
    run,
};

/// Users of the built-in base.
const USERS: [&str; 3] = ["root", "nobody", "nonroot"];
/// Its groups.
const GROUPS: [&str; 5] = ["root", "nobody", "tty", "staff", "nonroot"];

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    subject.images().iter().filter_map(check).collect()
}

fn check(view: &View<'_>) -> Option<Raised> {
    let user = view.image.user.as_deref()?;
    let (user, group) = match user.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (user, None),
    };
    // The project may bring the files itself.
    let brings = |copy: &str| copy == "/" || copy.starts_with("/etc");
    if view.image.files.iter().any(|copy| brings(&copy.to)) {
        return None;
    }
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let missing = view.platforms().find_map(|image| {
        let (users, groups): (&[&str], &[&str]) = match image.base {
            Base::Static => (&USERS, &GROUPS),
            // Runtimes know root without any file.
            Base::Scratch => (&["root"], &["root"]),
            Base::Image(_) => return None,
        };
        if !is_number(user) && !users.contains(&user) {
            return Some((user, "user"));
        }
        let group = group.filter(|group| !is_number(group) && !groups.contains(group));
        group.map(|group| (group, "group"))
    });
    let (name, what) = missing?;
    let key = view.key.key("user");
    let message = format!("`{key}` names the {what} {name:?}, which the image does not know");
    Some(Raised::at_key(key, message).help(
        "write a number, such as \"65532:65532\", or take the built-in base and its user nonroot",
    ))
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    #[test]
    fn names_must_be_of_the_base() {
        Checked::image("user = \"app\"").finds(&[
            "UnknownUser goimage.toml:4:8 `image[0].user` names the user \"app\", which the image does not know",
        ]);
        Checked::image("user = \"nonroot:www\"").finds(&[
            "UnknownUser goimage.toml:4:8 `image[0].user` names the group \"www\", which the image does not know",
        ]);
        Checked::image("base = \"scratch\"\nuser = \"nonroot\"").finds(&[
            "UnknownUser goimage.toml:5:8 `image[0].user` names the user \"nonroot\", which the image does not know",
        ]);
    }

    #[test]
    fn numbers_and_what_other_bases_hold_are_right() {
        Checked::image("user = \"nonroot:staff\"").is_clean();
        Checked::image("base = \"scratch\"\nuser = \"1000:1000\"").is_clean();
        Checked::image("base = \"r.test/base:1\"\nuser = \"app\"").is_clean();
        Checked::image("user = \"app\"\nfiles = [{ from = \"passwd\", to = \"/etc/passwd\" }]")
            .with("passwd", "app:x:1:1::/:/x\n")
            .is_clean();
    }
}
