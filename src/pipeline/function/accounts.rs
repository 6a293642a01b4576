//! Owners of copied files: numbers as they are, names looked up in the image they are copied to.

use super::{CacheUse, solve};
use crate::buildkit::gateway::Gateway;
use crate::llb::Output;

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// A name that cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The base has no such user or group.
    #[error("owner {name:?} of copied files is not in {file} of the base")]
    Unknown {
        /// The user or group.
        name: String,
        /// Where it was looked for.
        file: &'static str,
    },
    /// There is nothing to look it up in.
    #[error("owner {name:?} of copied files cannot be looked up without a base")]
    Scratch {
        /// The user or group.
        name: String,
    },
    /// The base cannot be read.
    #[error("owner {name:?} of copied files cannot be looked up")]
    Read {
        /// The user or group.
        name: String,
        /// The daemon's answer.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Reads `user[:group]` where there is no base to look names up in.
pub(super) fn numeric(text: &str) -> Result<(u32, u32), AccountError> {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    let id = |name: &str| {
        name.parse().map_err(|_| AccountError::Scratch {
            name: name.to_owned(),
        })
    };
    Ok((id(user)?, id(group)?))
}

/// Reads `user[:group]`. As with Docker's `--chown`, a number alone is also the group's, and a
/// name alone brings the group that the base gives that user.
///
/// Source: BuildKit `solver/llbsolver/ops/user_linux.go`.
pub(super) async fn owner(
    gateway: &Gateway,
    base: &Output,
    text: &str,
) -> Result<(u32, u32), AccountError> {
    let Some((user, group)) = text.split_once(':') else {
        let user = account(gateway, base, text, USERS).await?;
        return Ok((user.id, user.group.unwrap_or(user.id)));
    };
    let user = account(gateway, base, user, USERS).await?.id;
    let group = account(gateway, base, group, GROUPS).await?.id;
    Ok((user, group))
}

/// A user or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    id: u32,
    /// The group of a user that was looked up.
    group: Option<u32>,
}

/// Reads a number, or looks a name up in a file of the base.
async fn account(
    gateway: &Gateway,
    base: &Output,
    name: &str,
    file: &'static str,
) -> Result<Account, AccountError> {
    if let Ok(id) = name.parse() {
        return Ok(Account { id, group: None });
    }
    if base.is_scratch() {
        return Err(AccountError::Scratch {
            name: name.to_owned(),
        });
    }
    let unread = |source| AccountError::Read {
        name: name.to_owned(),
        source,
    };
    let reference = solve(gateway, base, CacheUse::Asked)
        .await
        .map_err(|error| unread(error.into()))?;
    let table = gateway
        .read_file(&reference, file)
        .await
        .map_err(|error| unread(error.into()))?;
    find(&String::from_utf8_lossy(&table), name).ok_or_else(|| AccountError::Unknown {
        name: name.to_owned(),
        file,
    })
}

/// Finds a name in the text of `/etc/passwd` (`name:password:id:group:…`) or `/etc/group`
/// (`name:password:id:members`).
fn find(table: &str, name: &str) -> Option<Account> {
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [found, _, id, rest @ ..] = fields.as_slice() else {
            return None;
        };
        let id = id.parse().ok().filter(|_| *found == name)?;
        // In the groups file the members are the last field.
        let group = match rest {
            [group, _, ..] => group.parse().ok(),
            _ => None,
        };
        Some(Account { id, group })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_either_file() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\napp:x:1000:50:App:/home/app:/bin/sh\n";
        let account = |id, group| Some(Account { id, group });
        assert_eq!(find(users, "app"), account(1000, Some(50)));
        assert_eq!(find(users, "ap"), None);
        let groups = "root:x:0:\nstaff:x:50:app,root\nodd:x:no:\n";
        assert_eq!(find(groups, "staff"), account(50, None));
        assert_eq!(find(groups, "odd"), None);
    }

    #[test]
    fn without_a_base_only_numbers_are_owners() {
        assert_eq!(numeric("1000").unwrap(), (1000, 1000));
        assert_eq!(numeric("1000:50").unwrap(), (1000, 50));
        assert_eq!(
            numeric("1000:staff").unwrap_err().to_string(),
            "owner \"staff\" of copied files cannot be looked up without a base"
        );
    }
}
