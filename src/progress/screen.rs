//! The part of a terminal that is drawn over and over: rows in, the bytes that turn the last frame
//! into this one out.
//!
//! Invariants: between frames the cursor stands at the start of the row below the last one drawn;
//! only rows that changed are written; a frame is bracketed as a synchronized update, so a terminal
//! that knows those (private mode 2026) never shows half of it.

use super::render::{Frame, Size};

/// A row as it is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Text with its styling.
    pub(super) text: String,
    /// Columns it takes.
    pub(super) width: usize,
}

/// What the terminal shows now.
#[derive(Debug, Default)]
pub(super) struct Screen {
    rows: Vec<Row>,
    columns: u16,
    cursor_hidden: bool,
}

impl Screen {
    /// Draws `rows` in place of the last frame; `above` scrolls out of the way for good.
    pub(super) fn draw(&mut self, above: &[String], rows: Vec<Row>, size: Size, out: &mut Frame) {
        let resized = self.columns != size.columns && !self.rows.is_empty();
        if above.is_empty() && rows == self.rows && !resized {
            return;
        }
        out.push("\x1b[?2026h");
        if !self.cursor_hidden {
            out.push("\x1b[?25l");
            self.cursor_hidden = true;
        }
        if resized || !above.is_empty() {
            self.erase(size, out);
            for line in above {
                out.push(line);
                out.push("\r\n");
            }
        } else {
            up(self.rows.len(), out);
        }
        self.write_changed(&rows, out);
        out.push("\x1b[?2026l");
        self.rows = rows;
        self.columns = size.columns;
    }

    /// Leaves the last frame where it is and shows the cursor again.
    pub(super) fn release(&mut self, out: &mut Frame) {
        self.rows.clear();
        if std::mem::take(&mut self.cursor_hidden) {
            out.push("\x1b[?25h");
        }
    }

    /// Clears the last frame, which a narrower terminal has wrapped onto more rows.
    fn erase(&mut self, size: Size, out: &mut Frame) {
        let columns = usize::from(size.columns.max(1));
        let rows = self.rows.iter();
        let occupied: usize = rows.map(|row| row.width.div_ceil(columns).max(1)).sum();
        up(occupied, out);
        out.push("\x1b[J");
        self.rows.clear();
    }

    fn write_changed(&self, rows: &[Row], out: &mut Frame) {
        for (index, row) in rows.iter().enumerate() {
            if self.rows.get(index) != Some(row) {
                out.push(&row.text);
                out.push("\x1b[K");
            }
            out.push("\r\n");
        }
        if rows.len() < self.rows.len() {
            out.push("\x1b[J");
        }
    }
}

fn up(rows: usize, out: &mut Frame) {
    if rows > 0 {
        out.push(&format!("\x1b[{rows}A"));
    }
    out.push("\r");
}
