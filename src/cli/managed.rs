//! The managed daemon of this user, as the environment has it.

use std::time::Duration;

use super::settings::folder;
use crate::builder::{Idle, Managed};
use crate::error::{Error, Kind};

/// How long nobody builds before the managed daemon ends, unless something else is said.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// Returns the managed daemon of this user.
pub(super) fn managed_builder() -> Result<Managed, Error> {
    let folder = folder("XDG_DATA_HOME", ".local/share")?.join("gobuild/builder");
    let after = match std::env::var("GOBUILD_BUILDER_IDLE") {
        Ok(text) if !text.is_empty() => duration(&text).ok_or_else(|| {
            let message = format!("GOBUILD_BUILDER_IDLE={text} is no duration such as 30m");
            Error::new(Kind::Usage, message).hinted("0 lets the managed builder run".to_owned())
        })?,
        _ => IDLE,
    };
    let program = std::env::current_exe().ok();
    let program = program.filter(|_| !after.is_zero());
    let idle = program.map(|program| Idle {
        after,
        watcher: vec![program.into(), "builder".into(), "watch".into()],
    });
    Ok(Managed::new(folder).with_idle(idle))
}

/// Reads a duration as Go writes it, with one unit: `90s`, `30m`, `2h`; zero needs none.
fn duration(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(at.unwrap_or(text.len()));
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "" if number == 0 => 0,
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let seconds = |text: &str| duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("90s"), Some(90));
        assert_eq!(seconds("30m"), Some(1800));
        assert_eq!(seconds("2h"), Some(7200));
        assert_eq!(seconds("0"), Some(0));
        for wrong in ["", "30", "m", "1d", "-1s", "99999999999999999999h"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
