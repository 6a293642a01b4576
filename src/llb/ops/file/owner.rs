//! Who owns what a file action makes, and when it was made.

use buildkit_proto::pb;

use crate::llb::error::Error;
use crate::llb::vertex::EMPTY_INPUT;

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// By number.
    Id(u32),
    /// By name, looked up in `/etc/passwd` or `/etc/group` of the filesystem that is changed.
    Name(String),
}

/// Owner of the files that an action makes. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: Option<Account>,
    /// The group.
    pub group: Option<Account>,
}

impl Owner {
    /// Returns an owner by numbers.
    #[must_use]
    pub fn ids(uid: u32, gid: u32) -> Self {
        Self {
            user: Some(Account::Id(uid)),
            group: Some(Account::Id(gid)),
        }
    }

    /// Encodes an owner; names are looked up in the op input at `base`.
    pub(super) fn into_pb(owner: Option<Self>, base: i64) -> Result<Option<pb::ChownOpt>, Error> {
        let Some(owner) = owner else {
            return Ok(None);
        };
        let account = |account: Option<Account>| account.map(|a| a.into_pb(base)).transpose();
        Ok(Some(pb::ChownOpt {
            user: account(owner.user)?,
            group: account(owner.group)?,
        }))
    }
}

impl Account {
    fn into_pb(self, base: i64) -> Result<pb::UserOpt, Error> {
        let user = match self {
            Self::Id(id) => pb::user_opt::User::ById(id),
            Self::Name(name) if base == EMPTY_INPUT => {
                return Err(Error::NamedOwnerOnScratch { name });
            }
            Self::Name(name) => pb::user_opt::User::ByName(pb::NamedUserOpt { name, input: base }),
        };
        Ok(pb::UserOpt { user: Some(user) })
    }
}

/// A modification time, at or after 1970: -1 is how the wire says "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(u32);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Returns the time `seconds` after the epoch.
    #[must_use]
    pub const fn from_unix_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// Encodes a time in nanoseconds.
    pub(super) fn to_pb(timestamp: Option<Self>) -> i64 {
        timestamp.map_or(-1, |Self(seconds)| i64::from(seconds) * 1_000_000_000)
    }
}
