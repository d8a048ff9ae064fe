//! Aligned columns of plain text.

use crate::telemetry::is_unsafe;

/// Rows under headings, each column as wide as its widest cell.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        Self {
            rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()],
        }
    }

    /// A table without headings.
    pub(super) const fn bare() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds a row. An empty cell is shown as a dash in a table with headings.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// The text, each line behind `indent`, without spaces at the ends.
    pub(super) fn text(&self, indent: &str) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = indent.to_owned();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let gap = width.saturating_sub(cell.chars().count()) + 2;
                line.extend(std::iter::repeat_n(' ', gap));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The text, or a dash where there is none.
pub(super) fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// Text of a machine or an operator as it may be shown: no control characters, nothing that turns the line around.
pub(super) fn safe(text: &str) -> String {
    text.chars()
        .map(|c| if c != '\n' && is_unsafe(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_with_text() {
        let mut table = Table::new(&["HOST", "STATE", "SEEN"]);
        table.row(["oak-42".to_owned(), "new".to_owned(), "-".to_owned()]);
        table.row(["ä".to_owned(), "installing".to_owned(), String::new()]);
        let expected = "> HOST    STATE       SEEN\n> oak-42  new         -\n> ä       installing\n";
        assert_eq!(table.text("> "), expected);
    }

    #[test]
    fn a_machine_cannot_steer_the_terminal() {
        assert_eq!(safe("a\u{1b}[31mb\u{202e}c"), "a\u{fffd}[31mb\u{fffd}c");
    }
}
