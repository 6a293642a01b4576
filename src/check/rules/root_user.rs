//! An image that runs as root because the manifest says so.

use crate::check::rule::Raised;
use crate::check::{Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    name: "RootUser",
    description: "Programs should not run as root",
    level: Level::Warning,
    opt_in: false,
    run,
};

fn run(subject: &Subject<'_>) -> Vec<Raised> {
    let images = subject.images().into_iter();
    images
        .filter_map(|view| {
            let user = view.image.user.as_deref()?;
            let name = user.split(':').next().unwrap_or(user);
            let root = name == "root" || name.parse() == Ok(0_u32);
            root.then(|| {
                let key = view.key.key("user");
                Raised::at_key(key.clone(), format!("`{key}` is root")).help(
                    "name a user without privileges, such as \"65532:65532\"; \
                     the built-in base has it as default",
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::check::fixture::Checked;

    #[test]
    fn root_has_a_name_and_a_number() {
        for user in ["root", "0", "0:65532", "root:root", "00"] {
            Checked::image(&format!("user = {user:?}"))
                .finds(&["RootUser goimage.toml:4:8 `image[0].user` is root"]);
        }
        for user in ["65532", "nonroot", "1000:0"] {
            Checked::image(&format!("user = {user:?}")).is_clean();
        }
    }
}
