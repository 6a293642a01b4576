//! Durations, sizes and widths as people read them.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::event::Status;
use super::step::since;

/// Formats a duration: `0.0s`, `12.3s`, `2m03s`, `1h02m`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => {
            // Tenths are cut, not rounded, so that 59.96s does not become 60.0s.
            let tenths = duration.subsec_millis() / 100;
            format!("{seconds}.{tenths}s")
        }
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Formats a size in decimal units: `512B`, `6.2kB`, `233.7MB`.
pub(super) fn size(bytes: i64) -> String {
    let bytes = bytes.max(0);
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|&(unit, _)| bytes >= unit) {
        Some((unit, name)) => format!("{}.{}{name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes}B"),
    }
}

/// Formats how far a transfer is: `6.2MB / 233.7MB`, the size alone if the total is unknown.
pub(super) fn progress(current: i64, total: i64) -> String {
    match (current, total) {
        (0, 0) => String::new(),
        (current, 0) => size(current),
        (current, total) => format!("{} / {}", size(current), size(total)),
    }
}

/// Returns how long a transfer has taken as of its last report; none if it does not say.
pub(super) fn transfer_time(transfer: &Status) -> Option<Duration> {
    let end = transfer.completed.unwrap_or(transfer.timestamp);
    transfer.started.map(|start| since(start, end))
}

/// Replaces tabs, which have no width of their own, by spaces.
pub(super) fn untabbed(text: &str) -> String {
    text.replace('\t', "    ")
}

/// Puts lines behind one another, as a row of a terminal has them.
pub(super) fn in_one_row(lines: &str) -> String {
    lines.replace('\n', " ")
}

/// Returns the number of terminal columns `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Cuts `text` to at most `columns` columns, marking the cut by an ellipsis.
pub(super) fn truncated(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut used = 0;
    let mut cut: String = text
        .chars()
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used < columns
        })
        .collect();
    if columns > 0 {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes() {
        let shown = |millis| duration(Duration::from_millis(millis));
        assert_eq!(shown(0), "0.0s");
        assert_eq!(shown(3_249), "3.2s");
        assert_eq!(shown(59_990), "59.9s");
        assert_eq!(shown(123_000), "2m03s");
        assert_eq!(shown(3_725_000), "1h02m");
        assert_eq!(size(-1), "0B");
        assert_eq!(size(999), "999B");
        assert_eq!(size(6_192_503), "6.1MB");
        assert_eq!(size(i64::MAX), "9223372036.8GB");
    }

    #[test]
    fn truncation_counts_columns() {
        assert_eq!(truncated("compile", 7), "compile");
        assert_eq!(truncated("compile", 6), "compi…");
        assert_eq!(truncated("編譯程式", 6), "編譯…");
        assert_eq!(truncated("編譯程式", 8), "編譯程式");
        assert_eq!(truncated("abc", 0), "");
        for columns in 0..12 {
            assert!(width(&truncated("a編b譯c程d式e", columns)) <= columns);
        }
    }
}
